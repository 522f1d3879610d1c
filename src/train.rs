//! Outcomes become a router file.
//!
//! A [`FeatureMap`] is fitted to the prompts; one joint logistic (or ridge) fit gives every candidate a linear output over
//! its features. Candidates whose outcomes go together share what is learned, so they need not have answered the same
//! rows. The penalty is chosen by cross-validation; probabilities are calibrated, and the dial table is computed, on
//! predictions made out of fold. Rows that are kept from all of this give the guarantee. Rows of which only the outcome of
//! one chosen candidate is known serve as well: what the others would have brought is then estimated.
//!
//! Memory: some 4 kB a row for its features (at 384 dimensions, 512 clusters) and 3 kB for each thread at work, besides the
//! embeddings; for up to 20,000 rows, 6 kB for each thread.

mod answers;
mod clusters;
mod decisions;
mod dense;
pub(crate) mod dials;
mod fit;
pub(crate) mod guarantee;
mod intake;
mod joint;
mod learn;
mod outcomes;
mod platt;
mod pool;
mod replays;
mod steadiness;
mod strangers;
mod tasks;

pub use decisions::{Join, Tally};
pub(crate) use intake::Draws;
pub use intake::{Intake, IntakeSettings};
pub use outcomes::{Asked, Entry, Log, Outcome, Row, Split};
pub use pool::{Cards, ModelCard};
pub(crate) use replays::out_of_fold;

use crate::artifact::{DataSource, Provenance, RouterFile};
use crate::catalog::Catalog;
use crate::embedder::Embedding;
use crate::error::{Error, Result};
use crate::features::{FeatureMap, SURFACE, surface};
use crate::head::{Head, Linear, Link, sigmoid};
use crate::random;
use clusters::Cut;
use dense::Cholesky;
use fit::{Fitted, Folds, known};
use learn::{Learned, Settled};
use ndarray::{Array1, Array2, Axis};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashSet};

const FOLDS: usize = 5;
/// Share of the rows that are kept for the guarantee, where they are so many: fewer prove nothing below five points.
const CALIBRATION: f64 = 0.2;
const ENOUGH_TO_PROVE: f64 = 500.0;
/// An answer this many times as long as the candidate's mean counts as no longer.
const LONGEST: f64 = 10.0;

/// What a row's query looks like to the embedder.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Of the query.
    pub embedding: Embedding,
    /// Length of the query, uncut, in the embedder's tokens.
    pub tokens: usize,
    /// Whether it is likely not English (see [`is_foreign`](crate::language::is_foreign)).
    pub foreign: bool,
}

/// How to train.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Logistic, or identity for ridge.
    pub link: Link,
    /// Assigns rows to folds and to calibration, and starts the clusters.
    pub seed: u64,
    /// The candidates to keep, in the catalog's order. Without them: all that have outcomes, from cheapest to dearest.
    pub candidates: Option<Vec<String>>,
    /// Share of the training rows that are kept from the fit to prove the guarantee on; 0 for a router without one.
    /// Left open, a fifth where that is enough to prove something, and none where it is not.
    pub calibration: Option<f64>,
    /// The guarantee's ε: the mean score may be so much below the best single candidate's.
    pub epsilon: f64,
    /// The guarantee's δ: the probability with which it may be wrong.
    pub delta: f64,
    /// Share of the training prompts that count as far from the others, as later prompts that are no nearer will. Left
    /// open, the least from 0.03 to 0.2 at which kinds of prompts that are left out of the fit lose next to nothing.
    pub far: Option<f64>,
    /// Recorded in the file.
    pub date: String,
    /// Fingerprint of the embedder that made the embeddings.
    pub embedder: String,
    /// Some of the rows' prompts with a small edit, which changes no outcome: where too few decisions survive it, predictions
    /// are held still between the two. Empty where it does not matter.
    pub edited: Vec<Edited>,
}

/// A row's prompt, edited (see [`slips`](crate::prompt::edits::slips)).
#[derive(Clone, Debug)]
pub struct Edited {
    /// Position in the log.
    pub row: usize,
    /// The text after the edit.
    pub query: String,
    /// What it looks like.
    pub seen: Seen,
}

