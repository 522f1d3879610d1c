//! What every fuzz target does with its input. `cargo fuzz run NAME` explores; `tests/replay.rs` runs what was kept.
//!
//! Files that end in their own hash get the right one here: otherwise no input would get past it, and an attacker can
//! compute it as well as we can.

mod files;
pub mod graph;
mod logs;
mod seal;
mod text;

pub use files::{bandit_state, embedder_file, receipt, router_file};
pub use logs::{decision_log, outcome_log};
pub use text::{chat, tokenizer};

/// An embedder file of two small layers.
pub const EMBEDDER: &[u8] = include_bytes!("../../tests/data/tiny.onnx");
/// A router file for it.
pub const ROUTER: &[u8] = include_bytes!("../../tests/data/tiny.router");
