//! What a router would have brought on prompts that another policy decided, of which only the chosen candidate's outcome
//! is known.
//!
//! With a the logged candidate, p its propensity, r what it brought, π the router's own choice, w = [a = π] / p and r̂
//! the router's predictions:
//!
//! ```text
//! IPS     mean(w r)                                  Horvitz and Thompson 1952
//! SNIPS   Σ w r / Σ w                                Swaminathan and Joachims 2015
//! DR      mean(r̂_π + w (r - r̂_a))                    Dudík, Langford and Li 2011, arXiv 1103.4601
//! ```
//!
//! once for scores and once for costs. IPS is right on average where propensities are and where whatever the router
//! chooses could have been logged; SNIPS is steadier and a little biased; DR is steadier by as much as the predictions are
//! good, and stays right on average only where they were not learned from these rows. Limits of single calls (`allow`,
//! `needs`, `maxUsd`) are not replayed.

use super::predict::predict;
use super::{Interval, RESAMPLES, Strategy, mix};
use crate::artifact::RouterFile;
use crate::error::{Error, Result};
use crate::policy::Aim;
use crate::train::dials::{Replay, pick};
use crate::train::{Asked, Log, Seen};
use rayon::prelude::*;
use serde::Serialize;

/// How to estimate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OffPolicySettings {
    /// What the router is asked for.
    pub aim: Aim,
    /// No weight counts for more than this: less variance for some bias. None where there is no such limit.
    pub clip: Option<f64>,
    /// Of the bootstrap.
    pub seed: u64,
}

/// Three estimates of one mean.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Estimates {
    /// Inverse propensity scoring.
    pub ips: Interval,
    /// Self-normalised.
    pub snips: Interval,
    /// Doubly robust, with the router's own predictions as the direct model.
    pub doubly_robust: Interval,
}

/// What logged decisions say of a router.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OffPolicy {
    /// Decisions with feedback.
    pub rows: usize,
    /// What the logged decisions themselves brought.
    pub logged: Strategy,
    /// Rows on which the router chooses what was chosen.
    pub agreed: usize,
    /// So many rows, all of one weight, would be as sure: (Σ w)² / Σ w².
    pub effective_rows: f64,
    /// Greatest weight, before any limit.
    pub greatest_weight: f64,
    /// Weights that the limit lowered.
    pub clipped: usize,
    /// Rows for which the router chooses a candidate that was never logged: IPS counts them as nothing, SNIPS leaves them
    /// out, and of them DR knows predictions alone.
    pub unsupported: usize,
    /// Whether every propensity is 1. Then the log says nothing of other choices, and only its own policy can be judged.
    pub deterministic: bool,
    /// Mean score of the router's choices.
    pub score: Estimates,
    /// Their mean cost, in US dollars.
    pub usd: Estimates,
}

impl OffPolicy {
    /// Whether too few rows carry the estimates for their intervals to be trusted.
    pub fn is_thin(&self) -> bool {
        self.effective_rows < 50.0
    }
}

/// One decision: what it brought and what is predicted, as (score, cost).
struct Sample {
    /// 0 where the router chooses otherwise.
    weight: f64,
    found: [f64; 2],
    predicted: [f64; 2],
    own: [f64; 2],
}

