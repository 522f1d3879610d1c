//! `pointsman inspect`

use super::{DEFAULT_ROUTER, print_json, read};
use pointsman::artifact::RouterFile;
use pointsman::policy::{Aim, Knot, MinQuality, Policy};
use std::path::PathBuf;

/// Show what a router file holds.
#[derive(clap::Args)]
pub struct Args {
    /// The router file.
    #[arg(default_value = DEFAULT_ROUTER)]
    file: PathBuf,
    /// Also tell the cost weight at which a call costs so much on average, in US dollars: by predictions of the training rows
    /// that were made out of fold.
    #[arg(long)]
    budget_usd: Option<f64>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let bytes = read(&args.file)?;
    let file = RouterFile::parse(&bytes)?;
    let affordable = args.budget_usd.map(|usd| file.dials.within(usd)).transpose()?;
    let weight_of = |knot: &Knot| knot.lambda * file.dials.cost_scale;
    if args.json {
        return print_json(&serde_json::json!({
            "bytes": bytes.len(),
            "width": file.head.width(),
            "link": format!("{:?}", file.head.link()).to_lowercase(),
            "candidates": file.catalog.candidates(),
            "dials": file.dials,
            "provenance": file.provenance,
            "budget": affordable.map(|knot| serde_json::json!({ "costWeight": weight_of(&knot), "quality": knot.quality, "usd": knot.usd })),
        }));
    }
    let about = &file.provenance;
    say!("{} bytes, {:?} head over {} features", bytes.len(), file.head.link(), file.head.width());
    say!("trained {} by pointsman {} with seed {}, for embedder {}", about.date, about.version, about.seed, about.embedder);
    for source in &about.data {
        say!("  {:7} rows of {}", source.rows, source.name);
    }
    say!("\ncandidates (US dollars per million tokens in / out, expected answer tokens)");
    for candidate in file.catalog.candidates() {
        let (price_in, price_out) = (candidate.usd_per_mtok_in, candidate.usd_per_mtok_out);
        say!("  {:32} {price_in:8.3} {price_out:8.3} {:7.0}", candidate.id, candidate.expected_output_tokens);
    }
    let (best, routed) = (&about.best_single, &about.routed);
    say!("\nbest single candidate: {} with {:.4} at ${:.3} per 1,000 calls", best.id, best.quality, best.usd * 1e3);
    say!("routed at the default dial, out of fold: {:.4} at ${:.3} per 1,000 calls", routed.quality, routed.usd * 1e3);
    dials(&file)?;
    guarantee(&file)?;
    say!("default: costWeight {:.4}", file.dials.default_lambda * file.dials.cost_scale);
    if let Some(knot) = affordable {
        let usd = knot.usd * 1e3;
        say!("for ${usd:.4} per 1,000 calls: costWeight {:.4}, which scored {:.4} on training rows", weight_of(&knot), knot.quality);
    }
    Ok(())
}

/// Every sixth of the table, and the default.
fn dials(file: &RouterFile) -> anyhow::Result<()> {
    if file.dials.knots.is_empty() {
        say!("no dial table: what this line-up brings at any exchange rate was never measured");
        return Ok(());
    }
    say!("dials, on out-of-fold predictions of the training rows");
    for (i, knot) in file.dials.knots.iter().enumerate() {
        let is_default = knot.lambda == file.dials.default_lambda;
        if is_default || i % 6 == 0 {
            let (mark, weight) = (if is_default { '>' } else { ' ' }, knot.lambda * file.dials.cost_scale);
            say!("{mark} costWeight {weight:9.4}  quality {:.4}  ${:8.4} per 1,000 calls", knot.quality, knot.usd * 1e3);
        }
    }
    Ok(())
}

fn guarantee(file: &RouterFile) -> anyhow::Result<()> {
    let Some(proven) = &file.dials.guarantee else {
        let placed = file.dials.knots.is_empty();
        let why = if placed { "what was proven was proven of another line-up" } else { "nothing was kept from training to prove one on" };
        say!("no guarantee: {why}");
        return Ok(());
    };
    let (confidence, points) = (100.0 * (1.0 - proven.delta), 100.0 * proven.epsilon);
    say!("guarantee for minQuality 'best', with {confidence}% confidence, proven on {} rows:", proven.rows);
    say!("  at most {points} points below the best single candidate (epsilon {}, delta {})", proven.epsilon, proven.delta);
    match file.dials.aim(&Policy { min_quality: Some(MinQuality::BEST), ..Policy::default() })? {
        Aim::Weight(lambda) | Aim::Keep(lambda) => say!("  kept by routing at costWeight {:.4}", lambda * file.dials.cost_scale),
        Aim::Strongest => say!("  kept by the best single candidate alone: routing is not proven to"),
    }
    Ok(())
}
