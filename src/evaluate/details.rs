//! What lies behind the means: whether probabilities are honest, who complements whom, who was picked, and where.

use super::baselines::Point;
use super::stage::{Rows, Stage};
use crate::policy::Aim;
use crate::train::Row;
use crate::train::dials::{Replay, ReplayRow, pick};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

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

/// One line of the table by task.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// The log's `task`, or its `dataset` where it has none.
    pub name: String,
    /// Rows replayed.
    pub rows: usize,
    /// The router at the dial that was asked for.
    pub router: Point,
    /// The candidate that was best on the router's training rows.
    pub best_single: Point,
    /// The cheapest of the best-scoring candidates of each row.
    pub oracle: Point,
}

/// What a cost weight brings (MetaLLM, Tables 3 and 4, Figure 3).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WeightLine {
    /// MetaLLM's p.
    pub cost_weight: f64,
    /// Where each candidate is expected to cost its mean over these rows.
    pub fixed: Point,
    /// Where it is expected to cost what this prompt and its answer should.
    pub dynamic: Point,
}

/// The cost weights of the table.
const WEIGHTS: [f64; 12] = [0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];

/// A row's kind.
pub(super) fn task(row: &Row) -> &str {
    if row.task.is_empty() { &row.dataset } else { &row.task }
}

/// By name; none where the log names no kinds.
pub(super) fn tasks(stage: &Stage, judged: &Rows, aim: Aim) -> Vec<Task> {
    let mut rows: BTreeMap<&str, Vec<&ReplayRow>> = BTreeMap::new();
    judged.at.iter().zip(&judged.replays).for_each(|(&at, row)| rows.entry(task(stage.row(at))).or_default().push(row));
    let named = rows.into_iter().filter(|(name, _)| !name.is_empty());
    let task = |(name, rows): (&str, Vec<&ReplayRow>)| Task {
        name: name.into(),
        rows: rows.len(),
        router: Point::mean(rows.iter().filter_map(|row| pick(row, aim, stage.file.dials.strongest))),
        best_single: Point::mean(rows.iter().filter_map(|row| row.of(stage.best))),
        oracle: Point::mean(rows.iter().filter_map(|row| oracle(row))),
    };
    named.map(task).collect()
}

/// The cheapest of the best.
pub(super) fn oracle(row: &ReplayRow) -> Option<&Replay> {
    row.answers.iter().max_by(|a, b| a.score.total_cmp(&b.score).then(b.usd.total_cmp(&a.usd)))
}

/// What every cost weight brings, with costs expected by candidate and by prompt. What is paid is the same.
pub(super) fn weights(rows: &[ReplayRow], cost_scale: f64, strongest: usize) -> Vec<WeightLine> {
    let mut sums: HashMap<usize, (f64, f64)> = HashMap::new();
    for answer in rows.iter().flat_map(|row| &row.answers) {
        let (sum, count) = sums.entry(answer.candidate).or_default();
        (*sum, *count) = (*sum + answer.expected_usd, *count + 1.0);
    }
    let mean = |c: usize| sums.get(&c).map_or(0.0, |(sum, count)| sum / count);
    let fixed = imagine(rows, |_, answer| (answer.quality, mean(answer.candidate)));
    let at = |cost_weight: f64| {
        let aim = Aim::Weight(cost_weight / cost_scale);
        let mean = |rows: &[ReplayRow]| Point::mean(rows.iter().filter_map(|row| pick(row, aim, strongest)));
        WeightLine { cost_weight, fixed: mean(&fixed), dynamic: mean(rows) }
    };
    WEIGHTS.map(at).to_vec()
}

/// Rows with other predictions: quality and cost by row and answer.
pub(super) fn imagine(rows: &[ReplayRow], predict: impl Fn(usize, &Replay) -> (f64, f64)) -> Vec<ReplayRow> {
    let row = |(i, row): (usize, &ReplayRow)| {
        let answer = |answer: &Replay| {
            let (quality, expected_usd) = predict(i, answer);
            Replay { quality, expected_usd, ..answer.clone() }
        };
        ReplayRow { far: false, answers: row.answers.iter().map(answer).collect() }
    };
    rows.iter().enumerate().map(row).collect()
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
        // A sum of nothing is -0.
        let right = scores.iter().sum::<f64>() + 0.0;
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
    fn costs_by_prompt_buy_more_than_costs_by_candidate() {
        // The dear candidate is right on both rows; its answer costs 1 dollar on one and 9 on the other. The cheap one is
        // right half the time, for nothing.
        let answer = |candidate, quality, usd| Replay { candidate, quality, expected_usd: usd, score: quality, usd };
        let row = |usd| ReplayRow { far: false, answers: vec![answer(0, 0.5, 0.0), answer(1, 1.0, usd)] };
        let lines = weights(&[row(1.0), row(9.0)], 10.0, 1);
        let at = |p: f64| lines.iter().find(|line| line.cost_weight == p).map(|line| (line.fixed, line.dynamic)).unwrap();
        let point = |usd, score| Point { usd, score };
        assert_eq!(at(0.0), (point(5.0, 1.0), point(5.0, 1.0)));
        // At 0.2 quality a dollar: half a point is worth 2.5 dollars, less than the mean of 5.
        assert_eq!(at(2.0), (point(0.0, 0.5), point(0.5, 0.75)));
        assert_eq!(at(10.0), (point(0.0, 0.5), point(0.0, 0.5)));
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
