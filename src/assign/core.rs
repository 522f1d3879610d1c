//! The front between two neighbouring points that are best at some exchange rate, by the knapsack's core (Pisinger 1995).
//!
//! Both points are best at the exchange rate λ of the step between them, and no assignment is above the line through
//! them. An option loses there what its query's best has more of value - λ·cost, and an assignment is below the line by the
//! sum of what its options lose. So once assignments are known between the two points, an option that loses more than
//! the line is above them anywhere can be in no better one (Sinha and Zoltners 1979). What is left are few options of few
//! queries: those that lose least are combined first, and what they give strikes out most of the others.

use super::levels::{Levels, ROUNDING};
use super::steps::Step;
use super::{Front, Total};
use crate::policy::Offer;

/// Assignments that differ from the lower point in few queries.
pub(super) struct Core<'a> {
    front: &'a Front<'a>,
    /// From the lower point to the upper one.
    step: &'a Step,
    /// At the lower point.
    picks: Vec<usize>,
    start: Total,
    /// What assignments cost and are worth more than that.
    levels: Levels,
    /// In the order of the levels.
    queries: Vec<usize>,
    /// In partial assignments, with those that are beaten: what bounds time and memory.
    work: usize,
}

impl<'a> Core<'a> {
    /// Between the points after `taken` steps and after the next one. Where it takes more than `room` of work, the best
    /// that were found by then have to do.
    pub(super) fn solve(front: &'a Front, taken: usize, room: usize) -> Self {
        let (picks, start, step) = (front.after(taken), front.totals[taken], &front.steps[taken]);
        let mut core = Self { front, step, picks, start, levels: Levels::new(), queries: vec![], work: 0 };
        let mut open = vec![true; front.offers.len()];
        for (least, query) in core.nearest() {
            let gap = core.gap();
            if least >= gap - ROUNDING {
                break;
            }
            open[query] = false;
            let rest = Rest::new(front, taken, step, &open, gap);
            let options: Vec<(usize, Total)> = core.changes(query).filter(|(_, more)| loss(step, more) < gap).collect();
            core.work += core.levels.len() * options.len() + rest.dearer.len() + rest.cheaper.len();
            if core.work > room {
                break;
            }
            core.levels.extend(&options, |total| loss(step, &total) + rest.least_loss(total.usd) < gap);
            core.queries.push(query);
        }
        core
    }

    /// What is left of this room.
    pub(super) fn left(&self, room: usize) -> usize {
        room.saturating_sub(self.work)
    }

    /// What is strictly between the two points, by rising cost and value.
    pub(super) fn totals(&self) -> impl Iterator<Item = Total> {
        let dearer = self.levels.totals().filter(|more| more.usd > 0.0 && more.value > ROUNDING);
        let between = dearer.filter(|more| more.usd < self.step.usd && more.value < self.step.value - ROUNDING);
        between.map(|more| self.start + more)
    }

    /// The best picks that cost at most so much, which the lower point does.
    pub(super) fn within(self, usd: f64) -> Vec<usize> {
        let after = self.levels.before(|more| (self.start + more).usd > usd);
        self.assignment(after.saturating_sub(1))
    }

    /// The cheapest picks that `enough` holds for, as it does for all that are worth more. None where the upper point is
    /// cheaper.
    pub(super) fn reaching(self, enough: impl Fn(Total) -> bool) -> Option<Vec<usize>> {
        let first = self.levels.before(|more| enough(self.start + more));
        (first < self.levels.before(|more| more.usd > self.step.usd)).then(|| self.assignment(first))
    }

    fn assignment(mut self, at: usize) -> Vec<usize> {
        self.queries.iter().zip(self.levels.options(at)).for_each(|(&query, option)| self.picks[query] = option);
        self.picks
    }

    /// What the efficient options of a query cost and are worth more than its pick.
    fn changes(&self, query: usize) -> impl Iterator<Item = (usize, Total)> {
        let Front { offers, caution, efficient, begins, .. } = self.front;
        let (options, pick) = (&offers[query], &offers[query][self.picks[query]]);
        let more = |to: &Offer| Total { usd: to.usd - pick.usd, value: to.utility(0.0, *caution) - pick.utility(0.0, *caution) };
        let end = begins.get(query + 1).map_or(efficient.len(), |&end| end);
        efficient[begins[query]..end].iter().map(move |&option| (option, more(&options[option])))
    }

    /// The queries whose picks can be changed for less than the whole step, by what that loses at least; that of the step
    /// first.
    fn nearest(&self) -> Vec<(f64, usize)> {
        let least = |query: usize| {
            let others = self.changes(query).filter(|(option, _)| *option != self.picks[query]);
            others.map(|(_, more)| loss(self.step, &more)).fold(f64::INFINITY, f64::min)
        };
        let least = |query| (if query == self.step.query { f64::NEG_INFINITY } else { least(query) }, query);
        let mut queries: Vec<(f64, usize)> = (0..self.picks.len()).map(least).filter(|(least, _)| *least < self.step.value).collect();
        queries.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        queries
    }

    /// How far the line is above what is known, at most.
    fn gap(&self) -> f64 {
        let ends = self.levels.totals().skip(1).map(|next| next.usd.min(self.step.usd)).chain([self.step.usd]);
        let between = self.levels.totals().zip(ends).filter(|(from, end)| *end > 0.0 && from.usd < self.step.usd);
        between.map(|(from, end)| self.step.efficiency * end - from.value).fold(0.0, f64::max)
    }
}

/// How far below the line through the two points.
fn loss(step: &Step, more: &Total) -> f64 {
    step.efficiency * more.usd - more.value
}

/// What the queries that are not yet added can still do: cost more or less, which loses at least what it does along their
/// hulls, as if they could be split.
struct Rest {
    /// Cost more, and what that loses.
    dearer: Vec<(f64, f64)>,
    /// Cost less, and what that loses.
    cheaper: Vec<(f64, f64)>,
    /// What the upper point costs more than the lower one.
    most: f64,
}

impl Rest {
    /// As far as it loses less than `gap`.
    fn new(front: &Front, taken: usize, step: &Step, open: &[bool], gap: f64) -> Self {
        let (before, after) = (&front.steps[..taken], &front.steps[taken + 1..]);
        let is_open = |other: &&Step| open[other.query];
        Self {
            dearer: sums(after.iter().filter(is_open), step.efficiency, gap),
            cheaper: sums(before.iter().rev().filter(is_open), step.efficiency, gap),
            most: step.usd,
        }
    }

    /// To come from this cost to one between the two points.
    fn least_loss(&self, usd: f64) -> f64 {
        let (sums, by) = if usd < 0.0 { (&self.dearer, -usd) } else { (&self.cheaper, usd - self.most) };
        if by <= 0.0 {
            return 0.0;
        }
        let after = sums.partition_point(|sum| sum.0 < by);
        let (Some(a), Some(b)) = (sums.get(after.wrapping_sub(1)), sums.get(after)) else { return f64::INFINITY };
        a.1 + (b.1 - a.1) * (by - a.0) / (b.0 - a.0)
    }
}

/// Cost and loss at this exchange rate, added up step by step until it is no use.
fn sums<'a>(steps: impl Iterator<Item = &'a Step>, rate: f64, gap: f64) -> Vec<(f64, f64)> {
    let mut sums = vec![(0.0, 0.0)];
    let (mut usd, mut lost) = (0.0, 0.0);
    for step in steps {
        usd += step.usd;
        lost += (rate - step.efficiency).abs() * step.usd;
        sums.push((usd, lost));
        if lost >= gap {
            break;
        }
    }
    sums
}
