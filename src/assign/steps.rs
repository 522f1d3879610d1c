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

/// Sorts the eligible options by cost into `sorted`, of equals the best first. The first of them.
pub(super) fn first_option(options: &[Offer], caution: f64, sorted: &mut Vec<usize>) -> Option<usize> {
    sorted.clear();
    sorted.extend((0..options.len()).filter(|&i| options[i].ineligible.is_none()));
    let value = |i: usize| options[i].utility(0.0, caution);
    sorted.sort_unstable_by(|&a, &b| options[a].usd.total_cmp(&options[b].usd).then(value(b).total_cmp(&value(a))).then(a.cmp(&b)));
    sorted.first().copied()
}

/// Appends the steps of a query whose options are `sorted`, of strictly falling efficiency.
pub(super) fn hull_steps(query: usize, options: &[Offer], caution: f64, sorted: &[usize], steps: &mut Vec<Step>) {
    let value = |i: usize| options[i].utility(0.0, caution);
    let own = steps.len();
    let mut top = sorted[0];
    for &option in &sorted[1..] {
        if value(option) <= value(top) {
            continue;
        }
        let mut step = step_between(query, options, caution, top, option);
        while let Some(last) = steps[own..].last().filter(|last| last.efficiency <= step.efficiency) {
            step = step_between(query, options, caution, last.from, option);
            steps.pop();
        }
        steps.push(step);
        top = option;
    }
}

fn step_between(query: usize, options: &[Offer], caution: f64, from: usize, to: usize) -> Step {
    let usd = options[to].usd - options[from].usd;
    let value = options[to].utility(0.0, caution) - options[from].utility(0.0, caution);
    Step { query, from, to, usd, value, efficiency: value / usd }
}
