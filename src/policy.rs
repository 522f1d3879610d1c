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
    /// Least mean quality over many prompts: the cheapest exchange rate that is proven to reach it, or where the router
    /// file proves nothing, that reached it out of fold.
    pub min_quality: Option<MinQuality>,
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
    /// The longest that the answer can be, in tokens: context length, `max_usd` and a router's budget are then kept even
    /// if it gets so long.
    pub max_output_tokens: Option<f64>,
    /// Length of the whole request, in tokens, where the caller knows better than by its texts: tools and pictures count.
    pub input_tokens: Option<f64>,
    /// The caller's own choice. Limits still hold.
    pub pin: Option<String>,
    /// Names a conversation whose prompt the chosen candidate's provider keeps in its cache: what a switch would lose of
    /// it counts as cost.
    pub session: Option<String>,
    /// How many times the cache's worth a switch must gain, in a session; 1 unless given, and 0 to switch freely.
    pub stickiness: Option<f64>,
}

impl Policy {
    /// # Errors
    /// [`Error::BadInput`] names the first value that is out of its range, or two dials that contradict each other.
    pub fn check(&self) -> Result<()> {
        let floor = self.min_quality.and_then(|floor| match floor {
            MinQuality::Mean(mean) => Some(mean),
            MinQuality::Best(_) => None,
        });
        let ranges = [
            ("costWeight", self.cost_weight, f64::MAX),
            ("minQuality", floor, 1.0),
            ("maxUsd", self.max_usd, f64::MAX),
            ("caution", self.caution, f64::MAX),
            ("explore", self.explore, f64::MAX),
            ("expectedOutputTokens", self.expected_output_tokens, f64::MAX),
            ("maxOutputTokens", self.max_output_tokens, f64::MAX),
            ("inputTokens", self.input_tokens, f64::MAX),
            ("stickiness", self.stickiness, f64::MAX),
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
    /// Mean score by candidate: what stands in for an estimate of a prompt unlike all that was trained on.
    pub means: Vec<f64>,
    /// By rising λ.
    pub knots: Vec<Knot>,
    /// What is proven, on rows that nothing was fitted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guarantee: Option<Guarantee>,
}

/// Lower confidence bounds for prompts like those it was proven on. For one floor that was chosen beforehand, it holds
/// with probability 1 - δ, whatever the distribution of prompts and scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Guarantee {
    /// With `minQuality: 'best'`, the mean score is at most this much below the best single candidate's.
    pub epsilon: f64,
    /// Probability with which the guarantee may be wrong.
    pub delta: f64,
    /// Rows that it was proven on.
    pub rows: usize,
    /// By rising λ, as the knots.
    pub floors: Vec<Floor>,
}

/// What is proven of one exchange rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Floor {
    /// Quality that one US dollar must buy.
    pub lambda: f64,
    /// Least mean score.
    pub quality: f64,
    /// Least mean score less that of the best single candidate.
    pub change: f64,
}

impl Guarantee {
    /// The largest exchange rate up to which every one is proven to hold: tested in a fixed order up to the first that
    /// fails, so that one δ covers all tests.
    fn last_proven(&self, holds: impl Fn(&Floor) -> bool) -> Option<f64> {
        self.floors.iter().take_while(|floor| holds(floor)).last().map(|floor| floor.lambda)
    }
}

/// A floor under the mean score.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum MinQuality {
    /// 0 to 1.
    Mean(f64),
    /// That of the best single candidate, but for the guarantee's ε: `"best"`.
    Best(Best),
}

/// The word `best`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Best {
    /// The best single candidate.
    Best,
}

impl MinQuality {
    /// As good as the best single candidate.
    pub const BEST: Self = Self::Best(Best::Best);
}

/// What a policy's dial comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aim {
    /// The greatest quality less so much for each US dollar: the caller's own weight of cost, also for prompts that no
    /// estimate is trusted for.
    Weight(f64),
    /// The same, to hold a quality: prompts that no estimate is trusted for go to the strongest candidate.
    Keep(f64),
    /// The strongest candidate: no exchange rate is proven to do as well.
    Strongest,
}

