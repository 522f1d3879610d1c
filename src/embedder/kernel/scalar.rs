//! The reference: what every other kernel must equal.

use super::{Dot, PANEL};

pub(super) struct Scalar;

impl Dot for Scalar {
    type Activation = i16;

    fn dot<const R: usize>(rows: &[i16], stride: usize, panel: &[i8]) -> [[i32; PANEL]; R] {
        let mut sums = [[0; PANEL]; R];
        for (sums, row) in sums.iter_mut().zip(rows.chunks_exact(stride)) {
            for (pair, weights) in row.chunks_exact(2).zip(panel.chunks_exact(2 * PANEL)) {
                for (sum, w) in sums.iter_mut().zip(weights.chunks_exact(2)) {
                    *sum += i32::from(pair[0]) * i32::from(w[0]) + i32::from(pair[1]) * i32::from(w[1]);
                }
            }
        }
        sums
    }
}
