//! Estimates and costs become a [`Choice`]; every dial is one exchange rate.
//!
//! The utility of a candidate is q - λc: its quality less what its cost is worth, where λ is the quality that one
//! dollar must buy. With λ = p / (largest mean cost) this is the reward of MetaLLM (arXiv 2407.10834, eq. 4), and
//! sweeping λ gives every supported point of OptLLM's Pareto set (arXiv 2405.15130).

use crate::error::{Error, Result};
use crate::head::Estimate;
use serde::{Deserialize, Serialize};

/// What a user turns. All parts are optional; without a dial the router file's own default rules.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Policy {
    /// MetaLLM's p, 0 or more: the weight of cost, where the dearest candidate costs 1 on average. 0 asks for quality only.
    pub cost_weight: Option<f64>,
    /// Least mean quality over many prompts, 0 to 1: the cheapest exchange rate that reached it out of fold.
    pub min_quality: Option<f64>,
    /// Most that this one call may cost, in US dollars, at the expected answer length.
    pub max_usd: Option<f64>,
    /// Spreads to subtract from each quality before choosing, 0 or more (OptLLM's robust value).
    pub caution: Option<f64>,
    /// How much to try candidates of uncertain quality in this call, instead of what the router was set to. Only for a
    /// router that learns.
    pub explore: Option<f64>,
    /// Only these candidates.
    pub allow: Option<Vec<String>>,
    /// Abilities the candidate must have.
    pub needs: Vec<String>,
    /// Length of the answer, in tokens, where the caller knows it.
    pub expected_output_tokens: Option<f64>,
}

impl Policy {
    /// # Errors
    /// [`Error::BadInput`] names the first value that is out of its range, or two dials that contradict each other.
    pub fn check(&self) -> Result<()> {
        let ranges = [
            ("costWeight", self.cost_weight, f64::MAX),
            ("minQuality", self.min_quality, 1.0),
            ("maxUsd", self.max_usd, f64::MAX),
            ("caution", self.caution, f64::MAX),
            ("explore", self.explore, f64::MAX),
            ("expectedOutputTokens", self.expected_output_tokens, f64::MAX),
        ];
        for (name, value, most) in ranges {
            if value.is_some_and(|v| !(0.0..=most).contains(&v)) {
                let range = if most == 1.0 { "a number from 0 to 1" } else { "a finite number, 0 or more" };
                return Err(Error::input(name, format!("{} is not {range}", value.unwrap_or_default())));
            }
        }
        if self.cost_weight.is_some() && self.min_quality.is_some() {
            return Err(Error::input("minQuality", "costWeight is given too; give one of them"));
        }
        Ok(())
    }
}

/// What each exchange rate brought on predictions that were made out of fold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dials {
    /// Largest mean cost of a candidate, in US dollars: the cost that counts as 1 in `costWeight`.
    pub cost_scale: f64,
    /// Exchange rate where no dial is given: the cheapest that kept the best single candidate's score.
    pub default_lambda: f64,
    /// Position of the candidate with the best mean score: the fallback where nothing can be estimated.
    pub strongest: usize,
    /// By rising λ.
    pub knots: Vec<Knot>,
}

/// One exchange rate and what it brought.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Knot {
    /// Quality that one US dollar must buy.
    pub lambda: f64,
    /// Mean score.
    pub quality: f64,
    /// Mean cost, in US dollars.
    pub usd: f64,
}

impl Dials {
    /// # Errors
    /// [`Error::BadArtifact`] where a number is out of range or the knots are not in order.
    pub fn check(&self, candidates: usize) -> Result<()> {
        let bad = |problem: &str| Err(Error::artifact("dials", problem));
        let positive = |x: f64| x.is_finite() && x >= 0.0;
        if !(positive(self.cost_scale) && self.cost_scale > 0.0 && positive(self.default_lambda)) {
            return bad("the cost scale or the default exchange rate is out of range");
        }
        if self.strongest >= candidates {
            return bad("the strongest candidate is not in the catalog");
        }
        if self.knots.is_empty() || !self.knots.iter().all(|k| positive(k.lambda) && k.quality.is_finite() && positive(k.usd)) {
            return bad("it has no knots, or one that is out of range");
        }
        if !self.knots.is_sorted_by(|a, b| a.lambda < b.lambda) {
            return bad("its knots are not in rising order");
        }
        Ok(())
    }

