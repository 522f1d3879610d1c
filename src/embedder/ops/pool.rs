//! A text's rows to one unit vector.

use super::super::Pooling;
use super::math::sum;
use super::{Fused, filled, floats, ranges, tract_op};
use tract_core::internal::*;

/// Rows of [1, tokens, width] and segments to vectors of [texts, width], each of length 1.
#[derive(Clone, Debug)]
pub(in crate::embedder) struct Pool {
    pub(in crate::embedder) pooling: Pooling,
    pub(in crate::embedder) width: usize,
}

impl Pool {
    fn same(&self, other: &Self) -> bool {
        self.pooling == other.pooling && self.width == other.width
    }

    fn vector(&self, rows: &[f32], out: &mut [f32]) {
        let rows = rows.chunks_exact(self.width);
        // The sum has the mean's direction, and only the direction survives normalisation.
        let counted = if self.pooling == Pooling::Cls { 1 } else { rows.len() };
        rows.take(counted).for_each(|row| out.iter_mut().zip(row).for_each(|(o, x)| *o += x));
        let length = sum(out, |x| x * x).sqrt();
        out.iter_mut().for_each(|x| *x /= length);
    }
}

impl Fused for Pool {
    const NAME: &'static str = "pool";

    fn output(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TDim>> {
        let rows = &inputs[0].shape;
        ensure!(rows.rank() == 3 && rows[2] == self.width.to_dim(), "the encoder gives {rows:?}, not rows of {}", self.width);
        Ok(tvec!(inputs[1].shape[0].clone() - 1, self.width.to_dim()))
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<Tensor> {
        let rows = floats(inputs[0])?;
        let texts = ranges(inputs[1], rows.len() / self.width)?;
        filled(&[texts.len(), self.width], |out| {
            for (out, text) in out.chunks_exact_mut(self.width).zip(texts) {
                self.vector(&rows[text.start * self.width..text.end * self.width], out);
            }
        })
    }
}

tract_op!(Pool);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pooling_reads_rows() {
        let pooled = |pooling| {
            let mut out = [0.0; 2];
            Pool { pooling, width: 2 }.vector(&[3.0, 0.0, 0.0, 4.0], &mut out);
            out
        };
        assert_eq!(pooled(Pooling::Mean), [0.6, 0.8]);
        assert_eq!(pooled(Pooling::Cls), [1.0, 0.0]);
    }
}
