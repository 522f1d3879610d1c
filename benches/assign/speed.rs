//! The whole front of a batch in wasm, beside a sort of as many pairs. benches/assign/speed.sh builds and runs it.
#![cfg(target_arch = "wasm32")]

use pointsman::assign::Front;
use pointsman::head::Estimate;
use pointsman::policy::Offer;
use wasm_bindgen::prelude::*;

/// Predictions of a batch, from a fixed seed: candidates of rising price, of which the dearer are better on the whole.
#[wasm_bindgen]
pub struct Batch(Vec<Vec<Offer>>);

#[wasm_bindgen]
impl Batch {
    #[wasm_bindgen(constructor)]
    pub fn new(queries: usize, candidates: usize) -> Batch {
        let mut state = 1u64;
        let mut unit = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f64 / f64::from(1 << 24)
        };
        let mut offer = |candidate: usize| {
            let quality = (0.4 + 0.4 * candidate as f64 / candidates as f64 + 0.2 * unit()).min(1.0);
            let usd = 1e-4 * 1.6f64.powi(candidate as i32) * (0.5 + unit());
            Offer { estimate: Estimate { quality, spread: 0.0 }, usd, ineligible: None }
        };
        Batch((0..queries).map(|_| (0..candidates).map(&mut offer).collect()).collect())
    }

    /// The number of the front's points.
    pub fn front(&self) -> usize {
        Front::new(&self.0, 0.0).map_or(0, |front| front.points().len())
    }

    /// The pairs of cost and quality in order, as many as there are offers.
    pub fn sort(&self) -> usize {
        let mut pairs: Vec<(f64, f64)> = self.0.iter().flatten().map(|offer| (offer.usd, offer.estimate.quality)).collect();
        pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        pairs.len()
    }
}
