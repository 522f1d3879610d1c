//! x · w + b over rows, then GELU where asked: int8 weights, activations quantized row by row.

use super::super::kernel::{Epilogue, Packed, linear};
use super::{Fused, filled, floats, tract_op};
use std::sync::Arc;
use tract_core::internal::*;

/// Rows of [1, tokens, inputs] to rows of [1, tokens, outputs]. The maths stands in [`super::super::kernel`].
#[derive(Clone, Debug)]
pub(in crate::embedder) struct Linear {
    pub(in crate::embedder) weights: Arc<Packed>,
    pub(in crate::embedder) epilogue: Epilogue,
}

impl Linear {
    fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.weights, &other.weights) && self.epilogue == other.epilogue
    }
}

impl Fused for Linear {
    const NAME: &'static str = "linear";

    fn output(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TDim>> {
        let mut shape = inputs[0].shape.to_tvec();
        let width = shape.last_mut().with_context(|| "a linear op reads rows")?;
        ensure!(*width == self.weights.inputs().to_dim(), "rows of {width} for {} inputs", self.weights.inputs());
        *width = self.weights.outputs().to_dim();
        Ok(shape)
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<Tensor> {
        let mut shape: TVec<usize> = inputs[0].shape().into();
        if let Some(width) = shape.last_mut() {
            *width = self.weights.outputs();
        }
        let x = floats(inputs[0])?;
        filled(&shape, |out| linear(&self.weights, x, self.epilogue, out))
    }
}

tract_op!(Linear);
