//! One query's upper convex hull, as steps from its cheapest answer to its best.

use crate::policy::Offer;

/// A move of one query to a better, dearer answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Step {
    pub query: usize,
    /// The candidate before.
    pub from: usize,
    /// The candidate after.
    pub to: usize,
    /// What it costs more, in US dollars; above 0.
    pub usd: f64,
    /// What it is worth more; above 0.
    pub value: f64,
    /// value / usd
    pub efficiency: f64,
}

/// Puts the eligible options that no other beats in both cost and value into `efficient`, by rising cost and value.
pub(super) fn efficient_options(options: &[Offer], caution: f64, efficient: &mut Vec<usize>) {
    efficient.clear();
    efficient.extend((0..options.len()).filter(|&i| options[i].ineligible.is_none()));
    let value = |i: usize| options[i].utility(0.0, caution);
    efficient.sort_unstable_by(|&a, &b| options[a].usd.total_cmp(&options[b].usd).then(value(b).total_cmp(&value(a))).then(a.cmp(&b)));
    let mut best = None;
    efficient.retain(|&option| {
        let better = best.is_none_or(|best| value(option) > best);
        best = if better { Some(value(option)) } else { best };
        better
    });
}

/// Appends the steps of a query with these efficient options, of strictly falling efficiency.
pub(super) fn hull_steps(query: usize, options: &[Offer], caution: f64, efficient: &[usize], steps: &mut Vec<Step>) {
    let own = steps.len();
    for pair in efficient.windows(2) {
        let mut step = step_between(query, options, caution, pair[0], pair[1]);
        while let Some(last) = steps[own..].last().filter(|last| last.efficiency <= step.efficiency) {
            step = step_between(query, options, caution, last.from, pair[1]);
            steps.pop();
        }
        steps.push(step);
    }
}

fn step_between(query: usize, options: &[Offer], caution: f64, from: usize, to: usize) -> Step {
    let usd = options[to].usd - options[from].usd;
    let value = options[to].utility(0.0, caution) - options[from].utility(0.0, caution);
    Step { query, from, to, usd, value, efficiency: value / usd }
}
