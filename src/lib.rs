//! pointsman decides, on the user's own device, which language model a prompt should go to.
//!
//! One prompt takes one road. [`prompt`] finds the text that a person asks; [`tokenizer`] cuts it into tokens;
//! [`language`] tells whether it is English; [`embedder`] turns them into a unit vector; [`features`] adds what else can be
//! seen; [`head`] estimates each candidate's quality from that; [`policy`] weighs quality against cost with one exchange
//! rate; [`assign`] does so for a whole batch, and [`bandit`] learns from feedback. [`router`] is the only place that knows
//! this order.
//!
//! [`router::Router`] is the primary type. Its two files are the embedder file ([`embedder::EmbedderFile`], an ONNX
//! file that carries its vocabulary) and the router file ([`artifact::RouterFile`]), which `train` makes from logged
//! outcomes. Modules import only from those above them in this list:

#![warn(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod error;
mod random;
mod rest;
mod symmetric;

pub mod catalog;
pub mod prompt;
pub mod tokenizer;

pub mod language;

pub mod embedder;
pub mod features;
pub mod head;
pub mod policy;

pub mod assign;
pub mod bandit;

pub mod placing;

pub mod artifact;
pub mod router;

#[cfg(feature = "train")]
pub mod train;

#[cfg(feature = "train")]
pub mod evaluate;

#[cfg(target_arch = "wasm32")]
pub mod wasm;
