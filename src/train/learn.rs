//! All that is learned from the rows that are not kept for the guarantee: features, head, tasks, and the dials that follow.

use super::Training;
use super::clusters::{self, COARSE, Cut, FINE};
use super::fit::{Fitted, Folds};
use super::replays::Predicted;
use super::steadiness::WEIGHTS;
use crate::artifact::BestSingle;
use crate::catalog::Catalog;
use crate::error::Result;
use crate::features::FeatureMap;
use crate::head::{Head, Link};
use crate::placing::Tasks;
use crate::policy::{Dials, Knot};

/// What one way of cutting the prompts into clusters led to.
pub(super) struct Learned {
    cut: Cut,
    pub head: Head,
    pub tasks: Option<Tasks>,
    pub penalty: f64,
    pub settled: Settled,
}

/// A fit of scores, the slopes and offsets that calibrate it, what it predicts out of fold, and the weight of edited copies.
pub(super) struct Fit<'a> {
    pub steadiness: f64,
    pub quality: &'a Fitted,
    pub platt: &'a [(f64, f64)],
    pub predicted: &'a [Predicted],
}

/// The map that knows which prompts are far, and the dials that follow.
pub(super) struct Settled {
    pub map: FeatureMap,
    pub dials: Dials,
    pub best_single: BestSingle,
    /// What the default dial brought.
    pub routed: Knot,
    /// Whether more prompts than usual had to count as far.
    shuns: bool,
}

impl Training<'_> {
    /// By what is worth most; where too few decisions survive small edits, so that more do.
    pub(super) fn learn(&self, catalog: &Catalog, watch: &(dyn Fn(&str) + Sync)) -> Result<Learned> {
        let mut learned = self.learn_freely(catalog, watch)?;
        for weight in WEIGHTS {
            if self.is_steady(catalog, &learned)? {
                break;
            }
            learned = self.learn_by(learned.cut, weight, catalog, &|what| watch(&format!("{what}, held still under edits")))?;
        }
        Ok(learned)
    }

    /// With coarse clusters; where those take too many known prompts for strangers, with fine ones too, and what is worth
    /// more is kept.
    fn learn_freely(&self, catalog: &Catalog, watch: &(dyn Fn(&str) + Sync)) -> Result<Learned> {
        let coarse = self.learn_by(COARSE, 0.0, catalog, watch)?;
        if !coarse.settled.shuns {
            return Ok(coarse);
        }
        let fine = self.learn_by(FINE, 0.0, catalog, &|what| watch(&format!("{what}, with finer groups")))?;
        let lambda = coarse.settled.dials.default_lambda;
        let worth = |Learned { settled, .. }: &Learned| settled.routed.quality - lambda * settled.routed.usd;
        Ok(if worth(&fine) > worth(&coarse) { fine } else { coarse })
    }

    fn learn_by(&self, cut: Cut, steadiness: f64, catalog: &Catalog, watch: &(dyn Fn(&str) + Sync)) -> Result<Learned> {
        watch("grouping prompts");
        let mapped = self.map(cut)?;
        let inputs = self.inputs(&mapped.map, &self.everyone())?.0;
        watch("comparing rows");
        let folds = Folds::new(&inputs, &self.folds, self.moves(&mapped.map, steadiness)?.as_ref());
        let watch_fit = |what: &'static str| move |penalty: f64| watch(&format!("fitting {what}, penalty {penalty}"));
        let mut quality = folds.fit(self.settings.link, &self.scores(), true, &watch_fit("scores"))?;
        let platt = self.calibrate(&mut quality);
        let lengths = folds.fit(Link::Identity, &self.lengths(catalog), false, &watch_fit("answer lengths"))?;
        let head = self.head(&folds, &quality, &platt, &lengths)?;
        let tasks = self.tasks(&folds, &inputs, &head, &quality)?;
        let predicted = &self.predictions(catalog, &quality, &lengths);
        let fit = Fit { steadiness, quality: &quality, platt: &platt, predicted };
        Ok(Learned { cut, head, tasks, penalty: quality.penalty, settled: self.settle(mapped, &fit, watch)? })
    }

    /// Which prompts are far is asked at the default exchange rate, and then changes that.
    fn settle(&self, mapped: clusters::Fitted, fit: &Fit, watch: &(dyn Fn(&str) + Sync)) -> Result<Settled> {
        watch("replaying every exchange rate");
        let (mut dials, mut best_single, mut routed) = self.dials(fit.predicted, &mapped.far())?;
        watch("leaving kinds of prompts out");
        let near = self.trusted_from(&mapped, fit, &dials)?;
        let is_new = near != mapped.map.least_nearness();
        let mapped = mapped.near_from(near);
        if is_new {
            watch("replaying every exchange rate again");
            (dials, best_single, routed) = self.dials(fit.predicted, &mapped.far())?;
        }
        Ok(Settled { map: mapped.map, dials, best_single, routed, shuns: is_new && self.settings.far.is_none() })
    }
}
