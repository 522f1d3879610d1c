//! The part of `evaluate` that judges a router by another policy's decisions.

use super::super::logs::Data;
use super::super::write;
use super::{Args, Side};
use pointsman::artifact::RouterFile;
use pointsman::error::Error;
use pointsman::evaluate::{Estimates, Interval, OffPolicy, OffPolicySettings, off_policy};
use pointsman::policy::Aim;

/// None where no decision logs are named.
pub fn judge(args: &Args, file: &RouterFile, data: &Data, rows: &[usize], aim: Aim) -> anyhow::Result<Option<OffPolicy>> {
    if args.data.logs.decisions.is_empty() {
        return Ok(None);
    }
    let settings = OffPolicySettings { aim, clip: args.clip, seed: args.seed };
    Ok(Some(off_policy(file, &data.log, &data.seen, rows, settings)?))
}

/// # Errors
/// Bad input where there is nothing but decisions, and something is asked for that they cannot tell.
pub fn check(args: &Args) -> anyhow::Result<()> {
    let asked = [
        ("report", args.report.is_some()),
        ("splits", args.splits.is_some()),
        ("online", args.online.is_some()),
        ("stability", args.stability.is_some()),
    ];
    match asked.into_iter().find(|(_, is)| *is && args.data.logs.outcomes.is_empty()) {
        None => Ok(()),
        Some((name, _)) => {
            let problem = "it needs rows of --outcomes: logged decisions tell of one candidate a prompt".into();
            Err(Error::BadInput { argument: name.into(), problem }.into())
        }
    }
}

/// Where there is nothing but decisions.
pub fn finish(args: &Args, found: &OffPolicy) -> anyhow::Result<()> {
    if let Some(path) = &args.json {
        write(path, &serde_json::to_vec_pretty(&serde_json::json!({ "offPolicy": found }))?)?;
    }
    print(args, found)
}

pub fn print(args: &Args, found: &OffPolicy) -> anyhow::Result<()> {
    say!("\n{} logged decisions; costs in US dollars per 1,000 calls; 95% intervals", found.rows);
    say!("  {:34} {:>8} {:>18} {:>10} {:>22}", "", "score", "", "cost", "");
    say!("  {:34} {:7.2}% {:18} {:10.4}", "logged decisions", 100.0 * found.logged.score, "", 1e3 * found.logged.usd);
    type Estimator = fn(&Estimates) -> Interval;
    let estimators: [(&str, Estimator); 3] = [
        ("router, inverse propensity (IPS)", |e| e.ips),
        ("router, self-normalised (SNIPS)", |e| e.snips),
        ("router, doubly robust (DR)", |e| e.doubly_robust),
    ];
    for (name, of) in estimators {
        let (score, usd) = (of(&found.score), of(&found.usd));
        let scores = format!("({:.2} to {:.2})", 100.0 * score.low, 100.0 * score.high);
        let costs = format!("({:.4} to {:.4})", 1e3 * usd.low, 1e3 * usd.high);
        say!("  {name:34} {:7.2}% {scores:>18} {:10.4} {costs:>22}", 100.0 * score.value, 1e3 * usd.value);
    }
    let share = 100.0 * found.agreed as f64 / found.rows as f64;
    say!("\n  the router chooses as logged on {} rows ({share:.1}%)", found.agreed);
    say!("  effective rows {:.0}; greatest weight {:.1}", found.effective_rows, found.greatest_weight);
    if let Some(clip) = args.clip {
        say!("  weights limited to {clip}: {} rows", found.clipped);
    }
    warn(args, found)
}

/// What a reader must not miss.
fn warn(args: &Args, found: &OffPolicy) -> anyhow::Result<()> {
    if found.deterministic {
        say!("\nevery logged propensity is 1: the log says nothing of other choices, and only its own policy can be judged");
    }
    if found.is_thin() {
        say!("\nfewer than 50 effective rows carry these estimates: their intervals are too narrow to be trusted");
    }
    if found.unsupported > 0 {
        say!("\nfor {} rows the router chooses a candidate that was never logged: of those, predictions alone speak", found.unsupported);
    }
    if args.split != Side::Test {
        say!("\nthese rows may be some that the router was trained on: then DR leans on what its head has memorised, and flatters");
    }
    Ok(())
}
