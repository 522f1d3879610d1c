//! The dial table: what every exchange rate would have brought, on predictions made out of fold.

use crate::head::Estimate;
use crate::policy::{Dials, Knot, Offer, choose};

/// A row as the dials see it: for every candidate that answered it, the prediction, the expected cost, and what came out.
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

/// The table over all rows. The default is the cheapest exchange rate that keeps the score of `best`, judged on the
/// rows that `best` answered; where none keeps it, the one with the best score. Also what it brought on those rows.
pub(super) fn table(rows: &[Vec<Replay>], cost_scale: f64, best: usize) -> (Dials, Knot) {
    let own = |row: &&Vec<Replay>| row.iter().any(|r| r.candidate == best);
    let shared: Vec<Vec<Replay>> = rows.iter().filter(own).cloned().collect();
    let answers = shared.iter().flatten().filter(|r| r.candidate == best);
    let floor = answers.map(|r| r.score).sum::<f64>() / shared.len() as f64;
    let judged = sweep(&shared, cost_scale);
    let kept = judged.iter().rev().find(|k| k.quality >= floor);
    let default = kept.or_else(|| judged.iter().max_by(|a, b| a.quality.total_cmp(&b.quality)));
    let default = default.copied().unwrap_or(Knot { lambda: 0.0, quality: floor, usd: 0.0 });
    (Dials { cost_scale, default_lambda: default.lambda, strongest: best, knots: sweep(rows, cost_scale) }, default)
}