    /// The exchange rate λ that a policy asks for.
    ///
    /// # Errors
    /// [`Error::Infeasible`] where no exchange rate reaches the quality floor.
    pub fn exchange_rate(&self, policy: &Policy) -> Result<f64> {
        match (policy.cost_weight, policy.min_quality) {
            (Some(p), _) => Ok(p / self.cost_scale),
            (None, Some(floor)) => self.reach(floor),
            (None, None) => Ok(self.default_lambda),
        }
    }

    fn reach(&self, floor: f64) -> Result<f64> {
        let dearest_last = self.knots.iter().rev();
        dearest_last.clone().find(|k| k.quality >= floor).map(|k| k.lambda).ok_or_else(|| {
            let best = dearest_last.map(|k| k.quality).fold(f64::NEG_INFINITY, f64::max);
            Error::Infeasible { goal: format!("minQuality {floor}: this router reaches a mean quality of at most {best:.4}") }
        })
    }
}

/// Why a candidate may not be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ineligible {
    /// Prompt and answer exceed its context length.
    Context,
    /// It lacks an ability in `needs`.
    Capability,
    /// It would cost more than `maxUsd`.
    Price,
    /// It is not in `allow`.
    Allow,
}

/// One candidate for one prompt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Offer {
    /// What its answer is worth.
    pub estimate: Estimate,
    /// What its answer costs, in US dollars.
    pub usd: f64,
    /// Why it may not be chosen, if so.
    pub ineligible: Option<Ineligible>,
}

impl Offer {
    /// q - caution·spread - λc
    pub fn utility(&self, lambda: f64, caution: f64) -> f64 {
        self.estimate.quality - caution * self.estimate.spread - lambda * self.usd
    }
}

/// Why this candidate was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// It has the greatest utility.
    Utility,
    /// A candidate of greater utility would cost more than `maxUsd`.
    Budget,
    /// No other candidate may be chosen.
    OnlyEligible,
    /// It is tried in order to learn: others promise more.
    Explore,
    /// It is part of a plan for a whole batch.
    Assigned,
}

/// The outcome of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Position of the chosen candidate.
    pub index: usize,
    /// Why.
    pub reason: Reason,
}

/// Takes the eligible candidate of greatest utility. Of equals, the cheaper; then the better; then the earlier.
///
/// # Errors
/// [`Error::NoEligible`] where every candidate is barred.
pub fn choose(offers: &[Offer], lambda: f64, caution: f64) -> Result<Choice> {
    let eligible = offers.iter().filter(|o| o.ineligible.is_none()).count();
    let open = best(offers, lambda, caution, |o| o.ineligible.is_none());
    let index = open.ok_or_else(|| Error::NoEligible { why: why_none(offers) })?;
    let ignoring_price = best(offers, lambda, caution, |o| matches!(o.ineligible, None | Some(Ineligible::Price)));
    let reason = match (eligible, ignoring_price == Some(index)) {
        (_, false) => Reason::Budget,
        (1, true) if offers.len() > 1 => Reason::OnlyEligible,
        _ => Reason::Utility,
    };
    Ok(Choice { index, reason })
}

fn best(offers: &[Offer], lambda: f64, caution: f64, open: impl Fn(&Offer) -> bool) -> Option<usize> {
    let rank = |o: &Offer| (o.utility(lambda, caution), -o.usd, o.estimate.quality);
    let mut best: Option<(usize, (f64, f64, f64))> = None;
    for (i, offer) in offers.iter().enumerate().filter(|(_, o)| open(o)) {
        if best.is_none_or(|(_, leader)| rank(offer) > leader) {
            best = Some((i, rank(offer)));
        }
    }
    best.map(|(i, _)| i)
}

fn why_none(offers: &[Offer]) -> String {
    let count = |reason| offers.iter().filter(|o| o.ineligible == Some(reason)).count();
    let reasons = [
        (Ineligible::Price, "cost more than maxUsd"),
        (Ineligible::Context, "have too short a context"),
        (Ineligible::Capability, "lack a needed ability"),
        (Ineligible::Allow, "are not in allow"),
    ];
    let parts: Vec<String> =
        reasons.into_iter().map(|(r, words)| (count(r), words)).filter(|(n, _)| *n > 0).map(|(n, words)| format!("{n} {words}")).collect();
    format!("of {} candidates, {}", offers.len(), parts.join(", "))
}
