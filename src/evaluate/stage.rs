//! The rows that are judged and the rows that may be learned from, as every way to route sees them.

use super::predict::replay;
use crate::artifact::RouterFile;
use crate::error::{Error, Result};
use crate::train::dials::ReplayRow;
use crate::train::{Log, Row, Seen, Split};
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
            return Err(Error::input("outcomes", self.nothing_to_judge(rows)));
        }
        Ok(judged)
    }

    fn nothing_to_judge(&self, rows: &[usize]) -> String {
        if rows.is_empty() {
            return "the log has no row of this split: mark rows with `split`, keep a share of them for tests (--test-share), or replay \
                    them all (--split all)"
                .into();
        }
        let id = &self.file.catalog.candidates()[self.best].id;
        let known = self.log.candidates.join(", ");
        format!("no row of this split holds an outcome of {id}, the candidate to beat; the log knows {known} (--rename NAME={id})")
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
        let replays: Vec<ReplayRow> = rows.par_iter().map(|&row| replay(self.file, self.log, self.seen, row)).collect::<Result<_>>()?;
        let (at, replays) = rows.iter().copied().zip(replays).filter(|(_, row)| keep(row)).unzip();
        Ok(Rows { at, replays })
    }
}