/// Judges a router on those of the given rows that a decision chose for. `seen[i]` belongs to `log.rows[i]`.
///
/// # Errors
/// [`Error::BadInput`] where there is no such row, where one lacks its propensity, where the router agrees with the log on
/// none, or for a limit that is not above 0.
pub fn off_policy(file: &RouterFile, log: &Log, seen: &[Seen], rows: &[usize], settings: OffPolicySettings) -> Result<OffPolicy> {
    if let Some(clip) = settings.clip.filter(|clip| clip.is_nan() || *clip <= 0.0) {
        return Err(Error::input("clip", format!("{clip} is not a number above 0")));
    }
    let propensities = propensities(log, rows)?;
    let logged: Vec<Option<usize>> = log.candidates.iter().map(|id| file.catalog.position(id)).collect();
    let mut known = vec![false; file.catalog.len()];
    for (row, _) in &propensities {
        log.rows[*row].outcomes().filter_map(|(c, _)| logged[c]).for_each(|candidate| known[candidate] = true);
    }
    let sample = |&(row, p): &(usize, f64)| sample(file, log, seen, (row, p), &logged, settings.aim);
    let (samples, picked): (Vec<Sample>, Vec<usize>) = propensities.par_iter().map(sample).collect::<Result<Vec<_>>>()?.into_iter().unzip();
    let greatest_weight = samples.iter().map(|s| s.weight).fold(0.0, f64::max);
    if greatest_weight == 0.0 {
        let problem = format!("the router chooses as logged on none of {} decisions: nothing can be said of it", samples.len());
        return Err(Error::input("decisions", problem));
    }
    let limit = settings.clip.unwrap_or(f64::INFINITY);
    let clipped = samples.iter().filter(|s| s.weight > limit).count();
    let samples: Vec<Sample> = samples.into_iter().map(|s| Sample { weight: s.weight.min(limit), ..s }).collect();
    let [score, usd] = estimates(&samples, settings.seed);
    let sum = |value: &dyn Fn(&Sample) -> f64| samples.iter().map(value).sum::<f64>();
    let mean = |i: usize| sum(&|s| s.found[i]) / samples.len() as f64;
    Ok(OffPolicy {
        rows: samples.len(),
        logged: Strategy { name: "logged decisions".into(), score: mean(0), usd: mean(1), rows: samples.len() },
        agreed: samples.iter().filter(|s| s.weight > 0.0).count(),
        effective_rows: sum(&|s| s.weight).powi(2) / sum(&|s| s.weight * s.weight),
        greatest_weight,
        clipped,
        unsupported: picked.iter().filter(|&&candidate| !known[candidate]).count(),
        deterministic: propensities.iter().all(|(_, p)| *p == 1.0),
        score,
        usd,
    })
}

/// The rows that a decision chose for, and with what probability.
fn propensities(log: &Log, rows: &[usize]) -> Result<Vec<(usize, f64)>> {
    let chosen = rows.iter().filter_map(|&row| match log.rows[row].asked {
        Asked::Openly => None,
        Asked::Chosen { propensity } => Some((row, propensity)),
    });
    let chosen: Vec<(usize, Option<f64>)> = chosen.collect();
    let lacking = chosen.iter().filter(|(_, propensity)| propensity.is_none()).count();
    if chosen.is_empty() {
        let problem = "no row of the chosen split comes from a logged decision with feedback; keep some for evaluation with --test-share, \
                       in training too, or choose --split all for decisions that the router was not trained on";
        return Err(Error::input("decisions", problem));
    }
    if lacking > 0 {
        let problem = "log `decision.propensity`, the probability with which the candidate was chosen";
        return Err(Error::input("decisions", format!("{lacking} of {} decisions lack their propensity; {problem}", chosen.len())));
    }
    Ok(chosen.into_iter().filter_map(|(row, propensity)| Some((row, propensity?))).collect())
}

/// A row as the estimators see it, and the position of the router's choice.
fn sample(
    file: &RouterFile,
    log: &Log,
    seen: &[Seen],
    (row, propensity): (usize, f64),
    logged: &[Option<usize>],
    aim: Aim,
) -> Result<(Sample, usize)> {
    let predicted = predict(file, &log.rows[row].query, &seen[row])?;
    let none = || Error::input("decisions", "a row holds no outcome");
    let (position, outcome) = log.rows[row].outcomes().next().ok_or_else(none)?;
    let own = pick(&predicted, aim, file.dials.strongest).ok_or_else(none)?;
    let chosen = logged[position].map(|candidate| &predicted.answers[candidate]);
    let agrees = logged[position] == Some(own.candidate);
    let numbers = |replay: &Replay| [replay.quality, replay.expected_usd];
    let sample = Sample {
        weight: if agrees { 1.0 / propensity } else { 0.0 },
        found: [outcome.score, outcome.usd],
        predicted: chosen.map_or([0.0; 2], numbers),
        own: numbers(own),
    };
    Ok((sample, own.candidate))
}

