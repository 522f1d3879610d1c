//! `pointsman evaluate`

mod decisions;
mod tables;

use super::logs::{Data, DataArgs};
use super::report::{Page, Replayed};
use super::route::parse_floor;
use super::{DEFAULT_ROUTER, JobsArgs, check_fingerprint, check_folder, read, share, write};
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use pointsman::artifact::RouterFile;
use pointsman::evaluate::{Earned, Interval, Online, Report, Splits, Stability, Strategy, Unseen};
use pointsman::evaluate::{check_guarantee, evaluate, replay_online, stability};
use pointsman::policy::{Aim, MinQuality, Policy};
use pointsman::prompt::Prompt;
use pointsman::router::Router;
use pointsman::train::{Asked, Split};
use serde_json::to_value;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Replay logged outcomes: what routing would have scored and cost, beside what needs no router.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    jobs: JobsArgs,
    #[arg(long, default_value = DEFAULT_ROUTER)]
    router: PathBuf,
    /// Rows to replay. Rows that were trained on flatter the router.
    #[arg(long, value_enum, default_value_t = Side::Test)]
    split: Side,
    /// MetaLLM's p. Without a dial: the router file's default.
    #[arg(long, conflicts_with = "min_quality")]
    cost_weight: Option<f64>,
    /// Least mean quality, 0 to 1, or `best`.
    #[arg(long, value_parser = parse_floor)]
    min_quality: Option<MinQuality>,
    /// Seed of the bootstrap intervals.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Also prove the guarantee on random halves of these rows and look at the other halves, so many times.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    splits: Option<u32>,
    /// Also replay these rows to a bandit that starts from nothing, with so much exploration [default: 0.3], beside a head
    /// that knows all outcomes but has not seen the row that it judges: it is fitted to these rows fold by fold, which takes
    /// as long as training does. Rewards are scores less costs, at the dial's exchange rate.
    #[arg(long, value_name = "EXPLORE", num_args = 0..=1, default_missing_value = "0.3")]
    online: Option<f64>,
    /// The directions in which prompts differ most that the bandit looks at: fewer are learned faster, and say less.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..))]
    online_dimensions: u16,
    /// For decision logs: no row weighs more than this (one over its propensity), for less variance and some bias.
    #[arg(long)]
    clip: Option<f64>,
    /// Also edit so many of these rows' prompts in six small ways and count the decisions that stay.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    stability: Option<u32>,
    /// Write every number to this file as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Write a page with figures and every table to this file, as HTML that needs nothing else.
    #[arg(long)]
    report: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Side {
    Test,
    Train,
    All,
}

impl Args {
    /// What was asked for, in words.
    fn replayed(&self) -> Replayed {
        let dial = match (self.cost_weight, self.min_quality) {
            (Some(weight), _) => format!("cost weight {weight}"),
            (None, Some(MinQuality::Mean(floor))) => format!("least mean quality {floor}"),
            (None, Some(MinQuality::Best(_))) => "least mean quality \"best\"".into(),
            (None, None) => "the default dial".into(),
        };
        let split = match self.split {
            Side::Test => "of the test split",
            Side::Train => "of the training split, which flatters routing",
            Side::All => "of all splits, which flatters routing",
        };
        let files = self.data.logs.outcomes.iter().map(|path| path.display().to_string()).collect();
        Replayed { files, router: self.router.display().to_string(), split, dial, seed: self.seed }
    }
}

