//! OptLLM's problem by an integer programme: the assignment of a batch with the greatest sum of predicted qualities within
//! a budget, and how close [`assign`](crate::assign) comes to it.
//!
//! The solver is microlp, by branch and bound. Before it starts, options are struck out that no better assignment than the
//! one at hand can hold: with λ from `assign`, Σ maxᵢ(qᵢ - λcᵢ) + λ·budget bounds every assignment, and one that takes an
//! option which is worse by d at λ is worse by d than the bound (Sinha and Zoltners 1979). The few options nearest to
//! the bound go first: what they give strikes out most of the others (Pisinger 1995).

use super::Point;
use crate::assign::{Front, Goal};
use crate::error::Result;
use crate::evaluate::front::{FrontMetrics, Total, compare};
use crate::evaluate::stage::Rows;
use crate::head::Estimate;
use crate::policy::Offer;
use crate::random::Random;
use crate::train::dials::{Replay, ReplayRow};
use microlp::{ComparisonOp, OptimizationDirection, Problem, SolveOptions, TerminationReason, Variable};
use rayon::prelude::*;

/// Most rows of a batch.
const BATCH: usize = 200;
/// Budgets, from the cheapest assignment's cost to the best one's.
const BUDGETS: usize = 10;
/// Branches that are tried before the solver gives up and its best find has to do.
const NODES: u64 = 2000;
/// Options beyond each query's best that are tried first.
const CORE: usize = 16;
/// Sums of quality that differ by less, relatively, are equal.
const GAP: f64 = 1e-6;

/// One budget of one batch.
struct Solved {
    budget: f64,
    /// The predicted quality, summed, of `assign`'s picks.
    planned: f64,
    /// And of the solver's.
    exact: f64,
    /// What the solver's picks brought.
    realised: Total,
    /// Whether they are proven to be the best.
    proven: bool,
}

/// The exact assignment of the judged rows, batch by batch at the same budgets; and how far `assign` is from it, as the
/// mean over batches.
pub(super) fn way(judged: &Rows, seed: u64) -> Result<(Vec<Point>, String, FrontMetrics)> {
    let mut order: Vec<&ReplayRow> = judged.replays.iter().collect();
    Random::new(seed).shuffle(&mut order);
    let batches: Vec<&[&ReplayRow]> = order.chunks(order.len().div_ceil(order.len().div_ceil(BATCH))).collect();
    let solved: Vec<Vec<Solved>> = batches.par_iter().map(|rows| solve_batch(rows)).collect::<Result<_>>()?;
    let at = |k: usize| {
        let sum = solved.iter().map(|batch| batch[k].realised).fold((0.0, 0.0), |sum, r| (sum.0 + r.0, sum.1 + r.1));
        Point { usd: sum.0 / order.len() as f64, score: sum.1 / order.len() as f64 }
    };
    let (count, proven) = (solved.len() * BUDGETS, solved.iter().flatten().filter(|s| s.proven).count());
    let note = format!(
        "{} batches of at most {BATCH} rows at {BUDGETS} budgets, on the head's predictions; {proven} of {count} proven best but for a millionth",
        batches.len()
    );
    Ok(((0..BUDGETS).map(at).collect(), note, front(&solved)))
}

fn front(batches: &[Vec<Solved>]) -> FrontMetrics {
    // What a budget buys: whether it is spent to the last cent is of no account.
    let points = |batch: &[Solved], value: fn(&Solved) -> f64| batch.iter().map(|s| (s.budget, value(s))).collect::<Vec<_>>();
    let each = batches.iter().map(|batch| compare(&points(batch, |s| s.planned), &points(batch, |s| s.exact)));
    FrontMetrics::mean(&each.collect::<Vec<_>>())
}

