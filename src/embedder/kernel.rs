//! int8 matrix kernels. The embedder file names the integers to compute; a machine only chooses how to compute them:
//! every kernel that may run a format gives that format's exact sums, so embeddings do not depend on the target.
//!
//! With rows x of f32 and weights w of int8, scale s and bias b by output o:
//!
//! ```text
//! y = x ∘ smooth                     the file's factors by input; equalise the inputs' ranges (SmoothQuant)
//! q = round((y - min y) / a) + low   integers of `bits` bits, one step a and one minimum per row
//! out[o] = Σ q w[o] · (a s[o]) + (offset s[o] Σ w[o] + b[o])      where offset = min y - low·a
//! ```

#![allow(unsafe_code)] // the only place: vector instructions take pointers

mod integers;
mod lanes;
mod pack;
mod quantize;
mod scalar;
mod turn;

#[cfg(all(target_arch = "wasm32", feature = "relaxed"))]
mod relaxed;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd128;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(super) use integers::{Pair, Pairs, most_level, products as pair_products, side_by_side};
pub(crate) use lanes::dot;
#[cfg(feature = "build")]
pub(super) use lanes::products;
pub(super) use lanes::{LANES, Lanes};
pub use pack::Activations;
pub(super) use pack::{Kernel, Packed, Stored};
pub(super) use quantize::finite;

use super::ops::math::gelu;
use quantize::{Affine, Level, Quantized};

/// Runs the constructors by which tract's kernels register themselves, once, before anything else. Where no code calls
/// them by name, the linker takes the module for a program that is run once, and puts a call of them before every exported
/// function: each call from JavaScript, and each piece of memory it asks for, then pays for all of them.
#[cfg(target_arch = "wasm32")]
pub(crate) fn run_constructors() {
    unsafe extern "C" {
        fn __wasm_call_ctors();
    }
    // SAFETY: made by the linker; it takes nothing, and the module's start function alone calls it.
    unsafe { __wasm_call_ctors() }
}

/// Rows of the largest tile.
const TILE: usize = 4;
/// Rows whose quantized form stays in cache while all panels pass over it.
const BLOCK: usize = 128;

/// What follows the matrix product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Epilogue {
    /// Nothing.
    Plain,
    /// GELU, x Φ(x).
    Gelu,
}

/// How products are summed.
trait Dot {
    /// How a quantized activation is stored.
    type Activation: Level;

    /// Computes a panel's outputs of all rows, tile by tile. One function for each kernel, and never inlined: engines
    /// optimise what is called often, and small functions soonest.
    fn panel(panel: &mut Panel<Self::Activation>);
}

/// All rows by the outputs that a kernel computes at a time: eight, or some times eight.
struct Panel<'a, A> {
    /// Quantized rows, `stride` activations each, and padding to whole tiles.
    rows: &'a [A],
    stride: usize,
    weights: &'a [i8],
    /// Of the rows that count.
    affine: &'a [Affine],
    /// Scale, sum and bias of the outputs.
    outputs: [&'a [[f32; LANES]]; 3],
    /// Results from the first row's first output on, `width` apart by row.
    out: &'a mut [f32],
    width: usize,
    /// Outputs that count.
    columns: usize,
}

impl<A> Panel<'_, A> {
    /// The first rows of all tiles of so many.
    #[inline(always)]
    fn tiles(&self, rows: usize) -> impl Iterator<Item = usize> + use<A> {
        (0..self.affine.len()).step_by(rows)
    }

    /// Whether rows and weights have what a kernel will read without looking.
    #[inline(always)]
    fn is_whole(&self, group: usize) -> bool {
        let rows = self.affine.len().next_multiple_of(TILE);
        self.rows.len() >= rows * self.stride
            && self.weights.len() == self.stride * self.outputs[0].len() * LANES
            && self.stride.is_multiple_of(group)
    }

    /// A tile's integers to results.
    #[inline(always)]
    fn store<const ROWS: usize, const EIGHTS: usize>(&mut self, first: usize, sums: &[[[i32; LANES]; EIGHTS]; ROWS]) {
        let [scale, sum, bias] = self.outputs.map(|values| values.first_chunk().unwrap_or(&[[0.0; LANES]; EIGHTS]));
        for (row, (sums, affine)) in (first..).zip(sums.iter().zip(&self.affine[first..])) {
            let (step, offset) = (Lanes::splat(affine.step), Lanes::splat(affine.offset));
            let of = |eight: usize| {
                let [scale, sum, bias] = [scale, sum, bias].map(|values| Lanes::load(&values[eight]));
                Lanes::from_integers(&sums[eight]) * (step * scale) + (offset * sum + bias)
            };
            let out = &mut self.out[row * self.width..];
            // Looked at once a row: the branches of each eight would take longer than its arithmetic.
            match out.as_chunks_mut().0.first_chunk_mut::<EIGHTS>() {
                Some(out) if self.columns == EIGHTS * LANES => (0..EIGHTS).for_each(|eight| of(eight).store(&mut out[eight])),
                _ => of(0).store_first(self.columns, out),
            }
        }
    }
}

/// x · w for `x` of [rows, inputs] into `out` of [rows, outputs].
pub(super) fn linear(weights: &Packed, x: &[f32], epilogue: Epilogue, out: &mut [f32]) {
    match weights.kernel() {
        Kernel::Scalar => blocks::<scalar::Scalar>(weights, x, epilogue, out),
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        Kernel::Simd128 => blocks::<simd128::Simd128>(weights, x, epilogue, out),
        #[cfg(all(target_arch = "wasm32", feature = "relaxed"))]
        Kernel::Relaxed => blocks::<relaxed::Relaxed>(weights, x, epilogue, out),
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx2 => blocks::<x86::Avx2>(weights, x, epilogue, out),
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx2Bytes => blocks::<x86::Avx2Bytes>(weights, x, epilogue, out),
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx512Vnni => blocks::<x86::Avx512Vnni>(weights, x, epilogue, out),
        #[cfg(target_arch = "x86_64")]
        Kernel::AvxVnni => blocks::<x86::AvxVnni>(weights, x, epilogue, out),
    }
}

#[inline(never)]
fn blocks<D: Dot>(weights: &Packed, x: &[f32], epilogue: Epilogue, out: &mut [f32]) {
    let rows = BLOCK * weights.inputs();
    let outs = BLOCK * weights.outputs();
    let mut quantized = Quantized::<D::Activation>::default();
    for (x, out) in x.chunks(rows).zip(out.chunks_mut(outs)) {
        quantized.fill(weights, x);
        panels::<D>(weights, &quantized, out);
        // By itself: between two tiles' products, engines find no registers for it, and it takes twice as long.
        if epilogue == Epilogue::Gelu {
            gelu(out);
        }
    }
}

#[inline(always)]
fn panels<D: Dot>(weights: &Packed, x: &Quantized<D::Activation>, out: &mut [f32]) {
    let width = weights.outputs();
    for (i, column) in (0..width).step_by(weights.panel_outputs()).enumerate() {
        let mut panel = Panel {
            rows: x.rows(),
            stride: x.stride(),
            weights: weights.panel(i),
            affine: x.affine(),
            outputs: weights.outputs_of(i),
            out: &mut out[column..],
            width,
            columns: weights.panel_outputs().min(width - column),
        };
        D::panel(&mut panel);
    }
}

#[cfg(test)]
mod tests;
