//! Fewer dimensions. Where the router file's feature map knows clusters of prompts, the directions in which their
//! centroids differ most: what tells kinds of prompts apart is what outcomes differ by. They are found by subspace
//! iteration (Halko, Martinsson and Tropp 2011, arXiv 0909.4061, Algorithm 4.4) from a start of signs,
//!
//! ```text
//! Q ← orthonormal(CᵀC Q)     x = ½ Qᵀ(e - μ)
//! ```
//!
//! with C the centroids, e the embedding, μ the mean training embedding and the ½ by which the head reads embeddings, too.
//! A ridge is the same for every basis of one subspace, so the eigenvectors themselves are not needed. Where there are no
//! clusters, a fixed random sign for every pair of numbers (Achlioptas 2003): lengths and angles survive in expectation.
//!
//! Sums, products and roots of f64 in a fixed order: the same bits on every machine.

use crate::features::FeatureMap;
use crate::random::{STEP, mix};
use crate::symmetric::dot;

/// Rounds of the iteration: each turns the subspace by the squared ratio of the variances inside and outside of it.
const ROUNDS: usize = 3;
/// What is left of a direction, beside its length, where the centroids span no more directions.
const NOTHING: f64 = 1e-9;
/// As the feature map scales embeddings.
const SCALE: f64 = 0.5;

/// From an embedding to fewer numbers, or none at all.
#[derive(Clone, Debug)]
pub(super) struct Projection {
    inputs: usize,
    basis: Option<Basis>,
}

/// Directions, and where they start.
#[derive(Clone, Debug)]
struct Basis {
    centre: Vec<f64>,
    /// As wide as the embedding, with their scales.
    rows: Vec<Vec<f64>>,
    /// Names the directions; none for signs, which are the same everywhere.
    fingerprint: Option<u64>,
}

impl Projection {
    /// By signs.
    pub(super) fn by_signs(inputs: usize, outputs: Option<usize>) -> Self {
        let basis = outputs.filter(|&outputs| outputs < inputs).map(|outputs| {
            let scale = 1.0 / (outputs as f64).sqrt();
            let rows = signs(inputs, outputs).into_iter().map(|row| row.into_iter().map(|x| scale * x).collect()).collect();
            Basis { centre: vec![0.0; inputs], rows, fingerprint: None }
        });
        Self { inputs, basis }
    }

    /// By the directions of a feature map's centroids, if it has any.
    pub(super) fn along(self, map: &FeatureMap) -> Self {
        let centroids = centroids(map);
        let Some(Basis { rows, .. }) = self.basis.as_ref().filter(|_| !centroids.is_empty()) else { return self };
        let rows = principal(&centroids, signs(self.inputs, rows.len()));
        let centre: Vec<f64> = map.parts().0.iter().map(|&m| f64::from(m)).collect();
        let numbers = rows.iter().flatten().chain(&centre);
        let fingerprint = numbers.fold(STEP, |hash, x| mix(hash.wrapping_add(x.to_bits())));
        let scaled = |row: Vec<f64>| row.into_iter().map(|x| SCALE * x).collect();
        Self { basis: Some(Basis { centre, rows: rows.into_iter().map(scaled).collect(), fingerprint: Some(fingerprint) }), ..self }
    }

    /// How many numbers come out.
    pub(super) fn outputs(&self) -> usize {
        self.basis.as_ref().map_or(self.inputs, |basis| basis.rows.len())
    }

    /// Names the directions, where they are a feature map's own.
    pub(super) fn fingerprint(&self) -> Option<u64> {
        self.basis.as_ref()?.fingerprint
    }

    pub(super) fn apply(&self, embedding: &[f32]) -> Vec<f64> {
        let numbers = embedding.iter().map(|&x| f64::from(x));
        let Some(Basis { centre, rows, .. }) = &self.basis else { return numbers.collect() };
        let centred: Vec<f64> = numbers.zip(centre).map(|(x, m)| x - m).collect();
        rows.iter().map(|row| dot(row, &centred)).collect()
    }
}

/// Rows of random signs, the same everywhere.
fn signs(inputs: usize, outputs: usize) -> Vec<Vec<f64>> {
    let sign = |i: usize, j: usize| if mix(((i as u64) << 32 | j as u64).wrapping_mul(STEP)) & 1 == 1 { 1.0 } else { -1.0 };
    (0..outputs).map(|i| (0..inputs).map(|j| sign(i, j)).collect()).collect()
}

/// They are centred as the embeddings are.
fn centroids(map: &FeatureMap) -> Vec<Vec<f64>> {
    let (_, _, clusters, _) = map.parts();
    let rows = clusters.values.chunks_exact(map.inputs().max(1)).zip(&clusters.scales);
    rows.map(|(values, &scale)| values.iter().map(|&v| f64::from(scale) * f64::from(v)).collect()).collect()
}

