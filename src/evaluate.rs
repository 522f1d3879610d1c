//! Replay of logged outcomes: what a router would have scored and cost, beside every baseline that needs no router.
//!
//! All figures are means over rows. Costs are the logged ones; choices see only expected costs. AIQ is the mean height
//! of the non-decreasing upper hull of the (cost, score) points, from the cheapest single candidate's cost to the best
//! single candidate's.

mod baselines;
mod details;
mod hull;
mod online;
mod splits;

pub use baselines::{Band, Baseline, FrontMetrics, Point, Stability, Task, WeightLine};
pub use details::{Bin, Calibration, Picks};
pub use hull::Hull;
pub use online::Earned;
pub use splits::Splits;

use crate::artifact::RouterFile;
use crate::bandit::Learning;
use crate::error::{Error, Result};
use crate::features::surface;
use crate::policy::{Aim, Knot};
use crate::random;
use crate::train::dials::{Replay, ReplayRow, pick, sweep};
use crate::train::{Log, Outcome, Seen};
use serde::Serialize;

const RESAMPLES: u64 = 1000;

/// One way to answer every row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Strategy {
    /// A candidate's id, or the name of a baseline.
    pub name: String,
    /// Mean score.
    pub score: f64,
    /// Mean cost, in US dollars.
    pub usd: f64,
    /// Rows that the means are over. A candidate may have answered fewer than were replayed.
    pub rows: usize,
}

/// An estimate and its 95% bootstrap interval over rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// The estimate on all rows.
    pub value: f64,
    /// 2.5th percentile.
    pub low: f64,
    /// 97.5th percentile.
    pub high: f64,
}

/// Mean height of the cost-score curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Aiq {
    /// The router, over all exchange rates.
    pub router: f64,
    /// The best mixture of single candidates, without a look at the prompt.
    pub zero: f64,
    /// The oracle's score, which is the same at every cost from its own upwards.
    pub oracle: f64,
}

/// What a replay found.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Rows replayed.
    pub rows: usize,
    /// The router at the dial that was asked for.
    pub router: Strategy,
    /// The candidate that was best on the training rows.
    pub best_single: Strategy,
    /// The candidate that was cheapest on these rows.
    pub cheapest: Strategy,
    /// A candidate at random.
    pub random: Strategy,
    /// The best mixture of single candidates at the router's cost.
    pub zero: Strategy,
    /// The cheapest of the best-scoring candidates of each row.
    pub oracle: Strategy,
    /// The router's score less the best single candidate's, paired by row.
    pub score_change: Interval,
    /// Share of the best single candidate's cost that the router saves.
    pub cost_saved: Interval,
    /// Mean heights.
    pub aiq: Aiq,
    /// Rows too far from the training prompts to be estimated: they went to the strongest candidate.
    pub low_confidence: usize,
    /// Predicted qualities against scores.
    pub calibration: Calibration,
    /// Where the rows went.
    pub picks: Vec<Picks>,
    /// Row i, column j, in the order of the picks: the share of rows on which i was right and j was not.
    pub complementarity: Vec<Vec<f64>>,
    /// Every candidate on the rows that it answered.
    pub candidates: Vec<Strategy>,
    /// The router at every exchange rate.
    pub curve: Vec<Knot>,
    /// Other ways to route.
    pub baselines: Vec<Baseline>,
    /// Around the router's curve.
    pub bands: Vec<Band>,
    /// One line per task.
    pub tasks: Vec<Task>,
    /// One line per weight of cost.
    pub cost_weights: Vec<WeightLine>,
    /// The router's front against the true one.
    pub front: Option<FrontMetrics>,
    /// Decisions under small edits.
    pub stability: Option<Vec<Stability>>,
}

