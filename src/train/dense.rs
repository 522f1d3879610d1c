//! Two small pieces of linear algebra: a Cholesky solver and the eigenvectors of a small symmetric matrix.

use crate::error::{Error, Result};
use ndarray::{Array1, Array2, s};

/// A = LLᵀ
pub(super) struct Cholesky {
    lower: Array2<f64>,
}

impl Cholesky {
    pub(super) fn new(mut a: Array2<f64>) -> Result<Self> {
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
    pub(super) fn solve(&self, mut b: Array2<f64>) -> Array2<f64> {
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

const SWEEPS: usize = 30;

/// Eigenvalues, and eigenvectors as columns, of a small symmetric matrix (Jacobi's rotations).
pub(super) fn eigen(mut a: Array2<f64>) -> (Array1<f64>, Array2<f64>) {
    let n = a.nrows();
    let mut vectors = Array2::eye(n);
    for _ in 0..SWEEPS {
        let off: f64 = a.indexed_iter().filter(|((i, j), _)| i != j).map(|(_, x)| x * x).sum();
        if off < 1e-22 {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                rotate(&mut a, &mut vectors, p, q);
            }
        }
    }
    (a.diag().to_owned(), vectors)
}

/// Makes a[p, q] zero.
fn rotate(a: &mut Array2<f64>, vectors: &mut Array2<f64>, p: usize, q: usize) {
    if a[[p, q]] == 0.0 {
        return;
    }
    let theta = (a[[q, q]] - a[[p, p]]) / (2.0 * a[[p, q]]);
    let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
    let t = if theta == 0.0 { 1.0 } else { t };
    let cosine = 1.0 / t.hypot(1.0);
    let sine = t * cosine;
    let turn = |x: f64, y: f64| (cosine * x - sine * y, sine * x + cosine * y);
    for k in 0..a.nrows() {
        (a[[k, p]], a[[k, q]]) = turn(a[[k, p]], a[[k, q]]);
    }
    for k in 0..a.nrows() {
        (a[[p, k]], a[[q, k]]) = turn(a[[p, k]], a[[q, k]]);
        (vectors[[k, p]], vectors[[k, q]]) = turn(vectors[[k, p]], vectors[[k, q]]);
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
    fn eigenvectors_rebuild_the_matrix() {
        let a = Array2::from_shape_fn((6, 6), |(i, j)| 1.0 / (1.0 + i as f64 + j as f64) + if i == j { 0.1 } else { 0.0 });
        let (values, vectors) = eigen(a.clone());
        let rebuilt = (&vectors * &values).dot(&vectors.t());
        assert!((rebuilt - a).iter().all(|d| d.abs() < 1e-12));
        assert!((vectors.t().dot(&vectors) - Array2::<f64>::eye(6)).iter().all(|d| d.abs() < 1e-12));
    }
}
