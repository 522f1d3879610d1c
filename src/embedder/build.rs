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
use super::stencil::{self, Bert, INPUTS, ROWS};
use crate::error::{Error, Result};
use prost::Message;
use sha2::{Digest, Sha256};
use source::{Config, Weights};
use std::collections::HashMap;
use writer::Writer;

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
    if words != metadata.vocabulary_len() {
        let problem = format!("{words} word rows for a vocabulary of {}", metadata.vocabulary_len());
        return Err(Error::artifact("model.safetensors", problem));
    }
    // 14 bits are fine enough without.
    let smooth = match activations {
        Activations::Bits7 => calibrate::smoothing(&config, &weights, &metadata)?,
        _ => Smoothing::default(),
    };
    let form = Bert {
        layers: config.num_hidden_layers,
        quantized: activations != Activations::Float,
        epsilon: config.layer_norm_eps,
        smoothed: smooth.keys().cloned().collect(),
    };
    let mut encoder = Encoder { config: &config, weights: &weights, form: &form, smooth, out: Writer::default() };
    encoder.write(words)?;
    Ok(file::write(encoder.out.finish(form.nodes(), INPUTS, ROWS, config.hidden_size).encode_to_vec(), &metadata))
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

/// Writes the weights that a form's nodes read.
struct Encoder<'a> {
    config: &'a Config,
    weights: &'a Weights<'a>,
    form: &'a Bert,
    smooth: Smoothing,
    out: Writer,
}

impl Encoder<'_> {
    fn write(&mut self, words: usize) -> Result<()> {
        let Config { num_attention_heads: heads, hidden_size: width, max_position_embeddings: positions, .. } = *self.config;
        self.out.add(stencil::constants(heads, width));
        self.table("word", words)?;
        self.table("position", positions)?;
        let segments = self.weights.rows("embeddings.token_type_embeddings.weight")?;
        let table = self.weights.get("embeddings.token_type_embeddings.weight", &[segments, width])?;
        self.out.f32("segment_table", &[segments, width], &table);
        self.norm("embeddings.LayerNorm")?;
        (0..self.form.layers).try_for_each(|layer| self.layer(layer))
    }

    fn table(&mut self, name: &str, rows: usize) -> Result<()> {
        let width = self.config.hidden_size;
        let table = self.weights.get(&format!("embeddings.{name}_embeddings.weight"), &[rows, width])?;
        if self.form.quantized {
            let (values, scales): (Vec<_>, Vec<_>) = table.chunks_exact(width).map(quantize).unzip();
            self.out.i8(&format!("{name}_table"), &[rows, width], &values.concat());
            self.out.f32(&format!("{name}_scale"), &[rows, 1], &scales);
        } else {
            self.out.f32(&format!("{name}_table"), &[rows, width], &table);
        }
        Ok(())
    }

    fn layer(&mut self, index: usize) -> Result<()> {
        let at = |part: &str| format!("encoder.layer.{index}.{part}");
        let (width, inner) = (self.config.hidden_size, self.weights.rows(&at("intermediate.dense.weight"))?);
        let factors = self.factors(&self.form.input(index));
        for part in ["query", "key", "value"] {
            self.linear(&at(&format!("attention.self.{part}")), &factors, width, width)?;
        }
        self.linear(&at("attention.output.dense"), &None, width, width)?;
        self.norm(&at("attention.output.LayerNorm"))?;
        let factors = self.factors(&at("attention.norm"));
        self.linear(&at("intermediate.dense"), &factors, width, inner)?;
        self.linear(&at("output.dense"), &None, inner, width)?;
        self.norm(&at("output.LayerNorm"))
    }

    /// A value's factors, where it has some.
    fn factors(&mut self, x: &str) -> Option<Vec<f32>> {
        let factors = self.smooth.remove(x)?;
        self.out.f32(&stencil::factors_of(x), &[factors.len()], &factors);
        Some(factors)
    }

    fn linear(&mut self, name: &str, factors: &Option<Vec<f32>>, inputs: usize, outputs: usize) -> Result<()> {
        let name = |part: &str| format!("{name}.{part}");
        let rows = self.weights.get(&name("weight"), &[outputs, inputs])?;
        let bias = self.weights.get(&name("bias"), &[outputs])?;
        if self.form.quantized {
            let divided = |row: &[f32]| match factors {
                Some(factors) => row.iter().zip(factors).map(|(w, t)| w / t).collect(),
                None => row.to_vec(),
            };
            let (values, scales): (Vec<_>, Vec<_>) = rows.chunks_exact(inputs).map(|row| quantize(&divided(row))).unzip();
            self.out.i8(&name("weight.int8"), &[inputs, outputs], &transpose(&values.concat(), inputs));
            self.out.f32(&name("weight.scale"), &[outputs], &scales);
            self.out.i8(&name("weight.zero"), &[outputs], &vec![0; outputs]);
        } else {
            self.out.f32(&name("weight"), &[inputs, outputs], &transpose(&rows, inputs));
        }
        self.out.f32(&name("bias"), &[outputs], &bias);
        Ok(())
    }

    fn norm(&mut self, name: &str) -> Result<()> {
        for part in ["weight", "bias"] {
            let name = format!("{name}.{part}");
            let values = self.weights.get(&name, &[self.config.hidden_size])?;
            self.out.f32(&name, &[self.config.hidden_size], &values);
        }
        Ok(())
    }
}

/// Symmetric int8: the largest magnitude becomes 127.
fn quantize(row: &[f32]) -> (Vec<i8>, f32) {
    let largest = row.iter().fold(0.0f32, |max, x| max.max(x.abs()));
    let scale = if largest > 0.0 { largest / 127.0 } else { 1.0 };
    (row.iter().map(|x| (x / scale).round_ties_even() as i8).collect(), scale)
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
