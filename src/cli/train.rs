//! `pointsman train`

use super::{DEFAULT_EMBEDDER, cache, open_embedder, read, write};
use anyhow::Context;
use clap::ValueEnum;
use flate2::read::MultiGzDecoder;
use pointsman::embedder::Embedder;
use pointsman::error::Error;
use pointsman::head::Link;
use pointsman::train::{Cards, Log, Seen, Settings, train};
use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Learn a router file from logged outcomes.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    data: DataArgs,
    /// The router file to write.
    #[arg(long)]
    out: PathBuf,
    /// Candidates to keep, in this order (comma-separated). Without it: all that have outcomes.
    #[arg(long, value_delimiter = ',')]
    candidates: Option<Vec<String>>,
    /// Prices: a JSON object of `usd_per_mtok_in`, `usd_per_mtok_out`, `context_tokens`, `supports` by candidate.
    /// Without it: a `models.json` beside each outcome file; without that too, prices are fitted to the logged costs.
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
    /// Assigns rows to folds and to calibration.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Recorded in the file, as YYYY-MM-DD, so that the same input gives the same bytes on any day.
    #[arg(long)]
    date: String,
}

/// Where outcomes and their embeddings come from.
#[derive(clap::Args)]
pub struct DataArgs {
    /// Outcome logs: JSON lines with `query`, `scores`, `costs` and optionally `split`, `dataset`, `tok_out`; `.gz` is unpacked.
    #[arg(long, required = true, num_args = 1..)]
    pub outcomes: Vec<PathBuf>,
    #[arg(long, default_value = DEFAULT_EMBEDDER)]
    pub embedder: PathBuf,
    /// Gives a candidate another name: OLD=NEW. Logs that name one candidate differently are joined so.
    #[arg(long, value_parser = parse_rename)]
    pub rename: Vec<(String, String)>,
    /// Where embeddings are kept.
    #[arg(long, default_value_os_t = cache::default_folder())]
    pub cache: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Head {
    /// Predicts the probability of a good answer.
    Logistic,
    /// Predicts the score by least squares, as MetaLLM does.
    Ridge,
}

/// Outcomes with the features of every row.
pub struct Data {
    pub log: Log,
    pub seen: Vec<Seen>,
    pub fingerprint: String,
}

impl DataArgs {
    /// These logs, as they are named.
    pub fn of(outcomes: &[PathBuf], embedder: &Path) -> Self {
        Self { outcomes: outcomes.to_vec(), embedder: embedder.into(), rename: vec![], cache: cache::default_folder() }
    }

    pub fn load(&self) -> anyhow::Result<Data> {
        let log = self.read_log()?;
        let (tokenizer, embedder) = open_embedder(&self.embedder)?;
        let texts: Vec<&str> = log.rows.iter().map(|row| row.query.as_str()).collect();
        let seen = cache::embed_all(&texts, &tokenizer, &embedder, &self.cache)?;
        Ok(Data { seen, fingerprint: embedder.fingerprint().into(), log })
    }

    fn read_log(&self) -> anyhow::Result<Log> {
        let renames: HashMap<String, String> = self.rename.iter().cloned().collect();
        let mut log = Log::default();
        for path in &self.outcomes {
            log.read(open_log(path)?, &renames).with_context(|| path.display().to_string())?;
        }
        Ok(log)
    }
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    check_date(&args.date)?;
    let cards = read_cards(args)?;
    let data = args.data.load()?;
    let settings = Settings {
        link: match args.head {
            Head::Logistic => Link::Logistic,
            Head::Ridge => Link::Identity,
        },
        seed: args.seed,
        candidates: args.candidates.clone(),
        calibration: args.calibration,
        epsilon: args.epsilon,
        delta: args.delta,
        date: args.date.clone(),
        embedder: data.fingerprint.clone(),
    };
    let file = train(&data.log, &data.seen, &cards, &settings)?;
    let bytes = file.to_bytes()?;
    write(&args.out, &bytes)?;
    let (best, routed) = (&file.provenance.best_single, &file.provenance.routed);
    say!("{}: {} candidates, {} bytes", args.out.display(), file.catalog.len(), bytes.len());
    say!("out of fold, best single candidate {}: {:.4} at ${:.4} per 1,000 calls", best.id, best.quality, best.usd * 1e3);
    say!("out of fold, routed at the default dial: {:.4} at ${:.4} per 1,000 calls", routed.quality, routed.usd * 1e3);
    if file.dials.knots.iter().all(|knot| knot.quality < best.quality) {
        say!("routing loses here: no exchange rate keeps the best single candidate's score");
    }
    Ok(())
}

fn open_log(path: &Path) -> anyhow::Result<Box<dyn BufRead>> {
    let file = std::fs::File::open(path).map_err(|source| Error::Io { what: format!("cannot read {}", path.display()), source })?;
    let packed = path.extension().is_some_and(|e| e == "gz");
    Ok(if packed { Box::new(BufReader::new(MultiGzDecoder::new(file))) } else { Box::new(BufReader::new(file)) })
}

fn read_cards(args: &Args) -> anyhow::Result<Cards> {
    let beside = || args.data.outcomes.iter().map(|path| path.with_file_name("models.json")).filter(|path| path.exists()).collect();
    let paths: Vec<PathBuf> = if args.prices.is_empty() { beside() } else { args.prices.clone() };
    let mut cards = Cards::new();
    for path in paths {
        let listed: Cards = serde_json::from_slice(&read(&path)?).map_err(|e| Error::BadInput {
            argument: "prices".into(),
            problem: format!("{} is not a JSON object of prices by candidate: {e}", path.display()),
        })?;
        for (id, card) in listed {
            let name = args.data.rename.iter().find(|(old, _)| *old == id).map_or(&id, |(_, new)| new);
            cards.entry(name.clone()).or_insert(card);
        }
    }
    Ok(cards)
}

fn parse_rename(text: &str) -> Result<(String, String), String> {
    let (old, new) = text.split_once('=').ok_or("expected OLD=NEW")?;
    Ok((old.into(), new.into()))
}

fn check_date(date: &str) -> anyhow::Result<()> {
    let shape: String = date.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    if shape == "0000-00-00" {
        return Ok(());
    }
    Err(Error::BadInput { argument: "date".into(), problem: format!("{date:?} is not of the form YYYY-MM-DD") }.into())
}
