//! What a candidate's feedback comes to, as sums that add up over devices.

use crate::symmetric::Symmetric;

/// Beyond this, f32 and f64 no longer notice one more.
const MOST_OBSERVATIONS: f64 = 1e12;
/// How many times dearer than expected calls can be in the mean.
const MOST_RATIO: f64 = 1e9;
/// Contexts are unit vectors, or projections of them that are at most some sixty times as long.
const MOST_PRODUCT: f64 = 4096.0;

/// Bills beside expectations.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    pub(super) count: f64,
    /// Σ paid / expected
    pub(super) ratios: f64,
}

impl Cost {
    pub(super) fn update(&mut self, ratio: f64, discount: f64) {
        self.count = self.count * discount + 1.0;
        self.ratios = self.ratios * discount + ratio;
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.ratios += other.ratios;
    }
}

/// One candidate's sums. On their way between routers they are without a ridge, of which every router has its own.
#[derive(Clone, Debug)]
pub(super) struct Sums {
    /// Observations, discounted like the rest.
    pub(super) count: f64,
    pub(super) cost: Cost,
    /// Σ (r - q(x)) x
    pub(super) b: Vec<f64>,
    /// Σ xxᵀ, and in an arm kI
    pub(super) a: Symmetric,
}

impl Sums {
    pub(super) fn zero(width: usize) -> Self {
        Self { count: 0.0, cost: Cost::default(), b: vec![0.0; width], a: Symmetric::diagonal(width, 0.0) }
    }

    pub(super) fn fade(&mut self, discount: f64) {
        self.a.scale(discount);
        self.b.iter_mut().for_each(|b| *b *= discount);
        self.count *= discount;
    }

    pub(super) fn observe(&mut self, x: &[f64], residual: f64) {
        self.a.add_outer(x, 1.0);
        self.b.iter_mut().zip(x).for_each(|(b, x)| *b += residual * x);
        self.count += 1.0;
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.cost.add(&other.cost);
        self.b.iter_mut().zip(&other.b).for_each(|(b, o)| *b += o);
        self.a.add(&other.a);
    }

    /// Whether all of it are numbers that a sum of feedback can be: each observation adds little.
    pub(super) fn is_sane(&self) -> bool {
        let counts = [self.count, self.cost.count].iter().all(|x| (0.0..=MOST_OBSERVATIONS).contains(x));
        let ratios = (0.0..=MOST_RATIO * self.cost.count.max(1.0)).contains(&self.cost.ratios);
        // A ridge, and what rounding leaves of one, is there before the first.
        let most = MOST_PRODUCT * (self.count + 1.0);
        counts && ratios && self.b.iter().chain(self.a.lower()).all(|x| x.abs() <= most)
    }
}
