//! The reference: what every other kernel must equal.

use super::{Dot, Lanes, PANEL, TILE, Tile};

pub(super) struct Scalar;

impl Dot for Scalar {
    type Activation = i16;

    fn tile(tile: &mut Tile<i16>, finish: impl Fn(Lanes) -> Lanes) {
        let mut sums = [[0; PANEL]; TILE];
        for (sums, row) in sums.iter_mut().zip(tile.rows.chunks_exact(tile.stride)) {
            for (pair, weights) in row.chunks_exact(2).zip(tile.panel.chunks_exact(2 * PANEL)) {
                for (sum, w) in sums.iter_mut().zip(weights.chunks_exact(2)) {
                    *sum += i32::from(pair[0]) * i32::from(w[0]) + i32::from(pair[1]) * i32::from(w[1]);
                }
            }
        }
        tile.store(&sums, finish);
    }
}
