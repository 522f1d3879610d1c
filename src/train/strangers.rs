//! How near to the training prompts a prompt must be for its estimates to be trusted.
//!
//! Rows left out at random are always of a kind that the fit has seen. So here whole kinds are left out: the prompts are
//! grouped by k-means, a part of the groups is kept from features and head, and then met at the default exchange rate
//! (leave one cluster out: Meredig et al. 2018, doi 10.1039/C8ME00012C). Nearness is trusted from where on such strangers
//! lose next to nothing against the best single candidate; whoever is farther goes to that one.

use super::dials::pick;
use super::fit::fit_once;
use super::joint::Moments;
use super::learn::Fit;
use super::replays::Predicted;
use super::{Training, clusters};
use crate::error::Result;
use crate::policy::{Aim, Dials};
use ndarray::{ArrayView1, Axis};
use rayon::prelude::*;

/// Numbers of kinds that prompts are parted into, one after the other: what a kind is depends on how close one looks.
const KINDS: [usize; 3] = [8, 16, 32];
/// A quarter of the kinds is left out at a time.
const PARTS: usize = 4;
/// Fewer prompts make no kind.
const ROWS_PER_KIND: usize = 50;
/// A sample of so many prompts says enough: it bounds time and memory.
const MOST_ROWS: usize = 20_000;
/// Mean score that strangers may lose.
const LOSS: f64 = 0.005;
/// Shares of the prompts of known kinds that may be given up for it; the first is what is far in any case.
const SHARES: [f64; 9] = [0.03, 0.04, 0.05, 0.06, 0.08, 0.10, 0.12, 0.15, 0.20];

/// A row of a kind that was left out, and that the best single candidate answered.
struct Stranger {
    /// Share of the prompts of known kinds that are no nearer, 0 to 1.
    rank: f64,
    /// Score of the pick less that of the best single candidate.
    change: f64,
}

