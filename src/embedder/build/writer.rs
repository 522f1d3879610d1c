//! A few strokes for writing an ONNX graph by hand.

use crate::embedder::protobuf::{
    AttributeProto, AttributeType, DataType, Dimension, DimensionValue, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
};

/// The last opset whose operators tract is tested against and that has LayerNormalization.
const OPSET: i64 = 17;
const IR_VERSION: i64 = 8;

/// Collects nodes and initialisers. Every value is known by its name.
#[derive(Default)]
pub(super) struct Writer {
    nodes: Vec<NodeProto>,
    initializers: Vec<TensorProto>,
}

/// An operator's attribute.
pub(super) enum Attribute<'a> {
    Int(&'a str, i64),
    Float(&'a str, f32),
    Ints(&'a str, &'a [i64]),
}

impl Writer {
    /// Adds an operator with one output, which takes the node's name.
    pub(super) fn node(&mut self, op: &str, name: &str, inputs: &[&str], attributes: &[Attribute]) -> String {
        self.nodes.push(NodeProto {
            input: inputs.iter().map(|&i| i.into()).collect(),
            output: vec![name.into()],
            name: name.into(),
            op_type: op.into(),
            attribute: attributes.iter().map(Attribute::proto).collect(),
            ..Default::default()
        });
        name.into()
    }

    pub(super) fn f32(&mut self, name: &str, dims: &[usize], values: &[f32]) -> String {
        self.initializer(name, dims, DataType::Float, values.iter().flat_map(|v| v.to_le_bytes()).collect())
    }

    pub(super) fn i8(&mut self, name: &str, dims: &[usize], values: &[i8]) -> String {
        self.initializer(name, dims, DataType::Int8, values.iter().map(|v| v.cast_unsigned()).collect())
    }

    pub(super) fn u8(&mut self, name: &str, dims: &[usize], values: Vec<u8>) -> String {
        self.initializer(name, dims, DataType::Uint8, values)
    }

    pub(super) fn i64(&mut self, name: &str, dims: &[usize], values: &[i64]) -> String {
        self.initializer(name, dims, DataType::Int64, values.iter().flat_map(|v| v.to_le_bytes()).collect())
    }

    fn initializer(&mut self, name: &str, dims: &[usize], data_type: DataType, raw_data: Vec<u8>) -> String {
        let dims = dims.iter().map(|&d| d as i64).collect();
        self.initializers.push(TensorProto { dims, data_type: data_type as i32, name: name.into(), raw_data, ..Default::default() });
        name.into()
    }

    /// Closes the graph: token tensors of [batch, sequence] in, `output` of [batch, sequence, width] out.
    pub(super) fn finish(self, inputs: &[&str], output: &str, width: usize) -> ModelProto {
        let graph = GraphProto {
            node: self.nodes,
            name: "sentence-encoder".into(),
            initializer: self.initializers,
            input: inputs.iter().map(|name| value_info(name, DataType::Int64, vec![named("batch"), named("sequence")])).collect(),
            output: vec![value_info(output, DataType::Float, vec![named("batch"), named("sequence"), sized(width)])],
            ..Default::default()
        };
        ModelProto {
            ir_version: IR_VERSION,
            opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
            producer_name: env!("CARGO_PKG_NAME").into(),
            graph: Some(graph),
            ..Default::default()
        }
    }
}

impl Attribute<'_> {
    fn proto(&self) -> AttributeProto {
        match *self {
            Self::Int(name, i) => AttributeProto { name: name.into(), r#type: AttributeType::Int as i32, i, ..Default::default() },
            Self::Float(name, f) => AttributeProto { name: name.into(), r#type: AttributeType::Float as i32, f, ..Default::default() },
            Self::Ints(name, ints) => {
                AttributeProto { name: name.into(), r#type: AttributeType::Ints as i32, ints: ints.to_vec(), ..Default::default() }
            }
        }
    }
}

fn value_info(name: &str, data_type: DataType, dim: Vec<Dimension>) -> ValueInfoProto {
    let tensor = TensorTypeProto { elem_type: data_type as i32, shape: Some(TensorShapeProto { dim }) };
    ValueInfoProto { name: name.into(), r#type: Some(TypeProto { tensor_type: Some(tensor) }) }
}

fn named(symbol: &str) -> Dimension {
    Dimension { value: Some(DimensionValue::DimParam(symbol.into())) }
}

fn sized(size: usize) -> Dimension {
    Dimension { value: Some(DimensionValue::DimValue(size as i64)) }
}