/// Of scores and of costs, with percentiles of a bootstrap over rows.
fn estimates(samples: &[Sample], seed: u64) -> [Estimates; 2] {
    let n = samples.len() as u64;
    let whole = figures(&mut samples.iter());
    let draw = |resample: u64| figures(&mut (0..n).map(|i| &samples[(mix(seed, resample, i) % n) as usize]));
    let resamples: Vec<[[f64; 3]; 2]> = (0..RESAMPLES).into_par_iter().map(draw).collect();
    let interval = |kind: usize, estimator: usize| {
        // A resample may hold no row on which the router agrees: then SNIPS is no number.
        let mut sorted: Vec<f64> = resamples.iter().map(|figures| figures[kind][estimator]).filter(|x| x.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let tail = sorted.len() / 40;
        let at = |i: Option<usize>| i.and_then(|i| sorted.get(i)).copied().unwrap_or(f64::NAN);
        Interval { value: whole[kind][estimator], low: at(Some(tail)), high: at((sorted.len()).checked_sub(1 + tail)) }
    };
    [0, 1].map(|kind| Estimates { ips: interval(kind, 0), snips: interval(kind, 1), doubly_robust: interval(kind, 2) })
}

/// IPS, SNIPS and DR, of scores and of costs.
fn figures(samples: &mut dyn Iterator<Item = &Sample>) -> [[f64; 3]; 2] {
    let (mut n, mut weights, mut weighted, mut robust) = (0.0, 0.0, [0.0; 2], [0.0; 2]);
    for sample in samples {
        n += 1.0;
        weights += sample.weight;
        for kind in 0..2 {
            weighted[kind] += sample.weight * sample.found[kind];
            robust[kind] += sample.own[kind] + sample.weight * (sample.found[kind] - sample.predicted[kind]);
        }
    }
    [0, 1].map(|kind| [weighted[kind] / n, weighted[kind] / weights, robust[kind] / n])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_worked_by_hand() {
        // Three rows: the router agrees on the first two, which were logged with propensities 1/2 and 1/4.
        let sample = |weight, score: f64, usd: f64, predicted: f64, own: f64| Sample {
            weight,
            found: [score, usd],
            predicted: [predicted, 2.0 * predicted],
            own: [own, 2.0 * own],
        };
        let samples = [sample(2.0, 1.0, 3.0, 0.5, 0.5), sample(4.0, 0.5, 1.0, 0.75, 0.75), sample(0.0, 1.0, 8.0, 0.25, 0.5)];
        let [score, usd] = figures(&mut samples.iter());
        // IPS (2 + 2) / 3; SNIPS 4 / 6; DR (0.5 + 2 · 0.5 + 0.75 - 4 · 0.25 + 0.5) / 3.
        assert_eq!(score, [4.0 / 3.0, 4.0 / 6.0, 1.75 / 3.0]);
        // The same for costs: (6 + 4) / 3, 10 / 6, (1 + 2 · 2 + 1.5 - 4 · 0.5 + 1) / 3.
        assert_eq!(usd, [10.0 / 3.0, 10.0 / 6.0, 5.5 / 3.0]);
    }

    #[test]
    fn intervals_close_where_nothing_varies_and_survive_resamples_without_agreement() {
        let sample = |weight| Sample { weight, found: [1.0, 2.0], predicted: [1.0, 2.0], own: [1.0, 2.0] };
        let [score, usd] = estimates(&[sample(1.0), sample(0.0), sample(0.0)], 0);
        let same = |i: Interval, value: f64| assert_eq!((i.value, i.low, i.high), (value, value, value));
        [(score.snips, 1.0), (score.doubly_robust, 1.0), (usd.snips, 2.0), (usd.doubly_robust, 2.0)]
            .into_iter()
            .for_each(|(i, value)| same(i, value));
        assert!(score.ips.low == 0.0 && score.ips.high > score.ips.value);
    }
}
