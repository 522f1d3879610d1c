//! The catalog of a router file: which candidates, and what they cost.

use super::Seen;
use super::outcomes::{Log, Outcome};
use crate::catalog::{Candidate, Catalog};
use crate::error::{Error, Result};
use serde::Deserialize;
use std::collections::HashMap;

/// What is known of a candidate beyond its outcomes. Keys other than these are ignored; those of JavaScript are read, too.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ModelCard {
    /// Price of a million input tokens, in US dollars.
    #[serde(alias = "usdPerMtokIn")]
    pub usd_per_mtok_in: Option<f64>,
    /// Price of a million output tokens, in US dollars.
    #[serde(alias = "usdPerMtokOut")]
    pub usd_per_mtok_out: Option<f64>,
    /// Longest prompt and answer together, in tokens.
    #[serde(alias = "contextTokens")]
    pub context_tokens: Option<u32>,
    /// Abilities such as `tools`.
    pub supports: Vec<String>,
}

impl ModelCard {
    /// Takes from another card what this one leaves open.
    pub fn complete(&mut self, other: Self) {
        self.usd_per_mtok_in = self.usd_per_mtok_in.or(other.usd_per_mtok_in);
        self.usd_per_mtok_out = self.usd_per_mtok_out.or(other.usd_per_mtok_out);
        self.context_tokens = self.context_tokens.or(other.context_tokens);
        if self.supports.is_empty() {
            self.supports = other.supports;
        }
    }
}

/// Model cards by id.
pub type Cards = HashMap<String, ModelCard>;

/// All candidates with outcomes in these rows, from cheapest to dearest. None is left out for being worse on average:
/// where it is better on some prompts, the head can tell, and elsewhere it is not chosen.
pub(super) fn everyone(log: &Log, rows: &[usize]) -> Vec<usize> {
    let usd: Vec<f64> = (0..log.candidates.len()).map(|c| means(rows.iter().filter_map(|&r| log.rows[r].outcome(c))).1).collect();
    let mut pool: Vec<usize> = (0..usd.len()).filter(|&c| usd[c].is_finite()).collect();
    pool.sort_by(|&a, &b| usd[a].total_cmp(&usd[b]));
    pool
}

/// Mean score and mean cost; NaN where there are none.
pub(super) fn means(outcomes: impl Iterator<Item = Outcome>) -> (f64, f64) {
    let outcomes: Vec<Outcome> = outcomes.collect();
    let mean = |value: fn(&Outcome) -> f64| outcomes.iter().map(value).sum::<f64>() / outcomes.len() as f64;
    (mean(|o| o.score), mean(|o| o.usd))
}

/// Prices and expected answer lengths for a pool of candidates.
pub(super) fn catalog(log: &Log, rows: &[usize], seen: &[Seen], pool: &[usize], cards: &Cards) -> Result<Catalog> {
    let blank = ModelCard::default();
    let candidates = pool.iter().map(|&c| {
        let id = &log.candidates[c];
        let card = cards.get(id).unwrap_or(&blank);
        let calls = rows.iter().filter_map(|&r| log.rows[r].outcome(c).map(|o| (seen[r].tokens as f64, o)));
        let calls: Vec<(f64, Outcome)> = calls.collect();
        if calls.is_empty() {
            return Err(Error::input("candidates", format!("{id:?} has no outcome in the training rows")));
        }
        let (price_in, price_out, output) = tariff(&calls, card);
        Ok(Candidate {
            id: id.clone(),
            usd_per_mtok_in: price_in,
            usd_per_mtok_out: price_out,
            usd_per_mtok_cached: None,
            context_tokens: card.context_tokens,
            supports: card.supports.clone(),
            expected_output_tokens: output,
        })
    });
    Catalog::named(candidates.collect::<Result<_>>()?)
}

/// Input price, output price (US dollars per million tokens) and expected output tokens.
fn tariff(calls: &[(f64, Outcome)], card: &ModelCard) -> (f64, f64, f64) {
    match (card.usd_per_mtok_in, card.usd_per_mtok_out) {
        (Some(price_in), Some(price_out)) => (price_in, price_out, answer_tokens(calls, price_in, price_out)),
        _ => fitted_tariff(calls),
    }
}

/// Mean logged answer length, or, where lengths are not logged, the length that explains the mean cost.
fn answer_tokens(calls: &[(f64, Outcome)], price_in: f64, price_out: f64) -> f64 {
    let logged: Vec<f64> = calls.iter().filter_map(|(_, o)| o.tokens_out).collect();
    if !logged.is_empty() {
        return logged.iter().sum::<f64>() / logged.len() as f64;
    }
    let rest = calls.iter().map(|(tokens, o)| o.usd - tokens * price_in / 1e6).sum::<f64>() / calls.len() as f64;
    if price_out > 0.0 { (rest * 1e6 / price_out).max(0.0) } else { 0.0 }
}

/// Without a price list: the least-squares line of cost over prompt length. Its slope is the input price; its
/// intercept is booked as output at the same price, or at one dollar per million tokens where length explains nothing.
fn fitted_tariff(calls: &[(f64, Outcome)]) -> (f64, f64, f64) {
    let n = calls.len() as f64;
    let (mean_x, mean_y) = calls.iter().fold((0.0, 0.0), |(x, y), (t, o)| (x + t / n, y + o.usd / n));
    let covariance: f64 = calls.iter().map(|(t, o)| (t - mean_x) * (o.usd - mean_y)).sum();
    let variance: f64 = calls.iter().map(|(t, _)| (t - mean_x).powi(2)).sum();
    let slope = if variance > 0.0 { covariance / variance } else { 0.0 };
    let intercept = mean_y - slope * mean_x;
    // Below this share of the cost, a slope is rounding error.
    let sloped = slope * mean_x > 1e-6 * mean_y;
    if sloped && intercept >= 0.0 {
        return (slope * 1e6, slope * 1e6, intercept / slope);
    }
    if sloped {
        return (mean_y / mean_x * 1e6, mean_y / mean_x * 1e6, 0.0);
    }
    (0.0, 1.0, mean_y * 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(tokens: f64, usd: f64) -> (f64, Outcome) {
        (tokens, Outcome { score: 1.0, usd, tokens_out: None })
    }

    #[test]
    fn prices_are_fitted_where_no_list_gives_them() {
        let cost = |(price_in, price_out, output): (f64, f64, f64), tokens: f64| (tokens * price_in + output * price_out) / 1e6;
        let line = fitted_tariff(&[call(100.0, 0.3), call(300.0, 0.5)]);
        assert!((cost(line, 200.0) - 0.4).abs() < 1e-9 && (cost(line, 0.0) - 0.2).abs() < 1e-9);
        let flat = fitted_tariff(&[call(100.0, 0.3), call(300.0, 0.3)]);
        assert!((cost(flat, 9.0) - 0.3).abs() < 1e-9);
    }

    #[test]
    fn answer_lengths_explain_the_cost_that_prompts_do_not() {
        let calls = [call(1000.0, 0.003), call(3000.0, 0.005)];
        assert!((answer_tokens(&calls, 1.0, 2.0) - 1000.0).abs() < 1e-9);
    }
}
