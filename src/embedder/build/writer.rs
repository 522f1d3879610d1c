//! A few strokes for writing an ONNX file by hand.

use crate::embedder::protobuf::{
    DataType, Dimension, DimensionValue, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto,
    TensorTypeProto, TypeProto, ValueInfoProto,
};
use crate::embedder::stencil::{OPSET, floats, initializer};

const IR_VERSION: i64 = 8;

/// Collects initialisers. Every value is known by its name.
#[derive(Default)]
pub(super) struct Writer {
    initializers: Vec<TensorProto>,
}

impl Writer {
    pub(super) fn add(&mut self, initializers: Vec<TensorProto>) {
        self.initializers.extend(initializers);
    }

    pub(super) fn f32(&mut self, name: &str, dims: &[usize], values: &[f32]) {
        self.initializers.push(floats(name, dims, values));
    }

    pub(super) fn i8(&mut self, name: &str, dims: &[usize], values: &[i8]) {
        self.initializers.push(initializer(name, dims, DataType::Int8, values.iter().map(|v| v.cast_unsigned()).collect()));
    }

    pub(super) fn u8(&mut self, name: &str, dims: &[usize], values: Vec<u8>) {
        self.initializers.push(initializer(name, dims, DataType::Uint8, values));
    }

    /// Closes the graph: token tensors of [batch, sequence] in, `output` of [batch, sequence, width] out.
    pub(super) fn finish(self, node: Vec<NodeProto>, inputs: &[&str], output: &str, width: usize) -> ModelProto {
        let graph = GraphProto {
            node,
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
