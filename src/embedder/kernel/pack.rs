//! Weights in the order in which a kernel reads them.

use super::LANES;
#[cfg(all(target_arch = "wasm32", feature = "relaxed"))]
use super::relaxed::WIDE;
use super::turn::turn;
use crate::error::{Error, Result};
use std::str::FromStr;

/// Number format of the activations that the linear layers multiply: named by the embedder file, the same everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activations {
    /// 0..=127. Two to four times the throughput where a machine multiplies bytes.
    Bits7,
    /// -8191..=8191. As fast as 7 bits where a machine multiplies 16-bit numbers at best.
    Bits14,
    /// Not quantized: the layers run in f32.
    Float,
}

impl Activations {
    /// The smallest and the largest integer.
    pub(super) fn range(self) -> (f32, f32) {
        match self {
            Self::Bits7 => (0.0, 127.0),
            Self::Bits14 | Self::Float => (-8191.0, 8191.0),
        }
    }

    /// The name in the embedder file: bits, or `f32`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bits7 => "7",
            Self::Bits14 => "14",
            Self::Float => "f32",
        }
    }
}

impl FromStr for Activations {
    type Err = String;

    fn from_str(name: &str) -> std::result::Result<Self, String> {
        [Self::Bits7, Self::Bits14, Self::Float].into_iter().find(|a| a.name() == name).ok_or_else(|| format!("unknown format {name:?}"))
    }
}

/// Which code multiplies. All that may run a format compute the same integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::embedder) enum Kernel {
    /// Plain Rust, any format: the reference.
    Scalar,
    /// WebAssembly's `i32x4.dot_i16x8_s`, any format.
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    Simd128,
    /// WebAssembly's `i32x4.relaxed_dot_i8x16_i7x16_add_s`, 7 bits.
    #[cfg(all(target_arch = "wasm32", feature = "relaxed"))]
    Relaxed,
    /// `vpmaddwd`, any format.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// `vpmaddubsw`, 7 bits.
    #[cfg(target_arch = "x86_64")]
    Avx2Bytes,
    /// `vpdpbusd` as AVX-512 has it, 7 bits.
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
    /// `vpdpbusd` as AVX-VNNI has it, 7 bits.
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
}

impl Kernel {
    /// Inputs that stand next to each other in a panel.
    fn group(self) -> usize {
        match self {
            Self::Scalar => 2,
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Self::Simd128 => 2,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => 2,
            #[cfg(any(target_arch = "x86_64", all(target_arch = "wasm32", feature = "relaxed")))]
            _ => 4,
        }
    }

    /// Eights of outputs in this kernel's panels, where they divide a layer's outputs.
    fn eights(self) -> usize {
        match self {
            #[cfg(all(target_arch = "wasm32", feature = "relaxed"))]
            Self::Relaxed => WIDE,
            _ => 1,
        }
    }

    /// This machine's kernels for a format, the fastest first.
    pub(in crate::embedder) fn available(format: Activations) -> Vec<Self> {
        let bytes = format == Activations::Bits7;
        let all = [bytes_kernels as fn() -> Vec<Self>, wide_kernels];
        all.iter().skip(usize::from(!bytes)).flat_map(|kernels| kernels()).chain([Self::Scalar]).collect()
    }
}

#[cfg(target_arch = "x86_64")]
fn bytes_kernels() -> Vec<Kernel> {
    let avx2 = is_x86_feature_detected!("avx2");
    let vnni512 = avx2 && is_x86_feature_detected!("avx512vnni") && is_x86_feature_detected!("avx512vl");
    let kernels =
        [(Kernel::Avx512Vnni, vnni512), (Kernel::AvxVnni, avx2 && is_x86_feature_detected!("avxvnni")), (Kernel::Avx2Bytes, avx2)];
    kernels.into_iter().filter_map(|(kernel, has)| has.then_some(kernel)).collect()
}

#[cfg(target_arch = "x86_64")]
fn wide_kernels() -> Vec<Kernel> {
    if is_x86_feature_detected!("avx2") { vec![Kernel::Avx2] } else { vec![] }
}

