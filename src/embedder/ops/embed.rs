//! Token ids to rows: word + type + position, then layer normalisation (Devlin et al. 2018, arXiv 1810.04805, section 3);
//! in a static embedder, words alone.

use super::super::file::Bytes;
use super::{Fused, Norm, filled, integers, ranges, tract_op};
use std::sync::Arc;
use tract_core::internal::*;

/// Rows to look up.
#[derive(Clone, Debug)]
pub(in crate::embedder) enum Table {
    /// One row after the other.
    Float(Arc<[f32]>),
    /// int8 with a scale per row; the values stay in the file's own bytes.
    Int8 { values: Bytes, scale: Arc<[f32]> },
    /// One bit a number, the lowest of each byte first, for plus or minus the row's scale.
    Signs { bits: Bytes, scale: Arc<[f32]> },
}

impl Table {
    /// Adds a row to `out`, which is as wide as the table.
    #[inline]
    fn add(&self, row: usize, out: &mut [f32]) {
        let width = out.len();
        match self {
            Self::Float(values) => out.iter_mut().zip(&values[row * width..]).for_each(|(o, v)| *o += v),
            Self::Int8 { values, scale } => {
                let scale = scale[row];
                out.iter_mut().zip(&values[row * width..]).for_each(|(o, v)| *o += f32::from(v.cast_signed()) * scale);
            }
            Self::Signs { bits, scale } => {
                let minus = (-scale[row]).to_bits();
                for (out, byte) in out.chunks_exact_mut(8).zip(&bits[row * width / 8..]) {
                    // A bit that is set turns the sign of minus the scale.
                    let signed = |k: usize| f32::from_bits(minus ^ u32::from(byte >> k & 1) << 31);
                    out.iter_mut().enumerate().for_each(|(k, o)| *o += signed(k));
                }
            }
        }
    }

    pub(in crate::embedder) fn rows(&self, width: usize) -> usize {
        match self {
            Self::Float(values) => values.len() / width,
            Self::Int8 { values, scale } => scale.len().min(values.len() / width),
            Self::Signs { bits, scale } => scale.len().min(bits.len() * 8 / width),
        }
    }
}

/// Ids of [1, tokens] and segments to rows of [1, tokens, width].
#[derive(Clone, Debug)]
pub(in crate::embedder) struct Embed {
    pub(in crate::embedder) words: Arc<Table>,
    pub(in crate::embedder) width: usize,
    pub(in crate::embedder) place: Option<Place>,
}

/// What a transformer adds to a word's row.
#[derive(Clone, Debug)]
pub(in crate::embedder) struct Place {
    pub(in crate::embedder) positions: Arc<Table>,
    /// The row of the first segment type: all tokens are of one text.
    pub(in crate::embedder) kind: Arc<[f32]>,
    pub(in crate::embedder) norm: Norm,
}

impl Embed {
    fn same(&self, other: &Self) -> bool {
        let positions = |embed: &Self| embed.place.as_ref().map(|place| Arc::as_ptr(&place.positions));
        Arc::ptr_eq(&self.words, &other.words) && positions(self) == positions(other)
    }

    fn row(&self, id: usize, position: usize, out: &mut [f32]) {
        self.words.add(id, out);
        if let Some(place) = &self.place {
            out.iter_mut().zip(&*place.kind).for_each(|(o, v)| *o += v);
            place.positions.add(position, out);
            place.norm.row(out);
        }
    }
}

impl Fused for Embed {
    const NAME: &'static str = "embed";

    fn output(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TDim>> {
        let mut shape = inputs[0].shape.to_tvec();
        shape.push(self.width.to_dim());
        Ok(shape)
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<Tensor> {
        let (ids, width) = (integers(inputs[0])?, self.width);
        let texts = ranges(inputs[1], ids.len())?;
        let words = self.words.rows(width);
        let positions = self.place.as_ref().map_or(usize::MAX, |place| place.positions.rows(width));
        ensure!(ids.iter().all(|id| (0..words as i64).contains(id)), "an id is outside the {words} words");
        ensure!(texts.iter().all(|text| text.len() <= positions), "a text is longer than {positions} tokens");
        filled(&[1, ids.len(), width], |out| {
            let place = texts.into_iter().flat_map(|text| 0..text.len());
            for ((out, id), position) in out.chunks_exact_mut(width).zip(ids).zip(place) {
                self.row(*id as usize, position, out);
            }
        })
    }
}

tract_op!(Embed);
