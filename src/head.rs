//! A prompt's features become one [`Estimate`] per candidate. Pure arithmetic; it knows no names.

use crate::error::{Error, Result};
use ndarray::{Array1, Array2, ArrayView1};

/// What a candidate's answer is expected to be worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Expected score of the answer, 0 to 1.
    pub quality: f64,
    /// One standard deviation of `quality` that stems from how little was seen in training.
    pub spread: f64,
}

/// How the linear layer's output becomes a quality.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// σ(z): the layer predicts the log-odds of a good answer.
    Logistic,
    /// z, clipped to 0..1: the layer predicts the score itself.
    Identity,
}

/// One linear output for every candidate: outputs x width weights, and a bias each.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    /// Row i speaks of candidate i.
    pub weights: Array2<f32>,
    /// By candidate.
    pub bias: Array1<f32>,
}

impl Linear {
    /// All zero.
    pub fn zeros(outputs: usize, width: usize) -> Self {
        Self { weights: Array2::zeros((outputs, width)), bias: Array1::zeros(outputs) }
    }

    fn apply(&self, x: ArrayView1<f32>) -> Array1<f32> {
        self.weights.dot(&x) + &self.bias
    }

    /// Whether all its numbers are.
    pub fn is_finite(&self) -> bool {
        self.weights.iter().chain(&self.bias).all(|w| w.is_finite())
    }
}

/// The trained linear layers over a prompt's features.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    link: Link,
    quality: Linear,
    /// Posterior variance of every weight of `quality` (diagonal Laplace approximation).
    variance: Linear,
    /// How long the answer will be, as a share of the candidate's mean, less 1.
    length: Linear,
}

/// An answer is never expected to be shorter than this share of its candidate's mean.
const SHORTEST: f64 = 0.1;

impl Head {
    /// All three layers have one shape.
    ///
    /// # Errors
    /// [`Error::BadArtifact`] where shapes disagree, or a number is not finite, or a variance is negative.
    pub fn new(link: Link, quality: Linear, variance: Linear, length: Linear) -> Result<Self> {
        let shape = |linear: &Linear| (linear.weights.dim(), linear.bias.len());
        let (rows, _) = quality.weights.dim();
        if quality.bias.len() != rows || shape(&variance) != shape(&quality) || shape(&length) != shape(&quality) {
            return Err(Error::artifact("head", "its matrices differ in shape"));
        }
        let positive = variance.weights.iter().chain(&variance.bias).all(|v| *v >= 0.0);
        if ![&quality, &variance, &length].iter().all(|linear| linear.is_finite()) || !positive {
            return Err(Error::artifact("head", "a weight is not finite, or a variance is negative"));
        }
        Ok(Self { link, quality, variance, length })
    }

    /// Number of features it reads.
    pub fn width(&self) -> usize {
        self.quality.weights.ncols()
    }

    /// Number of candidates it speaks of.
    #[allow(clippy::len_without_is_empty)] // a head without candidates is refused with its empty catalog
    pub fn len(&self) -> usize {
        self.quality.weights.nrows()
    }

    /// The link function.
    pub fn link(&self) -> Link {
        self.link
    }

    /// These candidates alone, in this order.
    pub fn select(&self, candidates: &[usize]) -> Self {
        let pick = |linear: &Linear| Linear {
            weights: linear.weights.select(ndarray::Axis(0), candidates),
            bias: linear.bias.select(ndarray::Axis(0), candidates),
        };
        Self { link: self.link, quality: pick(&self.quality), variance: pick(&self.variance), length: pick(&self.length) }
    }

    /// The layers, in the order of [`Head::new`].
    pub fn parts(&self) -> [&Linear; 3] {
        [&self.quality, &self.variance, &self.length]
    }

    /// One estimate per candidate, in the catalog's order.
    ///
    /// # Errors
    /// [`Error::Mismatch`] where there are more or fewer features than it reads.
    pub fn estimate(&self, features: &[f32]) -> Result<Vec<Estimate>> {
        let x = self.check(features)?;
        let (outputs, variances) = (self.quality.apply(x), self.variance.apply((&x * &x).view()));
        Ok(outputs.iter().zip(&variances).map(|(&z, &v)| self.link.estimate(f64::from(z), f64::from(v))).collect())
    }

