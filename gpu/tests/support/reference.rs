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
    const RANGE: f32 = 3.94;
    const PHI: [f32; 7] = [0.398_000_78, -0.064_745_35, 0.008_854_768, -8.318_179e-4, 4.987_05e-5, -1.698_625_3e-6, 2.480_257_6e-8];
    let c = x.clamp(-RANGE, RANGE);
    let p = PHI[..6].iter().rev().fold(PHI[6], |p, k| p * (c * c) + k);
    x * (0.5 + c * p)
}

/// round(most · 2^y) for y ≤ 0.
fn weight(y: f32, most: f32) -> f32 {
    const SERIES: [f32; 5] = [0.999_999_3, 0.693_121_7, 0.240_247_35, 0.055_918_664, 0.009_570_532];
    let above = y.max(-15.0);
    let n = above.round_ties_even();
    let p = SERIES[..4].iter().rev().fold(SERIES[4], |p, k| p * (above - n) + k);
    (p * (n.exp2() * most)).round_ties_even()
}

/// Integers in proportion to numbers, what one of them stands for, and the largest: as many such products as `terms` fit
/// into 32 bits.
fn integers<'a>(numbers: impl Iterator<Item = &'a [f32]> + Clone, terms: usize) -> (Vec<Vec<i32>>, f32, f32) {
    let largest = numbers.clone().flatten().fold(0.0f32, |largest, x| largest.max(x.abs()));
    let most = (i32::MAX as usize / terms).isqrt().min(8191) as f32;
    let inverse = if largest > 0.0 { most / largest } else { 0.0 };
    let of = |x: &f32| (x * inverse).clamp(-most, most).round_ties_even() as i32;
    (numbers.map(|row| row.iter().map(of).collect()).collect(), largest / most, most)
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
    for head in 0..heads {
        let (keys, key_step, _) = integers((0..tokens).map(|token| part(token, 1, head)), head_width);
        let (values, value_step, most) = integers((0..tokens).map(|token| part(token, 2, head)), tokens);
        for query in 0..tokens {
            let (asked, step, _) = integers(std::iter::once(part(query, 0, head)), head_width);
            let unit = scale * std::f32::consts::LOG2_E * (step * key_step);
            let score = |key: &Vec<i32>| asked[0].iter().zip(key).map(|(q, k)| q * k).sum::<i32>() as f32;
            let scores: Vec<f32> = keys.iter().map(score).collect();
            let best = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let weights: Vec<f32> = scores.iter().map(|score| weight((score - best) * unit, most)).collect();
            let share = value_step / weights.iter().sum::<f32>();
            for d in 0..head_width {
                let mixed: i32 = weights.iter().zip(&values).map(|(weight, value)| *weight as i32 * value[d]).sum();
                out[query * width + head * head_width + d] = mixed as f32 * share;
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
