//! What training rows tell of tasks, so that a candidate without logs can be placed by its scores on them.

use super::Training;
use super::fit::{Fitted, Folds};
use crate::error::Result;
use crate::head::{Head, Linear, Link};
use crate::placing::{Evidence, Placed, TaskScore, Tasks};
use ndarray::{Array1, Array2, Axis};
use std::collections::BTreeMap;

/// Fewer rows are no task.
const FEWEST_ROWS: usize = 20;
/// The largest tasks that are kept.
const MOST_TASKS: usize = 50;
/// Rows that placed candidates are compared with real ones on.
const COMPARED: usize = 2000;
/// What placing misses within tasks where there is but one candidate, and nothing to measure it by: that of the default router.
const REST: f64 = 0.06;

/// A task, or a data set of several.
struct Group {
    name: String,
    /// Positions among the training rows.
    rows: Vec<usize>,
    is_task: bool,
}

impl Training<'_> {
    /// `inputs` are the training rows' features. `None` for a head that is not logistic: placing adds up log-odds.
    pub(super) fn tasks(&self, folds: &Folds, inputs: &Array2<f32>, head: &Head, quality: &Fitted) -> Result<Option<Tasks>> {
        let groups = self.groups();
        let own: Vec<&Group> = groups.iter().filter(|group| group.is_task).collect();
        if self.settings.link == Link::Identity || own.is_empty() {
            return Ok(None);
        }
        let mut member = Array2::zeros((inputs.nrows(), own.len()));
        own.iter().enumerate().for_each(|(t, group)| group.rows.iter().for_each(|&row| member[[row, t]] = 1.0));
        let fitted = folds.fit(Link::Identity, &member, false, &|_| {})?.solution;
        let directions = Linear { weights: fitted.weights.reversed_axes().as_standard_layout().into_owned(), bias: fitted.bias };
        let along = inputs.dot(&directions.weights.t()) + &directions.bias;
        let score = |group: &Group| TaskScore {
            name: group.name.clone(),
            share: if group.is_task { group.rows.len() as f64 / self.rows.len() as f64 } else { 0.0 },
            logits: (0..self.pool.len()).map(|c| self.logit(group, c, quality)).collect(),
            mix: along.select(Axis(0), &group.rows).mean_axis(Axis(0)).unwrap_or_default().iter().map(|x| f64::from(*x)).collect(),
        };
        let input_tokens = self.rows.iter().map(|&row| self.seen[row].tokens as f64).sum::<f64>() / self.rows.len() as f64;
        let tasks = Tasks { scores: groups.iter().map(score).collect(), directions, rest: 0.0, input_tokens };
        Ok(Some(Tasks { rest: missed(&tasks, inputs, head)?, ..tasks }))
    }

    fn groups(&self) -> Vec<Group> {
        let mut tasks: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
        let mut wholes: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (i, &row) in self.rows.iter().enumerate() {
            let row = &self.log.rows[row];
            tasks.entry((&row.dataset, &row.task)).or_default().push(i);
            wholes.entry(&row.dataset).or_default().push(i);
        }
        let name = |dataset: &str, task: &str| match (dataset, task) {
            ("", "") => "all".to_owned(),
            (dataset, "") => dataset.to_owned(),
            ("", task) => task.to_owned(),
            (dataset, task) => format!("{dataset}/{task}"),
        };
        let several = |dataset: &str| tasks.keys().filter(|(of, _)| *of == dataset).count() > 1;
        let whole = wholes.iter().filter(|(dataset, _)| !dataset.is_empty() && several(dataset));
        let whole: Vec<Group> =
            whole.map(|(dataset, rows)| Group { name: (*dataset).into(), rows: rows.clone(), is_task: false }).collect();
        let task =
            |((dataset, task), rows): (&(&str, &str), &Vec<usize>)| Group { name: name(dataset, task), rows: rows.clone(), is_task: true };
        let mut groups: Vec<Group> = tasks.iter().map(task).filter(|group| group.rows.len() >= FEWEST_ROWS).collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.rows.len()));
        groups.truncate(MOST_TASKS);
        groups.extend(whole);
        groups
    }

    /// Log-odds of a candidate's mean score on a group; where it answered nothing there, of what is predicted of it.
    fn logit(&self, group: &Group, candidate: usize, quality: &Fitted) -> f64 {
        let outcomes = group.rows.iter().filter_map(|&i| self.log.rows[self.rows[i]].outcome(self.pool[candidate]));
        let (sum, count) = outcomes.fold((0.0, 0.0), |(sum, count), outcome| (sum + outcome.score, count + 1.0));
        let predicted = || group.rows.iter().map(|&i| Link::Logistic.quality(f64::from(quality.outputs[[i, candidate]]))).sum::<f64>();
        let (sum, count) = if count > 0.0 { (sum, count) } else { (predicted(), group.rows.len() as f64) };
        let share = (sum + 0.5) / (count + 1.0);
        (share / (1.0 - share)).ln()
    }
}

/// Mean squared error of log-odds that placing each candidate beside the others leaves, beyond what it knows of.
fn missed(tasks: &Tasks, inputs: &Array2<f32>, head: &Head) -> Result<f64> {
    if head.len() < 2 {
        return Ok(REST);
    }
    let step = inputs.nrows().div_ceil(COMPARED).max(1);
    let rows: Vec<usize> = (0..inputs.nrows()).step_by(step).collect();
    let inputs = inputs.select(Axis(0), &rows);
    let [quality, ..] = head.parts();
    let mut sum = 0.0;
    for left_out in 0..head.len() {
        let others: Vec<usize> = (0..head.len()).filter(|&c| c != left_out).collect();
        let pick = |score: &TaskScore| TaskScore { logits: others.iter().map(|&c| score.logits[c]).collect(), ..score.clone() };
        let given = tasks.scores.iter().filter(|score| score.share > 0.0);
        let chance = |score: &TaskScore| (score.name.clone(), crate::head::sigmoid(score.logits[left_out]));
        let evidence = Evidence { scores: given.map(chance).collect(), outcomes: vec![] };
        let without = Tasks { scores: tasks.scores.iter().map(pick).collect(), ..tasks.clone() };
        let Placed { weights, bias, variance, .. } = without.place(&head.select(&others), &evidence)?;
        let difference = inputs.dot(&(Array1::from(weights) - quality.weights.row(left_out))) + (bias - quality.bias[left_out]);
        sum += difference.iter().map(|d| f64::from(*d).powi(2)).sum::<f64>() / rows.len() as f64 - f64::from(variance);
    }
    Ok((sum / head.len() as f64).max(0.0))
}
