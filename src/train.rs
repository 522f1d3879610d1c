//! Outcomes become a router file.
//!
//! Every candidate gets one linear output over the embedding, logistic or ridge, fitted on the rows it answered.
//! Candidates need not share rows. Weights shrink towards a head that predicts the mean score of the candidates which
//! answered every row: what makes a prompt hard is learned once, from all rows, and candidates that saw only the
//! easier rows are not flattered by them. Penalties are chosen by cross-validation, and the dial table is computed
//! from out-of-fold predictions.

mod cross;
pub(crate) mod dials;
mod linear;
mod outcomes;
mod pool;

pub use outcomes::{Log, Outcome, Row, Split};
pub use pool::{Cards, ModelCard};

use crate::artifact::{BestSingle, DataSource, Provenance, RouterFile};
use crate::catalog::Catalog;
use crate::embedder::Embedding;
use crate::error::{Error, Result};
use crate::head::{Head, Link};
use crate::policy::{Dials, Knot};
use cross::{Fitted, Group, Problem};
use dials::Replay;
use linear::Design;
use ndarray::{Array2, ArrayView1, Axis, concatenate, s};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

const FOLDS: usize = 5;
/// Penalty of the shared head; it has all rows, and candidates add what it lacks.
const SHARED_PENALTY: f64 = 10.0;

/// What a row's query looks like to the head.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    /// Of the query.
    pub embedding: Embedding,
    /// Length of the query, uncut, in the embedder's tokens.
    pub tokens: usize,
}

/// How to train.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Logistic, or identity for ridge.
    pub link: Link,
    /// Assigns rows to folds.
    pub seed: u64,
    /// The candidates to keep, in the catalog's order. Without them: the Pareto front of mean score and mean cost.
    pub candidates: Option<Vec<String>>,
    /// Recorded in the file.
    pub date: String,
    /// Fingerprint of the embedder that made the features.
    pub embedder: String,
}

/// Trains on the log's training rows. `features[i]` belongs to `log.rows[i]`.
///
/// # Errors
/// [`Error::BadInput`] where rows or candidates are missing, [`Error::Engine`] where the solver fails.
pub fn train(log: &Log, features: &[Features], cards: &Cards, settings: &Settings) -> Result<RouterFile> {
    if features.len() != log.rows.len() {
        return Err(Error::input("features", format!("{} for {} rows", features.len(), log.rows.len())));
    }
    let training = Training::new(log, features, settings)?;
    let catalog = pool::catalog(log, &training.rows, features, &training.pool, cards)?;
    let fitted = training.fit()?;
    let head = training.head(&fitted)?;
    let (dials, best_single, routed) = training.dials(&catalog, &fitted)?;
    let provenance = Provenance {
        embedder: settings.embedder.clone(),
        data: training.data(),
        seed: settings.seed,
        date: settings.date.clone(),
        version: env!("CARGO_PKG_VERSION").into(),
        penalties: training.by_candidate(&fitted, |f, c| f.penalties[c]),
        best_single,
        routed,
    };
    Ok(RouterFile { catalog, head, dials, provenance })
}

/// The training rows and the pool of candidates.
struct Training<'a> {
    log: &'a Log,
    features: &'a [Features],
    settings: &'a Settings,
    rows: Vec<usize>,
    pool: Vec<usize>,
    /// The candidates that answered every row, or the whole pool where there are none.
    judges: Vec<usize>,
    folds: Vec<usize>,
    inputs: Array2<f64>,
}

impl<'a> Training<'a> {
    fn new(log: &'a Log, features: &'a [Features], settings: &'a Settings) -> Result<Self> {
        let split: Vec<usize> = (0..log.rows.len()).filter(|&r| log.rows[r].split == Split::Train).collect();
        let pool = choose_pool(log, &split, settings.candidates.as_deref())?;
        let answered = |&r: &usize| pool.iter().any(|&c| log.rows[r].outcome(c).is_some());
        let rows: Vec<usize> = split.into_iter().filter(answered).collect();
        if rows.len() < 2 * FOLDS {
            return Err(Error::input("outcomes", format!("{} training rows; at least {} are needed", rows.len(), 2 * FOLDS)));
        }
        let folds = rows.iter().map(|&r| fold(&log.rows[r].query, settings.seed)).collect();
        let width = features[rows[0]].embedding.as_slice().len();
        let inputs = Array2::from_shape_fn((rows.len(), width), |(i, j)| f64::from(features[rows[i]].embedding.as_slice()[j]));
        let everywhere = |&c: &usize| rows.iter().all(|&r| log.rows[r].outcome(c).is_some());
        let judges: Vec<usize> = pool.iter().copied().filter(everywhere).collect();
        let judges = if judges.is_empty() { pool.clone() } else { judges };
        Ok(Self { log, features, settings, rows, pool, judges, folds, inputs })
    }