/// Replays the given rows of a log. `seen[i]` belongs to `log.rows[i]`.
///
/// # Errors
/// [`Error::BadInput`] where the rows hold no outcome of the router's candidates, or none of its best single candidate.
pub fn evaluate(file: &RouterFile, log: &Log, seen: &[Seen], rows: &[usize], aim: Aim, seed: u64) -> Result<Report> {
    let best = file.catalog.position(&file.provenance.best_single.id).unwrap_or(file.dials.strongest);
    let replays = replay_rows(file, log, seen, rows, best)?;
    let ids: Vec<&str> = file.catalog.candidates().iter().map(|c| c.id.as_str()).collect();
    let candidates: Vec<Strategy> = ids.iter().enumerate().filter_map(|(c, id)| single(id, c, &replays)).collect();
    let cheapest = candidates.iter().min_by(|a, b| a.usd.total_cmp(&b.usd)).cloned();
    let cheapest = cheapest.ok_or_else(|| Error::input("outcomes", "no candidate of the router answered these rows"))?;
    let routed: Vec<&Replay> = replays.iter().filter_map(|row| pick(row, aim, best)).collect();
    let beaten: Vec<&Replay> = replays.iter().filter_map(|row| row.of(best)).collect();
    let (router, best_single) = (strategy("router", &routed), strategy(&file.catalog.candidates()[best].id, &beaten));
    let oracle = strategy("oracle", &replays.iter().filter_map(|row| oracle(row)).collect::<Vec<_>>());
    let curve = sweep(&replays, file.dials.cost_scale, best, Aim::Weight);
    let singles = Hull::new(candidates.iter().map(|s| (s.usd, s.score)));
    let (from, to) = (cheapest.usd, best_single.usd);
    let height = Hull::new(curve.iter().map(|k| (k.usd, k.quality))).mean_height(from, to);
    let (score_change, cost_saved) = intervals(&routed, &beaten, seed);
    Ok(Report {
        rows: replays.len(),
        aiq: Aiq { router: height, zero: singles.mean_height(from, to), oracle: oracle.score },
        zero: Strategy { name: "zero router".into(), score: singles.height(router.usd), ..router.clone() },
        random: random(&replays),
        router,
        best_single,
        cheapest,
        oracle,
        score_change,
        cost_saved,
        low_confidence: replays.iter().filter(|row| row.far).count(),
        calibration: details::calibration(&replays),
        picks: details::picks(&ids, &routed),
        complementarity: details::complementarity(ids.len(), &replays),
        candidates,
        curve,
        baselines: vec![],
        bands: vec![],
        tasks: vec![],
        cost_weights: vec![],
        front: None,
        stability: None,
    })
}

/// Proves the guarantee on random halves of the rows and looks at the other halves, so many times. ε and δ are those of
/// the router file's own guarantee, or 0.03 and 0.1.
///
/// # Errors
/// As [`evaluate`].
pub fn check_guarantee(file: &RouterFile, log: &Log, seen: &[Seen], rows: &[usize], splits: usize, seed: u64) -> Result<Splits> {
    let replays = replay_rows(file, log, seen, rows, file.dials.strongest)?;
    let promise = file.dials.guarantee.as_ref().map_or((0.03, 0.1), |own| (own.epsilon, own.delta));
    Ok(splits::check(&replays, &file.dials, promise, splits, seed))
}

/// Replays the rows in random order to a bandit that starts without a head, at an exchange rate; what it and others earned
/// up to twenty points on the way.
///
/// # Errors
/// As [`evaluate`].
pub fn replay_online(
    file: &RouterFile,
    log: &Log,
    seen: &[Seen],
    rows: &[usize],
    lambda: f64,
    settings: Learning,
    seed: u64,
) -> Result<Vec<Earned>> {
    let replays = rows.iter().map(|&row| Ok((replay(file, log, seen, row)?, &seen[row]))).collect::<Result<Vec<_>>>()?;
    let judged: Vec<(ReplayRow, &Seen)> = replays.into_iter().filter(|(row, _)| row.of(file.dials.strongest).is_some()).collect();
    online::replay(file, &judged, lambda, settings, seed)
}

/// The rows that the candidate to beat has answered.
fn replay_rows(file: &RouterFile, log: &Log, seen: &[Seen], rows: &[usize], best: usize) -> Result<Vec<ReplayRow>> {
    let replays: Result<Vec<ReplayRow>> = rows.iter().map(|&r| replay(file, log, seen, r)).collect();
    let replays: Vec<ReplayRow> = replays?.into_iter().filter(|row| row.of(best).is_some()).collect();
    if replays.is_empty() {
        let id = &file.catalog.candidates()[best].id;
        return Err(Error::input("outcomes", format!("no row of the chosen split holds an outcome of {id}, the candidate to beat")));
    }
    Ok(replays)
}

fn replay(file: &RouterFile, log: &Log, seen: &[Seen], row: usize) -> Result<ReplayRow> {
    let Seen { embedding, tokens } = &seen[row];
    let features = file.features.apply(embedding, &surface(&log.rows[row].query, *tokens))?;
    let far = file.features.is_far(&features);
    let estimates = file.head.estimate(&features.vector)?;
    let expected = file.catalog.usd(*tokens, &file.catalog.outputs(None, &file.head.lengths(&features.vector)?));
    let candidates = file.catalog.candidates().iter().enumerate();
    let answered = candidates.filter_map(|(c, candidate)| Some((c, log.rows[row].outcome(log.position(&candidate.id)?)?)));
    let replay = |(candidate, outcome): (usize, Outcome)| {
        let quality = if far { file.dials.means[candidate] } else { estimates[candidate].quality };
        let expected_usd = expected[candidate];
        Replay { candidate, quality, expected_usd, score: outcome.score, usd: outcome.usd }
    };
    Ok(ReplayRow { far, answers: answered.map(replay).collect() })
}

