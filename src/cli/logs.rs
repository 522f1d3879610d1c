//! Logs in the formats that people have. Every reader hands over one row at a time, so that no file is held as a whole.

mod parquet;
mod wide;

use super::sample::Sample;
use super::{DEFAULT_EMBEDDER, cache, open_embedder};
use anyhow::Context;
use flate2::read::MultiGzDecoder;
use indicatif::{ProgressBar, ProgressStyle};
use pointsman::embedder::Embedder;
use pointsman::error::Error;
use pointsman::train::{Edited, Entry, Intake, IntakeSettings, Join, Log, Seen, Split, Tally};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use wide::{Cell, Wide};

/// The files that rows come from.
#[derive(clap::Args)]
pub struct LogArgs {
    /// Outcome logs, by their ending: JSON lines with `query`, `scores`, `costs` and optionally `split`, `dataset`,
    /// `tok_out`; `.csv` and `.parquet` as RouterBench has them, with a column of scores for each candidate and one of
    /// costs, `<candidate>|total_cost`; `.parquet` also with `scores` and `costs` as maps or structs. `.gz` is unpacked, but
    /// for Parquet.
    #[arg(long, num_args = 1..)]
    pub outcomes: Vec<PathBuf>,
    /// Decision logs: JSON lines `{"query": ..., "decision": {...}}`, and later `{"id": ..., "score": ..., "usd": ...}` or
    /// each of the two alone, in any order and any number of files. `.gz` is unpacked.
    #[arg(long, num_args = 1..)]
    pub decisions: Vec<PathBuf>,
}

/// Where outcomes and their embeddings come from.
#[derive(clap::Args)]
pub struct DataArgs {
    #[command(flatten)]
    pub logs: LogArgs,
    #[arg(long, default_value = DEFAULT_EMBEDDER)]
    pub embedder: PathBuf,
    /// Gives a candidate another name: OLD=NEW. Logs that name one candidate differently are joined so.
    #[arg(long, value_parser = parse_rename)]
    pub rename: Vec<(String, String)>,
    /// Where embeddings are kept.
    #[arg(long, default_value_os_t = cache::default_folder())]
    pub cache: PathBuf,
    /// Keep at most so many rows: a uniform sample by the hash of the query, whatever the length of the log.
    #[arg(long, default_value_t = 100_000)]
    max_rows: usize,
    /// Of the rows that name no split, keep this share for evaluation, by the hash of the query: give it alike to `train`
    /// and to `evaluate`.
    #[arg(long, default_value_t = 0.0)]
    test_share: f64,
}

/// Outcomes with the features of every row.
pub struct Data {
    pub log: Log,
    pub seen: Vec<Seen>,
    pub edited: Vec<Edited>,
    pub fingerprint: String,
}

impl DataArgs {
    /// These outcome logs, as they are named.
    pub fn of(outcomes: &[PathBuf], embedder: &Path) -> Self {
        Self {
            logs: LogArgs { outcomes: outcomes.to_vec(), decisions: vec![] },
            embedder: embedder.into(),
            rename: vec![],
            cache: cache::default_folder(),
            max_rows: usize::MAX,
            test_share: 0.0,
        }
    }

    /// Reads the logs and embeds their texts; `to_train`, also some of the training prompts with small edits in them.
    /// `one_outcome` is [`IntakeSettings::one_outcome`].
    pub fn load(&self, one_outcome: Option<u64>, to_train: bool) -> anyhow::Result<Data> {
        let renames = self.rename.iter().cloned().collect();
        let settings = IntakeSettings { renames, most_rows: self.max_rows, test_share: self.test_share, one_outcome };
        let mut intake = Intake::new(settings)?;
        self.logs.check()?;
        let tally = self.logs.each(&mut |line, entry| Ok(intake.take(line, entry)?))?;
        report(&tally);
        let taken = intake.taken();
        let log = intake.finish();
        if (log.rows.len() as u64) < taken {
            eprintln!("pointsman: a sample of {} of {taken} rows; --max-rows keeps more", log.rows.len());
        }
        let (tokenizer, embedder) = open_embedder(&self.embedder)?;
        let edited = if to_train { edited(&log) } else { vec![] };
        let texts: Vec<&str> = log.rows.iter().map(|row| row.query.as_str()).chain(edited.iter().map(|(_, text)| text.as_str())).collect();
        let mut seen = cache::Cache::open(&self.cache, &tokenizer, &embedder)?.embed_all(&texts)?;
        let after = seen.split_off(log.rows.len());
        let edited = edited.into_iter().zip(after).map(|((row, query), seen)| Edited { row, query, seen }).collect();
        Ok(Data { seen, edited, fingerprint: embedder.fingerprint().into(), log })
    }
}

/// Some of the training prompts with small edits in them, by row.
fn edited(log: &Log) -> Vec<(usize, String)> {
    let mut sample = Sample::new();
    log.rows.iter().enumerate().filter(|(_, row)| row.split == Split::Train).for_each(|(at, row)| sample.offer(&row.query, at));
    sample.edited().map(|(text, at)| (*at, text)).collect()
}

impl LogArgs {
    /// # Errors
    /// Where no file is named.
    pub fn check(&self) -> anyhow::Result<()> {
        if self.outcomes.is_empty() && self.decisions.is_empty() {
            let problem = "no log is named; give --outcomes FILE..., --decisions FILE... or both".into();
            return Err(Error::BadInput { argument: "outcomes".into(), problem }.into());
        }
        Ok(())
    }

