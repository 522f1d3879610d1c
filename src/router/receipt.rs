//! What feedback on a decision needs, as bytes, so that another router may hear it: at the edge, the isolate that decided
//! may be gone when its user has read the answer.
//!
//! ```text
//! "PTSRCPT1", then three texts (length u32, UTF-8): decision id, candidate id, what names the embedder and
//! the bandit's directions;
//! expected usd f64 (NaN once the cost was told), predicted quality f64, width u32, context (width x f32)
//! ```
//!
//! All little-endian. No text of the prompt, but its embedding as the bandit sees it: it belongs to whoever wrote the
//! prompt. Nothing here is signed; a server that takes receipts back from strangers signs them.

use crate::error::{Error, Result};
use crate::rest::Rest;

const MAGIC: &[u8; 8] = b"PTSRCPT1";
/// Contexts are unit vectors, or projections of them.
const MOST: f32 = 64.0;

#[derive(Debug, PartialEq)]
pub(super) struct Receipt {
    pub id: String,
    pub candidate: String,
    /// Names the embedder and the bandit's directions.
    pub space: String,
    pub usd: Option<f64>,
    pub shipped: f64,
    pub context: Vec<f32>,
}

impl Receipt {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for text in [&self.id, &self.candidate, &self.space] {
            bytes.extend((text.len() as u32).to_le_bytes());
            bytes.extend(text.as_bytes());
        }
        bytes.extend(self.usd.unwrap_or(f64::NAN).to_le_bytes());
        bytes.extend(self.shipped.to_le_bytes());
        bytes.extend((self.context.len() as u32).to_le_bytes());
        self.context.iter().for_each(|x| bytes.extend(x.to_le_bytes()));
        bytes
    }

    /// # Errors
    /// [`Error::BadInput`] for bytes that are no receipt.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self> {
        let refused = || Error::input("receipt", "these bytes are no receipt of a decision, or not all of it");
        Self::read(bytes).filter(Self::is_sane).ok_or_else(refused)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut rest = Rest(bytes.strip_prefix(MAGIC)?);
        let [id, candidate, space] = [rest.text()?, rest.text()?, rest.text()?];
        let (usd, shipped, width) = (rest.f64()?, rest.f64()?, rest.u32()? as usize);
        let context = rest.floats(width)?;
        let usd = (!usd.is_nan()).then_some(usd);
        rest.0.is_empty().then_some(Self { id, candidate, space, usd, shipped, context })
    }

    fn is_sane(&self) -> bool {
        let usd = self.usd.is_none_or(|usd| usd.is_finite() && usd >= 0.0);
        usd && (0.0..=1.0).contains(&self.shipped) && self.context.iter().all(|x| x.abs() <= MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_whole_or_not_at_all() {
        let text = str::to_owned;
        let context = vec![0.5, -1.0];
        let receipt = Receipt { id: text("0a"), candidate: text("b"), space: text("f"), usd: Some(0.25), shipped: 0.75, context };
        let bytes = receipt.to_bytes();
        assert_eq!(Receipt::parse(&bytes).unwrap(), receipt);
        assert!((0..bytes.len()).all(|len| Receipt::parse(&bytes[..len]).is_err()));
        assert!(Receipt::parse(&[bytes, vec![0]].concat()).is_err());
        let settled = Receipt { usd: None, ..receipt };
        assert_eq!(Receipt::parse(&settled.to_bytes()).unwrap(), settled);
    }
}
