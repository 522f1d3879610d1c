//! `pointsman assign`

use super::route::LimitArgs;
use super::{RouterArgs, print_json, prompts};
use anyhow::Context;
use pointsman::prompt::Prompt;
use pointsman::router::{BatchGoal, Plan};
use std::path::PathBuf;

/// Decide where every prompt of a batch goes, so that together they reach a goal at least cost.
#[derive(clap::Args)]
pub struct Args {
    /// A file of prompts, one a line: a JSON string, or a JSON list of chat messages; `-` reads standard input. Without it,
    /// every line of standard input that is not blank is a prompt as it is.
    #[arg(long)]
    jsonl: Option<PathBuf>,
    #[command(flatten)]
    files: RouterArgs,
    #[command(flatten)]
    goal: GoalArgs,
    #[command(flatten)]
    limits: LimitArgs,
    /// Print the whole plan as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct GoalArgs {
    /// The best mean quality that costs at most this much together, in US dollars.
    #[arg(long)]
    budget_usd: Option<f64>,
    /// The least cost of a mean quality of at least this, 0 to 1.
    #[arg(long)]
    min_quality: Option<f64>,
    /// MetaLLM's p, for each prompt alone.
    #[arg(long)]
    cost_weight: Option<f64>,
}

impl GoalArgs {
    fn goal(&self) -> Option<BatchGoal> {
        let budget = self.budget_usd.map(BatchGoal::BudgetUsd);
        budget.or(self.min_quality.map(BatchGoal::MinQuality)).or(self.cost_weight.map(BatchGoal::CostWeight))
    }
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let goal = args.goal.goal().context("a goal is missing")?;
    let prompts = prompts::each(args.jsonl.as_deref())?.map(|numbered| Ok(numbered?.1)).collect::<anyhow::Result<Vec<Prompt>>>()?;
    let plan = args.files.load(0)?.assign(&prompts, goal, &args.limits.policy())?;
    if args.json { print_json(&plan) } else { print(&plan) }
}

/// One candidate a line, so that lines of output are lines of input; the sum goes to standard error.
fn print(plan: &Plan) -> anyhow::Result<()> {
    plan.picks.iter().try_for_each(|pick| -> anyhow::Result<()> {
        say!("{}", pick.model);
        Ok(())
    })?;
    let ends = plan.frontier.first().zip(plan.frontier.last());
    eprintln!("expected: ${:.6} together, mean quality {:.4}", plan.usd, plan.quality);
    if let Some((cheapest, best)) = ends {
        let (from, to) = ((cheapest.usd, cheapest.quality), (best.usd, best.quality));
        eprintln!("this batch can have ${:.6} for {:.4} up to ${:.6} for {:.4}", from.0, from.1, to.0, to.1);
    }
    Ok(())
}
