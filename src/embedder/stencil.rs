//! The graphs that [`super::build`] writes, node by node. The builder adds the weights; the loader knows these graphs again
//! by comparing nodes (`graph/known.rs`), so that nothing has to be found out about them.

use super::protobuf::{AttributeProto, AttributeType, DataType, NodeProto, TensorProto};
use std::collections::HashSet;

/// The last opset whose operators tract is tested against and that has LayerNormalization.
pub(super) const OPSET: i64 = 17;

/// A BERT encoder's form.
pub(super) struct Bert {
    pub(super) layers: usize,
    /// Whether weights and tables are int8.
    pub(super) quantized: bool,
    pub(super) epsilon: f32,
    /// Values that are multiplied by factors before linear layers read them.
    pub(super) smoothed: HashSet<String>,
}

/// What a BERT encoder reads.
pub(super) const INPUTS: &[&str] = &["input_ids", "attention_mask", "token_type_ids"];
/// Where its rows come out.
pub(super) const ROWS: &str = "last_hidden_state";
/// What a static embedder reads.
pub(super) const STATIC_INPUTS: &[&str] = &["input_ids"];
/// Where its rows come out.
pub(super) const STATIC_ROWS: &str = "token_embeddings";

impl Bert {
    pub(super) fn nodes(&self) -> Vec<NodeProto> {
        let mut nodes = vec![
            node("Cast", "mask_float", &["attention_mask"], &[Attribute::Int("to", 1)]),
            node("Unsqueeze", "mask_rows", &["mask_float", "mask_axes"], &[]),
            node("Sub", "mask_hidden", &["one", "mask_rows"], &[]),
            node("Mul", "mask", &["mask_hidden", "masked"], &[]),
        ];
        self.embeddings(&mut nodes);
        (0..self.layers).for_each(|layer| self.layer(&mut nodes, layer));
        nodes
    }

    /// The value that a layer reads.
    pub(super) fn input(&self, layer: usize) -> String {
        match layer.checked_sub(1) {
            None => "embeddings.norm".into(),
            Some(before) if layer < self.layers => format!("encoder.layer.{before}.output.norm"),
            Some(_) => ROWS.into(),
        }
    }

    fn embeddings(&self, nodes: &mut Vec<NodeProto>) {
        nodes.push(node("Shape", "ids_shape", &["input_ids"], &[]));
        nodes.push(node("Gather", "length", &["ids_shape", "length_index"], &[Attribute::Int("axis", 0)]));
        self.table(nodes, "word", |name, table| node("Gather", name, &[table, "input_ids"], &[]));
        self.table(nodes, "position", |name, table| node("Slice", name, &[table, "zero", "length", "zero"], &[]));
        nodes.push(node("Gather", "segment", &["segment_table", "token_type_ids"], &[]));
        nodes.push(node("Add", "word_segment", &["word", "segment"], &[]));
        nodes.push(node("Add", "word_segment_position", &["word_segment", "position"], &[]));
        nodes.push(self.norm("embeddings.LayerNorm", "word_segment_position", &self.input(0)));
    }

    /// Rows that `look` takes from a table, which is int8 with a scale per row unless all is f32.
    fn table(&self, nodes: &mut Vec<NodeProto>, name: &str, look: impl Fn(&str, &str) -> NodeProto) {
        if !self.quantized {
            nodes.push(look(name, &format!("{name}_table")));
            return;
        }
        let [int8, float, scale] = ["int8", "float", "row_scale"].map(|part| format!("{name}_{part}"));
        nodes.push(look(&int8, &format!("{name}_table")));
        nodes.push(node("Cast", &float, &[&int8], &[Attribute::Int("to", 1)]));
        nodes.push(look(&scale, &format!("{name}_scale")));
        nodes.push(node("Mul", name, &[&float, &scale], &[]));
    }

