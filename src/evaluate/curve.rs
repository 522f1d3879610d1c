//! How much more rows would teach: the same training on growing shares of the rows, judged on the same test rows.

use super::hull::Hull;
use super::predict::replay;
use super::{Interval, intervals, strategy};
use crate::artifact::RouterFile;
use crate::error::{Error, Result};
use crate::policy::{Aim, Policy};
use crate::train::dials::{Replay, ReplayRow, pick, sweep};
use crate::train::{Asked, Cards, Draws, Log, Seen, Settings, Split, train_on};
use rayon::prelude::*;
use serde::Serialize;

/// Shares of the training rows. Each holds the rows of the smaller ones.
const SHARES: [f64; 5] = [1.0 / 16.0, 1.0 / 8.0, 1.0 / 4.0, 1.0 / 2.0, 1.0];

/// What a share of the training rows taught, at the router file's default dial.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CurvePoint {
    /// Of the training rows.
    pub share: f64,
    /// So many are that.
    pub rows: usize,
    /// Mean score.
    pub score: f64,
    /// Mean cost, in US dollars.
    pub usd: f64,
    /// The score less the best single candidate's.
    pub score_change: f64,
    /// Share of the best single candidate's cost that is saved. NaN, null as JSON, where that costs nothing.
    pub cost_saved: f64,
    /// 95% interval of the score change, over test rows. None out of fold.
    pub interval: Option<Interval>,
    /// Mean height of the cost-score curve on the test rows, between the costs of the cheapest and the best single
    /// candidate. None out of fold.
    pub aiq: Option<f64>,
}

/// Points by rising share.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LearningCurve {
    /// Test rows that judge every point. None where there are none: then each point is judged out of fold, on the rows
    /// that it was trained on.
    pub test_rows: Option<usize>,
    /// The best single candidate of all training rows.
    pub best_single: String,
    /// Shares of too few rows to train on, or without the best single candidate, are left out.
    pub points: Vec<CurvePoint>,
}

/// The router file of all training rows, as [`train`](crate::train::train) makes it, and the curve that leads there.
/// `watch` is told what is being done.
///
/// # Errors
/// As [`train`](crate::train::train), for all rows.
pub fn learning_curve(
    log: &Log,
    seen: &[Seen],
    cards: &Cards,
    settings: &Settings,
    watch: &(dyn Fn(&str) + Sync),
) -> Result<(RouterFile, LearningCurve)> {
    let (training, test): (Vec<usize>, Vec<usize>) = (0..log.rows.len()).partition(|&row| log.rows[row].split == Split::Train);
    let whole = train_on(log, seen, &training, cards, settings, watch)?;
    let best = whole.provenance.best_single.id.clone();
    let answered = |row: &usize| log.position(&best).is_some_and(|best| log.rows[*row].outcome(best).is_some());
    let test: Vec<usize> = test.into_iter().filter(|row| log.rows[*row].asked == Asked::Openly && answered(row)).collect();
    let judge = Judge { log, seen, test: &test, best: &best };
    let draws: Vec<f64> = training.par_iter().map(|&row| Draws::of(&log.rows[row].query).share()).collect();
    let mut points = Vec::new();
    for share in SHARES.into_iter().filter(|share| *share < 1.0) {
        let rows: Vec<usize> = training.iter().zip(&draws).filter(|(_, draw)| **draw < share).map(|(&row, _)| row).collect();
        let stage = |what: &str| watch(&format!("{} of {} rows: {what}", rows.len(), training.len()));
        match train_on(log, seen, &rows, cards, settings, &stage) {
            Ok(file) => points.extend(judge.point(&file, share, rows.len())?),
            Err(Error::BadInput { .. }) => {}
            Err(other) => return Err(other),
        }
    }
    points.extend(judge.point(&whole, 1.0, training.len())?);
    let test_rows = (!test.is_empty()).then_some(test.len());
    Ok((whole, LearningCurve { test_rows, best_single: best, points }))
}

/// What every share is judged by.
struct Judge<'a> {
    log: &'a Log,
    seen: &'a [Seen],
    test: &'a [usize],
    best: &'a str,
}

impl Judge<'_> {
    /// None where a share lacks the candidate that is best on all rows: there is nothing to compare with.
    fn point(&self, file: &RouterFile, share: f64, rows: usize) -> Result<Option<CurvePoint>> {
        match file.catalog.position(self.best) {
            Some(_) if self.test.is_empty() => Ok(Some(out_of_fold(file, share, rows))),
            Some(best) => self.on_test_rows(file, best, share, rows).map(Some),
            None => Ok(None),
        }
    }

    fn on_test_rows(&self, file: &RouterFile, best: usize, share: f64, rows: usize) -> Result<CurvePoint> {
        let replays = self.test.par_iter().map(|&row| replay(file, self.log, self.seen, row)).collect::<Result<Vec<ReplayRow>>>()?;
        let aim = file.dials.aim(&Policy::default())?;
        let routed: Vec<&Replay> = replays.iter().filter_map(|row| pick(row, aim, file.dials.strongest)).collect();
        let beaten: Vec<&Replay> = replays.iter().filter_map(|row| row.of(best)).collect();
        let (router, single) = (strategy("router", &routed), strategy(self.best, &beaten));
        let (change, saved) = intervals(&routed, &beaten, 0);
        let cheapest = (0..file.catalog.len()).filter_map(|candidate| {
            let own: Vec<&Replay> = replays.iter().filter_map(|row| row.of(candidate)).collect();
            (!own.is_empty()).then(|| strategy("", &own).usd)
        });
        let from = cheapest.fold(single.usd, f64::min);
        let curve = sweep(&replays, file.dials.cost_scale, file.dials.strongest, Aim::Weight);
        Ok(CurvePoint {
            share,
            rows,
            score: router.score,
            usd: router.usd,
            score_change: change.value,
            cost_saved: saved.value,
            interval: Some(change),
            aiq: Some(Hull::new(curve.iter().map(|k| (k.usd, k.quality))).mean_height(from, single.usd)),
        })
    }
}

fn out_of_fold(file: &RouterFile, share: f64, rows: usize) -> CurvePoint {
    let (routed, best) = (&file.provenance.routed, &file.provenance.best_single);
    CurvePoint {
        share,
        rows,
        score: routed.quality,
        usd: routed.usd,
        score_change: routed.quality - best.quality,
        cost_saved: 1.0 - routed.usd / best.usd,
        interval: None,
        aiq: None,
    }
}
