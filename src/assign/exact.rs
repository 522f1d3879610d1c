//! Every efficient assignment of a small batch.

use super::Total;
use super::levels::Levels;
use crate::policy::Offer;

/// A batch of more queries, or of more partial assignments in all, is not small.
const MOST_QUERIES: usize = 64;
const MOST: u32 = 1 << 16;

/// The efficient totals and how each came about.
pub(super) struct Exact(Levels);

impl Exact {
    /// None where the batch is too large, or a query has no eligible option.
    pub(super) fn solve(offers: &[Vec<Offer>], caution: f64) -> Option<Self> {
        if offers.len() > MOST_QUERIES {
            return None;
        }
        let mut levels = Levels::new(MOST);
        let all = |options: &Vec<Offer>| levels.extend(&super::open(options, caution).collect::<Vec<_>>(), |_| true);
        offers.iter().all(all).then_some(Self(levels))
    }

    pub(super) fn totals(&self) -> impl Iterator<Item = Total> {
        self.0.totals()
    }

    /// The best that costs no more, or the cheapest.
    pub(super) fn within(&self, budget: f64) -> Vec<usize> {
        self.0.options(self.0.before(|total| total.usd > budget).saturating_sub(1))
    }

    /// The cheapest that is worth as much, or the best.
    pub(super) fn reaching(&self, value: f64) -> Vec<usize> {
        self.0.options(self.0.before(|total| total.value >= value).min(self.0.totals().len() - 1))
    }
}
