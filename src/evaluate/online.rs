//! Learning from nothing, one row after the other: what the bandit earns while it learns, beside a head that was
//! trained on all outcomes of other rows (MetaLLM, Algorithm 1, against full information).
//!
//! The head is honest: each row is judged by one that was fitted to the rows of the other folds (cross-fitting), so
//! that none has seen it. The bandit starts without a head and expects every candidate to be perfect until it is seen to be
//! less: optimism makes it try each one early, and ends by itself (Sutton and Barto 2018, section 2.6). What a call will
//! cost is expected as the head expects it.

use super::predict::replay as predict;
use crate::artifact::RouterFile;
use crate::bandit::{Bandit, Learning};
use crate::catalog::Candidate;
use crate::error::{Error, Result};
use crate::features::FeatureMap;
use crate::policy::Aim;
use crate::random::Random;
use crate::train::dials::{Replay, ReplayRow, pick};
use crate::train::{Cards, Log, ModelCard, Seen, Settings, out_of_fold};
use rayon::prelude::*;
use serde::Serialize;

const CHECKPOINTS: usize = 20;
/// The quality of a candidate that was never seen.
const OPTIMISM: f64 = 1.0;

/// Mean rewards, score - λ·cost, over the rows up to a point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Earned {
    /// Rows so far.
    pub rows: usize,
    /// LinUCB that started without a head and saw only the outcomes of its own choices.
    pub bandit: f64,
    /// A head that was trained on all outcomes of other rows.
    pub head: f64,
    /// The single candidate that earns most on all rows, which only hindsight tells.
    pub best_single: f64,
    /// A candidate at random.
    pub random: f64,
}

/// How to replay rows to a bandit.
#[derive(Clone, Debug)]
pub struct Online {
    /// The exchange rate of the rewards.
    pub lambda: f64,
    /// How the bandit learns.
    pub learning: Learning,
    /// Of the order of the rows.
    pub seed: u64,
}

impl Online {
    /// A ridge of one observation: what is not known from elsewhere is to be learned fast.
    pub fn new(lambda: f64, explore: f64, dimensions: usize, seed: u64) -> Self {
        let learning = Learning { explore, ridge: 1.0, dimensions: Some(dimensions), ..Learning::default() };
        Self { lambda, learning, seed }
    }
}

/// Rows with what a head that has not seen them predicts, and with what every candidate brought.
#[derive(Clone)]
pub struct Unseen<'a> {
    candidates: usize,
    rows: Vec<(ReplayRow, &'a Seen)>,
}

impl<'a> Unseen<'a> {
    /// By a router file that was trained on none of these rows.
    ///
    /// # Errors
    /// [`Error::BadInput`] where no row holds an outcome of its candidates.
    pub fn by(file: &RouterFile, log: &Log, seen: &'a [Seen], rows: &[usize]) -> Result<Self> {
        let replays = rows.par_iter().map(|&row| Ok((predict(file, log, seen, row)?, &seen[row]))).collect::<Result<Vec<_>>>()?;
        Self::answered(file.catalog.len(), replays)
    }

    /// By heads that are trained on these rows, as the file's was and for its candidates: each row is predicted by one that
    /// was fitted to the other four fifths. It takes as long as training does. `watch` is told what is being done.
    ///
    /// # Errors
    /// As [`train_on`](crate::train::train_on), and [`Unseen::by`].
    pub fn cross_fit(file: &RouterFile, log: &Log, seen: &'a [Seen], rows: &[usize], watch: &(dyn Fn(&str) + Sync)) -> Result<Self> {
        let (settings, cards) = as_trained(file, log);
        let replays = out_of_fold(log, seen, rows, &cards, &settings, watch)?;
        Self::answered(file.catalog.len(), replays.into_iter().map(|(row, replay)| (replay, &seen[row])).collect())
    }

