//! Embeddings on disk, so that no text is embedded twice.
//!
//! `CACHE/<embedder fingerprint>-<version>/<hash>.emb` holds a chunk of records: SHA-256 of the text (32 bytes), its length
//! in tokens (u32), 1 where it is not English (u32), the embedding (width x f32), all little-endian; the file is named by
//! the SHA-256 of its content. The version changes where texts are read in another way.
//! Caches merge by copying files, and an interrupted run goes on where it stopped.

use super::{read, write};
use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use pointsman::embedder::{Embedder, Embedding};
use pointsman::language::is_foreign;
use pointsman::tokenizer::Tokenizer;
use pointsman::train::Seen;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

const CHUNK: usize = 256;
const KEY: usize = 32;
const VERSION: u32 = 2;

type Key = [u8; KEY];

/// Where embeddings are kept unless the caller says otherwise.
pub fn default_folder() -> PathBuf {
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let base = base.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")));
    base.unwrap_or_else(std::env::temp_dir).join("pointsman").join("embeddings")
}

/// What the embedder sees of every text, from the cache where it has them.
pub fn embed_all(texts: &[&str], tokenizer: &Tokenizer, embedder: &dyn Embedder, folder: &Path) -> anyhow::Result<Vec<Seen>> {
    let folder = folder.join(format!("{}-{VERSION}", embedder.fingerprint()));
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make the cache folder {}", folder.display()))?;
    let mut known = load(&folder, embedder.width())?;
    let mut missing: Vec<(Key, &str)> = texts.iter().map(|text| (key(text), *text)).filter(|(key, _)| !known.contains_key(key)).collect();
    missing.sort_unstable();
    missing.dedup();
    let bar = ProgressBar::new(missing.len() as u64).with_style(ProgressStyle::with_template("embedding {wide_bar} {pos}/{len} {eta}")?);
    for chunk in missing.chunks(CHUNK) {
        let embed = |&(key, text): &(Key, &str)| -> anyhow::Result<(Key, Seen)> {
            let tokens = tokenizer.encode(text);
            let foreign = is_foreign(text, &tokens);
            let seen = Seen { embedding: embedder.embed(&tokens)?, tokens: tokens.total, foreign };
            bar.inc(1);
            Ok((key, seen))
        };
        let fresh: Vec<(Key, Seen)> = chunk.par_iter().map(embed).collect::<anyhow::Result<_>>()?;
        save(&folder, &fresh)?;
        known.extend(fresh);
    }
    bar.finish_and_clear();
    texts.iter().map(|text| known.get(&key(text)).cloned().context("an embedding is missing from the cache")).collect()
}

fn key(text: &str) -> Key {
    Sha256::digest(text).into()
}

fn save(folder: &Path, records: &[(Key, Seen)]) -> anyhow::Result<()> {
    let mut bytes = Vec::new();
    for (key, seen) in records {
        bytes.extend(key);
        bytes.extend((seen.tokens as u32).to_le_bytes());
        bytes.extend(u32::from(seen.foreign).to_le_bytes());
        bytes.extend(seen.embedding.as_slice().iter().flat_map(|x| x.to_le_bytes()));
    }
    write(&folder.join(name(&bytes)), &bytes)
}

fn name(content: &[u8]) -> String {
    let hash: Key = Sha256::digest(content).into();
    let hex: String = hash.iter().map(|b| format!("{b:02x}")).collect();
    format!("{hex}.emb")
}

/// Every record of every whole file. A file that does not match its name is left out and said so.
fn load(folder: &Path, width: usize) -> anyhow::Result<HashMap<Key, Seen>> {
    let mut known = HashMap::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|e| e != "emb") {
            continue;
        }
        let bytes = read(&path)?;
        if path.file_name().is_none_or(|n| n != name(&bytes).as_str()) {
            eprintln!("pointsman: {} is damaged; its texts are embedded again", path.display());
            continue;
        }
        for record in bytes.chunks_exact(KEY + 8 + 4 * width) {
            let (key, rest) = record.split_at(KEY);
            known.insert(key.try_into()?, read_seen(rest)?);
        }
    }
    Ok(known)
}

fn read_seen(bytes: &[u8]) -> anyhow::Result<Seen> {
    let (tokens, rest) = bytes.split_at(4);
    let (foreign, numbers) = rest.split_at(4);
    let vector = numbers.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    let tokens = u32::from_le_bytes(tokens.try_into()?) as usize;
    Ok(Seen { embedding: Embedding::from_unit(vector)?, tokens, foreign: foreign != [0; 4] })
}
