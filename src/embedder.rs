//! `Tokens` become an [`Embedding`]: the `Embedder` trait, and the one that runs an embedder file on tract.

mod file;
mod graph;

#[cfg(feature = "build")]
pub mod build;

pub use file::{EmbedderFile, Metadata, Pooling};

use crate::error::{Error, Result};
use crate::tokenizer::Tokens;

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

/// Turns tokens into embeddings. `Send + Sync`, so that one embedder serves many threads.
pub trait Embedder: Send + Sync {
    /// Names the embedder's exact weights: heads trained on one fingerprint run on no other.
    fn fingerprint(&self) -> &str;

    /// Number of coordinates of every embedding.
    fn width(&self) -> usize;

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
}

/// An embedder file, loaded and ready to run on the CPU.
pub struct GraphEmbedder {
    graph: graph::Graph,
    fingerprint: String,
    vocabulary: usize,
    max_tokens: usize,
    width: usize,
    pooling: Pooling,
}

impl GraphEmbedder {
    /// Optimises the file's graph for any text length.
    ///
    /// # Errors
    /// [`Error::BadArtifact`] where the graph is not a sentence encoder this engine can run.
    pub fn new(file: EmbedderFile) -> Result<Self> {
        let (metadata, fingerprint, model) = file.into_parts();
        let graph = graph::Graph::load(model)?;
        let Metadata { max_tokens, width, pooling, .. } = metadata;
        Ok(Self { graph, fingerprint, vocabulary: metadata.vocabulary().count(), max_tokens, width, pooling })
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
}

impl Embedder for GraphEmbedder {
    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn width(&self) -> usize {
        self.width
    }

    fn embed(&self, tokens: &Tokens) -> Result<Embedding> {
        self.check(tokens)?;
        let hidden = self.graph.run(&tokens.ids)?;
        if hidden.len() != tokens.ids.len() * self.width {
            let found = format!("{} numbers for {} tokens", hidden.len(), tokens.ids.len());
            return Err(Error::engine("reading the encoder's output", found));
        }
        Embedding::normalized(pool(&hidden, self.width, self.pooling))
    }
}

/// One vector out of `hidden`, the encoder's output row after row.
fn pool(hidden: &[f32], width: usize, pooling: Pooling) -> Vec<f32> {
    match pooling {
        Pooling::Cls => hidden[..width].to_vec(),
        // The sum has the mean's direction, and only the direction survives normalisation.
        Pooling::Mean => hidden.chunks_exact(width).fold(vec![0.0; width], |mut sum, row| {
            sum.iter_mut().zip(row).for_each(|(s, x)| *s += x);
            sum
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pooling_reads_rows() {
        let hidden = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(pool(&hidden, 2, Pooling::Mean), [4.0, 6.0]);
        assert_eq!(pool(&hidden, 2, Pooling::Cls), [1.0, 2.0]);
    }

    #[test]
    fn a_vector_without_direction_is_an_engine_fault() {
        for bad in [vec![0.0; 4], vec![f32::NAN; 4], vec![f32::INFINITY, 0.0]] {
            assert_eq!(Embedding::normalized(bad).unwrap_err().code(), "ENGINE");
        }
    }
}
