//! Scaled dot-product attention over heads, each text by itself (Vaswani et al. 2017, arXiv 1706.03762, equation 1).
//!
//! Both products are sums of 16-bit integers: exact, twice as fast as f32's, and of a rounding (1 in 2^13 of the largest
//! number) that does not show beside that of the layers around them. With L(n) the largest level of which n products fit
//! into 32 bits, by head, for a text of n tokens of width d:
//!
//! ```text
//! q', k', v' = integers of q by row, k and v by text: the largest magnitude becomes L(d), L(d), L(n)
//! s = q'ᵀk',  w = round(L(n) 2^(log2 e · scale · step(q) step(k) · (s - max s)))
//! out = Σ w v' · (step(v) / Σ w)
//! ```

use super::super::kernel::{LANES, Lanes, Pair, Pairs, most_level, pair_products as products, side_by_side};
use super::math::Power;
use super::{Fused, filled, floats, ranges, tract_op};
use std::f32::consts::LOG2_E;
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

/// number = integer · step
#[derive(Clone, Copy)]
struct Scale {
    step: f32,
    inverse: f32,
    /// The largest integer.
    most: f32,
}

impl Scale {
    /// The one that takes the largest of these rows, by magnitude, to the largest integer.
    #[inline(always)]
    fn of<'a>(rows: impl Iterator<Item = &'a [f32]>, most: u16) -> Self {
        let mut bounds = (Lanes::splat(0.0), Lanes::splat(0.0));
        rows.for_each(|row| eights(row, |_, x| bounds = (x.min(bounds.0), x.max(bounds.1))));
        let (largest, most) = (bounds.1.largest().max(-bounds.0.smallest()), f32::from(most));
        let inverse = if largest > 0.0 { most / largest } else { 0.0 };
        Self { step: largest / most, inverse, most }
    }

    /// Integers of a row, eight at a time. What is not a number becomes the least.
    #[inline(always)]
    fn integers(self, row: &[f32], mut put: impl FnMut(usize, [i16; LANES])) {
        let [inverse, least, most] = [self.inverse, -self.most, self.most].map(Lanes::splat);
        let rounder = Lanes::rounder();
        eights(row, |i, x| put(i, (x * inverse).max(least).min(most).to_i16(rounder)));
    }
}

/// A row's eights, the last with zeros behind, and which they are.
#[inline(always)]
fn eights(row: &[f32], mut f: impl FnMut(usize, Lanes)) {
    let (eights, rest) = row.as_chunks::<LANES>();
    eights.iter().enumerate().for_each(|(i, eight)| f(i, Lanes::load(eight)));
    if !rest.is_empty() {
        let mut last = [0.0; LANES];
        last[..rest.len()].copy_from_slice(rest);
        f(eights.len(), Lanes::load(&last));
    }
}

/// Room for one head of one text, used again for all. Where there are fewer numbers than whole eights, zeros follow.
#[derive(Default)]
struct Scratch {
    /// Keys, eight tokens at a time, by pairs of coordinates: [tokens / 8, head width / 2, 8, 2].
    keys: Vec<Pairs>,
    /// Values, eight coordinates at a time, by pairs of tokens: [head width / 8, tokens / 2, 8, 2].
    values: Vec<Pairs>,
    /// Two tokens' values: [head width].
    two: [Vec<[i16; LANES]>; 2],
    /// The queries of one tile: [4, head width].
    queries: [Vec<[i16; LANES]>; TILE],
    /// Scores of one query: [tokens].
    scores: [Vec<Eight>; TILE],
    /// Attention of one tile to all tokens: [4, tokens].
    weights: [Vec<[i16; LANES]>; TILE],
}

impl Scratch {
    /// Room for a text's heads.
    fn fit(&mut self, width: usize, tokens: usize) {
        let (blocks, columns) = (tokens.div_ceil(LANES), width.div_ceil(LANES));
        self.keys.clear();
        self.keys.resize(blocks * width.div_ceil(2), Pairs::default());
        self.values.clear();
        self.values.resize(columns * tokens.div_ceil(2), Pairs::default());
        self.queries.iter_mut().chain(&mut self.two).for_each(|row| row.resize(columns, [0; LANES]));
        self.scores.iter_mut().for_each(|row| row.resize(blocks, [0.0; LANES]));
        self.weights.iter_mut().for_each(|row| row.resize(blocks, [0; LANES]));
    }

