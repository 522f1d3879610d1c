//! What this machine's GPU does beside its CPU: embeddings and decisions over a file of prompts, then texts per second.
//!
//! cargo run --release --package pointsman-gpu --example measure -- EMBEDDER ROUTER PROMPTS.jsonl [speed]

use pointsman::embedder::{Embedder, EmbedderFile};
use pointsman::policy::Policy;
use pointsman::prompt::Prompt;
use pointsman::router::Router;
use pointsman_gpu::{Encoder, adapter};
use std::error::Error;
use std::time::Instant;

/// Multiplications of the linear layers for one token of MiniLM-L6.
const PRODUCTS: f64 = 6.0 * (384.0 * 1152.0 + 384.0 * 384.0 + 2.0 * 384.0 * 1536.0);

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [embedder, router, prompts, rest @ ..] = &args[..] else { return Err("give EMBEDDER ROUTER PROMPTS.jsonl [speed]".into()) };
    let (embedder, router_file) = (std::fs::read(embedder)?, std::fs::read(router)?);
    let router = Router::load(&router_file, &embedder, 1)?;
    let adapter = pollster::block_on(adapter())?;
    let gpu = pollster::block_on(Encoder::new(&adapter, &router.encoder_plan()?))?;
    println!("{} ({}), {} dispatches a chunk", adapter.get_info().name, adapter.get_info().driver, gpu.dispatches());
    let lines = std::fs::read_to_string(prompts)?;
    let prompts = lines.lines().map(serde_json::from_str).collect::<Result<Vec<Prompt>, _>>()?;
    parity(&router, &gpu, &prompts)?;
    if rest.first().is_some_and(|word| word == "speed") {
        speed(&pointsman::router::load_embedder(EmbedderFile::parse(embedder)?)?.1, &gpu)?;
    }
    Ok(())
}

fn parity(router: &Router, gpu: &Encoder, prompts: &[Prompt]) -> Result<(), Box<dyn Error>> {
    let (mut cosines, mut differing, mut same, mut longest) = (vec![], 0, 0, 0);
    for prompts in prompts.chunks(8) {
        let rows = router.lookup(prompts)?;
        longest = longest.max(rows.lengths.iter().copied().max().unwrap_or(0));
        let vectors = pollster::block_on(gpu.run(&rows.values, &rows.lengths))?;
        for ((prompt, theirs), ours) in prompts.iter().zip(vectors.chunks(router.width())).zip(router.embed(prompts)?) {
            cosines.push(theirs.iter().zip(ours.as_slice()).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>());
            differing += theirs.iter().zip(ours.as_slice()).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
            let policy = Policy::default();
            same += usize::from(router.route_embedded(prompt, &policy, theirs.to_vec())?.model == router.route(prompt, &policy)?.model);
        }
    }
    let (mean, worst) = (cosines.iter().sum::<f64>() / cosines.len() as f64, cosines.iter().copied().fold(1.0, f64::min));
    println!("{} prompts of up to {longest} tokens: cosine mean {mean:.7}, worst {worst:.7}", cosines.len());
    println!("{differing} of {} values differ in any bit; {same} decisions are the same", cosines.len() * router.width());
    Ok(())
}

fn speed(cpu: &impl Embedder, gpu: &Encoder) -> Result<(), Box<dyn Error>> {
    for (texts, tokens) in [(1, 16), (1, 128), (32, 16), (32, 64), (256, 64), (256, 256)] {
        let text = pointsman::tokenizer::Tokens { ids: (0..tokens).map(|i| 1000 + i % 997).collect(), ..Default::default() };
        let batch = vec![text; texts];
        let (rows, lengths) = (cpu.lookup(&batch)?, vec![tokens; texts]);
        let on_gpu = best(|| pollster::block_on(gpu.run(&rows, &lengths)).map(|_| ()).map_err(Into::into))?;
        let on_cpu = best(|| cpu.embed_batch(&batch).map(|_| ()).map_err(Into::into))?;
        let rate = |seconds: f64| texts as f64 / seconds;
        let products = PRODUCTS * texts as f64 * f64::from(tokens) / on_gpu / 1e12;
        println!(
            "{texts:3} x {tokens:3} tokens: GPU {:.2} ms, {:.0} texts/s, {products:.2} T products/s; CPU {:.2} ms, {:.0} texts/s; {:.1} times",
            on_gpu * 1e3,
            rate(on_gpu),
            on_cpu * 1e3,
            rate(on_cpu),
            on_cpu / on_gpu
        );
    }
    Ok(())
}

/// Seconds of the best of a few runs.
fn best(mut run: impl FnMut() -> Result<(), Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
    let mut best = f64::INFINITY;
    for _ in 0..4 {
        let begun = Instant::now();
        run()?;
        best = best.min(begun.elapsed().as_secs_f64());
    }
    Ok(best)
}
