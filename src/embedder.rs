//! `Tokens` become an [`Embedding`]: the `Embedder` trait, and the one that runs an embedder file on tract.

mod file;
mod graph;
mod kernel;
mod ops;
mod plan;
pub mod protobuf;
mod stencil;

#[cfg(feature = "build")]
pub mod build;

pub use file::{EmbedderFile, Metadata, Pooling};
pub use graph::Coverage;
pub use kernel::Activations;
pub(crate) use kernel::dot;
#[cfg(target_arch = "wasm32")]
pub(crate) use kernel::run_constructors;

use crate::error::{Error, Result};
use crate::tokenizer::Tokens;
use serde::Serialize;

/// Runs every op of an encoder once, on made-up numbers: an engine that compiles what is called often has then seen them.
///
/// # Errors
/// [`Error::Engine`] where one fails.
pub fn rehearse() -> Result<()> {
    graph::rehearse()
}

/// A sentence as a unit vector: finite, of Euclidean length one.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding(Box<[f32]>);

impl Embedding {
    /// Scales a vector to unit length.
    ///
    /// # Errors
    /// [`Error::Engine`] where the vector is zero or not finite: an engine's result that must not be routed on.
    pub fn normalized(mut vector: Vec<f32>) -> Result<Self> {
        let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
        if !(length.is_finite() && length > 0.0) {
            return Err(Error::engine("normalising an embedding", format!("its length is {length}")));
        }
        vector.iter_mut().for_each(|x| *x /= length);
        Ok(Self(vector.into()))
    }

    /// Takes a vector that is of unit length already, bit for bit, as when it is read back from a cache.
    ///
    /// # Errors
    /// [`Error::BadInput`] where its length is not 1.
    pub fn from_unit(vector: Vec<f32>) -> Result<Self> {
        let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
        // Not `> 1e-3`: a length that is not a number must be refused too.
        if (length - 1.0).abs() <= 1e-3 {
            return Ok(Self(vector.into()));
        }
        Err(Error::input("embedding", format!("its length is {length}, not 1")))
    }

    /// The coordinates.
    pub fn as_slice(&self) -> &[f32] {
        &self.0
    }
}

/// How much work an embedder does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// A transformer reads the text.
    Full,
    /// Rows of a table are added up.
    Static,
}

/// Turns tokens into embeddings. `Send + Sync`, so that one embedder serves many threads.
pub trait Embedder: Send + Sync {
    /// Names the embedder's exact weights: heads trained on one fingerprint run on no other.
    fn fingerprint(&self) -> &str;

    /// Number of coordinates of every embedding.
    fn width(&self) -> usize;

    /// How much work it does.
    fn tier(&self) -> Tier {
        Tier::Full
    }

    /// Embeds one text.
    ///
    /// # Errors
    /// [`Error::BadInput`] for a token outside the vocabulary, [`Error::Engine`] where inference fails.
    fn embed(&self, tokens: &Tokens) -> Result<Embedding>;

    /// Embeds many texts; each result equals that of [`Embedder::embed`] on its own.
    ///
    /// # Errors
    /// As [`Embedder::embed`], for the first text that fails.
    fn embed_batch(&self, batch: &[Tokens]) -> Result<Vec<Embedding>> {
        batch.iter().map(|tokens| self.embed(tokens)).collect()
    }

    /// The encoder behind the lookup as bytes, for an executor on another device; `src/embedder/plan.rs` tells the format.
    ///
    /// # Errors
    /// [`Error::Engine`] where it can only run here, and why.
    fn encoder_plan(&self) -> Result<Vec<u8>> {
        Err(Error::engine("exporting the encoder", "this embedder has no graph"))
    }

    /// What that encoder reads: the rows of all texts behind each other.
    ///
    /// # Errors
    /// As [`Embedder::embed`] and [`Embedder::encoder_plan`].
    fn lookup(&self, _batch: &[Tokens]) -> Result<Vec<f32>> {
        Err(Error::engine("looking tokens up", "this embedder has no graph"))
    }
}

/// Tokens that run through the graph at a time: enough to read the weights seldom, few enough to stay in cache.
const BATCH_TOKENS: usize = 128;

