//! The encoder as the main crate exports it, checked so that everything behind this file may trust it.

use crate::error::{Error, Result};

/// `PMGP`
const MAGIC: u32 = u32::from_le_bytes(*b"PMGP");
const VERSION: u32 = 1;
/// More than any encoder has; a damaged count must not reserve memory.
const MOST_OPS: u32 = 4096;
/// What one row may have: kernels count in 32 bits.
const MOST_WIDTH: u32 = 1 << 16;
/// The widest vector that fits into the shared memory of the pool kernel.
const MOST_POOLED: u32 = 2048;
/// The widest head whose query and result a thread can keep.
const MOST_HEAD: u32 = 256;

/// Where rows come from: 0 is the lookup, n the n-th op.
pub type Value = usize;

/// An encoder: `ops` in their order, of which the last gives the vectors.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Numbers in a row of the lookup.
    pub width: u32,
    /// Op n makes value n + 1.
    pub ops: Vec<Op>,
}

/// An op, and the values that it reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Op {
    /// All of earlier ops.
    pub inputs: Vec<Value>,
    /// What it does.
    pub kind: Kind,
}

/// What an op does, with its weights.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// x · w of int8 weights, bias, GELU.
    Linear(Linear),
    /// softmax(q kᵀ · scale) v by head.
    Attention {
        /// Number of heads.
        heads: u32,
        /// Numbers in a row of one head.
        head_width: u32,
        /// What scores are multiplied by.
        scale: f32,
    },
    /// Layer normalisation of a row, or of the sum of two.
    Norm {
        /// Added to the variance.
        epsilon: f32,
        /// gain, bias
        affine: Vec<f32>,
    },
    /// A text's rows to one unit vector.
    Pool {
        /// The first row alone, as opposed to the mean.
        cls: bool,
    },
}

/// A linear layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    /// Numbers in a row that goes in.
    pub inputs: u32,
    /// Numbers in a row that comes out.
    pub outputs: u32,
    /// Bits of an activation: 7 (0..=127) or 14 (-8191..=8191).
    pub bits: u32,
    /// Whether GELU follows.
    pub gelu: bool,
    /// Whether `affine` begins with factors by input.
    pub smoothed: bool,
    /// Smoothing factors where there are any, scale, sum, bias.
    pub affine: Vec<f32>,
    /// Words of four inputs of one output; words of all outputs follow each other.
    pub weights: Vec<u32>,
}

impl Kind {
    /// Numbers in a row that it makes of rows of `width`.
    pub fn width(&self, width: u32) -> u32 {
        match self {
            Self::Linear(linear) => linear.outputs,
            Self::Attention { heads, head_width, .. } => heads * head_width,
            Self::Norm { .. } | Self::Pool { .. } => width,
        }
    }
}

impl Plan {
    /// Reads a plan.
    ///
    /// # Errors
    /// [`Error::BadPlan`] for bytes that are no plan, or a plan that cannot be run; [`Error::TooLarge`] for one that these
    /// kernels have no room for.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let (words, rest) = bytes.as_chunks();
        let mut reader = Reader { words };
        let [magic, version, width, count] = reader.array()?;
        if magic != MAGIC || version != VERSION || !rest.is_empty() {
            return Err(bad("it is no plan of this version"));
        }
        if width == 0 || width > MOST_WIDTH || !width.is_multiple_of(4) || count == 0 || count > MOST_OPS {
            return Err(bad(format!("rows of {width} numbers and {count} ops")));
        }
        let mut widths = vec![width];
        let mut ops: Vec<Op> = vec![];
        for _ in 0..count {
            let op = reader.op(&widths)?;
            widths.push(op.kind.width(widths[op.inputs[0]]));
            ops.push(op);
        }
        let pools = ops.iter().filter(|op| matches!(op.kind, Kind::Pool { .. })).count();
        let ends = ops.last().is_some_and(|op| matches!(op.kind, Kind::Pool { .. }));
        if !reader.words.is_empty() || pools != 1 || !ends {
            return Err(bad("it does not end in its one pool"));
        }
        Ok(Self { width, ops })
    }

    /// Lets the matrices go, once a device has them: they are nearly all that a plan weighs.
    pub(crate) fn forget_weights(&mut self) {
        for op in &mut self.ops {
            if let Kind::Linear(linear) = &mut op.kind {
                linear.weights = vec![];
            }
        }
    }

    /// Numbers in the rows of every value, the lookup's first.
    pub fn widths(&self) -> Vec<u32> {
        self.ops.iter().fold(vec![self.width], |mut widths, op| {
            widths.push(op.kind.width(widths[op.inputs[0]]));
            widths
        })
    }
}

