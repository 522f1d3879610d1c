//! The road's stages, natively: `cargo bench`. Needs models/minilm-l6-v2.onnx (scripts/setup.sh embedder).

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use pointsman::embedder::{Embedder, EmbedderFile};
use pointsman::policy::Policy;
use pointsman::prompt::Prompt;
use pointsman::router::{Router, load_embedder};
use pointsman::tokenizer::Tokens;

fn read(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/models/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn road(c: &mut Criterion) {
    let (router, file) = (read("default.router"), read("minilm-l6-v2.onnx"));
    let (tokenizer, embedder) = load_embedder(EmbedderFile::parse(file.as_slice()).unwrap()).unwrap();
    let text = "Explain the proof of Fermat's little theorem step by step. ".repeat(20);

    let mut group = c.benchmark_group("tokenizer");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("encode", |b| b.iter(|| tokenizer.encode(&text)));
    group.finish();

    let mut group = c.benchmark_group("embed");
    for length in [8, 16, 32, 128] {
        let mut ids = tokenizer.encode(&text).ids;
        ids.truncate(length);
        let tokens = Tokens { total: length, ids, ..Tokens::default() };
        group.bench_with_input(BenchmarkId::new("tokens", length), &tokens, |b, tokens| b.iter(|| embedder.embed(tokens).unwrap()));
    }
    group.finish();

    let router = Router::load(&router, &file, 0).unwrap();
    let prompt = Prompt::from("What is the capital of France, and why?");
    c.bench_function("route", |b| b.iter(|| router.route(&prompt, &Policy::default()).unwrap()));
    c.bench_function("load", |b| b.iter(|| EmbedderFile::parse(file.as_slice()).unwrap()));
}

criterion_group! { name = benches; config = Criterion::default().sample_size(20); targets = road }
criterion_main!(benches);
