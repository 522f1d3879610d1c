//! Feedback updates the head online; state is mergeable sums and holds no text.
//!
//! Every candidate is an arm of a contextual bandit (MetaLLM, arXiv 2407.10834, Algorithm 1; LinUCB: Li et al. 2010,
//! arXiv 1003.0146). What is learned is what the shipped head leaves over: with x the embedding and a trailing 1, r the
//! score, q(x) the head's estimate and k the ridge,
//!
//! ```text
//! A = kI + Σ xxᵀ     b = Σ (r - q(x)) x     δ = A⁻¹b     estimate = q(x) + δᵀx     width = √(xᵀA⁻¹x)
//! ```
//!
//! so a router without feedback routes as it was shipped, and one with an empty head is plain LinUCB. An update costs
//! O(d²): A⁻¹ follows by Sherman and Morrison's formula. Drift is met by discounting: old sums fade by a factor at each
//! update of their arm, while the ridge is kept up coordinate by coordinate.

mod explore;
mod projection;
mod saved;
mod state;
mod sums;

pub use explore::{Exploration, Rule};
pub use state::add_states;

use crate::error::{Error, Result};
use crate::features::FeatureMap;
use crate::random::mix;
use crate::symmetric::{Symmetric, dot};
use projection::Projection;
use serde::Deserialize;
use sums::Sums;

/// How to learn.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Learning {
    /// How candidates of uncertain quality are tried.
    pub rule: Rule,
    /// How much: widths added by LinUCB, or the scale of the deviation that Thompson sampling draws from. 0 or more.
    pub explore: f64,
    /// Trust in the shipped head: so many observations along a direction outweigh it by half. Above 0.
    pub ridge: f64,
    /// What an old observation keeps of its weight at each new one of its candidate: above 0, and 1 to never forget.
    pub discount: f64,
    /// Project embeddings to so many numbers first, along the directions in which the router file's clusters of prompts
    /// differ most (see [`Bandit::along`]): a smaller state that learns faster. Without it: all of them, as they are.
    pub dimensions: Option<usize>,
    /// What exploring may cost beyond the best guesses, over the router's life, in US dollars. Without it: any sum.
    pub max_explore_usd: Option<f64>,
    /// Keep what was learned here apart from what was merged, so that [`Bandit::drain`] tells it. Twice the memory.
    pub shared: bool,
}

impl Default for Learning {
    fn default() -> Self {
        Self { rule: Rule::LinUcb, explore: 0.0, ridge: 20.0, discount: 1.0, dimensions: None, max_explore_usd: None, shared: false }
    }
}

impl Learning {
    /// # Errors
    /// [`Error::BadInput`] names the first setting that is out of range.
    pub fn check(&self) -> Result<()> {
        let bad = |name: &str, value: f64, range: &str| Err(Error::input(name, format!("{value} is not {range}")));
        let positive = |x: f64| x.is_finite() && x > 0.0;
        if !(self.explore == 0.0 || positive(self.explore)) {
            return bad("explore", self.explore, "a finite number, 0 or more");
        }
        if !positive(self.ridge) {
            return bad("ridge", self.ridge, "a finite number above 0");
        }
        if !(positive(self.discount) && self.discount <= 1.0) {
            return bad("discount", self.discount, "above 0 and at most 1");
        }
        if let Some(usd) = self.max_explore_usd.filter(|usd| !(*usd == 0.0 || positive(*usd))) {
            return bad("maxExploreUsd", usd, "a finite number, 0 or more");
        }
        match self.dimensions {
            Some(0) => bad("dimensions", 0.0, "1 or more"),
            _ => Ok(()),
        }
    }
}

/// What feedback has taught about every candidate.
#[derive(Clone, Debug)]
pub struct Bandit {
    settings: Learning,
    projection: Projection,
    /// Names the embedder and the projection: what is learned in their directions means nothing in others'.
    space: u64,
    arms: Vec<Arm>,
    /// What was learned here since the last drain, by candidate; empty unless `shared`.
    own: Vec<Sums>,
}

/// One candidate's sums, with the ridge, and what follows from them.
#[derive(Clone, Debug)]
struct Arm {
    sums: Sums,
    /// A⁻¹
    inverse: Symmetric,
    /// A⁻¹b
    delta: Vec<f64>,
    /// The coordinate whose ridge is kept up next.
    upkeep: usize,
}

/// What the bandit adds to an estimate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Correction {
    /// To be added to the quality.
    pub shift: f64,
    /// √(xᵀA⁻¹x): how little is known in this direction; 1/√ridge where nothing was seen.
    pub width: f64,
}

impl Bandit {
    /// For so many candidates and embeddings of `width` numbers.
    ///
    /// # Errors
    /// [`Error::BadInput`] for settings out of range.
    pub fn new(candidates: usize, width: usize, settings: Learning) -> Result<Self> {
        settings.check()?;
        let projection = Projection::by_signs(width, settings.dimensions);
        let width = projection.outputs() + 1;
        let arms = vec![Arm::new(width, settings.ridge); candidates];
        let own = vec![Sums::zero(width); if settings.shared { candidates } else { 0 }];
        Ok(Self { settings, projection, space: 0, arms, own })
    }

