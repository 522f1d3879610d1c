//! Fewer dimensions, without data: a fixed random sign for every pair of numbers (Achlioptas 2003). Lengths and angles
//! survive in expectation, and two states of equal dimensions are always of one projection.

use crate::random::{STEP, mix};

/// From an embedding to fewer numbers, or none at all.
#[derive(Clone, Debug)]
pub(super) struct Projection {
    inputs: usize,
    outputs: Option<usize>,
}

impl Projection {
    pub(super) fn new(inputs: usize, outputs: Option<usize>) -> Self {
        Self { inputs, outputs: outputs.filter(|&outputs| outputs < inputs) }
    }

    /// How many numbers come out.
    pub(super) fn outputs(&self) -> usize {
        self.outputs.unwrap_or(self.inputs)
    }

    pub(super) fn apply(&self, embedding: &[f32]) -> Vec<f64> {
        let Some(outputs) = self.outputs else { return embedding.iter().map(|&x| f64::from(x)).collect() };
        let scale = 1.0 / (outputs as f64).sqrt();
        let row = |i: usize| {
            let signed = |(j, &x): (usize, &f32)| if sign(i, j) { f64::from(x) } else { -f64::from(x) };
            scale * embedding.iter().enumerate().map(signed).sum::<f64>()
        };
        (0..outputs).map(row).collect()
    }
}

/// A coin for the pair (i, j), the same everywhere.
fn sign(i: usize, j: usize) -> bool {
    mix(((i as u64) << 32 | j as u64).wrapping_mul(STEP)) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_survive_roughly_and_full_width_exactly() {
        let x: Vec<f32> = (0..384).map(|i| ((i * 37 % 101) as f32 - 50.0) / 500.0).collect();
        let length = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>();
        let whole = Projection::new(384, None).apply(&x);
        assert!(whole.iter().zip(&x).all(|(a, &b)| *a == f64::from(b)));
        let ratio = length(&Projection::new(384, Some(64)).apply(&x)) / length(&whole);
        assert!((0.6..1.4).contains(&ratio), "{ratio}");
        assert_eq!(Projection::new(384, Some(500)).outputs(), 384);
    }
}
