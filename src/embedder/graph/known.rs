//! Graphs that [`super::super::build`] wrote: known by their nodes, so that the fused ops are made of the weights at once.
//! What differs in anything goes the long way, through tract; the outcome is the same to the last bit.
//!
//! This is what a cold start is made of: an engine compiles each of tract's functions when it is first called.

use super::super::file::{Bytes, Metadata, Parts, Tensors, floats};
use super::super::kernel::{Activations, Epilogue, Kernel, Packed, Stored, finite};
use super::super::ops::{Attention, Embed, Layout, Linear, Norm, Place, Pool, Table};
use super::super::protobuf::{DataType, GraphProto, TensorProto};
use super::super::stencil::{self, Bert, INPUTS, OPSET, ROWS, STATIC_INPUTS, STATIC_ROWS};
use super::fence;
use super::steps::{ENDS, IDS, Op, Steps, Value};
use std::collections::HashMap;
use std::sync::Arc;
use tract_core::prelude::DatumType;

/// The steps of a graph that is known; nothing where it is not.
pub(super) fn steps(parts: &Parts) -> Option<Steps> {
    let Parts { model, tensors, metadata } = parts;
    let graph = model.graph.as_ref()?;
    let small = graph.initializer.iter().map(|tensor| (&*tensor.name, tensor)).collect();
    let known = Known { graph, small, tensors, metadata };
    let [opset] = &*model.opset_import else { return None };
    let (width, longest) = (metadata.width, metadata.max_tokens);
    let fits = opset.version == OPSET && opset.domain.is_empty() && width > 0 && fence::fits(width, longest);
    if fits { known.table_of_signs().or_else(|| known.bert()) } else { None }
}

struct Known<'a> {
    graph: &'a GraphProto,
    /// Tensors that came with the graph.
    small: HashMap<&'a str, &'a TensorProto>,
    /// Tensors that wait in the file.
    tensors: &'a Tensors,
    metadata: &'a Metadata,
}

/// What the layers of an encoder have in common.
struct Common {
    form: Bert,
    heads: usize,
    kernel: Kernel,
}

