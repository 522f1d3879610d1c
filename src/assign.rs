//! A batch becomes its whole Pareto front, and a plan under a budget or a quality floor (OptLLM, arXiv 2405.15130).
//!
//! The papers search: maximise Σ value subject to Σ cost ≤ budget is a multiple-choice knapsack. Its Lagrangian decouples
//! by query, so a query's options matter only as far as they lie on the upper convex hull of (cost, value), and all
//! queries' hull steps, merged by falling efficiency, *are* the front: every prefix is the best assignment at its cost
//! (the LP bound of the knapsack is met there; Sinha and Zoltners 1979). Between two prefixes the leftover budget is
//! filled greedily, which stays within one query's step of the bound. Small batches are solved exactly instead.
//!
//! The value of an answer is OptLLM's robust value, quality - caution·spread.

mod core;
mod exact;
mod levels;
mod steps;

use crate::error::{Error, Result};
use crate::policy::Offer;
use core::Core;
use exact::Exact;
use serde::Serialize;
use steps::{Step, first_option, hull_steps};

/// What a batch shall reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// The best mean value that costs at most so many US dollars together.
    Budget(f64),
    /// The least cost of a mean value of at least so much.
    MinQuality(f64),
    /// For every query, the best of value - λ·cost at this λ, the quality that one US dollar must buy.
    ExchangeRate(f64),
}

/// One way to answer the whole batch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Point {
    /// Cost of the batch, in US dollars.
    pub usd: f64,
    /// Mean value over the batch: predicted quality, less caution times spread.
    pub quality: f64,
    /// The exchange rate at which this point is best: what the last dollar bought. 0 at points that are best at none.
    pub lambda: f64,
}

/// All efficient ways to answer a batch, from the cheapest to the best.
pub struct Front<'a> {
    offers: &'a [Vec<Offer>],
    caution: f64,
    cheapest: Vec<usize>,
    steps: Vec<Step>,
    /// The cheapest, then after every step.
    totals: Vec<Total>,
    exact: Option<Exact>,
}

/// Sums over a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Total {
    usd: f64,
    value: f64,
}

impl<'a> Front<'a> {
    /// `offers[i]` are the candidates for query i, all in one order. O(NM log NM) for N queries and M candidates.
    ///
    /// # Errors
    /// [`Error::NoEligible`] where a query has no candidate that may be chosen, [`Error::BadInput`] for an empty batch.
    pub fn new(offers: &'a [Vec<Offer>], caution: f64) -> Result<Self> {
        if offers.is_empty() {
            return Err(Error::input("inputs", "the batch is empty"));
        }
        let mut steps = Vec::with_capacity(2 * offers.len());
        let mut cheapest = Vec::with_capacity(offers.len());
        let mut sorted = Vec::new();
        for (query, options) in offers.iter().enumerate() {
            let first = first_option(options, caution, &mut sorted);
            cheapest.push(first.ok_or_else(|| Error::NoEligible { why: format!("none of them may answer query {query} of the batch") })?);
            hull_steps(query, options, caution, &sorted, &mut steps);
        }
        // Steps of one query fall in efficiency by themselves, so the order of equals is free; by query it is stable.
        steps.sort_unstable_by(|a, b| b.efficiency.total_cmp(&a.efficiency).then(a.query.cmp(&b.query)));
        let mut front = Self { offers, caution, cheapest, steps, totals: vec![], exact: Exact::solve(offers, caution) };
        front.totals = front.accumulate();
        Ok(front)
    }

    fn accumulate(&self) -> Vec<Total> {
        let mut total = self.total(&self.cheapest);
        let mut totals = Vec::with_capacity(self.steps.len() + 1);
        totals.push(total);
        for step in &self.steps {
            total = Total { usd: total.usd + step.usd, value: total.value + step.value };
            totals.push(total);
        }
        totals
    }

    /// The points by rising cost. All of them where the batch is small enough to be solved exactly; otherwise those that
    /// are best at some exchange rate.
    pub fn points(&self) -> Vec<Point> {
        let mean = |total: &Total, lambda: f64| Point { usd: total.usd, quality: total.value / self.offers.len() as f64, lambda };
        if let Some(exact) = &self.exact {
            return exact.totals().map(|total| mean(&total, 0.0)).collect();
        }
        // At the first point nothing has been bought: its rate is that of the first step.
        let first = self.steps.first().map_or(0.0, |step| step.efficiency);
        let rates = std::iter::once(first).chain(self.steps.iter().map(|step| step.efficiency));
        self.totals.iter().zip(rates).map(|(total, lambda)| mean(total, lambda)).collect()
    }

