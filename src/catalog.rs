//! The candidates, their prices and limits, and what a prompt of n tokens would cost on each.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// A candidate whose context length nobody states is trusted with no more than this many tokens.
pub const UNKNOWN_CONTEXT: u32 = 4096;

/// A language model that may be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Candidate {
    /// The name to put in the request's `model` field.
    pub id: String,
    /// Price of a million input tokens, in US dollars.
    pub usd_per_mtok_in: f64,
    /// Price of a million output tokens, in US dollars.
    pub usd_per_mtok_out: f64,
    /// Price of a million input tokens served from the provider's prompt cache, in US dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usd_per_mtok_cached: Option<f64>,
    /// The longest prompt and answer together, in tokens. Where it is unknown, it counts as [`UNKNOWN_CONTEXT`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_tokens: Option<u32>,
    /// Abilities a request may need, such as `tools`, `vision` or `json`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub supports: Vec<String>,
    /// Mean length of this candidate's answers in the training outcomes, in tokens.
    pub expected_output_tokens: f64,
}

impl Candidate {
    /// What a prompt of `input` tokens answered with `output` tokens costs, in US dollars.
    pub fn usd(&self, input: f64, output: f64) -> f64 {
        (input * self.usd_per_mtok_in + output * self.usd_per_mtok_out) / 1e6
    }

    /// What a switch loses if so many input tokens are in the provider's prompt cache, in US dollars. Where no price of
    /// cached tokens is given, they cost half, which is dearer than most providers ask.
    pub fn cache_worth(&self, cached: f64) -> f64 {
        let price = self.usd_per_mtok_cached.unwrap_or(self.usd_per_mtok_in / 2.0);
        cached * (self.usd_per_mtok_in - price).max(0.0) / 1e6
    }

    /// Whether a prompt and an answer of so many tokens together fit.
    pub fn fits(&self, tokens: f64) -> bool {
        tokens <= f64::from(self.context_tokens.unwrap_or(UNKNOWN_CONTEXT))
    }

    fn check(&self) -> Result<()> {
        let bad = |problem: &str| Err(Error::artifact("catalog", format!("candidate {:?}: {problem}", self.id)));
        if self.id.trim().is_empty() {
            return bad("its id is empty");
        }
        let prices = [self.usd_per_mtok_in, self.usd_per_mtok_out, self.usd_per_mtok_cached.unwrap_or(0.0)];
        if !prices.iter().all(|p| p.is_finite() && *p >= 0.0) {
            return bad("a price is negative or not a number");
        }
        if !(self.expected_output_tokens.is_finite() && self.expected_output_tokens >= 0.0) {
            return bad("expectedOutputTokens is negative or not a number");
        }
        Ok(())
    }
}

/// The ordered candidates. The order is the head's: row i of the head speaks of candidate i.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Catalog(Vec<Candidate>);

impl Catalog {
    /// Checks prices, and that ids are unique.
    ///
    /// # Errors
    /// [`Error::BadArtifact`] names the candidate that cannot be used.
    pub fn new(candidates: Vec<Candidate>) -> Result<Self> {
        if candidates.is_empty() {
            return Err(Error::artifact("catalog", "it names no candidate"));
        }
        for (i, candidate) in candidates.iter().enumerate() {
            candidate.check()?;
            if candidates[..i].iter().any(|earlier| earlier.id == candidate.id) {
                return Err(Error::artifact("catalog", format!("candidate {:?} appears twice", candidate.id)));
            }
        }
        Ok(Self(candidates))
    }

    /// Of candidates that the caller has named, not a file.
    ///
    /// # Errors
    /// [`Error::BadInput`] names the candidate that cannot be used.
    pub(crate) fn named(candidates: Vec<Candidate>) -> Result<Self> {
        Self::new(candidates).map_err(|error| match error {
            Error::BadArtifact { problem, .. } => Error::input("candidates", problem),
            other => other,
        })
    }

    /// The candidates in order.
    pub fn candidates(&self) -> &[Candidate] {
        &self.0
    }

    /// Number of candidates.
    #[allow(clippy::len_without_is_empty)] // a catalog is never empty
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The place of a candidate by its id.
    pub fn position(&self, id: &str) -> Option<usize> {
        self.0.iter().position(|c| c.id == id)
    }

    /// Expected length of every candidate's answer, in tokens: what the caller knows, or the candidate's mean times the
    /// share that this prompt is expected to ask for.
    pub fn outputs(&self, known: Option<f64>, shares: &[f64]) -> Vec<f64> {
        self.0.iter().zip(shares).map(|(c, share)| known.unwrap_or(c.expected_output_tokens * share)).collect()
    }

    /// Expected cost of a prompt on every candidate, in US dollars, at these answer lengths.
    pub fn usd(&self, input: usize, outputs: &[f64]) -> Vec<f64> {
        self.0.iter().zip(outputs).map(|(c, output)| c.usd(input as f64, *output)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(id: &str, price: f64) -> Candidate {
        Candidate {
            id: id.into(),
            usd_per_mtok_in: price,
            usd_per_mtok_out: 2.0 * price,
            usd_per_mtok_cached: None,
            context_tokens: None,
            supports: vec![],
            expected_output_tokens: 100.0,
        }
    }

    #[test]
    fn cost_is_tokens_times_price() {
        let catalog = Catalog::new(vec![candidate("a", 1.0), candidate("b", 10.0)]).unwrap();
        assert_eq!(catalog.usd(1000, &catalog.outputs(None, &[1.0, 0.5])), [0.0012, 0.011]);
        assert_eq!(catalog.usd(1000, &catalog.outputs(Some(0.0), &[1.0, 0.5])), [0.001, 0.01]);
    }

    #[test]
    fn a_cache_is_worth_what_its_tokens_would_cost_more_elsewhere() {
        let cached = Candidate { usd_per_mtok_cached: Some(1.0), ..candidate("a", 10.0) };
        assert!((cached.cache_worth(1e6) - 9.0).abs() < 1e-12);
        assert!((candidate("a", 10.0).cache_worth(1e6) - 5.0).abs() < 1e-12);
        assert!(candidate("a", 1.0).fits(4096.0) && !candidate("a", 1.0).fits(4097.0));
    }

    #[test]
    fn unusable_catalogs_are_refused() {
        for bad in [vec![], vec![candidate("a", 1.0), candidate("a", 2.0)], vec![candidate(" ", 1.0)], vec![candidate("a", f64::NAN)]] {
            assert_eq!(Catalog::new(bad).unwrap_err().code(), "BAD_ARTIFACT");
        }
    }
}
