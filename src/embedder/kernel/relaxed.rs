//! Relaxed SIMD's byte products: 16 an instruction. Exact, and the same on every engine, as long as activations stay
//! within 0..=127: then no engine saturates or reads a sign.

use super::simd128::store;
use super::{Dot, Lanes, PANEL, Panel, TILE};
use std::arch::wasm32::*;

pub(super) struct Relaxed;

impl Dot for Relaxed {
    type Activation = u8;

    #[inline(always)]
    fn panel(panel: &mut Panel<u8>, finish: impl Fn(Lanes) -> Lanes) {
        run(panel, finish);
    }
}

/// Only a function that has the feature itself gets the instruction instead of a call.
#[inline(never)]
#[target_feature(enable = "relaxed-simd")]
fn run(panel: &mut Panel<u8>, finish: impl Fn(Lanes) -> Lanes) {
    assert!(panel.is_whole(4));
    let stride = panel.stride;
    for first in panel.tiles() {
        let mut sums = [[i32x4_splat(0); 2]; TILE];
        let (rows, mut weights) = (panel.rows[first * stride..].as_ptr(), panel.weights.as_ptr());
        for k in (0..stride).step_by(4) {
            // SAFETY: the assertion above; each step reads 4 of `stride` activations a row and 32 of `stride * 8` weights.
            unsafe {
                let (left, right) = (v128_load(weights.cast()), v128_load(weights.add(16).cast()));
                weights = weights.add(4 * PANEL);
                for (r, sum) in sums.iter_mut().enumerate() {
                    let bytes = v128_load32_splat(rows.add(r * stride + k).cast());
                    sum[0] = i32x4_relaxed_dot_i8x16_i7x16_add(left, bytes, sum[0]);
                    sum[1] = i32x4_relaxed_dot_i8x16_i7x16_add(right, bytes, sum[1]);
                }
            }
        }
        panel.store(first, &sums.map(store), &finish);
    }
}
