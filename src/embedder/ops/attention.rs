//! Scaled dot-product attention over heads, each text by itself (Vaswani et al. 2017, arXiv 1706.03762, equation 1).

use super::super::kernel::{LANES, Lanes};
use super::math::exp_negative;
use super::{Fused, filled, floats, ranges, tract_op};
use std::ops::Range;
use tract_core::internal::*;

/// Query rows of one tile.
const TILE: usize = 4;

/// Where queries, keys and values come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::embedder) enum Layout {
    /// One input: rows of [query, key, value].
    Joined,
    /// Three inputs.
    Apart,
}

/// softmax(q kᵀ · scale) v by head: rows of [1, tokens, width] each, and segments, to rows of [1, tokens, width].
#[derive(Clone, Debug)]
pub(in crate::embedder) struct Attention {
    pub(in crate::embedder) heads: usize,
    pub(in crate::embedder) head_width: usize,
    pub(in crate::embedder) scale: f32,
    pub(in crate::embedder) layout: Layout,
}

/// Rows of which one head's columns are read.
#[derive(Clone, Copy)]
struct View<'a> {
    values: &'a [f32],
    stride: usize,
    width: usize,
}

impl<'a> View<'a> {
    #[inline(always)]
    fn row(self, row: usize) -> &'a [f32] {
        &self.values[row * self.stride..][..self.width]
    }
}

/// Room for one head of one text, used again for all.
#[derive(Default)]
struct Scratch {
    /// Keys by coordinate, [head width, tokens rounded up to lanes].
    keys: Vec<f32>,
    /// The queries of one tile by coordinate, [head width, queries].
    queries: Vec<f32>,
    /// Attention of one tile to all tokens, rounded up to lanes.
    weights: Vec<f32>,
}

impl Attention {
    fn same(&self, other: &Self) -> bool {
        let key = |a: &Self| (a.heads, a.head_width, a.scale.to_bits(), a.layout);
        key(self) == key(other)
    }

    fn width(&self) -> usize {
        self.heads * self.head_width
    }

    /// Attention within each text of [query, key, value] rows that are `stride` numbers apart.
    pub(in crate::embedder) fn texts(&self, parts: [&[f32]; 3], stride: usize, texts: &[Range<usize>], out: &mut [f32]) {
        let mut scratch = Scratch::default();
        for text in texts {
            for head in 0..self.heads {
                let column = head * self.head_width;
                let views = parts.map(|part| View { values: &part[text.start * stride + column..], stride, width: self.head_width });
                self.head(views, text.len(), &mut scratch, &mut out[text.start * self.width() + column..]);
            }
        }
    }

    /// One head of one text. `out` starts at the text's first row and this head's column.
    fn head(&self, [q, k, v]: [View; 3], tokens: usize, scratch: &mut Scratch, out: &mut [f32]) {
        let padded = tokens.next_multiple_of(LANES);
        scratch.keys.clear();
        scratch.keys.resize(self.head_width * padded, 0.0);
        scratch.weights.resize(TILE * padded, 0.0);
        for token in 0..tokens {
            for (column, x) in scratch.keys.chunks_exact_mut(padded).zip(k.row(token)) {
                column[token] = *x;
            }
        }
        let tiles = tokens / TILE * TILE;
        for first in (0..tiles).step_by(TILE) {
            self.tile::<TILE>(first, q, v, tokens, scratch, out);
        }
        for first in tiles..tokens {
            self.tile::<1>(first, q, v, tokens, scratch, out);
        }
    }

    fn tile<const R: usize>(&self, first: usize, q: View, v: View, tokens: usize, scratch: &mut Scratch, out: &mut [f32]) {
        let padded = tokens.next_multiple_of(LANES);
        let Scratch { keys, queries, weights } = scratch;
        queries.clear();
        queries.extend((0..self.head_width).flat_map(|d| (0..R).map(move |r| q.row(first + r)[d])));
        let weights = &mut weights[..R * padded];
        scores::<R>(queries.as_chunks().0, keys, padded, weights);
        let mut totals = [0.0; R];
        for (row, total) in weights.chunks_exact_mut(padded).zip(&mut totals) {
            *total = softmax(row, tokens, self.scale);
        }
        for start in (0..self.head_width).step_by(LANES) {
            let columns = LANES.min(self.head_width - start);
            let sums = mixed::<R>(weights, padded, v, tokens, start);
            for (r, (sum, total)) in sums.into_iter().zip(totals).enumerate() {
                let mut eight = [0.0; LANES];
                (sum / Lanes::splat(total)).store(&mut eight);
                out[(first + r) * self.width() + start..][..columns].copy_from_slice(&eight[..columns]);
            }
        }
    }
}