#[cfg(not(target_arch = "x86_64"))]
fn bytes_kernels() -> Vec<Kernel> {
    vec![
        #[cfg(all(target_arch = "wasm32", feature = "relaxed"))]
        Kernel::Relaxed,
    ]
}

#[cfg(not(target_arch = "x86_64"))]
fn wide_kernels() -> Vec<Kernel> {
    vec![
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        Kernel::Simd128,
    ]
}

/// A linear layer as an embedder file stores it.
pub(in crate::embedder) struct Stored<'a> {
    /// [inputs, outputs], row after row: the bits of int8 numbers.
    pub(in crate::embedder) weights: &'a [u8],
    /// One per output.
    pub(in crate::embedder) scale: &'a [f32],
    /// One per output.
    pub(in crate::embedder) bias: &'a [f32],
    /// One per input, or none.
    pub(in crate::embedder) smooth: Option<&'a [f32]>,
}

/// A linear layer, packed: [outputs / (8 eights)][inputs / group][eights][8][group], padded with zeros.
#[derive(Debug)]
pub(in crate::embedder) struct Packed {
    kernel: Kernel,
    format: Activations,
    inputs: usize,
    outputs: usize,
    /// Eights of outputs in a panel.
    eights: usize,
    panels: Vec<i8>,
    scale: Vec<f32>,
    /// Scale times sum of the weights, by output.
    sum: Vec<f32>,
    bias: Vec<f32>,
    smooth: Option<Vec<f32>>,
}

impl Packed {
    /// Packs a layer for a kernel that can run the format.
    pub(in crate::embedder) fn new(stored: &Stored, format: Activations, kernel: Kernel) -> Result<Self> {
        let (outputs, inputs) = (stored.scale.len(), stored.weights.len() / stored.scale.len().max(1));
        let fits = inputs * outputs == stored.weights.len() && stored.bias.len() == outputs;
        if !fits || inputs == 0 || stored.smooth.is_some_and(|s| s.len() != inputs) {
            return Err(Error::artifact("graph", "a linear layer's weights, scales and bias do not fit together"));
        }
        let (low, high) = format.range();
        // Every partial sum is at most this: beyond it, 32 bits could overflow.
        if inputs as f64 * f64::from(high.max(-low)) * 128.0 >= f64::from(i32::MAX) {
            return Err(Error::artifact("graph", format!("{inputs} inputs are too many for {} bits", format.name())));
        }
        let pad = |values: &[f32]| values.iter().copied().chain(std::iter::repeat(0.0)).take(outputs.next_multiple_of(LANES)).collect();
        let eights = if outputs.is_multiple_of(kernel.eights() * LANES) { kernel.eights() } else { 1 };
        let panels = match kernel.group() {
            2 => pack::<2>(stored.weights, inputs, outputs, eights),
            _ => pack::<4>(stored.weights, inputs, outputs, eights),
        };
        let sums: Vec<f32> = sums(stored.weights, outputs).iter().zip(stored.scale).map(|(sum, scale)| *sum as f32 * scale).collect();
        let (scale, sum, bias) = (pad(stored.scale), pad(&sums), pad(stored.bias));
        Ok(Self { kernel, format, inputs, outputs, eights, panels, scale, sum, bias, smooth: stored.smooth.map(<[f32]>::to_vec) })
    }

    /// Layers that read the same input as one; `None` where they differ in more than their outputs.
    pub(in crate::embedder) fn join(parts: &[&Self]) -> Option<Self> {
        let (first, rest) = parts.split_first()?;
        let alike =
            |p: &&Self| p.kernel == first.kernel && p.format == first.format && p.inputs == first.inputs && p.smooth == first.smooth;
        if !rest.iter().all(alike) || parts.iter().any(|p| p.eights != first.eights || p.outputs % p.panel_outputs() != 0) {
            return None;
        }
        let all = |field: fn(&Self) -> &[f32]| parts.iter().map(|p| field(p)).collect::<Vec<_>>().concat();
        Some(Self {
            kernel: first.kernel,
            format: first.format,
            inputs: first.inputs,
            outputs: parts.iter().map(|p| p.outputs).sum(),
            eights: first.eights,
            panels: parts.iter().map(|p| &*p.panels).collect::<Vec<_>>().concat(),
            scale: all(|p| &p.scale),
            sum: all(|p| &p.sum),
            bias: all(|p| &p.bias),
            smooth: first.smooth.clone(),
        })
    }

