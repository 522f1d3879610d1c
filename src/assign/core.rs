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

/// Most partial assignments in all. Beyond, the best that were found have to do.
const MOST: u32 = 1 << 18;

/// Assignments that differ from the lower point in few queries; cost and value are what they have more.
pub(super) struct Core {
    levels: Levels,
    /// In the order of the levels.
    queries: Vec<usize>,
    /// At the lower point.
    picks: Vec<usize>,
}

impl Core {
    /// Between the points after `taken` steps and after the next one.
    pub(super) fn solve(front: &Front, taken: usize) -> Self {
        let step = &front.steps[taken];
        let mut core = Self { levels: Levels::new(MOST), queries: vec![], picks: front.after(taken) };
        let mut open = vec![true; front.offers.len()];
        for (lost, query) in core.nearest(front, step) {
            let gap = core.gap(step);
            if lost >= gap - ROUNDING {
                break;
            }
            open[query] = false;
            let rest = Rest::new(front, taken, gap, &open);
            let mut options: Vec<(usize, Total)> = core.moves(front, query).collect();
            options.retain(|(_, more)| loss(step, more) < gap);
            if !core.levels.extend(&options, |total| loss(step, &total) + rest.least_loss(total.usd, step.usd) < gap) {
                break;
            }
            core.queries.push(query);
        }
        core
    }

    /// The picks that cost at most so much more than the lower point's, the best first.
    pub(super) fn within(&self, usd: f64) -> impl Iterator<Item = Vec<usize>> {
        (self.levels.before(|total| total.usd >= 0.0)..self.levels.before(|total| total.usd > usd)).rev().map(|at| self.assignment(at))
    }

    /// The picks that are worth at least so much more than the lower point's, the cheapest first.
    pub(super) fn reaching(&self, value: f64, most: f64) -> impl Iterator<Item = Vec<usize>> {
        (self.levels.before(|total| total.value >= value)..self.levels.before(|total| total.usd > most)).map(|at| self.assignment(at))
    }

    fn assignment(&self, at: usize) -> Vec<usize> {
        let mut picks = self.picks.clone();
        self.queries.iter().zip(self.levels.options(at)).for_each(|(&query, option)| picks[query] = option);
        picks
    }

    /// What the eligible options of a query have more than its pick.
    fn moves(&self, front: &Front, query: usize) -> impl Iterator<Item = (usize, Total)> {
        let pick = &front.offers[query][self.picks[query]];
        let from = Total { usd: pick.usd, value: pick.utility(0.0, front.caution) };
        let options = super::open(&front.offers[query], front.caution);
        options.map(move |(option, to)| (option, Total { usd: to.usd - from.usd, value: to.value - from.value }))
    }

    /// The queries whose picks can be changed for less than the whole step, by what that loses at least; that of the step
    /// first.
    fn nearest(&self, front: &Front, step: &Step) -> Vec<(f64, usize)> {
        let least = |query: usize| {
            let others = self.moves(front, query).filter(|(option, _)| *option != self.picks[query]);
            others.map(|(_, more)| loss(step, &more)).fold(f64::INFINITY, f64::min)
        };
        let lost = |query| (if query == step.query { f64::NEG_INFINITY } else { least(query) }, query);
        let mut queries: Vec<(f64, usize)> = (0..self.picks.len()).map(lost).filter(|(lost, _)| *lost < step.value).collect();
        queries.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        queries
    }

    /// How far the line is above what is known, at most.
    fn gap(&self, step: &Step) -> f64 {
        let ends = self.levels.totals().skip(1).map(|next| next.usd.min(step.usd)).chain([step.usd]);
        let between = self.levels.totals().zip(ends).filter(|(total, end)| *end > 0.0 && total.usd < step.usd);
        between.map(|(total, end)| step.efficiency * end - total.value).fold(0.0, f64::max)
    }
}

/// How far below the line.
fn loss(step: &Step, total: &Total) -> f64 {
    step.efficiency * total.usd - total.value
}

/// What the queries that are not yet added can still do: cost more or less, and what that loses at least. Along their
/// hulls, as if they could be split.
struct Rest {
    /// Cost more, and what it loses, by rising loss.
    dearer: Vec<(f64, f64)>,
    /// Cost less, and what it loses.
    cheaper: Vec<(f64, f64)>,
}

impl Rest {
    /// As far as it loses less than `gap`.
    fn new(front: &Front, taken: usize, gap: f64, open: &[bool]) -> Self {
        let rate = front.steps[taken].efficiency;
        Self {
            dearer: sums(front.steps[taken + 1..].iter().filter(|step| open[step.query]), rate, gap),
            cheaper: sums(front.steps[..taken].iter().rev().filter(|step| open[step.query]), rate, gap),
        }
    }

    /// To come from a cost to one between 0 and `most`.
    fn least_loss(&self, usd: f64, most: f64) -> f64 {
        if usd < 0.0 {
            between(&self.dearer, -usd)
        } else if usd > most {
            between(&self.cheaper, usd - most)
        } else {
            0.0
        }
    }
}

fn sums<'a>(steps: impl Iterator<Item = &'a Step>, rate: f64, gap: f64) -> Vec<(f64, f64)> {
    let mut sums = vec![(0.0, 0.0)];
    let (mut usd, mut loss) = (0.0, 0.0);
    for step in steps {
        usd += step.usd;
        loss += (rate - step.efficiency).abs() * step.usd;
        sums.push((usd, loss));
        if loss > gap {
            break;
        }
    }
    sums
}

fn between(sums: &[(f64, f64)], usd: f64) -> f64 {
    let after = sums.partition_point(|sum| sum.0 < usd).max(1);
    let (Some(a), Some(b)) = (sums.get(after - 1), sums.get(after)) else { return f64::INFINITY };
    a.1 + (b.1 - a.1) * (usd - a.0) / (b.0 - a.0)
}
