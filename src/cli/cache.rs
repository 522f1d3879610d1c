//! Embeddings on disk, so that no text is embedded twice.
//!
//! `CACHE/<embedder fingerprint>-<version>/<hash>.emb` holds a chunk of records: SHA-256 of the text as it is read (32 bytes), its length
//! in tokens (u32), 1 where it is not English (u32), the embedding (width x f32), all little-endian; the file is named by
//! the SHA-256 of its content. The version changes where texts are read in another way.
//! Caches merge by copying files, and an interrupted run goes on where it stopped.

use super::{read, write};
use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use pointsman::embedder::{Embedder, Embedding};
use pointsman::language::is_foreign;
use pointsman::prompt::plain;
use pointsman::tokenizer::Tokenizer;
use pointsman::train::Seen;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

const CHUNK: usize = 256;
const KEY: usize = 32;
const VERSION: u32 = 3;

/// SHA-256 of a text as it is read.
pub type Key = [u8; KEY];

/// Where embeddings are kept unless the caller says otherwise.
pub fn default_folder() -> PathBuf {
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let base = base.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")));
    base.unwrap_or_else(std::env::temp_dir).join("pointsman").join("embeddings")
}

/// A cache folder, and the embedder whose embeddings it holds.
pub struct Cache<'a> {
    folder: PathBuf,
    tokenizer: &'a Tokenizer,
    embedder: &'a dyn Embedder,
}

impl<'a> Cache<'a> {
    pub fn open(folder: &Path, tokenizer: &'a Tokenizer, embedder: &'a dyn Embedder) -> anyhow::Result<Self> {
        let folder = folder.join(format!("{}-{VERSION}", embedder.fingerprint()));
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make the cache folder {}", folder.display()))?;
        Ok(Self { folder, tokenizer, embedder })
    }

    /// What the embedder sees of every text; those that the cache lacks are embedded and join it.
    pub fn embed_all(&self, texts: &[&str]) -> anyhow::Result<Vec<Seen>> {
        let keys: Vec<Key> = texts.iter().map(|text| key(text)).collect();
        let mut found: HashMap<Key, Found> = HashMap::with_capacity(keys.len());
        for (key, text) in keys.iter().zip(texts) {
            found.entry(*key).or_insert(Found { text, seen: None, uses: 0 }).uses += 1;
        }
        self.each_record(&mut |key, bytes| {
            if let Some(found) = found.get_mut(&key) {
                found.seen = Some(read_seen(bytes)?);
            }
            Ok(())
        })?;
        let missing: Vec<(Key, &str)> = found.iter().filter(|(_, f)| f.seen.is_none()).map(|(key, f)| (*key, f.text)).collect();
        let style = ProgressStyle::with_template("embedding {wide_bar} {pos}/{len} {eta}")?;
        let bar = ProgressBar::new(missing.len() as u64).with_style(style);
        for (key, seen) in self.embed(missing, &bar)? {
            found.entry(key).and_modify(|found| found.seen = Some(seen));
        }
        bar.finish_and_clear();
        let take = |key: &Key| found.get_mut(key)?.take();
        keys.iter().map(take).map(|seen| seen.context("an embedding is missing from the cache")).collect()
    }

    /// Embeds texts and adds them to the cache as they are done.
    pub fn embed(&self, mut texts: Vec<(Key, &str)>, bar: &ProgressBar) -> anyhow::Result<Vec<(Key, Seen)>> {
        texts.sort_unstable();
        let mut all = Vec::with_capacity(texts.len());
        for chunk in texts.chunks(CHUNK) {
            let embed = |&(key, text): &(Key, &str)| -> anyhow::Result<(Key, Seen)> {
                let text = &*plain(text);
                let tokens = self.tokenizer.encode_mended(text);
                let foreign = is_foreign(text, &tokens);
                let seen = Seen { embedding: self.embedder.embed(&tokens)?, tokens: tokens.total, foreign };
                bar.inc(1);
                Ok((key, seen))
            };
            let fresh: Vec<(Key, Seen)> = chunk.par_iter().map(embed).collect::<anyhow::Result<_>>()?;
            save(&self.folder, &fresh)?;
            all.extend(fresh);
        }
        Ok(all)
    }

    /// Calls `visit` with every record of every whole file. A file that does not match its name is left out and said so.
    pub fn each_record(&self, visit: &mut dyn FnMut(Key, &[u8]) -> anyhow::Result<()>) -> anyhow::Result<()> {
        for entry in std::fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path.extension().is_none_or(|e| e != "emb") {
                continue;
            }
            let bytes = read(&path)?;
            if path.file_name().is_none_or(|n| n != name(&bytes).as_str()) {
                eprintln!("pointsman: {} is damaged; its texts are embedded again", path.display());
                continue;
            }
            for record in bytes.chunks_exact(KEY + 8 + 4 * self.embedder.width()) {
                let (key, rest) = record.split_at(KEY);
                visit(key.try_into()?, rest)?;
            }
        }
        Ok(())
    }
}

/// What was found for a text that several rows may share.
struct Found<'a> {
    text: &'a str,
    seen: Option<Seen>,
    uses: usize,
}

impl Found<'_> {
    /// A copy, but for the last row that uses it.
    fn take(&mut self) -> Option<Seen> {
        self.uses -= 1;
        if self.uses == 0 { self.seen.take() } else { self.seen.clone() }
    }
}

/// The key of a text in every cache: texts that are read alike share one.
pub fn key(text: &str) -> Key {
    Sha256::digest(&*plain(text)).into()
}

/// A number that is as random as the key.
pub fn number(key: &Key) -> u64 {
    key[..8].iter().fold(0, |n, byte| n << 8 | u64::from(*byte))
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

fn read_seen(bytes: &[u8]) -> anyhow::Result<Seen> {
    let (tokens, rest) = bytes.split_at(4);
    let (foreign, numbers) = rest.split_at(4);
    let vector = numbers.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    let tokens = u32::from_le_bytes(tokens.try_into()?) as usize;
    Ok(Seen { embedding: Embedding::from_unit(vector)?, tokens, foreign: foreign != [0; 4] })
}
