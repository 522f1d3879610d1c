//! The running budget: what was committed to calls is never more than the caller allows.

use super::recent::Recent;
use crate::error::{Error, Result};
use serde::Serialize;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many commitments can still be corrected by what a call really cost.
const REMEMBERED: usize = 65_536;

/// How a running budget stands.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Budget {
    /// What the caller allows in all, in US dollars.
    pub limit_usd: f64,
    /// The cost of calls whose cost is known, and of the others what they may cost, in US dollars.
    pub committed_usd: f64,
}

impl Budget {
    /// What may still be committed, in US dollars; below 0 where calls have cost more than they were expected to.
    pub fn left(&self) -> f64 {
        self.limit_usd - self.committed_usd
    }
}

pub(super) struct Ledger(Mutex<State>);

struct State {
    budget: Budget,
    open: Recent<String, f64>,
}

impl Ledger {
    /// # Errors
    /// [`Error::BadInput`] for a limit that is no sum of money.
    pub(super) fn new(limit_usd: f64) -> Result<Self> {
        if !(limit_usd.is_finite() && limit_usd >= 0.0) {
            return Err(Error::input("budgetUsd", format!("{limit_usd} is not a finite number, 0 or more")));
        }
        let budget = Budget { limit_usd, committed_usd: 0.0 };
        Ok(Self(Mutex::new(State { budget, open: Recent::new(REMEMBERED) })))
    }

    /// Sums stay whole whatever panicked beside them.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn budget(&self) -> Budget {
        self.state().budget
    }

    /// Commits what each decision may cost, all or none.
    ///
    /// # Errors
    /// [`Error::NoEligible`] where that is more than is left, as when another thread was faster.
    pub(super) fn commit(&self, calls: &[(&str, f64)]) -> Result<()> {
        let mut state = self.state();
        let (sum, left) = (calls.iter().map(|call| call.1).sum::<f64>(), state.budget.left());
        if sum > left {
            return Err(Error::NoEligible { why: format!("${sum} is more than the ${left} that are left of the budget") });
        }
        state.budget.committed_usd += sum;
        calls.iter().for_each(|(id, usd)| state.open.insert((*id).into(), *usd));
        Ok(())
    }

    /// What is committed, in US dollars, and by which decisions whose cost is not known yet.
    pub(super) fn commitments(&self) -> (f64, Vec<(String, f64)>) {
        let state = self.state();
        (state.budget.committed_usd, state.open.iter().map(|(id, usd)| (id.clone(), *usd)).collect())
    }

    /// Goes on where another ledger of this limit ended.
    pub(super) fn resume(&self, committed_usd: f64, open: Vec<(String, f64)>) {
        let mut state = self.state();
        state.budget.committed_usd = committed_usd;
        open.into_iter().for_each(|(id, usd)| state.open.insert(id, usd));
    }

    /// Puts what a call cost in the place of what it might have cost. Whether its commitment was still open.
    pub(super) fn settle(&self, id: &str, usd: f64) -> bool {
        let mut state = self.state();
        let committed = state.open.remove(&id.to_owned());
        committed.inspect(|committed| state.budget.committed_usd += usd - committed).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commitments_are_all_or_none_and_are_settled_once() {
        let ledger = Ledger::new(1.0).unwrap();
        ledger.commit(&[("a", 0.5), ("b", 0.25)]).unwrap();
        assert_eq!(ledger.commit(&[("c", 0.125), ("d", 0.25)]).unwrap_err().code(), "NO_ELIGIBLE");
        assert!((ledger.budget().left() - 0.25).abs() < 1e-12);
        assert!(ledger.settle("a", 0.125) && !ledger.settle("a", 0.0) && !ledger.settle("c", 0.0));
        assert!((ledger.budget().left() - 0.625).abs() < 1e-12);
        assert_eq!(Ledger::new(f64::NAN).err().unwrap().code(), "BAD_INPUT");
    }
}
