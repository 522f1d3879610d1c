//! Every efficient assignment of a small batch, query by query (Nemhauser and Ullmann 1969): the efficient ways to
//! answer the first i queries are among those of the first i - 1, each extended by every option.

use super::Total;
use crate::policy::Offer;

/// A batch of more queries, or of more partial assignments in all, is not small.
const MOST_QUERIES: usize = 64;
const MOST: usize = 1 << 16;

/// Sums of the same numbers in another order differ by less.
const ROUNDING: f64 = 1e-12;

/// The efficient totals and how each came about.
pub(super) struct Exact {
    /// For every query, the efficient partial assignments by rising cost.
    levels: Vec<Vec<Node>>,
}

#[derive(Clone, Copy)]
struct Node {
    total: Total,
    /// In the level before.
    parent: usize,
    option: usize,
}

impl Exact {
    /// None where the batch is too large, or a query has no eligible option.
    pub(super) fn solve(offers: &[Vec<Offer>], caution: f64) -> Option<Self> {
        if offers.len() > MOST_QUERIES {
            return None;
        }
        let start = vec![Node { total: Total::default(), parent: 0, option: 0 }];
        let (mut levels, mut nodes): (Vec<Vec<Node>>, usize) = (Vec::new(), 0);
        for options in offers {
            let before = levels.last().unwrap_or(&start);
            let open: Vec<usize> = (0..options.len()).filter(|&i| options[i].ineligible.is_none()).collect();
            nodes += before.len() * open.len();
            if nodes > MOST || open.is_empty() {
                return None;
            }
            let extend = |(parent, node): (usize, &Node)| {
                let total = node.total;
                open.iter().map(move |&option| {
                    let offer = &options[option];
                    let total = Total { usd: total.usd + offer.usd, value: total.value + offer.utility(0.0, caution) };
                    Node { total, parent, option }
                })
            };
            let level = efficient(before.iter().enumerate().flat_map(extend).collect::<Vec<_>>());
            levels.push(level);
        }
        Some(Self { levels })
    }

    pub(super) fn totals(&self) -> impl Iterator<Item = Total> {
        self.last().iter().map(|node| node.total)
    }

    /// The best that costs no more, or the cheapest.
    pub(super) fn within(&self, budget: f64) -> Vec<usize> {
        self.picks(self.last().partition_point(|node| node.total.usd <= budget).saturating_sub(1))
    }

    /// The cheapest that is worth as much, or the best.
    pub(super) fn reaching(&self, value: f64) -> Vec<usize> {
        self.picks(self.last().partition_point(|node| node.total.value < value).min(self.last().len() - 1))
    }

    fn last(&self) -> &[Node] {
        self.levels.last().map_or(&[], Vec::as_slice)
    }

    fn picks(&self, mut at: usize) -> Vec<usize> {
        let mut picks = Vec::with_capacity(self.levels.len());
        for level in self.levels.iter().rev() {
            picks.push(level[at].option);
            at = level[at].parent;
        }
        picks.reverse();
        picks
    }
}

/// Those that no other beats in both cost and value, by rising cost.
fn efficient(mut nodes: Vec<Node>) -> Vec<Node> {
    nodes.sort_by(|a, b| a.total.usd.total_cmp(&b.total.usd).then(b.total.value.total_cmp(&a.total.value)));
    let mut best = f64::NEG_INFINITY;
    nodes.retain(|node| {
        let better = node.total.value > best + ROUNDING;
        best = if better { node.total.value } else { best };
        better
    });
    nodes
}
