//! `pointsman route`

use super::{RouterArgs, prompts};
use anyhow::Context;
use pointsman::policy::{MinQuality, Policy};
use pointsman::prompt::Prompt;
use pointsman::router::Decision;
use std::path::PathBuf;
use std::time::Instant;

/// Decide where a prompt goes.
#[derive(clap::Args)]
pub struct Args {
    /// The prompt. Without it, every line of standard input that is not blank is one.
    #[arg(conflicts_with = "jsonl")]
    prompt: Option<String>,
    /// A file of prompts, one a line: a JSON string, or a JSON list of chat messages. `-` reads standard input.
    #[arg(long)]
    jsonl: Option<PathBuf>,
    #[command(flatten)]
    files: RouterArgs,
    #[command(flatten)]
    policy: PolicyArgs,
    /// Print one JSON decision a line.
    #[arg(long)]
    json: bool,
    /// Makes decision ids reproducible.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// The dials. Without one, the router file's default keeps the best single candidate's quality at the least cost.
#[derive(clap::Args)]
pub struct PolicyArgs {
    /// MetaLLM's p: the weight of cost, where the dearest candidate costs 1 on average.
    #[arg(long, group = "dial")]
    cost_weight: Option<f64>,
    /// Least mean quality over many prompts: a number from 0 to 1, or `best` for the best single candidate's, as the router
    /// file guarantees it.
    #[arg(long, group = "dial", value_parser = parse_floor)]
    min_quality: Option<MinQuality>,
    #[command(flatten)]
    limits: LimitArgs,
}

/// What holds for every prompt, whatever the dial.
#[derive(clap::Args)]
pub struct LimitArgs {
    /// Most that a call may cost, in US dollars.
    #[arg(long)]
    max_usd: Option<f64>,
    /// Spreads to subtract from each quality.
    #[arg(long)]
    caution: Option<f64>,
    /// Only these candidates (comma-separated).
    #[arg(long, value_delimiter = ',')]
    allow: Option<Vec<String>>,
    /// Abilities the candidate must have (comma-separated).
    #[arg(long, value_delimiter = ',')]
    needs: Vec<String>,
    /// Length of the answer in tokens, where it is known.
    #[arg(long)]
    expected_output_tokens: Option<f64>,
}

impl PolicyArgs {
    fn policy(&self) -> Policy {
        Policy { cost_weight: self.cost_weight, min_quality: self.min_quality, ..self.limits.policy() }
    }
}

impl LimitArgs {
    pub fn policy(&self) -> Policy {
        Policy {
            max_usd: self.max_usd,
            caution: self.caution,
            allow: self.allow.clone(),
            needs: self.needs.clone(),
            expected_output_tokens: self.expected_output_tokens,
            ..Policy::default()
        }
    }
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let policy = args.policy.policy();
    policy.check()?;
    if let Some(text) = &args.prompt {
        Prompt::from(text.as_str()).text()?;
    }
    let router = args.files.load(args.seed)?;
    let route = |prompt: &Prompt| {
        let start = Instant::now();
        let decision = router.route(prompt, &policy)?;
        print(&decision, start.elapsed().as_secs_f64() * 1e3, args.json)
    };
    if let Some(text) = &args.prompt {
        return route(&Prompt::from(text.as_str()));
    }
    for numbered in prompts::each(args.jsonl.as_deref())? {
        let (line, prompt) = numbered?;
        route(&prompt).with_context(|| format!("line {line}"))?;
    }
    Ok(())
}

fn print(decision: &Decision, ms: f64, json: bool) -> anyhow::Result<()> {
    if json {
        let mut line = serde_json::to_value(decision)?;
        line["ms"] = ms.into();
        say!("{line}");
        return Ok(());
    }
    say!("{}  (${:.6} expected, {:?}, {ms:.1} ms)", decision.model, decision.usd, decision.reason);
    for score in &decision.scores {
        let mark = if score.model == decision.model { '>' } else { ' ' };
        let barred = score.ineligible.map_or(String::new(), |why| format!("  not eligible: {why:?}"));
        say!("{mark} {:32} quality {:.3} ± {:.3}  ${:.6}{barred}", score.model, score.quality, score.spread, score.usd);
    }
    Ok(())
}

/// A number or `best`.
pub fn parse_floor(text: &str) -> Result<MinQuality, String> {
    match text {
        "best" => Ok(MinQuality::BEST),
        number => number.parse().map(MinQuality::Mean).map_err(|_| "expected a number or `best`".into()),
    }
}
