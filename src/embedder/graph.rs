//! ONNX to tract to the five fused ops: the only place that names tract's model types.
//!
//! [`onnx`] reads the file into a typed tract graph; rules ([`rules`], [`lookup`]) then replace what they recognise by
//! fused ops, before tract would fold reshapes into the products and hide them. What no rule knows runs on tract's own ops;
//! where nothing of the kind is left, the ops run as [`steps`]. A graph of our own builder is [`known`] without any of this.

mod export;
mod fence;
mod gather;
mod known;
mod lookup;
mod onnx;
mod pattern;
mod rehearsal;
mod rules;
mod steps;

use super::Metadata;
use super::file::{Parts, Tensors};
use super::kernel::Kernel;
use super::ops::Pool;
use crate::error::{Error, Result};
use pattern::Pattern;
pub(super) use rehearsal::rehearse;
use rules::Context;
use std::collections::BTreeMap;
use std::sync::Arc;
use steps::{Op, Steps};
use tract_core::internal::*;
use tract_core::ops::{konst::Const, source::TypedSource};

/// A sentence encoder, optimised once for every text length.
pub(super) struct Graph {
    runner: Runner,
    coverage: Coverage,
}

enum Runner {
    /// Fused ops alone.
    Fused(Steps),
    /// tract's own ops among them.
    Mixed(Arc<TypedRunnableModel>, Vec<Input>),
}

/// What of a graph runs on fused ops, by op and count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// The fused ops.
    pub fused: BTreeMap<String, usize>,
    /// tract's own ops that remained.
    pub other: BTreeMap<String, usize>,
}

/// What the encoder's inputs mean.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Input {
    Ids,
    Mask,
    Segment,
    /// Where texts end: not in the file, added for the fused ops.
    Ends,
}

type Inputs = Vec<(Input, OutletId)>;

impl Graph {
    pub(super) fn load(parts: Parts) -> Result<Self> {
        match known::steps(&parts) {
            Some(steps) => Ok(Self::fused(steps)),
            None => rewritten(parts).map_err(|e| Error::artifact("graph", format!("{e:#}"))),
        }
    }

    fn fused(steps: Steps) -> Self {
        Self { coverage: steps.coverage(), runner: Runner::Fused(steps) }
    }

    pub(super) fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// One unit vector per text, behind each other.
    pub(super) fn run(&self, texts: &[&[u32]]) -> Result<Vec<f32>> {
        let vectors = match &self.runner {
            Runner::Fused(steps) => steps.run(texts),
            // Only fused ops know where a text ends.
            Runner::Mixed(plan, inputs) => {
                texts.iter().map(|text| one(plan, inputs, text)).collect::<TractResult<Vec<_>>>().map(|v| v.concat())
            }
        };
        vectors.map_err(|e| Error::engine("embedding a text", format!("{e:#}")))
    }
}

impl Input {
    fn named(name: &str) -> TractResult<Self> {
        let known = [Self::Ids, Self::Mask, Self::Segment].into_iter().find(|input| input.name() == name);
        known.with_context(|| format!("unknown input {name:?}; a BERT encoder is expected"))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Ids => "input_ids",
            Self::Mask => "attention_mask",
            Self::Segment => "token_type_ids",
            Self::Ends => "segments",
        }
    }

    /// Texts behind each other without padding: every token counts, and all belong to the first segment type.
    fn tensor(self, texts: &[&[u32]]) -> Tensor {
        if self == Self::Ends {
            let ends = texts.iter().scan(0, |end, text| {
                *end += text.len() as i64;
                Some(*end)
            });
            return tract_ndarray::Array1::from_iter(std::iter::once(0).chain(ends)).into();
        }
        let value = |id: &u32| match self {
            Self::Ids => i64::from(*id),
            Self::Mask => 1,
            _ => 0,
        };
        tract_ndarray::Array1::from_iter(texts.iter().copied().flatten().map(value)).insert_axis(tract_ndarray::Axis(0)).into()
    }
}

/// One text's unit vector.
fn one(plan: &Arc<TypedRunnableModel>, inputs: &[Input], text: &[u32]) -> TractResult<Vec<f32>> {
    let outputs = plan.run(inputs.iter().map(|input| input.tensor(&[text]).into()).collect())?;
    floats(outputs.first().with_context(|| "the graph has no output")?)
}

fn floats(tensor: &Tensor) -> TractResult<Vec<f32>> {
    Ok(tensor.try_as_plain_ram()?.as_slice::<f32>()?.to_vec())
}

