//! Relaxed SIMD's byte products: 16 an instruction. Exact, and the same on every engine, as long as activations stay
//! within 0..=127: then no engine saturates or reads a sign.

use super::simd128::store;
use super::{Dot, LANES, Panel, TILE};
use std::arch::wasm32::*;

pub(super) struct Relaxed;

/// Eights of outputs in a panel, where they divide a layer's outputs: with two rows, twelve vectors of sums. So many must be
/// under way to hide what each addition waits for.
pub(super) const WIDE: usize = 3;

impl Dot for Relaxed {
    type Activation = u8;

    #[inline(always)]
    fn panel(panel: &mut Panel<u8>) {
        match panel.outputs[0].len() {
            WIDE => run::<2, WIDE>(panel),
            _ => run::<TILE, 1>(panel),
        }
    }
}

/// Only a function that has the feature itself gets the instruction instead of a call.
///
/// The order of the products is part of it: beside twelve sums, the fifteen registers that V8 gives out hold two rows' bytes
/// and one load of weights at a time. The compiler keeps the order that stands here in a loop that counts up by itself. From
/// `step_by`, it makes one that counts down, multiplies row by row, holds six loads of weights, and V8 moves sums to memory
/// and back: twice the time.
#[inline(never)]
#[target_feature(enable = "relaxed-simd")]
fn run<const ROWS: usize, const EIGHTS: usize>(panel: &mut Panel<u8>) {
    assert!(panel.is_whole(4) && panel.outputs[0].len() == EIGHTS);
    let stride = panel.stride;
    for first in panel.tiles(ROWS) {
        let mut sums = [[[i32x4_splat(0); 2]; EIGHTS]; ROWS];
        let (rows, mut weights) = (panel.rows[first * stride..].as_ptr(), panel.weights.as_ptr());
        let mut k = 0;
        while k < stride {
            // SAFETY: the assertion above; each step reads 4 of `stride` activations a row, and 4 weights of each output.
            unsafe {
                let bytes: [v128; ROWS] = std::array::from_fn(|r| v128_load32_splat(rows.add(r * stride + k).cast()));
                for four in 0..2 * EIGHTS {
                    let four_weights = v128_load(weights.add(16 * four).cast());
                    for (sums, bytes) in sums.iter_mut().zip(bytes) {
                        let sum = &mut sums[four / 2][four % 2];
                        *sum = i32x4_relaxed_dot_i8x16_i7x16_add(four_weights, bytes, *sum);
                    }
                }
                weights = weights.add(4 * LANES * EIGHTS);
            }
            k += 4;
        }
        panel.store(first, &sums.map(|sums| sums.map(store)));
    }
}
