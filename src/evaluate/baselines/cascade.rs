//! FrugalGPT (Chen, Zaharia and Zou 2023, arXiv 2305.05176): candidates are asked in turn until a scorer keeps an answer,
//! and every call is paid.
//!
//! The paper's scorer reads the answer. Logs hold scores and no answers, so here it is the head's calibrated probability
//! that the candidate answers this prompt well. Chains and thresholds are chosen on the training rows, for each budget
//! the best: those on the upper hull of all that are tried.

use super::{Point, everywhere};
use crate::evaluate::hull::Hull;
use crate::evaluate::stage::{Rows, Stage};
use crate::train::dials::{Replay, ReplayRow};
use rayon::prelude::*;

/// An answer is kept where its quality is above a tenth of the training rows', or two tenths', ...
const TENTHS: usize = 10;
/// Chains of three are made of at most so many candidates: those that the best chains of two use most.
const POOL: usize = 8;
/// Fewer rows tell no chain from another.
const LEAST: usize = 10;

/// A chain of candidates; all but the last with the least quality that keeps its answer.
#[derive(Clone, Debug, PartialEq)]
struct Chain {
    asked: Vec<(usize, f64)>,
    last: usize,
}

/// Cost and score, of one row or of many together.
type Mean = (f64, f64);

/// The head of a chain: who was asked, what that brought in sum, and the rows whose answers were not kept.
struct Begun {
    asked: Vec<(usize, f64)>,
    sum: Mean,
    left: Vec<usize>,
}

pub(super) fn way(stage: &Stage, judged: &Rows, training: &Rows) -> Result<(Vec<Point>, String), String> {
    let pool = everywhere(stage.file.catalog.len(), &judged.replays);
    let rows: Vec<&ReplayRow> = training.replays.iter().filter(|row| pool.iter().all(|&c| row.of(c).is_some())).collect();
    if rows.len() < LEAST {
        return Err(format!("{} training rows hold outcomes of all that are asked, and it needs {LEAST}", rows.len()));
    }
    let table = Table::new(&pool, &rows);
    let chains = table.best();
    let realised = Table::new(&pool, &judged.replays.iter().collect::<Vec<_>>());
    let points = chains.iter().map(|chain| realised.run(chain)).map(|(usd, score)| Point { usd, score }).collect();
    let most = chains.iter().map(|chain| chain.asked.len() + 1).max().unwrap_or(1);
    let note = format!(
        "{} chains of up to {most} candidates, chosen on the training rows, to most of which the head is fitted; pays for every call. Logs hold no answers, so the scorer \
         is the head's calibrated probability for the prompt and not, as in the paper, a judge of the answer",
        chains.len()
    );
    Ok((points, note))
}

/// Rows by candidate of the pool, so that a chain runs down columns.
struct Table {
    quality: Vec<Vec<f64>>,
    score: Vec<Vec<f64>>,
    usd: Vec<Vec<f64>>,
    rows: usize,
}

impl Table {
    /// `pool` names candidates of the catalog; chains speak of places in it. All have answered all rows.
    fn new(pool: &[usize], rows: &[&ReplayRow]) -> Self {
        let column = |c: usize, value: fn(&Replay) -> f64| rows.iter().filter_map(|row| row.of(c)).map(value).collect();
        let by = |value: fn(&Replay) -> f64| pool.iter().map(|&c| column(c, value)).collect();
        Self { quality: by(|r| r.quality), score: by(|r| r.score), usd: by(|r| r.usd), rows: rows.len() }
    }

    /// What a chain costs and scores.
    fn run(&self, chain: &Chain) -> Mean {
        let mut left: Vec<usize> = (0..self.rows).collect();
        let mut sum = (0.0, 0.0);
        for &(candidate, threshold) in &chain.asked {
            let (paid, rest) = self.ask(candidate, threshold, &left);
            sum = (sum.0 + paid.0, sum.1 + paid.1);
            left = rest;
        }
        self.end(sum, chain.last, &left)
    }

    /// Pays a candidate for rows: the cost and the score of the answers that are kept, and the rows that are not.
    fn ask(&self, candidate: usize, threshold: f64, rows: &[usize]) -> (Mean, Vec<usize>) {
        let (quality, score, usd) = (&self.quality[candidate], &self.score[candidate], &self.usd[candidate]);
        let (kept, left): (Vec<usize>, Vec<usize>) = rows.iter().partition(|&&row| quality[row] >= threshold);
        ((rows.iter().map(|&row| usd[row]).sum(), kept.iter().map(|&row| score[row]).sum()), left)
    }

    /// The means, where the last candidate answers what is left.
    fn end(&self, (usd, score): Mean, last: usize, left: &[usize]) -> Mean {
        let sum = |column: &[f64]| left.iter().map(|&row| column[row]).sum::<f64>();
        ((usd + sum(&self.usd[last])) / self.rows as f64, (score + sum(&self.score[last])) / self.rows as f64)
    }

    fn thresholds(&self, candidate: usize) -> Vec<f64> {
        let mut sorted = self.quality[candidate].clone();
        sorted.sort_by(f64::total_cmp);
        let mut tenths: Vec<f64> = (1..TENTHS).map(|i| sorted[i * sorted.len() / TENTHS]).collect();
        tenths.dedup();
        tenths
    }