impl Training<'_> {
    /// The least nearness to trust, given what is far in any case.
    pub(super) fn trusted_from(&self, mapped: &clusters::Fitted, fit: &Fit, dials: &Dials) -> Result<f32> {
        if let Some(share) = self.settings.far {
            return Ok(mapped.falling_short(share));
        }
        if self.rows.len() < KINDS[0] * ROWS_PER_KIND {
            return Ok(mapped.falling_short(SHARES[0]));
        }
        let sample: Vec<usize> = (0..self.rows.len()).step_by(self.rows.len().div_ceil(MOST_ROWS)).collect();
        let (embeddings, _) = self.looks(&sample);
        let meet = |&count: &usize| {
            let kinds = clusters::groups(embeddings.view(), count, self.settings.seed);
            let meet = |part: usize| {
                let (held, kept): (Vec<_>, Vec<_>) = sample.iter().zip(&kinds).partition(|(_, kind)| *kind % PARTS == part);
                let places = |rows: Vec<(&usize, &usize)>| rows.into_iter().map(|(&i, _)| i).collect::<Vec<usize>>();
                self.meet(&places(held), &places(kept), mapped.cut, fit, dials)
            };
            let met = (0..PARTS).into_par_iter().map(meet).collect::<Result<Vec<_>>>()?;
            Ok(met.into_iter().flatten().collect())
        };
        let counts = KINDS.iter().filter(|&count| count * ROWS_PER_KIND <= self.rows.len());
        let partings = counts.map(meet).collect::<Result<Vec<Vec<Stranger>>>>()?;
        let holds = |share: &f64| partings.iter().all(|strangers| is_harmless(strangers, *share, self.settings.epsilon));
        Ok(mapped.falling_short(SHARES.into_iter().find(holds).unwrap_or(SHARES[SHARES.len() - 1])))
    }

    /// The rows at the places that are `held`, as a router meets them that was trained on those that are `kept`. How near is
    /// near is not the same among other kinds, so nearness counts as its rank among prompts of the kept kinds that the map
    /// was not fitted to: one fold of them.
    fn meet(&self, held: &[usize], kept: &[usize], cut: clusters::Cut, fit: &Fit, dials: &Dials) -> Result<Vec<Stranger>> {
        let mapped: Vec<usize> = kept.iter().copied().filter(|&i| self.folds[i] != 0).collect();
        if mapped.len() < ROWS_PER_KIND {
            return Ok(vec![]);
        }
        let (embeddings, surfaces) = self.looks(&mapped);
        let map = clusters::rough_map(embeddings, &surfaces, cut, self.settings.seed)?;
        let (inputs, nearness) = self.inputs(&map, kept)?;
        let mut known: Vec<f32> = kept.iter().zip(nearness).filter(|(i, _)| self.folds[**i] == 0).map(|(_, near)| near).collect();
        known.sort_by(f32::total_cmp);
        let targets = self.scores().select(Axis(0), kept);
        let moments = Moments::of(inputs.clone(), self.moves(&map, fit.steadiness)?.as_ref());
        let solution = fit_once(inputs, &moments, self.settings.link, targets.view(), fit.quality.penalty)?;
        let (inputs, nearness) = self.inputs(&map, held)?;
        let outputs = solution.outputs(inputs.view());
        let met = |(at, &i): (usize, &usize)| {
            let rank = known.partition_point(|near| *near < nearness[at]) as f64 / known.len().max(1) as f64;
            self.stranger(i, outputs.row(at), fit, dials).map(|change| Stranger { rank, change })
        };
        Ok(held.iter().enumerate().filter_map(met).collect())
    }

    /// What routing by these outputs changes on a row; nothing is known where the best single candidate did not answer it.
    fn stranger(&self, i: usize, outputs: ArrayView1<f32>, fit: &Fit, dials: &Dials) -> Option<f64> {
        let quality = |(z, (a, b)): (&f32, &(f64, f64))| self.settings.link.quality(a * f64::from(*z) + b);
        let qualities = outputs.iter().zip(fit.platt).map(quality).collect();
        let row = self.replay(i, &Predicted { qualities, usd: fit.predicted[i].usd.clone() }, None);
        let picked = pick(&row, Aim::Keep(dials.default_lambda), dials.strongest)?;
        Some(picked.score - row.of(dials.strongest)?.score)
    }
}

/// Whether strangers may be trusted where this share of the known prompts is given up: the trusted ones lose at most
/// `epsilon` each, as much as the guarantee allows, or so few are left that all strangers together lose next to nothing.
fn is_harmless(strangers: &[Stranger], share: f64, epsilon: f64) -> bool {
    let trusted: Vec<f64> = strangers.iter().filter(|stranger| stranger.rank >= share).map(|stranger| stranger.change).collect();
    let sum: f64 = trusted.iter().sum();
    sum >= -epsilon * trusted.len() as f64 || sum >= -LOSS * strangers.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_harmless_where_they_lose_little_each_or_are_few() {
        // Of a hundred, the nearer they are the more they lose: 0.4 at 0.9 and above, else 0.02.
        let stranger = |i: usize| Stranger { rank: i as f64 / 100.0, change: if i >= 90 { -0.4 } else { -0.02 } };
        let strangers: Vec<Stranger> = (0..100).map(stranger).collect();
        assert!(!is_harmless(&strangers, 0.0, 0.03), "0.058 each, and all are trusted");
        assert!(is_harmless(&strangers[..90], 0.0, 0.03), "0.02 each");
        assert!(!is_harmless(&strangers[..90], 0.0, 0.01), "0.02 each, and less is allowed");
        assert!(!is_harmless(&strangers, 0.98, 0.03), "0.4 each for two in a hundred");
        assert!(is_harmless(&strangers, 0.99, 0.03), "0.4 for one in a hundred");
        assert!(is_harmless(&[], 0.0, 0.03));
    }
}
