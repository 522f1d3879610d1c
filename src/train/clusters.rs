//! The feature map of a set of training prompts: centre, surface scales, k-means. No outcome is looked at.

use crate::error::Result;
use crate::features::{Clusters, FeatureMap, SURFACE, Scale};
use crate::random::Random;
use ndarray::{Array1, Array2, ArrayView2, Axis, s};
use rayon::prelude::*;

/// How prompts are cut into clusters, of which there are 512 in any case where there are rows enough.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    /// Independent runs of k-means.
    sets: u64,
    /// Most centroids in each.
    most: usize,
    /// Rows that a centroid takes.
    rows: usize,
}

/// Each run cuts the prompts differently, and together they are smoother than one.
pub(super) const COARSE: Cut = Cut { sets: 4, most: 128, rows: 50 };
/// One run whose centroids lie closer: they tell prompts of another kind better from rare ones of the same.
pub(super) const FINE: Cut = Cut { sets: 1, most: 512, rows: 12 };
const ROUNDS: usize = 25;
/// For centroids that only serve to say how near unseen prompts are.
const FEW_ROUNDS: usize = 8;
/// Share of the training prompts that count as far from prompts of the other folds.
const FAR: f64 = 0.03;
/// Training prompts of which at most this share is foreign are English: the detector errs in less.
const FOREIGN: f64 = 0.02;
/// Numbers that a centroid's coordinates are rounded to.
const LEVELS: f32 = 127.0;

impl Cut {
    fn per_set(self, rows: usize) -> usize {
        (rows / self.rows).clamp(1, self.most)
    }
}

/// A fitted map, and what it says of the training prompts.
pub(super) struct Fitted {
    pub map: FeatureMap,
    pub cut: Cut,
    /// By training prompt, its nearness to prompts of the other folds.
    nearness: Vec<f32>,
    foreign: Vec<bool>,
}

impl Fitted {
    /// The nearness that this share of the training prompts falls short of.
    pub(super) fn falling_short(&self, share: f64) -> f32 {
        let mut sorted = self.nearness.clone();
        sorted.sort_by(f32::total_cmp);
        sorted.get((share * sorted.len() as f64) as usize).copied().unwrap_or(-1.0)
    }

    /// Trusts prompts from this nearness on.
    pub(super) fn near_from(self, near: f32) -> Self {
        Self { map: self.map.near_from(near), ..self }
    }

    /// Which of the training prompts are far from those of the other folds.
    pub(super) fn far(&self) -> Vec<bool> {
        let far = |(nearness, foreign): (&f32, &bool)| *nearness < self.map.least_nearness() || (*foreign && self.map.is_only_english());
        self.nearness.iter().zip(&self.foreign).map(far).collect()
    }
}

/// Fits the map to prompts (rows) whose fold is given.
pub(super) fn fit(
    embeddings: Array2<f32>,
    surfaces: &[[f32; SURFACE]],
    foreign: &[bool],
    folds: &[usize],
    cut: Cut,
    seed: u64,
) -> Result<Fitted> {
    let (map, centred) = map(embeddings, surfaces, cut, ROUNDS, seed)?;
    let nearness = nearness_across_folds(&centred, folds, cut, seed);
    let english = foreign.iter().filter(|foreign| **foreign).count() as f64 <= FOREIGN * foreign.len() as f64;
    let fitted = Fitted { map: map.only_english(english), cut, nearness, foreign: foreign.to_vec() };
    let near = fitted.falling_short(FAR);
    Ok(fitted.near_from(near))
}

/// The map of some prompts after few rounds, for prompts of another kind to be looked at through.
pub(super) fn rough_map(embeddings: Array2<f32>, surfaces: &[[f32; SURFACE]], cut: Cut, seed: u64) -> Result<FeatureMap> {
    Ok(map(embeddings, surfaces, cut, FEW_ROUNDS, seed)?.0)
}

/// A map that nothing is far from, and the centred embeddings.
fn map(embeddings: Array2<f32>, surfaces: &[[f32; SURFACE]], cut: Cut, rounds: usize, seed: u64) -> Result<(FeatureMap, Array2<f32>)> {
    let mean = embeddings.mean_axis(Axis(0)).unwrap_or_default();
    let centred = embeddings - &mean;
    let clusters = clusters(centred.view(), cut, rounds, seed);
    let scales = (0..SURFACE).map(|i| scale(surfaces.iter().map(|s| s[i]).collect())).collect();
    Ok((FeatureMap::new(mean.to_vec(), scales, clusters, -1.0)?, centred))
}

/// So many groups of prompts that are like each other: by prompt, its group.
pub(super) fn groups(embeddings: ArrayView2<f32>, count: usize, seed: u64) -> Vec<usize> {
    nearest(embeddings, &k_means(embeddings, count, FEW_ROUNDS, seed))
}

/// Median, and the distance between the tenths at both ends as a normal distribution has it, but no less than half the
/// standard deviation: flags that are rarely set keep a scale.
fn scale(mut values: Vec<f32>) -> Scale {
    values.sort_by(f32::total_cmp);
    let n = values.len();
    let at = |q: f64| values.get((q * n.saturating_sub(1) as f64).round() as usize).copied().unwrap_or(0.0);
    let column = Array1::from(values.clone());
    let deviation = column.std(0.0);
    let tenths = (at(0.9) - at(0.1)) / 2.56;
    let scale = if tenths > 0.0 { tenths.max(deviation / 2.0) } else { deviation };
    Scale { centre: at(0.5), scale: if scale > 1e-9 { scale } else { 1.0 } }
}

