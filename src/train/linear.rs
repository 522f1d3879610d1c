//! Regularised linear fits: ridge and logistic regression over many outputs at once.
//!
//! Both minimise Σ loss(xᵢ·w + b, yᵢ) + ½·penalty·‖w - w₀‖², where w₀ is a prior mean. The logistic fit iterates with
//! Böhning's fixed bound on the Hessian, ¼XᵀX (Böhning 1992): one factorisation serves all outputs and all steps, and
//! every step lowers the loss. With the identity link the bound is the Hessian itself, and the first step is the solution.

use crate::error::{Error, Result};
use crate::head::{Link, sigmoid};
use ndarray::{Array1, Array2, ArrayView2, Axis, s};

const MAX_STEPS: usize = 200;
const TOLERANCE: f64 = 1e-5;
/// Keeps the bias's row of the Hessian regular without shrinking it.
const BIAS_PENALTY: f64 = 1e-6;

/// Inputs with a column of ones behind them, and their Gram matrix: shared by every fit on the same rows.
pub(super) struct Design {
    x: Array2<f64>,
    gram: Array2<f64>,
}

impl Design {
    pub(super) fn new(inputs: ArrayView2<f64>) -> Self {
        let mut x = Array2::ones((inputs.nrows(), inputs.ncols() + 1));
        x.slice_mut(s![.., ..inputs.ncols()]).assign(&inputs);
        let gram = x.t().dot(&x);
        Self { x, gram }
    }

    /// Fits every column of `targets`. `prior` and `start` are (width + 1) x outputs, biases in the last row.
    pub(super) fn fit(
        &self,
        link: Link,
        targets: &Array2<f64>,
        penalty: f64,
        prior: &Array2<f64>,
        start: &Array2<f64>,
    ) -> Result<Array2<f64>> {
        let curvature = match link {
            Link::Logistic => 0.25,
            Link::Identity => 1.0,
        };
        let penalties = self.penalties(penalty);
        let bound = Cholesky::new(&self.gram * curvature + Array2::from_diag(&penalties))?;
        let mut weights = start.clone();
        for _ in 0..MAX_STEPS {
            let residual = predict(link, &self.x.dot(&weights)) - targets;
            let pull = (&weights - prior) * penalties.view().insert_axis(Axis(1));
            let step = bound.solve(self.x.t().dot(&residual) + pull);
            weights -= &step;
            if step.iter().all(|s| s.abs() < TOLERANCE) || link == Link::Identity {
                break;
            }
        }
        Ok(weights)
    }

    /// Diagonal of the posterior covariance of one output's weights (Laplace approximation), bias last.
    pub(super) fn variances(&self, link: Link, weights: &Array1<f64>, targets: &Array1<f64>, penalty: f64) -> Result<Array1<f64>> {
        let output = self.x.dot(weights);
        let (curvature, noise) = match link {
            Link::Logistic => (output.mapv(|z| sigmoid(z) * sigmoid(-z)), 1.0),
            Link::Identity => (Array1::ones(output.len()), (&output - targets).mapv(|r| r * r).mean().unwrap_or(1.0)),
        };
        let weighted = &self.x * &curvature.insert_axis(Axis(1));
        let hessian = self.x.t().dot(&weighted) + Array2::from_diag(&self.penalties(penalty));
        let inverse = Cholesky::new(hessian)?.solve(Array2::eye(weights.len()));
        Ok(inverse.diag().mapv(|v| v * noise))
    }

    fn penalties(&self, penalty: f64) -> Array1<f64> {
        let mut penalties = Array1::from_elem(self.x.ncols(), penalty);
        penalties[self.x.ncols() - 1] = BIAS_PENALTY;
        penalties
    }
}

/// The link applied to every linear output.
pub(super) fn predict(link: Link, outputs: &Array2<f64>) -> Array2<f64> {
    match link {
        Link::Logistic => outputs.mapv(sigmoid),
        Link::Identity => outputs.clone(),
    }
}