    /// Candidates by the set of rows they answered.
    fn groups(&self) -> Vec<Group> {
        let mut groups: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
        for (position, &candidate) in self.pool.iter().enumerate() {
            let rows = (0..self.rows.len()).filter(|&i| self.log.rows[self.rows[i]].outcome(candidate).is_some());
            groups.entry(rows.collect()).or_default().push(position);
        }
        groups.into_iter().map(|(rows, candidates)| Group { candidates, rows }).collect()
    }

    fn fit(&self) -> Result<Vec<(Group, Fitted)>> {
        let shared = self.shared_priors()?;
        let fit = |group: Group| self.fit_group(&group, &shared).map(|fitted| (group, fitted));
        self.groups().into_iter().map(fit).collect()
    }

    fn fit_group(&self, group: &Group, shared: &[Array2<f64>]) -> Result<Fitted> {
        let score = |i: usize, c: usize| self.log.rows[self.rows[i]].outcome(self.pool[c]).map_or(0.0, |o| o.score);
        let (rows, candidates) = (group.rows.len(), group.candidates.len());
        let targets = Array2::from_shape_fn((rows, candidates), |(i, c)| score(group.rows[i], group.candidates[c]));
        let spread =
            |prior: &Array2<f64>| concatenate(Axis(1), &vec![prior.view(); candidates]).map_err(|e| Error::engine("sharing weights", e));
        let problem = |priors: &[Array2<f64>], prior: Array2<f64>| {
            let inputs = self.inputs.select(Axis(0), &group.rows);
            let folds = group.rows.iter().map(|&i| self.folds[i]).collect();
            Problem { link: self.settings.link, inputs, targets: targets.clone(), folds, fold_count: FOLDS, priors, prior }.solve()
        };
        let (last, folds) = shared.split_last().ok_or_else(|| Error::engine("sharing weights", "no prior"))?;
        let folds: Result<Vec<_>> = folds.iter().map(spread).collect();
        let helped = problem(&folds?, spread(last)?)?;
        // Candidates with rows of their own must be comparable with the others, so they always share.
        if group.rows.len() < self.rows.len() {
            return Ok(helped);
        }
        let zero = Array2::zeros((self.inputs.ncols() + 1, candidates));
        let alone = problem(&vec![zero.clone(); FOLDS], zero)?;
        let total = |f: &Fitted| f.losses.iter().sum::<f64>();
        Ok(if total(&helped) < total(&alone) { helped } else { alone })
    }

    /// The shared head, once without each fold and then with all rows: (width + 1) x 1.
    fn shared_priors(&self) -> Result<Vec<Array2<f64>>> {
        let mean = |i: usize| self.mean_score(i);
        let targets = Array2::from_shape_fn((self.rows.len(), 1), |(i, _)| mean(i));
        let fit = |rows: &[usize]| {
            let design = Design::new(self.inputs.select(Axis(0), rows).view());
            let zero = Array2::zeros((self.inputs.ncols() + 1, 1));
            design.fit(self.settings.link, &targets.select(Axis(0), rows), SHARED_PENALTY, &zero, &zero)
        };
        (0..=FOLDS).map(|fold| fit(&(0..self.rows.len()).filter(|&i| self.folds[i] != fold).collect::<Vec<_>>())).collect()
    }

    /// Mean score of a row over the judges.
    fn mean_score(&self, i: usize) -> f64 {
        let row = &self.log.rows[self.rows[i]];
        let scores: Vec<f64> = self.judges.iter().filter_map(|&c| row.outcome(c)).map(|o| o.score).collect();
        scores.iter().sum::<f64>() / scores.len().max(1) as f64
    }

