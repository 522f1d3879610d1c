//! Promise: our engine computes what onnxruntime computes, and int8 stays close to floats.

mod support;

use pointsman::embedder::Activations;
use pointsman::embedder::build::{Folder, build, distil};
use pointsman::embedder::{Embedder, EmbedderFile, Tier};
use pointsman::prompt::Prompt;
use pointsman::router::load_embedder;
use pointsman::tokenizer::Tokens;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::{minilm_folder, root, tiny};

type Vectors = Vec<Vec<f32>>;

fn prompts() -> Vec<Prompt> {
    let lines = std::fs::read_to_string(root().join("tests/data/prompts.jsonl")).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn minilm() -> Option<Folder> {
    let folder = minilm_folder()?;
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    Some(Folder {
        config: read("config.json"),
        weights: read("model.safetensors"),
        tokenizer: Some(read("tokenizer.json")),
        pooling: read("1_Pooling/config.json"),
        limits: Some(read("sentence_bert_config.json")),
        ..Folder::default()
    })
}

fn embed_all(file: &[u8]) -> (Vec<Tokens>, Vectors) {
    let (tokenizer, embedder) = load_embedder(EmbedderFile::parse(file).unwrap()).unwrap();
    let tokens: Vec<Tokens> = prompts().iter().map(|p| tokenizer.encode(&p.text().unwrap())).collect();
    let vectors = tokens.iter().map(|t| embedder.embed(t).unwrap().as_slice().to_vec()).collect();
    (tokens, vectors)
}

/// Mean and worst cosine of two lists of unit vectors.
fn cosines(a: &Vectors, b: &Vectors) -> (f64, f64) {
    let dot = |(x, y): (&Vec<f32>, &Vec<f32>)| x.iter().zip(y).map(|(p, q)| f64::from(*p) * f64::from(*q)).sum::<f64>();
    let all: Vec<f64> = a.iter().zip(b).map(dot).collect();
    (all.iter().sum::<f64>() / all.len() as f64, all.iter().copied().fold(1.0, f64::min))
}

/// The virtual environment that scripts/setup.sh makes.
fn python() -> Option<PathBuf> {
    let python = minilm_folder()?.ancestors().nth(3)?.join("venv/bin/python");
    if !python.exists() {
        assert!(std::env::var_os("POINTSMAN_COMPLETE").is_none(), "missing: {}", python.display());
        eprintln!("SKIPPED: onnxruntime is absent (run scripts/setup.sh reference)");
        return None;
    }
    Some(python)
}

fn onnxruntime(python: &Path, file: &[u8], tokens: &[Tokens]) -> Vectors {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model.onnx");
    std::fs::write(&model, file).unwrap();
    let script = root().join("tests/reference/embed.py");
    let mut child = Command::new(python).arg(script).arg(&model).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let lines: String = tokens.iter().map(|t| format!("{:?}\n", t.ids)).collect();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn floats_equal_onnxruntime_and_int8_stays_close() {
    let (Some(folder), Some(python)) = (minilm(), python()) else { return };
    let floats = build(&folder, Activations::Float).unwrap();
    let (tokens, ours) = embed_all(&floats);
    let (mean, worst) = cosines(&ours, &onnxruntime(&python, &floats, &tokens));
    println!("f32 against onnxruntime, {} texts: cosine mean {mean:.7}, worst {worst:.7}", tokens.len());
    assert!(worst >= 0.99999);
    for (format, least_mean, least) in [(Activations::Bits7, 0.996, 0.98), (Activations::Bits14, 0.999, 0.99)] {
        let (_, small) = embed_all(&build(&folder, format).unwrap());
        let (mean, worst) = cosines(&ours, &small);
        println!("int8 weights, {} bits against f32, {} texts: cosine mean {mean:.5}, worst {worst:.5}", format.name(), tokens.len());
        assert!(mean >= least_mean && worst >= least);
    }
}

/// Any ONNX runtime opens an embedder file; others do not round activations.
#[test]
fn the_tiny_embedder_equals_onnxruntime_too() {
    let Some(python) = python() else { return };
    for (format, least) in [(Activations::Float, 0.99999), (Activations::Bits14, 0.9999), (Activations::Bits7, 0.99)] {
        let file = build(&tiny::folder(1), format).unwrap();
        let (tokens, ours) = embed_all(&file);
        let (mean, worst) = cosines(&ours, &onnxruntime(&python, &file, &tokens));
        println!("tiny {format:?} against onnxruntime: cosine mean {mean:.7}, worst {worst:.7}");
        assert!(worst >= least);
    }
}

#[test]
fn a_distilled_embedder_is_plain_onnx_and_runs_on_lookups_alone() {
    let file = distil(&tiny::folder(1), 16).unwrap();
    let (_, embedder) = load_embedder(EmbedderFile::parse(&*file).unwrap()).unwrap();
    assert_eq!((embedder.tier(), embedder.width()), (Tier::Static, 16));
    assert_eq!(distil(&tiny::folder(1), 16).unwrap(), file, "the same folder, the same bytes");
    for width in [0, 8, 20, 1024] {
        assert_eq!(distil(&tiny::folder(1), width).unwrap_err().code(), "BAD_INPUT", "{width}");
    }
    let Some(python) = python() else { return };
    let (tokens, ours) = embed_all(&file);
    let (mean, worst) = cosines(&ours, &onnxruntime(&python, &file, &tokens));
    println!("static against onnxruntime: cosine mean {mean:.7}, worst {worst:.7}");
    assert!(worst >= 0.99999);
}
