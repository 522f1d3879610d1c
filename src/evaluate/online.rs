//! Learning from nothing, one row after the other: what the bandit earns while it learns, beside a head that was trained
//! on all outcomes (MetaLLM, Algorithm 1, against full information).

use crate::artifact::RouterFile;
use crate::bandit::{Bandit, Learning};
use crate::error::Result;
use crate::policy::Aim;
use crate::random::Random;
use crate::train::Seen;
use crate::train::dials::{Replay, ReplayRow, pick};
use serde::Serialize;

const CHECKPOINTS: usize = 20;

/// Mean rewards, score - λ·cost, over the rows up to a point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Earned {
    /// Rows so far.
    pub rows: usize,
    /// LinUCB that started without a head and saw only the outcomes of its own choices.
    pub bandit: f64,
    /// The router file's head.
    pub head: f64,
    /// The best single candidate.
    pub best_single: f64,
    /// A candidate at random.
    pub random: f64,
}

/// Replays rows in random order at an exchange rate. `seen[i]` belongs to `rows[i]`.
pub(super) fn replay(file: &RouterFile, rows: &[(ReplayRow, &Seen)], lambda: f64, settings: Learning, seed: u64) -> Result<Vec<Earned>> {
    let explore = settings.explore;
    let mut bandit = Bandit::new(file.catalog.len(), file.features.inputs(), settings)?;
    let mut order: Vec<usize> = (0..rows.len()).collect();
    Random::new(seed).shuffle(&mut order);
    let (mut sums, mut curve) = (Earned::default(), Vec::new());
    for (done, (row, seen)) in order.iter().map(|&i| (&rows[i].0, rows[i].1)).enumerate() {
        let reward = |answer: &Replay| answer.score - lambda * answer.usd;
        let context = bandit.context(seen.embedding.as_slice());
        let corrections = bandit.corrections(&context);
        let plausible = |answer: &Replay| {
            let correction = corrections[answer.candidate];
            correction.shift - lambda * answer.expected_usd + explore * correction.width
        };
        if let Some(tried) = row.answers.iter().rev().max_by(|a, b| plausible(a).total_cmp(&plausible(b))) {
            sums.bandit += reward(tried);
            bandit.update(tried.candidate, &context, tried.score);
        }
        sums.head += pick(row, Aim::Weight(lambda), file.dials.strongest).map_or(0.0, reward);
        sums.best_single += row.of(file.dials.strongest).map_or(0.0, reward);
        sums.random += row.answers.iter().map(reward).sum::<f64>() / row.answers.len().max(1) as f64;
        if (done + 1) * CHECKPOINTS / rows.len() > done * CHECKPOINTS / rows.len() {
            let n = (done + 1) as f64;
            let (head, best_single, random) = (sums.head / n, sums.best_single / n, sums.random / n);
            curve.push(Earned { rows: done + 1, bandit: sums.bandit / n, head, best_single, random });
        }
    }
    Ok(curve)
}