/// Linear outputs of fitted weights on inputs without the column of ones.
pub(super) fn outputs(inputs: ArrayView2<f64>, weights: &Array2<f64>) -> Array2<f64> {
    let last = weights.nrows() - 1;
    inputs.dot(&weights.slice(s![..last, ..])) + weights.row(last)
}

/// A = LLᵀ
struct Cholesky {
    lower: Array2<f64>,
}

impl Cholesky {
    fn new(mut a: Array2<f64>) -> Result<Self> {
        let n = a.nrows();
        for j in 0..n {
            let row = a.slice(s![j, ..j]).to_owned();
            let pivot = a[[j, j]] - row.dot(&row);
            if pivot.is_nan() || pivot <= 0.0 {
                return Err(Error::engine("solving for the head", "the inputs are not finite, or the penalty is too small"));
            }
            let pivot = pivot.sqrt();
            a[[j, j]] = pivot;
            let below = a.slice(s![j + 1.., ..j]).dot(&row);
            let mut column = a.slice_mut(s![j + 1.., j]);
            column -= &below;
            column /= pivot;
        }
        Ok(Self { lower: a })
    }

    /// A⁻¹b for every column of b.
    fn solve(&self, mut b: Array2<f64>) -> Array2<f64> {
        let n = self.lower.nrows();
        for i in 0..n {
            let known = self.lower.slice(s![i, ..i]).dot(&b.slice(s![..i, ..]));
            let mut row = b.row_mut(i);
            row -= &known;
            row /= self.lower[[i, i]];
        }
        for i in (0..n).rev() {
            let known = self.lower.slice(s![i + 1.., i]).dot(&b.slice(s![i + 1.., ..]));
            let mut row = b.row_mut(i);
            row -= &known;
            row /= self.lower[[i, i]];
        }
        b
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn cholesky_solves() {
        let a = array![[4.0, 2.0, 0.6], [2.0, 3.0, 0.4], [0.6, 0.4, 1.0]];
        let x = array![[1.0, -2.0], [0.5, 0.0], [3.0, 1.0]];
        let solved = Cholesky::new(a.clone()).unwrap().solve(a.dot(&x));
        assert!((solved - x).iter().all(|d| d.abs() < 1e-12));
        assert!(Cholesky::new(array![[1.0, 2.0], [2.0, 1.0]]).is_err());
    }

    #[test]
    fn ridge_equals_its_closed_form_by_hand() {
        // One input, points (0,0), (1,2), penalty 1 on the slope only: minimise (b)² + (w+b-2)² + w² over w, b.
        let design = Design::new(array![[0.0], [1.0]].view());
        let zero = Array2::zeros((2, 1));
        let weights = design.fit(Link::Identity, &array![[0.0], [2.0]], 1.0, &zero, &zero).unwrap();
        assert!((weights[[0, 0]] - 2.0 / 3.0).abs() < 1e-5 && (weights[[1, 0]] - 2.0 / 3.0).abs() < 1e-5, "{weights}");
    }

    #[test]
    fn a_logistic_fit_zeroes_the_gradient() {
        let x = Array2::from_shape_fn((40, 3), |(i, j)| ((i * 7 + j * 13) % 11) as f64 / 11.0 - 0.5);
        let y = Array2::from_shape_fn((40, 2), |(i, k)| f64::from(u8::from((i * 5 + k) % 3 == 0)));
        let design = Design::new(x.view());
        let (prior, zero) = (Array2::from_elem((4, 2), 0.1), Array2::zeros((4, 2)));
        let weights = design.fit(Link::Logistic, &y, 0.5, &prior, &zero).unwrap();
        let residual = predict(Link::Logistic, &outputs(x.view(), &weights)) - &y;
        let gradient = x.t().dot(&residual) + 0.5 * (&weights - &prior).slice(s![..3, ..]).to_owned();
        assert!(gradient.iter().all(|g| g.abs() < 1e-3), "{gradient}");
    }
}
