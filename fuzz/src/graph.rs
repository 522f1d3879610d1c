//! Edits to the graph of a real embedder file: what a byte's flip seldom reaches.

use crate::{EMBEDDER, embedder_file, seal};
use arbitrary::Arbitrary;
use pointsman::embedder::protobuf::{AttributeProto, DimensionValue, GraphProto, ModelProto, NodeProto, TensorProto};
use prost::Message;

/// One change to a model. Places count round: every number names one.
#[derive(Arbitrary, Debug)]
pub enum Edit {
    Drop { node: u16 },
    Repeat { node: u16, to: u16 },
    Swap { node: u16, with: u16 },
    Operator { node: u16, name: u8 },
    Input { node: u16, input: u8, value: u16 },
    Arity { node: u16, inputs: u8 },
    Attribute { node: u16, name: u8, value: Number, more: Vec<i8> },
    Forget { node: u16, attribute: u8 },
    Shape { tensor: u16, dims: Vec<Number> },
    Kind { tensor: u16, kind: u8 },
    Values { tensor: u16, bytes: Vec<u8>, cut: bool },
    Integers { tensor: u16, values: Vec<Number> },
    External { tensor: u16 },
    Inlet { input: u8, name: u16, dim: Number },
    Outlet { value: u16 },
    Metadata { key: u8, value: Number },
    Vocabulary { lines: u8 },
    Opset(Number),
}

/// Mostly small, where limits and axes are.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Number {
    Small(i8),
    Medium(i32),
    Any(i64),
}

impl Number {
    fn get(self) -> i64 {
        match self {
            Self::Small(n) => n.into(),
            Self::Medium(n) => n.into(),
            Self::Any(n) => n,
        }
    }
}

const OPERATORS: [&str; 28] = [
    "Add",
    "Sub",
    "Mul",
    "Div",
    "Pow",
    "Sqrt",
    "Erf",
    "Tanh",
    "Identity",
    "Dropout",
    "Constant",
    "Cast",
    "Gather",
    "Shape",
    "Slice",
    "Concat",
    "Unsqueeze",
    "Squeeze",
    "Reshape",
    "Transpose",
    "MatMul",
    "Softmax",
    "ReduceMean",
    "LayerNormalization",
    "DequantizeLinear",
    "DynamicQuantizeLinear",
    "MatMulInteger",
    "Loop",
];
const ATTRIBUTES: [&str; 10] = ["axis", "axes", "perm", "to", "epsilon", "keepdims", "allowzero", "start", "value", "starts"];
const METADATA: [&str; 5] = ["max_tokens", "width", "pooling", "activations", "format"];

/// Loads the edited model.
pub fn run(edits: &[Edit]) {
    let mut model = ModelProto::decode(seal::open(EMBEDDER)).expect("our own file");
    edits.iter().take(64).for_each(|edit| apply(edit, &mut model));
    embedder_file(&model.encode_to_vec());
}

fn apply(edit: &Edit, model: &mut ModelProto) {
    match edit {
        Edit::Metadata { key, value } => {
            let key = format!("pointsman.{}", METADATA[*key as usize % METADATA.len()]);
            let entry = model.metadata_props.iter_mut().rfind(|entry| entry.key == key);
            entry.into_iter().for_each(|entry| entry.value = value.get().to_string());
        }
        Edit::Vocabulary { lines } => {
            let entry = model.metadata_props.iter_mut().rfind(|entry| entry.key == "pointsman.vocabulary");
            entry.into_iter().for_each(|entry| entry.value = entry.value.lines().take((*lines).into()).collect::<Vec<_>>().join("\n"));
        }
        Edit::Opset(version) => model.opset_import.iter_mut().for_each(|opset| opset.version = version.get()),
        _ => model.graph.iter_mut().for_each(|graph| edit_graph(edit, graph)),
    }
}

