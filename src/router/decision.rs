//! What a router answers.

use crate::assign::Point;
use crate::embedder::Tier;
use crate::error::{Error, Result};
use crate::policy::{Ineligible, Reason};
use serde::{Deserialize, Serialize};

/// One candidate's part in a decision.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Score {
    /// The candidate's id.
    pub model: String,
    /// Expected score of its answer, 0 to 1.
    pub quality: f64,
    /// One standard deviation of `quality` from how little was seen in training.
    pub spread: f64,
    /// Expected cost of the call, in US dollars.
    pub usd: f64,
    /// quality - caution·spread - λ·usd: the candidates compete on this.
    pub utility: f64,
    /// Why it may not be chosen, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ineligible: Option<Ineligible>,
}

/// Where a prompt should go, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// Names this decision in later feedback.
    pub id: String,
    /// The chosen candidate: put it in the request's `model` field.
    pub model: String,
    /// Why it was chosen.
    pub reason: Reason,
    /// Probability with which this candidate was chosen; 1 without exploration.
    pub propensity: f64,
    /// All candidates, in the catalog's order.
    pub scores: Vec<Score>,
    /// Expected cost of the call, in US dollars.
    pub usd: f64,
    /// Whether the prompt was longer than the embedder reads.
    pub truncated: bool,
    /// How like the training prompts it is, -1 to 1: the greatest cosine of its embedding to a centroid of theirs, about their
    /// mean. None where there is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearness: Option<f32>,
    /// Which kind of embedder read it.
    pub tier: Tier,
}

/// What came of a decision: a score, a cost, or both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Feedback {
    /// How good the answer was, 0 to 1.
    pub score: Option<f64>,
    /// What the call cost, in US dollars.
    pub usd: Option<f64>,
}

impl Feedback {
    /// # Errors
    /// [`Error::BadInput`] where it says nothing, or a number is out of range.
    pub fn check(&self) -> Result<()> {
        if let Some(score) = self.score.filter(|score| !(0.0..=1.0).contains(score)) {
            return Err(Error::input("score", format!("{score} is not a number from 0 to 1")));
        }
        if let Some(usd) = self.usd.filter(|usd| !(usd.is_finite() && *usd >= 0.0)) {
            return Err(Error::input("usd", format!("{usd} is not a finite number, 0 or more")));
        }
        if self.score.is_none() && self.usd.is_none() {
            return Err(Error::input("feedback", "it says nothing; give a score, usd, or both"));
        }
        Ok(())
    }
}

/// What a batch shall reach.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum BatchGoal {
    /// The best mean quality that costs at most so many US dollars together.
    BudgetUsd(f64),
    /// The least cost of a mean quality of at least so much, 0 to 1.
    MinQuality(f64),
    /// MetaLLM's p, as in [`Policy::cost_weight`](crate::policy::Policy::cost_weight).
    CostWeight(f64),
}

/// Where every prompt of a batch should go.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// One decision a prompt, in order.
    pub picks: Vec<Decision>,
    /// Expected cost of the batch, in US dollars.
    pub usd: f64,
    /// Mean expected quality.
    pub quality: f64,
    /// Every efficient plan for this batch, from the cheapest to the best.
    pub frontier: Vec<Point>,
}
