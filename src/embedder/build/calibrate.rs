//! What activations look like: an f32 encoder of its own runs over fixed sentences, and the layers' inputs tell by which
//! factors to equalise them before they are quantized (the idea of SmoothQuant, Xiao et al. 2022, arXiv 2211.10438).
//!
//! For an input coordinate of root mean square r over all tokens, and weights of root mean square v, the factor is
//! r^-0.7 · v^0.3, scaled so that the factors' geometric mean is 1. Anything between
//! 0.5 and 0.8 in place of 0.7 gives the same error, to a tenth.

use super::source::{Config, Weights};
use super::{Metadata, Smoothing};
use crate::embedder::ops::math::{dot, gelu};
use crate::embedder::ops::{Attention, Layout, Norm};
use crate::error::Result;
use crate::tokenizer::Tokenizer;

/// One sentence a line, of many kinds.
const SENTENCES: &str = include_str!("calibration.txt");

/// Factors for the inputs of attention and of the feed-forward part, by the name of the value.
pub(super) fn smoothing(config: &Config, weights: &Weights, metadata: &Metadata) -> Result<Smoothing> {
    let encoder = Encoder::new(config, weights)?;
    let tokenizer = Tokenizer::new(metadata.vocabulary(), metadata.max_tokens, metadata.normalization)?;
    let texts: Vec<Vec<u32>> = SENTENCES.lines().map(|line| tokenizer.encode(line).ids).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let run = |texts: &[Vec<u32>]| texts.iter().map(|ids| encoder.squares(ids)).collect::<Vec<_>>();
    let parts: Vec<Vec<Squares>> = std::thread::scope(|scope| {
        let chunks = texts.chunks(texts.len().div_ceil(threads).max(1));
        let running: Vec<_> = chunks.map(|texts| scope.spawn(|| run(texts))).collect();
        running.into_iter().map(|thread| thread.join().unwrap_or_default()).collect()
    });
    // Text after text, however many threads there were: sums depend on their order.
    let mut squares: Squares = vec![vec![0.0; config.hidden_size]; 2 * encoder.layers.len()];
    for text in parts.iter().flatten() {
        squares.iter_mut().flatten().zip(text.iter().flatten()).for_each(|(sum, x)| *sum += x);
    }
    let tokens = texts.iter().map(Vec::len).sum::<usize>() as f64;
    let inputs = encoder.layers.iter().enumerate().flat_map(|(i, layer)| layer.inputs(i));
    Ok(inputs.zip(squares).map(|((name, dense), squares)| (name, factors(dense, &squares, tokens))).collect())
}

/// Sums of squares by coordinate, for the two inputs of every layer.
type Squares = Vec<Vec<f64>>;

fn factors(dense: &Dense, squares: &[f64], tokens: f64) -> Vec<f32> {
    let outputs = dense.bias.len() as f64;
    let raw: Vec<f64> = squares
        .iter()
        .enumerate()
        .map(|(c, square)| {
            let weight: f64 = dense.weight.iter().skip(c).step_by(dense.inputs).map(|w| f64::from(*w).powi(2)).sum();
            let (input, weight) = ((square / tokens).sqrt().max(1e-3), (weight / outputs).sqrt().max(1e-6));
            input.powf(-0.7) * weight.powf(0.3)
        })
        .collect();
    let mean = (raw.iter().map(|t| t.ln()).sum::<f64>() / raw.len() as f64).exp();
    raw.iter().map(|t| coarse((t / mean) as f32)).collect()
}

/// Eight significant bits: the last bits of `powf` differ between platforms, and the file must not.
fn coarse(x: f32) -> f32 {
    f32::from_bits((x.to_bits() + 0x8000) & 0xffff_0000)
}

struct Dense {
    inputs: usize,
    /// [outputs, inputs]
    weight: Vec<f32>,
    bias: Vec<f32>,
}

struct Layer {
    qkv: Dense,
    out: Dense,
    up: Dense,
    down: Dense,
    attention_norm: Norm,
    output_norm: Norm,
}

struct Encoder {
    words: Vec<f32>,
    positions: Vec<f32>,
    kind: Vec<f32>,
    norm: Norm,
    attention: Attention,
    layers: Vec<Layer>,
}

