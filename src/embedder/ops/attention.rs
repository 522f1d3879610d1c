//! Scaled dot-product attention over heads, each text by itself (Vaswani et al. 2017, arXiv 1706.03762, equation 1).

use super::super::kernel::{LANES, Lanes};
use super::math::Exp;
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

/// Eight numbers that lie together.
type Eight = [f32; LANES];

/// Room for one head of one text, used again for all. Where there are fewer numbers than eights, zeros follow.
#[derive(Default)]
struct Scratch {
    /// Keys, eight tokens at a time, by coordinate: [tokens / 8, head width, 8].
    keys: Vec<Eight>,
    /// Values, eight coordinates at a time, by token: [head width / 8, tokens, 8].
    values: Vec<Eight>,
    /// The queries of one tile by coordinate: [head width, 4].
    queries: Vec<[f32; TILE]>,
    /// Attention of one tile to all tokens: [4, tokens / 8, 8].
    weights: Vec<Eight>,
}

impl Scratch {
    fn fill(&mut self, keys: View, values: View, tokens: usize) {
        let (blocks, columns) = (tokens.div_ceil(LANES), keys.width.div_ceil(LANES));
        self.queries.resize(keys.width, [0.0; TILE]);
        self.weights.resize(TILE * blocks, [0.0; LANES]);
        self.keys.clear();
        self.keys.resize(blocks * keys.width, [0.0; LANES]);
        self.values.clear();
        self.values.resize(tokens * columns, [0.0; LANES]);
        for token in 0..tokens {
            let block = &mut self.keys[token / LANES * keys.width..][..keys.width];
            block.iter_mut().zip(keys.row(token)).for_each(|(eight, x)| eight[token % LANES] = *x);
            let (eights, rest) = values.row(token).as_chunks::<LANES>();
            let mut column = self.values.iter_mut().skip(token).step_by(tokens);
            eights.iter().zip(&mut column).for_each(|(numbers, eight)| *eight = *numbers);
            column.take(1).for_each(|eight| eight[..rest.len()].copy_from_slice(rest));
        }
    }
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
        scratch.fill(k, v, tokens);
        for first in (0..tokens).step_by(TILE) {
            let rows = TILE.min(tokens - first);
            for (d, query) in scratch.queries.iter_mut().enumerate() {
                *query = std::array::from_fn(|r| q.row(first + r.min(rows - 1))[d]);
            }
            self.tile(tokens, scratch, &mut out[first * self.width()..], rows);
        }
    }

    /// The first `rows` of a tile's rows. Never inlined: engines optimise small functions soonest.
    #[inline(never)]
    fn tile(&self, tokens: usize, scratch: &mut Scratch, out: &mut [f32], rows: usize) {
        let Scratch { keys, values, queries, weights } = scratch;
        let blocks = tokens.div_ceil(LANES);
        scores(queries, keys, weights, blocks);
        let exp = Exp::in_memory();
        let mut totals = [0.0; TILE];
        for (row, total) in weights.chunks_exact_mut(blocks).zip(&mut totals) {
            *total = softmax(row, tokens, self.scale, exp);
        }
        for (column, values) in values.chunks_exact(tokens).enumerate() {
            let sums = mixed(weights, values);
            for r in 0..rows {
                let out = &mut out[r * self.width() + column * LANES..];
                (sums[r] / Lanes::splat(totals[r])).store_first(self.head_width - column * LANES, out);
            }
        }
    }
}

/// q · k for a tile's queries and all keys, eight keys at a time.
#[inline(always)]
fn scores(queries: &[[f32; TILE]], keys: &[Eight], out: &mut [Eight], blocks: usize) {
    for (block, keys) in keys.chunks_exact(queries.len()).enumerate() {
        let mut sums = [Lanes::splat(0.0); TILE];
        for (query, eight) in queries.iter().zip(keys) {
            let eight = Lanes::load(eight);
            for (sum, x) in sums.iter_mut().zip(query) {
                *sum = *sum + Lanes::splat(*x) * eight;
            }
        }
        for r in 0..TILE {
            sums[r].store(&mut out[r * blocks + block]);
        }
    }
}

/// Turns scores into e^(scale · (score - best)) and returns their sum. What lies beyond `tokens` becomes 0.
#[inline(always)]
fn softmax(row: &mut [Eight], tokens: usize, scale: f32, exp: &Exp) -> f32 {
    row.as_flattened_mut()[tokens..].fill(f32::NEG_INFINITY);
    let best = row.iter().fold(Lanes::splat(f32::NEG_INFINITY), |best, eight| Lanes::load(eight).max(best)).largest();
    let (mut total, rounder) = (Lanes::splat(0.0), Lanes::rounder());
    for eight in row {
        let weight = exp.of_negative((Lanes::load(eight) - Lanes::splat(best)) * Lanes::splat(scale), rounder);
        weight.store(eight);
        total = total + weight;
    }
    total.sum()
}

/// weights · v for a tile's queries and eight coordinates of all values.
#[inline(always)]
fn mixed(weights: &[Eight], values: &[Eight]) -> [Lanes; TILE] {
    let row = weights.len() / TILE;
    let [a, b, c, d]: [&[f32]; TILE] = std::array::from_fn(|r| &weights[r * row..].as_flattened()[..values.len()]);
    let mut sums = [Lanes::splat(0.0); TILE];
    for ((((eight, a), b), c), d) in values.iter().zip(a).zip(b).zip(c).zip(d) {
        let eight = Lanes::load(eight);
        for (sum, weight) in sums.iter_mut().zip([a, b, c, d]) {
            *sum = *sum + Lanes::splat(*weight) * eight;
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