/// q · k for `R` queries and all keys, eight keys at a time.
#[inline(always)]
fn scores<const R: usize>(queries: &[[f32; R]], keys: &[f32], padded: usize, out: &mut [f32]) {
    for start in (0..padded).step_by(LANES) {
        let mut sums = [Lanes::splat(0.0); R];
        for (query, column) in queries.iter().zip(keys.chunks_exact(padded)) {
            let Some(eight) = column[start..].first_chunk() else { continue };
            let eight = Lanes::load(eight);
            for (sum, x) in sums.iter_mut().zip(query) {
                *sum = *sum + Lanes::splat(*x) * eight;
            }
        }
        for (sum, row) in sums.iter().zip(out.chunks_exact_mut(padded)) {
            row[start..].first_chunk_mut().into_iter().for_each(|eight| sum.store(eight));
        }
    }
}

/// Turns scores into e^(scale · (score - best)) and returns their sum. Lanes beyond `tokens` become 0.
#[inline(always)]
fn softmax(row: &mut [f32], tokens: usize, scale: f32) -> f32 {
    row[tokens..].fill(f32::NEG_INFINITY);
    let (chunks, _) = row.as_chunks_mut::<LANES>();
    let best = chunks.iter().fold(Lanes::splat(f32::NEG_INFINITY), |best, chunk| Lanes::load(chunk).max(best)).largest();
    let mut total = Lanes::splat(0.0);
    for chunk in chunks {
        let weight = exp_negative((Lanes::load(chunk) - Lanes::splat(best)) * Lanes::splat(scale));
        weight.store(chunk);
        total = total + weight;
    }
    total.sum()
}

/// weights · v for `R` queries and eight columns from `start` on; beyond the head's width, the columns repeat.
#[inline(always)]
fn mixed<const R: usize>(weights: &[f32], padded: usize, v: View, tokens: usize, start: usize) -> [Lanes; R] {
    let rows: [&[f32]; R] = std::array::from_fn(|r| &weights[r * padded..][..tokens]);
    let mut sums = [Lanes::splat(0.0); R];
    for (token, row) in (0..tokens).zip(v.values.chunks(v.stride)) {
        let row = &row[start..v.width];
        let eight = row.first_chunk().map_or_else(|| Lanes::load(&std::array::from_fn(|i| row[i % row.len()])), Lanes::load);
        for (sum, weights) in sums.iter_mut().zip(rows) {
            *sum = *sum + Lanes::splat(weights[token]) * eight;
        }
    }
    sums
}

impl Fused for Attention {
    const NAME: &'static str = "attention";

    fn output(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TDim>> {
        let mut shape = inputs[0].shape.to_tvec();
        let parts = if self.layout == Layout::Joined { 3 } else { 1 };
        ensure!(shape.last() == Some(&(parts * self.width()).to_dim()), "rows of {shape:?} for {parts} x {}", self.width());
        shape.pop();
        shape.push(self.width().to_dim());
        Ok(shape)
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<Tensor> {
        let (width, joined) = (self.width(), self.layout == Layout::Joined);
        let stride = if joined { 3 * width } else { width };
        let (segments, rows) = inputs.split_last().with_context(|| "attention needs segments")?;
        let part = |i: usize| -> TractResult<&[f32]> { if joined { Ok(&floats(rows[0])?[i * width..]) } else { floats(rows[i]) } };
        let parts = [part(0)?, part(1)?, part(2)?];
        let tokens = floats(rows[0])?.len() / stride;
        let texts = ranges(segments, tokens)?;
        filled(&[1, tokens, width], |out| self.texts(parts, stride, &texts, out))
    }
}

tract_op!(Attention);
