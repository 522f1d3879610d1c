//! What changes a router between prompts: learning, a budget, a better embedder.

use super::ledger::{Budget, Ledger};
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
        self.learner = Some(Learner::new(self.catalog.len(), self.width(), settings, seed)?);
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
    /// [`Error::BadInput`] for a router that does not learn.
    pub fn merge_state(&self, state: &[u8]) -> Result<()> {
        self.learner()?.merge(&self.candidate_ids(), state)
    }

    pub(super) fn learner(&self) -> Result<&Learner> {
        self.learner.as_ref().ok_or_else(|| Error::input("learn", "this router does not learn; turn it on when it is made"))
    }

    /// Goes on with another head and embedder for the same candidates: decision ids, budget and sessions stay. What was
    /// learned stays where the new embeddings are as wide; else learning starts anew.
    ///
    /// # Errors
    /// As [`Router::open`], and [`Error::Mismatch`] for other candidates. Nothing changes where this fails.
    pub fn upgrade(&mut self, router: RouterFile, embedder: EmbedderFile) -> Result<()> {
        let next = Self::open(router, embedder, 0)?;
        if next.candidate_ids() != self.candidate_ids() {
            let (expected, found) = (self.candidate_ids().join(", "), next.candidate_ids().join(", "));
            return Err(Error::Mismatch { part: "candidates".into(), expected, found });
        }
        let Self { tokenizer, embedder, features, head, catalog, dials, provenance, .. } = next;
        if let Some(learner) = &self.learner
            && embedder.width() != self.width()
        {
            let fresh = learner.afresh(catalog.len(), embedder.width())?;
            self.retired = self.learner.replace(fresh);
        }
        (self.tokenizer, self.embedder, self.features, self.head) = (tokenizer, embedder, features, head);
        (self.catalog, self.dials, self.provenance) = (catalog, dials, provenance);
        Ok(())
    }
}