fn clusters(points: ArrayView2<f32>, cut: Cut, rounds: usize, seed: u64) -> Clusters {
    let per_set = cut.per_set(points.nrows());
    let sets: Vec<Array2<f32>> = (0..cut.sets).into_par_iter().map(|set| k_means(points, per_set, rounds, seed ^ (set << 32))).collect();
    let mut clusters = Clusters { per_set, values: vec![], scales: vec![] };
    for centroid in sets.iter().flat_map(|set| set.rows()) {
        let scale = centroid.iter().fold(f32::MIN_POSITIVE, |most, x| most.max(x.abs())) / LEVELS;
        clusters.scales.push(scale);
        clusters.values.extend(centroid.iter().map(|x| (x / scale).round() as i8));
    }
    clusters
}

/// Lloyd's algorithm from a k-means++ start (Arthur and Vassilvitskii 2007).
fn k_means(points: ArrayView2<f32>, k: usize, rounds: usize, seed: u64) -> Array2<f32> {
    let mut centroids = start(points, k, &mut Random::new(seed));
    for _ in 0..rounds {
        let mut sums = Array2::<f32>::zeros(centroids.dim());
        let mut counts = vec![0f32; k];
        for (point, nearest) in points.rows().into_iter().zip(nearest(points, &centroids)) {
            sums.row_mut(nearest).scaled_add(1.0, &point);
            counts[nearest] += 1.0;
        }
        for (j, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0.0) {
            centroids.row_mut(j).assign(&(&sums.row(j) / *count));
        }
    }
    centroids
}

fn start(points: ArrayView2<f32>, k: usize, random: &mut Random) -> Array2<f32> {
    let n = points.nrows();
    let mut chosen = vec![(random.unit() * n as f64) as usize];
    let mut distances = vec![f32::INFINITY; n];
    while chosen.len() < k {
        let last = points.row(chosen[chosen.len() - 1]);
        for (point, distance) in points.rows().into_iter().zip(&mut distances) {
            *distance = distance.min(point.iter().zip(last).map(|(a, b)| (a - b).powi(2)).sum());
        }
        let total: f64 = distances.iter().map(|d| f64::from(*d)).sum();
        let mut left = random.unit() * total;
        let drawn = distances.iter().position(|d| {
            left -= f64::from(*d);
            left <= 0.0
        });
        chosen.push(drawn.unwrap_or(n - 1));
    }
    points.select(Axis(0), &chosen)
}

/// By point, the nearest centroid.
fn nearest(points: ArrayView2<f32>, centroids: &Array2<f32>) -> Vec<usize> {
    let halves = centroids.map_axis(Axis(1), |c| c.dot(&c) / 2.0);
    let along = points.dot(&centroids.t()) - &halves;
    along.rows().into_iter().map(|row| (0..row.len()).fold(0, |best, j| if row[j] > row[best] { j } else { best })).collect()
}

/// For every prompt, its greatest cosine to a centroid of prompts of the other folds.
fn nearness_across_folds(centred: &Array2<f32>, folds: &[usize], cut: Cut, seed: u64) -> Vec<f32> {
    let mut nearness = vec![1.0; folds.len()];
    for fold in 0..=folds.iter().copied().max().unwrap_or(0) {
        let (held, kept): (Vec<usize>, Vec<usize>) = (0..folds.len()).partition(|&row| folds[row] == fold);
        let clusters = clusters(centred.select(Axis(0), &kept).view(), cut, FEW_ROUNDS, seed);
        let width = centred.ncols();
        let floats = clusters.values.iter().enumerate().map(|(i, v)| f32::from(*v) * clusters.scales[i / width]).collect();
        let Ok(mut centroids) = Array2::from_shape_vec((clusters.scales.len(), width), floats) else { continue };
        centroids.rows_mut().into_iter().for_each(|mut c| {
            let length = c.dot(&c).sqrt().max(f32::MIN_POSITIVE);
            c /= length;
        });
        for (row, along) in held.iter().zip(centred.select(Axis(0), &held).dot(&centroids.t()).rows()) {
            let length = centred.slice(s![*row, ..]).iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
            nearness[*row] = along.iter().fold(-1.0, |most: f32, a| most.max(a / length));
        }
    }
    nearness
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three heaps on the axes.
    fn heaps(n: usize) -> Array2<f32> {
        let mut random = Random::new(2);
        Array2::from_shape_fn((n, 3), |(i, j)| if i % 3 == j { 1.0 } else { 0.0 } + 0.05 * random.normal() as f32)
    }

    #[test]
    fn heaps_are_found() {
        let points = heaps(300);
        let centroids = k_means(points.view(), 3, 10, 1);
        let own: Vec<usize> = nearest(points.view(), &centroids);
        assert!((0..300).all(|i| own[i] == own[i % 3]) && own[0] != own[1] && own[1] != own[2] && own[0] != own[2]);
    }

    #[test]
    fn few_training_prompts_are_far_and_an_odd_one_is() {
        let points = heaps(900);
        let folds: Vec<usize> = (0..900).map(|i| i / 3 % 5).collect();
        let surfaces = vec![[0.0; SURFACE]; 900];
        let fitted = fit(points.clone(), &surfaces, &[false; 900], &folds, COARSE, 1).unwrap();
        let far = fitted.far().iter().filter(|far| **far).count();
        assert!((15..=27).contains(&far), "{far}");
        let odd = crate::embedder::Embedding::normalized(vec![-1.0, -1.0, -1.0]).unwrap();
        let odd = fitted.map.apply(&odd, &surfaces[0]).unwrap();
        assert!(fitted.map.is_far(&odd, false));
        assert!(fitted.map.is_only_english() && !fit(points, &surfaces, &[true; 900], &folds, COARSE, 1).unwrap().map.is_only_english());
    }
}
