//! `pointsman embed`

use super::{DEFAULT_EMBEDDER, open_embedder};
use pointsman::embedder::Embedder;
use pointsman::prompt::Prompt;
use std::path::PathBuf;

/// Turn lines of standard input into unit vectors, one JSON list a line.
#[derive(clap::Args)]
pub struct Args {
    #[arg(long, default_value = DEFAULT_EMBEDDER)]
    embedder: PathBuf,
    /// Each input line is a JSON string or a JSON list of chat messages.
    #[arg(long)]
    jsonl: bool,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let (tokenizer, embedder) = open_embedder(&args.embedder)?;
    for line in std::io::stdin().lines() {
        let line = line?;
        let prompt = if args.jsonl { serde_json::from_str(&line)? } else { Prompt::Text(line) };
        let embedding = embedder.embed(&tokenizer.encode(&prompt.text()?))?;
        say!("{}", serde_json::to_string(embedding.as_slice())?);
    }
    Ok(())
}
