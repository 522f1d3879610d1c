//! What the head reads of a prompt: its centred embedding, its surface, and its soft memberships in clusters of the
//! training prompts, as one vector.
//!
//! ```text
//! φ = [ ½(e - μ),  1/20 · clip((s - centre)/scale, ±3),  ½ softmaxⱼ(-10 ‖e - μ - cⱼ‖²) for every set of clusters ]
//! ```
//!
//! with e the unit embedding, s the text's [`surface`], μ the mean training embedding and c centroids by k-means. The
//! factors set how strongly one penalty shrinks each block. The embedding says which task a prompt is, clusters let the
//! head bend, and the surface tells what the embedding averages away.

mod surface;

pub use surface::{SURFACE, surface};

use crate::embedder::{Embedding, dot};
use crate::error::{Error, Result};

const EMBEDDING_SCALE: f32 = 0.5;
const SURFACE_SCALE: f32 = 0.05;
const MEMBERSHIP_SCALE: f32 = 0.5;
/// Farther than so many scales is as far as it gets.
const CLIP: f32 = 3.0;
/// How sharply memberships fall with squared distance.
const SHARPNESS: f64 = 10.0;

/// A prompt as the head sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    /// φ
    pub vector: Vec<f32>,
    /// Greatest cosine of the centred embedding to a centroid: how near the prompt is to what was trained on. 1 where
    /// there are no clusters.
    pub nearness: f32,
}

/// Centre and scale of one surface number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// Median of the training prompts.
    pub centre: f32,
    /// What counts as one, above 0.
    pub scale: f32,
}

/// From prompts to features. Fitted on training prompts, without a look at their outcomes.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureMap {
    mean: Vec<f32>,
    surface: Vec<Scale>,
    clusters: Clusters,
    /// The centroids' numbers before their scales, as they are multiplied.
    centroids: Vec<f32>,
    /// Squared length of every centroid.
    squares: Vec<f32>,
    near: f32,
    english: bool,
}

/// Sets of centroids, int8 with a scale for each centroid.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Clusters {
    /// Centroids in a set.
    pub per_set: usize,
    /// Centroid after centroid, set after set; each as wide as the embedding.
    pub values: Vec<i8>,
    /// By centroid.
    pub scales: Vec<f32>,
}

impl FeatureMap {
    /// `surface` is empty or has a scale for every number; prompts whose nearness is below `near` are far from all that
    /// was trained on.
    ///
    /// # Errors
    /// [`Error::BadArtifact`] where sizes disagree or a number is out of range.
    pub fn new(mean: Vec<f32>, surface: Vec<Scale>, clusters: Clusters, near: f32) -> Result<Self> {
        let bad = |problem: &str| Err(Error::artifact("features", problem));
        if !(surface.is_empty() || surface.len() == SURFACE) {
            return bad("it does not describe the surface that this version reads");
        }
        let sets = clusters.scales.len().checked_rem(clusters.per_set).unwrap_or(clusters.scales.len());
        if sets != 0 || clusters.values.len() != clusters.scales.len() * mean.len() {
            return bad("its centroids are not of one size");
        }
        let finite = mean.iter().chain(&clusters.scales).chain(surface.iter().map(|s| &s.centre)).all(|x| x.is_finite());
        if !finite || !near.is_finite() || !surface.iter().all(|s| s.scale.is_finite() && s.scale > 0.0) {
            return bad("a number is not finite, or a scale is not above 0");
        }
        let squares = clusters.squares(mean.len());
        let centroids = clusters.values.iter().map(|value| f32::from(*value)).collect();
        Ok(Self { mean, surface, clusters, centroids, squares, near, english: false })
    }

    /// Embeddings as they are, but for their factor: no surface, no clusters.
    pub fn plain(width: usize) -> Self {
        Self {
            mean: vec![0.0; width],
            surface: vec![],
            clusters: Clusters::default(),
            centroids: vec![],
            squares: vec![],
            near: -1.0,
            english: false,
        }
    }

    /// Whether the training prompts were English, so that prompts in other languages are far from them.
    pub fn only_english(self, english: bool) -> Self {
        Self { english, ..self }
    }

    /// Prompts whose nearness is below this are far from all that was trained on.
    #[cfg(feature = "train")]
    pub(crate) fn near_from(self, near: f32) -> Self {
        Self { near, ..self }
    }

    /// As set by [`FeatureMap::near_from`] or given to [`FeatureMap::new`].
    #[cfg(feature = "train")]
    pub(crate) fn least_nearness(&self) -> f32 {
        self.near
    }

    /// As set by [`FeatureMap::only_english`].
    pub fn is_only_english(&self) -> bool {
        self.english
    }

    /// Width of the embeddings it reads.
    pub fn inputs(&self) -> usize {
        self.mean.len()
    }

    /// Width of the vectors it makes.
    pub fn width(&self) -> usize {
        self.mean.len() + self.surface.len() + self.clusters.scales.len()
    }

    /// Mean, surface scales, clusters and least nearness, as in [`FeatureMap::new`].
    pub fn parts(&self) -> (&[f32], &[Scale], &Clusters, f32) {
        (&self.mean, &self.surface, &self.clusters, self.near)
    }

    /// Whether a prompt is too far from the training prompts for its estimates to be trusted: its embedding is, or it is
    /// `foreign` (see [`is_foreign`](crate::language::is_foreign)) where they were English.
    pub fn is_far(&self, features: &Features, foreign: bool) -> bool {
        features.nearness < self.near || (foreign && self.english)
    }

