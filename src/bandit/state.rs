//! The bandit's state as bytes: sums only, so that the states of many devices add up to the state of one that saw all.
//!
//! ```text
//! "PTSBANDT", version u32, candidates u32, width u32, space u64, then for every candidate
//!   id length u32, id, observations f64, bills f64, Σ paid / expected f64, b (width x f32), Σ xxᵀ (lower triangle by rows, width(width + 1)/2 x f32)
//! SHA-256 of all before it
//! ```
//!
//! All little-endian; the space is the first eight bytes of the embedder's fingerprint, and where the router file's
//! directions are projected on, mixed with a hash of these. At 384 dimensions a candidate takes 300 kB. f32 keeps seven digits of each sum.

use super::sums::{Cost, Sums};
use super::{Arm, Bandit};
use crate::error::{Error, Result};
use crate::rest::Rest;
use crate::symmetric::Symmetric;
use sha2::{Digest, Sha256};

const MAGIC: &[u8; 8] = b"PTSBANDT";
const VERSION: u32 = 2;
const HASH: usize = 32;
/// Where a width is squared in 32 bits, this one still fits.
const MAX_WIDTH: usize = 8192;

impl Bandit {
    /// The sums, by candidate. `ids` name the candidates.
    pub fn export(&self, ids: &[&str]) -> Vec<u8> {
        let seen: Vec<Sums> = self.arms.iter().map(|arm| arm.seen(self.settings.ridge)).collect();
        write(self.kind(), ids.iter().copied().zip(&seen))
    }

    /// Adds what another bandit has seen. Candidates are matched by id; those that are not in `ids` are left out.
    /// Nothing changes where an error is returned.
    ///
    /// # Errors
    /// [`Error::BadArtifact`] for bytes that are no complete, unchanged state; [`Error::Mismatch`] for a state of other
    /// dimensions, or of another embedder or projection.
    pub fn merge(&mut self, ids: &[&str], bytes: &[u8]) -> Result<()> {
        let mut merged = self.arms.clone();
        for (id, seen) in self.read(bytes)? {
            let Some(at) = ids.iter().position(|known| *known == id) else { continue };
            let refused = || bad(&format!("the sums of {id:?} are none of observations"));
            merged[at].absorb(&seen).ok_or_else(refused)?;
        }
        self.arms = merged;
        Ok(())
    }

    /// What was learned here, and not merged, since the last drain. What comes next is counted anew.
    ///
    /// # Errors
    /// [`Error::BadInput`] for a bandit that is not `shared`.
    pub fn drain(&mut self, ids: &[&str]) -> Result<Vec<u8>> {
        if !self.settings.shared {
            return Err(Error::input("learn", "what was learned here is not kept apart; create the router with learn: { shared: true }"));
        }
        let bytes = write(self.kind(), ids.iter().copied().zip(&self.own));
        self.own = vec![Sums::zero(self.context_width()); self.own.len()];
        Ok(bytes)
    }

    /// Forgets all but what was not yet drained, and takes these sums in its place. Nothing changes where an error is
    /// returned.
    ///
    /// # Errors
    /// As [`Bandit::merge`].
    pub fn replace(&mut self, ids: &[&str], bytes: &[u8]) -> Result<()> {
        let empty = vec![Arm::new(self.context_width(), self.settings.ridge); self.arms.len()];
        let before = std::mem::replace(&mut self.arms, empty);
        if let Err(error) = self.merge(ids, bytes).and_then(|()| self.absorb_own()) {
            self.arms = before;
            return Err(error);
        }
        Ok(())
    }

    fn absorb_own(&mut self) -> Result<()> {
        let heard = self.arms.iter_mut().zip(&self.own).filter(|(_, own)| own.count + own.cost.count > 0.0);
        let absorbed = heard.map(|(arm, own)| arm.absorb(own)).all(|absorbed| absorbed.is_some());
        if !absorbed {
            return Err(bad("added to what was learned here, its sums are none of observations"));
        }
        Ok(())
    }

    fn read(&self, bytes: &[u8]) -> Result<Vec<(String, Sums)>> {
        let (kind, arms) = read(bytes)?;
        self.kind().check(kind)?;
        Ok(arms)
    }

    fn kind(&self) -> Kind {
        Kind { width: self.context_width(), space: self.space }
    }
}

/// What states must agree in to be added.
#[derive(Clone, Copy)]
struct Kind {
    width: usize,
    /// Names the embedder and the projection.
    space: u64,
}