impl Side {
    fn holds(self, split: Split) -> bool {
        match self {
            Self::Test => split == Split::Test,
            Self::Train => split == Split::Train,
            Self::All => true,
        }
    }
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let policy = Policy { cost_weight: args.cost_weight, min_quality: args.min_quality, ..Policy::default() };
    policy.check()?;
    decisions::check(args)?;
    [&args.json, &args.report].into_iter().flatten().try_for_each(|path| check_folder(path))?;
    args.jobs.start()?;
    let file = RouterFile::parse(&read(&args.router)?)?;
    let data = args.data.load(None, false)?;
    check_fingerprint(&file, &data.fingerprint)?;
    let rows: Vec<usize> = (0..data.log.rows.len()).filter(|&r| args.split.holds(data.log.rows[r].split)).collect();
    let aim = file.dials.aim(&policy)?;
    let off_policy = decisions::judge(args, &file, &data, &rows, aim)?;
    if args.data.logs.outcomes.is_empty() {
        return off_policy.map_or(Ok(()), |found| decisions::finish(args, &found));
    }
    let rows: Vec<usize> = rows.into_iter().filter(|&r| data.log.rows[r].asked == Asked::Openly).collect();
    let mut report = evaluate(&file, &data.log, &data.seen, &rows, aim, args.seed)?;
    report.stability = args.stability.map(|most| check_stability(args, &data, &rows, &policy, most as usize)).transpose()?;
    let splits = args.splits.map(|n| check_guarantee(&file, &data.log, &data.seen, &rows, n as usize, args.seed)).transpose()?;
    let online = args.online.map(|explore| learn_from_nothing(args, &file, &data, &rows, aim, explore)).transpose()?;
    let page = Page {
        report: &report,
        splits: splits.as_ref(),
        online: online.as_deref(),
        off_policy: off_policy.as_ref(),
        provenance: &file.provenance,
        replayed: args.replayed(),
    };
    if let Some(path) = &args.json {
        write_json(path, &page)?;
    }
    if let Some(path) = &args.report {
        write(path, page.html()?.as_bytes())?;
    }
    print(&page, aim)?;
    page.splits.map_or(Ok(()), print_splits)?;
    page.online.map_or(Ok(()), print_online)?;
    page.off_policy.map_or(Ok(()), |found| decisions::print(args, found))
}

/// The report, what else was asked for, and where routing loses.
fn write_json(path: &Path, page: &Page) -> anyhow::Result<()> {
    let mut all = to_value(page.report)?;
    let others = [("splits", to_value(page.splits)?), ("online", to_value(page.online)?), ("offPolicy", to_value(page.off_policy)?)];
    others.into_iter().chain([("losses", to_value(page.losses())?)]).for_each(|(name, value)| all[name] = value);
    write(path, &serde_json::to_vec_pretty(&all)?)
}

/// Routes prompts, evenly spread over the rows, as they are and edited.
fn check_stability(args: &Args, data: &Data, rows: &[usize], policy: &Policy, most: usize) -> anyhow::Result<Vec<Stability>> {
    let router = Router::load(&read(&args.router)?, &read(&args.data.embedder)?, args.seed)?;
    let count = most.min(rows.len());
    let texts: Vec<&str> = (0..count).map(|i| data.log.rows[rows[i * rows.len() / count]].query.as_str()).collect();
    Ok(stability(&texts, args.seed, |text| Ok(router.route(&Prompt::from(text), policy)?.model))?)
}

/// What is earned at the dial's exchange rate.
fn learn_from_nothing(args: &Args, file: &RouterFile, data: &Data, rows: &[usize], aim: Aim, explore: f64) -> anyhow::Result<Vec<Earned>> {
    let bar = ProgressBar::new_spinner().with_style(ProgressStyle::with_template("{spinner} {elapsed} a head for unseen rows: {msg}")?);
    bar.enable_steady_tick(Duration::from_millis(200));
    let unseen = Unseen::cross_fit(file, &data.log, &data.seen, rows, &|what| bar.set_message(what.to_owned()))?;
    bar.finish_and_clear();
    let online = Online::new(aim.rate(), explore, args.online_dimensions.into(), args.seed);
    Ok(replay_online(&file.features, &unseen, &online)?)
}

fn print_splits(splits: &Splits) -> anyhow::Result<()> {
    let percent = |x: f64| 100.0 * x;
    say!("\nguarantee, proven on one half and looked at on the other, {} times at random", splits.splits);
    say!("  promised      at most {:.1} points lost, but in {:.0}% of cases", percent(splits.epsilon), percent(splits.delta));
    say!("  exceeded      in {:.1}% of them; routing was proven in {:.1}%", percent(splits.exceeded), percent(splits.proven));
    say!("  cost saved    {} on average", share(splits.cost_saved));
    Ok(())
}