/// An embedder file, loaded and ready to run on the CPU.
pub struct GraphEmbedder {
    graph: graph::Graph,
    fingerprint: String,
    vocabulary: usize,
    max_tokens: usize,
    width: usize,
}

impl GraphEmbedder {
    /// Optimises the file's graph for any text length.
    ///
    /// # Errors
    /// [`Error::BadArtifact`] where the graph is not a sentence encoder this engine can run.
    pub fn new(file: EmbedderFile) -> Result<Self> {
        let (fingerprint, parts) = file.into_parts();
        let Metadata { max_tokens, width, .. } = parts.metadata;
        let vocabulary = parts.metadata.vocabulary_len();
        Ok(Self { graph: graph::Graph::load(parts)?, fingerprint, vocabulary, max_tokens, width })
    }

    /// What of the graph runs on fused ops.
    pub fn coverage(&self) -> &Coverage {
        self.graph.coverage()
    }

    fn check(&self, tokens: &Tokens) -> Result<()> {
        let (len, limit, vocabulary) = (tokens.ids.len(), self.max_tokens, self.vocabulary);
        if len == 0 || len > limit {
            return Err(Error::input("tokens", format!("{len} ids; this embedder reads 1 to {limit}")));
        }
        match tokens.ids.iter().find(|&&id| id as usize >= vocabulary) {
            Some(id) => Err(Error::input("tokens", format!("id {id} is outside the vocabulary of {vocabulary}"))),
            None => Ok(()),
        }
    }

    fn run(&self, batch: &[Tokens]) -> Result<Vec<Embedding>> {
        let ids: Vec<&[u32]> = batch.iter().map(|tokens| &*tokens.ids).collect();
        let vectors = self.graph.run(&ids)?;
        if vectors.len() != batch.len() * self.width {
            let found = format!("{} numbers for {} texts of width {}", vectors.len(), batch.len(), self.width);
            return Err(Error::engine("reading the encoder's output", found));
        }
        let faulty = |_| Error::engine("normalising an embedding", "the encoder's output has no direction");
        vectors.chunks_exact(self.width).map(|vector| Embedding::from_unit(vector.to_vec()).map_err(faulty)).collect()
    }
}

impl Embedder for GraphEmbedder {
    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn width(&self) -> usize {
        self.width
    }

    fn tier(&self) -> Tier {
        let Coverage { fused, other } = self.coverage();
        let looked_up = fused.keys().all(|op| op == "embed" || op == "pool");
        if looked_up && other.is_empty() { Tier::Static } else { Tier::Full }
    }

    fn embed(&self, tokens: &Tokens) -> Result<Embedding> {
        self.check(tokens)?;
        let faulty = || Error::engine("reading the encoder's output", "no vector came out");
        self.run(std::slice::from_ref(tokens))?.pop().ok_or_else(faulty)
    }

    fn embed_batch(&self, batch: &[Tokens]) -> Result<Vec<Embedding>> {
        batch.iter().try_for_each(|tokens| self.check(tokens))?;
        let mut vectors = Vec::with_capacity(batch.len());
        let mut rest = batch;
        while !rest.is_empty() {
            let ends = rest.iter().scan(0, |sum, tokens| {
                *sum += tokens.ids.len();
                Some(*sum)
            });
            let (now, later) = rest.split_at(ends.take_while(|end| *end <= BATCH_TOKENS).count().max(1));
            vectors.extend(self.run(now)?);
            rest = later;
        }
        Ok(vectors)
    }

    fn encoder_plan(&self) -> Result<Vec<u8>> {
        self.graph.encoder()
    }

    fn lookup(&self, batch: &[Tokens]) -> Result<Vec<f32>> {
        batch.iter().try_for_each(|tokens| self.check(tokens))?;
        self.graph.lookup(&batch.iter().map(|tokens| &*tokens.ids).collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_without_direction_is_an_engine_fault() {
        for bad in [vec![0.0; 4], vec![f32::NAN; 4], vec![f32::INFINITY, 0.0]] {
            assert_eq!(Embedding::normalized(bad).unwrap_err().code(), "ENGINE");
        }
    }
}
