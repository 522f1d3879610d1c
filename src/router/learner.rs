//! The bandit on the road: it corrects estimates, may choose in order to learn, and remembers what it may hear of later.

use super::appraisal::Appraisal;
use super::receipt::Receipt;
use super::recent::Recent;
use super::{Feedback, Rate};
use crate::bandit::{Bandit, Learning};
use crate::embedder::{Embedder, Embedding};
use crate::error::{Error, Result};
use crate::features::FeatureMap;
use crate::head::Estimate;
use crate::policy::{Choice, Reason};
use crate::random::Random;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many decisions can still get feedback: 6 MB of contexts at 384 dimensions.
const REMEMBERED: usize = 4096;

/// Learns behind a lock, so that a router can be shared.
pub(super) struct Learner(Mutex<State>);

struct State {
    bandit: Bandit,
    random: Random,
    /// What exploring has cost so far beyond the best guesses, in US dollars.
    spent: f64,
    open: Recent<String, Open>,
    /// Whose score was heard: their receipts are void here.
    closed: Recent<String, ()>,
}

/// A decision that may still get feedback.
struct Open {
    candidate: usize,
    /// What it was expected to cost; gone once its cost is known.
    usd: Option<f64>,
    context: Vec<f32>,
    /// Its quality before correction: what feedback is compared with.
    shipped: f64,
}

impl Open {
    fn receipt(&self, id: &str, ids: &[&str], space: &str) -> Receipt {
        Receipt {
            id: id.into(),
            candidate: ids[self.candidate].into(),
            space: space.into(),
            usd: self.usd,
            shipped: self.shipped,
            context: self.context.clone(),
        }
    }
}

/// What a learner must not forget, beside its bandit.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Waiting {
    pub spent: f64,
    pub random: u64,
    pub open: Vec<Receipt>,
    pub closed: Vec<String>,
}

/// What the bandit saw of one prompt.
pub(super) struct Learned {
    context: Vec<f32>,
    /// By candidate, before correction.
    shipped: Vec<f64>,
    widths: Vec<f64>,
}

impl Learner {
    pub(super) fn new(candidates: usize, embedder: &dyn Embedder, map: &FeatureMap, settings: Learning, seed: u64) -> Result<Self> {
        let bandit = Bandit::new(candidates, embedder.width(), settings)?.of(embedder.fingerprint()).along(map);
        let state = State { bandit, random: Random::new(seed), spent: 0.0, open: Recent::new(REMEMBERED), closed: Recent::new(REMEMBERED) };
        Ok(Self(Mutex::new(state)))
    }

    /// The same settings, and nothing learned.
    pub(super) fn afresh(&self, candidates: usize, embedder: &dyn Embedder, map: &FeatureMap) -> Result<Self> {
        let state = self.state();
        Self::new(candidates, embedder, map, state.bandit.settings().clone(), state.random.clone().next())
    }

    /// Names the embedder and the directions in which it learns.
    pub(super) fn space(&self) -> String {
        format!("{:016x}", self.state().bandit.space())
    }

    pub(super) fn remembers(&self, id: &str) -> bool {
        self.state().open.get(&id.to_owned()).is_some()
    }

    /// Sums stay whole whatever panicked beside them.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves estimates and costs to where feedback says they belong.
    pub(super) fn correct(&self, embedding: &Embedding, estimates: &mut [Estimate], usd: &mut [f64]) -> Learned {
        let state = self.state();
        let context = state.bandit.context(embedding.as_slice());
        let corrections = state.bandit.corrections(&context);
        let unknown = state.bandit.width_of_the_unknown(&context);
        let shipped = estimates.iter().map(|estimate| estimate.quality).collect();
        for (estimate, correction) in estimates.iter_mut().zip(&corrections) {
            estimate.quality = (estimate.quality + correction.shift).clamp(0.0, 1.0);
            // What has been seen is no longer uncertain.
            estimate.spread *= correction.width / unknown;
        }
        usd.iter_mut().zip(state.bandit.cost_factors()).for_each(|(usd, factor)| *usd *= factor);
        let context = context.iter().map(|&x| x as f32).collect();
        Learned { context, shipped, widths: corrections.iter().map(|correction| correction.width).collect() }
    }

    /// The choice, or one that teaches more, and its propensity.
    pub(super) fn explore(&self, appraisal: &Appraisal, rate: Rate, greedy: Choice, explore: Option<f64>) -> (Choice, f64) {
        let mut state = self.state();
        let State { bandit, random, spent, .. } = &mut *state;
        let scale = explore.unwrap_or(bandit.settings().explore);
        let Some(learned) = appraisal.learned.as_ref().filter(|_| scale > 0.0) else { return (greedy, 1.0) };
        let left = bandit.settings().max_explore_usd.map_or(f64::INFINITY, |most| most - *spent);
        let best_guess = appraisal.offers[greedy.index].usd;
        let competing = appraisal.competing();
        // What the cap does not allow is out before the draw: so the propensity is exact.
        let open = |(i, offer): (usize, &crate::policy::Offer)| {
            let affordable = i == greedy.index || appraisal.offers[i].usd - best_guess <= left;
            (offer.ineligible.is_none() && affordable).then(|| offer.utility(rate.lambda, rate.caution))
        };
        let utilities: Vec<Option<f64>> = competing.iter().enumerate().map(open).collect();
        let deviations: Vec<f64> = learned.widths.iter().map(|width| scale * width).collect();
        let Some(tried) = bandit.settings().rule.choose(&utilities, &deviations, random) else { return (greedy, 1.0) };
        if tried.index == greedy.index {
            return (greedy, tried.propensity);
        }
        *spent += (appraisal.offers[tried.index].usd - best_guess).max(0.0);
        (Choice { index: tried.index, reason: Reason::Explore }, tried.propensity)
    }