    /// Takes in a head's keys and values.
    fn fill(&mut self, keys: View, values: View, tokens: usize, [key, value]: [Scale; 2]) {
        let (pairs, token_pairs) = (keys.width.div_ceil(2), tokens.div_ceil(2));
        for token in 0..tokens {
            let block = &mut self.keys[token / LANES * pairs..][..pairs];
            key.integers(keys.row(token), |i, eight| {
                let pairs = block[i * LANES / 2..].iter_mut();
                pairs.zip(eight.as_chunks().0).for_each(|(pairs, pair)| pairs[token % LANES] = *pair);
            });
        }
        for pair in 0..token_pairs {
            let [first, second] = &mut self.two;
            value.integers(values.row(2 * pair), |i, eight| first[i] = eight);
            match 2 * pair + 1 {
                last if last == tokens => second.fill([0; LANES]),
                next => value.integers(values.row(next), |i, eight| second[i] = eight),
            }
            for (i, (first, second)) in first.iter().zip(second).enumerate() {
                self.values[i * token_pairs + pair] = side_by_side(*first, *second);
            }
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
            scratch.fit(self.head_width, text.len());
            for head in 0..self.heads {
                let column = head * self.head_width;
                let views = parts.map(|part| View { values: &part[text.start * stride + column..], stride, width: self.head_width });
                self.head(views, text.len(), &mut scratch, &mut out[text.start * self.width() + column..]);
            }
        }
    }

    /// One head of one text. `out` starts at the text's first row and this head's column.
    fn head(&self, [q, k, v]: [View; 3], tokens: usize, scratch: &mut Scratch, out: &mut [f32]) {
        let rows = |view: View<'_>, most| Scale::of((0..tokens).map(|token| view.row(token)), most);
        let scales @ [key, value] = [rows(k, most_level(self.head_width)), rows(v, most_level(tokens))];
        scratch.fill(k, v, tokens, scales);
        for first in (0..tokens).step_by(TILE) {
            let rows = TILE.min(tokens - first);
            let queries = std::array::from_fn(|r| q.row(first + r.min(rows - 1)));
            self.tile(queries, [key, value], tokens, scratch, &mut out[first * self.width()..], rows);
        }
    }

    /// The first `rows` of a tile's rows. Never inlined: engines optimise small functions soonest.
    #[inline(never)]
    fn tile(&self, queries: [&[f32]; TILE], [key, value]: [Scale; 2], tokens: usize, scratch: &mut Scratch, out: &mut [f32], rows: usize) {
        let Scratch { keys, values, queries: integers, scores, weights, .. } = scratch;
        let units: [f32; TILE] = std::array::from_fn(|r| {
            let query = Scale::of([queries[r]].into_iter(), most_level(self.head_width));
            query.integers(queries[r], |i, eight| integers[r][i] = eight);
            self.scale * LOG2_E * (query.step * key.step)
        });
        for (block, keys) in keys.chunks_exact(self.head_width.div_ceil(2)).enumerate() {
            let sums = products(integers.each_ref().map(|row| pairs(row)), keys);
            (0..TILE).for_each(|r| sums[r].store(&mut scores[r][block]));
        }
        let power = Power::in_memory();
        let totals: [f32; TILE] = std::array::from_fn(|r| softmax(&mut scores[r], tokens, units[r], value.most, power, &mut weights[r]));
        for (column, values) in values.chunks_exact(tokens.div_ceil(2)).enumerate() {
            let sums = products(weights.each_ref().map(|row| pairs(row)), values);
            for r in 0..rows {
                let out = &mut out[r * self.width() + column * LANES..];
                (sums[r] * Lanes::splat(value.step / totals[r])).store_first(self.head_width - column * LANES, out);
            }
        }
    }
}

/// Integers, pair by pair.
#[inline(always)]
fn pairs(row: &[[i16; LANES]]) -> &[Pair] {
    row.as_flattened().as_chunks().0
}

/// Integers in proportion to 2^(unit · (score - best)), the best's being `most`, and their sum: a softmax without its
/// quotient. What lies beyond `tokens` becomes 0.
#[inline(always)]
fn softmax(scores: &mut [Eight], tokens: usize, unit: f32, most: f32, power: &Power, weights: &mut [[i16; LANES]]) -> f32 {
    scores.as_flattened_mut()[tokens..].fill(f32::NEG_INFINITY);
    let best = scores.iter().fold(Lanes::splat(f32::NEG_INFINITY), |best, eight| Lanes::load(eight).max(best)).largest();
    let [mut total, best, unit, most] = [0.0, best, unit, most].map(Lanes::splat);
    let rounder = Lanes::rounder();
    for (scores, weights) in scores.iter().zip(weights) {
        let exact = power.of_negative((Lanes::load(scores) - best) * unit, most, rounder);
        let rounded;
        (rounded, *weights) = exact.rounded(rounder);
        total = total + rounded;
    }
    total.sum()
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
