//! ONNX nodes as tract ops: the operators with which BERT encoders and their quantized forms are written. A node's
//! input shapes are known when it is read, so nothing is left to infer, and no other operator is linked.

use super::super::file::Tensors;
use super::super::protobuf::{GraphProto, ModelProto, NodeProto, TensorProto};
use super::gather::CheckedGather;
use super::{Input, Inputs, fence};
use std::collections::HashMap;
use tract_core::internal::*;
use tract_core::ops::{
    array::{Slice, TypedConcat},
    cast::{cast, wire_cast},
    change_axes::{perm_to_ops, to_axis_ops_with_onnx_rules, wire_with_rank_broadcast},
    einsum::EinSum,
    math,
    nn::{Reduce, Reducer, Softmax, SoftmaxKind},
};

/// The graph, typed for one text of any length up to `longest`, and its inputs. Big tensors are sources still.
pub(super) fn read(model: &ModelProto, tensors: &Tensors, longest: usize) -> TractResult<(TypedModel, Inputs)> {
    let description = model.graph.as_ref().with_context(|| "the file holds no graph")?;
    let opset = model.opset_import.iter().find(|o| o.domain.is_empty() || o.domain == "ai.onnx").map_or(0, |o| o.version);
    let mut reader = Reader { graph: TypedModel::default(), values: HashMap::new(), opset };
    let inputs = reader.sources(description, tensors)?;
    for tensor in &description.initializer {
        reader.constant(&tensor.name, tensor)?;
    }
    for node in &description.node {
        let before = reader.graph.nodes().len();
        let outlets = reader.node(node).with_context(|| format!("reading node {:?} ({})", node.name, node.op_type))?;
        fence::check(&reader.graph, before, longest)?;
        reader.values.extend(node.output.iter().map(String::as_str).zip(outlets));
    }
    let outputs = description.output.iter().map(|output| reader.value(&output.name)).collect::<TractResult<Vec<_>>>()?;
    for (output, outlet) in description.output.iter().zip(&outputs) {
        reader.graph.set_outlet_label(*outlet, output.name.clone())?;
    }
    reader.graph.select_output_outlets(&outputs)?;
    Ok((reader.graph, inputs))
}

struct Reader<'a> {
    graph: TypedModel,
    values: HashMap<&'a str, OutletId>,
    opset: i64,
}

type Outlets = TractResult<TVec<OutletId>>;

impl<'a> Reader<'a> {
    fn sources(&mut self, description: &'a GraphProto, tensors: &Tensors) -> TractResult<Inputs> {
        let length: TDim = self.graph.symbols.sym("S").into();
        let initialized = |name: &str| description.initializer.iter().any(|tensor| tensor.name == name);
        let mut inputs = Inputs::new();
        for input in description.input.iter().filter(|input| !initialized(&input.name)) {
            let outlet = match tensors.get(&input.name) {
                Some(tensor) => self.graph.add_source(&input.name, tensor.fact())?,
                None => {
                    let outlet = self.graph.add_source(&input.name, i64::fact([1.to_dim(), length.clone()]))?;
                    inputs.push((Input::named(&input.name)?, outlet));
                    outlet
                }
            };
            self.values.insert(&input.name, outlet);
        }
        Ok(inputs)
    }

    fn constant(&mut self, name: &'a str, tensor: &TensorProto) -> TractResult<()> {
        let value = values::load(tensor)?;
        let outlet = self.graph.add_const(name, value)?;
        self.values.insert(name, outlet);
        Ok(())
    }

    fn value(&self, name: &str) -> TractResult<OutletId> {
        self.values.get(name).copied().with_context(|| format!("nothing computes the value {name:?}"))
    }

    fn input(&self, node: &NodeProto, index: usize) -> TractResult<OutletId> {
        self.value(node.input.get(index).with_context(|| format!("input {index} is missing"))?)
    }

    fn optional(&self, node: &NodeProto, index: usize) -> TractResult<Option<OutletId>> {
        node.input.get(index).filter(|name| !name.is_empty()).map(|name| self.value(name)).transpose()
    }

    fn fact(&self, outlet: OutletId) -> TractResult<&TypedFact> {
        self.graph.outlet_fact(outlet)
    }

    /// The dimensions in a constant.
    fn dims(&self, outlet: OutletId) -> TractResult<Vec<TDim>> {
        let value = self.fact(outlet)?.konst.clone().with_context(|| "a shape or index must be constant")?;
        Ok(value.cast_to::<TDim>()?.try_as_plain_ram()?.as_slice::<TDim>()?.to_vec())
    }

