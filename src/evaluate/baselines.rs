//! The ways to route that the papers name or imply, each at every setting of its own dial, on the rows that are judged.
//!
//! What has to be fitted is fitted on the log's training rows alone. All ways see the same expected costs and pay the
//! logged ones, so that they differ in how they choose and in nothing else.

mod cascade;
mod exact;
mod labels;
mod neighbours;
mod threshold;

use super::Strategy;
use super::details::imagine;
use super::front::FrontMetrics;
use super::hull::Hull;
use super::stage::{Rows, Stage};
use crate::error::Result;
use crate::policy::{Aim, Knot};
use crate::train::Split;
use crate::train::dials::{Replay, ReplayRow, sweep};
use serde::Serialize;

/// A way to route that the papers name or imply, at every setting of its own dial.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Baseline {
    /// What it is called.
    pub name: String,
    /// By rising cost.
    pub points: Vec<Point>,
    /// Mean height between the cheapest and the best single candidate's costs, where the cheapest single candidate may be
    /// mixed in: what [`Aiq`](super::Aiq) is for the router.
    pub aiq: f64,
    /// What it is made of, and what to bear in mind.
    pub note: Option<String>,
}

/// What a way to route brings on average.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    /// Mean cost, in US dollars.
    pub usd: f64,
    /// Mean score.
    pub score: f64,
}

impl Baseline {
    /// Its dearest point that costs no more than this.
    pub fn within(&self, usd: f64) -> Option<Point> {
        self.points.iter().rev().find(|point| point.usd <= usd).copied()
    }
}

impl Point {
    /// The means over picks.
    pub(super) fn mean<'a>(picks: impl IntoIterator<Item = &'a Replay>) -> Self {
        let (usd, score, n) = picks.into_iter().fold((0.0, 0.0, 0.0), |(usd, score, n), r| (usd + r.usd, score + r.score, n + 1.0));
        Self { usd: usd / n, score: score / n }
    }
}

impl From<&Knot> for Point {
    fn from(knot: &Knot) -> Self {
        Self { usd: knot.usd, score: knot.quality }
    }
}

impl From<&Strategy> for Point {
    fn from(strategy: &Strategy) -> Self {
        Self { usd: strategy.usd, score: strategy.score }
    }
}

/// What needs no fit and was worked out before.
pub(super) struct Known<'a> {
    pub cheapest: &'a Strategy,
    pub best_single: &'a Strategy,
    pub random: &'a Strategy,
    /// The router at an exchange rate of 0.
    pub quality_only: Point,
    /// The hull of the single candidates.
    pub zero: &'a Hull,
}

impl Known<'_> {
    fn baseline(&self, name: &str, mut points: Vec<Point>, note: Option<String>) -> Baseline {
        points.sort_by(|a, b| a.usd.total_cmp(&b.usd).then(a.score.total_cmp(&b.score)));
        points.dedup();
        let cheapest = Point::from(self.cheapest);
        let hull = Hull::new(points.iter().chain([&cheapest]).map(|p| (p.usd, p.score)));
        Baseline { name: name.into(), aiq: hull.mean_height(self.cheapest.usd, self.best_single.usd), points, note }
    }
}

/// The one that no router can be.
pub(super) const ORACLE: &str = "oracle";

/// A way's points and its note, or why it is absent.
type Way = std::result::Result<(Vec<Point>, String), String>;

/// All that there are.
pub(super) struct Found {
    pub baselines: Vec<Baseline>,
    pub front: Option<FrontMetrics>,
    /// Why others are absent, and whether those that are there flatter themselves.
    pub notes: Vec<String>,
}

pub(super) fn all(stage: &Stage, judged: &Rows, known: &Known, seed: u64) -> Result<Found> {
    let training = stage.training()?;
    let (exact, exactly, front) = exact::way(judged, seed)?;
    let best = format!("{}, the best on the router's training rows", known.best_single.name);
    let ways: Vec<(&str, Way)> = vec![
        ("best single", Ok((vec![known.best_single.into()], best))),
        ("random", Ok((vec![known.random.into()], "each candidate as often as any other".into()))),
        ("zero router", Ok((zero(known), "single candidates mixed at random, without a look at the prompt".into()))),
        ("quality-only prediction", Ok((vec![known.quality_only], "the greatest predicted quality, whatever it costs".into()))),
        ("kNN", neighbours::way(stage, judged, &training)),
        ("two-candidate threshold (Hybrid LLM)", threshold::way(stage, judged, &training)),
        ("cascade (FrugalGPT)", cascade::way(stage, judged, &training)),
        ("exact integer assignment", Ok((exact, exactly))),
        ("task labels", labels::way(stage, judged, &training)),
        (ORACLE, Ok((oracle(stage, judged), "knows every score and cost beforehand".into()))),
    ];
    let (mut baselines, mut notes) = (Vec::new(), Vec::new());
    for (name, way) in ways {
        match way {
            Ok((points, note)) => baselines.push(known.baseline(name, points, Some(note))),
            Err(why) => notes.push(format!("{name} is absent: {why}")),
        }
    }
    if judged.at.iter().any(|&row| stage.row(row).split == Split::Train) {
        notes.push("rows that were trained on are among these: the router and what was fitted beside it flatter themselves".into());
    }
    Ok(Found { baselines, front: Some(front), notes })
}

/// Mixtures of neighbours on the hull of single candidates, in so many steps from one to the next.
const MIXTURES: usize = 20;

fn zero(known: &Known) -> Vec<Point> {
    let vertices = known.zero.vertices();
    let mixture = |pair: &[(f64, f64)], i: usize| {
        let share = i as f64 / MIXTURES as f64;
        Point { usd: pair[0].0 + share * (pair[1].0 - pair[0].0), score: pair[0].1 + share * (pair[1].1 - pair[0].1) }
    };
    let last = vertices.last().map(|&(usd, score)| Point { usd, score });
    vertices.windows(2).flat_map(|pair| (0..MIXTURES).map(|i| mixture(pair, i)).collect::<Vec<_>>()).chain(last).collect()
}

fn oracle(stage: &Stage, judged: &Rows) -> Vec<Point> {
    swept(stage, &imagine(&judged.replays, |_, answer| (answer.score, answer.usd)))
}

/// From the highest exchange rate to none: what predictions bring.
fn swept(stage: &Stage, rows: &[ReplayRow]) -> Vec<Point> {
    sweep(rows, stage.file.dials.cost_scale, stage.file.dials.strongest, Aim::Weight).iter().rev().map(Point::from).collect()
}

/// Candidates that have answered all of these rows: only they can be compared within a row.
fn everywhere(candidates: usize, rows: &[ReplayRow]) -> Vec<usize> {
    (0..candidates).filter(|&c| rows.iter().all(|row| row.of(c).is_some())).collect()
}