impl Settings {
    fn check(&self) -> Result<()> {
        let bad = |name: &str, value: f64, range: &str| Err(Error::input(name, format!("{value} is not {range}")));
        if let Some(share) = self.calibration.filter(|share| !(0.0..=0.5).contains(share)) {
            return bad("calibration", share, "a share from 0 to 0.5");
        }
        if !(0.0..1.0).contains(&self.epsilon) {
            return bad("epsilon", self.epsilon, "a number from 0 to below 1");
        }
        if let Some(share) = self.far.filter(|share| !(0.0..=0.5).contains(share)) {
            return bad("far", share, "a share from 0 to 0.5");
        }
        if !(self.delta > 0.0 && self.delta < 1.0) {
            return bad("delta", self.delta, "a number between 0 and 1");
        }
        Ok(())
    }
}

/// Trains on the log's training rows. `seen[i]` belongs to `log.rows[i]`.
///
/// # Errors
/// [`Error::BadInput`] where rows or candidates are missing or a setting is out of range, [`Error::Engine`] where the
/// solver fails.
pub fn train(log: &Log, seen: &[Seen], cards: &Cards, settings: &Settings) -> Result<RouterFile> {
    let rows: Vec<usize> = (0..log.rows.len()).filter(|&r| log.rows[r].split == Split::Train).collect();
    train_on(log, seen, &rows, cards, settings, &|_| ())
}

/// Trains on these rows of the log. `watch` is told what is being done, as it begins.
///
/// # Errors
/// As [`train`].
pub fn train_on(
    log: &Log,
    seen: &[Seen],
    rows: &[usize],
    cards: &Cards,
    settings: &Settings,
    watch: &(dyn Fn(&str) + Sync),
) -> Result<RouterFile> {
    settings.check()?;
    let training = Training::new(log, seen, rows, settings)?;
    let catalog = pool::catalog(log, &training.rows, seen, &training.pool, cards)?;
    let Learned { head, tasks, penalty, settled, .. } = training.learn(&catalog, watch)?;
    let Settled { map, mut dials, best_single, routed, .. } = settled;
    dials.guarantee = training.guarantee(&catalog, &map, &head, &dials)?;
    let provenance = Provenance {
        embedder: settings.embedder.clone(),
        data: training.data(),
        seed: settings.seed,
        date: settings.date.clone(),
        version: env!("CARGO_PKG_VERSION").into(),
        penalty,
        best_single,
        routed,
    };
    Ok(RouterFile { catalog, features: map, head, dials, tasks, provenance })
}

/// The training rows and the pool of candidates.
struct Training<'a> {
    log: &'a Log,
    seen: &'a [Seen],
    settings: &'a Settings,
    rows: Vec<usize>,
    /// By row, what the outcome of a chosen candidate weighs; none where candidates were asked openly.
    weights: Vec<Option<f64>>,
    /// Rows kept for the guarantee.
    calibration: Vec<usize>,
    pool: Vec<usize>,
    /// The candidates that answered every row, or the whole pool where there are none.
    judges: Vec<usize>,
    folds: Vec<usize>,
    /// Those of the rows.
    edited: Vec<&'a Edited>,
}

impl<'a> Training<'a> {
    fn new(log: &'a Log, seen: &'a [Seen], rows: &[usize], settings: &'a Settings) -> Result<Self> {
        if seen.len() != log.rows.len() {
            return Err(Error::input("features", format!("{} for {} rows", seen.len(), log.rows.len())));
        }
        let pool = choose_pool(log, rows, settings.candidates.as_deref())?;
        let answered = |&r: &usize| pool.iter().any(|&c| log.rows[r].outcome(c).is_some());
        let usable: Vec<usize> = rows.iter().copied().filter(answered).collect();
        let weights = answers::weights(log, &usable, &pool);
        let share = calibration_share(weights.iter().filter(|weight| weight.is_none()).count(), settings)?;
        let kept = |(r, weight): &(usize, Option<f64>)| weight.is_none() && draw(&log.rows[*r].query, settings.seed).1 < share;
        let (calibration, rows): (Vec<_>, Vec<_>) = usable.into_iter().zip(weights).partition(kept);
        let (rows, weights): (Vec<usize>, Vec<Option<f64>>) = rows.into_iter().unzip();
        if rows.len() < 2 * FOLDS {
            return Err(Error::input("outcomes", format!("{} training rows; at least {} are needed", rows.len(), 2 * FOLDS)));
        }
        let folds: Vec<usize> = rows.iter().map(|&r| draw(&log.rows[r].query, settings.seed).0).collect();
        if folds.iter().all(|fold| *fold == folds[0]) {
            return Err(Error::input("outcomes", "too few different prompts to learn from; a few hundred are a start"));
        }
        let everywhere = |&c: &usize| rows.iter().zip(&weights).all(|(&r, weight)| weight.is_some() || log.rows[r].outcome(c).is_some());
        let judges: Vec<usize> = pool.iter().copied().filter(everywhere).collect();
        let judges = if judges.is_empty() { pool.clone() } else { judges };
        let calibration = calibration.into_iter().map(|(r, _)| r).collect();
        let own: HashSet<usize> = rows.iter().copied().collect();
        let edited = settings.edited.iter().filter(|edited| own.contains(&edited.row)).collect();
        Ok(Self { log, seen, settings, rows, weights, calibration, pool, judges, folds, edited })
    }

