//! What holds for prompts to come, whatever their distribution: lower confidence bounds of mean scores, from rows that
//! neither the head nor the dials have seen.
//!
//! The bound is the betting bound of Waudby-Smith and Ramdas (2020, arXiv 2010.09686, section 4): a gambler who bets
//! that the mean is above m, on one row after the other, can multiply a stake by 1/δ with probability at most δ if it is
//! not. The largest m that lets the gambler do so is a lower bound with confidence 1 - δ, for any distribution of
//! independent numbers in a known range. Exchange rates are then tested in a fixed order, from quality alone towards
//! cost, up to the first that fails (learn then test: Angelopoulos et al. 2021, arXiv 2110.01052): so one δ covers them all.

use super::dials::{ReplayRow, pick};
use crate::policy::{Aim, Dials, Floor, Guarantee};
use crate::random::Random;

/// Largest share of the stake that may be lost on one row.
const BOLDNESS: f64 = 0.75;
/// Halvings of the range in which the bound is sought.
const HALVINGS: usize = 40;

/// The bounds at every exchange rate of the dials, from rows that the candidate to beat has answered. None without rows.
pub(crate) fn prove(rows: &[&ReplayRow], dials: &Dials, epsilon: f64, delta: f64) -> Option<Guarantee> {
    let mut judged: Vec<&ReplayRow> = rows.iter().copied().filter(|row| row.of(dials.strongest).is_some()).collect();
    // The gambler meets rows one by one, and logs are sorted by subject or by day: only in random order is it a fair game.
    Random::new(judged.len() as u64).shuffle(&mut judged);
    let floor = |lambda: f64| {
        let scores =
            judged.iter().filter_map(|row| Some((pick(row, Aim::Keep(lambda), dials.strongest)?.score, row.of(dials.strongest)?.score)));
        let (routed, changes): (Vec<f64>, Vec<f64>) = scores.map(|(routed, best)| (routed, routed - best)).unzip();
        let (quality, change) = (lower_bound(&routed, (0.0, 1.0), delta), lower_bound(&changes, (-1.0, 1.0), delta));
        Floor { lambda, quality, change }
    };
    let floors = dials.knots.iter().map(|knot| floor(knot.lambda)).collect();
    (!judged.is_empty()).then_some(Guarantee { epsilon, delta, rows: judged.len(), floors })
}

/// Lower bound of the mean of numbers in `low..=high`, with confidence 1 - `delta`. `low` where there are none.
pub(super) fn lower_bound(numbers: &[f64], (low, high): (f64, f64), delta: f64) -> f64 {
    let scaled: Vec<f64> = numbers.iter().map(|x| (x - low) / (high - low)).collect();
    let bets = bets(&scaled, delta);
    let (mut below, mut above) = (0.0, 1.0);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(below, above);
        if wins(&scaled, &bets, middle, delta) { below = middle } else { above = middle }
    }
    low + below * (high - low)
}

/// The predictable plug-in bets of the source, eq. 26: each knows the numbers before it only.
fn bets(scaled: &[f64], delta: f64) -> Vec<f64> {
    let n = scaled.len() as f64;
    let (mut sum, mut squares) = (0.5, 0.25);
    let bet = |(i, x): (usize, &f64)| {
        let seen = i as f64 + 1.0;
        let bet = (2.0 * (1.0 / delta).ln() / (n * squares / seen)).sqrt();
        let mean = (sum + x) / (seen + 1.0);
        sum += x;
        squares += (x - mean).powi(2);
        bet
    };
    scaled.iter().enumerate().map(bet).collect()
}

/// Whether the gambler's capital ever reaches 1/δ against the mean m.
fn wins(scaled: &[f64], bets: &[f64], m: f64, delta: f64) -> bool {
    let goal = -delta.ln();
    let most = if m > 0.0 { BOLDNESS / m } else { f64::INFINITY };
    let steps = scaled.iter().zip(bets).map(|(x, bet)| (bet.min(most) * (x - m)).ln_1p());
    steps
        .scan(0.0, |capital, step| {
            *capital += step;
            Some(*capital)
        })
        .any(|capital| capital >= goal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_fails_no_oftener_than_it_says_and_is_not_idle() {
        let mut random = Random::new(1);
        let (mut failures, mut slack) = (0, 0.0);
        for _ in 0..400 {
            // -1, 0 or 1 with mean 0.1: a paired change of scores.
            let changes: Vec<f64> =
                (0..500).map(|_| ((random.unit() * 10.0) as usize).saturating_sub(7) as f64 - f64::from(random.unit() < 0.2)).collect();
            let bound = lower_bound(&changes, (-1.0, 2.0), 0.1);
            failures += usize::from(bound > 0.1);
            slack += (0.1 - bound) / 400.0;
        }
        assert!(failures <= 40, "{failures} of 400");
        assert!(slack < 0.15, "{slack}");
    }

    #[test]
    fn a_log_that_is_sorted_proves_no_more_than_one_that_is_not() {
        use super::super::dials::Replay;
        use crate::policy::Knot;
        // First the rows on which routing to 0 wins over the best, 1; then as many on which it loses.
        let answer = |candidate, score| Replay { candidate, quality: 1.0 - candidate as f64, expected_usd: 1.0, score, usd: 1.0 };
        let row = |i: usize| ReplayRow {
            far: false,
            answers: vec![answer(0, f64::from(u8::from(i < 1000))), answer(1, f64::from(u8::from(i >= 1000)))],
        };
        let rows: Vec<ReplayRow> = (0..2000).map(row).collect();
        let knots = vec![Knot { lambda: 0.0, quality: 0.5, usd: 1.0 }];
        let dials = Dials { cost_scale: 1.0, default_lambda: 0.0, strongest: 1, means: vec![0.5; 2], knots, guarantee: None };
        let proven = prove(&rows.iter().collect::<Vec<_>>(), &dials, 0.03, 0.1).unwrap();
        assert!(proven.floors[0].change < 0.0 && proven.floors[0].change > -0.1, "{:?}", proven.floors);
    }

    #[test]
    fn more_rows_or_less_confidence_tighten_it() {
        let rows = |n: usize| -> Vec<f64> { (0..n).map(|i| f64::from(u8::from(i % 10 < 7))).collect() };
        let bound = |n, delta| lower_bound(&rows(n), (0.0, 1.0), delta);
        assert!(bound(100, 0.1) < bound(1000, 0.1) && bound(1000, 0.1) < bound(10_000, 0.1) && bound(10_000, 0.1) < 0.7);
        assert!(bound(1000, 0.01) < bound(1000, 0.2));
        assert_eq!(lower_bound(&[], (-1.0, 1.0), 0.1), -1.0);
    }
}
