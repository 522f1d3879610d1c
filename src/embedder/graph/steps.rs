//! A graph of fused ops alone: it needs nothing of tract's but tensors, and runs step by step.

use super::super::ops::{Attention, Embed, Fused, Linear, Norm, Pool};
use super::{Coverage, Input, floats};
use tract_core::internal::*;
use tract_core::ops::{konst::Const, source::TypedSource};

/// A step's input: the ids, where texts end, or what an earlier step gave.
pub(super) type Value = usize;

pub(super) const IDS: Value = 0;
pub(super) const ENDS: Value = 1;
/// What the first step gives.
pub(super) const FIRST: Value = 2;

/// A fused op, whichever it is.
#[derive(Clone)]
pub(super) enum Op {
    Embed(Embed),
    Linear(Linear),
    Attention(Attention),
    Norm(Norm),
    Pool(Pool),
}

pub(super) struct Step {
    pub(super) op: Op,
    pub(super) inputs: TVec<Value>,
}

/// Ops in the order in which they run. The first looks ids up, the last pools.
#[derive(Default)]
pub(super) struct Steps(Vec<Step>);

impl Op {
    /// A node's, if it is one.
    pub(super) fn of(node: &TypedNode) -> Option<Self> {
        let linear = || node.op_as().cloned().map(Self::Linear);
        let attention = || node.op_as().cloned().map(Self::Attention);
        let norm = || node.op_as().cloned().map(Self::Norm);
        let pool = || node.op_as().cloned().map(Self::Pool);
        node.op_as().cloned().map(Self::Embed).or_else(linear).or_else(attention).or_else(norm).or_else(pool)
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Embed(_) => Embed::NAME,
            Self::Linear(_) => Linear::NAME,
            Self::Attention(_) => Attention::NAME,
            Self::Norm(_) => Norm::NAME,
            Self::Pool(_) => Pool::NAME,
        }
    }

    fn run(&self, inputs: &[&Tensor]) -> TractResult<Tensor> {
        match self {
            Self::Embed(op) => op.run(inputs),
            Self::Linear(op) => op.run(inputs),
            Self::Attention(op) => op.run(inputs),
            Self::Norm(op) => op.run(inputs),
            Self::Pool(op) => op.run(inputs),
        }
    }
}

impl Steps {
    /// A graph's steps; nothing where one of its nodes is none of the fused ops.
    pub(super) fn of(graph: &TypedModel, inputs: &[Input]) -> TractResult<Option<Self>> {
        let (mut steps, mut values) = (Self::default(), vec![None; graph.nodes().len()]);
        for (outlet, input) in graph.input_outlets()?.iter().zip(inputs) {
            values[outlet.node] = match input {
                Input::Ids => Some(IDS),
                Input::Ends => Some(ENDS),
                Input::Mask | Input::Segment => None,
            };
        }
        for id in graph.eval_order()? {
            let node = graph.node(id);
            if is_given(node) {
                continue;
            }
            let read: Option<TVec<Value>> = node.inputs.iter().map(|input| values[input.node]).collect();
            let (Some(op), Some(read)) = (Op::of(node), read) else { return Ok(None) };
            values[id] = Some(steps.push(op, &read));
        }
        Ok(Some(steps))
    }

    /// Adds a step and names what it gives.
    pub(super) fn push(&mut self, op: Op, inputs: &[Value]) -> Value {
        self.0.push(Step { op, inputs: inputs.into() });
        FIRST + self.0.len() - 1
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Step> {
        self.0.iter()
    }

    /// One unit vector per text, behind each other.
    pub(super) fn run(&self, texts: &[&[u32]]) -> TractResult<Vec<f32>> {
        let mut values = vec![Some(Input::Ids.tensor(texts)), Some(Input::Ends.tensor(texts))];
        for (n, Step { op, inputs }) in self.0.iter().enumerate() {
            let read: Option<TVec<&Tensor>> = inputs.iter().map(|value| values[*value].as_ref()).collect();
            let out = op.run(&read.with_context(|| "a step reads what is gone")?)?;
            values.push(Some(out));
            // What nobody reads any more makes room.
            let later = &self.0[n + 1..];
            for value in inputs.iter().filter(|value| !later.iter().any(|step| step.inputs.contains(value))) {
                values[*value] = None;
            }
        }
        floats(&values.pop().flatten().with_context(|| "the graph has no output")?)
    }

    pub(super) fn coverage(&self) -> Coverage {
        self.0.iter().fold(Coverage::default(), |mut coverage, step| {
            *coverage.fused.entry(step.op.name().into()).or_default() += 1;
            coverage
        })
    }
}

/// Whether a node computes nothing.
pub(super) fn is_given(node: &TypedNode) -> bool {
    node.op_is::<TypedSource>() || node.op_is::<Const>()
}
