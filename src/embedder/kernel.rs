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

mod lanes;
mod pack;
mod quantize;
mod scalar;

#[cfg(all(target_arch = "wasm32", feature = "relaxed"))]
mod relaxed;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd128;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(crate) use lanes::dot;
#[cfg(feature = "build")]
pub(super) use lanes::products;
pub(super) use lanes::{LANES, Lanes};
pub use pack::Activations;
pub(super) use pack::{Kernel, Packed, Stored};
pub(super) use quantize::finite;

use quantize::{Level, Quantized};

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

/// Outputs of one panel: what a kernel computes at a time.
const PANEL: usize = LANES;
/// Rows of one tile.
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

/// Sums of products of quantized rows with a panel of weights.
trait Dot {
    /// How a quantized activation is stored.
    type Activation: Level;

    /// `R` rows of `inputs` activations each, `stride` apart; `panel` holds `PANEL` outputs.
    fn dot<const R: usize>(rows: &[Self::Activation], stride: usize, panel: &[i8]) -> [[i32; PANEL]; R];
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

fn blocks<D: Dot>(weights: &Packed, x: &[f32], epilogue: Epilogue, out: &mut [f32]) {
    let rows = BLOCK * weights.inputs();
    let outs = BLOCK * weights.outputs();
    let mut quantized = Quantized::<D::Activation>::default();
    for (x, out) in x.chunks(rows).zip(out.chunks_mut(outs)) {
        quantized.fill(weights, x);
        match epilogue {
            Epilogue::Plain => panels::<D>(weights, &quantized, out, |y| y),
            Epilogue::Gelu => panels::<D>(weights, &quantized, out, super::ops::math::gelu),
        }
    }
}

#[inline(always)]
fn panels<D: Dot>(weights: &Packed, x: &Quantized<D::Activation>, out: &mut [f32], finish: impl Fn(Lanes) -> Lanes) {
    for panel in 0..weights.panels() {
        let tiles = x.rows() / TILE;
        for tile in 0..tiles {
            tile_of::<D, TILE>(weights, panel, x, tile * TILE, out, &finish);
        }
        let first = tiles * TILE;
        match x.rows() - first {
            3 => tile_of::<D, 3>(weights, panel, x, first, out, &finish),
            2 => tile_of::<D, 2>(weights, panel, x, first, out, &finish),
            1 => tile_of::<D, 1>(weights, panel, x, first, out, &finish),
            _ => {}
        }
    }
}

#[inline(always)]
fn tile_of<D: Dot, const R: usize>(
    weights: &Packed,
    panel: usize,
    x: &Quantized<D::Activation>,
    first: usize,
    out: &mut [f32],
    finish: &impl Fn(Lanes) -> Lanes,
) {
    let sums = D::dot::<R>(x.from(first), x.stride(), weights.panel(panel));
    let [scale, sum, bias] = weights.outputs_of(panel).map(Lanes::load);
    let width = weights.outputs();
    let columns = PANEL.min(width - panel * PANEL);
    for (r, acc) in sums.iter().enumerate() {
        let affine = x.affine(first + r);
        let product = Lanes::from_integers(acc) * (Lanes::splat(affine.step) * scale);
        let y = finish(product + (Lanes::splat(affine.offset) * sum + bias));
        let start = (first + r) * width + panel * PANEL;
        let out = &mut out[start..start + columns];
        match out.first_chunk_mut() {
            Some(eight) => y.store(eight),
            None => {
                let mut eight = [0.0; PANEL];
                y.store(&mut eight);
                out.copy_from_slice(&eight[..columns]);
            }
        }
    }
}

#[cfg(test)]
mod tests;
