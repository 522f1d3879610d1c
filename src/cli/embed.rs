//! `pointsman embed`

use super::{DEFAULT_EMBEDDER, open_embedder, parse_prompt};
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
    for (i, line) in std::io::stdin().lines().enumerate() {
        let line = line?;
        let prompt = if args.jsonl { parse_prompt(i, &line)? } else { Prompt::Text(line) };
        let embedding = embedder.embed(&tokenizer.encode(&prompt.text()?))?;
        say!("{}", serde_json::to_string(embedding.as_slice())?);
    }
    Ok(())
}
