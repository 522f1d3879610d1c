//! Replay of logged outcomes: what a router would have scored and cost, beside every baseline that needs no router.
//!
//! All figures are means over rows. Costs are the logged ones; choices see only expected costs. AIQ is the mean height
//! of the non-decreasing upper hull of the (cost, score) points, from the cheapest single candidate's cost to the best
//! single candidate's.

mod bands;
mod baselines;
mod curve;
mod details;
mod front;
mod hull;
mod off_policy;
mod online;
mod predict;
mod splits;
mod stability;
mod stage;

pub use bands::Band;
pub use baselines::{Baseline, Point};
pub use curve::{CurvePoint, LearningCurve, learning_curve};
pub use details::{Bin, Calibration, Picks, Task, WeightLine};
pub use front::FrontMetrics;
pub use hull::Hull;
pub use off_policy::{Estimates, OffPolicy, OffPolicySettings, off_policy};
pub use online::{Earned, Online, Unseen, replay_online};
pub use splits::Splits;
pub use stability::{Stability, stability};

use crate::artifact::RouterFile;
use crate::error::{Error, Result};
use crate::policy::{Aim, Dials, Knot};
use crate::random;
use crate::train::dials::{Replay, ReplayRow, pick, sweep};
use crate::train::{Log, Seen};
use baselines::Known;
use details::oracle;
use serde::Serialize;
use stage::{Rows, Stage};

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
    /// Share of the best single candidate's cost that the router saves. NaN, null as JSON, where that costs nothing.
    pub cost_saved: Interval,
    /// Mean heights.
    pub aiq: Aiq,
    /// Rows too far from the training prompts to be estimated: they went to the strongest candidate or, where a cost weight
    /// was asked for, were judged by mean scores.
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
    /// How sure the curve is, from the cheapest single candidate's cost to the best one's.
    pub bands: Vec<Band>,
    /// Other ways to route. Those that have to be fitted are fitted on the log's training rows.
    pub baselines: Vec<Baseline>,
    /// By name; empty where the log names neither tasks nor data sets.
    pub tasks: Vec<Task>,
    /// What each cost weight brings.
    pub cost_weights: Vec<WeightLine>,
    /// Batches as [`assign`](crate::assign) plans them, against the exact assignment.
    pub front: Option<FrontMetrics>,
    /// How often small edits leave the decision as it was: where [`stability`] was asked.
    pub stability: Option<Vec<Stability>>,
    /// Which baselines are absent and why, and what else a reader must not miss.
    pub notes: Vec<String>,
}

impl Report {
    /// The baselines, but for the oracle, that score more than the router at no more than its cost, with what they bring
    /// there, and whether that is above the band of the router's curve.
    pub fn better(&self) -> Vec<(&Baseline, Point, bool)> {
        let ahead = |baseline: &'_ Baseline| baseline.within(self.router.usd).filter(|point| point.score > self.router.score);
        let named = self.baselines.iter().filter(|baseline| baseline.name != baselines::ORACLE);
        named.filter_map(|baseline| ahead(baseline).map(|point| (baseline, point, bands::above(&self.bands, point)))).collect()
    }
}

/// Replays the given rows of a log. `seen[i]` belongs to `log.rows[i]`; training rows that are not among `rows` are looked
/// at too, to fit the baselines.
///
/// # Errors
/// [`Error::BadInput`] where the rows hold no outcome of the router's candidates, or none of its best single candidate.
pub fn evaluate(file: &RouterFile, log: &Log, seen: &[Seen], rows: &[usize], aim: Aim, seed: u64) -> Result<Report> {
    let best = file.catalog.position(&file.provenance.best_single.id).unwrap_or(file.dials.strongest);
    let stage = Stage { file, log, seen, best };
    report(&stage, &stage.judged(rows)?, aim, seed)
}

