//! Promise: the whole encoder gives on a GPU what it gives on the CPU, packed or alone.

use pointsman::embedder::{Embedder, EmbedderFile, GraphEmbedder};
use pointsman::tokenizer::Tokens;
use pointsman_gpu::{Encoder, adapter};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// SplitMix64: the same numbers on every machine.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn texts(lengths: &[usize], vocabulary: u64) -> Vec<Tokens> {
    let mut state = 7;
    let ids = |length: usize, state: &mut u64| (0..length).map(|_| (random(state) % vocabulary) as u32).collect::<Vec<u32>>();
    lengths.iter().map(|length| Tokens { ids: ids(*length, &mut state), total: *length, ..Tokens::default() }).collect()
}

fn report(name: &str, gpu: &[f32], cpu: &[f32], width: usize) -> (f64, f64) {
    let equal = gpu.iter().zip(cpu).filter(|(a, b)| a.to_bits() == b.to_bits()).count();
    let dot = |(a, b): (&[f32], &[f32])| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let cosines: Vec<f64> = gpu.chunks(width).zip(cpu.chunks(width)).map(dot).collect();
    let (mean, worst) = (cosines.iter().sum::<f64>() / cosines.len() as f64, cosines.iter().copied().fold(1.0, f64::min));
    println!("{name}: {equal} of {} values equal bit for bit, cosine mean {mean:.6} worst {worst:.6}", cpu.len());
    (mean, worst)
}

async fn compare(name: &str, file: &Path, lengths: &[usize]) -> Option<(f64, f64)> {
    let adapter = adapter().await.ok()?;
    println!("adapter: {:?}", adapter.get_info());
    let embedder = GraphEmbedder::new(EmbedderFile::parse(std::fs::read(file).unwrap()).unwrap()).unwrap();
    let batch = texts(lengths, 100);
    let encoder = Encoder::new(&adapter, &embedder.encoder_plan().unwrap()).await.unwrap();
    println!("{} dispatches", encoder.dispatches());
    let lengths: Vec<u32> = lengths.iter().map(|length| *length as u32).collect();
    let begun = std::time::Instant::now();
    let gpu = encoder.run(&embedder.lookup(&batch).unwrap(), &lengths).await.unwrap();
    println!("{:?}", begun.elapsed());
    let cpu: Vec<f32> = embedder.embed_batch(&batch).unwrap().iter().flat_map(|e| e.as_slice().to_vec()).collect();
    Some(report(name, &gpu, &cpu, embedder.width()))
}

#[test]
fn tiny() {
    let Some((mean, worst)) = pollster::block_on(compare("tiny", &root().join("tests/data/tiny.onnx"), &[1, 2, 7, 8, 9, 31, 48, 5])) else {
        return;
    };
    assert!(mean > 0.9995 && worst > 0.998);
}

#[test]
fn minilm() {
    let file = root().join("models/minilm-l6-v2.onnx");
    let Some((mean, worst)) = pollster::block_on(compare("minilm", &file, &[1, 16, 5, 70])) else { return };
    assert!(mean > 0.9995 && worst > 0.998);
}
