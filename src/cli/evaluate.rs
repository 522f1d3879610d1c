//! `pointsman evaluate`

use super::train::DataArgs;
use super::{DEFAULT_ROUTER, read, write};
use clap::ValueEnum;
use pointsman::artifact::RouterFile;
use pointsman::error::Error;
use pointsman::evaluate::{Report, Strategy, evaluate};
use pointsman::policy::Policy;
use pointsman::train::Split;
use std::path::PathBuf;

/// Replay logged outcomes: what routing would have scored and cost, beside what needs no router.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    data: DataArgs,
    #[arg(long, default_value = DEFAULT_ROUTER)]
    router: PathBuf,
    /// Rows to replay. Rows that were trained on flatter the router.
    #[arg(long, value_enum, default_value_t = Side::Test)]
    split: Side,
    /// MetaLLM's p. Without it: the router file's default dial.
    #[arg(long)]
    cost_weight: Option<f64>,
    /// Seed of the bootstrap intervals.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Write every number to this file as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Side {
    Test,
    Train,
    All,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let policy = Policy { cost_weight: args.cost_weight, ..Policy::default() };
    policy.check()?;
    let file = RouterFile::parse(&read(&args.router)?)?;
    let data = args.data.load()?;
    if data.fingerprint != file.provenance.embedder {
        let (expected, found) = (file.provenance.embedder, data.fingerprint);
        return Err(Error::Mismatch { part: "embedder".into(), expected, found }.into());
    }
    let wanted = |split: Split| match args.split {
        Side::Test => split == Split::Test,
        Side::Train => split == Split::Train,
        Side::All => true,
    };
    let rows: Vec<usize> = (0..data.log.rows.len()).filter(|&r| wanted(data.log.rows[r].split)).collect();
    let lambda = file.dials.exchange_rate(&policy)?;
    let report = evaluate(&file, &data.log, &data.features, &rows, lambda, args.seed)?;
    if let Some(path) = &args.json {
        write(path, &serde_json::to_vec_pretty(&report)?)?;
    }
    print(&report);
    Ok(())
}

fn print(report: &Report) {
    println!("{} rows; costs in US dollars per 1,000 calls\n", report.rows);
    let named = |label: &str, s: &Strategy| println!("  {label:46} {:7.2}% {:10.4}", s.score * 100.0, s.usd * 1e3);
    named("router", &report.router);
    named(&format!("best single ({})", report.best_single.name), &report.best_single);
    named(&format!("cheapest single ({})", report.cheapest.name), &report.cheapest);
    named("random candidate", &report.random);
    named("zero router: best mix at the router's cost", &report.zero);
    named("oracle", &report.oracle);
    let (change, saved) = (&report.score_change, &report.cost_saved);
    println!(
        "\n  score change  {:+.2} points, 95% interval {:+.2} to {:+.2}",
        change.value * 100.0,
        change.low * 100.0,
        change.high * 100.0
    );
    println!("  cost saved    {:.1}%, 95% interval {:.1}% to {:.1}%", saved.value * 100.0, saved.low * 100.0, saved.high * 100.0);
    let aiq = &report.aiq;
    println!("  AIQ x 100     {:.2}; zero router {:.2}, oracle {:.2}", aiq.router * 100.0, aiq.zero * 100.0, aiq.oracle * 100.0);
    if change.high < 0.0 {
        println!("\nrouting loses here: its score is below the best single candidate's beyond chance");
    }
    if report.router.score < report.zero.score {
        println!("\nrouting loses here: a blind mix of single candidates scores more at the same cost");
    }
    println!("\ncandidates");
    report.candidates.iter().for_each(|s| named(&s.name, s));
}
