//! The dial table: what every exchange rate would have brought, on predictions made out of fold.

use crate::head::Estimate;
use crate::policy::{Aim, Dials, Knot, Offer, choose};

/// A row as the dials see it.
#[derive(Clone)]
pub(crate) struct ReplayRow {
    /// Whether the prompt is too far from what was trained on: then qualities are mean scores.
    pub far: bool,
    /// For every candidate that answered the row.
    pub answers: Vec<Replay>,
}

impl ReplayRow {
    /// What a candidate brought, if it answered.
    pub(crate) fn of(&self, candidate: usize) -> Option<&Replay> {
        self.answers.iter().find(|r| r.candidate == candidate)
    }
}

/// The prediction, the expected cost, and what came out.
#[derive(Clone)]
pub(crate) struct Replay {
    /// Position of the candidate in the catalog.
    pub candidate: usize,
    pub quality: f64,
    pub expected_usd: f64,
    pub score: f64,
    pub usd: f64,
}

/// Cost weights p that are tried: 0, and four decades and more around 1.
fn cost_weights() -> impl Iterator<Item = f64> {
    std::iter::once(0.0).chain((0..=144).map(|i| 10f64.powf(-4.0 + f64::from(i) / 24.0)))
}

/// Routes every row at every exchange rate, to weigh cost or to keep a quality.
pub(crate) fn sweep(rows: &[ReplayRow], cost_scale: f64, strongest: usize, aim: fn(f64) -> Aim) -> Vec<Knot> {
    cost_weights().map(|p| p / cost_scale).map(|lambda| knot(rows, lambda, strongest, aim)).collect()
}

/// Mean score and mean cost at one exchange rate.
fn knot(rows: &[ReplayRow], lambda: f64, strongest: usize, aim: fn(f64) -> Aim) -> Knot {
    let picks: Vec<&Replay> = rows.iter().filter_map(|row| pick(row, aim(lambda), strongest)).collect();
    let n = picks.len() as f64;
    // Costs that were estimated may sum up to less than nothing.
    let usd = (picks.iter().map(|r| r.usd).sum::<f64>() / n).max(0.0);
    Knot { lambda, quality: picks.iter().map(|r| r.score).sum::<f64>() / n, usd }
}

/// What the policy chooses for a row, of the candidates that answered it.
pub(crate) fn pick(row: &ReplayRow, aim: Aim, strongest: usize) -> Option<&Replay> {
    let best = row.of(strongest);
    match aim {
        Aim::Strongest if best.is_some() => return best,
        Aim::Keep(_) if row.far && best.is_some() => return best,
        _ => {}
    }
    let offer = |r: &Replay| Offer { estimate: Estimate { quality: r.quality, spread: 0.0 }, usd: r.expected_usd, ineligible: None };
    let offers: Vec<Offer> = row.answers.iter().map(offer).collect();
    choose(&offers, aim.rate(), 0.0).ok().map(|choice| &row.answers[choice.index])
}

/// The default dial may cost this much mean score: less than what any log of a few thousand rows can tell apart.
const TOLERANCE: f64 = 0.0035;

/// The table over all rows. The default is the cheapest exchange rate that keeps the score of `best` but for the
/// tolerance, judged on the rows that `best` answered; where none keeps it, the one with the best score. Also what it
/// brought on those rows.
pub(super) fn table(rows: &[ReplayRow], means: Vec<f64>, cost_scale: f64, best: usize) -> (Dials, Knot) {
    let shared: Vec<ReplayRow> = rows.iter().filter(|row| row.of(best).is_some()).cloned().collect();
    let answers = shared.iter().filter_map(|row| row.of(best));
    let floor = answers.map(|r| r.score).sum::<f64>() / shared.len() as f64;
    let judged = sweep(&shared, cost_scale, best, Aim::Keep);
    let kept = judged.iter().rev().find(|k| k.quality >= floor - TOLERANCE);
    let default = kept.or_else(|| judged.iter().max_by(|a, b| a.quality.total_cmp(&b.quality)));
    let default = default.copied().unwrap_or(Knot { lambda: 0.0, quality: floor, usd: 0.0 });
    let knots = sweep(rows, cost_scale, best, Aim::Keep);
    let dials = Dials { cost_scale, default_lambda: default.lambda, strongest: best, means, knots, guarantee: None };
    (dials, default)
}