fn report(stage: &Stage, judged: &Rows, aim: Aim, seed: u64) -> Result<Report> {
    let (&Dials { cost_scale, strongest, .. }, replays, best) = (&stage.file.dials, &judged.replays, stage.best);
    let ids: Vec<&str> = stage.file.catalog.candidates().iter().map(|c| c.id.as_str()).collect();
    let (candidates, cheapest) = singles(&ids, replays)?;
    let routed: Vec<&Replay> = replays.iter().filter_map(|row| pick(row, aim, strongest)).collect();
    let beaten: Vec<&Replay> = replays.iter().filter_map(|row| row.of(best)).collect();
    let (router, best_single, random) = (strategy("router", &routed), strategy(ids[best], &beaten), random(replays));
    let oracle = strategy("oracle", &replays.iter().filter_map(oracle).collect::<Vec<_>>());
    let curve = sweep(replays, cost_scale, strongest, Aim::Weight);
    let zero = Hull::new(candidates.iter().map(|s| (s.usd, s.score)));
    let range = (cheapest.usd, best_single.usd);
    let (score_change, cost_saved) = intervals(&routed, &beaten, seed);
    let known = Known { cheapest: &cheapest, best_single: &best_single, random: &random, quality_only: (&curve[0]).into(), zero: &zero };
    let baselines::Found { baselines, front, notes } = baselines::all(stage, judged, &known, seed)?;
    Ok(Report {
        rows: replays.len(),
        aiq: heights(&curve, &zero, &oracle, range),
        zero: Strategy { name: "zero router".into(), score: zero.height(router.usd), ..router.clone() },
        low_confidence: replays.iter().filter(|row| row.far).count(),
        calibration: details::calibration(replays),
        picks: details::picks(&ids, &routed),
        complementarity: details::complementarity(ids.len(), replays),
        bands: bands::bands(judged, &curve, strongest, range, seed),
        tasks: details::tasks(stage, judged, aim),
        cost_weights: details::weights(replays, cost_scale, strongest),
        stability: None,
        notes: notes.into_iter().chain(unanswered(stage, &candidates)).collect(),
        random,
        router,
        best_single,
        cheapest,
        oracle,
        score_change,
        cost_saved,
        candidates,
        curve,
        baselines,
        front,
    })
}

fn heights(curve: &[Knot], zero: &Hull, oracle: &Strategy, (from, to): (f64, f64)) -> Aiq {
    let router = Hull::new(curve.iter().map(|k| (k.usd, k.quality))).mean_height(from, to);
    Aiq { router, zero: zero.mean_height(from, to), oracle: oracle.score }
}

/// Proves the guarantee on random halves of the rows and looks at the other halves, so many times. ε and δ are those of
/// the router file's own guarantee, or 0.03 and 0.1.
///
/// # Errors
/// As [`evaluate`].
pub fn check_guarantee(file: &RouterFile, log: &Log, seen: &[Seen], rows: &[usize], splits: usize, seed: u64) -> Result<Splits> {
    let stage = Stage { file, log, seen, best: file.dials.strongest };
    let Rows { replays, .. } = stage.judged(rows)?;
    let promise = file.dials.guarantee.as_ref().map_or((0.03, 0.1), |own| (own.epsilon, own.delta));
    Ok(splits::check(&replays, &file.dials, promise, splits, seed))
}

/// That nothing was picked from some candidates, since the log does not know them, or by other names only.
fn unanswered(stage: &Stage, answered: &[Strategy]) -> Option<String> {
    let all = stage.file.catalog.candidates().iter().map(|c| c.id.as_str());
    let silent: Vec<&str> = all.filter(|id| answered.iter().all(|s| s.name != *id)).collect();
    let strangers = stage.log.candidates.iter().map(String::as_str).filter(|id| stage.file.catalog.position(id).is_none());
    let strangers: Vec<&str> = strangers.collect();
    let renamed = match &*strangers {
        [] => String::new(),
        some => format!(
            "; the log's {} are none of its candidates: rename those that are the same (`--rename NAME=CANDIDATE`)",
            some.join(", ")
        ),
    };
    let note = format!("these rows hold no outcome of {}, as if they were no candidates of the router{renamed}", silent.join(", "));
    (!silent.is_empty()).then_some(note)
}

/// Every candidate that answered some rows, and the cheapest of them.
fn singles(ids: &[&str], rows: &[ReplayRow]) -> Result<(Vec<Strategy>, Strategy)> {
    let answers = |c: usize| rows.iter().filter_map(|row| row.of(c)).collect::<Vec<_>>();
    let all = ids.iter().enumerate().map(|(c, id)| (id, answers(c))).filter(|(_, own)| !own.is_empty());
    let all: Vec<Strategy> = all.map(|(id, own)| strategy(id, &own)).collect();
    let cheapest = all.iter().min_by(|a, b| a.usd.total_cmp(&b.usd)).cloned();
    let cheapest = cheapest.ok_or_else(|| Error::input("outcomes", "no candidate of the router answered these rows"))?;
    Ok((all, cheapest))
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
