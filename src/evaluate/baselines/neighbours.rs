//! kNN: a candidate is worth its mean score on the training prompts nearest to this one, by cosine of embeddings.
//!
//! OptLLM and RouterBench both set it beside their routers. k is chosen by leaving each training prompt out of its own
//! neighbours, texts that are the same included.

use super::{Point, swept};
use crate::evaluate::details::imagine;
use crate::evaluate::stage::{Rows, Stage};
use crate::train::Seen;
use ndarray::{Array1, Array2, ArrayView1, Axis};
use rayon::prelude::*;

/// Numbers of neighbours that are tried.
const TRIED: [usize; 8] = [3, 5, 10, 20, 40, 80, 160, 320];
/// So many training prompts, evenly spread, tell which k is best.
const ASKED: usize = 2000;
/// Prompts that are compared with all training prompts in one matrix product.
const BLOCK: usize = 128;
/// With fewer training rows, neighbours are not near.
const LEAST: usize = 10;

pub(super) fn way(stage: &Stage, judged: &Rows, training: &Rows) -> Result<(Vec<Point>, String), String> {
    if training.at.len() < LEAST {
        return Err(format!("the log holds {} training rows and it needs {LEAST}", training.at.len()));
    }
    let known = Neighbours::new(stage, training);
    let k = TRIED[known.choose()];
    let predictions = known.predict(stage, judged, k);
    let rows = imagine(&judged.replays, |row, answer| (f64::from(predictions[[row, answer.candidate]]), answer.expected_usd));
    Ok((swept(stage, &rows), format!("mean scores of the {k} nearest training prompts by cosine; k by leaving each one out")))
}

/// Training prompts and what the candidates scored on them.
struct Neighbours<'a> {
    texts: Vec<&'a str>,
    /// rows x width
    embeddings: Array2<f32>,
    /// rows x candidates; NaN where there is none.
    scores: Array2<f32>,
    /// By candidate: what stands in where no neighbour tells.
    means: Array1<f32>,
}

fn matrix(seen: &[Seen], at: &[usize]) -> Array2<f32> {
    let width = at.first().map_or(0, |&row| seen[row].embedding.as_slice().len());
    Array2::from_shape_fn((at.len(), width), |(i, j)| seen[at[i]].embedding.as_slice()[j])
}

impl<'a> Neighbours<'a> {
    fn new(stage: &Stage<'a>, training: &Rows) -> Self {
        let mut scores = Array2::from_elem((training.at.len(), stage.file.catalog.len()), f32::NAN);
        for (i, row) in training.replays.iter().enumerate() {
            row.answers.iter().for_each(|answer| scores[[i, answer.candidate]] = answer.score as f32);
        }
        let mean = |column: ArrayView1<f32>| {
            let (sum, n) = column.iter().filter(|s| !s.is_nan()).fold((0.0, 0.0), |(sum, n), s| (sum + s, n + 1.0));
            sum / f32::max(n, 1.0)
        };
        let means = scores.columns().into_iter().map(mean).collect();
        let texts = training.at.iter().map(|&row| stage.row(row).query.as_str()).collect();
        Self { texts, embeddings: matrix(stage.seen, &training.at), scores, means }
    }

    /// The place in `TRIED` of the k with the least squared error on training prompts without themselves.
    fn choose(&self) -> usize {
        let step = self.texts.len().div_ceil(ASKED);
        let asked: Vec<usize> = (0..self.texts.len()).step_by(step).collect();
        let block = |rows: &[usize]| {
            let cosines = self.embeddings.select(Axis(0), rows).dot(&self.embeddings.t());
            let errors = rows.iter().zip(cosines.rows()).map(|(&row, cosines)| {
                let others = (0..self.texts.len()).filter(|&other| self.texts[other] != self.texts[row]);
                self.errors(row, &self.means_of(&nearest(cosines, others, TRIED[TRIED.len() - 1])))
            });
            errors.fold(Array1::<f64>::zeros(TRIED.len()), |sum, errors| sum + errors)
        };
        let by_block: Vec<Array1<f64>> = asked.par_chunks(BLOCK).map(block).collect();
        let errors = by_block.into_iter().fold(Array1::<f64>::zeros(TRIED.len()), |sum, errors| sum + errors);
        (0..TRIED.len()).min_by(|&a, &b| errors[a].total_cmp(&errors[b])).unwrap_or(0)
    }

    /// Squared errors of predictions (k x candidates) over the outcomes of a training row, by k.
    fn errors(&self, row: usize, predictions: &Array2<f32>) -> Array1<f64> {
        let error = |(predicted, score): (&f32, &f32)| if score.is_nan() { 0.0 } else { f64::from(predicted - score).powi(2) };
        let sum = |line: ArrayView1<f32>| line.iter().zip(self.scores.row(row)).map(error).sum();
        predictions.rows().into_iter().map(sum).collect()
    }

    /// Mean scores of the first k of these rows, for every k that is tried: k x candidates.
    fn means_of(&self, nearest: &[usize]) -> Array2<f32> {
        let candidates = self.means.len();
        let (mut sums, mut counts) = (Array1::<f32>::zeros(candidates), Array1::<f32>::zeros(candidates));
        let mut means = Array2::zeros((TRIED.len(), candidates));
        let mut taken = 0;
        for (k, mut line) in TRIED.iter().zip(means.rows_mut()) {
            for &row in &nearest[taken.min(nearest.len())..*k.min(&nearest.len())] {
                for (c, score) in self.scores.row(row).iter().enumerate().filter(|(_, score)| !score.is_nan()) {
                    sums[c] += score;
                    counts[c] += 1.0;
                }
            }
            taken = *k;
            line.iter_mut().enumerate().for_each(|(c, mean)| *mean = if counts[c] > 0.0 { sums[c] / counts[c] } else { self.means[c] });
        }
        means
    }

    /// Judged rows x candidates.
    fn predict(&self, stage: &Stage, judged: &Rows, k: usize) -> Array2<f32> {
        let place = TRIED.iter().position(|tried| *tried == k).unwrap_or(0);
        let block = |rows: &[usize]| -> Vec<Array1<f32>> {
            let cosines = matrix(stage.seen, rows).dot(&self.embeddings.t());
            let mean = |cosines| self.means_of(&nearest(cosines, 0..self.texts.len(), k)).row(place).to_owned();
            cosines.rows().into_iter().map(mean).collect()
        };
        let lines: Vec<Array1<f32>> = judged.at.par_chunks(BLOCK).flat_map_iter(block).collect();
        Array2::from_shape_fn((lines.len(), self.means.len()), |(i, c)| lines[i][c])
    }
}

/// The `k` rows of greatest cosine, the nearest first; of equals, the earlier.
fn nearest(cosines: ArrayView1<f32>, rows: impl Iterator<Item = usize>, k: usize) -> Vec<usize> {
    let mut rows: Vec<usize> = rows.collect();
    let order = |a: &usize, b: &usize| cosines[*b].total_cmp(&cosines[*a]).then(a.cmp(b));
    if rows.len() > k {
        rows.select_nth_unstable_by(k, order);
        rows.truncate(k);
    }
    rows.sort_unstable_by(order);
    rows
}
