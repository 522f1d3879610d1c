//! A sentence-transformers folder becomes an embedder file.
//!
//! The graph uses stock ONNX operators only, so any ONNX runtime opens it. With int8 weights each linear layer is
//! `MatMul(x ∘ smooth, DequantizeLinear(weight / smooth))`, symmetric per output channel, and the word and position
//! tables are int8 with a scale per row.

mod calibrate;
mod distil;
mod source;
mod writer;

pub use distil::distil;
pub use source::Folder;

use super::Activations;
use super::file::{self, Metadata};
use super::protobuf::ModelProto;
use crate::error::{Error, Result};
use prost::Message;
use sha2::{Digest, Sha256};
use source::{Config, Weights};
use std::collections::HashMap;
use writer::{Attribute, Writer};

/// Builds an embedder file: with weights of f32, or of int8 that meet activations of the given bits. The same folder and
/// format give the same bytes.
///
/// # Errors
/// [`Error::BadArtifact`] names the file of the folder that cannot be used, and why.
pub fn build(folder: &Folder, activations: Activations) -> Result<Vec<u8>> {
    let config = folder.config()?;
    let weights = Weights::new(&folder.weights)?;
    let kind = if activations == Activations::Float { "f32" } else { "int8" };
    let metadata = metadata(folder, &config, kind, activations, &folder.weights)?;
    let words = weights.rows("embeddings.word_embeddings.weight")?;
    if words != metadata.vocabulary().count() {
        let problem = format!("{words} word rows for a vocabulary of {}", metadata.vocabulary().count());
        return Err(Error::artifact("model.safetensors", problem));
    }
    // 14 bits are fine enough without.
    let smooth = match activations {
        Activations::Bits7 => calibrate::smoothing(&config, &weights, &metadata)?,
        _ => Smoothing::default(),
    };
    let mut encoder = Encoder { config: &config, weights: &weights, activations, smooth, out: Writer::default() };
    let hidden = encoder.write(words)?;
    let inputs = ["input_ids", "attention_mask", "token_type_ids"];
    Ok(file::write(encoder.out.finish(&inputs, &hidden, config.hidden_size).encode_to_vec(), &metadata))
}

/// Makes an embedder file of somebody else's ONNX graph, which stays as it is. The folder's weights are not read.
/// `activations` holds for linear layers whose weights are dequantized from symmetric int8; [`Activations::Float`] is
/// what the graph says.
///
/// # Errors
/// [`Error::BadArtifact`] where the graph cannot be read, or as [`build`] for the folder.
pub fn adopt(folder: &Folder, onnx: &[u8], activations: Activations) -> Result<Vec<u8>> {
    ModelProto::decode(onnx).map_err(|e| Error::artifact("onnx", e))?;
    let metadata = metadata(folder, &folder.config()?, "onnx", activations, onnx)?;
    Ok(file::write(onnx.to_vec(), &metadata))
}

fn metadata(folder: &Folder, config: &Config, weights: &str, activations: Activations, source: &[u8]) -> Result<Metadata> {
    let (tokens, normalization) = folder.tokens()?;
    Ok(Metadata {
        vocabulary: file::vocabulary(&tokens)?,
        normalization,
        max_tokens: folder.max_tokens(config.max_position_embeddings)?,
        width: config.hidden_size,
        pooling: folder.pooling()?,
        weights: weights.into(),
        activations,
        source_sha256: file::hex(&Sha256::digest(source)),
    })
}

/// Factors of a linear layer's inputs, by the name of the value they multiply.
type Smoothing = HashMap<String, Vec<f32>>;

struct Encoder<'a> {
    config: &'a Config,
    weights: &'a Weights<'a>,
    activations: Activations,
    smooth: Smoothing,
    out: Writer,
}

