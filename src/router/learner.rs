//! The bandit on the road: it corrects estimates, may choose in order to learn, and remembers what it may hear of later.

use super::{Appraisal, Rate};
use crate::bandit::{Bandit, Learning};
use crate::embedder::Embedding;
use crate::error::{Error, Result};
use crate::head::Estimate;
use crate::policy::{Choice, Reason};
use crate::random::Random;
use serde::Deserialize;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many decisions can still get feedback: 6 MB of embeddings at 384 dimensions.
const REMEMBERED: usize = 4096;

/// What came of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Feedback {
    /// How good the answer was, 0 to 1.
    pub score: f64,
    /// What it cost, in US dollars, where that is known.
    #[serde(default)]
    pub usd: Option<f64>,
}

/// Learns behind a lock, so that a router can be shared.
pub(super) struct Learner(Mutex<State>);

struct State {
    bandit: Bandit,
    random: Random,
    /// What exploring has cost so far beyond the best guesses, in US dollars.
    spent: f64,
    open: HashMap<String, Open>,
    order: VecDeque<String>,
}

/// A decision that may still get feedback.
struct Open {
    candidate: usize,
    usd: f64,
    learned: Learned,
}

/// What the bandit saw of one prompt.
pub(super) struct Learned {
    embedding: Embedding,
    /// By candidate, before correction: what feedback is compared with.
    shipped: Vec<f64>,
    widths: Vec<f64>,
}

impl Learner {
    pub(super) fn new(candidates: usize, width: usize, settings: Learning, seed: u64) -> Result<Self> {
        let bandit = Bandit::new(candidates, width, settings)?;
        let state = State { bandit, random: Random::new(seed), spent: 0.0, open: HashMap::new(), order: VecDeque::new() };
        Ok(Self(Mutex::new(state)))
    }

    /// Sums stay whole whatever panicked beside them.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves estimates and costs to where feedback says they belong.
    pub(super) fn correct(&self, embedding: Embedding, estimates: &mut [Estimate], usd: &mut [f64]) -> Learned {
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
        Learned { embedding, shipped, widths: corrections.iter().map(|correction| correction.width).collect() }
    }

    /// The choice, or one that teaches more, and its propensity.
    pub(super) fn explore(&self, appraisal: &Appraisal, rate: Rate, greedy: Choice, explore: Option<f64>) -> (Choice, f64) {
        let mut state = self.state();
        let State { bandit, random, spent, .. } = &mut *state;
        let scale = explore.unwrap_or(bandit.settings().explore);
        let Some(learned) = appraisal.learned.as_ref().filter(|_| scale > 0.0) else { return (greedy, 1.0) };
        let left = bandit.settings().max_explore_usd.map_or(f64::INFINITY, |most| most - *spent);
        let best_guess = appraisal.offers[greedy.index].usd;
        // What the cap does not allow is out before the draw: so the propensity is exact.
        let open = |(i, offer): (usize, &crate::policy::Offer)| {
            let affordable = i == greedy.index || offer.usd - best_guess <= left;
            (offer.ineligible.is_none() && affordable).then(|| offer.utility(rate.lambda, rate.caution))
        };
        let utilities: Vec<Option<f64>> = appraisal.offers.iter().enumerate().map(open).collect();
        let deviations: Vec<f64> = learned.widths.iter().map(|width| scale * width).collect();
        let Some(tried) = bandit.settings().rule.choose(&utilities, &deviations, random) else { return (greedy, 1.0) };
        if tried.index == greedy.index {
            return (greedy, tried.propensity);
        }
        *spent += (appraisal.offers[tried.index].usd - best_guess).max(0.0);
        (Choice { index: tried.index, reason: Reason::Explore }, tried.propensity)
    }

    pub(super) fn remember(&self, id: &str, candidate: usize, usd: f64, learned: Learned) {
        let mut state = self.state();
        while state.order.len() >= REMEMBERED {
            let oldest = state.order.pop_front();
            oldest.and_then(|oldest| state.open.remove(&oldest));
        }
        state.order.push_back(id.into());
        state.open.insert(id.into(), Open { candidate, usd, learned });
    }

    pub(super) fn feedback(&self, id: &str, feedback: Feedback) -> Result<()> {
        if !(0.0..=1.0).contains(&feedback.score) {
            return Err(Error::input("score", format!("{} is not a number from 0 to 1", feedback.score)));
        }
        if let Some(usd) = feedback.usd.filter(|usd| !(usd.is_finite() && *usd >= 0.0)) {
            return Err(Error::input("usd", format!("{usd} is not a finite number, 0 or more")));
        }
        let mut state = self.state();
        let unknown =
            || Error::input("id", format!("no decision {id:?} waits for feedback: it had its own, or {REMEMBERED} came after it"));
        let Open { candidate, usd, learned } = state.open.remove(id).ok_or_else(unknown)?;
        state.order.retain(|other| other != id);
        let context = state.bandit.context(learned.embedding.as_slice());
        state.bandit.update(candidate, &context, feedback.score - learned.shipped[candidate]);
        if let Some(paid) = feedback.usd {
            state.bandit.update_cost(candidate, paid, usd);
        }
        Ok(())
    }

    pub(super) fn export(&self, ids: &[&str]) -> Vec<u8> {
        self.state().bandit.export(ids)
    }

    pub(super) fn merge(&self, ids: &[&str], bytes: &[u8]) -> Result<()> {
        self.state().bandit.merge(ids, bytes)
    }
}
