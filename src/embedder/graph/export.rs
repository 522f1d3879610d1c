//! The optimised graph for an executor on another device: the lookup runs here, so that its table never travels, and what
//! follows becomes a [`Plan`]. A graph is exported as a whole or not at all: rows do not travel back and forth.

use super::super::ops::{Attention, Embed, Fused, Linear, Norm, Pool};
use super::super::plan::{Plan, Value};
use super::{Graph, Input};
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use tract_core::internal::*;
use tract_core::ops::{konst::Const, source::TypedSource};

impl Graph {
    /// Rows of all texts behind each other, as the first op after the lookup reads them.
    pub(in crate::embedder) fn lookup(&self, texts: &[&[u32]]) -> Result<Vec<f32>> {
        let (_, embed) = self.embed()?;
        let rows = || {
            let rows = embed.run(&[&Input::Ids.tensor(texts), &Input::Ends.tensor(texts)])?;
            Ok(rows.try_as_plain_ram()?.as_slice::<f32>()?.to_vec())
        };
        rows().map_err(|e: TractError| Error::engine("looking tokens up", format!("{e:#}")))
    }

    /// Everything behind the lookup.
    ///
    /// # Errors
    /// [`Error::Engine`] that names the first node which is none of the fused ops.
    pub(in crate::embedder) fn encoder(&self) -> Result<Vec<u8>> {
        let (node, embed) = self.embed()?;
        let mut plan = Plan::new(embed.width);
        let mut values = BTreeMap::from([(node.id, 0)]);
        let order = self.plan.model().eval_order().map_err(|e| refused(e.to_string()))?;
        let nodes = order.iter().map(|id| self.plan.model().node(*id));
        for node in nodes.filter(|node| !(node.op_is::<TypedSource>() || node.op_is::<Const>() || node.op_is::<Embed>())) {
            // Where texts end is known to every executor; all other inputs are values.
            let inputs: Vec<Value> = node.inputs.iter().filter_map(|input| values.get(&input.node).copied()).collect();
            let value = wired(&mut plan, node, &inputs).ok_or_else(|| unfused(node))?;
            values.insert(node.id, value);
        }
        Ok(plan.finish())
    }

    fn embed(&self) -> Result<(&TypedNode, &Embed)> {
        let mut found = self.plan.model().nodes().iter().filter_map(|node| Some((node, node.op_as::<Embed>()?)));
        found.next().ok_or_else(|| refused("no node looks tokens up as the fused op does"))
    }
}

fn wired(plan: &mut Plan, node: &TypedNode, inputs: &[Value]) -> Option<Value> {
    if let Some(op) = node.op_as::<Linear>() {
        (op.weights.inputs().is_multiple_of(4) && inputs.len() == 1).then(|| plan.linear(op, inputs))
    } else if let Some(op) = node.op_as::<Attention>() {
        Some(plan.attention(op, inputs))
    } else if let Some(op) = node.op_as::<Norm>() {
        (inputs.len() == node.inputs.len()).then(|| plan.norm(op, inputs))
    } else {
        node.op_as::<Pool>().map(|op| plan.pool(op, inputs))
    }
}

fn unfused(node: &TypedNode) -> Error {
    refused(format!("the node {:?} ({}) runs on the CPU alone", node.name, node.op.name()))
}

fn refused(why: impl Into<String>) -> Error {
    Error::engine("exporting the encoder", why.into())
}