fn solve_batch(rows: &[&ReplayRow]) -> Result<Vec<Solved>> {
    let offer = |r: &Replay| Offer { estimate: Estimate { quality: r.quality, spread: 0.0 }, usd: r.expected_usd, ineligible: None };
    let offers: Vec<Vec<Offer>> = rows.iter().map(|row| row.answers.iter().map(offer).collect()).collect();
    let front = Front::new(&offers, 0.0)?;
    let points = front.points();
    let (least, most) = (points[0].usd, points[points.len() - 1].usd);
    // Quality rises fast at first: budgets are closer there.
    let budgets = (0..BUDGETS).map(|k| least + (most - least) * (k as f64 / (BUDGETS - 1) as f64).powi(2));
    let at = |budget: f64| {
        let (planned, lambda) = front.plan(Goal::Budget(budget))?;
        let (exact, proven) = solve(&offers, budget, &planned, lambda);
        let brought = rows.iter().zip(&exact).map(|(row, &pick)| &row.answers[pick]);
        let realised = brought.fold((0.0, 0.0), |sum, r| (sum.0 + r.usd, sum.1 + r.score));
        Ok(Solved { budget, planned: total(&offers, &planned).1, exact: total(&offers, &exact).1, realised, proven })
    };
    budgets.map(at).collect()
}

/// Sums of cost and value.
fn total(offers: &[Vec<Offer>], picks: &[usize]) -> Total {
    offers.iter().zip(picks).map(|(options, &pick)| &options[pick]).fold((0.0, 0.0), |sum, o| (sum.0 + o.usd, sum.1 + o.estimate.quality))
}

/// The best picks within a budget, and whether they are proven to be. `known` are picks within it, and `lambda` an
/// exchange rate: the closer both are to the best, the less is left for the solver.
fn solve(offers: &[Vec<Offer>], budget: f64, known: &[usize], lambda: f64) -> (Vec<usize>, bool) {
    let top = |options: &Vec<Offer>| options.iter().map(|o| o.utility(lambda, 0.0)).fold(f64::NEG_INFINITY, f64::max);
    let tops: Vec<f64> = offers.iter().map(top).collect();
    let lost: Vec<Vec<f64>> =
        offers.iter().zip(&tops).map(|(options, top)| options.iter().map(|o| top - o.utility(lambda, 0.0)).collect()).collect();
    let bound = tops.iter().sum::<f64>() + lambda * budget;
    let mut sorted: Vec<f64> = lost.iter().flatten().copied().collect();
    sorted.sort_by(f64::total_cmp);
    let core = sorted.get(offers.len() + CORE).copied().unwrap_or(f64::INFINITY);
    let mut picks = known.to_vec();
    for most in [core, f64::INFINITY] {
        let value = total(offers, &picks).1;
        let slack = bound - value;
        if slack <= GAP * value.abs() {
            return (picks, true);
        }
        let open = |(own, lost): (&usize, &Vec<f64>)| (0..lost.len()).filter(|i| i == own || lost[*i] <= slack.min(most)).collect();
        let open: Vec<Vec<usize>> = picks.iter().zip(&lost).map(open).collect();
        let Some((found, proven)) = branch_and_bound(offers, &open, budget) else { continue };
        if total(offers, &found).1 > value {
            picks = found;
        }
        // Nothing that could be better was left out.
        if proven && slack <= most {
            return (picks, true);
        }
    }
    (picks, false)
}

