//! Runs the encoder of a pointsman embedder file on WebGPU: in a browser, or natively on Vulkan.
//!
//! [`plan`] reads what the main crate exports of its rewritten tract graph (`src/embedder/plan.rs` there): linear,
//! attention, norm and pool, with int8 weights. [`Encoder`] uploads the weights once, compiles four kernels once
//! (`wgsl/*.wgsl`), and from then on takes the rows that the CPU has looked up, runs the whole encoder in one pass for each
//! chunk of tokens, and reads the vectors back once a call.
//!
//! Why no tract here: `tract-gpu` fetches a tensor by waiting for the device, and whoever waits on a browser's main thread
//! waits for ever. It has neither int8 weights nor these five ops, so that all of it that would be left is the walk over
//! the graph; and a plan keeps tract's code out of a file that must be small.
//!
//! Kernels compute in the CPU's order of arithmetic, so that both give the same bits wherever a device neither contracts
//! products and sums nor rounds divisions and roots in a way of its own.

#![warn(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod buffers;
mod encoder;
mod error;
mod kernels;
mod pace;
pub mod plan;
mod readback;
#[cfg(target_arch = "wasm32")]
mod web;

pub use encoder::{Call, Encoder, adapter};
pub use error::{Error, Result};