    fn answered(candidates: usize, mut rows: Vec<(ReplayRow, &'a Seen)>) -> Result<Self> {
        rows.retain(|(row, _)| !row.answers.is_empty());
        if rows.is_empty() {
            return Err(Error::input("outcomes", "no candidate of the router answered these rows"));
        }
        Ok(Self { candidates, rows })
    }
}

/// The settings and prices of a file, as far as the log knows its candidates.
fn as_trained(file: &RouterFile, log: &Log) -> (Settings, Cards) {
    let known = || file.catalog.candidates().iter().filter(|candidate| log.position(&candidate.id).is_some());
    let card = |candidate: &Candidate| ModelCard {
        usd_per_mtok_in: Some(candidate.usd_per_mtok_in),
        usd_per_mtok_out: Some(candidate.usd_per_mtok_out),
        ..ModelCard::default()
    };
    let settings = Settings {
        link: file.head.link(),
        seed: file.provenance.seed,
        candidates: Some(known().map(|candidate| candidate.id.clone()).collect()),
        calibration: Some(0.0),
        epsilon: 0.0,
        delta: 0.5,
        far: None,
        date: file.provenance.date.clone(),
        embedder: file.provenance.embedder.clone(),
        edited: vec![],
    };
    (settings, known().map(|candidate| (candidate.id.clone(), card(candidate))).collect())
}

/// Replays the rows in random order to a bandit that starts without a head, and learns along the directions of `map`; what
/// it and others earned up to twenty points on the way.
///
/// # Errors
/// [`Error::BadInput`] for settings out of range.
pub fn replay_online(map: &FeatureMap, unseen: &Unseen, online: &Online) -> Result<Vec<Earned>> {
    let Online { lambda, learning, seed } = online;
    let Unseen { candidates, rows } = unseen;
    let mut bandit = Bandit::new(*candidates, map.inputs(), learning.clone())?.along(map);
    let mut order: Vec<usize> = (0..rows.len()).collect();
    Random::new(*seed).shuffle(&mut order);
    let reward = |answer: &Replay| answer.score - lambda * answer.usd;
    let best = in_hindsight(*candidates, rows, reward);
    let (mut sums, mut curve) = (Earned::default(), Vec::new());
    for (done, (row, seen)) in order.iter().map(|&i| &rows[i]).enumerate() {
        sums.bandit += step(&mut bandit, row, seen, *lambda).map_or(0.0, reward);
        sums.head += pick(row, Aim::Weight(*lambda), best).map_or(0.0, reward);
        sums.best_single += row.of(best).map_or(0.0, reward);
        sums.random += row.answers.iter().map(reward).sum::<f64>() / row.answers.len() as f64;
        if (done + 1) * CHECKPOINTS / rows.len() > done * CHECKPOINTS / rows.len() {
            let n = (done + 1) as f64;
            let (head, best_single, random) = (sums.head / n, sums.best_single / n, sums.random / n);
            curve.push(Earned { rows: done + 1, bandit: sums.bandit / n, head, best_single, random });
        }
    }
    Ok(curve)
}

/// The candidate that earns most on all rows.
fn in_hindsight(candidates: usize, rows: &[(ReplayRow, &Seen)], reward: impl Fn(&Replay) -> f64) -> usize {
    let mut totals = vec![0.0; candidates];
    rows.iter().flat_map(|(row, _)| &row.answers).for_each(|answer| totals[answer.candidate] += reward(answer));
    (0..candidates).fold(0, |best, i| if totals[i] > totals[best] { i } else { best })
}

/// The bandit chooses, and learns from what that brought.
fn step<'a>(bandit: &mut Bandit, row: &'a ReplayRow, seen: &Seen, lambda: f64) -> Option<&'a Replay> {
    let context = bandit.context(seen.embedding.as_slice());
    let corrections = bandit.corrections(&context);
    let explore = bandit.settings().explore;
    let plausible = |answer: &Replay| {
        let correction = corrections[answer.candidate];
        OPTIMISM + correction.shift + explore * correction.width - lambda * answer.expected_usd
    };
    let tried = row.answers.iter().rev().max_by(|a, b| plausible(a).total_cmp(&plausible(b)))?;
    bandit.update(tried.candidate, &context, tried.score - OPTIMISM);
    Some(tried)
}
