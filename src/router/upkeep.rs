//! What changes a router between prompts: learning, a budget, a better embedder.

use super::ledger::{Budget, Ledger};
use super::receipt::Receipt;
use super::{Feedback, Learner, Router};
use crate::artifact::RouterFile;
use crate::bandit::Learning;
use crate::embedder::EmbedderFile;
use crate::error::{Error, Result};

impl Router {
    /// Turns on learning from [`Router::feedback`]. `seed` is for Thompson sampling. What was learned before is lost.
    ///
    /// # Errors
    /// [`Error::BadInput`] for settings out of range.
    pub fn learn(&mut self, settings: Learning, seed: u64) -> Result<()> {
        self.learner = Some(Learner::new(self.catalog.len(), &*self.embedder, &self.features, settings, seed)?);
        Ok(())
    }

    /// Allows all calls together so many US dollars from now on. Each decision commits what its call may cost, and what
    /// is told by [`Router::feedback`] replaces that; a candidate that may cost more than what is left is not chosen.
    ///
    /// # Errors
    /// [`Error::BadInput`] for a limit that is no sum of money.
    pub fn limit(&mut self, budget_usd: f64) -> Result<()> {
        self.ledger = Some(Ledger::new(budget_usd)?);
        Ok(())
    }

    /// How the running budget stands, where there is one.
    pub fn budget(&self) -> Option<Budget> {
        self.ledger.as_ref().map(Ledger::budget)
    }

    /// Tells what came of a decision. It may come late, or never: the last few thousand decisions are remembered.
    ///
    /// # Errors
    /// [`Error::BadInput`] for an id that is not remembered, numbers out of range, or a router that neither learns nor
    /// keeps a budget.
    pub fn feedback(&self, id: &str, feedback: Feedback) -> Result<()> {
        feedback.check()?;
        let settled = self.ledger.as_ref().zip(feedback.usd).is_some_and(|(ledger, usd)| ledger.settle(id, usd));
        match (&self.learner, &self.ledger) {
            (Some(learner), _) => match &self.retired {
                Some(retired) if retired.remembers(id) => retired.feedback(id, feedback),
                _ => learner.feedback(id, feedback),
            },
            (None, Some(_)) if settled => Ok(()),
            (None, Some(_)) => {
                Err(Error::input("id", format!("no decision {id:?} waits to hear its cost; a router that does not learn hears no score")))
            }
            (None, None) => self.learner().map(|_| ()),
        }
    }

    /// What was learned: sums that [`Router::merge_state`] adds up. They hold no text.
    ///
    /// # Errors
    /// [`Error::BadInput`] for a router that does not learn.
    pub fn export_state(&self) -> Result<Vec<u8>> {
        Ok(self.learner()?.export(&self.candidate_ids()))
    }

    /// Adds what another router has learned, which may know other candidates. Nothing changes where this fails.
    ///
    /// # Errors
    /// [`Error::BadArtifact`] for bytes that are no state, [`Error::Mismatch`] for one of other dimensions,
    /// or of another embedder or projection, [`Error::BadInput`] for a router that does not learn.
    pub fn merge_state(&self, state: &[u8]) -> Result<()> {
        self.learner()?.merge(&self.candidate_ids(), state)
    }

    /// What was learned here, and not merged, since the last drain, for a router whose learning is `shared`. What comes
    /// next is counted anew: whoever drains must deliver.
    ///
    /// # Errors
    /// [`Error::BadInput`] for a router that does not learn, or not `shared`.
    pub fn drain_state(&self) -> Result<Vec<u8>> {
        self.learner()?.drain(&self.candidate_ids())
    }

    /// Forgets what was learned, but for what was not yet drained, and takes these sums in its place.
    ///
    /// # Errors
    /// As [`Router::merge_state`].
    pub fn replace_state(&self, state: &[u8]) -> Result<()> {
        self.learner()?.replace(&self.candidate_ids(), state)
    }

    /// What feedback on this decision needs, so that another router of the same files may hear it by
    /// [`Router::redeem`]. It holds no text, but the prompt's embedding as the bandit sees it.
    ///
    /// # Errors
    /// [`Error::BadInput`] for an id that is not remembered, or a router that does not learn.
    pub fn receipt(&self, id: &str) -> Result<Vec<u8>> {
        Ok(self.learner()?.receipt(id, &self.candidate_ids())?.to_bytes())
    }

    /// Feedback on a decision that any router of the same files may have made. One that was heard here is refused; what
    /// another router heard, this one cannot know.
    ///
    /// # Errors
    /// As [`Router::feedback`]; [`Error::Mismatch`] for a receipt of another embedder, projection or other dimensions.
    pub fn redeem(&self, receipt: &[u8], feedback: Feedback) -> Result<()> {
        feedback.check()?;
        let receipt = Receipt::parse(receipt)?;
        let learner = self.learner()?;
        let expected = learner.space();
        if receipt.space != expected {
            return Err(Error::Mismatch { part: "embedder or projection of the receipt".into(), expected, found: receipt.space });
        }
        let id = receipt.id.clone();
        learner.reopen(receipt, &self.candidate_ids())?;
        self.feedback(&id, feedback)
    }

    pub(super) fn learner(&self) -> Result<&Learner> {
        self.learner.as_ref().ok_or_else(|| Error::input("learn", "this router does not learn; turn it on when it is made"))
    }

    /// Goes on with another head and embedder for the same candidates: decision ids, budget and sessions stay. What was
    /// learned stays with the same embedder and projection; on another, learning starts anew, because its directions mean other things.
    ///
    /// # Errors
    /// As [`Router::open`], and [`Error::Mismatch`] for other candidates. Nothing changes where this fails.
    pub fn upgrade(&mut self, router: RouterFile, embedder: EmbedderFile) -> Result<()> {
        self.become_like(Self::open(router, embedder, 0)?)
    }

    /// As [`Router::upgrade`], from a router that is put together already.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for other candidates.
    pub fn become_like(&mut self, next: Self) -> Result<()> {
        if next.candidate_ids() != self.candidate_ids() {
            let (expected, found) = (self.candidate_ids().join(", "), next.candidate_ids().join(", "));
            return Err(Error::Mismatch { part: "candidates".into(), expected, found });
        }
        let Self { tokenizer, embedder, features, head, catalog, dials, provenance, .. } = next;
        if let Some(learner) = &self.learner {
            let fresh = learner.afresh(catalog.len(), &*embedder, &features)?;
            if fresh.space() != learner.space() {
                self.retired = self.learner.replace(fresh);
            }
        }
        (self.tokenizer, self.embedder, self.features, self.head) = (tokenizer, embedder, features, head);
        (self.catalog, self.dials, self.provenance) = (catalog, dials, provenance);
        Ok(())
    }
}
