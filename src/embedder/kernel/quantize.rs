//! Rows of f32 as integers, each row with its own step and offset.

use super::pack::padded;
use super::{LANES, Lanes, Packed};

/// What a quantized activation is stored as.
pub(super) trait Level: Copy + Default {
    fn from_lanes(x: Lanes) -> [Self; LANES];
}

impl Level for u8 {
    #[inline(always)]
    fn from_lanes(x: Lanes) -> [Self; LANES] {
        x.to_u8()
    }
}

impl Level for i16 {
    #[inline(always)]
    fn from_lanes(x: Lanes) -> [Self; LANES] {
        x.to_i16()
    }
}

/// value = integer · step + offset
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Affine {
    pub(super) step: f32,
    pub(super) offset: f32,
}

/// Quantized rows, each padded with zeros to whole groups.
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
        self.levels.resize(x.len() / inputs * self.stride, A::default());
        self.smoothed.resize(self.stride.next_multiple_of(LANES), 0.0);
        for (x, levels) in x.chunks_exact(inputs).zip(self.levels.chunks_exact_mut(self.stride)) {
            let row = &mut self.smoothed[..];
            let (min, max) = smooth(x, weights.smooth(), row);
            self.affine.push(quantize(row, (min, max), range, &mut levels[..inputs]));
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.affine.len()
    }

    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    pub(super) fn affine(&self, row: usize) -> Affine {
        self.affine[row]
    }

    /// All rows from one on.
    pub(super) fn from(&self, row: usize) -> &[A] {
        &self.levels[row * self.stride..]
    }
}

/// Writes x ∘ factors behind each other and finds the smallest and the largest.
#[inline(always)]
fn smooth(x: &[f32], factors: Option<&[f32]>, out: &mut [f32]) -> (f32, f32) {
    let (mut min, mut max) = (Lanes::splat(f32::INFINITY), Lanes::splat(f32::NEG_INFINITY));
    let eight = |values: &[f32]| values.first_chunk().map_or_else(|| Lanes::load(&repeated(values)), Lanes::load);
    for (i, (x, out)) in x.chunks(LANES).zip(out.as_chunks_mut().0).enumerate() {
        let mut y = eight(x);
        if let Some(factors) = factors {
            y = y * eight(&factors[i * LANES..]);
        }
        (min, max) = (y.min(min), y.max(max));
        y.store(out);
    }
    (min.smallest(), max.largest())
}

/// Fewer than eight numbers as eight: the last again and again, which moves neither bound.
#[cold]
fn repeated(values: &[f32]) -> [f32; LANES] {
    std::array::from_fn(|i| values.get(i).or(values.last()).copied().unwrap_or_default())
}

#[inline(always)]
fn quantize<A: Level>(row: &[f32], (min, max): (f32, f32), (low, high): (f32, f32), levels: &mut [A]) -> Affine {
    // A row without a range needs no integers: its offset is its value.
    let step = if max > min { (max - min) / (high - low) } else { 0.0 };
    let (inverse, least) = (Lanes::splat(1.0 / step), Lanes::splat(min));
    for (levels, row) in levels.chunks_mut(LANES).zip(row.as_chunks().0) {
        let scaled = (Lanes::load(row) - least) * inverse + Lanes::splat(low);
        // What is not a number becomes the highest level: nothing but the format's integers comes out.
        let eight = A::from_lanes(scaled.min(Lanes::splat(high)));
        match levels.first_chunk_mut() {
            Some(levels) => *levels = eight,
            None => levels.copy_from_slice(&eight[..levels.len()]),
        }
    }
    Affine { step, offset: min - low * step }
}

/// Whether every number is finite: checked once for what a file brings, never on the road.
pub(in crate::embedder) fn finite(values: &[f32]) -> bool {
    values.iter().all(|v| v.is_finite())
}