fn single(id: &str, candidate: usize, rows: &[ReplayRow]) -> Option<Strategy> {
    let own: Vec<&Replay> = rows.iter().filter_map(|row| row.of(candidate)).collect();
    (!own.is_empty()).then(|| strategy(id, &own))
}

fn strategy(name: &str, picks: &[&Replay]) -> Strategy {
    let n = picks.len() as f64;
    let mean = |value: fn(&Replay) -> f64| picks.iter().map(|r| value(r)).sum::<f64>() / n;
    Strategy { name: name.into(), score: mean(|r| r.score), usd: mean(|r| r.usd), rows: picks.len() }
}

fn random(rows: &[ReplayRow]) -> Strategy {
    let mean = |value: fn(&Replay) -> f64| {
        rows.iter().map(|row| row.answers.iter().map(value).sum::<f64>() / row.answers.len() as f64).sum::<f64>() / rows.len() as f64
    };
    Strategy { name: "random".into(), score: mean(|r| r.score), usd: mean(|r| r.usd), rows: rows.len() }
}

fn oracle(row: &ReplayRow) -> Option<&Replay> {
    row.answers.iter().max_by(|a, b| a.score.total_cmp(&b.score).then(b.usd.total_cmp(&a.usd)))
}

/// Score change and share of cost saved, with the percentiles of a paired bootstrap.
fn intervals(routed: &[&Replay], beaten: &[&Replay], seed: u64) -> (Interval, Interval) {
    let n = routed.len();
    let figures = |rows: &mut dyn Iterator<Item = usize>| {
        let sums = rows.fold((0.0, 0.0, 0.0), |(change, ours, theirs), i| {
            (change + routed[i].score - beaten[i].score, ours + routed[i].usd, theirs + beaten[i].usd)
        });
        (sums.0 / n as f64, 1.0 - sums.1 / sums.2)
    };
    let whole = figures(&mut (0..n));
    let samples: Vec<(f64, f64)> =
        (0..RESAMPLES).map(|sample| figures(&mut (0..n).map(|i| (mix(seed, sample, i as u64) % n as u64) as usize))).collect();
    let interval = |value: f64, part: fn(&(f64, f64)) -> f64| {
        let mut sorted: Vec<f64> = samples.iter().map(part).collect();
        sorted.sort_by(f64::total_cmp);
        Interval { value, low: sorted[sorted.len() / 40], high: sorted[sorted.len() - 1 - sorted.len() / 40] }
    };
    (interval(whole.0, |s| s.0), interval(whole.1, |s| s.1))
}

/// A hash of three numbers: resampling needs no state and no generator.
fn mix(seed: u64, sample: u64, i: u64) -> u64 {
    random::mix(random::mix(seed ^ sample.rotate_left(32)).wrapping_add(i.wrapping_mul(random::STEP)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(candidate: usize, score: f64, usd: f64) -> Replay {
        Replay { candidate, quality: score, expected_usd: usd, score, usd }
    }

    #[test]
    fn the_oracle_takes_the_cheapest_of_the_best() {
        let row = ReplayRow { far: false, answers: vec![answer(0, 0.0, 1.0), answer(1, 1.0, 5.0), answer(2, 1.0, 3.0)] };
        assert_eq!(oracle(&row).unwrap().candidate, 2);
        assert_eq!(random(&[row]).usd, 3.0);
    }

    #[test]
    fn intervals_hold_the_estimate_and_shrink_to_it_without_variation() {
        let (ours, theirs): (Vec<Replay>, Vec<Replay>) = (0..50).map(|i| (answer(0, f64::from(i % 2), 1.0), answer(1, 0.5, 4.0))).unzip();
        let (change, saved) = intervals(&ours.iter().collect::<Vec<_>>(), &theirs.iter().collect::<Vec<_>>(), 1);
        assert!(change.low < change.value && change.value < change.high && change.value.abs() < 1e-12);
        assert_eq!((saved.low, saved.value, saved.high), (0.75, 0.75, 0.75));
    }
}
