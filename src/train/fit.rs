//! Cross-validation of a joint fit: the penalty, and outputs for rows that were not fitted.

use super::joint::{Design, Moments, Path, Sharing, Solution};
use crate::error::Result;
use crate::head::{Link, sigmoid};
use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;

/// L2 penalties that are tried, from strong to weak, as long as the loss falls.
pub(super) const PENALTIES: [f64; 9] = [300.0, 100.0, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03];

/// The rows of a fold, all the others, and the moments of those.
struct Part {
    held: Vec<usize>,
    kept: Vec<usize>,
    moments: Moments,
}

/// Inputs, with the moments of all rows and those without each fold. Designs are made fold by fold as they are needed: no
/// more of them are in memory than threads at work.
pub(super) struct Folds<'a> {
    inputs: &'a Array2<f32>,
    whole: Moments,
    parts: Vec<Part>,
}

/// The result of one fit.
pub(super) struct Fitted {
    pub solution: Solution,
    /// rows x candidates, each from a fit that has not seen the row's fold.
    pub outputs: Array2<f32>,
    pub penalty: f64,
    pub sharing: Sharing,
}

impl<'a> Folds<'a> {
    /// `folds` gives each row's fold, `moves` the second moments of how inputs move where a row is edited.
    pub(super) fn new(inputs: &'a Array2<f32>, folds: &[usize], moves: Option<&Array2<f64>>) -> Self {
        let count = folds.iter().copied().max().map_or(0, |most| most + 1);
        let part = |fold: usize| {
            let (held, kept): (Vec<usize>, Vec<usize>) = (0..folds.len()).partition(|&row| folds[row] == fold);
            let moments = Moments::of(inputs.select(Axis(0), &kept), moves);
            Part { held, kept, moments }
        };
        Self { inputs, whole: Moments::of(inputs.clone(), moves), parts: (0..count).into_par_iter().map(part).collect() }
    }

    /// [`Moments::curvature`] of all rows.
    pub(super) fn curvature(&self) -> Array2<f64> {
        self.whole.curvature()
    }

    /// Fits `targets` (rows x candidates, NaN where unknown), sharing between candidates if asked to. `watch` is told of
    /// every penalty.
    pub(super) fn fit(&self, link: Link, targets: &Array2<f32>, share: bool, watch: &dyn Fn(f64)) -> Result<Fitted> {
        let sharing = |rows: ArrayView2<f32>| if share { Sharing::by_correlation(rows) } else { Sharing::none(rows.ncols()) };
        let kept: Vec<Array2<f32>> = self.parts.iter().map(|part| targets.select(Axis(0), &part.kept)).collect();
        let sharings: Vec<Sharing> = kept.iter().map(|targets| sharing(targets.view())).collect();
        let width = self.inputs.ncols();
        let mut paths: Vec<Path> =
            kept.iter().zip(&sharings).map(|(targets, sharing)| Path::new(link, width, targets.view(), sharing)).collect();
        let (mut best, mut tried): (Option<(f64, Array2<f32>)>, usize) = (None, 0);
        for penalty in PENALTIES {
            watch(penalty);
            let outputs = self.held_outputs(&mut paths, penalty, targets.dim())?;
            let loss = mean_loss(link, &outputs, targets);
            if best.as_ref().is_some_and(|(least, _)| loss >= *least) {
                break;
            }
            best = Some((loss, outputs));
            tried += 1;
        }
        drop(paths);
        let whole = sharing(targets.view());
        // No output at all is as good as an endless penalty.
        let penalty = PENALTIES[tried.max(1) - 1];
        let solution = descend(self.inputs.clone(), &self.whole, Path::new(link, width, targets.view(), &whole), penalty)?;
        let outputs = best.map_or_else(|| Array2::zeros(targets.dim()), |(_, outputs)| outputs);
        Ok(Fitted { solution, outputs, penalty, sharing: whole })
    }

    fn held_outputs(&self, paths: &mut [Path], penalty: f64, dim: (usize, usize)) -> Result<Array2<f32>> {
        let advance = |(path, part): (&mut Path, &Part)| {
            let design = Design::new(self.inputs.select(Axis(0), &part.kept), &part.moments);
            let solution = path.advance(&design, penalty)?;
            drop(design);
            Ok(solution.outputs(self.inputs.select(Axis(0), &part.held).view()))
        };
        let by_fold: Result<Vec<Array2<f32>>> = paths.par_iter_mut().zip(&self.parts).map(advance).collect();
        let mut all = Array2::zeros(dim);
        for (part, outputs) in self.parts.iter().zip(by_fold?) {
            part.held.iter().zip(outputs.rows()).for_each(|(&row, values)| all.row_mut(row).assign(&values));
        }
        Ok(all)
    }
}

/// Follows a path from the strongest penalty down to this one.
fn descend(inputs: Array2<f32>, moments: &Moments, mut path: Path, penalty: f64) -> Result<Solution> {
    let design = Design::new(inputs, moments);
    let mut solution = path.advance(&design, PENALTIES[0])?;
    for weaker in PENALTIES[1..].iter().take_while(|&&weaker| weaker >= penalty) {
        solution = path.advance(&design, *weaker)?;
    }
    Ok(solution)
}

/// Fits `targets` at a penalty that is known, sharing between candidates.
pub(super) fn fit_once(inputs: Array2<f32>, moments: &Moments, link: Link, targets: ArrayView2<f32>, penalty: f64) -> Result<Solution> {
    let sharing = Sharing::by_correlation(targets);
    let path = Path::new(link, inputs.ncols(), targets, &sharing);
    descend(inputs, moments, path, penalty)
}

/// Outputs and what came out, where that is known.
pub(super) fn known<'a>(pairs: impl Iterator<Item = (&'a f32, &'a f32)>) -> Vec<(f64, f64)> {
    pairs.filter(|(_, y)| !y.is_nan()).map(|(z, y)| (f64::from(*z), f64::from(*y))).collect()
}

/// Log loss for the logistic link, squared error for the identity, over the outcomes that are known.
fn mean_loss(link: Link, outputs: &Array2<f32>, targets: &Array2<f32>) -> f64 {
    let known = known(outputs.iter().zip(targets));
    let loss = |(z, y): (f64, f64)| match link {
        Link::Logistic => {
            let p = sigmoid(z).clamp(1e-9, 1.0 - 1e-9);
            -(y * p.ln() + (1.0 - y) * (1.0 - p).ln())
        }
        Link::Identity => (z - y).powi(2),
    };
    let (sum, count) = known.into_iter().map(loss).fold((0.0, 0.0), |(sum, count), loss| (sum + loss, count + 1.0));
    sum / f64::max(count, 1.0)
}