    /// The features of a prompt with this embedding and surface.
    ///
    /// # Errors
    /// [`Error::Mismatch`] where the embedding has another width.
    pub fn apply(&self, embedding: &Embedding, surface: &[f32; SURFACE]) -> Result<Features> {
        let embedding = embedding.as_slice();
        if embedding.len() != self.mean.len() {
            let (expected, found) = (self.mean.len().to_string(), embedding.len().to_string());
            return Err(Error::Mismatch { part: "embedding width".into(), expected, found });
        }
        let centred: Vec<f32> = embedding.iter().zip(&self.mean).map(|(x, m)| x - m).collect();
        let mut vector = Vec::with_capacity(self.width());
        vector.extend(centred.iter().map(|x| EMBEDDING_SCALE * x));
        let scaled = self.surface.iter().zip(surface).map(|(s, x)| ((x - s.centre) / s.scale).clamp(-CLIP, CLIP));
        vector.extend(scaled.map(|x| SURFACE_SCALE * x));
        let nearness = self.memberships(&centred, &mut vector);
        Ok(Features { vector, nearness })
    }

    /// Appends the scaled memberships of a centred embedding; its greatest cosine to a centroid.
    fn memberships(&self, x: &[f32], out: &mut Vec<f32>) -> f32 {
        let Clusters { per_set, scales, .. } = &self.clusters;
        if scales.is_empty() {
            return 1.0;
        }
        let length = dot(x, x).sqrt().max(f32::MIN_POSITIVE);
        let mut nearest = -1f32;
        let mut scores: Vec<f64> = Vec::with_capacity(scales.len());
        for ((values, scale), square) in self.centroids.chunks_exact(x.len()).zip(scales).zip(&self.squares) {
            let along = scale * dot(x, values);
            nearest = nearest.max(along / (length * square.sqrt().max(f32::MIN_POSITIVE)));
            // The squared distance less ‖x‖², which all of them share.
            scores.push(SHARPNESS * f64::from(2.0 * along - square));
        }
        for set in scores.chunks_mut(*per_set) {
            let most = set.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            set.iter_mut().for_each(|score| *score = libm::exp(*score - most));
            let sum: f64 = set.iter().sum();
            out.extend(set.iter().map(|score| MEMBERSHIP_SCALE * (score / sum) as f32));
        }
        nearest
    }
}

impl Clusters {
    fn squares(&self, width: usize) -> Vec<f32> {
        let square = |values: &[i8]| values.iter().map(|v| i32::from(*v).pow(2)).sum::<i32>() as f32;
        self.values.chunks_exact(width.max(1)).zip(&self.scales).map(|(values, scale)| scale * scale * square(values)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map() -> FeatureMap {
        let clusters = Clusters { per_set: 2, values: vec![100, 0, 0, 100, -100, 0, 0, -100], scales: vec![0.01; 4] };
        FeatureMap::new(vec![0.0, 0.0], vec![], clusters, 0.9).unwrap()
    }

    #[test]
    fn memberships_worked_by_hand() {
        let x = Embedding::normalized(vec![3.0, 4.0]).unwrap();
        let features = map().apply(&x, &[0.0; SURFACE]).unwrap();
        assert_eq!(features.vector.len(), 6);
        // Squared distances to (1,0) and (0,1): 0.8 and 0.4; to (-1,0) and (0,-1): 3.2 and 3.6.
        let share = |a: f64, b: f64| 0.5 * (1.0 / (1.0 + (10.0 * (a - b)).exp())) as f32;
        let expected = [0.3, 0.4, share(0.8, 0.4), share(0.4, 0.8), share(3.2, 3.6), share(3.6, 3.2)];
        assert!(features.vector.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{features:?}");
        assert!((features.nearness - 0.8).abs() < 1e-6 && map().is_far(&features, false));
        let near = Features { nearness: 1.0, ..features };
        assert!(!map().is_far(&near, true) && map().only_english(true).is_far(&near, true));
        assert!(!map().only_english(true).is_far(&near, false));
    }

    #[test]
    fn a_surface_is_scaled_and_clipped() {
        let map = FeatureMap::new(vec![0.0; 2], vec![Scale { centre: 1.0, scale: 2.0 }; SURFACE], Clusters::default(), -1.0).unwrap();
        let mut surface = [1.0; SURFACE];
        (surface[0], surface[1]) = (3.0, 1e9);
        let features = map.apply(&Embedding::normalized(vec![1.0, 0.0]).unwrap(), &surface).unwrap();
        assert_eq!(features.vector[..5], [0.5, 0.0, 0.05, 0.15, 0.0]);
        assert_eq!(features.nearness, 1.0);
    }

    #[test]
    fn maps_that_cannot_be_used_are_refused() {
        let clusters = |per_set, values: usize, scales: usize| Clusters { per_set, values: vec![1; values], scales: vec![1.0; scales] };
        let code = |surface: usize, clusters| {
            FeatureMap::new(vec![0.0; 2], vec![Scale { centre: 0.0, scale: 1.0 }; surface], clusters, 0.0).err().map(|e| e.code())
        };
        assert_eq!(code(SURFACE, clusters(2, 8, 4)), None);
        for bad in [code(3, clusters(2, 8, 4)), code(0, clusters(3, 8, 4)), code(0, clusters(2, 7, 4)), code(0, clusters(0, 8, 4))] {
            assert_eq!(bad, Some("BAD_ARTIFACT"));
        }
        let zero = vec![Scale { centre: 0.0, scale: 0.0 }; SURFACE];
        assert!(FeatureMap::new(vec![0.0], zero, Clusters::default(), 0.0).is_err());
        let narrow = Embedding::normalized(vec![1.0]).unwrap();
        assert_eq!(map().apply(&narrow, &[0.0; SURFACE]).unwrap_err().code(), "MISMATCH");
    }
}