    /// The position of the candidate for every query, and the exchange rate that this comes to: the quality that the
    /// next dollar would have bought at best.
    ///
    /// # Errors
    /// [`Error::Infeasible`] names what can be reached, where the goal cannot; [`Error::BadInput`] for a goal that is
    /// negative or not a number.
    pub fn plan(&self, goal: Goal) -> Result<(Vec<usize>, f64)> {
        match goal {
            Goal::Budget(usd) => self.within(check("budgetUsd", usd)?),
            Goal::MinQuality(quality) => self.reaching(check("minQuality", quality)?),
            Goal::ExchangeRate(lambda) => {
                let lambda = check("costWeight", lambda)?;
                Ok((self.after(self.steps.partition_point(|step| step.efficiency > lambda)), lambda))
            }
        }
    }

    /// What the first step that was not taken would have bought.
    fn rate(&self, taken: usize) -> f64 {
        self.steps.get(taken).map_or(0.0, |step| step.efficiency)
    }

    fn within(&self, budget: f64) -> Result<(Vec<usize>, f64)> {
        let least = self.totals[0].usd;
        if budget < least {
            let most = self.totals[self.steps.len()].usd;
            let goal = format!("budgetUsd {budget}: this batch costs at least ${least} and at its best ${most}");
            return Err(Error::Infeasible { goal });
        }
        let taken = self.totals.partition_point(|total| total.usd <= budget) - 1;
        if let Some(exact) = &self.exact {
            return Ok((exact.within(budget), self.rate(taken)));
        }
        let mut picks = self.after(taken);
        if taken < self.steps.len() {
            let core = Core::solve(self, taken);
            let best = core.within(budget - self.totals[taken].usd).find(|picks| self.total(picks).usd <= budget);
            picks = best.unwrap_or(picks);
        }
        Ok((picks, self.rate(taken)))
    }

    fn reaching(&self, quality: f64) -> Result<(Vec<usize>, f64)> {
        let n = self.offers.len() as f64;
        let goal = quality * n;
        let (least, most) = (self.totals[0].value, self.totals[self.steps.len()].value);
        if goal > most {
            let goal =
                format!("minQuality {quality}: this batch reaches a mean of {} at its cheapest and {} at its best", least / n, most / n);
            return Err(Error::Infeasible { goal });
        }
        let taken = self.totals.partition_point(|total| total.value < goal).min(self.steps.len());
        if let Some(exact) = &self.exact {
            return Ok((exact.reaching(goal), self.rate(taken)));
        }
        let mut picks = self.after(taken);
        if let Some(before) = taken.checked_sub(1) {
            let core = Core::solve(self, before);
            let least = core.reaching(goal - self.totals[before].value, self.steps[before].usd).find(|picks| self.total(picks).value >= goal);
            picks = least.unwrap_or(picks);
        }
        Ok((picks, self.rate(taken)))
    }

    /// The picks after so many steps.
    fn after(&self, taken: usize) -> Vec<usize> {
        let mut picks = self.cheapest.clone();
        self.steps[..taken].iter().for_each(|step| picks[step.query] = step.to);
        picks
    }

    fn total(&self, picks: &[usize]) -> Total {
        let chosen = self.offers.iter().zip(picks).map(|(options, &pick)| &options[pick]);
        chosen.fold(Total::default(), |sum, o| Total { usd: sum.usd + o.usd, value: sum.value + o.utility(0.0, self.caution) })
    }
}

/// The eligible options of a query.
fn open(options: &[Offer], caution: f64) -> impl Iterator<Item = (usize, Total)> {
    let eligible = options.iter().enumerate().filter(|(_, offer)| offer.ineligible.is_none());
    eligible.map(move |(option, offer)| (option, Total { usd: offer.usd, value: offer.utility(0.0, caution) }))
}

fn check(name: &str, value: f64) -> Result<f64> {
    if value.is_finite() && value >= 0.0 {
        return Ok(value);
    }
    Err(Error::input(name, format!("{value} is not a finite number, 0 or more")))
}
