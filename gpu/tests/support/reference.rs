//! The ops one number at a time, in the order of arithmetic that the main crate's `embedder::ops` have.

use std::ops::Range;

const LANES: usize = 8;

fn tree(x: [f32; LANES]) -> f32 {
    ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7]))
}

fn sum(values: impl Iterator<Item = f32>) -> f32 {
    let mut lanes = [0.0; LANES];
    values.enumerate().for_each(|(i, x)| lanes[i % LANES] += x);
    tree(lanes)
}

pub fn gelu(x: f32) -> f32 {
    const RANGE: f32 = 4.4;
    const PHI: [f32; 9] = [
        0.160_404_42,
        -0.078_612_31,
        0.055_250_52,
        -0.040_089_235,
        0.026_802_193,
        -0.015_976_993,
        0.010_987_832,
        -0.007_884_178,
        0.002_754_171_8,
    ];
    let c = x.clamp(-RANGE, RANGE);
    let t = c * c * (2.0 / (RANGE * RANGE)) - 1.0;
    let p = PHI[..8].iter().rev().fold(PHI[8], |p, k| p * t + k);
    x * (0.5 + c * p).clamp(0.0, 1.0)
}

pub fn exp_negative(x: f32) -> f32 {
    let above = x.max(-87.0);
    let n = (above * std::f32::consts::LOG2_E).round_ties_even();
    let r = (above - n * 0.693_359_4) - n * -2.121_944_4e-4;
    let p = 8.333_452e-3 + r * (1.398_2e-3 + r * 1.987_569_2e-4);
    let p = 1.666_666_5e-1 + r * (4.166_579_6e-2 + r * p);
    let p = (0.5 + r * p) * (r * r) + r + 1.0;
    if x > -87.0 { p * f32::from_bits(((n as i32 + 127) << 23) as u32) } else { 0.0 }
}

/// A layer whose weights are [inputs, outputs].
pub struct Linear {
    pub inputs: usize,
    pub outputs: usize,
    pub bits: u32,
    pub gelu: bool,
    pub smooth: Option<Vec<f32>>,
    pub scale: Vec<f32>,
    pub sum: Vec<f32>,
    pub bias: Vec<f32>,
    pub weights: Vec<i8>,
}

impl Linear {
    pub fn row(&self, x: &[f32]) -> Vec<f32> {
        let (low, high) = if self.bits == 7 { (0.0, 127.0) } else { (-8191.0f32, 8191.0f32) };
        let x: Vec<f32> = match &self.smooth {
            Some(smooth) => x.iter().zip(smooth).map(|(x, s)| x * s).collect(),
            None => x.to_vec(),
        };
        let min = x.iter().copied().fold(f32::INFINITY, f32::min);
        let max = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let step = if max > min { (max - min) / (high - low) } else { 0.0 };
        let inverse = 1.0 / step;
        let level = |x: &f32| ((x - min) * inverse + low).min(high).round_ties_even() as i32;
        let levels: Vec<i32> = x.iter().map(level).collect();
        let offset = min - low * step;
        let output = |o: usize| {
            let sum: i32 = levels.iter().enumerate().map(|(i, q)| q * i32::from(self.weights[i * self.outputs + o])).sum();
            let y = sum as f32 * (step * self.scale[o]) + (offset * self.sum[o] + self.bias[o]);
            if self.gelu { gelu(y) } else { y }
        };
        (0..self.outputs).map(output).collect()
    }
}

/// Rows of [query, key, value] of one text.
pub fn attention(rows: &[f32], heads: usize, head_width: usize, scale: f32) -> Vec<f32> {
    let width = heads * head_width;
    let tokens = rows.len() / (3 * width);
    let part = |token: usize, part: usize, head: usize| &rows[token * 3 * width + part * width + head * head_width..][..head_width];
    let mut out = vec![0.0; tokens * width];
    for query in 0..tokens {
        for head in 0..heads {
            let score = |token| part(query, 0, head).iter().zip(part(token, 1, head)).fold(0.0, |sum, (q, k)| sum + q * k);
            let scores: Vec<f32> = (0..tokens).map(score).collect();
            let best = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let weights: Vec<f32> = scores.iter().map(|score| exp_negative((score - best) * scale)).collect();
            let total = sum(weights.iter().copied());
            for d in 0..head_width {
                let mixed = (0..tokens).fold(0.0, |sum, token| sum + weights[token] * part(token, 2, head)[d]);
                out[query * width + head * head_width + d] = mixed / total;
            }
        }
    }
    out
}

pub fn norm(row: &[f32], gain: &[f32], bias: &[f32], epsilon: f32) -> Vec<f32> {
    let count = row.len() as f32;
    let mean = sum(row.iter().copied()) / count;
    let centred: Vec<f32> = row.iter().map(|x| x - mean).collect();
    let inverse = 1.0 / (sum(centred.iter().map(|x| x * x)) / count + epsilon).sqrt();
    centred.iter().zip(gain).zip(bias).map(|((x, gain), bias)| x * inverse * gain + bias).collect()
}

/// All texts' rows to vectors.
pub fn pool(rows: &[f32], width: usize, texts: &[Range<usize>], cls: bool) -> Vec<f32> {
    let vector = |text: &Range<usize>| {
        let end = if cls { text.start + 1 } else { text.end };
        let sums: Vec<f32> = (0..width).map(|i| (text.start..end).fold(0.0, |sum, row| sum + rows[row * width + i])).collect();
        let length = sum(sums.iter().map(|x| x * x)).sqrt();
        sums.into_iter().map(move |x| x / length)
    };
    texts.iter().flat_map(vector).collect()
}