impl Known<'_> {
    fn table_of_signs(&self) -> Option<Steps> {
        let width = self.metadata.width;
        let known = self.turns(STATIC_INPUTS, STATIC_ROWS) && width.is_multiple_of(8) && self.graph.node == stencil::static_nodes();
        if !known || !self.holds(&stencil::static_constants(width)) {
            return None;
        }
        let scale = self.column("token_scale")?;
        let bits = self.bytes("token_bits", DatumType::U8, [scale.len(), width / 8])?;
        let mut steps = Steps::default();
        let words = Table::Signs { bits, scale: scale.into() }.into();
        let rows = steps.push(Op::Embed(Embed { words, width, place: None }), &[IDS, ENDS]);
        self.pool(&mut steps, rows);
        Some(steps)
    }

    fn bert(&self) -> Option<Steps> {
        let common = self.common().filter(|_| self.turns(INPUTS, ROWS))?;
        let mut steps = Steps::default();
        let mut x = steps.push(self.embed(&common)?, &[IDS, ENDS]);
        for layer in 0..common.form.layers {
            x = self.layer(&common, layer, &mut steps, x)?;
        }
        self.pool(&mut steps, x);
        Some(steps)
    }

    fn common(&self) -> Option<Common> {
        let nodes = &self.graph.node;
        let epsilon = nodes.iter().find(|node| node.op_type == "LayerNormalization")?.attribute.last()?.f;
        let layers = nodes.iter().filter(|node| node.op_type == "Softmax").count();
        let smoothed = self.small.keys().filter_map(|name| Some(name.strip_suffix(".smooth")?.to_string())).collect();
        let form = Bert { layers, quantized: true, epsilon, smoothed };
        let shape = self.small.get("heads_shape")?.raw_data.as_chunks::<8>().0;
        let heads = usize::try_from(i64::from_le_bytes(*shape.get(2)?)).ok().filter(|heads| *heads > 0)?;
        let (format, width) = (self.metadata.activations, self.metadata.width);
        let known = format != Activations::Float && width.is_multiple_of(heads) && *nodes == form.nodes();
        let kernel = Kernel::available(format).swap_remove(0);
        (known && self.holds(&stencil::constants(heads, width))).then_some(Common { form, heads, kernel })
    }

    fn embed(&self, common: &Common) -> Option<Op> {
        let width = self.metadata.width;
        let table = |name: &str| {
            let scale = self.column(&format!("{name}_scale"))?;
            let values = self.bytes(&format!("{name}_table"), DatumType::I8, [scale.len(), width])?;
            Some(Arc::new(Table::Int8 { values, scale: scale.into() }))
        };
        let kinds = self.floats("segment_table", &[self.len("segment_table")?, width])?;
        let norm = self.norm(&common.form, "embeddings.LayerNorm")?;
        let place = Place { positions: table("position")?, kind: kinds.get(..width)?.into(), norm };
        Some(Op::Embed(Embed { words: table("word")?, width, place: Some(place) }))
    }

    fn layer(&self, common: &Common, index: usize, steps: &mut Steps, x: Value) -> Option<Value> {
        let Common { form, heads, .. } = common;
        let at = |part: &str| format!("encoder.layer.{index}.{part}");
        let (width, inner) = (self.metadata.width, self.len(&at("intermediate.dense.bias"))?);
        let head_width = width / heads;
        let smooth = self.smooth(form, &form.input(index))?;
        let part = |part: &str| self.linear(common, &at(&format!("attention.self.{part}")), [width, width], smooth.as_deref());
        let joined = Packed::join(&[&part("query")?, &part("key")?, &part("value")?])?;
        let rows = steps.push(plain(joined), &[x]);
        // By the root the graph divides.
        let scale = 1.0 / (head_width as f32).sqrt();
        let rows = steps.push(Op::Attention(Attention { heads: *heads, head_width, scale, layout: Layout::Joined }), &[rows, ENDS]);
        let rows = steps.push(plain(self.linear(common, &at("attention.output.dense"), [width, width], None)?), &[rows]);
        let x = steps.push(Op::Norm(self.norm(form, &at("attention.output.LayerNorm"))?), &[rows, x]);
        let smooth = self.smooth(form, &at("attention.norm"))?;
        let up = self.linear(common, &at("intermediate.dense"), [width, inner], smooth.as_deref())?;
        let rows = steps.push(Op::Linear(Linear { weights: Arc::new(up), epilogue: Epilogue::Gelu }), &[x]);
        let rows = steps.push(plain(self.linear(common, &at("output.dense"), [inner, width], None)?), &[rows]);
        Some(steps.push(Op::Norm(self.norm(form, &at("output.LayerNorm"))?), &[rows, x]))
    }

    fn pool(&self, steps: &mut Steps, rows: Value) {
        let Metadata { pooling, width, .. } = *self.metadata;
        steps.push(Op::Pool(Pool { pooling, width }), &[rows, ENDS]);
    }

    fn linear(&self, common: &Common, name: &str, [inputs, outputs]: [usize; 2], smooth: Option<&[f32]>) -> Option<Packed> {
        let at = |part: &str| format!("{name}.{part}");
        let weights = self.bytes(&at("weight.int8"), DatumType::I8, [inputs, outputs])?;
        let scale = self.floats(&at("weight.scale"), &[outputs])?;
        let bias = self.floats(&at("bias"), &[outputs])?;
        let zero = stencil::initializer(&at("weight.zero"), &[outputs], DataType::Int8, vec![0; outputs]);
        let sound = fence::fits(outputs, self.metadata.max_tokens) && finite(&scale) && finite(&bias) && self.holds(&[zero]);
        let stored = Stored { weights: &weights, scale: &scale, bias: &bias, smooth };
        Packed::new(&stored, self.metadata.activations, common.kernel).ok().filter(|_| sound)
    }

    fn norm(&self, form: &Bert, name: &str) -> Option<Norm> {
        let part = |part: &str| self.floats(&format!("{name}.{part}"), &[self.metadata.width]);
        let (gain, bias) = (part("weight")?, part("bias")?);
        (finite(&gain) && finite(&bias)).then(|| Norm { gain: gain.into(), bias: bias.into(), epsilon: form.epsilon })
    }

    /// A value's factors: none where it has none, nothing where they are of no use.
    fn smooth(&self, form: &Bert, x: &str) -> Option<Option<Vec<f32>>> {
        if !form.smoothed.contains(x) {
            return Some(None);
        }
        self.floats(&stencil::factors_of(x), &[self.metadata.width]).filter(|factors| finite(factors)).map(Some)
    }

    /// Whether the graph reads nothing but these values, and gives nothing but the last.
    fn turns(&self, inputs: &[&str], output: &str) -> bool {
        let read = self.graph.input.iter().map(|input| &*input.name).filter(|name| !self.tensors.contains_key(*name));
        read.eq(inputs.iter().copied()) && matches!(&*self.graph.output, [given] if given.name == output)
    }

    fn holds(&self, constants: &[TensorProto]) -> bool {
        constants.iter().all(|constant| self.small.get(&*constant.name) == Some(&constant))
    }

    fn bytes(&self, name: &str, kind: DatumType, shape: [usize; 2]) -> Option<Bytes> {
        self.tensors.get(name).filter(|tensor| tensor.is(kind, &shape)).map(|tensor| tensor.data.clone())
    }

    fn floats(&self, name: &str, shape: &[usize]) -> Option<Vec<f32>> {
        let data: &[u8] = match (self.small.get(name), self.tensors.get(name)) {
            (Some(tensor), None) if stencil::is_initializer(tensor, shape, DataType::Float) => &tensor.raw_data,
            (None, Some(tensor)) if tensor.is(DatumType::F32, shape) => &tensor.data,
            _ => return None,
        };
        let size = shape.iter().try_fold(4usize, |size, axis| size.checked_mul(*axis));
        (size == Some(data.len())).then(|| floats(data).collect())
    }

    /// One number a row.
    fn column(&self, name: &str) -> Option<Vec<f32>> {
        self.floats(name, &[self.len(name)?, 1])
    }

    /// A tensor's first axis.
    fn len(&self, name: &str) -> Option<usize> {
        let small = || usize::try_from(*self.small.get(name)?.dims.first()?).ok();
        small().or_else(|| self.tensors.get(name)?.len())
    }
}

