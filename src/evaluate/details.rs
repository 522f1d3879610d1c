//! What lies behind the means: whether probabilities are honest, who complements whom, who was picked.

use crate::train::dials::{Replay, ReplayRow};
use serde::Serialize;

const BINS: usize = 15;

/// One bin of a calibration plot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Bin {
    /// Predictions in it.
    pub count: usize,
    /// Mean predicted quality.
    pub predicted: f64,
    /// Mean score that came out.
    pub observed: f64,
}

/// How far predicted qualities are from what came out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// Expected calibration error: mean |predicted - observed| over bins of equal width, weighted by count.
    pub ece: f64,
    /// 15 bins of equal width, over all candidates.
    pub bins: Vec<Bin>,
}

/// Where a router's prompts went (MetaLLM, Figures 4 to 7).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Picks {
    /// The candidate.
    pub model: String,
    /// Sum of scores of the rows it was picked for.
    pub right: f64,
    /// What they lack of perfect scores.
    pub wrong: f64,
}

pub(super) fn calibration(rows: &[ReplayRow]) -> Calibration {
    let mut bins = vec![Bin::default(); BINS];
    for answer in rows.iter().flat_map(|row| &row.answers) {
        let bin = &mut bins[((answer.quality * BINS as f64) as usize).min(BINS - 1)];
        bin.count += 1;
        bin.predicted += answer.quality;
        bin.observed += answer.score;
    }
    let total = bins.iter().map(|bin| bin.count).sum::<usize>().max(1) as f64;
    let ece = bins.iter().map(|bin| (bin.predicted - bin.observed).abs()).sum::<f64>() / total;
    for bin in bins.iter_mut().filter(|bin| bin.count > 0) {
        bin.predicted /= bin.count as f64;
        bin.observed /= bin.count as f64;
    }
    Calibration { ece, bins }
}

/// Row i, column j: the share of rows that both answered on which i was right and j was not (MetaLLM, Figure 2), where a
/// score counts as so much of a right answer.
pub(super) fn complementarity(candidates: usize, rows: &[ReplayRow]) -> Vec<Vec<f64>> {
    let share = |i: usize, j: usize| {
        let both = rows.iter().filter_map(|row| Some((row.of(i)?.score, row.of(j)?.score)));
        let (sum, count) = both.fold((0.0, 0usize), |(sum, count), (a, b)| (sum + (a - b).max(0.0), count + 1));
        sum / count.max(1) as f64
    };
    (0..candidates).map(|i| (0..candidates).map(|j| share(i, j)).collect()).collect()
}

pub(super) fn picks(ids: &[&str], routed: &[&Replay]) -> Vec<Picks> {
    let of = |(candidate, id): (usize, &&str)| {
        let scores: Vec<f64> = routed.iter().filter(|r| r.candidate == candidate).map(|r| r.score).collect();
        let right = scores.iter().sum::<f64>();
        Picks { model: (*id).into(), right, wrong: scores.len() as f64 - right }
    };
    ids.iter().enumerate().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(answers: &[(f64, f64)]) -> ReplayRow {
        let answer =
            |(candidate, &(quality, score)): (usize, &(f64, f64))| Replay { candidate, quality, expected_usd: 1.0, score, usd: 1.0 };
        ReplayRow { far: false, answers: answers.iter().enumerate().map(answer).collect() }
    }

    #[test]
    fn calibration_error_worked_by_hand() {
        // Two predictions of 0.91, one right; one of 0.31, wrong: (|0.91 - 0.5|·2 + 0.31·1) / 3.
        let found = calibration(&[row(&[(0.91, 1.0), (0.31, 0.0)]), row(&[(0.91, 0.0)])]);
        assert!((found.ece - (0.82 + 0.31) / 3.0).abs() < 1e-12);
        assert_eq!(found.bins.iter().map(|bin| bin.count).sum::<usize>(), 3);
    }

    #[test]
    fn complements_and_picks_are_counted() {
        let rows = [row(&[(0.5, 1.0), (0.5, 0.0)]), row(&[(0.5, 0.0), (0.5, 1.0)]), row(&[(0.5, 1.0), (0.5, 0.0)]), row(&[(0.5, 1.0)])];
        assert_eq!(complementarity(2, &rows), [[0.0, 2.0 / 3.0], [1.0 / 3.0, 0.0]]);
        let routed: Vec<&Replay> = rows.iter().map(|row| &row.answers[0]).collect();
        let found = picks(&["a", "b"], &routed);
        assert_eq!((found[0].right, found[0].wrong, found[1].right), (3.0, 1.0, 0.0));
    }
}
