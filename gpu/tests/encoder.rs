//! Promise: the whole encoder gives on a GPU what it gives on the CPU, packed or alone, in as many chunks as a device wants;
//! what is too much for it is refused, and a device that is gone says so.

mod support;

use pointsman::embedder::{Embedder, EmbedderFile, GraphEmbedder};
use pointsman::tokenizer::Tokens;
use pointsman_gpu::{Call, Encoder, Result};
use std::path::{Path, PathBuf};
use support::{Rng, compared, found};
use wgpu::{Adapter, DeviceType, Limits};

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn load(path: &str) -> Option<GraphEmbedder> {
    let Ok(bytes) = std::fs::read(file(path)) else {
        assert!(std::env::var_os("POINTSMAN_COMPLETE").is_none(), "missing: {path}");
        eprintln!("SKIPPED: {path} is absent (run scripts/setup.sh embedder)");
        return None;
    };
    Some(GraphEmbedder::new(EmbedderFile::parse(bytes).unwrap()).unwrap())
}

fn texts(lengths: &[u32]) -> Vec<Tokens> {
    let mut rng = Rng(7);
    let ids = |length: u32, rng: &mut Rng| (0..length).map(|_| rng.below(100) as u32).collect::<Vec<u32>>();
    lengths.iter().map(|length| Tokens { ids: ids(*length, &mut rng), ..Tokens::default() }).collect()
}

fn on_gpu(adapter: &Adapter, embedder: &GraphEmbedder, limits: Limits, lengths: &[u32]) -> Result<Vec<f32>> {
    pollster::block_on(async {
        let encoder = Encoder::with_limits(adapter, &embedder.encoder_plan().unwrap(), limits).await?;
        encoder.run(&embedder.lookup(&texts(lengths)).unwrap(), lengths).await
    })
}

fn check(what: &str, adapter: &Adapter, embedder: &GraphEmbedder, limits: Limits, lengths: &[u32]) {
    let gpu = on_gpu(adapter, embedder, limits, lengths).unwrap();
    let cpu: Vec<f32> = texts(lengths).iter().flat_map(|text| embedder.embed(text).unwrap().as_slice().to_vec()).collect();
    check_same(what, adapter, [&gpu, &cpu], embedder.width());
}

/// To the last bit on an adapter in software; elsewhere nearly.
fn check_same(what: &str, adapter: &Adapter, [found, expected]: [&[f32]; 2], width: usize) {
    let (mean, worst, differing) = compared(found, expected, width);
    println!("{what}: {differing} of {} values differ, cosine mean {mean:.7} worst {worst:.7}", expected.len());
    assert!(mean >= 0.9995 && worst >= 0.998, "{what}: {mean} {worst}");
    if adapter.get_info().device_type == DeviceType::Cpu {
        assert_eq!(differing, 0, "{what}");
    }
}

#[test]
fn texts_of_many_lengths_packed() {
    let (Some(adapter), Some(tiny)) = (found(), load("tests/data/tiny.onnx")) else { return };
    check("tiny", &adapter, &tiny, Limits::default(), &[1, 2, 7, 8, 9, 31, 48, 5, 48, 48]);
}

#[test]
fn what_is_added_bit_by_bit_is_read_at_once() {
    let (Some(adapter), Some(tiny)) = (found(), load("tests/data/tiny.onnx")) else { return };
    let lengths = [20, 3, 48, 48, 1, 9];
    let rows = tiny.lookup(&texts(&lengths)).unwrap();
    let at_once = on_gpu(&adapter, &tiny, Limits::default(), &lengths).unwrap();
    let bit_by_bit = pollster::block_on(async {
        let encoder = Encoder::new(&adapter, &tiny.encoder_plan().unwrap()).await.unwrap();
        let (mut call, mut rest) = (Call::default(), &rows[..]);
        for lengths in [&lengths[..1], &lengths[1..4], &[], &lengths[4..]] {
            let (now, later) = rest.split_at(32 * lengths.iter().sum::<u32>() as usize);
            encoder.add(&mut call, now, lengths).await.unwrap();
            rest = later;
        }
        encoder.read(call).await.unwrap()
    });
    check_same("bit by bit", &adapter, [&bit_by_bit, &at_once], tiny.width());
}

#[test]
fn who_is_far_ahead_waits_and_loses_nothing() {
    let (Some(adapter), Some(tiny)) = (found(), load("tests/data/tiny.onnx")) else { return };
    // 6 times 12,000 rows: more than may be under way.
    let (lengths, times) = ([48; 250], 6);
    let rows = tiny.lookup(&texts(&lengths)).unwrap();
    let (once, all) = pollster::block_on(async {
        let encoder = Encoder::new(&adapter, &tiny.encoder_plan().unwrap()).await.unwrap();
        let mut call = Call::default();
        for _ in 0..times {
            encoder.add(&mut call, &rows, &lengths).await.unwrap();
        }
        (encoder.run(&rows, &lengths).await.unwrap(), encoder.read(call).await.unwrap())
    });
    check_same("far ahead", &adapter, [&all, &once.repeat(times)], tiny.width());
}

#[test]
fn chunks_that_a_small_device_needs() {
    let (Some(adapter), Some(tiny)) = (found(), load("tests/data/tiny.onnx")) else { return };
    // 64 rows of 96 numbers a chunk.
    let limits = Limits { max_storage_buffer_binding_size: 64 * 96 * 4, ..Limits::default() };
    check("chunks", &adapter, &tiny, limits, &[40, 30, 20, 48, 1, 48, 16, 48]);
}

#[test]
fn minilm() {
    let (Some(adapter), Some(minilm)) = (found(), load("models/minilm-l6-v2.onnx")) else { return };
    check("MiniLM-L6", &adapter, &minilm, Limits::default(), &[1, 16, 5, 40]);
}

#[test]
fn too_much_is_refused() {
    let (Some(adapter), Some(tiny)) = (found(), load("tests/data/tiny.onnx")) else { return };
    let limits = |bytes| Limits { max_storage_buffer_binding_size: bytes, ..Limits::default() };
    assert_eq!(on_gpu(&adapter, &tiny, limits(256), &[4]).unwrap_err().code(), "TOO_LARGE");
    assert_eq!(on_gpu(&adapter, &tiny, limits(32 * 96 * 4), &[48]).unwrap_err().code(), "TOO_LARGE");
}

#[test]
fn a_call_that_does_not_add_up_is_refused_and_one_without_device_fails() {
    let (Some(adapter), Some(tiny)) = (found(), load("tests/data/tiny.onnx")) else { return };
    pollster::block_on(async {
        let encoder = Encoder::new(&adapter, &tiny.encoder_plan().unwrap()).await.unwrap();
        for (rows, lengths) in [(31, &[1][..]), (64, &[1]), (32, &[1, 0]), (32, &[u32::MAX])] {
            assert_eq!(encoder.run(&vec![0.5; rows], lengths).await.unwrap_err().code(), "BAD_INPUT");
        }
        assert_eq!(encoder.run(&[], &[]).await.unwrap(), [0.0; 0]);
        encoder.destroy();
        assert_eq!(encoder.run(&[0.5; 32], &[1]).await.unwrap_err().code(), "DEVICE");
    });
}