fn rewritten(parts: Parts) -> TractResult<Graph> {
    let Parts { model, tensors, metadata } = parts;
    let (mut graph, mut inputs) = onnx::read(&model, &tensors, metadata.max_tokens)?;
    drop(model);
    graph.prop_consts()?;
    for (input, outlet) in &mut inputs {
        *outlet = graph.node_id_by_name(input.name())?.into();
    }
    let texts: TDim = graph.sym("T").into();
    let ends = graph.add_source(Input::Ends.name(), i64::fact([texts]))?;
    inputs.push((Input::Ends, ends));
    let context =
        Context { activations: metadata.activations, kernel: Kernel::available(metadata.activations).swap_remove(0), segments: ends };
    fuse(&mut graph, &context, &inputs, &tensors)?;
    pool(&mut graph, &metadata, ends)?;
    settle(&mut graph, &tensors)?;
    let used = graph.eval_order()?;
    inputs.retain(|(_, outlet)| used.contains(&outlet.node));
    let outlets: Vec<OutletId> = inputs.iter().map(|(_, outlet)| *outlet).collect();
    graph.set_input_outlets(&outlets)?;
    graph.compact()?;
    let inputs: Vec<Input> = inputs.into_iter().map(|(input, _)| input).collect();
    if let Some(steps) = Steps::of(&graph, &inputs)? {
        return Ok(Graph::fused(steps));
    }
    let coverage = coverage(&graph);
    Ok(Graph { coverage, runner: Runner::Mixed(graph.into_optimized()?.into_runnable()?, inputs) })
}

fn fuse(graph: &mut TypedModel, context: &Context, inputs: &Inputs, tensors: &Tensors) -> TractResult<()> {
    let mut masks = BTreeMap::new();
    for rule in 0..5 {
        for node in 0..graph.nodes().len() {
            let pattern = Pattern { model: graph, tensors };
            let outlet = OutletId::from(node);
            let patch = match rule {
                0 => rules::norm(context, &pattern, outlet)?,
                1 => rules::linear(context, &pattern, outlet)?,
                2 => rules::gelu(context, &pattern, outlet)?,
                3 => {
                    let mut unmasked = |mask| *masks.entry(mask).or_insert_with(|| hides_nothing(graph, inputs, mask).unwrap_or(false));
                    rules::attention(context, &pattern, outlet, &mut unmasked)?
                }
                _ => lookup::embed(context, inputs, &pattern, outlet)?,
            };
            if let Some(patch) = patch {
                patch.apply(graph)?;
            }
        }
    }
    Ok(())
}

/// Whether a value that is added to attention scores is 0 in a text without padding: it is computed to see.
fn hides_nothing(graph: &TypedModel, inputs: &Inputs, mask: OutletId) -> TractResult<bool> {
    let mut part = graph.clone();
    part.select_output_outlets(&[mask])?;
    let used = part.eval_order()?;
    let sources: Vec<&(Input, OutletId)> = inputs.iter().filter(|(_, outlet)| used.contains(&outlet.node)).collect();
    let outlets: Vec<OutletId> = sources.iter().map(|(_, outlet)| *outlet).collect();
    part.set_input_outlets(&outlets)?;
    let text: &[&[u32]] = &[&[0, 0, 0]];
    let tensors = sources.iter().map(|(input, _)| input.tensor(text).into()).collect();
    let only_mask = sources.iter().all(|(input, _)| *input == Input::Mask);
    let values = part.into_compact()?.into_runnable()?.run(tensors)?;
    Ok(only_mask && values[0].try_as_plain_ram()?.as_slice::<f32>()?.iter().all(|x| *x == 0.0))
}

/// Puts pooling behind the encoder's rows.
fn pool(graph: &mut TypedModel, metadata: &Metadata, ends: OutletId) -> TractResult<()> {
    let outputs = graph.output_outlets()?.to_vec();
    let named = ["last_hidden_state", "token_embeddings"].iter().find_map(|name| graph.find_outlet_label(name));
    let rows = named.filter(|outlet| outputs.contains(outlet)).or(outputs.first().copied()).with_context(|| "the graph has no output")?;
    let Metadata { pooling, width, .. } = *metadata;
    let vectors = graph.wire_node("pool", Pool { pooling, width }, &[rows, ends])?;
    graph.select_output_outlets(&vectors)
}

/// Big tensors that no fused op took over become constants of the graph.
fn settle(graph: &mut TypedModel, tensors: &Tensors) -> TractResult<()> {
    for id in graph.eval_order()? {
        let node = graph.node_mut(id);
        if let Some(tensor) = tensors.get(&node.name).filter(|_| node.op_is::<TypedSource>()) {
            let value: Arc<Tensor> = tensor.tensor()?.into();
            node.outputs[0].fact = TypedFact::try_from(value.clone())?;
            node.op = Box::new(Const::new(value)?);
        }
    }
    Ok(())
}

fn coverage(graph: &TypedModel) -> Coverage {
    let mut coverage = Coverage::default();
    for node in graph.nodes().iter().filter(|node| !steps::is_given(node)) {
        let part = if Op::of(node).is_some() { &mut coverage.fused } else { &mut coverage.other };
        *part.entry(node.op.name().into_owned()).or_default() += 1;
    }
    coverage
}
