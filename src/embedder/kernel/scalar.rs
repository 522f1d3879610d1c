//! The reference: what every other kernel must equal.

use super::{Dot, LANES, Panel, TILE};

pub(super) struct Scalar;

impl Dot for Scalar {
    type Activation = i16;

    fn panel(panel: &mut Panel<i16>) {
        for first in panel.tiles(TILE) {
            let mut sums = [[0; LANES]; TILE];
            for (sums, row) in sums.iter_mut().zip(panel.rows.chunks_exact(panel.stride).skip(first)) {
                for (pair, weights) in row.chunks_exact(2).zip(panel.weights.chunks_exact(2 * LANES)) {
                    for (sum, w) in sums.iter_mut().zip(weights.chunks_exact(2)) {
                        *sum += i32::from(pair[0]) * i32::from(w[0]) + i32::from(pair[1]) * i32::from(w[1]);
                    }
                }
            }
            panel.store(first, &sums.map(|sums| [sums]));
        }
    }
}