fn print_online(curve: &[Earned]) -> anyhow::Result<()> {
    say!("\nmean reward while learning from nothing (score less cost at the dial's exchange rate)");
    say!("  {:>8} {:>9} {:>9} {:>12} {:>9}", "rows", "bandit", "head", "best single", "random");
    curve.iter().try_for_each(|at| {
        say!("  {:8} {:9.4} {:9.4} {:12.4} {:9.4}", at.rows, at.bandit, at.head, at.best_single, at.random);
        anyhow::Ok(())
    })?;
    let Some(last) = curve.last().filter(|last| last.head > 0.0) else { return Ok(()) };
    say!("  by the end, the bandit earned {:.1}% of what the head did", 100.0 * last.bandit / last.head);
    Ok(())
}

fn print(page: &Page, aim: Aim) -> anyhow::Result<()> {
    let report = page.report;
    say!("{} rows; costs in US dollars per 1,000 calls\n", report.rows);
    row("router", &report.router)?;
    row(&format!("best single ({})", report.best_single.name), &report.best_single)?;
    row(&format!("cheapest single ({})", report.cheapest.name), &report.cheapest)?;
    row("random candidate", &report.random)?;
    row("zero router: best mix at the router's cost", &report.zero)?;
    row("oracle", &report.oracle)?;
    let percent = |i: &Interval| [i.value * 100.0, i.low * 100.0, i.high * 100.0];
    let [change, low, high] = percent(&report.score_change);
    say!("\n  score change  {change:+.2} points, 95% interval {low:+.2} to {high:+.2}");
    let [saved, low, high] = percent(&report.cost_saved);
    match saved.is_finite() {
        true => say!("  cost saved    {saved:.1}%, 95% interval {low:.1}% to {high:.1}%"),
        false => say!("  cost saved    none: the best single candidate costs nothing"),
    }
    let aiq = &report.aiq;
    say!("  AIQ x 100     {:.2}; zero router {:.2}, oracle {:.2}", aiq.router * 100.0, aiq.zero * 100.0, aiq.oracle * 100.0);
    say!("  calibration   expected error {:.4} over all candidates", report.calibration.ece);
    let share = 100.0 * report.low_confidence as f64 / report.rows as f64;
    let instead = if matches!(aim, Aim::Weight(_)) { "judged by mean scores" } else { "for the strongest candidate" };
    say!("  unlike the training prompts, so {instead}: {} rows ({share:.1}%)", report.low_confidence);
    warn(page)?;
    say!("\ncandidates");
    report.candidates.iter().try_for_each(|s| row(&s.name, s))?;
    tables::print(report)?;
    print_picks(report)?;
    print_complements(report)
}

fn print_picks(report: &Report) -> anyhow::Result<()> {
    say!("\nwhere the rows went: right and wrong answers (scores add up)");
    report.picks.iter().try_for_each(|picks| {
        say!("  {:46} {:8.1} {:10.1}", picks.model, picks.right, picks.wrong);
        Ok(())
    })
}

/// One column a candidate, numbered as the lines are.
fn print_complements(report: &Report) -> anyhow::Result<()> {
    say!("\npercent of rows on which the line's candidate was right and the column's was not");
    let columns: Vec<String> = (1..=report.picks.len()).map(|i| format!("{i:5}")).collect();
    say!("  {:30}{}", "", columns.concat());
    report.picks.iter().zip(&report.complementarity).enumerate().try_for_each(|(i, (picks, line))| {
        let cells: Vec<String> = line.iter().map(|share| format!("{:5.0}", 100.0 * share)).collect();
        say!("  {:2} {:27}{}", i + 1, picks.model, cells.concat());
        Ok(())
    })
}

fn row(label: &str, strategy: &Strategy) -> anyhow::Result<()> {
    say!("  {label:46} {:7.2}% {:10.4}", strategy.score * 100.0, strategy.usd * 1e3);
    Ok(())
}

/// What a reader must not miss.
fn warn(page: &Page) -> anyhow::Result<()> {
    let (report, losses) = (page.report, page.losses());
    if !losses.is_empty() {
        say!("");
    }
    losses.iter().try_for_each(|loss| {
        say!("{loss}");
        anyhow::Ok(())
    })?;
    if report.candidates.iter().any(|s| s.rows < report.rows) {
        say!("\nsome candidates answered fewer rows than were replayed: compare means on one data set at a time");
    }
    Ok(())
}
