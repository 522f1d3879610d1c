//! A batch becomes its whole Pareto front, and a plan under a budget or a quality floor (OptLLM, arXiv 2405.15130).
//!
//! The papers search: maximise Σ value subject to Σ cost ≤ budget is a multiple-choice knapsack. Its Lagrangian decouples
//! by query, so a query's options on the upper convex hull of (cost, value) come first, and all queries' hull steps, merged
//! by falling efficiency, are the front's skeleton: every prefix is the best assignment at its cost (the LP bound of the
//! knapsack is met there; Sinha and Zoltners 1979). What is best between two prefixes differs from them in few queries, the
//! knapsack's core, whose assignments are all tried, but for those that are beaten half-way or bound to be (Nemhauser and
//! Ullmann 1969; Pisinger 1995). Such a plan is the best there is. Work is bounded, by counting: where that does not do, the
//! plan is the best that was found, within one query's step of the bound.
//!
//! The value of an answer is OptLLM's robust value, quality - caution·spread.

mod core;
mod levels;
mod steps;

use crate::error::{Error, Result};
use crate::policy::{Offer, why_none};
use core::Core;
use serde::Serialize;
use std::ops::Add;
use steps::{Step, efficient_options, hull_steps};

/// Most work for a plan, in partial assignments. Beyond, the best that were found have to do.
const MOST: usize = 1 << 18;
/// And for all points of a front together.
const MOST_FRONT: usize = 1 << 17;
/// Most queries of a batch whose front has more points than those that are best at some exchange rate.
const FILLED: usize = 256;

/// What a batch shall reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// The best mean value that costs at most so many US dollars together, but for the rounding of sums.
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
    /// The options worth a thought of one query after the other: none of its others beats them in both cost and value.
    efficient: Vec<usize>,
    /// Where those of each query begin, the cheapest first.
    begins: Vec<usize>,
    steps: Vec<Step>,
    /// The cheapest, then after every step.
    totals: Vec<Total>,
}

/// Sums over a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Total {
    usd: f64,
    value: f64,
}

impl Add for Total {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        Self { usd: self.usd + more.usd, value: self.value + more.value }
    }
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
        let (mut efficient, mut begins) = (Vec::with_capacity(offers.len()), Vec::with_capacity(offers.len()));
        let mut own = Vec::new();
        for (query, options) in offers.iter().enumerate() {
            efficient_options(options, caution, &mut own);
            if own.is_empty() {
                return Err(Error::NoEligible { why: format!("query {query} of the batch (from 0): {}", why_none(options)) });
            }
            hull_steps(query, options, caution, &own, &mut steps);
            begins.push(efficient.len());
            efficient.append(&mut own);
        }
        // Steps of one query fall in efficiency by themselves, so the order of equals is free; by query it is stable.
        steps.sort_unstable_by(|a, b| b.efficiency.total_cmp(&a.efficiency).then(a.query.cmp(&b.query)));
        let mut front = Self { offers, caution, efficient, begins, steps, totals: vec![] };
        front.totals = front.accumulate();
        Ok(front)
    }

    fn accumulate(&self) -> Vec<Total> {
        let mut total = self.total(&self.after(0));
        let mut totals = Vec::with_capacity(self.steps.len() + 1);
        totals.push(total);
        for step in &self.steps {
            total = total + Total { usd: step.usd, value: step.value };
            totals.push(total);
        }
        totals
    }

    /// The points by rising cost: those that are best at some exchange rate, and in batches of up to 256 queries what is
    /// between them: all of it where the batch is small (some dozens of queries), otherwise what a bounded search finds.
    /// [`Front::plan`] is at least as good at every cost.
    pub fn points(&self) -> Vec<Point> {
        let mean = |total: &Total, lambda: f64| Point { usd: total.usd, quality: self.mean(total), lambda };
        // At the first point nothing has been bought: its rate is that of the first step.
        let first = self.steps.first().map_or(0.0, |step| step.efficiency);
        let mut points = vec![mean(&self.totals[0], first)];
        let mut room = if self.offers.len() <= FILLED { MOST_FRONT } else { 0 };
        for (taken, step) in self.steps.iter().enumerate() {
            if room > 0 {
                // What one leaves of its share, the others have.
                let share = room / (self.steps.len() - taken);
                let core = Core::solve(self, taken, share);
                points.extend(core.totals().map(|total| mean(&total, 0.0)));
                room -= share - core.left(share);
            }
            points.push(mean(&self.totals[taken + 1], step.efficiency));
        }
        points
    }

    /// The best plan as the position of the candidate for every query, and the exchange rate that this comes to: the
    /// quality that the next dollar would have bought at best. A larger budget or a lower floor never has a worse one.
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
        let best = taken == self.steps.len();
        let picks = if best { self.after(taken) } else { Core::solve(self, taken, MOST).within(budget) };
        Ok((picks, self.rate(taken)))
    }

    fn reaching(&self, quality: f64) -> Result<(Vec<usize>, f64)> {
        let (least, most) = (self.mean(&self.totals[0]), self.mean(&self.totals[self.steps.len()]));
        if quality > most {
            let goal = format!("minQuality {quality}: this batch reaches a mean of {least} at its cheapest and {most} at its best");
            return Err(Error::Infeasible { goal });
        }
        let enough = |total: Total| self.mean(&total) >= quality;
        let taken = self.totals.partition_point(|total| !enough(*total)).min(self.steps.len());
        let between = taken.checked_sub(1).and_then(|before| Core::solve(self, before, MOST).reaching(enough));
        Ok((between.unwrap_or_else(|| self.after(taken)), self.rate(taken)))
    }

    fn mean(&self, total: &Total) -> f64 {
        total.value / self.offers.len() as f64
    }

    /// The picks after so many steps.
    fn after(&self, taken: usize) -> Vec<usize> {
        let mut picks: Vec<usize> = self.begins.iter().map(|&begin| self.efficient[begin]).collect();
        self.steps[..taken].iter().for_each(|step| picks[step.query] = step.to);
        picks
    }

    fn total(&self, picks: &[usize]) -> Total {
        let chosen = self.offers.iter().zip(picks).map(|(options, &pick)| &options[pick]);
        chosen.fold(Total::default(), |sum, o| sum + Total { usd: o.usd, value: o.utility(0.0, self.caution) })
    }
}

fn check(name: &str, value: f64) -> Result<f64> {
    if value.is_finite() && value >= 0.0 {
        return Ok(value);
    }
    Err(Error::input(name, format!("{value} is not a finite number, 0 or more")))
}
