//! What the tests share: a generator, a writer of plans, and the ops as plain code.
#![allow(dead_code)] // each test file uses its own part

pub mod reference;

/// SplitMix64: the same numbers on every machine.
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// Uniform in -1..1.
    pub fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    pub fn units(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.unit()).collect()
    }
}

/// A plan of one op of rows of `width`, whose result is pooled.
pub fn plan(width: usize, op: &[u32], out: usize, cls: bool) -> Vec<u8> {
    let count = if op.is_empty() { 1 } else { 2 };
    let head = [u32::from_le_bytes(*b"PMGP"), 1, width as u32, count];
    let pool = [4, 1, count - 1, out as u32, cls.into()];
    head.iter().chain(op).chain(&pool).flat_map(|word| word.to_le_bytes()).collect()
}

pub fn bits(values: &[f32]) -> impl Iterator<Item = u32> + '_ {
    values.iter().map(|value| value.to_bits())
}

/// The mean and the worst cosine of unit vectors, and how many of their numbers differ in any bit.
pub fn compared(gpu: &[f32], cpu: &[f32], width: usize) -> (f64, f64, usize) {
    assert_eq!(gpu.len(), cpu.len());
    let differing = gpu.iter().zip(cpu).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
    let dot = |(a, b): (&[f32], &[f32])| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let cosines: Vec<f64> = gpu.chunks(width).zip(cpu.chunks(width)).map(dot).collect();
    (cosines.iter().sum::<f64>() / cosines.len() as f64, cosines.iter().copied().fold(1.0, f64::min), differing)
}

/// What to run on; where there is nothing, it says so, and where all must be there, it fails.
pub fn found() -> Option<wgpu::Adapter> {
    match pollster::block_on(pointsman_gpu::adapter()) {
        Ok(adapter) => Some(adapter),
        Err(error) => {
            assert!(std::env::var_os("POINTSMAN_COMPLETE").is_none(), "{error}");
            eprintln!("SKIPPED: {error}");
            None
        }
    }
}
