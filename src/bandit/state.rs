//! The bandit's state as bytes: sums only, so that the states of many devices add up to the state of one that saw all.
//!
//! ```text
//! "PTSBANDT", version u32, candidates u32, width u32, then for every candidate
//!   id length u32, id, observations f64, bills f64, Σ paid / expected f64, b (width x f32), Σ xxᵀ (lower triangle by rows, width(width + 1)/2 x f32)
//! SHA-256 of all before it
//! ```
//!
//! All little-endian. At 384 dimensions a candidate takes 300 kB. f32 keeps seven digits of each sum.

use super::{Arm, Bandit, Cost};
use crate::error::{Error, Result};
use crate::symmetric::Symmetric;
use sha2::{Digest, Sha256};

const MAGIC: &[u8; 8] = b"PTSBANDT";
const VERSION: u32 = 1;
const HASH: usize = 32;

impl Bandit {
    /// The sums, by candidate. `ids` name the candidates.
    pub fn export(&self, ids: &[&str]) -> Vec<u8> {
        let width = self.arms.first().map_or(0, |arm| arm.b.len());
        let mut bytes = MAGIC.to_vec();
        [VERSION, ids.len() as u32, width as u32].iter().for_each(|n| bytes.extend(n.to_le_bytes()));
        for (id, arm) in ids.iter().zip(&self.arms) {
            bytes.extend((id.len() as u32).to_le_bytes());
            bytes.extend(id.as_bytes());
            [arm.count, arm.cost.count, arm.cost.ratios].iter().for_each(|x| bytes.extend(x.to_le_bytes()));
            let mut seen = arm.a.clone();
            seen.add(&Symmetric::diagonal(width, -self.settings.ridge));
            arm.b.iter().chain(seen.lower()).for_each(|x| bytes.extend((*x as f32).to_le_bytes()));
        }
        bytes.extend(Sha256::digest(&bytes));
        bytes
    }

    /// Adds what another bandit has seen. Candidates are matched by id; those that are not in `ids` are left out.
    /// Nothing changes where an error is returned.
    ///
    /// # Errors
    /// [`Error::BadArtifact`] for bytes that are no complete, unchanged state; [`Error::Mismatch`] for a state of other
    /// dimensions.
    pub fn merge(&mut self, ids: &[&str], bytes: &[u8]) -> Result<()> {
        let width = self.arms.first().map_or(0, |arm| arm.b.len());
        let mut merged = self.arms.clone();
        for (id, seen) in read(bytes, width)? {
            let Some(at) = ids.iter().position(|known| *known == id) else { continue };
            merged[at].absorb(&seen);
        }
        self.arms = merged;
        Ok(())
    }
}

/// One candidate's sums, without the ridge.
struct Seen {
    count: f64,
    cost: Cost,
    b: Vec<f64>,
    a: Symmetric,
}

impl Arm {
    fn absorb(&mut self, seen: &Seen) {
        self.count += seen.count;
        self.cost.count += seen.cost.count;
        self.cost.ratios += seen.cost.ratios;
        self.b.iter_mut().zip(&seen.b).for_each(|(b, s)| *b += s);
        self.a.add(&seen.a);
        self.solve();
    }
}

fn read(bytes: &[u8], width: usize) -> Result<Vec<(String, Seen)>> {
    let bad = |problem: &str| Error::artifact("bandit state", problem);
    let (body, hash) = bytes.split_at_checked(bytes.len().saturating_sub(HASH)).unwrap_or((&[], &[]));
    if !body.starts_with(MAGIC) || Sha256::digest(body).as_slice() != hash {
        return Err(bad("it is truncated, changed, or no state that exportState made"));
    }
    let mut rest = Rest(&body[MAGIC.len()..]);
    let header = [rest.u32()?, rest.u32()?, rest.u32()?];
    let expected = |part: &str, expected: usize, found: u32| Error::Mismatch {
        part: part.into(),
        expected: expected.to_string(),
        found: found.to_string(),
    };
    if header[0] != VERSION {
        return Err(expected("version of the bandit state", VERSION as usize, header[0]));
    }
    if header[2] as usize != width {
        return Err(expected("dimensions of the bandit state", width, header[2]));
    }
    let arms = (0..header[1]).map(|_| rest.arm(width)).collect::<Result<Vec<_>>>()?;
    if !rest.0.is_empty() {
        return Err(bad("it holds more than its candidates"));
    }
    Ok(arms)
}

struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or_else(|| Error::artifact("bandit state", "it ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn u32(&mut self) -> Result<u32> {
        Ok(self.take(4)?.iter().rev().fold(0, |n, byte| n << 8 | u32::from(*byte)))
    }

    fn f64(&mut self) -> Result<f64> {
        Ok(f64::from_bits(self.take(8)?.iter().rev().fold(0, |n, byte| n << 8 | u64::from(*byte))))
    }

    fn floats(&mut self, len: usize) -> Result<Vec<f64>> {
        let floats = self.take(4 * len)?.chunks_exact(4).map(|b| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]])));
        Ok(floats.collect())
    }

    fn arm(&mut self, width: usize) -> Result<(String, Seen)> {
        let len = self.u32()? as usize;
        let id = std::str::from_utf8(self.take(len)?).map_err(|e| Error::artifact("bandit state", e))?.to_owned();
        let (count, cost) = (self.f64()?, Cost { count: self.f64()?, ratios: self.f64()? });
        let (b, a) = (self.floats(width)?, self.floats(width * (width + 1) / 2)?);
        let counts = [count, cost.count, cost.ratios].iter().all(|x| x.is_finite() && *x >= 0.0);
        let finite = counts && b.iter().chain(&a).all(|x| x.is_finite());
        if !finite {
            return Err(Error::artifact("bandit state", format!("a sum of {id:?} is not a number")));
        }
        Ok((id, Seen { count, cost, b, a: Symmetric::from_lower(width, a) }))
    }
}