impl Kind {
    fn check(self, found: Self) -> Result<()> {
        let differs = |part: &str, expected: String, found: String| Err(Error::Mismatch { part: part.into(), expected, found });
        if found.width != self.width {
            return differs("dimensions of the bandit state", self.width.to_string(), found.width.to_string());
        }
        if found.space != self.space {
            return differs("embedder or projection of the bandit state", format!("{:016x}", self.space), format!("{:016x}", found.space));
        }
        Ok(())
    }
}

/// Adds states of equal dimensions, without a bandit. A candidate that only some of them know keeps its sums.
///
/// # Errors
/// As [`Bandit::merge`], and [`Error::BadInput`] where there is no state.
pub fn add_states(states: &[Vec<u8>]) -> Result<Vec<u8>> {
    let (first, rest) = states.split_first().ok_or_else(|| Error::input("states", "give at least one"))?;
    let (kind, mut sums) = read(first)?;
    for state in rest {
        let (found, arms) = read(state)?;
        kind.check(found)?;
        for (id, seen) in arms {
            match sums.iter_mut().find(|(known, _)| *known == id) {
                Some((_, sum)) => sum.add(&seen),
                None => sums.push((id, seen)),
            }
        }
    }
    if let Some((id, _)) = sums.iter().find(|(_, sums)| !sums.is_sane()) {
        return Err(bad(&format!("added, the sums of {id:?} are none of observations")));
    }
    Ok(write(kind, sums.iter().map(|(id, sum)| (id.as_str(), sum))))
}

impl Arm {
    fn seen(&self, ridge: f64) -> Sums {
        let mut seen = self.sums.clone();
        seen.a.add(&Symmetric::diagonal(self.delta.len(), -ridge));
        seen
    }
}

fn write<'a>(kind: Kind, sums: impl ExactSizeIterator<Item = (&'a str, &'a Sums)>) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    [VERSION, sums.len() as u32, kind.width as u32].iter().for_each(|n| bytes.extend(n.to_le_bytes()));
    bytes.extend(kind.space.to_le_bytes());
    for (id, sum) in sums {
        bytes.extend((id.len() as u32).to_le_bytes());
        bytes.extend(id.as_bytes());
        [sum.count, sum.cost.count, sum.cost.ratios].iter().for_each(|x| bytes.extend(x.to_le_bytes()));
        sum.b.iter().chain(sum.a.lower()).for_each(|x| bytes.extend((*x as f32).to_le_bytes()));
    }
    bytes.extend(Sha256::digest(&bytes));
    bytes
}

fn bad(problem: &str) -> Error {
    Error::artifact("bandit state", problem)
}

/// The sums by candidate.
fn read(bytes: &[u8]) -> Result<(Kind, Vec<(String, Sums)>)> {
    let (body, hash) = bytes.split_at_checked(bytes.len().saturating_sub(HASH)).unwrap_or((&[], &[]));
    if !body.starts_with(MAGIC) || Sha256::digest(body).as_slice() != hash {
        return Err(bad("it is truncated, changed, or no state that exportState made"));
    }
    let mut rest = Rest(&body[MAGIC.len()..]);
    let short = || bad("it ends too early");
    let mut number = || rest.u32().ok_or_else(short);
    let [version, candidates, width] = [number()?, number()?, number()?];
    let width = width as usize;
    if version != VERSION {
        let (expected, found) = (VERSION.to_string(), version.to_string());
        return Err(Error::Mismatch { part: "version of the bandit state".into(), expected, found });
    }
    if width > MAX_WIDTH {
        return Err(bad("its dimensions are beyond reason"));
    }
    let space = rest.u64().ok_or_else(short)?;
    let arms = (0..candidates).map(|_| arm(&mut rest, width).ok_or_else(short)).collect::<Result<Vec<_>>>()?;
    if let Some((id, _)) = arms.iter().find(|(_, sums)| !sums.is_sane()) {
        return Err(bad(&format!("the sums of {id:?} are none of observations")));
    }
    if rest.0.is_empty() { Ok((Kind { width, space }, arms)) } else { Err(bad("it holds more than its candidates")) }
}

/// One candidate's id and sums; nothing where the bytes end too early.
fn arm(rest: &mut Rest, width: usize) -> Option<(String, Sums)> {
    let id = rest.text()?;
    let (count, cost) = (rest.f64()?, Cost { count: rest.f64()?, ratios: rest.f64()? });
    let mut floats = |len| Some(rest.floats(len)?.into_iter().map(f64::from).collect::<Vec<_>>());
    let (b, a) = (floats(width)?, floats(width * (width + 1) / 2)?);
    Some((id, Sums { count, cost, b, a: Symmetric::from_lower(width, a) }))
}