impl Aim {
    /// The quality that one US dollar must buy; 0 where only the strongest will do, since costs do not count there.
    pub fn rate(self) -> f64 {
        match self {
            Self::Weight(lambda) | Self::Keep(lambda) => lambda,
            Self::Strongest => 0.0,
        }
    }
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
    /// The cost that counts as 1, for candidates of these mean costs, in US dollars: the largest. Where all are free, 1 dollar.
    pub fn cost_scale_of(usd: impl Iterator<Item = f64>) -> f64 {
        let dearest = usd.fold(0.0, f64::max);
        if dearest > 0.0 { dearest } else { 1.0 }
    }

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
        if self.means.len() != candidates || !self.means.iter().all(|mean| (0.0..=1.0).contains(mean)) {
            return bad("its mean scores are out of range, or not one for each candidate");
        }
        if !self.knots.iter().all(|k| positive(k.lambda) && k.quality.is_finite() && positive(k.usd)) {
            return bad("a knot is out of range");
        }
        if !self.knots.is_sorted_by(|a, b| a.lambda < b.lambda) {
            return bad("its knots are not in rising order");
        }
        let Some(proven) = &self.guarantee else { return Ok(()) };
        let finite = proven.floors.iter().all(|f| positive(f.lambda) && f.quality.is_finite() && f.change.is_finite());
        let open = |x: f64| x > 0.0 && x < 1.0;
        if !finite || !open(proven.delta) || !positive(proven.epsilon) || !proven.floors.is_sorted_by(|a, b| a.lambda < b.lambda) {
            return bad("its guarantee is out of range or out of order");
        }
        Ok(())
    }

    /// The exchange rate at which a call costs so much on average, in US dollars, and what it brings: MetaLLM's p for a budget
    /// b, fitted on predictions that were made out of fold. Between two knots, by the logarithm of the rate.
    ///
    /// # Errors
    /// [`Error::Infeasible`] where no exchange rate is so cheap, [`Error::BadInput`] where nobody has measured any.
    pub fn within(&self, usd: f64) -> Result<Knot> {
        let (Some(first), Some(last)) = (self.knots.first(), self.knots.last()) else {
            return Err(Error::input("budget", "nobody has measured what this line-up brings at any exchange rate"));
        };
        let Some(at) = self.knots.iter().position(|knot| knot.usd <= usd) else {
            let goal =
                format!("{usd} US dollars a call: this router costs {} at least, and {} where cost weighs nothing", last.usd, first.usd);
            return Err(Error::Infeasible { goal });
        };
        let (before, after) = (self.knots[at.saturating_sub(1)], self.knots[at]);
        if before.lambda <= 0.0 || before.usd <= after.usd {
            return Ok(after);
        }
        let share = (before.usd - usd) / (before.usd - after.usd);
        let lambda = before.lambda * libm::pow(after.lambda / before.lambda, share);
        Ok(Knot { lambda, quality: before.quality + share * (after.quality - before.quality), usd })
    }

    /// What a policy's dial asks for.
    ///
    /// # Errors
    /// [`Error::Infeasible`] where no exchange rate reaches the quality floor; [`Error::BadInput`] where the best is asked
    /// for of a router file that proves nothing.
    pub fn aim(&self, policy: &Policy) -> Result<Aim> {
        match (policy.cost_weight, policy.min_quality) {
            (Some(p), _) => Ok(Aim::Weight(p / self.cost_scale)),
            (None, Some(MinQuality::Mean(floor))) => self.reach(floor).map(Aim::Keep),
            (None, Some(MinQuality::Best(_))) => self.match_best(),
            (None, None) => Ok(Aim::Keep(self.default_lambda)),
        }
    }

    fn match_best(&self) -> Result<Aim> {
        let unmeasured = "nobody has measured what this line-up brings; use costWeight, or the default dial";
        let unproven = "this router file carries no guarantee; train it with --calibration above 0, or give a number";
        let problem = if self.knots.is_empty() { unmeasured } else { unproven };
        let proven = self.guarantee.as_ref().ok_or_else(|| Error::input("minQuality", problem))?;
        let rate = proven.last_proven(|floor| floor.change >= -proven.epsilon);
        // ε is what can be proven, not what may be spent: where the default dial is proven, it stays.
        Ok(rate.map_or(Aim::Strongest, |rate| Aim::Keep(rate.min(self.default_lambda))))
    }

    fn reach(&self, floor: f64) -> Result<f64> {
        if let Some(proven) = &self.guarantee {
            let most = proven.floors.first().map_or(0.0, |first| first.quality);
            let confidence = 100.0 * (1.0 - proven.delta);
            let goal =
                || format!("minQuality {floor}: with {confidence}% confidence this router holds a mean quality of at most {most:.4}");
            return proven.last_proven(|f| f.quality >= floor).ok_or_else(|| Error::Infeasible { goal: goal() });
        }
        if self.knots.is_empty() {
            let problem = "nobody has measured what this line-up brings at any exchange rate; use costWeight, or the default dial";
            return Err(Error::input("minQuality", problem));
        }
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
    /// It would cost more than `maxUsd`, or than what is left of the router's budget.
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
    /// A candidate of greater utility would cost more than `maxUsd`, or than what is left of the router's budget.
    Budget,
    /// No other candidate may be chosen.
    OnlyEligible,
    /// No exchange rate is proven to keep the best single candidate's quality, so it is the strongest candidate.
    Guarantee,
    /// The prompt is unlike all that the head was trained on, so mean scores stand in for estimates: the strongest
    /// candidate, or the one of greatest utility where the caller weighs cost.
    LowConfidence,
    /// The user sent pictures or files alone, so mean scores stand in for estimates as with `LowConfidence`.
    NoText,
    /// The caller chose it.
    Pinned,
    /// It has this conversation in its prompt cache, and what a switch would gain is worth less.
    Session,
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

/// How many candidates are barred, by reason.
pub(crate) fn why_none(offers: &[Offer]) -> String {
    let count = |reason| offers.iter().filter(|o| o.ineligible == Some(reason)).count();
    let reasons = [
        (Ineligible::Price, "cost more than maxUsd or what is left of the budget"),
        (Ineligible::Context, "have too short a context, or one of unknown length that counts as 4096 tokens"),
        (Ineligible::Capability, "lack a needed ability"),
        (Ineligible::Allow, "are not in allow"),
    ];
    let parts: Vec<String> =
        reasons.into_iter().map(|(r, words)| (count(r), words)).filter(|(n, _)| *n > 0).map(|(n, words)| format!("{n} {words}")).collect();
    format!("of {} candidates, {}", offers.len(), parts.join(", "))
}
