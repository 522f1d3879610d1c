//! Promise: nothing that fuzzing ever found or kept breaks anything again.

use arbitrary::{Arbitrary, Unstructured};
use pointsman_fuzz as fuzz;
use std::path::Path;

fn replay(target: &str, run: impl Fn(&[u8])) {
    let folders = ["corpus", "crashers"].map(|kind| Path::new(env!("CARGO_MANIFEST_DIR")).join(kind).join(target));
    let files: Vec<_> = folders.iter().filter_map(|folder| folder.read_dir().ok()).flatten().map(|entry| entry.unwrap().path()).collect();
    assert!(!files.is_empty(), "no input is kept for {target}");
    for file in files {
        println!("{}", file.display());
        run(&std::fs::read(file).unwrap());
    }
}

#[test]
fn router_files() {
    replay("router_file", fuzz::router_file);
}

#[test]
fn embedder_files() {
    replay("embedder_file", fuzz::embedder_file);
}

#[test]
fn embedder_graphs() {
    replay("embedder_graph", |data| {
        if let Ok(edits) = Vec::arbitrary_take_rest(Unstructured::new(data)) {
            fuzz::graph::run(&edits);
        }
    });
}

#[test]
fn tokenizers() {
    replay("tokenizer", fuzz::tokenizer);
}

#[test]
fn chats() {
    replay("chat", fuzz::chat);
}

#[test]
fn bandit_states() {
    replay("bandit_state", fuzz::bandit_state);
}

#[test]
fn receipts() {
    replay("receipt", fuzz::receipt);
}

#[test]
fn outcome_logs() {
    replay("outcome_log", fuzz::outcome_log);
}

#[test]
fn decision_logs() {
    replay("decision_log", fuzz::decision_log);
}
