//! Hybrid LLM (Ding et al. 2024, arXiv 2404.14618): two candidates, and the stronger answers where it is predicted to be
//! ahead by a threshold.

use super::{Point, everywhere};
use crate::evaluate::hull::Hull;
use crate::evaluate::stage::{Rows, Stage};
use crate::train::dials::{Replay, ReplayRow};
use rayon::prelude::*;

/// Thresholds that are realised: as many shares of the training rows go to the stronger, evenly spaced from none to all.
const THRESHOLDS: usize = 41;

/// A row on which both answered: the cheaper's answer, then the stronger's.
type Both<'a> = (&'a Replay, &'a Replay);

pub(super) fn way(stage: &Stage, judged: &Rows, training: &Rows) -> Result<(Vec<Point>, String), String> {
    let pool = everywhere(stage.file.catalog.len(), &judged.replays);
    let pairs: Vec<(usize, usize)> = pool.iter().flat_map(|&a| pool.iter().filter(move |&&b| a != b).map(move |&b| (a, b))).collect();
    let single = |c: usize| Some(Point::mean(training.replays.iter().filter_map(|row| row.of(c)))).filter(|point| point.usd.is_finite());
    let cheapest = pool.iter().filter_map(|&c| single(c)).min_by(|a, b| a.usd.total_cmp(&b.usd));
    let (cheapest, to) = cheapest.zip(single(stage.best)).ok_or("no candidate answered both training rows and all of these rows")?;
    let height = |&(weak, strong): &(usize, usize)| {
        let rows = both(&training.replays, weak, strong);
        let dearer = rows.iter().map(|row| row.1.usd - row.0.usd).sum::<f64>() > 0.0;
        dearer.then(|| (height(&rows, cheapest, to.usd), (weak, strong)))
    };
    let heights: Vec<(f64, (usize, usize))> = pairs.par_iter().filter_map(height).collect();
    // Of equals, the first.
    let best = heights.into_iter().rev().max_by(|a, b| a.0.total_cmp(&b.0));
    let (_, (weak, strong)) = best.ok_or("no two candidates of unlike cost answered both training rows and all of these rows")?;
    let thresholds = thresholds(&both(&training.replays, weak, strong));
    let points = realise(&both(&judged.replays, weak, strong), &thresholds);
    let [weak, strong] = [weak, strong].map(|c| &stage.file.catalog.candidates()[c].id);
    Ok((points, format!("{weak} and {strong}, the pair with the highest AIQ on the training rows, to most of which the head is fitted")))
}

fn both(rows: &[ReplayRow], weak: usize, strong: usize) -> Vec<Both<'_>> {
    rows.iter().filter_map(|row| Some((row.of(weak)?, row.of(strong)?))).collect()
}

/// How far the stronger is predicted to be ahead.
fn gap((weak, strong): &Both) -> f64 {
    strong.quality - weak.quality
}

/// Mean height, up to a cost, of the curve over all thresholds, below which the cheapest candidate is mixed in.
fn height(rows: &[Both], cheapest: Point, to: f64) -> f64 {
    let mut sorted: Vec<&Both> = rows.iter().collect();
    sorted.sort_by(|a, b| gap(b).total_cmp(&gap(a)));
    let n = rows.len() as f64;
    let start = Point::mean(rows.iter().map(|row| row.0));
    let rest = sorted.iter().scan((start.usd, start.score), |sum, (weak, strong)| {
        *sum = (sum.0 + (strong.usd - weak.usd) / n, sum.1 + (strong.score - weak.score) / n);
        Some(*sum)
    });
    Hull::new([(cheapest.usd, cheapest.score), (start.usd, start.score)].into_iter().chain(rest)).mean_height(cheapest.usd, to)
}

/// Gaps at evenly spaced shares of the rows, from above all to below all.
fn thresholds(rows: &[Both]) -> Vec<f64> {
    let mut gaps: Vec<f64> = rows.iter().map(gap).collect();
    gaps.sort_by(|a, b| b.total_cmp(a));
    let inner = (1..THRESHOLDS - 1).filter_map(|i| gaps.get(i * gaps.len() / (THRESHOLDS - 1)).copied());
    std::iter::once(f64::INFINITY).chain(inner).chain([f64::NEG_INFINITY]).collect()
}

fn realise(rows: &[Both], thresholds: &[f64]) -> Vec<Point> {
    let at = |&threshold: &f64| Point::mean(rows.iter().map(|row| if gap(row) >= threshold { row.1 } else { row.0 }));
    thresholds.iter().map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(quality: f64, score: f64, usd: f64) -> Replay {
        Replay { candidate: 0, quality, expected_usd: usd, score, usd }
    }

    #[test]
    fn thresholds_worked_by_hand() {
        // The stronger (3 dollars, always right) is ahead by 0.8, 0.5 and -0.1; the cheaper (1 dollar) is right on the last.
        let rows = [(0.1, 0.9, 0.0), (0.4, 0.9, 0.0), (1.0, 0.9, 1.0)];
        let rows: Vec<(Replay, Replay)> = rows.iter().map(|&(q, p, s)| (answer(q, s, 1.0), answer(p, 1.0, 3.0))).collect();
        let rows: Vec<Both> = rows.iter().map(|(a, b)| (a, b)).collect();
        let found = realise(&rows, &[f64::INFINITY, 0.6, 0.0, f64::NEG_INFINITY]);
        let expected = [(1.0, 1.0 / 3.0), (5.0 / 3.0, 2.0 / 3.0), (7.0 / 3.0, 1.0), (3.0, 1.0)];
        assert!(found.iter().zip(expected).all(|(p, (usd, score))| (p.usd - usd).abs() < 1e-12 && (p.score - score).abs() < 1e-12));
        // From 1 to 3 dollars: up from 1/3 to 1 over 4/3 dollars, then level: (4/3 · 2/3 + 2/3) / 2.
        let cheapest = |usd, score| Point { usd, score };
        assert!((height(&rows, cheapest(1.0, 0.0), 3.0) - (8.0 / 9.0 + 2.0 / 3.0) / 2.0).abs() < 1e-12);
        // With another candidate at no cost and no score, over 3 dollars: straight up to 1 at 7/3 dollars, then level.
        assert!((height(&rows, cheapest(0.0, 0.0), 3.0) - (7.0 / 6.0 + 2.0 / 3.0) / 3.0).abs() < 1e-12);
        // Shares of the training rows: none, ..., all.
        let all = thresholds(&rows);
        assert_eq!((all.len(), all[1], all[20], all[39]), (41, 0.8, 0.5, -0.09999999999999998));
    }
}
