//! A candidate's share of a bandit, to the last bit: for the same bandit on another instance, where the one it lived on
//! was lost. What is exported for other routers is smaller ([`super::state`]).
//!
//! ```text
//! upkeep u32, then the arm's sums, then where learning is shared its own sums since the last drain:
//! observations, bills, Σ paid / expected, b (width), A (lower triangle by rows), all f64, little-endian
//! ```

use super::sums::{Cost, Sums};
use super::{Arm, Bandit};
use crate::rest::Rest;
use crate::symmetric::Symmetric;

impl Bandit {
    /// What was learned about one candidate.
    pub fn save_arm(&self, candidate: usize) -> Vec<u8> {
        let arm = &self.arms[candidate];
        let mut bytes = (arm.upkeep as u32).to_le_bytes().to_vec();
        for sums in [&arm.sums].into_iter().chain(self.own.get(candidate)) {
            let head = [sums.count, sums.cost.count, sums.cost.ratios];
            head.iter().chain(&sums.b).chain(sums.a.lower()).for_each(|x| bytes.extend(x.to_le_bytes()));
        }
        bytes
    }

    /// Takes back what [`Bandit::save_arm`] gave of an equal bandit; nothing, where it is something else.
    pub fn restore_arm(&mut self, candidate: usize, bytes: &[u8]) -> Option<()> {
        let (mut rest, width) = (Rest(bytes), self.context_width());
        let upkeep = rest.u32()? as usize;
        let sums = read(&mut rest, width)?;
        let own = if self.settings.shared { Some(read(&mut rest, width)?) } else { None };
        if !rest.0.is_empty() || upkeep >= width {
            return None;
        }
        let inverse = sums.a.inverse()?;
        let delta = inverse.times(&sums.b);
        self.arms[candidate] = Arm { sums, inverse, delta, upkeep };
        self.own.get_mut(candidate).into_iter().zip(own).for_each(|(old, own)| *old = own);
        Some(())
    }
}

fn read(rest: &mut Rest, width: usize) -> Option<Sums> {
    let mut numbers = |len: usize| (0..len).map(|_| rest.f64()).collect::<Option<Vec<_>>>();
    let [count, bills, ratios] = numbers(3)?.try_into().ok()?;
    let (b, lower) = (numbers(width)?, numbers(width * (width + 1) / 2)?);
    let sums = Sums { count, cost: Cost { count: bills, ratios }, b, a: Symmetric::from_lower(width, lower) };
    // The ridge is in them, too: so [`Sums::is_sane`] does not know their bounds.
    let finite = [count, bills, ratios].iter().chain(&sums.b).chain(sums.a.lower()).all(|x| x.is_finite());
    finite.then_some(sums)
}
