//! The dial table: what every exchange rate would have brought, on predictions made out of fold.

use crate::head::Estimate;
use crate::policy::{Dials, Knot, Offer, choose};

/// A row as the dials see it: for every candidate that answered it, the prediction, the expected cost, and what came out.
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
    std::iter::once(0.0).chain((0..=72).map(|i| 10f64.powf(-4.0 + f64::from(i) / 12.0)))
}

/// Routes every row at every exchange rate.
pub(crate) fn sweep(rows: &[Vec<Replay>], cost_scale: f64) -> Vec<Knot> {
    cost_weights().map(|p| p / cost_scale).map(|lambda| knot(rows, lambda)).collect()
}

/// Mean score and mean cost at one exchange rate.
pub(crate) fn knot(rows: &[Vec<Replay>], lambda: f64) -> Knot {
    let picks: Vec<&Replay> = rows.iter().filter_map(|row| pick(row, lambda)).collect();
    let n = picks.len() as f64;
    Knot { lambda, quality: picks.iter().map(|r| r.score).sum::<f64>() / n, usd: picks.iter().map(|r| r.usd).sum::<f64>() / n }
}

/// What the policy chooses for a row.
pub(crate) fn pick(row: &[Replay], lambda: f64) -> Option<&Replay> {
    let offer = |r: &Replay| Offer { estimate: Estimate { quality: r.quality, spread: 0.0 }, usd: r.expected_usd, ineligible: None };
    let offers: Vec<Offer> = row.iter().map(offer).collect();
    choose(&offers, lambda, 0.0).ok().map(|choice| &row[choice.index])
}

/// The table, with the cheapest exchange rate that keeps `floor`, the best single candidate's score, as the default.
/// Where none keeps it, the default is the one with the best score.
pub(super) fn table(rows: &[Vec<Replay>], cost_scale: f64, floor: f64, strongest: usize) -> Dials {
    let knots = sweep(rows, cost_scale);
    let kept = knots.iter().rev().find(|k| k.quality >= floor);
    let best = kept.or_else(|| knots.iter().max_by(|a, b| a.quality.total_cmp(&b.quality)));
    let default_lambda = best.map_or(0.0, |k| k.lambda);
    Dials { cost_scale, default_lambda, strongest, knots }
}