    pub(in crate::embedder) fn inputs(&self) -> usize {
        self.inputs
    }

    pub(in crate::embedder) fn outputs(&self) -> usize {
        self.outputs
    }

    pub(super) fn kernel(&self) -> Kernel {
        self.kernel
    }

    pub(in crate::embedder) fn format(&self) -> Activations {
        self.format
    }

    pub(in crate::embedder) fn smooth(&self) -> Option<&[f32]> {
        self.smooth.as_deref()
    }

    /// The weight between an input and an output, wherever this kernel has it; 0 between inputs and their padding.
    pub(in crate::embedder) fn weight(&self, input: usize, output: usize) -> i8 {
        let group = self.kernel.group();
        let width = self.panel_outputs();
        self.panel(output / width)[(input / group * width + output % width) * group + input % group]
    }

    /// Scale, sum and bias of every output.
    pub(in crate::embedder) fn affine(&self) -> [&[f32]; 3] {
        [&self.scale, &self.sum, &self.bias].map(|values| &values[..self.outputs])
    }

    /// Outputs of one panel, those of padding too.
    pub(super) fn panel_outputs(&self) -> usize {
        self.eights * LANES
    }

    pub(super) fn panel(&self, panel: usize) -> &[i8] {
        let len = padded(self.inputs) * self.panel_outputs();
        &self.panels[panel * len..][..len]
    }

    /// Scale, sum and bias of a panel's outputs.
    pub(super) fn outputs_of(&self, panel: usize) -> [&[[f32; LANES]]; 3] {
        [&self.scale, &self.sum, &self.bias].map(|values| &values.as_chunks().0[panel * self.eights..][..self.eights])
    }
}

/// Inputs after padding: whole groups for every kernel.
pub(super) fn padded(inputs: usize) -> usize {
    inputs.next_multiple_of(4)
}

fn pack<const G: usize>(weights: &[u8], inputs: usize, outputs: usize, eights: usize) -> Vec<i8> {
    let mut panels = vec![0; padded(inputs) * outputs.next_multiple_of(LANES)];
    let panel_len = padded(inputs) * eights * LANES;
    for (panel, first) in panels.chunks_exact_mut(panel_len).zip((0..outputs).step_by(eights * LANES)) {
        let blocks = panel.as_chunks_mut::<G>().0.as_chunks_mut::<LANES>().0;
        for (blocks, group) in blocks.chunks_exact_mut(eights).zip((0..).step_by(G)) {
            for (block, first) in blocks.iter_mut().zip((first..).step_by(LANES)) {
                turn(std::array::from_fn(|g| eight(weights, outputs, group + g, first)), block);
            }
        }
    }
    panels
}

/// Eight weights of one input, and zeros where there are none.
#[inline(always)]
fn eight(weights: &[u8], outputs: usize, input: usize, first: usize) -> [u8; LANES] {
    let rest = weights.get(input * outputs + first..(input + 1) * outputs).unwrap_or_default();
    rest.first_chunk().copied().unwrap_or_else(|| {
        let mut eight = [0; LANES];
        eight[..rest.len()].copy_from_slice(rest);
        eight
    })
}

/// Rows whose sum 16 bits hold: 256 numbers of int8.
const ROWS: usize = 256;

/// The sum of each output's weights.
fn sums(weights: &[u8], outputs: usize) -> Vec<i32> {
    let mut sums = vec![0; outputs];
    for rows in weights.chunks(ROWS * outputs) {
        let mut part = vec![0i16; outputs];
        for row in rows.chunks_exact(outputs) {
            part.iter_mut().zip(row).for_each(|(sum, weight)| *sum += i16::from(weight.cast_signed()));
        }
        sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += i32::from(part));
    }
    sums
}
