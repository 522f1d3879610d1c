//! `pointsman train`

use super::logs::DataArgs;
use super::{JobsArgs, check_folder, read, share, write, write_router};
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use pointsman::artifact::RouterFile;
use pointsman::error::Error;
use pointsman::evaluate::{LearningCurve, learning_curve};
use pointsman::head::Link;
use pointsman::train::{Cards, ModelCard, Settings, Split, train_on};
use std::path::PathBuf;
use std::time::Duration;

/// Learn a router file from logged outcomes.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    jobs: JobsArgs,
    /// The router file to write.
    #[arg(long)]
    out: PathBuf,
    /// Candidates to keep, in this order (comma-separated). Without it: all that have outcomes.
    #[arg(long, value_delimiter = ',')]
    candidates: Option<Vec<String>>,
    /// Prices: a JSON object of `usd_per_mtok_in`, `usd_per_mtok_out`, `context_tokens`, `supports` by candidate.
    /// Of several files, the first that says something counts. Without it: a `models.json` beside each outcome file; without
    /// that too, prices are fitted to the logged costs.
    #[arg(long)]
    prices: Vec<PathBuf>,
    /// The linear layer.
    #[arg(long, value_enum, default_value_t = Head::Logistic)]
    head: Head,
    /// Share of the training rows to keep from the fit, for a guarantee that is proven on them; 0 for none. Without it: a
    /// fifth, where that is at least 500 rows.
    #[arg(long)]
    calibration: Option<f64>,
    /// The guarantee's epsilon: how much lower than the best single candidate's the mean score may be.
    #[arg(long, default_value_t = 0.03)]
    epsilon: f64,
    /// The guarantee's delta: the probability with which it may be wrong.
    #[arg(long, default_value_t = 0.1)]
    delta: f64,
    /// Share of the training prompts that count as far from the others, 0 to 0.5: later prompts that are no nearer to them go
    /// to the strongest candidate. Without it: the least from 0.03 to 0.2 at which kinds of prompts that are left out of the
    /// fit lose next to nothing.
    #[arg(long, value_name = "SHARE")]
    far: Option<f64>,
    /// Assigns rows to folds and to calibration.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Forget all but one outcome of every training row, drawn at random with this seed: MetaLLM's bandit form (Algorithm
    /// 1), to see what a log of decisions would teach.
    #[arg(long, value_name = "SEED")]
    bandit_form: Option<u64>,
    /// Also train on a sixteenth, an eighth, a quarter and a half of the rows, and print what each teaches.
    #[arg(long)]
    learning_curve: bool,
    /// Write the learning curve to this file as JSON.
    #[arg(long, requires = "learning_curve")]
    json: Option<PathBuf>,
    /// Recorded in the file, as YYYY-MM-DD, so that the same input gives the same bytes on any day.
    #[arg(long)]
    date: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum Head {
    /// Predicts the probability of a good answer.
    Logistic,
    /// Predicts the score by least squares, as MetaLLM does.
    Ridge,
}

impl Args {
    /// All that does not depend on the data.
    fn settings(&self) -> Settings {
        Settings {
            link: match self.head {
                Head::Logistic => Link::Logistic,
                Head::Ridge => Link::Identity,
            },
            seed: self.seed,
            candidates: self.candidates.clone(),
            calibration: self.calibration,
            epsilon: self.epsilon,
            delta: self.delta,
            far: self.far,
            date: self.date.clone(),
            embedder: String::new(),
            edited: vec![],
        }
    }
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    check_date(&args.date)?;
    [Some(&args.out), args.json.as_ref()].into_iter().flatten().try_for_each(|path| check_folder(path))?;
    args.jobs.start()?;
    let cards = read_cards(args)?;
    let data = args.data.load(args.bandit_form, true)?;
    let settings = Settings { embedder: data.fingerprint.clone(), edited: data.edited, ..args.settings() };
    let bar = ProgressBar::new_spinner().with_style(ProgressStyle::with_template("{spinner} {elapsed} {msg}")?);
    bar.enable_steady_tick(Duration::from_millis(200));
    let watch = |what: &str| bar.set_message(what.to_owned());
    let (file, curve) = if args.learning_curve {
        let (file, curve) = learning_curve(&data.log, &data.seen, &cards, &settings, &watch)?;
        (file, Some(curve))
    } else {
        let rows: Vec<usize> = (0..data.log.rows.len()).filter(|&r| data.log.rows[r].split == Split::Train).collect();
        (train_on(&data.log, &data.seen, &rows, &cards, &settings, &watch)?, None)
    };
    bar.finish_and_clear();
    write_router(&args.out, &file)?;
    if let Some(path) = &args.json {
        write(path, &serde_json::to_vec_pretty(&curve)?)?;
    }
    print(&file)?;
    note_prices(&file, &cards);
    curve.map_or(Ok(()), |curve| print_curve(&curve))
}

