//! `pointsman embedder build | inspect`

use super::{read, write};
use clap::{Subcommand, ValueEnum};
use pointsman::embedder::EmbedderFile;
use pointsman::embedder::build::{Folder, WeightFormat, build};
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
        /// Number format of the weights.
        #[arg(long, value_enum, default_value_t = Weights::Int8)]
        weights: Weights,
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

pub fn run(verb: &Verb) -> anyhow::Result<()> {
    match verb {
        Verb::Build { from, out, weights } => make(from, out, *weights),
        Verb::Inspect { file, json } => inspect(file, *json),
    }
}

fn make(from: &Path, out: &Path, weights: Weights) -> anyhow::Result<()> {
    let format = match weights {
        Weights::Int8 => WeightFormat::Int8,
        Weights::F32 => WeightFormat::F32,
    };
    let bytes = build(&read_folder(from)?, format)?;
    let fingerprint = EmbedderFile::parse(&bytes)?.fingerprint().to_owned();
    write(out, &bytes)?;
    say!("{}: {} bytes, fingerprint {fingerprint}", out.display(), bytes.len());
    Ok(())
}

fn read_folder(from: &Path) -> anyhow::Result<Folder> {
    let optional = |name: &str| from.join(name).exists().then(|| read(&from.join(name))).transpose();
    Ok(Folder {
        config: read(&from.join("config.json"))?,
        weights: read(&from.join("model.safetensors"))?,
        tokenizer: optional("tokenizer.json")?,
        vocabulary: optional("vocab.txt")?,
        tokenizer_config: optional("tokenizer_config.json")?,
        pooling: read(&from.join("1_Pooling/config.json"))?,
        limits: optional("sentence_bert_config.json")?,
    })
}

fn inspect(path: &Path, json: bool) -> anyhow::Result<()> {
    let bytes = read(path)?;
    let file = EmbedderFile::parse(&bytes)?;
    let about = file.metadata();
    let rows = serde_json::json!({
        "fingerprint": file.fingerprint(),
        "bytes": bytes.len(),
        "width": about.width,
        "maxTokens": about.max_tokens,
        "vocabulary": about.vocabulary().count(),
        "lowercase": about.normalization.lowercase,
        "stripAccents": about.normalization.strip_accents,
        "pooling": format!("{:?}", about.pooling).to_lowercase(),
        "weights": about.weights,
        "sourceSha256": about.source_sha256,
        "operators": file.operators(),
    });
    if json {
        return super::print_json(&rows);
    }
    for (name, value) in rows.as_object().into_iter().flatten() {
        say!("{name:14} {}", value.to_string().trim_matches('"'));
    }
    Ok(())
}
