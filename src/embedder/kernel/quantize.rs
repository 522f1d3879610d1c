//! Rows of f32 as integers, each row with its own step and offset.

use super::pack::padded;
use super::{LANES, Lanes, Packed, TILE};

/// What a quantized activation is stored as.
pub(super) trait Level: Copy + Default {
    fn from_lanes(x: Lanes, rounder: Lanes) -> [Self; LANES];
}

impl Level for u8 {
    #[inline(always)]
    fn from_lanes(x: Lanes, rounder: Lanes) -> [Self; LANES] {
        x.to_u8(rounder)
    }
}

impl Level for i16 {
    #[inline(always)]
    fn from_lanes(x: Lanes, rounder: Lanes) -> [Self; LANES] {
        x.to_i16(rounder)
    }
}

/// value = integer · step + offset
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Affine {
    pub(super) step: f32,
    pub(super) offset: f32,
}

/// Quantized rows, each padded with zeros to whole groups, and rows of zeros behind them to whole tiles.
pub(super) struct Quantized<A> {
    levels: Vec<A>,
    affine: Vec<Affine>,
    stride: usize,
    /// One row after smoothing.
    smoothed: Vec<f32>,
}

impl<A> Default for Quantized<A> {
    fn default() -> Self {
        Self { levels: vec![], affine: vec![], stride: 0, smoothed: vec![] }
    }
}

impl<A: Level> Quantized<A> {
    /// Quantizes the rows of `x` for a layer.
    pub(super) fn fill(&mut self, weights: &Packed, x: &[f32]) {
        let (inputs, range) = (weights.inputs(), weights.format().range());
        self.stride = padded(inputs);
        self.affine.clear();
        self.levels.clear();
        self.levels.resize((x.len() / inputs).next_multiple_of(TILE) * self.stride, A::default());
        self.smoothed.resize(self.stride.next_multiple_of(LANES), 0.0);
        for (x, levels) in x.chunks_exact(inputs).zip(self.levels.chunks_exact_mut(self.stride)) {
            self.affine.push(row(x, weights.smooth(), range, &mut self.smoothed, &mut levels[..inputs]));
        }
    }

    pub(super) fn rows(&self) -> &[A] {
        &self.levels
    }

    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    /// Of the rows that count.
    pub(super) fn affine(&self) -> &[Affine] {
        &self.affine
    }
}

/// One row. Never inlined: engines optimise small functions soonest.
#[inline(never)]
fn row<A: Level>(x: &[f32], factors: Option<&[f32]>, range: (f32, f32), smoothed: &mut [f32], levels: &mut [A]) -> Affine {
    let bounds = smooth(x, factors, smoothed);
    quantize(smoothed, bounds, range, levels)
}

/// Writes x ∘ factors behind each other and finds the smallest and the largest.
#[inline(always)]
fn smooth(x: &[f32], factors: Option<&[f32]>, out: &mut [f32]) -> (f32, f32) {
    let mut bounds = (Lanes::splat(f32::INFINITY), Lanes::splat(f32::NEG_INFINITY));
    let mut put = |y: Lanes, out: &mut [f32; LANES]| {
        bounds = (y.min(bounds.0), y.max(bounds.1));
        y.store(out);
    };
    let (eights, rest) = x.as_chunks();
    let out = out.as_chunks_mut().0;
    match factors.map(<[f32]>::as_chunks) {
        Some((factors, last)) => {
            eights.iter().zip(factors).zip(&mut *out).for_each(|((x, f), out)| put(Lanes::load(x) * Lanes::load(f), out));
            out.get_mut(eights.len()).filter(|_| !rest.is_empty()).into_iter().for_each(|out| put(repeated(rest) * repeated(last), out));
        }
        None => {
            eights.iter().zip(&mut *out).for_each(|(x, out)| put(Lanes::load(x), out));
            out.get_mut(eights.len()).filter(|_| !rest.is_empty()).into_iter().for_each(|out| put(repeated(rest), out));
        }
    }
    (bounds.0.smallest(), bounds.1.largest())
}

/// Fewer than eight numbers as eight: the last again and again, which moves neither bound.
#[cold]
fn repeated(values: &[f32]) -> Lanes {
    Lanes::load(&std::array::from_fn(|i| values.get(i).or(values.last()).copied().unwrap_or_default()))
}

#[inline(always)]
fn quantize<A: Level>(row: &[f32], (min, max): (f32, f32), (low, high): (f32, f32), levels: &mut [A]) -> Affine {
    // A row without a range needs no integers: its offset is its value.
    let step = if max > min { (max - min) / (high - low) } else { 0.0 };
    let (inverse, least, rounder) = (Lanes::splat(1.0 / step), Lanes::splat(min), Lanes::rounder());
    let eight = |row: &[f32; LANES]| {
        let scaled = (Lanes::load(row) - least) * inverse + Lanes::splat(low);
        // What is not a number becomes the highest level: nothing but the format's integers comes out.
        A::from_lanes(scaled.min(Lanes::splat(high)), rounder)
    };
    let (levels, rest) = levels.as_chunks_mut();
    let row = row.as_chunks().0;
    levels.iter_mut().zip(row).for_each(|(levels, row)| *levels = eight(row));
    if let Some(row) = row.get(levels.len()) {
        rest.copy_from_slice(&eight(row)[..rest.len()]);
    }
    Affine { step, offset: min - low * step }
}

/// Whether every number is finite: checked once for what a file brings, never on the road.
pub(in crate::embedder) fn finite(values: &[f32]) -> bool {
    values.iter().all(|v| v.is_finite())
}