    /// The chains on the upper hull, by rising cost, of all that are tried.
    fn best(&self) -> Vec<Chain> {
        let all: Vec<usize> = (0..self.quality.len()).collect();
        let start = Begun { asked: vec![], sum: (0.0, 0.0), left: (0..self.rows).collect() };
        let singles = all.iter().map(|&last| (Chain { asked: vec![], last }, self.end(start.sum, last, &start.left)));
        let pairs: Vec<(Chain, Mean)> = all.par_iter().flat_map_iter(|&first| self.extend(&start, first, &all)).collect();
        let tried: Vec<(Chain, Mean)> = singles.chain(pairs).collect();
        let pool = most_used(&on_hull(&tried), all.len());
        let triples = pool.par_iter().flat_map_iter(|&first| self.triples(first, &pool, &start));
        let tried = on_hull(&tried).into_iter().chain(triples.collect::<Vec<_>>()).collect::<Vec<_>>();
        on_hull(&tried).into_iter().map(|(chain, _)| chain).collect()
    }

    /// Chains that go on with `next`, at each of its thresholds, and end with each of the others.
    fn extend(&self, begun: &Begun, next: usize, lasts: &[usize]) -> Vec<(Chain, Mean)> {
        let mut found = Vec::new();
        let free = |c: usize| c != next && begun.asked.iter().all(|step| step.0 != c);
        for threshold in self.thresholds(next) {
            let more = self.go_on(begun, next, threshold);
            let ends = lasts.iter().filter(|&&last| free(last));
            found.extend(ends.map(|&last| (Chain { asked: more.asked.clone(), last }, self.end(more.sum, last, &more.left))));
        }
        found
    }

    fn triples(&self, first: usize, pool: &[usize], start: &Begun) -> Vec<(Chain, Mean)> {
        let begun = self.thresholds(first).into_iter().map(|threshold| self.go_on(start, first, threshold));
        let others = |begun: Begun| {
            let seconds = pool.iter().filter(|&&second| second != first);
            seconds.flat_map(|&second| self.extend(&begun, second, pool)).collect::<Vec<_>>()
        };
        begun.flat_map(others).collect()
    }

    fn go_on(&self, begun: &Begun, next: usize, threshold: f64) -> Begun {
        let (paid, left) = self.ask(next, threshold, &begun.left);
        let asked = begun.asked.iter().copied().chain([(next, threshold)]).collect();
        Begun { asked, sum: (begun.sum.0 + paid.0, begun.sum.1 + paid.1), left }
    }
}

/// The chains whose means are on the upper hull, by rising cost; of equals, the first.
fn on_hull(tried: &[(Chain, Mean)]) -> Vec<(Chain, Mean)> {
    let hull = Hull::new(tried.iter().map(|(_, mean)| *mean));
    hull.vertices().iter().filter_map(|vertex| tried.iter().find(|(_, mean)| mean == vertex).cloned()).collect()
}

fn most_used(chains: &[(Chain, Mean)], candidates: usize) -> Vec<usize> {
    let uses = |c: usize| chains.iter().filter(|(chain, _)| chain.last == c || chain.asked.iter().any(|step| step.0 == c)).count();
    let mut pool: Vec<usize> = (0..candidates).filter(|&c| uses(c) > 0).collect();
    pool.sort_by_key(|&c| std::cmp::Reverse(uses(c)));
    pool.truncate(POOL);
    pool
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three candidates at 1, 2 and 5 dollars; qualities and scores by row.
    fn rows(table: &[[(f64, f64); 3]]) -> Vec<ReplayRow> {
        let usd = [1.0, 2.0, 5.0];
        let answer = |c: usize, (quality, score): (f64, f64)| Replay { candidate: c, quality, expected_usd: usd[c], score, usd: usd[c] };
        table.iter().map(|row| ReplayRow { far: false, answers: (0..3).map(|c| answer(c, row[c])).collect() }).collect()
    }

    fn table(rows: &[ReplayRow]) -> Table {
        Table::new(&[0, 1, 2], &rows.iter().collect::<Vec<_>>())
    }

    #[test]
    fn a_chain_pays_for_every_call() {
        let rows = rows(&[
            [(0.9, 1.0), (0.1, 0.0), (0.5, 1.0)], // the first answer is kept: 1 dollar, right
            [(0.2, 1.0), (0.8, 0.0), (0.5, 1.0)], // the second: 3 dollars, wrong
            [(0.2, 0.0), (0.3, 0.0), (0.5, 1.0)], // the third: 8 dollars, right
            [(0.2, 0.0), (0.3, 0.0), (0.5, 0.0)], // 8 dollars, wrong
        ]);
        let chain = Chain { asked: vec![(0, 0.5), (1, 0.5)], last: 2 };
        assert_eq!(table(&rows).run(&chain), (20.0 / 4.0, 2.0 / 4.0));
        assert_eq!(table(&rows).run(&Chain { asked: vec![], last: 2 }), (5.0, 0.75));
    }

    #[test]
    fn the_best_chains_use_what_the_scorer_knows() {
        // The cheapest is right where its quality is high, in half of the rows; the dearest always; the middle one never.
        let row = |i: usize| [(i as f64 / 20.0, f64::from(u8::from(i >= 10))), (0.5, 0.0), (0.5, 1.0)];
        let rows = rows(&(0..20).map(row).collect::<Vec<_>>());
        let table = table(&rows);
        let best: Vec<(Chain, Mean)> = table.best().into_iter().map(|chain| (chain.clone(), table.run(&chain))).collect();
        // 1 dollar for half of the answers; 1 + 5/2 dollars for all of them, which is less than 5.
        assert_eq!(best.first().unwrap(), &(Chain { asked: vec![], last: 0 }, (1.0, 0.5)));
        assert_eq!(best.last().unwrap(), &(Chain { asked: vec![(0, 0.5)], last: 2 }, (3.5, 1.0)));
    }
}