    /// The same, for embeddings of the embedder with this fingerprint. Only states of one embedder add up.
    pub fn of(self, fingerprint: &str) -> Self {
        let digits: String = fingerprint.chars().take(16).collect();
        Self { space: u64::from_str_radix(&digits, 16).unwrap_or(0), ..self }
    }

    /// The same, where embeddings are projected along the directions in which this map's clusters differ most, and where
    /// there are clusters. Only states of one projection add up.
    pub fn along(self, map: &FeatureMap) -> Self {
        let projection = self.projection.along(map);
        let named = projection.fingerprint().map(|name| mix(self.space ^ name));
        Self { projection, space: named.unwrap_or(self.space), ..self }
    }

    /// Names the directions in which it learns.
    pub(crate) fn space(&self) -> u64 {
        self.space
    }

    /// How it learns.
    pub fn settings(&self) -> &Learning {
        &self.settings
    }

    /// What an embedding looks like to the bandit: projected, with a trailing 1.
    pub fn context(&self, embedding: &[f32]) -> Vec<f64> {
        let mut x = self.projection.apply(embedding);
        x.push(1.0);
        x
    }

    /// What has been learned about every candidate for a context.
    pub fn corrections(&self, context: &[f64]) -> Vec<Correction> {
        let unknown = Correction { shift: 0.0, width: self.width_of_the_unknown(context) };
        let correct = |arm: &Arm| Correction {
            shift: dot(&arm.delta, context),
            // Rounding may leave a tiny negative number where all is known.
            width: dot(&arm.inverse.times(context), context).max(0.0).sqrt(),
        };
        self.arms.iter().map(|arm| if arm.sums.count > 0.0 { correct(arm) } else { unknown }).collect()
    }

    /// Learns that a candidate's score was `residual` above the head's estimate. O(d²).
    pub fn update(&mut self, candidate: usize, context: &[f64], residual: f64) {
        self.arms[candidate].update(context, residual, &self.settings);
        if let Some(own) = self.own.get_mut(candidate) {
            if self.settings.discount < 1.0 {
                own.fade(self.settings.discount);
            }
            own.observe(context, residual);
        }
    }

    /// How long a context is.
    pub fn context_width(&self) -> usize {
        self.projection.outputs() + 1
    }

    /// The width of a context that resembles nothing seen.
    pub fn width_of_the_unknown(&self, context: &[f64]) -> f64 {
        (dot(context, context) / self.settings.ridge).sqrt()
    }

    /// Learns what a call cost, beside what was expected of it, in US dollars.
    pub fn update_cost(&mut self, candidate: usize, paid: f64, expected: f64) {
        // A free candidate has no expectation that a bill could be a multiple of.
        if expected > 0.0 {
            let arm = &mut self.arms[candidate].sums;
            for sums in [arm].into_iter().chain(self.own.get_mut(candidate)) {
                sums.cost.update(paid / expected, self.settings.discount);
            }
        }
    }

    /// By what factor each candidate's calls turned out dearer than expected: the mean of `ridge` calls at 1 and those seen.
    pub fn cost_factors(&self) -> impl Iterator<Item = f64> {
        let ridge = self.settings.ridge;
        self.arms.iter().map(move |arm| (ridge + arm.sums.cost.ratios) / (ridge + arm.sums.cost.count))
    }

    /// Observations of a candidate, discounted.
    pub fn count(&self, candidate: usize) -> f64 {
        self.arms[candidate].sums.count
    }
}

impl Arm {
    fn new(width: usize, ridge: f64) -> Self {
        Self {
            sums: Sums { a: Symmetric::diagonal(width, ridge), ..Sums::zero(width) },
            inverse: Symmetric::diagonal(width, 1.0 / ridge),
            delta: vec![0.0; width],
            upkeep: 0,
        }
    }

    fn update(&mut self, x: &[f64], residual: f64, settings: &Learning) {
        if settings.discount < 1.0 {
            self.fade(settings);
        }
        self.sums.observe(x, residual);
        self.inverse.inverse_add_outer(x, 1.0);
        self.delta = self.inverse.times(&self.sums.b);
    }

    /// Discounts all sums. The ridge would fade with them; one coordinate a time gets back what n updates take from it.
    fn fade(&mut self, settings: &Learning) {
        let n = self.delta.len();
        self.sums.fade(settings.discount);
        self.inverse.scale(1.0 / settings.discount);
        let mut axis = vec![0.0; n];
        axis[self.upkeep] = 1.0;
        let weight = settings.ridge * (1.0 - settings.discount) * n as f64;
        self.sums.a.add_outer(&axis, weight);
        self.inverse.inverse_add_outer(&axis, weight);
        self.upkeep = (self.upkeep + 1) % n;
    }

    /// Adds what another arm has seen; nothing, where that cannot have been seen.
    fn absorb(&mut self, seen: &Sums) -> Option<()> {
        self.sums.add(seen);
        self.inverse = self.sums.a.inverse()?;
        self.delta = self.inverse.times(&self.sums.b);
        Some(())
    }
}