    /// Integers from an attribute, or where newer opsets have an input in its place, from that.
    fn integers(&self, node: &NodeProto, attribute: &str, input: usize) -> TractResult<Option<Vec<i64>>> {
        if let Some(values) = node.ints(attribute)? {
            return Ok(Some(values));
        }
        let dims = self.optional(node, input)?.map(|outlet| self.dims(outlet)).transpose()?;
        dims.map(|dims| dims.iter().map(|dim| Ok(dim.to_i64()?)).collect()).transpose()
    }

    /// An axis that may count from the end.
    fn axis(axis: i64, rank: usize) -> TractResult<usize> {
        let from_start = if axis < 0 { axis + rank as i64 } else { axis };
        ensure!((0..rank as i64).contains(&from_start), "axis {axis} of {rank}");
        Ok(from_start as usize)
    }

    fn wire(&mut self, name: &str, op: impl Into<Box<dyn TypedOp>>, inputs: &[OutletId]) -> TractResult<OutletId> {
        let name = self.graph.unique_name(name).into_owned();
        Ok(self.graph.wire_node(name, op, inputs)?[0])
    }

    /// A binary op over values of one type and rank.
    fn binary(&mut self, name: &str, op: impl Into<Box<dyn TypedOp>>, a: OutletId, b: OutletId) -> TractResult<OutletId> {
        let (left, right) = (self.fact(a)?.datum_type, self.fact(b)?.datum_type);
        let common = left.common_super_type(right).with_context(|| format!("{left:?} meets {right:?}"))?;
        let wires = wire_cast(name, &mut self.graph, &[a, b], common)?;
        let name = self.graph.unique_name(name).into_owned();
        Ok(wire_with_rank_broadcast(name, &mut self.graph, op, &wires)?[0])
    }

    fn scalar(&mut self, name: &str, value: f32) -> TractResult<OutletId> {
        self.graph.add_const(name, tensor0(value))
    }

    fn node(&mut self, node: &NodeProto) -> Outlets {
        let name = node.output.first().filter(|name| !name.is_empty()).with_context(|| "it has no output")?;
        if let Some(op) = unary(&node.op_type) {
            let x = self.input(node, 0)?;
            return Ok(tvec!(self.wire(name, op, &[x])?));
        }
        if let Some(op) = binary(&node.op_type) {
            let (a, b) = (self.input(node, 0)?, self.input(node, 1)?);
            return Ok(tvec!(self.binary(name, op, a, b)?));
        }
        match &*node.op_type {
            "Identity" | "Dropout" => Ok(tvec!(self.input(node, 0)?)),
            "Constant" => self.konst(name, node),
            "Cast" => self.cast(name, node),
            "Gather" => self.gather(name, node),
            "Shape" => self.shape(name, node),
            "Slice" => self.slice(name, node),
            "Concat" => self.concat(name, node),
            "Unsqueeze" | "Squeeze" => self.squeeze(name, node),
            "Reshape" => self.reshape(name, node),
            "Transpose" => self.transpose(name, node),
            "MatMul" => self.matmul(name, node),
            "Softmax" => self.softmax(name, node),
            "ReduceMean" => self.reduce_mean(name, node),
            "LayerNormalization" => self.layer_norm(name, node),
            "DequantizeLinear" => self.dequantize(name, node),
            "DynamicQuantizeLinear" => self.dynamic_quantize(name, node),
            "MatMulInteger" => self.matmul_integer(name, node),
            other => bail!("operator {other} is not one of those that BERT encoders need"),
        }
    }
}

fn unary(operator: &str) -> Option<Box<dyn TypedOp>> {
    match operator {
        "Sqrt" => Some(Box::new(math::sqrt())),
        "Erf" => Some(Box::new(math::erf())),
        "Tanh" => Some(Box::new(math::tanh())),
        _ => None,
    }
}

fn binary(operator: &str) -> Option<Box<dyn TypedOp>> {
    match operator {
        "Add" => Some(Box::new(math::add())),
        "Sub" => Some(Box::new(math::sub())),
        "Mul" => Some(Box::new(math::mul())),
        "Div" => Some(Box::new(math::div())),
        "Pow" => Some(Box::new(math::pow())),
        _ => None,
    }
}

mod arithmetic;
mod shapes;
mod values;
