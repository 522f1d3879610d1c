//! How sure the cost-score curve is: bootstrap bands over rows.

use super::baselines::Point;
use super::hull::Hull;
use super::mix;
use super::stage::Rows;
use crate::policy::{Aim, Knot};
use crate::train::dials::pick;
use ndarray::{Array1, Array2};
use rayon::prelude::*;
use serde::Serialize;

const RESAMPLES: u64 = 400;
/// Costs at which the band is given.
const COSTS: usize = 41;

/// 95% bootstrap band of the router's curve, as mean height at a cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Band {
    /// Mean cost, in US dollars.
    pub usd: f64,
    /// 2.5th percentile of the curve's height.
    pub low: f64,
    /// 97.5th percentile.
    pub high: f64,
}

/// The band of a curve between two costs, evenly spaced by their logarithm.
pub(super) fn bands(judged: &Rows, curve: &[Knot], strongest: usize, (from, to): (f64, f64), seed: u64) -> Vec<Band> {
    let n = judged.replays.len();
    // Two lines for every exchange rate: what each row costs and scores there.
    let lines = curve.par_iter().flat_map_iter(|knot| {
        let picks =
            judged.replays.iter().map(|row| pick(row, Aim::Weight(knot.lambda), strongest).map_or((0.0, 0.0), |r| (r.usd, r.score)));
        let (usd, score): (Vec<f64>, Vec<f64>) = picks.unzip();
        [usd, score]
    });
    let lines: Vec<Vec<f64>> = lines.collect();
    let table = Array2::from_shape_fn((lines.len(), n), |(line, row)| lines[line][row]);
    let costs = costs(from, to);
    let heights = |sample: u64| -> Vec<f64> {
        let mut counts = Array1::<f64>::zeros(n);
        (0..n).for_each(|i| counts[(mix(seed, sample, i as u64) % n as u64) as usize] += 1.0 / n as f64);
        let means = table.dot(&counts);
        let hull = Hull::new((0..curve.len()).map(|k| (means[2 * k], means[2 * k + 1])));
        costs.iter().map(|&usd| hull.height(usd)).collect()
    };
    let samples: Vec<Vec<f64>> = (0..RESAMPLES).into_par_iter().map(heights).collect();
    let band = |(at, &usd): (usize, &f64)| {
        let mut sorted: Vec<f64> = samples.iter().map(|heights| heights[at]).collect();
        sorted.sort_by(f64::total_cmp);
        Band { usd, low: sorted[sorted.len() / 40], high: sorted[sorted.len() - 1 - sorted.len() / 40] }
    };
    costs.iter().enumerate().map(band).collect()
}

fn costs(from: f64, to: f64) -> Vec<f64> {
    if to <= from {
        return vec![from];
    }
    let share = |i: usize| i as f64 / (COSTS - 1) as f64;
    let at = |i: usize| if from > 0.0 { from * (to / from).powf(share(i)) } else { to * share(i) };
    (0..COSTS).map(at).collect()
}

/// Whether a point lies above the band, where the band is known.
pub(super) fn above(bands: &[Band], point: Point) -> bool {
    let after = bands.partition_point(|band| band.usd <= point.usd);
    after.checked_sub(1).is_some_and(|i| point.score > bands[i].high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::dials::{Replay, ReplayRow, sweep};

    /// Candidate 0 costs 1 dollar, candidate 1 costs 4; what each scores is known beforehand.
    fn judged(scores: impl Fn(usize) -> (f64, f64)) -> Rows {
        let answer = |candidate, score, usd| Replay { candidate, quality: score, expected_usd: usd, score, usd };
        let row = |i: usize| ReplayRow { far: false, answers: vec![answer(0, scores(i).0, 1.0), answer(1, scores(i).1, 4.0)] };
        Rows { at: (0..300).collect(), replays: (0..300).map(row).collect() }
    }

    fn found(judged: &Rows) -> (Vec<Band>, Hull) {
        let curve = sweep(&judged.replays, 4.0, 1, Aim::Weight);
        let hull = Hull::new(curve.iter().map(|k| (k.usd, k.quality)));
        (bands(judged, &curve, 1, (1.0, 4.0), 5), hull)
    }

    #[test]
    fn a_band_holds_its_curve() {
        // 0 is right on half of the rows, 1 on four fifths of the others.
        let judged = judged(|i| (f64::from(u8::from(i % 2 == 0)), f64::from(u8::from(i % 10 != 1))));
        let (bands, hull) = found(&judged);
        assert_eq!((bands.len(), bands[0].usd), (COSTS, 1.0));
        assert!((bands[COSTS - 1].usd - 4.0).abs() < 1e-9);
        assert!(bands.iter().all(|band| band.low < band.high && band.low <= hull.height(band.usd) && hull.height(band.usd) <= band.high));
        // Half of the rows right: a standard error of 2.9 points, and 95% of all means within 1.96 of it.
        assert!((bands[0].high - bands[0].low - 2.0 * 1.96 * 0.5 / 300f64.sqrt()).abs() < 0.025, "{:?}", bands[0]);
        let above = |score| above(&bands, Point { usd: 2.0, score });
        assert!(above(1.01) && !above(hull.height(2.0)) && !super::above(&bands, Point { usd: 0.5, score: 1.0 }));
    }

    #[test]
    fn rows_that_are_all_alike_leave_no_doubt() {
        let (bands, _) = found(&judged(|_| (0.5, 1.0)));
        assert!(bands.iter().all(|band| band.high - band.low < 1e-9), "{bands:?}");
        assert_eq!(costs(2.0, 2.0), [2.0]);
        assert_eq!((costs(0.0, 4.0)[0], costs(0.0, 4.0)[20]), (0.0, 2.0));
    }
}
