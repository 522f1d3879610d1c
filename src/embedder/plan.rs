//! The encoder as bytes, for an executor on another device: what stands between the lookup and the vectors, in the order
//! in which it runs, with its weights.
//!
//! ```text
//! plan   = magic, version, width, count of ops, op ...         all of it 32-bit words, little-endian
//! op     = kind, count of inputs, value ..., parameters        value 0 is the lookup's rows; the n-th op makes value n
//! linear = inputs, outputs, bits, gelu, smoothed, [smooth], scale, sum, bias, weights      kind 1; the maths stands in
//!          [`super::kernel`]; a word of weights holds four inputs of one output, words of all outputs follow each other
//! attention = heads, head width, scale                         kind 2; one value of [query, key, value], or three values
//! norm   = width, epsilon, gain, bias                          kind 3; of one value, or of the sum of two
//! pool   = width, pooling (0 mean, 1 CLS)                      kind 4; the last op
//! ```

use super::Pooling;
use super::kernel::{Activations, Epilogue, Packed};
use super::ops::{Attention, Linear, Norm, Pool};

/// `PMGP`
const MAGIC: u32 = u32::from_le_bytes(*b"PMGP");
const VERSION: u32 = 1;

/// Where a value comes from: 0 is the lookup, n the n-th op.
pub(super) type Value = u32;

/// A plan that is being written.
pub(super) struct Plan {
    bytes: Vec<u8>,
    ops: u32,
}

impl Plan {
    /// Of an encoder whose rows are so wide.
    pub(super) fn new(width: usize) -> Self {
        let mut plan = Self { bytes: vec![], ops: 0 };
        plan.words([MAGIC, VERSION, width as u32, 0]);
        plan
    }

    pub(super) fn linear(&mut self, op: &Linear, inputs: &[Value]) -> Value {
        let weights: &Packed = &op.weights;
        let bits = if weights.format() == Activations::Bits7 { 7 } else { 14 };
        let value = self.op(1, inputs);
        self.words([weights.inputs() as u32, weights.outputs() as u32, bits]);
        self.words([u32::from(op.epilogue == Epilogue::Gelu), u32::from(weights.smooth().is_some())]);
        weights.smooth().into_iter().for_each(|smooth| self.floats(smooth));
        weights.affine().iter().for_each(|values| self.floats(values));
        for group in (0..weights.inputs()).step_by(4) {
            for output in 0..weights.outputs() {
                self.bytes.extend((group..group + 4).map(|input| weights.weight(input, output).cast_unsigned()));
            }
        }
        value
    }

    pub(super) fn attention(&mut self, op: &Attention, inputs: &[Value]) -> Value {
        let value = self.op(2, inputs);
        self.words([op.heads as u32, op.head_width as u32, op.scale.to_bits()]);
        value
    }

    pub(super) fn norm(&mut self, op: &Norm, inputs: &[Value]) -> Value {
        let value = self.op(3, inputs);
        self.words([op.width() as u32, op.epsilon.to_bits()]);
        self.floats(&op.gain);
        self.floats(&op.bias);
        value
    }

    pub(super) fn pool(&mut self, op: &Pool, inputs: &[Value]) -> Value {
        let value = self.op(4, inputs);
        self.words([op.width as u32, u32::from(op.pooling == Pooling::Cls)]);
        value
    }

    /// The bytes, once all ops are in.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.bytes[12..16].copy_from_slice(&self.ops.to_le_bytes());
        self.bytes
    }

    fn op(&mut self, kind: u32, inputs: &[Value]) -> Value {
        self.words([kind, inputs.len() as u32]);
        self.words(inputs.iter().copied());
        self.ops += 1;
        self.ops
    }

    fn words(&mut self, words: impl IntoIterator<Item = u32>) {
        self.bytes.extend(words.into_iter().flat_map(u32::to_le_bytes));
    }

    fn floats(&mut self, values: &[f32]) {
        self.words(values.iter().map(|value| value.to_bits()));
    }
}
