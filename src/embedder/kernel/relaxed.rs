//! Relaxed SIMD's byte products: 16 an instruction. Exact, and the same on every engine, as long as activations stay
//! within 0..=127: then no engine saturates or reads a sign.

use super::simd128::store;
use super::{Dot, PANEL};
use std::arch::wasm32::*;

pub(super) struct Relaxed;

impl Dot for Relaxed {
    type Activation = u8;

    #[inline(always)]
    fn dot<const R: usize>(rows: &[u8], stride: usize, panel: &[i8]) -> [[i32; PANEL]; R] {
        run::<R>(rows, stride, panel)
    }
}

/// Only a function that has the feature itself gets the instruction instead of a call.
#[target_feature(enable = "relaxed-simd")]
fn run<const R: usize>(rows: &[u8], stride: usize, panel: &[i8]) -> [[i32; PANEL]; R] {
    assert!(rows.len() >= R * stride && panel.len() == stride * PANEL && stride.is_multiple_of(4));
    let mut sums = [[i32x4_splat(0); 2]; R];
    let (rows, mut weights) = (rows.as_ptr(), panel.as_ptr());
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
    sums.map(store)
}
