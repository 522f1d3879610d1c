//! Ways to route that need no head, and what else stands beside the router.

use serde::Serialize;

/// A way to route that the papers name or imply, at every setting of its own dial.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Baseline {
    /// What it is called.
    pub name: String,
    /// What its settings bring, by rising cost.
    pub points: Vec<Point>,
    /// Mean height of its curve.
    pub aiq: f64,
    /// What a reader must know of it.
    pub note: Option<String>,
}

/// Means over rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    /// Mean cost, in US dollars.
    pub usd: f64,
    /// Mean score.
    pub score: f64,
}

/// 95% bootstrap band of the router's curve, as mean height at a cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Band {
    /// Mean cost, in US dollars.
    pub usd: f64,
    /// 2.5th percentile.
    pub low: f64,
    /// 97.5th percentile.
    pub high: f64,
}

/// One line per task.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// Its name in the log.
    pub name: String,
    /// Rows.
    pub rows: usize,
    /// The router at the dial that was asked for.
    pub router: Point,
    /// The candidate that was best on the training rows.
    pub best_single: Point,
    /// The cheapest of the best-scoring candidates of each row.
    pub oracle: Point,
}

/// MetaLLM Tables 3 and 4.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WeightLine {
    /// MetaLLM's p.
    pub cost_weight: f64,
    /// One p for all.
    pub fixed: Point,
    /// A p that follows the cost.
    pub dynamic: Point,
}

/// IGD, spread, hypervolume (normalised objectives).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FrontMetrics {
    /// Inverted generational distance.
    pub igd: f64,
    /// Spread.
    pub spread: f64,
    /// Hypervolume.
    pub hypervolume: f64,
    /// Hypervolume of the true front.
    pub hypervolume_true: f64,
}

/// Share of decisions that stay the same under an edit.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stability {
    /// The edit.
    pub edit: String,
    /// Share of decisions that did not change.
    pub unchanged: f64,
    /// Rows.
    pub rows: usize,
}
