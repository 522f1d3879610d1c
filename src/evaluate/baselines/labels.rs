//! A router that is told the task label and nothing else: each candidate's mean score and cost on the task's training rows.

use super::{Point, swept};
use crate::evaluate::details::{imagine, task};
use crate::evaluate::stage::{Rows, Stage};
use std::collections::HashMap;

/// Sums over rows.
#[derive(Clone, Copy, Default)]
struct Sums {
    score: f64,
    usd: f64,
    rows: f64,
}

pub(super) fn way(stage: &Stage, judged: &Rows, training: &Rows) -> Result<(Vec<Point>, String), String> {
    let mut sums: HashMap<(&str, usize), Sums> = HashMap::new();
    // The empty name stands for all tasks together.
    for (&at, row) in training.at.iter().zip(&training.replays) {
        for answer in &row.answers {
            for name in [task(stage.row(at)), ""] {
                let sum = sums.entry((name, answer.candidate)).or_default();
                *sum = Sums { score: sum.score + answer.score, usd: sum.usd + answer.usd, rows: sum.rows + 1.0 };
            }
        }
    }
    let mut names: Vec<&str> = training.at.iter().map(|&at| task(stage.row(at))).collect();
    names.sort_unstable();
    names.dedup();
    if names.len() < 2 {
        return Err("the log's training rows are not of several tasks".into());
    }
    let rows = imagine(&judged.replays, |row, answer| {
        let name = task(stage.row(judged.at[row]));
        let known = sums.get(&(name, answer.candidate)).or_else(|| sums.get(&("", answer.candidate)));
        known.map_or((0.0, answer.expected_usd), |sum| (sum.score / sum.rows, sum.usd / sum.rows))
    });
    let note = format!("mean score and cost by task label, of {} tasks in the training rows; a router does not see labels", names.len());
    Ok((swept(stage, &rows), note))
}
