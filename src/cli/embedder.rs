//! `pointsman embedder build | inspect`

use super::{read, write};
use clap::{Subcommand, ValueEnum};
use pointsman::embedder::build::{Folder, adopt, build, distil};
use pointsman::embedder::{Activations, Embedder, EmbedderFile, GraphEmbedder};
use std::path::{Path, PathBuf};

/// Make and look into embedder files.
#[derive(Subcommand)]
pub enum Verb {
    /// Turn a sentence-transformers folder (BERT architecture) into an embedder file.
    Build {
        /// The folder: config.json, model.safetensors, tokenizer.json or vocab.txt, 1_Pooling/config.json.
        #[arg(long)]
        from: PathBuf,
        /// The embedder file to write.
        #[arg(long)]
        out: PathBuf,
        /// Take the graph of this ONNX file as it is, instead of building one from model.safetensors.
        #[arg(long, conflicts_with = "weights")]
        onnx: Option<PathBuf>,
        /// Distil the transformer into one row of so many signs per token (384 unless given): a hundredth of the time, a
        /// tenth of the size, and nearly as good.
        #[arg(long = "static", value_name = "WIDTH", num_args = 0..=1, default_missing_value = "384", conflicts_with_all = ["onnx", "weights", "activations"])]
        distil: Option<usize>,
        /// Number format of the weights.
        #[arg(long, value_enum, default_value_t = Weights::Int8)]
        weights: Weights,
        /// Bits of the activations that meet int8 weights: 7 for speed (the default), 14 for fidelity.
        #[arg(long, value_enum)]
        activations: Option<Bits>,
    },
    /// Show what an embedder file says about itself.
    Inspect {
        /// The embedder file.
        file: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Weights {
    /// 8 bits per weight, one scale per output channel.
    Int8,
    /// 32-bit floats.
    F32,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Bits {
    /// 0..=127: the fastest where a machine multiplies bytes.
    #[value(name = "7")]
    Seven,
    /// -8191..=8191: closest to f32.
    #[value(name = "14")]
    Fourteen,
}

pub fn run(verb: &Verb) -> anyhow::Result<()> {
    match verb {
        Verb::Build { from, out, distil: Some(width), .. } => save(out, &distil(&read_folder(from, true)?, *width)?),
        Verb::Build { from, out, onnx: Some(onnx), activations, .. } => {
            let folder = read_folder(from, false)?;
            save(out, &adopt(&folder, &read(onnx)?, activations.map_or(Activations::Float, Bits::format))?)
        }
        Verb::Build { from, out, onnx: None, weights, activations, .. } => {
            let format = match weights {
                Weights::F32 => Activations::Float,
                Weights::Int8 => activations.map_or(Activations::Bits7, Bits::format),
            };
            save(out, &build(&read_folder(from, true)?, format)?)
        }
        Verb::Inspect { file, json } => inspect(file, *json),
    }
}

impl Bits {
    fn format(self) -> Activations {
        match self {
            Self::Seven => Activations::Bits7,
            Self::Fourteen => Activations::Bits14,
        }
    }
}

fn save(out: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let fingerprint = EmbedderFile::parse(bytes)?.fingerprint().to_owned();
    write(out, bytes)?;
    say!("{}: {} bytes, fingerprint {fingerprint}", out.display(), bytes.len());
    Ok(())
}

fn read_folder(from: &Path, weights: bool) -> anyhow::Result<Folder> {
    let optional = |name: &str| from.join(name).exists().then(|| read(&from.join(name))).transpose();
    Ok(Folder {
        config: read(&from.join("config.json"))?,
        weights: if weights { read(&from.join("model.safetensors"))? } else { vec![] },
        tokenizer: optional("tokenizer.json")?,
        vocabulary: optional("vocab.txt")?,
        tokenizer_config: optional("tokenizer_config.json")?,
        pooling: read(&from.join("1_Pooling/config.json"))?,
        limits: optional("sentence_bert_config.json")?,
    })
}

fn inspect(path: &Path, json: bool) -> anyhow::Result<()> {
    let bytes = read(path)?;
    let len = bytes.len();
    let file = EmbedderFile::parse(bytes)?;
    let about = file.metadata();
    let mut rows = serde_json::json!({
        "fingerprint": file.fingerprint(),
        "bytes": len,
        "width": about.width,
        "maxTokens": about.max_tokens,
        "vocabulary": about.vocabulary_len(),
        "lowercase": about.normalization.lowercase,
        "stripAccents": about.normalization.strip_accents,
        "pooling": format!("{:?}", about.pooling).to_lowercase(),
        "weights": about.weights,
        "activations": about.activations.name(),
        "sourceSha256": about.source_sha256,
        "operators": file.operators(),
    });
    let embedder = GraphEmbedder::new(file)?;
    rows["fused"] = serde_json::json!(embedder.coverage().fused);
    rows["notFused"] = serde_json::json!(embedder.coverage().other);
    rows["gpu"] = match embedder.encoder_plan() {
        Ok(plan) => serde_json::json!(format!("{} bytes of encoder", plan.len())),
        Err(error) => serde_json::json!(format!("no: {error}")),
    };
    if json {
        return super::print_json(&rows);
    }
    for (name, value) in rows.as_object().into_iter().flatten() {
        say!("{name:14} {}", value.to_string().trim_matches('"'));
    }
    Ok(())
}
