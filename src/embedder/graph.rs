//! ONNX to tract: the only file that names tract's model types.

use crate::error::{Error, Result};
use std::sync::Arc;
use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::format_err;

/// A sentence encoder, optimised once for every text length.
pub(super) struct Graph {
    plan: Arc<TypedRunnableModel>,
    inputs: Vec<Input>,
}

/// What the encoder's inputs mean, in the graph's own order.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Input {
    Ids,
    Mask,
    Segment,
}

impl Graph {
    /// Takes the model, so that its bytes are gone before tract makes its own, optimised copies.
    pub(super) fn load(model: ModelProto) -> Result<Self> {
        let inputs = read_inputs(&model)?;
        let plan = plan(model, inputs.len()).map_err(|e| Error::artifact("graph", format!("{e:#}")))?;
        Ok(Self { plan, inputs })
    }

    /// The encoder's last hidden state, one row per token.
    pub(super) fn run(&self, ids: &[u32]) -> Result<Vec<f32>> {
        self.eval(ids).map_err(|e| Error::engine("embedding a text", format!("{e:#}")))
    }

    fn eval(&self, ids: &[u32]) -> TractResult<Vec<f32>> {
        let tensors = self.inputs.iter().map(|input| input.tensor(ids).into()).collect();
        let outputs = self.plan.run(tensors)?;
        let hidden = outputs.first().ok_or_else(|| format_err!("the graph has no output"))?;
        Ok(hidden.try_as_plain_ram()?.as_slice::<f32>()?.to_vec())
    }
}

impl Input {
    /// One text without padding: every token counts, and all belong to the first segment.
    fn tensor(self, ids: &[u32]) -> Tensor {
        let value = |id: u32| match self {
            Self::Ids => i64::from(id),
            Self::Mask => 1,
            Self::Segment => 0,
        };
        tract_ndarray::Array2::from_shape_fn((1, ids.len()), |(_, i)| value(ids[i])).into()
    }
}

fn read_inputs(model: &ModelProto) -> Result<Vec<Input>> {
    let inputs = model.graph.iter().flat_map(|graph| &graph.input);
    inputs
        .map(|input| match input.name.as_str() {
            "input_ids" => Ok(Input::Ids),
            "attention_mask" => Ok(Input::Mask),
            "token_type_ids" => Ok(Input::Segment),
            other => Err(Error::artifact("graph", format!("unknown input {other:?}; a BERT encoder is expected"))),
        })
        .collect()
}

fn plan(model: ModelProto, inputs: usize) -> TractResult<Arc<TypedRunnableModel>> {
    // value_info of foreign exports names batch and sequence symbols that clash with ours.
    let mut graph = tract_onnx::onnx().with_ignore_value_info(true).model_for_proto_model(&model)?;
    drop(model);
    let length: TDim = graph.symbols.sym("S").into();
    for i in 0..inputs {
        graph.set_input_fact(i, i64::fact([1.to_dim(), length.clone()]).into())?;
    }
    graph.into_typed()?.into_optimized()?.into_runnable()
}
