//! A row of a log as a router file predicts it.

use crate::artifact::RouterFile;
use crate::error::Result;
use crate::features::surface;
use crate::train::dials::{Replay, ReplayRow};
use crate::train::{Log, Seen};

/// What the router expects of every candidate, in the catalog's order. What they would have brought is not known.
pub(super) fn predict(file: &RouterFile, query: &str, Seen { embedding, tokens, foreign }: &Seen) -> Result<ReplayRow> {
    let features = file.features.apply(embedding, &surface(query, *tokens))?;
    let far = file.features.is_far(&features, *foreign);
    let estimates = file.head.estimate(&features.vector)?;
    let expected = file.catalog.usd(*tokens, &file.catalog.outputs(None, &file.head.lengths(&features.vector)?));
    let replay = |(candidate, estimate): (usize, &crate::head::Estimate)| {
        let quality = if far { file.dials.means[candidate] } else { estimate.quality };
        Replay { candidate, quality, expected_usd: expected[candidate], score: f64::NAN, usd: f64::NAN }
    };
    Ok(ReplayRow { far, answers: estimates.iter().enumerate().map(replay).collect() })
}

/// The candidates that answered a row, with what they brought.
pub(super) fn replay(file: &RouterFile, log: &Log, seen: &[Seen], row: usize) -> Result<ReplayRow> {
    let ReplayRow { far, answers } = predict(file, &log.rows[row].query, &seen[row])?;
    let answered = |answer: Replay| {
        let outcome = log.rows[row].outcome(log.position(&file.catalog.candidates()[answer.candidate].id)?)?;
        Some(Replay { score: outcome.score, usd: outcome.usd, ..answer })
    };
    Ok(ReplayRow { far, answers: answers.into_iter().filter_map(answered).collect() })
}
