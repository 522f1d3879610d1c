//! The optimised graph for an executor on another device: the lookup runs here, so that its table never travels, and what
//! follows becomes a [`Plan`]. A graph is exported as a whole or not at all: rows do not travel back and forth.

use super::super::ops::{Embed, Fused};
use super::super::plan::{Plan, Value};
use super::steps::{self, FIRST, Op, Step, Steps};
use super::{Graph, Input, Runner, floats};
use crate::error::{Error, Result};
use tract_core::internal::*;

impl Graph {
    /// Rows of all texts behind each other, as the first op after the lookup reads them.
    pub(in crate::embedder) fn lookup(&self, texts: &[&[u32]]) -> Result<Vec<f32>> {
        let (embed, _) = self.parts()?;
        let rows = embed.run(&[&Input::Ids.tensor(texts), &Input::Ends.tensor(texts)]);
        rows.and_then(|rows| floats(&rows)).map_err(|e| Error::engine("looking tokens up", format!("{e:#}")))
    }

    /// Everything behind the lookup.
    ///
    /// # Errors
    /// [`Error::Engine`] that names the first node which is none of the fused ops.
    pub(in crate::embedder) fn encoder(&self) -> Result<Vec<u8>> {
        let (embed, steps) = self.parts()?;
        let mut plan = Plan::new(embed.width);
        for Step { op, inputs } in steps.iter().skip(1) {
            // Where texts end is known to every executor; all other inputs are values.
            let inputs: Vec<Value> = inputs.iter().filter(|value| **value >= FIRST).map(|value| (value - FIRST) as Value).collect();
            match op {
                Op::Linear(op) if op.weights.inputs().is_multiple_of(4) => plan.linear(op, &inputs),
                Op::Attention(op) => plan.attention(op, &inputs),
                Op::Norm(op) => plan.norm(op, &inputs),
                Op::Pool(op) => plan.pool(op, &inputs),
                Op::Linear(op) => return Err(refused(format!("a linear layer has {} inputs, not fours", op.weights.inputs()))),
                Op::Embed(_) => return Err(refused("tokens are looked up twice")),
            };
        }
        Ok(plan.finish())
    }

    fn parts(&self) -> Result<(&Embed, &Steps)> {
        let steps = match &self.runner {
            Runner::Fused(steps) => steps,
            Runner::Mixed(plan, _) => return Err(unfused(plan.model())),
        };
        match steps.iter().next() {
            Some(Step { op: Op::Embed(embed), .. }) => Ok((embed, steps)),
            _ => Err(refused("no node looks tokens up as the fused op does")),
        }
    }
}

/// Names the first node that is none of the fused ops.
fn unfused(graph: &TypedModel) -> Error {
    let order = graph.eval_order().unwrap_or_default();
    let mut nodes = order.iter().map(|id| graph.node(*id));
    match nodes.find(|node| Op::of(node).is_none() && !steps::is_given(node)) {
        Some(node) => refused(format!("the node {:?} ({}) runs on the CPU alone", node.name, node.op.name())),
        None => refused("its ops do not form one line"),
    }
}

fn refused(why: impl Into<String>) -> Error {
    Error::engine("exporting the encoder", why.into())
}
