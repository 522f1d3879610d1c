//! A candidate's share of a bandit, to the last bit: for the same bandit on another instance, where the one it lived on
//! was lost. What is exported for other routers is smaller ([`super::state`]).
//!
//! ```text
//! upkeep u32, inverse (lower triangle by rows), delta (width), the arm's sums, and where learning is shared its own since the
//! last drain; sums are observations, bills, Σ paid / expected, b (width), A (lower triangle by rows), all f64, little-endian
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
        arm.inverse.lower().iter().chain(&arm.delta).for_each(|x| bytes.extend(x.to_le_bytes()));
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
        // Updated step by step, it is not to the last bit what follows from the sums.
        let inverse = Symmetric::from_lower(width, numbers(&mut rest, width * (width + 1) / 2)?);
        let delta = numbers(&mut rest, width)?;
        let sums = read(&mut rest, width)?;
        let own = if self.settings.shared { Some(read(&mut rest, width)?) } else { None };
        if !rest.0.is_empty() || upkeep >= width {
            return None;
        }
        self.arms[candidate] = Arm { sums, inverse, delta, upkeep };
        self.own.get_mut(candidate).into_iter().zip(own).for_each(|(old, own)| *old = own);
        Some(())
    }
}

fn read(rest: &mut Rest, width: usize) -> Option<Sums> {
    let [count, bills, ratios] = numbers(rest, 3)?.try_into().ok()?;
    let (b, lower) = (numbers(rest, width)?, numbers(rest, width * (width + 1) / 2)?);
    Some(Sums { count, cost: Cost { count: bills, ratios }, b, a: Symmetric::from_lower(width, lower) })
}

/// The ridge is in them, too: so [`Sums::is_sane`] does not know their bounds.
fn numbers(rest: &mut Rest, len: usize) -> Option<Vec<f64>> {
    (0..len).map(|_| rest.f64().filter(|x| x.is_finite())).collect()
}