/// One of the open options a query, by an integer programme; and whether none is better. None where the solver found none.
fn branch_and_bound(offers: &[Vec<Offer>], open: &[Vec<usize>], budget: f64) -> Option<(Vec<usize>, bool)> {
    let mut picks: Vec<usize> = open.iter().map(|own| own[0]).collect();
    let (free, fixed): (Vec<usize>, Vec<usize>) = (0..offers.len()).partition(|&query| open[query].len() > 1);
    let left = budget - fixed.iter().map(|&query| offers[query][picks[query]].usd).sum::<f64>();
    let options = || free.iter().flat_map(|&query| open[query].iter().map(move |&i| &offers[query][i]));
    let dearest = options().map(|o| o.usd).fold(f64::MIN_POSITIVE, f64::max);
    let mut problem = Problem::new(OptimizationDirection::Maximize);
    let all: Vec<Variable> = options().map(|o| problem.add_binary_var(o.estimate.quality)).collect();
    problem.add_constraint(all.iter().copied().zip(options().map(|o| o.usd / dearest)), ComparisonOp::Le, left / dearest);
    let mut rest = &all[..];
    let mut groups: Vec<&[Variable]> = Vec::new();
    for &query in &free {
        let (own, others) = rest.split_at(open[query].len());
        problem.add_constraint(own.iter().map(|&variable| (variable, 1.0)), ComparisonOp::Eq, 1.0);
        groups.push(own);
        rest = others;
    }
    let mut limits = SolveOptions::default();
    (limits.node_limit, limits.mip_gap) = (Some(NODES), GAP);
    let solution = problem.solve_with(limits).ok()?.into_solution().ok()?;
    for (&query, own) in free.iter().zip(groups) {
        picks[query] = open[query][own.iter().position(|&variable| solution.var_value(variable) > 0.5)?];
    }
    Some((picks, solution.termination_reason() != TerminationReason::NodeLimit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offers(queries: usize, options: usize, seed: u64) -> Vec<Vec<Offer>> {
        let mut random = Random::new(seed);
        let mut offer = |i: usize| {
            let (quality, usd) = (random.unit(), (i + 1) as f64 * (0.5 + random.unit()));
            Offer { estimate: Estimate { quality, spread: 0.0 }, usd, ineligible: None }
        };
        (0..queries).map(|_| (0..options).map(&mut offer).collect()).collect()
    }

    /// Every assignment, one after the other.
    fn by_force(offers: &[Vec<Offer>], budget: f64) -> f64 {
        let count = offers.iter().map(Vec::len).product();
        let assignment = |mut n: usize| -> Vec<usize> {
            offers
                .iter()
                .map(|options| {
                    let pick = n % options.len();
                    n /= options.len();
                    pick
                })
                .collect()
        };
        (0..count).map(|n| total(offers, &assignment(n))).filter(|t| t.0 <= budget).map(|t| t.1).fold(f64::NEG_INFINITY, f64::max)
    }

    #[test]
    fn the_solver_finds_what_trying_all_finds() {
        let mut harder = 0;
        for seed in 0..20 {
            let offers = offers(6, 4, seed);
            let cheapest: Vec<usize> =
                offers.iter().map(|o| (0..o.len()).min_by(|&a, &b| o[a].usd.total_cmp(&o[b].usd)).unwrap()).collect();
            let least = total(&offers, &cheapest).0;
            for budget in [least, 1.2 * least, 1.7 * least, 3.0 * least] {
                // From a poor start at a poor exchange rate, so that there is something left to solve.
                let (picks, proven) = solve(&offers, budget, &cheapest, 0.2);
                let (usd, value) = total(&offers, &picks);
                assert!(proven && usd <= budget + 1e-6, "seed {seed}, budget {budget}");
                assert!((value - by_force(&offers, budget)).abs() < 1e-5, "seed {seed}, budget {budget}");
                harder += usize::from(value > total(&offers, &cheapest).1 + 0.1);
            }
        }
        assert!(harder > 40, "{harder} of 80 were better than their start");
    }

    #[test]
    fn a_large_batch_is_planned_as_well_as_the_solver_does() {
        let offers = offers(150, 5, 7);
        let rows: Vec<ReplayRow> = offers
            .iter()
            .map(|options| {
                let answer = |(candidate, o): (usize, &Offer)| Replay {
                    candidate,
                    quality: o.estimate.quality,
                    expected_usd: o.usd,
                    score: 1.0,
                    usd: 2.0,
                };
                ReplayRow { far: false, answers: options.iter().enumerate().map(answer).collect() }
            })
            .collect();
        let solved = solve_batch(&rows.iter().collect::<Vec<_>>()).unwrap();
        assert_eq!(solved.len(), BUDGETS);
        for at in &solved {
            assert!(at.exact >= at.planned && at.exact - at.planned < 1e-9, "{} {}", at.exact, at.planned);
            assert_eq!(at.realised, (300.0, 150.0));
        }
        let found = front(&[solved]);
        assert!(found.hypervolume <= found.hypervolume_true && found.hypervolume > (1.0 - 1e-9) * found.hypervolume_true, "{found:?}");
    }
}
