//! Symmetric matrices, lower triangle only, row after row.

/// n x n, of which n(n + 1)/2 numbers are kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Symmetric {
    n: usize,
    lower: Vec<f64>,
}

impl Symmetric {
    pub(crate) fn diagonal(n: usize, value: f64) -> Self {
        let mut matrix = Self { n, lower: vec![0.0; n * (n + 1) / 2] };
        (0..n).for_each(|i| matrix.lower[i * (i + 1) / 2 + i] = value);
        matrix
    }

    pub(crate) fn from_lower(n: usize, lower: Vec<f64>) -> Self {
        debug_assert_eq!(lower.len(), n * (n + 1) / 2);
        Self { n, lower }
    }

    /// The kept numbers.
    pub(crate) fn lower(&self) -> &[f64] {
        &self.lower
    }

    fn rows(&self) -> impl Iterator<Item = &[f64]> {
        (0..self.n).map(|i| &self.lower[i * (i + 1) / 2..(i + 1) * (i + 2) / 2])
    }

    /// The product with a vector.
    pub(crate) fn times(&self, x: &[f64]) -> Vec<f64> {
        let mut y = vec![0.0; self.n];
        for (i, row) in self.rows().enumerate() {
            let (before, diagonal) = (&row[..i], row[i]);
            y[i] += diagonal * x[i] + before.iter().zip(x).map(|(a, b)| a * b).sum::<f64>();
            before.iter().zip(&mut y[..i]).for_each(|(a, y)| *y += a * x[i]);
        }
        y
    }

    pub(crate) fn scale(&mut self, factor: f64) {
        self.lower.iter_mut().for_each(|a| *a *= factor);
    }

    /// Adds weight · xxᵀ.
    pub(crate) fn add_outer(&mut self, x: &[f64], weight: f64) {
        let mut at = 0;
        for (i, &xi) in x.iter().enumerate() {
            let row = &mut self.lower[at..=at + i];
            row.iter_mut().zip(x).for_each(|(a, &xj)| *a += weight * xi * xj);
            at += i + 1;
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.lower.iter_mut().zip(&other.lower).for_each(|(a, b)| *a += b);
    }

    /// The inverse of A + weight · xxᵀ, where self is the inverse of A (Sherman and Morrison 1950). O(n²).
    pub(crate) fn inverse_add_outer(&mut self, x: &[f64], weight: f64) {
        let u = self.times(x);
        let denominator = 1.0 + weight * dot(&u, x);
        self.add_outer(&u, -weight / denominator);
    }

    /// The inverse of a positive definite matrix, by sweeping every pivot (Beaton 1964); nothing, where it is none. O(n³).
    pub(crate) fn inverse(&self) -> Option<Self> {
        let mut swept = self.clone();
        for k in 0..self.n {
            let column: Vec<f64> = (0..self.n).map(|i| swept.lower[place(i, k)]).collect();
            let pivot = column[k];
            if !(pivot.is_finite() && pivot > 0.0) {
                return None;
            }
            swept.add_outer(&column, -1.0 / pivot);
            (0..self.n).for_each(|i| swept.lower[place(i, k)] = column[i] / pivot);
            swept.lower[place(k, k)] = -1.0 / pivot;
        }
        swept.scale(-1.0);
        Some(swept)
    }
}

fn place(i: usize, j: usize) -> usize {
    let (row, column) = (i.max(j), i.min(j));
    row * (row + 1) / 2 + column
}

pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_positive_definite_has_no_inverse() {
        for diagonal in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Symmetric::diagonal(3, diagonal).inverse().is_none());
        }
        let mut saddle = Symmetric::diagonal(2, 1.0);
        saddle.add_outer(&[1.0, 1.0], -2.0);
        assert!(saddle.inverse().is_none());
    }

    #[test]
    fn both_ways_to_an_inverse_agree() {
        let vectors: Vec<Vec<f64>> = (0..9).map(|k| (0..5).map(|i| f64::from((k * 7 + i * 3) % 11) / 11.0 - 0.4).collect()).collect();
        let (mut matrix, mut inverse) = (Symmetric::diagonal(5, 0.5), Symmetric::diagonal(5, 2.0));
        for x in &vectors {
            matrix.add_outer(x, 1.0);
            inverse.inverse_add_outer(x, 1.0);
        }
        let swept = matrix.inverse().unwrap();
        assert!(swept.lower().iter().zip(inverse.lower()).all(|(a, b)| (a - b).abs() < 1e-12), "{swept:?} {inverse:?}");
        let unit = swept.times(&matrix.times(&[1.0, -2.0, 3.0, 0.0, 0.5]));
        assert!(unit.iter().zip([1.0, -2.0, 3.0, 0.0, 0.5]).all(|(a, b)| (a - b).abs() < 1e-12), "{unit:?}");
    }
}
