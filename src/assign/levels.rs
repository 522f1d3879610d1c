//! Efficient partial assignments, query by query (Nemhauser and Ullmann 1969): the efficient ways to answer the first i
//! queries are among those of the first i - 1, each extended by every option.

use super::Total;

/// Sums of the same numbers in another order differ by less.
pub(super) const ROUNDING: f64 = 1e-12;

/// The efficient partial assignments after every query, and how each came about.
pub(super) struct Levels {
    /// By rising cost and value. The first is where all start.
    levels: Vec<Vec<Node>>,
}

#[derive(Clone, Copy)]
struct Node {
    total: Total,
    /// In the level before.
    parent: u32,
    option: u32,
}

impl Levels {
    /// Before the first query.
    pub(super) fn new() -> Self {
        Self { levels: vec![vec![Node { total: Total::default(), parent: 0, option: 0 }]] }
    }

    /// Adds a query: `options` are the candidates' positions and what they add. Assignments that `keep` refuses are left
    /// out.
    pub(super) fn extend(&mut self, options: &[(usize, Total)], keep: impl Fn(Total) -> bool) {
        let before = self.last();
        let mut nodes = Vec::with_capacity(before.len() * options.len());
        // Option by option, each a run in order, which the sort then merges.
        for &(option, more) in options {
            let extended = before.iter().enumerate().map(|(parent, node)| Node {
                total: Total { usd: node.total.usd + more.usd, value: node.total.value + more.value },
                parent: parent as u32,
                option: option as u32,
            });
            nodes.extend(extended.filter(|node| keep(node.total)));
        }
        self.levels.push(efficient(nodes));
    }

    /// How many assignments there are after the last query.
    pub(super) fn len(&self) -> usize {
        self.last().len()
    }

    /// After the last query, by rising cost and value.
    pub(super) fn totals(&self) -> impl Iterator<Item = Total> {
        self.last().iter().map(|node| node.total)
    }

    /// How many of the last assignments come before the first of which `reached` holds, as of all after it.
    pub(super) fn before(&self, reached: impl Fn(Total) -> bool) -> usize {
        self.last().partition_point(|node| !reached(node.total))
    }

    /// The candidates' positions for every query added, of the assignment at this place of the last.
    pub(super) fn options(&self, mut at: usize) -> Vec<usize> {
        let mut options = Vec::with_capacity(self.levels.len());
        for level in self.levels[1..].iter().rev() {
            options.push(level[at].option as usize);
            at = level[at].parent as usize;
        }
        options.reverse();
        options
    }

    fn last(&self) -> &[Node] {
        self.levels.last().map_or(&[], Vec::as_slice)
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
    nodes.shrink_to_fit();
    nodes
}
