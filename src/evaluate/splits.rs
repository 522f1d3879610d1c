//! Whether the guarantee keeps its word: proven on one half of the rows, looked at on the other, many times.

use crate::policy::{Aim, Dials, MinQuality, Policy};
use crate::random::Random;
use crate::train::dials::{Replay, ReplayRow, pick};
use crate::train::guarantee::prove;
use serde::Serialize;

/// What came of the splits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Splits {
    /// How many.
    pub splits: usize,
    /// The loss that was promised: ε.
    pub epsilon: f64,
    /// The probability with which a promise may be broken: δ.
    pub delta: f64,
    /// Share of the splits in which the mean loss on the other half exceeded ε.
    pub exceeded: f64,
    /// Share in which some exchange rate was proven, so that anything but the best single candidate was chosen at all.
    pub proven: f64,
    /// Mean share of the best single candidate's cost that was saved. NaN, null as JSON, where that costs nothing.
    pub cost_saved: f64,
}

/// Splits rows, all of which the best single candidate has answered, in halves at random.
pub(super) fn check(rows: &[ReplayRow], dials: &Dials, (epsilon, delta): (f64, f64), splits: usize, seed: u64) -> Splits {
    let mut random = Random::new(seed);
    let best = Policy { min_quality: Some(MinQuality::BEST), ..Policy::default() };
    let (mut exceeded, mut proven, mut saved) = (0, 0, 0.0);
    for _ in 0..splits {
        let (one, other): (Vec<&ReplayRow>, Vec<&ReplayRow>) = rows.iter().partition(|_| random.unit() < 0.5);
        let guarantee = prove(&one, dials, epsilon, delta);
        let aim = Dials { guarantee, ..dials.clone() }.aim(&best).unwrap_or(Aim::Strongest);
        let pairs: Vec<_> = other.iter().filter_map(|row| Some((pick(row, aim, dials.strongest)?, row.of(dials.strongest)?))).collect();
        let sum = |value: &dyn Fn(&(&Replay, &Replay)) -> f64| pairs.iter().map(value).sum::<f64>();
        exceeded += usize::from(sum(&|(ours, best)| best.score - ours.score) / pairs.len().max(1) as f64 > epsilon);
        proven += usize::from(aim != Aim::Strongest);
        saved += 1.0 - sum(&|(ours, _)| ours.usd) / sum(&|(_, best)| best.usd);
    }
    let share = |count: usize| count as f64 / splits.max(1) as f64;
    Splits { splits, epsilon, delta, exceeded: share(exceeded), proven: share(proven), cost_saved: saved / splits.max(1) as f64 }
}