    fn surface(&self, row: usize) -> [f32; SURFACE] {
        surface(&self.log.rows[row].query, self.seen[row].tokens)
    }

    /// Places of all rows.
    fn everyone(&self) -> Vec<usize> {
        (0..self.rows.len()).collect()
    }

    /// Embeddings and surfaces of the rows at these places.
    fn looks(&self, at: &[usize]) -> (Array2<f32>, Vec<[f32; SURFACE]>) {
        let width = self.seen[self.rows[0]].embedding.as_slice().len();
        let number = |(i, j): (usize, usize)| self.seen[self.rows[at[i]]].embedding.as_slice()[j];
        (Array2::from_shape_fn((at.len(), width), number), at.par_iter().map(|&i| self.surface(self.rows[i])).collect())
    }

    fn map(&self, cut: Cut) -> Result<clusters::Fitted> {
        let (embeddings, surfaces) = self.looks(&self.everyone());
        let foreign: Vec<bool> = self.rows.iter().map(|&row| self.seen[row].foreign).collect();
        clusters::fit(embeddings, &surfaces, &foreign, &self.folds, cut, self.settings.seed)
    }

    /// Features and nearness of the rows at these places.
    fn inputs(&self, map: &FeatureMap, at: &[usize]) -> Result<(Array2<f32>, Vec<f32>)> {
        let (mut inputs, mut nearness) = (vec![0f32; at.len() * map.width()], vec![0f32; at.len()]);
        inputs.par_chunks_mut(map.width()).zip(&mut nearness).zip(at).try_for_each(|((input, near), &i)| {
            let features = map.apply(&self.seen[self.rows[i]].embedding, &self.surface(self.rows[i]))?;
            input.copy_from_slice(&features.vector);
            *near = features.nearness;
            Ok(())
        })?;
        let inputs = Array2::from_shape_vec((at.len(), map.width()), inputs).map_err(|e| Error::engine("laying out features", e))?;
        Ok((inputs, nearness))
    }

    /// rows x candidates, by a value of each outcome; NaN where there is none.
    fn table(&self, value: impl Fn(usize, usize, Outcome) -> f64) -> Array2<f32> {
        let at = |(i, c): (usize, usize)| {
            let outcome = self.log.rows[self.rows[i]].outcome(self.pool[c]);
            outcome.map_or(f32::NAN, |outcome| value(self.rows[i], c, outcome) as f32)
        };
        Array2::from_shape_fn((self.rows.len(), self.pool.len()), at)
    }

    fn scores(&self) -> Array2<f32> {
        self.table(|_, _, outcome| outcome.score)
    }

    /// Answer lengths as shares of the candidate's mean, less 1; where they are not logged, those that the costs imply.
    fn lengths(&self, catalog: &Catalog) -> Array2<f32> {
        self.table(|row, c, outcome| {
            let candidate = &catalog.candidates()[c];
            let (mean, price) = (candidate.expected_output_tokens, candidate.usd_per_mtok_out);
            let implied = || (outcome.usd - candidate.usd(self.seen[row].tokens as f64, 0.0)) * 1e6 / price;
            let tokens = outcome.tokens_out.unwrap_or_else(implied);
            if mean > 0.0 && tokens.is_finite() { (tokens / mean).min(LONGEST) - 1.0 } else { 0.0 }
        })
    }

    /// Calibrates out-of-fold outputs in place; slope and offset by candidate.
    fn calibrate(&self, quality: &mut Fitted) -> Vec<(f64, f64)> {
        if self.settings.link == Link::Identity {
            return vec![(1.0, 0.0); self.pool.len()];
        }
        let scores = self.scores();
        let columns = quality.outputs.columns_mut().into_iter().zip(scores.columns());
        columns
            .map(|(mut outputs, scores)| {
                let (a, b) = platt::fit(&known(outputs.iter().zip(scores)));
                outputs.mapv_inplace(|z| (a * f64::from(z) + b) as f32);
                (a, b)
            })
            .collect()
    }

