//! Cross-validation: the penalty for every candidate, and predictions on rows that were not fitted.

use super::linear::{Design, outputs, predict};
use crate::error::Result;
use crate::head::Link;
use ndarray::{Array1, Array2, Axis, s};
use rayon::prelude::*;

/// L2 penalties tried, from strong to weak: each fit starts where the stronger one ended.
pub(super) const PENALTIES: [f64; 8] = [300.0, 100.0, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1];

/// Candidates that answered the same rows: they share every factorisation.
pub(super) struct Group {
    /// Positions of the candidates in the pool.
    pub candidates: Vec<usize>,
    /// Positions of the rows among the training rows.
    pub rows: Vec<usize>,
}

/// A group's problem: inputs rows x width, targets rows x candidates, a fold per row, and where weights shrink to.
pub(super) struct Problem<'a> {
    pub link: Link,
    pub inputs: Array2<f64>,
    pub targets: Array2<f64>,
    pub folds: Vec<usize>,
    pub fold_count: usize,
    /// (width + 1) x candidates, one for every fold: a prior that has seen a fold must not judge it.
    pub priors: &'a [Array2<f64>],
    /// The prior for the fit on all rows.
    pub prior: Array2<f64>,
}

/// The result of one group.
pub(super) struct Fitted {
    /// (width + 1) x candidates, biases in the last row.
    pub weights: Array2<f64>,
    /// Same shape.
    pub variances: Array2<f64>,
    /// rows x candidates, each predicted by a fit that has not seen its fold.
    pub out_of_fold: Array2<f64>,
    /// Chosen penalty per candidate.
    pub penalties: Vec<f64>,
    /// Out-of-fold loss per candidate at its penalty.
    pub losses: Vec<f64>,
}

impl Problem<'_> {
    pub(super) fn solve(&self) -> Result<Fitted> {
        let predictions = self.cross_predictions()?;
        let candidates = self.targets.ncols();
        let mut out_of_fold = Array2::zeros(self.targets.dim());
        let (mut chosen, mut losses) = (Vec::new(), Vec::new());
        for c in 0..candidates {
            let target = self.targets.column(c);
            let loss = |p: &Array2<f64>| self.loss(p.column(c).iter(), target.iter());
            let all: Vec<f64> = predictions.iter().map(loss).collect();
            let best = (0..all.len()).min_by(|&a, &b| all[a].total_cmp(&all[b])).unwrap_or(0);
            out_of_fold.column_mut(c).assign(&predictions[best].column(c));
            chosen.push(best);
            losses.push(all[best]);
        }
        let (weights, variances) = self.refit(&chosen)?;
        Ok(Fitted { weights, variances, out_of_fold, penalties: chosen.iter().map(|&i| PENALTIES[i]).collect(), losses })
    }

    /// For every penalty, predictions for all rows from fits without their fold.
    fn cross_predictions(&self) -> Result<Vec<Array2<f64>>> {
        let folds: Result<Vec<_>> = (0..self.fold_count).into_par_iter().map(|fold| self.leave_out(fold)).collect();
        let mut predictions = vec![Array2::zeros(self.targets.dim()); PENALTIES.len()];
        for (rows, by_penalty) in folds? {
            for (all, part) in predictions.iter_mut().zip(by_penalty) {
                rows.iter().zip(part.rows()).for_each(|(&row, values)| all.row_mut(row).assign(&values));
            }
        }
        Ok(predictions)
    }

    fn leave_out(&self, fold: usize) -> Result<(Vec<usize>, Vec<Array2<f64>>)> {
        let (held, kept): (Vec<usize>, Vec<usize>) = (0..self.folds.len()).partition(|&row| self.folds[row] == fold);
        let design = Design::new(self.inputs.select(Axis(0), &kept).view());
        let targets = self.targets.select(Axis(0), &kept);
        let unseen = self.inputs.select(Axis(0), &held);
        let prior = &self.priors[fold];
        let mut weights = prior.clone();
        let by_penalty = PENALTIES.iter().map(|&penalty| {
            weights = design.fit(self.link, &targets, penalty, prior, &weights)?;
            Ok(predict(self.link, &outputs(unseen.view(), &weights)))
        });
        Ok((held, by_penalty.collect::<Result<_>>()?))
    }

    /// Fits all rows, every candidate at its own penalty.
    fn refit(&self, chosen: &[usize]) -> Result<(Array2<f64>, Array2<f64>)> {
        let design = Design::new(self.inputs.view());
        let columns: Result<Vec<_>> = (0..chosen.len())
            .into_par_iter()
            .map(|c| {
                let (one, penalty) = (s![.., c..c + 1], PENALTIES[chosen[c]]);
                let (target, prior) = (self.targets.slice(one).to_owned(), self.prior.slice(one).to_owned());
                let weights = design.fit(self.link, &target, penalty, &prior, &prior)?.column(0).to_owned();
                let variances = design.variances(self.link, &weights, &target.column(0).to_owned(), penalty)?;
                Ok((weights, variances))
            })
            .collect();
        let (weights, variances): (Vec<Array1<f64>>, Vec<Array1<f64>>) = columns?.into_iter().unzip();
        Ok((from_columns(&weights), from_columns(&variances)))
    }

    fn loss<'a>(&self, predictions: impl Iterator<Item = &'a f64>, targets: impl Iterator<Item = &'a f64>) -> f64 {
        predictions.zip(targets).map(|(&p, &y)| loss(self.link, p, y)).sum::<f64>() / self.targets.nrows() as f64
    }
}

/// Log loss of a probability, or squared error of a score.
fn loss(link: Link, p: f64, y: f64) -> f64 {
    match link {
        Link::Logistic => -(y * p.max(1e-12).ln() + (1.0 - y) * (1.0 - p).max(1e-12).ln()),
        Link::Identity => (p - y).powi(2),
    }
}

fn from_columns(columns: &[Array1<f64>]) -> Array2<f64> {
    let rows = columns.first().map_or(0, Array1::len);
    Array2::from_shape_fn((rows, columns.len()), |(i, c)| columns[c][i])
}
