//! Whether decisions survive small edits, and what holds predictions still where they do not.
//!
//! A typing error moves a prompt's features, most of all a short prompt's, and tells nothing. Where edits change too many
//! decisions, the head is fitted anew, as if edited copies of the rows were among them ([`Moments`](super::joint::Moments)).
//! Where they do not, it is left alone: what edits move says something, too.

use super::dials::pick;
use super::learn::Learned;
use super::replays::replay;
use super::{Edited, Outcome, Seen, Training};
use crate::catalog::Catalog;
use crate::error::Result;
use crate::features::{FeatureMap, surface};
use crate::policy::Aim;
use ndarray::{Array1, Array2};
use rayon::prelude::*;

/// What edited copies weigh beside each row, as long as too few decisions stay.
pub(super) const WEIGHTS: [f64; 2] = [2.0, 8.0];
/// Share of the decisions for edited prompts that must stay.
const ENOUGH: f64 = 0.95;

impl Training<'_> {
    /// Whether enough decisions at the default dial are the same for the edited prompts.
    pub(super) fn is_steady(&self, catalog: &Catalog, learned: &Learned) -> Result<bool> {
        let dials = &learned.settled.dials;
        let decide = |query: &str, seen: &Seen| {
            let (predicted, is_far) = self.predict(catalog, &learned.settled.map, &learned.head, query, seen)?;
            let any = Outcome { score: 0.0, usd: 0.0, tokens_out: None };
            let row = replay(&predicted, is_far.then_some(&dials.means), |_| Some(any));
            Ok(pick(&row, Aim::Keep(dials.default_lambda), dials.strongest).map(|picked| picked.candidate))
        };
        let stays = |edited: &&Edited| {
            Ok(decide(&self.log.rows[edited.row].query, &self.seen[edited.row])? == decide(&edited.query, &edited.seen)?)
        };
        let stays = self.edited.par_iter().map(stays).collect::<Result<Vec<bool>>>()?;
        Ok(stays.iter().filter(|stays| **stays).count() as f64 >= ENOUGH * stays.len() as f64)
    }

    /// Second moments of how features move where a row is edited, times a weight; none where nothing is to be held still.
    pub(super) fn moves(&self, map: &FeatureMap, weight: f64) -> Result<Option<Array2<f64>>> {
        if weight == 0.0 || self.edited.is_empty() {
            return Ok(None);
        }
        let features = |query: &str, seen: &Seen| map.apply(&seen.embedding, &surface(query, seen.tokens));
        let moved = |edited: &&Edited| -> Result<Array1<f32>> {
            let before = features(&self.log.rows[edited.row].query, &self.seen[edited.row])?;
            Ok(Array1::from(features(&edited.query, &edited.seen)?.vector) - Array1::from(before.vector))
        };
        let moved = self.edited.par_iter().map(moved).collect::<Result<Vec<_>>>()?;
        let moved = Array2::from_shape_fn((moved.len(), map.width()), |(i, j)| moved[i][j]);
        Ok(Some(moved.t().dot(&moved).mapv(|x| f64::from(x) * weight / moved.nrows() as f64)))
    }
}
