//! An [`Embedding`] becomes one [`Estimate`] per candidate. Pure arithmetic; it knows no names.

use crate::embedder::Embedding;
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

/// The trained linear layer: for every candidate, weights and a bias, and the variance of each under the posterior
/// (diagonal Laplace approximation).
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    link: Link,
    weights: Array2<f32>,
    bias: Array1<f32>,
    weight_variance: Array2<f32>,
    bias_variance: Array1<f32>,
}

impl Head {
    /// Matrices are candidates x width; vectors have one entry per candidate.
    ///
    /// # Errors
    /// [`Error::BadArtifact`] where shapes disagree, or a number is not finite, or a variance is negative.
    pub fn new(
        link: Link,
        weights: Array2<f32>,
        bias: Array1<f32>,
        weight_variance: Array2<f32>,
        bias_variance: Array1<f32>,
    ) -> Result<Self> {
        let rows = weights.nrows();
        if weights.dim() != weight_variance.dim() || bias.len() != rows || bias_variance.len() != rows {
            return Err(Error::artifact("head", "its matrices differ in shape"));
        }
        let finite = weights.iter().chain(&bias).all(|w| w.is_finite());
        let variances = weight_variance.iter().chain(&bias_variance).all(|v| v.is_finite() && *v >= 0.0);
        if !finite || !variances {
            return Err(Error::artifact("head", "a weight is not finite, or a variance is negative"));
        }
        Ok(Self { link, weights, bias, weight_variance, bias_variance })
    }

    /// Number of coordinates it reads.
    pub fn width(&self) -> usize {
        self.weights.ncols()
    }

    /// Number of candidates it speaks of.
    #[allow(clippy::len_without_is_empty)] // a head without candidates is refused with its empty catalog
    pub fn len(&self) -> usize {
        self.weights.nrows()
    }

    /// The link function.
    pub fn link(&self) -> Link {
        self.link
    }

    /// Weights, biases and their variances, in the order of [`Head::new`].
    pub fn parts(&self) -> (&Array2<f32>, &Array1<f32>, &Array2<f32>, &Array1<f32>) {
        (&self.weights, &self.bias, &self.weight_variance, &self.bias_variance)
    }

    /// One estimate per candidate, in the catalog's order.
    ///
    /// # Errors
    /// [`Error::Mismatch`] where the embedding has another width.
    pub fn estimate(&self, embedding: &Embedding) -> Result<Vec<Estimate>> {
        let x = ArrayView1::from(embedding.as_slice());
        if x.len() != self.width() {
            let (expected, found) = (self.width().to_string(), x.len().to_string());
            return Err(Error::Mismatch { part: "embedding width".into(), expected, found });
        }
        let logits = self.weights.dot(&x) + &self.bias;
        let variances = self.weight_variance.dot(&(&x * &x)) + &self.bias_variance;
        Ok(logits.iter().zip(&variances).map(|(&z, &v)| self.link.estimate(f64::from(z), f64::from(v))).collect())
    }
}

impl Link {
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
    1.0 / (1.0 + (-z).exp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn head(link: Link) -> Head {
        Head::new(link, array![[2.0, 0.0], [0.0, -1.0]], array![0.0, 0.25], array![[1.0, 1.0], [0.0, 0.0]], array![0.0, 0.0]).unwrap()
    }

    #[test]
    fn estimates_are_links_of_a_linear_layer() {
        let x = Embedding::normalized(vec![3.0, 4.0]).unwrap();
        let logistic = head(Link::Logistic).estimate(&x).unwrap();
        assert!((logistic[0].quality - sigmoid(1.2)).abs() < 1e-7);
        assert!((logistic[0].spread - sigmoid(1.2) * sigmoid(-1.2)).abs() < 1e-7);
        let identity = head(Link::Identity).estimate(&x).unwrap();
        assert_eq!((identity[0].quality, identity[1].quality, identity[1].spread), (1.0, 0.0, 0.0));
    }

    #[test]
    fn another_width_is_a_mismatch() {
        let x = Embedding::normalized(vec![1.0, 0.0, 0.0]).unwrap();
        assert_eq!(head(Link::Logistic).estimate(&x).unwrap_err().code(), "MISMATCH");
    }

    #[test]
    fn unusable_numbers_are_refused() {
        let zeros = || (array![[0.0]], array![0.0]);
        let ((w, b), (v, bv)) = (zeros(), zeros());
        assert_eq!(Head::new(Link::Logistic, array![[f32::NAN]], b.clone(), v.clone(), bv.clone()).unwrap_err().code(), "BAD_ARTIFACT");
        assert_eq!(Head::new(Link::Logistic, w.clone(), b.clone(), array![[-1.0]], bv.clone()).unwrap_err().code(), "BAD_ARTIFACT");
        assert_eq!(Head::new(Link::Logistic, w, array![0.0, 0.0], v, bv).unwrap_err().code(), "BAD_ARTIFACT");
    }
}
