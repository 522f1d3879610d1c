//! The rows that are judged and the rows that may be learned from, as every way to route sees them.

use crate::artifact::RouterFile;
use crate::error::{Error, Result};
use crate::features::surface;
use crate::train::dials::{Replay, ReplayRow};
use crate::train::{Log, Outcome, Row, Seen, Split};
use rayon::prelude::*;

/// A log beside a router file.
#[derive(Clone, Copy)]
pub(super) struct Stage<'a> {
    pub file: &'a RouterFile,
    pub log: &'a Log,
    /// By row of the log.
    pub seen: &'a [Seen],
    /// Position in the catalog of the candidate to beat.
    pub best: usize,
}

/// Rows of a log, as the router file predicts them.
pub(super) struct Rows {
    /// Positions in the log.
    pub at: Vec<usize>,
    /// As many.
    pub replays: Vec<ReplayRow>,
}

impl<'a> Stage<'a> {
    /// The given rows, as far as the candidate to beat has answered them.
    pub(super) fn judged(&self, rows: &[usize]) -> Result<Rows> {
        let judged = self.replay(rows, |row| row.of(self.best).is_some())?;
        if judged.at.is_empty() {
            let id = &self.file.catalog.candidates()[self.best].id;
            return Err(Error::input("outcomes", format!("no row of the chosen split holds an outcome of {id}, the candidate to beat")));
        }
        Ok(judged)
    }

    /// The log's training rows, as far as a candidate of the router has answered them.
    pub(super) fn training(&self) -> Result<Rows> {
        let rows: Vec<usize> = (0..self.log.rows.len()).filter(|&r| self.log.rows[r].split == Split::Train).collect();
        self.replay(&rows, |row| !row.answers.is_empty())
    }

    /// Rows of the log, by position.
    pub(super) fn row(&self, at: usize) -> &'a Row {
        &self.log.rows[at]
    }

    fn replay(&self, rows: &[usize], keep: impl Fn(&ReplayRow) -> bool) -> Result<Rows> {
        let columns: Vec<Option<usize>> = self.file.catalog.candidates().iter().map(|c| self.log.position(&c.id)).collect();
        let replays: Vec<ReplayRow> = rows.par_iter().map(|&row| self.replay_row(row, &columns)).collect::<Result<_>>()?;
        let (at, replays) = rows.iter().copied().zip(replays).filter(|(_, row)| keep(row)).unzip();
        Ok(Rows { at, replays })
    }

    /// `columns` gives the position of every candidate of the catalog in the log.
    fn replay_row(&self, row: usize, columns: &[Option<usize>]) -> Result<ReplayRow> {
        let file = self.file;
        let Seen { embedding, tokens } = &self.seen[row];
        let features = file.features.apply(embedding, &surface(&self.log.rows[row].query, *tokens))?;
        let far = file.features.is_far(&features);
        let estimates = file.head.estimate(&features.vector)?;
        let expected = file.catalog.usd(*tokens, &file.catalog.outputs(None, &file.head.lengths(&features.vector)?));
        let answered = columns.iter().enumerate().filter_map(|(c, column)| Some((c, self.log.rows[row].outcome((*column)?)?)));
        let replay = |(candidate, outcome): (usize, Outcome)| {
            let quality = if far { file.dials.means[candidate] } else { estimates[candidate].quality };
            let expected_usd = expected[candidate];
            Replay { candidate, quality, expected_usd, score: outcome.score, usd: outcome.usd }
        };
        Ok(ReplayRow { far, answers: answered.map(replay).collect() })
    }
}