impl Encoder<'_> {
    fn write(&mut self, words: usize) -> Result<String> {
        self.constants();
        let mut x = self.embeddings(words)?;
        for layer in 0..self.config.num_hidden_layers {
            let last = layer + 1 == self.config.num_hidden_layers;
            x = self.layer(&format!("encoder.layer.{layer}"), &x, last)?;
        }
        Ok(x)
    }

    /// What all layers share: the additive mask, head shapes, and GELU's numbers.
    fn constants(&mut self) {
        let (heads, width) = (self.config.num_attention_heads, self.config.hidden_size);
        let head_width = width / heads;
        self.out.i64("heads_shape", &[4], &[0, 0, heads as i64, head_width as i64]);
        self.out.i64("rows_shape", &[3], &[0, 0, width as i64]);
        self.out.f32("attention_scale", &[], &[(head_width as f32).sqrt()]);
        self.out.f32("sqrt_two", &[], &[std::f32::consts::SQRT_2]);
        self.out.f32("half", &[], &[0.5]);
        self.out.f32("one", &[], &[1.0]);
        self.out.f32("masked", &[], &[-3.0e4]);
        self.out.i64("mask_axes", &[2], &[1, 2]);
        self.out.node("Cast", "mask_float", &["attention_mask"], &[Attribute::Int("to", 1)]);
        self.out.node("Unsqueeze", "mask_rows", &["mask_float", "mask_axes"], &[]);
        self.out.node("Sub", "mask_hidden", &["one", "mask_rows"], &[]);
        self.out.node("Mul", "mask", &["mask_hidden", "masked"], &[]);
    }

    fn embeddings(&mut self, words: usize) -> Result<String> {
        let (width, positions) = (self.config.hidden_size, self.config.max_position_embeddings);
        self.out.node("Shape", "ids_shape", &["input_ids"], &[]);
        self.out.i64("zero", &[1], &[0]);
        self.out.i64("length_index", &[1], &[1]);
        self.out.node("Gather", "length", &["ids_shape", "length_index"], &[Attribute::Int("axis", 0)]);
        let word = self.rows("word", words, |out, name, table| out.node("Gather", name, &[table, "input_ids"], &[]))?;
        let position =
            self.rows("position", positions, |out, name, table| out.node("Slice", name, &[table, "zero", "length", "zero"], &[]))?;
        let segments = self.weights.rows("embeddings.token_type_embeddings.weight")?;
        let table = self.weights.get("embeddings.token_type_embeddings.weight", &[segments, width])?;
        self.out.f32("segment_table", &[segments, width], &table);
        self.out.node("Gather", "segment", &["segment_table", "token_type_ids"], &[]);
        self.out.node("Add", "word_segment", &[&word, "segment"], &[]);
        let sum = self.out.node("Add", "word_segment_position", &["word_segment", &position], &[]);
        self.norm("embeddings.LayerNorm", &sum, "embeddings.norm")
    }

    /// Rows that `look` takes from a table, which is int8 with a scale per row unless all is f32.
    fn rows(&mut self, name: &str, rows: usize, look: impl Fn(&mut Writer, &str, &str) -> String) -> Result<String> {
        let width = self.config.hidden_size;
        let table = self.weights.get(&format!("embeddings.{name}_embeddings.weight"), &[rows, width])?;
        let (table_name, scale_name) = (format!("{name}_table"), format!("{name}_scale"));
        if self.activations == Activations::Float {
            self.out.f32(&table_name, &[rows, width], &table);
            return Ok(look(&mut self.out, name, &table_name));
        }
        let (values, scales): (Vec<_>, Vec<_>) = table.chunks_exact(width).map(quantize).unzip();
        self.out.i8(&table_name, &[rows, width], &values.concat());
        self.out.f32(&scale_name, &[rows, 1], &scales);
        let int8 = look(&mut self.out, &format!("{name}_int8"), &table_name);
        let float = self.out.node("Cast", &format!("{name}_float"), &[&int8], &[Attribute::Int("to", 1)]);
        let scale = look(&mut self.out, &format!("{name}_row_scale"), &scale_name);
        Ok(self.out.node("Mul", name, &[&float, &scale], &[]))
    }

    fn layer(&mut self, layer: &str, x: &str, last: bool) -> Result<String> {
        let (width, inner) = (self.config.hidden_size, self.out_width(layer)?);
        let smooth = self.smoothed(x);
        let context = self.attention(layer, &smooth)?;
        let attended = self.linear(&format!("{layer}.attention.output.dense"), &context, width, width)?;
        let sum = self.out.node("Add", &format!("{layer}.attention.sum"), &[&attended, x], &[]);
        let x = self.norm(&format!("{layer}.attention.output.LayerNorm"), &sum, &format!("{layer}.attention.norm"))?;
        let smooth = self.smoothed(&x);
        let up = self.linear(&format!("{layer}.intermediate.dense"), &smooth, width, inner)?;
        let up = self.gelu(&format!("{layer}.gelu"), &up);
        let down = self.linear(&format!("{layer}.output.dense"), &up, inner, width)?;
        let sum = self.out.node("Add", &format!("{layer}.output.sum"), &[&down, &x], &[]);
        let name = if last { "last_hidden_state".into() } else { format!("{layer}.output.norm") };
        self.norm(&format!("{layer}.output.LayerNorm"), &sum, &name)
    }

    fn out_width(&self, layer: &str) -> Result<usize> {
        self.weights.rows(&format!("{layer}.intermediate.dense.weight"))
    }

    /// softmax(q kᵀ / √d + mask) v over heads, back in rows.
    fn attention(&mut self, layer: &str, x: &str) -> Result<String> {
        let at = |name: &str| format!("{layer}.attention.{name}");
        let q = self.heads(layer, "query", x, &[0, 2, 1, 3])?;
        let k = self.heads(layer, "key", x, &[0, 2, 3, 1])?;
        let v = self.heads(layer, "value", x, &[0, 2, 1, 3])?;
        let scores = self.out.node("MatMul", &at("scores"), &[&q, &k], &[]);
        let scaled = self.out.node("Div", &at("scaled"), &[&scores, "attention_scale"], &[]);
        let masked = self.out.node("Add", &at("masked"), &[&scaled, "mask"], &[]);
        let weights = self.out.node("Softmax", &at("weights"), &[&masked], &[Attribute::Int("axis", -1)]);
        let context = self.out.node("MatMul", &at("context"), &[&weights, &v], &[]);
        let rows = self.out.node("Transpose", &at("context.rows"), &[&context], &[Attribute::Ints("perm", &[0, 2, 1, 3])]);
        Ok(self.out.node("Reshape", &at("context.joined"), &[&rows, "rows_shape"], &[]))
    }

    fn heads(&mut self, layer: &str, part: &str, x: &str, perm: &[i64]) -> Result<String> {
        let name = format!("{layer}.attention.self.{part}");
        let rows = self.linear(&name, x, self.config.hidden_size, self.config.hidden_size)?;
        let split = self.out.node("Reshape", &format!("{name}.split"), &[&rows, "heads_shape"], &[]);
        Ok(self.out.node("Transpose", &format!("{name}.heads"), &[&split], &[Attribute::Ints("perm", perm)]))
    }

    /// x times its factors, where it has some.
    fn smoothed(&mut self, x: &str) -> String {
        let Some(factors) = self.smooth.get(x) else { return x.into() };
        let factors = self.out.f32(&format!("{x}.smooth"), &[factors.len()], factors);
        self.out.node("Mul", &smoothed_name(x), &[x, &factors], &[])
    }

    fn linear(&mut self, name: &str, x: &str, inputs: usize, outputs: usize) -> Result<String> {
        let rows = self.weights.get(&format!("{name}.weight"), &[outputs, inputs])?;
        let bias = self.weights.get(&format!("{name}.bias"), &[outputs])?;
        let weight = match self.activations {
            Activations::Float => self.out.f32(&format!("{name}.weight"), &[inputs, outputs], &transpose(&rows, inputs)),
            _ => self.int8_weight(&format!("{name}.weight"), &rows, x, inputs, outputs),
        };
        let bias = self.out.f32(&format!("{name}.bias"), &[outputs], &bias);
        let product = self.out.node("MatMul", &format!("{name}.product"), &[x, &weight], &[]);
        Ok(self.out.node("Add", name, &[&product, &bias], &[]))
    }

    fn int8_weight(&mut self, name: &str, rows: &[f32], x: &str, inputs: usize, outputs: usize) -> String {
        let factors = self.smooth.iter().find(|(name, _)| smoothed_name(name) == x).map(|(_, factors)| factors);
        let divided = |row: &[f32]| match factors {
            Some(factors) => row.iter().zip(factors).map(|(w, t)| w / t).collect(),
            None => row.to_vec(),
        };
        let (values, scales): (Vec<_>, Vec<_>) = rows.chunks_exact(inputs).map(|row| quantize(&divided(row))).unzip();
        let values = transpose(&values.concat(), inputs);
        let values = self.out.i8(&format!("{name}.int8"), &[inputs, outputs], &values);
        let scales = self.out.f32(&format!("{name}.scale"), &[outputs], &scales);
        let zeros = self.out.i8(&format!("{name}.zero"), &[outputs], &vec![0; outputs]);
        self.out.node("DequantizeLinear", name, &[&values, &scales, &zeros], &[Attribute::Int("axis", 1)])
    }

    fn norm(&mut self, weights: &str, x: &str, name: &str) -> Result<String> {
        let width = self.config.hidden_size;
        let gain = self.weights.get(&format!("{weights}.weight"), &[width])?;
        let bias = self.weights.get(&format!("{weights}.bias"), &[width])?;
        let gain = self.out.f32(&format!("{weights}.weight"), &[width], &gain);
        let bias = self.out.f32(&format!("{weights}.bias"), &[width], &bias);
        let attributes = [Attribute::Int("axis", -1), Attribute::Float("epsilon", self.config.layer_norm_eps)];
        Ok(self.out.node("LayerNormalization", name, &[x, &gain, &bias], &attributes))
    }

    /// x (1 + erf(x/√2)) / 2
    fn gelu(&mut self, name: &str, x: &str) -> String {
        let at = |part: &str| format!("{name}.{part}");
        let scaled = self.out.node("Div", &at("scaled"), &[x, "sqrt_two"], &[]);
        let erf = self.out.node("Erf", &at("erf"), &[&scaled], &[]);
        let gate = self.out.node("Add", &at("gate"), &[&erf, "one"], &[]);
        let gated = self.out.node("Mul", &at("gated"), &[x, &gate], &[]);
        self.out.node("Mul", name, &[&gated, "half"], &[])
    }
}

/// Symmetric int8: the largest magnitude becomes 127.
fn quantize(row: &[f32]) -> (Vec<i8>, f32) {
    let largest = row.iter().fold(0.0f32, |max, x| max.max(x.abs()));
    let scale = if largest > 0.0 { largest / 127.0 } else { 1.0 };
    (row.iter().map(|x| (x / scale).round_ties_even() as i8).collect(), scale)
}

fn smoothed_name(x: &str) -> String {
    format!("{x}.smoothed")
}

/// [outputs, inputs] to [inputs, outputs].
fn transpose<T: Copy>(rows: &[T], inputs: usize) -> Vec<T> {
    (0..inputs).flat_map(|i| rows.iter().skip(i).step_by(inputs).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_quantize_to_their_own_scale() {
        assert_eq!(quantize(&[0.0, -2.54, 1.27]), (vec![0, -127, 64], 2.54 / 127.0));
        assert_eq!(quantize(&[0.0; 3]), (vec![0; 3], 1.0));
    }

    #[test]
    fn transposing_swaps_the_axes() {
        assert_eq!(transpose(&[1, 2, 3, 4, 5, 6], 3), [1, 4, 2, 5, 3, 6]);
    }
}