struct Reader<'a> {
    words: &'a [[u8; 4]],
}

impl Reader<'_> {
    fn op(&mut self, widths: &[u32]) -> Result<Op> {
        let [kind, count] = self.array()?;
        if count == 0 || count > 3 {
            return Err(bad(format!("an op of {count} inputs")));
        }
        let inputs: Vec<Value> = self.take(count)?.map(|value| value as usize).collect();
        let of: Option<Vec<u32>> = inputs.iter().map(|value| widths.get(*value).copied()).collect();
        let of = of.ok_or_else(|| bad("an op reads what is not there yet"))?;
        let kind = match kind {
            1 => Kind::Linear(self.linear(&of)?),
            2 => self.attention(&of)?,
            3 => self.norm(&of)?,
            4 => self.pool(&of)?,
            _ => return Err(bad(format!("kind {kind} of op is unknown"))),
        };
        Ok(Op { inputs, kind })
    }

    fn linear(&mut self, of: &[u32]) -> Result<Linear> {
        let [inputs, outputs, bits, gelu, smoothed] = self.array()?;
        let fits = of == [inputs] && outputs > 0 && outputs <= MOST_WIDTH && outputs.is_multiple_of(4);
        let most: u64 = if bits == 7 { 127 } else { 8191 };
        // Every partial sum is at most this: beyond it, 32 bits could overflow.
        let exact = u64::from(inputs) * most * 128 < i32::MAX as u64;
        if !fits || !exact || ![7, 14].contains(&bits) || gelu > 1 || smoothed > 1 {
            return Err(bad(format!("a linear layer of {inputs} inputs, {outputs} outputs and {bits} bits over rows of {of:?}")));
        }
        let affine = self.floats(if smoothed == 1 { inputs } else { 0 } + 3 * outputs)?;
        let weights = self.take(inputs / 4 * outputs)?.collect();
        Ok(Linear { inputs, outputs, bits, gelu: gelu == 1, smoothed: smoothed == 1, affine, weights })
    }

    fn attention(&mut self, of: &[u32]) -> Result<Kind> {
        let [heads, head_width, scale] = self.array()?;
        let scale = finite(f32::from_bits(scale))?;
        if head_width == 0 || !head_width.is_multiple_of(4) || head_width > MOST_HEAD || heads == 0 || heads > MOST_WIDTH / head_width {
            return Err(bad(format!("{heads} heads of {head_width}")));
        }
        let width = heads * head_width;
        // Scores above 0 times a negative scale would leave the range of the exponential.
        if scale <= 0.0 || (of != [3 * width] && of != [width; 3]) {
            return Err(bad(format!("{heads} heads of {head_width} at scale {scale} over rows of {of:?}")));
        }
        Ok(Kind::Attention { heads, head_width, scale })
    }

    fn norm(&mut self, of: &[u32]) -> Result<Kind> {
        let [width, epsilon] = self.array()?;
        let epsilon = finite(f32::from_bits(epsilon))?;
        if of.len() > 2 || of.iter().any(|of| *of != width) {
            return Err(bad(format!("a norm of {width} over rows of {of:?}")));
        }
        Ok(Kind::Norm { epsilon, affine: self.floats(2 * width)? })
    }

    fn pool(&mut self, of: &[u32]) -> Result<Kind> {
        let [width, cls] = self.array()?;
        if width > MOST_POOLED {
            return Err(Error::TooLarge(format!("vectors of {width} numbers; the most is {MOST_POOLED}")));
        }
        if of != [width] || cls > 1 {
            return Err(bad(format!("a pool of {width} over rows of {of:?}")));
        }
        Ok(Kind::Pool { cls: cls == 1 })
    }

    fn array<const N: usize>(&mut self) -> Result<[u32; N]> {
        let mut words = [0; N];
        for (word, read) in words.iter_mut().zip(self.take(N as u32)?) {
            *word = read;
        }
        Ok(words)
    }

    fn floats(&mut self, count: u32) -> Result<Vec<f32>> {
        self.take(count)?.map(|word| finite(f32::from_bits(word))).collect()
    }

    fn take(&mut self, count: u32) -> Result<impl Iterator<Item = u32> + use<'_>> {
        let (taken, rest) = self.words.split_at_checked(count as usize).ok_or_else(|| bad("it ends too early"))?;
        self.words = rest;
        Ok(taken.iter().map(|word| u32::from_le_bytes(*word)))
    }
}

fn finite(value: f32) -> Result<f32> {
    if value.is_finite() { Ok(value) } else { Err(bad("a number that is not finite")) }
}

fn bad(problem: impl Into<String>) -> Error {
    Error::BadPlan(problem.into())
}
