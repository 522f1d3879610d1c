//! `i32x4.dot_i16x8_s`: eight products an instruction, exact up to 14-bit activations.

use super::{Dot, LANES, Panel, TILE};
use std::arch::wasm32::*;

pub(super) struct Simd128;

impl Dot for Simd128 {
    type Activation = i16;

    #[inline(never)]
    fn panel(panel: &mut Panel<i16>) {
        assert!(panel.is_whole(2));
        let stride = panel.stride;
        for first in panel.tiles(TILE) {
            let mut sums = [[i32x4_splat(0); 2]; TILE];
            let (rows, mut weights) = (panel.rows[first * stride..].as_ptr(), panel.weights.as_ptr());
            for k in (0..stride).step_by(2) {
                // SAFETY: the assertion above; each step reads 2 of `stride` activations a row and 16 of `stride * 8` weights.
                unsafe {
                    let (left, right) = (i16x8_load_extend_i8x8(weights), i16x8_load_extend_i8x8(weights.add(LANES)));
                    weights = weights.add(2 * LANES);
                    for (r, sum) in sums.iter_mut().enumerate() {
                        let pair = v128_load32_splat(rows.add(r * stride + k).cast());
                        sum[0] = i32x4_add(sum[0], i32x4_dot_i16x8(pair, left));
                        sum[1] = i32x4_add(sum[1], i32x4_dot_i16x8(pair, right));
                    }
                }
            }
            panel.store(first, &sums.map(|sums| [store(sums)]));
        }
    }
}

#[inline(always)]
pub(super) fn store(sum: [v128; 2]) -> [i32; LANES] {
    let mut out = [0; LANES];
    // SAFETY: `out` holds two vectors.
    unsafe {
        v128_store(out.as_mut_ptr().cast(), sum[0]);
        v128_store(out.as_mut_ptr().add(4).cast(), sum[1]);
    }
    out
}