    fn head(&self, fitted: &[(Group, Fitted)]) -> Result<Head> {
        let width = self.inputs.ncols();
        let mut weights = Array2::<f32>::zeros((self.pool.len(), width + 1));
        let mut variances = weights.clone();
        for (group, fit) in fitted {
            for (column, &position) in group.candidates.iter().enumerate() {
                let narrow = |column: ArrayView1<f64>| column.mapv(|x| x as f32);
                weights.row_mut(position).assign(&narrow(fit.weights.column(column)));
                variances.row_mut(position).assign(&narrow(fit.variances.column(column)));
            }
        }
        let split = |m: &Array2<f32>| (m.slice(s![.., ..width]).to_owned(), m.column(width).to_owned());
        let ((weights, bias), (weight_variance, bias_variance)) = (split(&weights), split(&variances));
        Head::new(self.settings.link, weights, bias, weight_variance, bias_variance)
    }

    fn dials(&self, catalog: &Catalog, fitted: &[(Group, Fitted)]) -> Result<(Dials, BestSingle, Knot)> {
        let means = |c: usize| pool::means(self.log, &self.rows, c);
        let best = self.judges.iter().copied().max_by(|&a, &b| means(a).0.total_cmp(&means(b).0));
        let best = best.ok_or_else(|| Error::input("candidates", "the pool is empty"))?;
        let scale = self.pool.iter().map(|&c| means(c).1).fold(f64::MIN_POSITIVE, f64::max);
        let strongest = catalog.position(&self.log.candidates[best]).unwrap_or(0);
        let (quality, usd) = means(best);
        let (dials, routed) = dials::table(&self.replays(catalog, fitted), scale, strongest);
        Ok((dials, BestSingle { id: self.log.candidates[best].clone(), quality, usd }, routed))
    }

    fn replays(&self, catalog: &Catalog, fitted: &[(Group, Fitted)]) -> Vec<Vec<Replay>> {
        let mut replays: Vec<Vec<Replay>> = self.rows.iter().map(|_| Vec::new()).collect();
        for (group, fit) in fitted {
            for (k, &i) in group.rows.iter().enumerate() {
                let expected = catalog.usd(self.features[self.rows[i]].tokens, None);
                let outcome = |c: usize| self.log.rows[self.rows[i]].outcome(self.pool[c]);
                let answered = group.candidates.iter().enumerate().filter_map(|(column, &c)| outcome(c).map(|o| (column, c, o)));
                replays[i].extend(answered.map(|(column, candidate, o)| Replay {
                    candidate,
                    quality: fit.out_of_fold[[k, column]],
                    expected_usd: expected[candidate],
                    score: o.score,
                    usd: o.usd,
                }));
            }
        }
        replays
    }

    fn by_candidate(&self, fitted: &[(Group, Fitted)], value: impl Fn(&Fitted, usize) -> f64) -> Vec<f64> {
        let mut values = vec![0.0; self.pool.len()];
        for (group, fit) in fitted {
            group.candidates.iter().enumerate().for_each(|(column, &position)| values[position] = value(fit, column));
        }
        values
    }

    fn data(&self) -> Vec<DataSource> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        self.rows.iter().for_each(|&r| *counts.entry(&self.log.rows[r].dataset).or_default() += 1);
        counts.into_iter().map(|(name, rows)| DataSource { name: name.into(), rows }).collect()
    }
}

fn choose_pool(log: &Log, rows: &[usize], names: Option<&[String]>) -> Result<Vec<usize>> {
    let Some(names) = names else { return Ok(pool::pareto_front(log, rows)) };
    let find = |name: &String| {
        log.position(name)
            .ok_or_else(|| Error::input("candidates", format!("{name:?} is not in the outcomes; they hold {}", log.candidates.join(", "))))
    };
    names.iter().map(find).collect()
}

/// The fold of a query, by its hash: the same text is never on both sides.
fn fold(query: &str, seed: u64) -> usize {
    let hash = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(query).finalize();
    usize::from(u16::from_le_bytes([hash[0], hash[1]])) % FOLDS
}