fn plain(weights: Packed) -> Op {
    Op::Linear(Linear { weights: Arc::new(weights), epilogue: Epilogue::Plain })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedder::EmbedderFile;
    use crate::embedder::protobuf::ModelProto;

    fn file(change: impl Fn(&mut Parts)) -> bool {
        let (_, mut parts) = EmbedderFile::parse(include_bytes!("../../../tests/data/tiny.onnx")).unwrap().into_parts();
        change(&mut parts);
        steps(&parts).is_some()
    }

    fn known(change: impl Fn(&mut ModelProto)) -> bool {
        file(|parts| change(&mut parts.model))
    }

    fn graph(change: impl Fn(&mut GraphProto)) -> bool {
        known(|model| change(model.graph.as_mut().unwrap()))
    }

    fn constant(name: &str, change: impl Fn(&mut TensorProto)) -> bool {
        graph(|graph| change(graph.initializer.iter_mut().find(|tensor| tensor.name == name).unwrap()))
    }

    #[test]
    fn only_what_the_builder_wrote_is_known() {
        assert!(known(|_| {}));
        assert!(!file(|parts| parts.metadata.width = 0));
        assert!(!file(|parts| parts.metadata.width = 64));
        assert!(!known(|model| model.opset_import[0].version = 18));
        assert!(!graph(|graph| graph.input[1].name = "hidden".into()));
        assert!(!graph(|graph| graph.output[0].name = "pooled".into()));
        assert!(!graph(|graph| graph.node.swap(0, 1)));
        assert!(!graph(|graph| graph.node[9].input[0].push('x')));
        assert!(!graph(|graph| graph.node.last_mut().unwrap().attribute[1].f *= 2.0));
        assert!(!constant("masked", |tensor| tensor.raw_data[3] ^= 1));
        assert!(!constant("heads_shape", |tensor| tensor.raw_data[16..24].fill(0)));
        assert!(!constant("encoder.layer.0.output.dense.weight.zero", |tensor| tensor.raw_data[7] = 1));
        assert!(!constant("encoder.layer.1.intermediate.dense.bias", |tensor| tensor.raw_data.truncate(8)));
        assert!(!constant("embeddings.LayerNorm.weight", |tensor| tensor.raw_data[..4].fill(255)));
    }
}