/// As many orthonormal directions as there are rows, or zeros where the centroids do not span as many.
fn principal(centroids: &[Vec<f64>], mut rows: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    for _ in 0..ROUNDS {
        for row in &mut rows {
            let mut turned = vec![0.0; row.len()];
            for centroid in centroids {
                add(&mut turned, centroid, dot(centroid, row));
            }
            *row = turned;
        }
        orthonormalize(&mut rows);
    }
    rows
}

/// Gram and Schmidt, each row twice: once leaves rounding errors where rows are nearly parallel.
fn orthonormalize(rows: &mut [Vec<f64>]) {
    for i in 0..rows.len() {
        let (before, rest) = rows.split_at_mut(i);
        let row = &mut rest[0];
        let length = dot(row, row).sqrt();
        for _ in 0..2 {
            for other in before.iter() {
                let along = dot(other, row);
                add(row, other, -along);
            }
        }
        let left = dot(row, row).sqrt();
        let scale = if left > NOTHING * length { 1.0 / left } else { 0.0 };
        row.iter_mut().for_each(|x| *x *= scale);
    }
}

fn add(to: &mut [f64], other: &[f64], factor: f64) {
    to.iter_mut().zip(other).for_each(|(x, o)| *x += factor * o);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::Clusters;
    use crate::random::Random;

    /// Sixty centroids in eight dimensions that differ in the third and the sixth above all.
    fn map(seed: u64) -> FeatureMap {
        let mut random = Random::new(seed);
        let reach = |j: usize| if j == 2 || j == 5 { 60.0 } else { 4.0 };
        let values = (0..60 * 8).map(|i| (random.normal() * reach(i % 8)).clamp(-127.0, 127.0) as i8).collect();
        FeatureMap::new(vec![0.25; 8], vec![], Clusters { per_set: 60, values, scales: vec![0.01; 60] }, -1.0).unwrap()
    }

    #[test]
    fn directions_are_those_in_which_centroids_differ() {
        let projection = Projection::by_signs(8, Some(2)).along(&map(1));
        let length = |x: &[f64]| dot(x, x).sqrt();
        let axis = |j: usize| (0..8).map(|i| if i == j { 1.25 } else { 0.25 }).collect::<Vec<f32>>();
        for j in 0..8 {
            let seen = length(&projection.apply(&axis(j)));
            assert!(if j == 2 || j == 5 { (0.49..=0.5).contains(&seen) } else { seen < 0.1 }, "axis {j}: {seen}");
        }
        assert!(length(&projection.apply(&[0.25; 8])) < 1e-12, "the mean is the origin");
    }

    #[test]
    fn they_are_orthonormal_and_zero_where_nothing_is_left() {
        let rows = principal(&centroids(&map(1)), signs(8, 5));
        for (i, a) in rows.iter().enumerate() {
            for (j, b) in rows.iter().enumerate() {
                assert!((dot(a, b) - if i == j { 1.0 } else { 0.0 }).abs() < 1e-12);
            }
        }
        let flat = [vec![3.0, 0.0, 0.0], vec![-3.0, 0.0, 0.0]];
        let lengths: Vec<f64> = principal(&flat, signs(3, 2)).iter().map(|row| dot(row, row)).collect();
        assert_eq!(lengths, [1.0, 0.0]);
    }

    #[test]
    fn the_same_map_gives_the_same_bits_and_another_map_another_name() {
        let of = |seed| Projection::by_signs(8, Some(3)).along(&map(seed));
        let x: Vec<f32> = (0..8).map(|i| i as f32 / 8.0).collect();
        assert_eq!(of(1).apply(&x), of(1).apply(&x));
        assert_eq!(of(1).fingerprint(), Some(GOLDEN));
        assert_ne!(of(1).fingerprint(), of(2).fingerprint());
        assert_eq!(Projection::by_signs(8, None).along(&map(1)).fingerprint(), None);
    }

    /// On every machine: computed apart from this code, in Python's floats.
    const GOLDEN: u64 = 0x08ac_483b_eef7_d206;

    #[test]
    fn without_clusters_lengths_survive_roughly_and_full_width_exactly() {
        let x: Vec<f32> = (0..384).map(|i| ((i * 37 % 101) as f32 - 50.0) / 500.0).collect();
        let length = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>();
        let whole = Projection::by_signs(384, None).apply(&x);
        assert!(whole.iter().zip(&x).all(|(a, &b)| *a == f64::from(b)));
        let ratio = length(&Projection::by_signs(384, Some(64)).along(&FeatureMap::plain(384)).apply(&x)) / length(&whole);
        assert!((0.6..1.4).contains(&ratio), "{ratio}");
        assert_eq!(Projection::by_signs(384, Some(500)).outputs(), 384);
    }
}