    fn layer(&self, nodes: &mut Vec<NodeProto>, index: usize) {
        let at = |part: &str| format!("encoder.layer.{index}.{part}");
        let input = self.input(index);
        let x = self.smooth(nodes, &input);
        self.attention(nodes, &at("attention"), &x);
        self.linear(nodes, &at("attention.output.dense"), &at("attention.context.joined"));
        nodes.push(node("Add", &at("attention.sum"), &[&at("attention.output.dense"), &input], &[]));
        nodes.push(self.norm(&at("attention.output.LayerNorm"), &at("attention.sum"), &at("attention.norm")));
        let x = self.smooth(nodes, &at("attention.norm"));
        self.linear(nodes, &at("intermediate.dense"), &x);
        gelu(nodes, &at("gelu"), &at("intermediate.dense"));
        self.linear(nodes, &at("output.dense"), &at("gelu"));
        nodes.push(node("Add", &at("output.sum"), &[&at("output.dense"), &at("attention.norm")], &[]));
        nodes.push(self.norm(&at("output.LayerNorm"), &at("output.sum"), &self.input(index + 1)));
    }

    /// softmax(q kᵀ / √d + mask) v over heads, back in rows.
    fn attention(&self, nodes: &mut Vec<NodeProto>, name: &str, x: &str) {
        let at = |part: &str| format!("{name}.{part}");
        for (part, perm) in [("query", &[0, 2, 1, 3]), ("key", &[0, 2, 3, 1]), ("value", &[0, 2, 1, 3])] {
            let part = at(&format!("self.{part}"));
            self.linear(nodes, &part, x);
            nodes.push(node("Reshape", &format!("{part}.split"), &[&part, "heads_shape"], &[]));
            nodes.push(node("Transpose", &format!("{part}.heads"), &[&format!("{part}.split")], &[Attribute::Ints("perm", perm)]));
        }
        let [q, k, v] = ["query", "key", "value"].map(|part| at(&format!("self.{part}.heads")));
        nodes.push(node("MatMul", &at("scores"), &[&q, &k], &[]));
        nodes.push(node("Div", &at("scaled"), &[&at("scores"), "attention_scale"], &[]));
        nodes.push(node("Add", &at("masked"), &[&at("scaled"), "mask"], &[]));
        nodes.push(node("Softmax", &at("weights"), &[&at("masked")], &[Attribute::Int("axis", -1)]));
        nodes.push(node("MatMul", &at("context"), &[&at("weights"), &v], &[]));
        nodes.push(node("Transpose", &at("context.rows"), &[&at("context")], &[Attribute::Ints("perm", &[0, 2, 1, 3])]));
        nodes.push(node("Reshape", &at("context.joined"), &[&at("context.rows"), "rows_shape"], &[]));
    }

    /// x times its factors, where it has some.
    fn smooth(&self, nodes: &mut Vec<NodeProto>, x: &str) -> String {
        if !self.smoothed.contains(x) {
            return x.into();
        }
        let smoothed = format!("{x}.smoothed");
        nodes.push(node("Mul", &smoothed, &[x, &factors_of(x)], &[]));
        smoothed
    }

    fn linear(&self, nodes: &mut Vec<NodeProto>, name: &str, x: &str) {
        let weight = format!("{name}.weight");
        if self.quantized {
            let [int8, scale, zero] = ["int8", "scale", "zero"].map(|part| format!("{weight}.{part}"));
            nodes.push(node("DequantizeLinear", &weight, &[&int8, &scale, &zero], &[Attribute::Int("axis", 1)]));
        }
        nodes.push(node("MatMul", &format!("{name}.product"), &[x, &weight], &[]));
        nodes.push(node("Add", name, &[&format!("{name}.product"), &format!("{name}.bias")], &[]));
    }

    fn norm(&self, weights: &str, x: &str, name: &str) -> NodeProto {
        let attributes = [Attribute::Int("axis", -1), Attribute::Float("epsilon", self.epsilon)];
        node("LayerNormalization", name, &[x, &format!("{weights}.weight"), &format!("{weights}.bias")], &attributes)
    }
}

/// x (1 + erf(x/√2)) / 2
fn gelu(nodes: &mut Vec<NodeProto>, name: &str, x: &str) {
    let at = |part: &str| format!("{name}.{part}");
    nodes.push(node("Div", &at("scaled"), &[x, "sqrt_two"], &[]));
    nodes.push(node("Erf", &at("erf"), &[&at("scaled")], &[]));
    nodes.push(node("Add", &at("gate"), &[&at("erf"), "one"], &[]));
    nodes.push(node("Mul", &at("gated"), &[x, &at("gate")], &[]));
    nodes.push(node("Mul", name, &[&at("gated"), "half"], &[]));
}