    /// For every candidate, how long its answer will be, as a share of the mean length of its answers.
    ///
    /// # Errors
    /// As [`Head::estimate`].
    pub fn lengths(&self, features: &[f32]) -> Result<Vec<f64>> {
        Ok(self.length.apply(self.check(features)?).iter().map(|&share| Self::length_share(share.into())).collect())
    }

    fn check<'a>(&self, features: &'a [f32]) -> Result<ArrayView1<'a, f32>> {
        if features.len() == self.width() {
            return Ok(ArrayView1::from(features));
        }
        let (expected, found) = (self.width().to_string(), features.len().to_string());
        Err(Error::Mismatch { part: "number of features".into(), expected, found })
    }
}

impl Head {
    /// The share of a candidate's mean length that an output of the length layer stands for.
    pub(crate) fn length_share(output: f64) -> f64 {
        (1.0 + output).max(SHORTEST)
    }
}

impl Link {
    /// The quality that a linear output stands for.
    #[cfg(feature = "train")]
    pub(crate) fn quality(self, z: f64) -> f64 {
        self.estimate(z, 0.0).quality
    }

    /// The estimate for a linear output `z` of posterior variance `v`, by the delta method.
    fn estimate(self, z: f64, v: f64) -> Estimate {
        match self {
            Self::Logistic => {
                let quality = sigmoid(z);
                Estimate { quality, spread: quality * (1.0 - quality) * v.sqrt() }
            }
            Self::Identity => Estimate { quality: z.clamp(0.0, 1.0), spread: v.sqrt() },
        }
    }
}

/// 1 / (1 + e⁻ᶻ)
pub(crate) fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-z))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn linear(weights: Array2<f32>, bias: Array1<f32>) -> Linear {
        Linear { weights, bias }
    }

    fn head(link: Link) -> Head {
        let quality = linear(array![[2.0, 0.0], [0.0, -1.0]], array![0.0, 0.25]);
        let variance = linear(array![[1.0, 1.0], [0.0, 0.0]], array![0.0, 0.0]);
        Head::new(link, quality, variance, linear(array![[1.0, 0.0], [-2.0, 0.0]], array![0.0, 0.0])).unwrap()
    }

    #[test]
    fn estimates_are_links_of_a_linear_layer() {
        let x = [0.6, 0.8];
        let logistic = head(Link::Logistic).estimate(&x).unwrap();
        assert!((logistic[0].quality - sigmoid(1.2)).abs() < 1e-7);
        assert!((logistic[0].spread - sigmoid(1.2) * sigmoid(-1.2)).abs() < 1e-7);
        let identity = head(Link::Identity).estimate(&x).unwrap();
        assert_eq!((identity[0].quality, identity[1].quality, identity[1].spread), (1.0, 0.0, 0.0));
        let lengths = head(Link::Logistic).lengths(&x).unwrap();
        assert!((lengths[0] - 1.6).abs() < 1e-6 && lengths[1] == SHORTEST, "{lengths:?}");
    }

    #[test]
    fn another_width_is_a_mismatch() {
        assert_eq!(head(Link::Logistic).estimate(&[1.0, 0.0, 0.0]).unwrap_err().code(), "MISMATCH");
    }

    #[test]
    fn unusable_numbers_are_refused() {
        let zero = || linear(array![[0.0]], array![0.0]);
        let code = |quality, variance, length| Head::new(Link::Logistic, quality, variance, length).map_err(|e| e.code()).err();
        assert_eq!(code(zero(), zero(), zero()), None);
        assert_eq!(code(linear(array![[f32::NAN]], array![0.0]), zero(), zero()), Some("BAD_ARTIFACT"));
        assert_eq!(code(zero(), linear(array![[-1.0]], array![0.0]), zero()), Some("BAD_ARTIFACT"));
        assert_eq!(code(zero(), zero(), linear(array![[0.0]], array![0.0, 0.0])), Some("BAD_ARTIFACT"));
    }
}