fn print(file: &RouterFile) -> anyhow::Result<()> {
    let (best, routed) = (&file.provenance.best_single, &file.provenance.routed);
    say!("out of fold, best single candidate {}: {:.4} at ${:.4} per 1,000 calls", best.id, best.quality, best.usd * 1e3);
    say!("out of fold, routed at the default dial: {:.4} at ${:.4} per 1,000 calls", routed.quality, routed.usd * 1e3);
    if file.dials.knots.iter().all(|knot| knot.quality < best.quality) {
        say!("routing loses here: no exchange rate keeps the best single candidate's score");
    }
    Ok(())
}

fn print_curve(curve: &LearningCurve) -> anyhow::Result<()> {
    let judges = curve.test_rows.map_or("out of fold".into(), |rows| format!("on {rows} test rows"));
    say!("\nlearning curve at the default dial, {judges}; changes are against {}", curve.best_single);
    say!("  {:>8} {:>10} {:>8} {:>22} {:>11} {:>10}", "rows", "AIQ x 100", "score", "change, 95% interval", "cost saved", "per 1,000");
    for point in &curve.points {
        let aiq = point.aiq.map_or("-".into(), |aiq| format!("{:.2}", 100.0 * aiq));
        let interval = point.interval.map_or(String::new(), |i| format!(" ({:+.1} to {:+.1})", 100.0 * i.low, 100.0 * i.high));
        let change = format!("{:+.2}{interval}", 100.0 * point.score_change);
        let (score, saved) = (100.0 * point.score, share(point.cost_saved));
        say!("  {:8} {aiq:>10} {score:7.2}% {change:>22} {saved:>11} {:10.4}", point.rows, 1e3 * point.usd);
    }
    let [.., before, last] = curve.points.as_slice() else { return Ok(()) };
    let points = |now: f64, then: f64| 100.0 * (now - then);
    say!("\nfrom {} to {} rows:", before.rows, last.rows);
    if let (Some(then), Some(now)) = (before.aiq, last.aiq) {
        say!("  AIQ x 100     {:+.2}", points(now, then));
    }
    let half =
        last.interval.map_or(String::new(), |i| format!("; its 95% interval is {:.2} points to either side", points(i.high, i.low) / 2.0));
    say!("  score         {:+.2} points{half}", points(last.score, before.score));
    if last.cost_saved.is_finite() && before.cost_saved.is_finite() {
        say!("  cost saved    {:+.1} points", points(last.cost_saved, before.cost_saved));
    }
    Ok(())
}

fn read_cards(args: &Args) -> anyhow::Result<Cards> {
    let beside = || args.data.logs.outcomes.iter().map(|path| path.with_file_name("models.json")).filter(|path| path.exists()).collect();
    let paths: Vec<PathBuf> = if args.prices.is_empty() { beside() } else { args.prices.clone() };
    let mut cards = Cards::new();
    for path in paths {
        let listed: Cards = serde_json::from_slice(&read(&path)?).map_err(|e| Error::BadInput {
            argument: "prices".into(),
            problem: format!("{} is not a JSON object of prices by candidate: {e}", path.display()),
        })?;
        for (id, card) in listed {
            let name = args.data.rename.iter().find(|(old, _)| *old == id).map_or(&id, |(_, new)| new);
            cards.entry(name.clone()).or_default().complete(card);
        }
    }
    check_cards(&cards)?;
    Ok(cards)
}

/// Half a price is a mistake.
fn check_cards(cards: &Cards) -> anyhow::Result<()> {
    let half = |card: &ModelCard| card.usd_per_mtok_in.is_some() != card.usd_per_mtok_out.is_some();
    match cards.iter().find(|(_, card)| half(card)) {
        Some((id, _)) => {
            let problem = format!("{id:?} has one price of two; give usd_per_mtok_in and usd_per_mtok_out");
            Err(Error::BadInput { argument: "prices".into(), problem }.into())
        }
        None => Ok(()),
    }
}

/// Whose prices no list told, and whom the lists name instead.
fn note_prices(file: &RouterFile, cards: &Cards) {
    let ids: Vec<&str> = file.catalog.candidates().iter().map(|candidate| candidate.id.as_str()).collect();
    let unpriced = ids.iter().copied().filter(|id| cards.get(*id).is_none_or(|card| card.usd_per_mtok_in.is_none()));
    let unpriced: Vec<&str> = unpriced.collect();
    if cards.is_empty() || unpriced.is_empty() {
        return;
    }
    let mut others: Vec<&str> = cards.keys().map(String::as_str).filter(|id| !ids.contains(id)).collect();
    others.sort_unstable();
    let others = if others.is_empty() { String::new() } else { format!("; the lists have {}", others.join(", ")) };
    eprintln!("pointsman: no list price of {}: fitted to what its calls cost{others}", unpriced.join(", "));
}

fn check_date(date: &str) -> anyhow::Result<()> {
    let shape: String = date.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let part = |at: std::ops::Range<usize>| date.get(at).and_then(|digits| digits.parse::<u32>().ok()).unwrap_or(0);
    if shape == "0000-00-00" && (1..=12).contains(&part(5..7)) && (1..=31).contains(&part(8..10)) {
        return Ok(());
    }
    Err(Error::BadInput { argument: "date".into(), problem: format!("{date:?} is no day of the form YYYY-MM-DD") }.into())
}