impl Layer {
    fn new(config: &Config, weights: &Weights, index: usize) -> Result<Self> {
        let name = format!("encoder.layer.{index}");
        let width = config.hidden_size;
        let inner = weights.rows(&format!("{name}.intermediate.dense.weight"))?;
        let dense = |part: &str, outputs, inputs| Dense::new(weights, &format!("{name}.{part}"), outputs, inputs);
        let [q, k, v] = ["query", "key", "value"].map(|part| dense(&format!("attention.self.{part}"), width, width));
        let (q, k, v) = (q?, k?, v?);
        Ok(Self {
            qkv: Dense { inputs: width, weight: [q.weight, k.weight, v.weight].concat(), bias: [q.bias, k.bias, v.bias].concat() },
            out: dense("attention.output.dense", width, width)?,
            up: dense("intermediate.dense", inner, width)?,
            down: dense("output.dense", width, inner)?,
            attention_norm: norm(config, weights, &format!("{name}.attention.output.LayerNorm"))?,
            output_norm: norm(config, weights, &format!("{name}.output.LayerNorm"))?,
        })
    }

    /// The two inputs to smooth, by the names that the graph gives them, with the weights that read them.
    fn inputs(&self, index: usize) -> [(String, &Dense); 2] {
        let before = match index.checked_sub(1) {
            None => "embeddings.norm".into(),
            Some(before) => format!("encoder.layer.{before}.output.norm"),
        };
        [(before, &self.qkv), (format!("encoder.layer.{index}.attention.norm"), &self.up)]
    }
}

impl Encoder {
    fn new(config: &Config, weights: &Weights) -> Result<Self> {
        let width = config.hidden_size;
        let table = |name: &str| {
            let name = format!("embeddings.{name}_embeddings.weight");
            weights.get(&name, &[weights.rows(&name)?, width])
        };
        let (heads, head_width) = (config.num_attention_heads, width / config.num_attention_heads);
        Ok(Self {
            words: table("word")?,
            positions: table("position")?,
            kind: table("token_type")?[..width].to_vec(),
            norm: norm(config, weights, "embeddings.LayerNorm")?,
            attention: Attention { heads, head_width, scale: 1.0 / (head_width as f32).sqrt(), layout: Layout::Joined },
            layers: (0..config.num_hidden_layers).map(|i| Layer::new(config, weights, i)).collect::<Result<_>>()?,
        })
    }

    /// Runs one text and sums the squares of what the layers read.
    fn squares(&self, ids: &[u32]) -> Squares {
        let width = self.kind.len();
        let mut x: Vec<f32> = ids.iter().enumerate().flat_map(|(i, id)| self.embedded(*id as usize, i)).collect();
        let mut squares = Squares::new();
        for layer in &self.layers {
            squares.push(squared(&x, width));
            let qkv = layer.qkv.rows(&x);
            let mut mixed = vec![0.0; x.len()];
            let parts = [0, 1, 2].map(|part| &qkv[part * width..]);
            self.attention.texts(parts, 3 * width, std::slice::from_ref(&(0..ids.len())), &mut mixed);
            x = added(&layer.attention_norm, &x, layer.out.rows(&mixed));
            squares.push(squared(&x, width));
            let mut inner = layer.up.rows(&x);
            gelu(&mut inner);
            x = added(&layer.output_norm, &x, layer.down.rows(&inner));
        }
        squares
    }

    fn embedded(&self, id: usize, position: usize) -> Vec<f32> {
        let width = self.kind.len();
        let row = |table: &[f32], row: usize| table[row * width..][..width].to_vec();
        let (word, position) = (row(&self.words, id), row(&self.positions, position));
        let mut sum: Vec<f32> = word.iter().zip(&self.kind).zip(position).map(|((w, k), p)| w + k + p).collect();
        self.norm.row(&mut sum);
        sum
    }
}

impl Dense {
    fn new(weights: &Weights, name: &str, outputs: usize, inputs: usize) -> Result<Self> {
        let weight = weights.get(&format!("{name}.weight"), &[outputs, inputs])?;
        Ok(Self { inputs, weight, bias: weights.get(&format!("{name}.bias"), &[outputs])? })
    }

    fn rows(&self, x: &[f32]) -> Vec<f32> {
        let row = |x| self.weight.chunks_exact(self.inputs).zip(&self.bias).map(move |(w, b)| dot(x, w) + b);
        x.chunks_exact(self.inputs).flat_map(row).collect()
    }
}

fn norm(config: &Config, weights: &Weights, name: &str) -> Result<Norm> {
    let vector = |part: &str| weights.get(&format!("{name}.{part}"), &[config.hidden_size]);
    Ok(Norm { gain: vector("weight")?.into(), bias: vector("bias")?.into(), epsilon: config.layer_norm_eps })
}

fn added(norm: &Norm, x: &[f32], mut y: Vec<f32>) -> Vec<f32> {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += x);
    y.chunks_exact_mut(norm.width()).for_each(|row| norm.row(row));
    y
}

fn squared(x: &[f32], width: usize) -> Vec<f64> {
    x.chunks_exact(width).fold(vec![0.0; width], |mut sums, row| {
        sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x).powi(2));
        sums
    })
}