    /// Calls `visit` with every row and its place in its file. What became of the lines of decision logs.
    pub fn each(&self, visit: &mut dyn FnMut(usize, Entry) -> anyhow::Result<()>) -> anyhow::Result<Tally> {
        // Decision logs are read twice.
        let paths = || self.outcomes.iter().chain(&self.decisions).chain(&self.decisions);
        let length = paths().filter_map(|path| path.metadata().ok()).map(|metadata| metadata.len()).sum();
        let style = ProgressStyle::with_template("reading {wide_bar} {bytes}/{total_bytes} {eta}")?;
        let bar = ProgressBar::new(length).with_style(style);
        for path in &self.outcomes {
            read_outcomes(path, &bar, visit).with_context(|| path.display().to_string())?;
        }
        let mut join = Join::default();
        if let Some(path) = self.decisions.iter().find(|path| path.exists() && !path.is_file()) {
            let problem = format!("{} is read twice, so it must be a file", path.display());
            return Err(Error::BadInput { argument: "decisions".into(), problem }.into());
        }
        for path in &self.decisions {
            each_line(path, &bar, &mut |line, text| Ok(join.note(line, text)?)).with_context(|| path.display().to_string())?;
        }
        for path in &self.decisions {
            let mut row = |line, text: &str| join.row(line, text)?.map_or(Ok(()), |entry| visit(line, entry));
            each_line(path, &bar, &mut row).with_context(|| path.display().to_string())?;
        }
        bar.finish_and_clear();
        Ok(join.tally())
    }
}

/// What a reader of a decision log must not miss.
fn report(tally: &Tally) {
    if tally.decisions == 0 {
        return;
    }
    eprintln!("pointsman: {} decisions, {} feedback lines, {} rows", tally.decisions, tally.feedback, tally.rows);
    let counts = [
        (tally.without_feedback, "decisions without a score: left out"),
        (tally.repeated, "decisions logged again: left out"),
        (tally.unlike, "decisions whose id another decision has too (routers made with one seed?): left out"),
        (tally.failed, "decisions of the fallback, as the engine had failed: left out"),
        (tally.unclaimed_feedback, "ids with feedback and no decision: left out"),
        (tally.repeated_feedback, "feedback lines for an id that had the same: the first counts"),
        (tally.expected_costs, "rows without a bill: their cost is the expected one"),
    ];
    counts.iter().filter(|(count, _)| *count > 0).for_each(|(count, what)| eprintln!("pointsman: {count} {what}"));
}

fn read_outcomes(path: &Path, bar: &ProgressBar, visit: &mut dyn FnMut(usize, Entry) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    match name.strip_suffix(".gz").unwrap_or(&name).rsplit('.').next() {
        Some("csv") => read_csv(path, bar, visit),
        Some("parquet" | "pq") if name.ends_with(".gz") => {
            Err(Error::BadInput { argument: "outcomes".into(), problem: "Parquet packs its own columns; unpack the .gz first".into() }
                .into())
        }
        Some("parquet" | "pq") => parquet::read(open(path)?, bar, visit),
        _ => each_line(path, bar, &mut |line, text| visit(line, Entry::from_json(line, text).map_err(hint(text))?)),
    }
}

/// A decision log that was passed off as an outcome log is told so.
fn hint(text: &str) -> impl FnOnce(Error) -> Error {
    let decision = text.contains("\"decision\"");
    move |error| match error {
        Error::BadLog { line, problem } if decision => {
            Error::BadLog { line, problem: format!("{problem}; if this is a log of decisions, pass it to --decisions") }
        }
        other => other,
    }
}

fn read_csv(path: &Path, bar: &ProgressBar, visit: &mut dyn FnMut(usize, Entry) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let mut reader = csv::ReaderBuilder::new().from_reader(open_text(path, bar)?);
    let names = reader.headers().map_err(bad_csv)?.clone();
    let wide = Wide::of(1, &names.iter().collect::<Vec<_>>())?;
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(bad_csv)? {
        let line = record.position().map_or(0, |position| position.line() as usize);
        visit(line, wide.entry(line, |i| record.get(i).map_or(Cell::Missing, |text| Cell::Text(text.into())))?)?;
    }
    Ok(())
}

fn bad_csv(error: csv::Error) -> anyhow::Error {
    let line = error.position().map_or(1, |position| position.line() as usize);
    let problem = error.to_string();
    match error.into_kind() {
        csv::ErrorKind::Io(source) => Error::Io { what: "cannot read it as CSV".into(), source }.into(),
        _ => Error::BadLog { line, problem }.into(),
    }
}

/// Calls `visit` with every line that is not blank, numbered from one.
fn each_line(path: &Path, bar: &ProgressBar, visit: &mut dyn FnMut(usize, &str) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let mut reader = open_text(path, bar)?;
    let mut text = String::new();
    for line in 1.. {
        text.clear();
        let read = reader.read_line(&mut text).map_err(|source| Error::Io { what: format!("outcome log, line {line}"), source })?;
        if read == 0 {
            break;
        }
        let text = text.trim_start_matches('\u{feff}').trim();
        if !text.is_empty() {
            visit(line, text)?;
        }
    }
    Ok(())
}

fn open_text(path: &Path, bar: &ProgressBar) -> anyhow::Result<Box<dyn BufRead>> {
    let file = bar.wrap_read(open(path)?);
    let packed = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gz"));
    Ok(if packed { Box::new(BufReader::new(MultiGzDecoder::new(file))) } else { Box::new(BufReader::new(file)) })
}

fn open(path: &Path) -> anyhow::Result<std::fs::File> {
    std::fs::File::open(path).map_err(|source| Error::Io { what: format!("cannot read {}", path.display()), source }.into())
}

fn parse_rename(text: &str) -> Result<(String, String), String> {
    let (old, new) = text.split_once('=').ok_or("expected OLD=NEW")?;
    Ok((old.into(), new.into()))
}
