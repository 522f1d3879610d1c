//! A rehearsal: a small encoder of made-up numbers. An engine optimises a function once it has run for a while; a host
//! that waits for its files may have the ops run meanwhile, so that the first prompts find them fast.

use super::super::Pooling;
use super::super::file::Bytes;
use super::super::kernel::{Activations, Epilogue, Kernel, Packed, Stored};
use super::super::ops::{Attention, Embed, Layout, Linear, Norm, Place, Pool, Table};
use super::Graph;
use super::steps::{ENDS, IDS, Op, Steps};
use crate::error::Result;
use std::sync::Arc;

const WIDTH: usize = 96;
const INNER: usize = 4 * WIDTH;
const HEADS: usize = 3;
const TOKENS: usize = 16;

/// Runs every op of an encoder once, on a short text.
pub(in crate::embedder) fn rehearse() -> Result<()> {
    let ids: Vec<u32> = (0..TOKENS as u32).collect();
    Graph::fused(encoder()?).run(&[&ids]).map(drop)
}

fn encoder() -> Result<Steps> {
    let mut steps = Steps::default();
    let x = steps.push(Op::Embed(Embed { words: table(), width: WIDTH, place: Some(place()) }), &[IDS, ENDS]);
    let rows = steps.push(linear([WIDTH, 3 * WIDTH], Epilogue::Plain)?, &[x]);
    let head_width = WIDTH / HEADS;
    let rows = steps.push(Op::Attention(Attention { heads: HEADS, head_width, scale: 0.2, layout: Layout::Joined }), &[rows, ENDS]);
    let rows = steps.push(linear([WIDTH, WIDTH], Epilogue::Plain)?, &[rows]);
    let x = steps.push(Op::Norm(norm()), &[rows, x]);
    let rows = steps.push(linear([WIDTH, INNER], Epilogue::Gelu)?, &[x]);
    let rows = steps.push(linear([INNER, WIDTH], Epilogue::Plain)?, &[rows]);
    let x = steps.push(Op::Norm(norm()), &[rows, x]);
    steps.push(Op::Pool(Pool { pooling: Pooling::Mean, width: WIDTH }), &[x, ENDS]);
    Ok(steps)
}

fn linear([inputs, outputs]: [usize; 2], epilogue: Epilogue) -> Result<Op> {
    let format = Activations::Bits7;
    let weights = bytes(inputs * outputs);
    let stored = Stored { weights: &weights, scale: &vec![0.01; outputs], bias: &vec![0.1; outputs], smooth: Some(&vec![1.0; inputs]) };
    let weights = Packed::new(&stored, format, Kernel::available(format).swap_remove(0))?;
    Ok(Op::Linear(Linear { weights: Arc::new(weights), epilogue }))
}

fn table() -> Arc<Table> {
    Arc::new(Table::Int8 { values: Bytes::from(bytes(TOKENS * WIDTH)), scale: [0.01; TOKENS].into() })
}

fn place() -> Place {
    Place { positions: table(), kind: [0.1; WIDTH].into(), norm: norm() }
}

fn norm() -> Norm {
    Norm { gain: [1.0; WIDTH].into(), bias: [0.0; WIDTH].into(), epsilon: 1e-12 }
}

/// Numbers that go up and down.
fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|i| (i * 37 % 251) as u8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_op_is_rehearsed() {
        let ops = encoder().unwrap().coverage().fused;
        assert_eq!(ops.into_keys().collect::<Vec<_>>(), ["attention", "embed", "linear", "norm", "pool"]);
        rehearse().unwrap();
    }
}
