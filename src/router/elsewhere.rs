//! Routing on an embedding that was computed on another device: the lookup runs here, the encoder there, the rest here.

use super::{Decision, Router};
use crate::embedder::Embedding;
use crate::error::{Error, Result};
use crate::policy::Policy;
use crate::prompt::Prompt;
use crate::tokenizer::Tokens;

/// What an encoder reads: the rows of all texts behind each other, and how many each text has.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// As many numbers a row as the encoder is wide.
    pub values: Vec<f32>,
    /// Rows of each text; 0 where a prompt has no text, which then has no embedding.
    pub lengths: Vec<u32>,
}

impl Router {
    /// The encoder as bytes, in the format that `src/embedder/plan.rs` tells.
    ///
    /// # Errors
    /// [`Error::Engine`] where the embedder can only run here, and why.
    pub fn encoder_plan(&self) -> Result<Vec<u8>> {
        self.embedder.encoder_plan()
    }

    /// What the encoder reads of prompts, as [`Router::route`] would cut them.
    ///
    /// # Errors
    /// As [`Router::embed`], and as [`Router::encoder_plan`].
    pub fn lookup(&self, prompts: &[Prompt]) -> Result<Rows> {
        let cut = |prompt: &Prompt| Ok(prompt.request()?.text.map(|text| self.tokenizer.encode_mended(&text)));
        let tokens = prompts.iter().map(cut).collect::<Result<Vec<Option<Tokens>>>>()?;
        let lengths = tokens.iter().map(|tokens| tokens.as_ref().map_or(0, |tokens| tokens.ids.len() as u32)).collect();
        let values = self.embedder.lookup(&tokens.into_iter().flatten().collect::<Vec<_>>())?;
        Ok(Rows { values, lengths })
    }

    /// Decides on an embedding that another device computed from this prompt's rows.
    ///
    /// # Errors
    /// As [`Router::route`]; [`Error::Engine`] for a vector that is no embedding.
    pub fn route_embedded(&self, prompt: &Prompt, policy: &Policy, vector: Vec<f32>) -> Result<Decision> {
        let rate = self.exchange_rate(policy)?;
        let embedding = self.foreign(vector)?;
        let reading = self.read(prompt)?;
        let appraisal = self.weigh(&reading, Some(embedding).filter(|_| reading.text.is_some()), policy)?;
        self.decide(appraisal, rate, policy)
    }

    fn foreign(&self, vector: Vec<f32>) -> Result<Embedding> {
        let (found, width) = (vector.len(), self.embedder.width());
        if found != width {
            return Err(Error::engine("reading another device's embedding", format!("{found} numbers for a width of {width}")));
        }
        Embedding::from_unit(vector).map_err(|e| Error::engine("reading another device's embedding", e.to_string()))
    }
}