/// The factors by which a value is multiplied where it is smoothed.
pub(super) fn factors_of(x: &str) -> String {
    format!("{x}.smooth")
}

/// What all layers share: head shapes, the additive mask, and GELU's numbers.
pub(super) fn constants(heads: usize, width: usize) -> Vec<TensorProto> {
    let head_width = width / heads;
    vec![
        integers("heads_shape", &[4], &[0, 0, heads as i64, head_width as i64]),
        integers("rows_shape", &[3], &[0, 0, width as i64]),
        floats("attention_scale", &[], &[(head_width as f32).sqrt()]),
        floats("sqrt_two", &[], &[std::f32::consts::SQRT_2]),
        floats("half", &[], &[0.5]),
        floats("one", &[], &[1.0]),
        floats("masked", &[], &[-3.0e4]),
        integers("mask_axes", &[2], &[1, 2]),
        integers("zero", &[1], &[0]),
        integers("length_index", &[1], &[1]),
    ]
}

/// A table of signs with a scale per row, and nothing else.
pub(super) fn static_nodes() -> Vec<NodeProto> {
    vec![
        node("Gather", "token_bytes", &["token_bits", "input_ids"], &[]),
        node("Cast", "token_byte", &["token_bytes"], &[Attribute::Int("to", 7)]),
        node("Gather", "token_signs", &["signs", "token_byte"], &[]),
        node("Reshape", "token_row", &["token_signs", "row_shape"], &[]),
        node("Gather", "token_row_scale", &["token_scale", "input_ids"], &[]),
        node("Mul", STATIC_ROWS, &["token_row", "token_row_scale"], &[]),
    ]
}

/// What those nodes read beside the table.
pub(super) fn static_constants(width: usize) -> Vec<TensorProto> {
    let signs: Vec<f32> = (0..=255).flat_map(spell).collect();
    vec![floats("signs", &[256, 8], &signs), integers("row_shape", &[3], &[0, 0, width as i64])]
}

/// A byte's bits from the lowest, as signs.
pub(super) fn spell(byte: u8) -> impl Iterator<Item = f32> {
    (0..8).map(move |k| if byte >> k & 1 == 1 { 1.0 } else { -1.0 })
}

/// An operator's attribute.
enum Attribute<'a> {
    Int(&'a str, i64),
    Float(&'a str, f32),
    Ints(&'a str, &'a [i64]),
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

/// An operator with one output, which takes the node's name.
fn node(op: &str, name: &str, inputs: &[&str], attributes: &[Attribute]) -> NodeProto {
    NodeProto {
        input: inputs.iter().map(|&i| i.into()).collect(),
        output: vec![name.into()],
        name: name.into(),
        op_type: op.into(),
        attribute: attributes.iter().map(Attribute::proto).collect(),
        ..Default::default()
    }
}

pub(super) fn floats(name: &str, dims: &[usize], values: &[f32]) -> TensorProto {
    initializer(name, dims, DataType::Float, values.iter().flat_map(|v| v.to_le_bytes()).collect())
}

pub(super) fn integers(name: &str, dims: &[usize], values: &[i64]) -> TensorProto {
    initializer(name, dims, DataType::Int64, values.iter().flat_map(|v| v.to_le_bytes()).collect())
}

pub(super) fn initializer(name: &str, dims: &[usize], data_type: DataType, raw_data: Vec<u8>) -> TensorProto {
    let dims = dims.iter().map(|&d| d as i64).collect();
    TensorProto { dims, data_type: data_type as i32, name: name.into(), raw_data, ..Default::default() }
}

/// Whether a tensor is one that [`initializer`] makes, whatever its name and numbers.
pub(super) fn is_initializer(tensor: &TensorProto, dims: &[usize], data_type: DataType) -> bool {
    let TensorProto { dims: found, data_type: kind, float_data, int32_data, int64_data, data_location, name: _, raw_data: _ } = tensor;
    let raw = float_data.is_empty() && int32_data.is_empty() && int64_data.is_empty() && *data_location == 0;
    raw && *kind == data_type as i32 && found.iter().copied().eq(dims.iter().map(|&d| d as i64))
}