fn edit_graph(edit: &Edit, graph: &mut GraphProto) {
    match edit {
        Edit::Shape { tensor, .. }
        | Edit::Kind { tensor, .. }
        | Edit::Values { tensor, .. }
        | Edit::External { tensor }
        | Edit::Integers { tensor, .. } => {
            at(&mut graph.initializer, *tensor).into_iter().for_each(|tensor| edit_tensor(edit, tensor));
        }
        Edit::Inlet { input, name, dim } => {
            let name = value(graph, *name);
            let Some(input) = at(&mut graph.input, (*input).into()) else { return };
            input.name = name;
            let shape = input.r#type.iter_mut().flat_map(|kind| &mut kind.tensor_type).flat_map(|tensor| &mut tensor.shape);
            shape.flat_map(|shape| &mut shape.dim).for_each(|axis| axis.value = Some(DimensionValue::DimValue(dim.get())));
        }
        Edit::Outlet { value: at_value } => {
            let name = value(graph, *at_value);
            graph.output.iter_mut().for_each(|output| output.name.clone_from(&name));
        }
        _ => edit_nodes(edit, graph),
    }
}

fn edit_nodes(edit: &Edit, graph: &mut GraphProto) {
    let count = graph.node.len().max(1);
    let place = |at: u16| at as usize % count;
    match edit {
        Edit::Drop { node } if graph.node.len() > 1 => drop(graph.node.remove(place(*node))),
        Edit::Repeat { node, to } if graph.node.len() < 500 => {
            let (copied, to) = (graph.node.get(place(*node)).cloned(), place(*to));
            copied.into_iter().for_each(|node| graph.node.insert(to, node));
        }
        Edit::Swap { node, with } if !graph.node.is_empty() => graph.node.swap(place(*node), place(*with)),
        Edit::Input { node, input, value: at_value } => {
            let name = value(graph, *at_value);
            at(&mut graph.node, *node)
                .and_then(|node| at(&mut node.input, (*input).into()))
                .into_iter()
                .for_each(|old| old.clone_from(&name));
        }
        Edit::Operator { node, .. } | Edit::Arity { node, .. } | Edit::Attribute { node, .. } | Edit::Forget { node, .. } => {
            at(&mut graph.node, *node).into_iter().for_each(|node| edit_node(edit, node));
        }
        _ => {}
    }
}

fn edit_node(edit: &Edit, node: &mut NodeProto) {
    match edit {
        Edit::Operator { name, .. } => node.op_type = OPERATORS[*name as usize % OPERATORS.len()].into(),
        Edit::Arity { inputs, .. } => {
            let last = node.input.last().cloned().unwrap_or_default();
            node.input.resize((*inputs % 6).into(), last);
        }
        Edit::Forget { attribute, .. } if !node.attribute.is_empty() => {
            drop(node.attribute.remove(*attribute as usize % node.attribute.len()))
        }
        Edit::Attribute { name, value, more, .. } => {
            let name = ATTRIBUTES[*name as usize % ATTRIBUTES.len()];
            node.attribute.retain(|attribute| attribute.name != name);
            let (i, ints) = (value.get(), more.iter().map(|&n| n.into()).collect::<Vec<i64>>());
            let kind = if ints.is_empty() { 2 } else { 7 };
            node.attribute.push(AttributeProto { name: name.into(), i, f: i as f32, ints, r#type: kind, t: None });
        }
        _ => {}
    }
}

fn edit_tensor(edit: &Edit, tensor: &mut TensorProto) {
    match edit {
        Edit::Shape { dims, .. } => tensor.dims = dims.iter().map(|dim| dim.get()).collect(),
        Edit::Kind { kind, .. } => tensor.data_type = (*kind % 16).into(),
        Edit::Values { bytes, cut: true, .. } => tensor.raw_data.truncate(bytes.len()),
        Edit::Values { bytes, .. } => tensor.raw_data.iter_mut().zip(bytes).for_each(|(old, new)| *old = *new),
        Edit::Integers { values, .. } => {
            tensor.raw_data.clear();
            tensor.int64_data = values.iter().map(|value| value.get()).collect();
            (tensor.data_type, tensor.dims) = (7, vec![values.len() as i64]);
        }
        _ => tensor.data_location = 1,
    }
}

fn at<T>(items: &mut [T], place: u16) -> Option<&mut T> {
    let count = items.len().max(1);
    items.get_mut(place as usize % count)
}

/// The name of something that is computed or given.
fn value(graph: &GraphProto, place: u16) -> String {
    let computed = graph.node.iter().flat_map(|node| &node.output);
    let given = graph.initializer.iter().map(|tensor| &tensor.name).chain(graph.input.iter().map(|input| &input.name));
    let names: Vec<&String> = computed.chain(given).collect();
    names.get(place as usize % names.len().max(1)).map_or_else(String::new, |name| (*name).clone())
}