    fn head(&self, folds: &Folds, quality: &Fitted, platt: &[(f64, f64)], lengths: &Fitted) -> Result<Head> {
        let slopes = Array1::from_iter(platt.iter().map(|p| p.0 as f32));
        let offsets = Array1::from_iter(platt.iter().map(|p| p.1 as f32));
        let linear =
            |weights: Array2<f32>, bias: Array1<f32>| Linear { weights: weights.reversed_axes().as_standard_layout().into_owned(), bias };
        let calibrated = linear(&quality.solution.weights * &slopes, &quality.solution.bias * &slopes + offsets);
        let mut variance = self.variances(folds, quality)?;
        variance.weights *= &slopes.mapv(|a| a * a).insert_axis(Axis(1));
        variance.bias *= &slopes.mapv(|a| a * a);
        Head::new(self.settings.link, calibrated, variance, linear(lengths.solution.weights.clone(), lengths.solution.bias.clone()))
    }

    /// The diagonal of (w·C + penalty·Σ⁻¹_cc I)⁻¹ by candidate, with w the mean curvature of its outputs' loss and C that of all
    /// rows: a Laplace approximation.
    fn variances(&self, folds: &Folds, quality: &Fitted) -> Result<Linear> {
        let (scores, whole) = (self.scores(), folds.curvature());
        let width = whole.nrows();
        let precisions = quality.sharing.precisions();
        let variance = |c: usize| {
            let known = known(quality.outputs.column(c).iter().zip(scores.column(c)));
            let mean = |value: &dyn Fn(&(f64, f64)) -> f64| known.iter().map(value).sum::<f64>() / known.len().max(1) as f64;
            let (curvature, noise) = match self.settings.link {
                Link::Logistic => (mean(&|(z, _)| sigmoid(*z) * sigmoid(-z)), 1.0),
                Link::Identity => (1.0, mean(&|(z, y)| (z - y).powi(2))),
            };
            let share = known.len() as f64 / self.rows.len() as f64;
            let ridge = Array2::from_diag(&Array1::from_elem(width, quality.penalty * precisions[c]));
            let inverse = Cholesky::new(&whole * (curvature * share) + ridge)?.solve(Array2::eye(width));
            let bias = noise / (curvature * known.len().max(1) as f64).max(f64::MIN_POSITIVE);
            Ok((inverse.diag().mapv(|v| (v.max(0.0) * noise) as f32), bias as f32))
        };
        let by_candidate = (0..self.pool.len()).into_par_iter().map(variance).collect::<Result<Vec<_>>>()?;
        let weights = Array2::from_shape_fn((self.pool.len(), width), |(c, j)| by_candidate[c].0[j]);
        Ok(Linear { weights, bias: by_candidate.iter().map(|v| v.1).collect() })
    }

    fn data(&self) -> Vec<DataSource> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        self.rows.iter().for_each(|&r| *counts.entry(&self.log.rows[r].dataset).or_default() += 1);
        counts.into_iter().map(|(name, rows)| DataSource { name: name.into(), rows }).collect()
    }
}

/// Share of the rows that were asked openly to keep for the guarantee: of what was not asked, nothing can be proven.
fn calibration_share(open: usize, settings: &Settings) -> Result<f64> {
    let own = if open as f64 * CALIBRATION < ENOUGH_TO_PROVE { 0.0 } else { CALIBRATION };
    match settings.calibration {
        Some(share) if share > 0.0 && open == 0 => {
            let problem = "only the outcome of one chosen candidate is known of every row, and that proves nothing; leave it out";
            Err(Error::input("calibration", problem))
        }
        asked => Ok(asked.unwrap_or(own)),
    }
}

fn choose_pool(log: &Log, rows: &[usize], names: Option<&[String]>) -> Result<Vec<usize>> {
    let Some(names) = names else { return Ok(pool::everyone(log, rows)) };
    let find = |name: &String| {
        log.position(name)
            .ok_or_else(|| Error::input("candidates", format!("{name:?} is not in the outcomes; they hold {}", log.candidates.join(", "))))
    };
    names.iter().map(find).collect()
}

/// A query's fold, and a number in 0..1 that is independent of it. By its hash: the same text is never on both sides.
fn draw(query: &str, seed: u64) -> (usize, f64) {
    let hash = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(query).finalize();
    let number = |bytes: &[u8]| bytes.iter().fold(0u64, |n, byte| n << 8 | u64::from(*byte));
    (usize::from(u16::from_le_bytes([hash[0], hash[1]])) % FOLDS, random::mix(number(&hash[8..16])) as f64 / 2f64.powi(64))
}