    pub(super) fn remember(&self, id: &str, candidate: usize, usd: f64, learned: Learned) {
        let Learned { context, shipped, .. } = learned;
        self.state().open.insert(id.into(), Open { candidate, usd: Some(usd), context, shipped: shipped[candidate] });
    }

    /// The cost may come before the score; what follows the score is not waited for.
    pub(super) fn feedback(&self, id: &str, feedback: Feedback) -> Result<()> {
        let mut state = self.state();
        let State { bandit, open, closed, .. } = &mut *state;
        let key = id.to_owned();
        let decision = open.get_mut(&key).ok_or_else(|| unknown(id))?;
        if let Some((paid, expected)) = feedback.usd.and_then(|paid| Some((paid, decision.usd.take()?))) {
            bandit.update_cost(decision.candidate, paid, expected);
        }
        if let Some(score) = feedback.score {
            let context: Vec<f64> = decision.context.iter().map(|&x| f64::from(x)).collect();
            bandit.update(decision.candidate, &context, score - decision.shipped);
            open.remove(&key);
            closed.insert(key, ());
        }
        Ok(())
    }

    /// What feedback on an open decision needs, for another router.
    pub(super) fn receipt(&self, id: &str, ids: &[&str]) -> Result<Receipt> {
        let space = self.space();
        let state = self.state();
        let open = state.open.get(&id.to_owned()).ok_or_else(|| unknown(id))?;
        Ok(open.receipt(id, ids, &space))
    }

    /// Makes the decision of a receipt one that waits for feedback here.
    pub(super) fn reopen(&self, receipt: Receipt, ids: &[&str]) -> Result<()> {
        let mut state = self.state();
        let Receipt { id, candidate, usd, shipped, context, .. } = receipt;
        if state.closed.get(&id).is_some() {
            return Err(Error::input("receipt", format!("decision {id:?} had its score")));
        }
        let width = state.bandit.context_width();
        if context.len() != width {
            let (expected, found) = (width.to_string(), context.len().to_string());
            return Err(Error::Mismatch { part: "dimensions of the receipt".into(), expected, found });
        }
        let unknown = || Error::input("receipt", format!("{candidate:?} is not a candidate here"));
        let candidate = ids.iter().position(|known| *known == candidate).ok_or_else(unknown)?;
        if state.open.get(&id).is_none() {
            state.open.insert(id, Open { candidate, usd, context, shipped });
        }
        Ok(())
    }

    /// What it waits for, and how it would go on exploring.
    pub(super) fn waiting(&self, ids: &[&str]) -> Waiting {
        let space = self.space();
        let state = self.state();
        let receipt = |(id, open): (&String, &Open)| open.receipt(id, ids, &space);
        Waiting {
            spent: state.spent,
            random: state.random.state(),
            open: state.open.iter().map(receipt).collect(),
            closed: state.closed.iter().map(|(id, ())| id.clone()).collect(),
        }
    }

    /// Waits for what another learner of this kind waited for.
    pub(super) fn wait_again(&self, waiting: Waiting, ids: &[&str]) -> Option<()> {
        let Waiting { spent, random, open, closed } = waiting;
        open.into_iter().try_for_each(|receipt| self.reopen(receipt, ids)).ok()?;
        let mut state = self.state();
        (state.spent, state.random) = (spent, Random::new(random));
        closed.into_iter().for_each(|id| state.closed.insert(id, ()));
        Some(())
    }

    pub(super) fn save_arm(&self, candidate: usize) -> Vec<u8> {
        self.state().bandit.save_arm(candidate)
    }

    pub(super) fn restore_arm(&self, candidate: usize, bytes: &[u8]) -> Option<()> {
        self.state().bandit.restore_arm(candidate, bytes)
    }

    pub(super) fn export(&self, ids: &[&str]) -> Vec<u8> {
        self.state().bandit.export(ids)
    }

    pub(super) fn merge(&self, ids: &[&str], bytes: &[u8]) -> Result<()> {
        self.state().bandit.merge(ids, bytes)
    }

    pub(super) fn drain(&self, ids: &[&str]) -> Result<Vec<u8>> {
        self.state().bandit.drain(ids)
    }

    pub(super) fn replace(&self, ids: &[&str], bytes: &[u8]) -> Result<()> {
        self.state().bandit.replace(ids, bytes)
    }
}

fn unknown(id: &str) -> Error {
    Error::input("id", format!("no decision {id:?} waits for feedback: it had its own, or {REMEMBERED} came after it"))
}
