//! The training rows as the dials see them: what is predicted of each candidate, and what it brought.

use super::clusters::COARSE;
use super::dials::{self, Replay, ReplayRow};
use super::fit::{Fitted, Folds};
use super::{Cards, Log, Outcome, Seen, Settings, Training, answers, guarantee, pool};
use crate::artifact::BestSingle;
use crate::catalog::Catalog;
use crate::error::{Error, Result};
use crate::features::{FeatureMap, surface};
use crate::head::{Head, Link};
use crate::policy::{Dials, Guarantee, Knot};

/// What is predicted of every candidate on one row.
pub(super) struct Predicted {
    pub qualities: Vec<f64>,
    pub usd: Vec<f64>,
}

impl Training<'_> {
    /// Of every row, by fits that have not seen its fold.
    pub(super) fn predictions(&self, catalog: &Catalog, quality: &Fitted, lengths: &Fitted) -> Vec<Predicted> {
        let predict = |i: usize| {
            let shares: Vec<f64> = lengths.outputs.row(i).iter().map(|&share| Head::length_share(f64::from(share))).collect();
            let qualities = quality.outputs.row(i).iter().map(|&z| self.settings.link.quality(f64::from(z))).collect();
            Predicted { qualities, usd: catalog.usd(self.seen[self.rows[i]].tokens, &catalog.outputs(None, &shares)) }
        };
        (0..self.rows.len()).map(predict).collect()
    }

    /// The dial table, the best single candidate, and what the default dial brought.
    pub(super) fn dials(&self, predicted: &[Predicted], far: &[bool]) -> Result<(Dials, BestSingle, Knot)> {
        let answer = |i: usize, candidate: usize| self.answer(i, candidate, &predicted[i]);
        // Estimates of what was not asked may leave the range that outcomes have.
        let mean = |candidate: usize| pool::means((0..self.rows.len()).filter_map(|i| answer(i, candidate)));
        let means: Vec<(f64, f64)> = (0..self.pool.len()).map(mean).map(|(score, usd)| (score.clamp(0.0, 1.0), usd.max(0.0))).collect();
        let judges = (0..self.pool.len()).filter(|&candidate| self.judges.contains(&self.pool[candidate]));
        let best = judges.max_by(|&a, &b| means[a].0.total_cmp(&means[b].0));
        let best = best.ok_or_else(|| Error::input("candidates", "the pool is empty"))?;
        let scale = Dials::cost_scale_of(means.iter().map(|mean| mean.1));
        let score_means: Vec<f64> = means.iter().map(|mean| mean.0).collect();
        let replays = |i: usize| self.replay(i, &predicted[i], far[i].then_some(&score_means));
        let rows: Vec<ReplayRow> = (0..self.rows.len()).map(replays).collect();
        let best_single = BestSingle { id: self.log.candidates[self.pool[best]].clone(), quality: means[best].0, usd: means[best].1 };
        let (dials, routed) = dials::table(&rows, score_means, scale, best);
        Ok((dials, best_single, routed))
    }

    /// A row with what is predicted of it, or with mean scores where these are given.
    pub(super) fn replay(&self, i: usize, predicted: &Predicted, means: Option<&Vec<f64>>) -> ReplayRow {
        replay(predicted, means, |candidate| self.answer(i, candidate, predicted))
    }

    fn answer(&self, i: usize, candidate: usize, predicted: &Predicted) -> Option<Outcome> {
        let logged = self.log.rows[self.rows[i]].outcome(self.pool[candidate]);
        answers::answer(logged, self.weights[i], (predicted.qualities[candidate], predicted.usd[candidate]))
    }

    /// What the finished router predicts of a prompt, and whether it takes it for a stranger.
    pub(super) fn predict(&self, catalog: &Catalog, map: &FeatureMap, head: &Head, query: &str, seen: &Seen) -> Result<(Predicted, bool)> {
        let features = map.apply(&seen.embedding, &surface(query, seen.tokens))?;
        let qualities: Vec<f64> = head.estimate(&features.vector)?.iter().map(|e| e.quality).collect();
        let usd = catalog.usd(seen.tokens, &catalog.outputs(None, &head.lengths(&features.vector)?));
        Ok((Predicted { qualities, usd }, map.is_far(&features, seen.foreign)))
    }

    /// What the finished router brings on the rows that were kept from it.
    pub(super) fn guarantee(&self, catalog: &Catalog, map: &FeatureMap, head: &Head, dials: &Dials) -> Result<Option<Guarantee>> {
        let kept = |&row: &usize| {
            let (predicted, is_far) = self.predict(catalog, map, head, &self.log.rows[row].query, &self.seen[row])?;
            let outcome = |candidate: usize| self.log.rows[row].outcome(self.pool[candidate]);
            Ok(replay(&predicted, is_far.then_some(&dials.means), outcome))
        };
        let replays = self.calibration.iter().map(kept).collect::<Result<Vec<_>>>()?;
        Ok(guarantee::prove(&replays.iter().collect::<Vec<_>>(), dials, self.settings.epsilon, self.settings.delta))
    }
}

/// What each of these rows that has an outcome brought, with predictions by fits that have not seen its fold: no file, and
/// nothing on which prompts are far.
///
/// # Errors
/// As [`train_on`](super::train_on).
pub(crate) fn out_of_fold(
    log: &Log,
    seen: &[Seen],
    rows: &[usize],
    cards: &Cards,
    settings: &Settings,
    watch: &(dyn Fn(&str) + Sync),
) -> Result<Vec<(usize, ReplayRow)>> {
    let training = Training::new(log, seen, rows, settings)?;
    let catalog = pool::catalog(log, &training.rows, seen, &training.pool, cards)?;
    watch("grouping prompts");
    let inputs = training.inputs(&training.map(COARSE)?.map, &training.everyone())?.0;
    watch("comparing rows");
    let folds = Folds::new(&inputs, &training.folds, None);
    let watch_fit = |what: &'static str| move |penalty: f64| watch(&format!("fitting {what}, penalty {penalty}"));
    let mut quality = folds.fit(settings.link, &training.scores(), true, &watch_fit("scores"))?;
    training.calibrate(&mut quality);
    let lengths = folds.fit(Link::Identity, &training.lengths(&catalog), false, &watch_fit("answer lengths"))?;
    let predicted = training.predictions(&catalog, &quality, &lengths);
    Ok((0..training.rows.len()).map(|i| (training.rows[i], training.replay(i, &predicted[i], None))).collect())
}

/// A row with the answers that are known of it. `means` are mean scores, where the prompt is too far for predictions.
pub(super) fn replay(predicted: &Predicted, means: Option<&Vec<f64>>, answer: impl Fn(usize) -> Option<Outcome>) -> ReplayRow {
    let known = |candidate: usize| {
        let outcome = answer(candidate)?;
        let quality = means.map_or(predicted.qualities[candidate], |means| means[candidate]);
        Some(Replay { candidate, quality, expected_usd: predicted.usd[candidate], score: outcome.score, usd: outcome.usd })
    };
    ReplayRow { far: means.is_some(), answers: (0..predicted.qualities.len()).filter_map(known).collect() }
}
