//! Layer normalisation of a row, or of the sum of two (Ba et al. 2016, arXiv 1607.06450).

use super::math::sum;
use super::{Fused, filled, floats, tract_op};
use std::sync::Arc;
use tract_core::internal::*;

/// y = (x - mean x) / √(var x + ε) ∘ gain + bias, with x the only input or the sum of both.
#[derive(Clone, Debug)]
pub(in crate::embedder) struct Norm {
    pub(in crate::embedder) gain: Arc<[f32]>,
    pub(in crate::embedder) bias: Arc<[f32]>,
    pub(in crate::embedder) epsilon: f32,
}

impl Norm {
    fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.gain, &other.gain) && Arc::ptr_eq(&self.bias, &other.bias) && self.epsilon == other.epsilon
    }

    pub(in crate::embedder) fn width(&self) -> usize {
        self.gain.len()
    }

    /// Normalises a row in place.
    pub(in crate::embedder) fn row(&self, row: &mut [f32]) {
        let count = row.len() as f32;
        let mean = sum(row, |x| x) / count;
        row.iter_mut().for_each(|x| *x -= mean);
        let variance = sum(row, |x| x * x) / count;
        let inverse = 1.0 / (variance + self.epsilon).sqrt();
        row.iter_mut().zip(&*self.gain).zip(&*self.bias).for_each(|((x, gain), bias)| *x = *x * inverse * gain + bias);
    }
}

impl Fused for Norm {
    const NAME: &'static str = "norm";

    fn output(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TDim>> {
        let shape = inputs[0].shape.to_tvec();
        ensure!(shape.last() == Some(&self.width().to_dim()), "rows of {shape:?} for a norm of {}", self.width());
        ensure!(inputs.iter().all(|input| *input.shape == *shape), "a norm adds rows of one shape");
        Ok(shape)
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<Tensor> {
        let rows = inputs.iter().map(|input| floats(input)).collect::<TractResult<TVec<_>>>()?;
        filled(inputs[0].shape(), |out| {
            match *rows {
                [a, b] => out.iter_mut().zip(a).zip(b).for_each(|((o, a), b)| *o = a + b),
                _ => out.copy_from_slice(rows[0]),
            }
            out.chunks_exact_mut(self.width()).for_each(|row| self.row(row));
        })
    }
}

tract_op!(Norm);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_gets_mean_zero_and_variance_one() {
        let norm = Norm { gain: [2.0; 5].into(), bias: [0.5; 5].into(), epsilon: 0.0 };
        let mut row = [1.0, 2.0, 3.0, 4.0, 5.0];
        norm.row(&mut row);
        let expected = [-2.0f32, -1.0, 0.0, 1.0, 2.0].map(|x| x / 2.0f32.sqrt() * 2.0 + 0.5);
        row.iter().zip(expected).for_each(|(a, b)| assert!((a - b).abs() < 1e-6, "{a} {b}"));
    }
}
