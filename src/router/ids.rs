//! Names for decisions.

use crate::random::{STEP, mix};
use std::sync::atomic::{AtomicU64, Ordering};

/// Decision ids: unlike for unlike seeds, in sequence within one router.
pub(super) struct Ids {
    state: AtomicU64,
}

impl Ids {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: AtomicU64::new(seed) }
    }

    /// What the next id is made of.
    pub(super) fn state(&self) -> u64 {
        self.state.load(Ordering::Relaxed)
    }

    pub(super) fn go_on(&self, state: u64) {
        self.state.store(state, Ordering::Relaxed);
    }

    pub(super) fn next(&self) -> String {
        format!("{:016x}", mix(self.state.fetch_add(STEP, Ordering::Relaxed)))
    }
}
