//! Which candidate has which conversation in its prompt cache.

use super::recent::Recent;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

const REMEMBERED: usize = 4096;

/// The last call of a conversation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Turn {
    pub candidate: usize,
    /// Length of the request, in tokens: the part of the next one that the provider may have in its cache.
    pub tokens: f64,
}

/// By the hash of the caller's name for it: no name is kept.
pub(super) struct Sessions(Mutex<Recent<u64, Turn>>);

impl Sessions {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Recent::new(REMEMBERED)))
    }

    pub(super) fn last(&self, session: &str) -> Option<Turn> {
        self.state().get(&hash(session)).copied()
    }

    pub(super) fn remember(&self, session: &str, turn: Turn) {
        self.insert(hash(session), turn);
    }

    pub(super) fn insert(&self, session: u64, turn: Turn) {
        self.state().insert(session, turn);
    }

    /// By the hash of its name, from the oldest.
    pub(super) fn all(&self) -> Vec<(u64, Turn)> {
        self.state().iter().map(|(session, turn)| (*session, *turn)).collect()
    }

    /// Turns stay whole whatever panicked beside them.
    fn state(&self) -> MutexGuard<'_, Recent<u64, Turn>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash(session: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    session.hash(&mut hasher);
    hasher.finish()
}
