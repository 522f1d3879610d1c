//! `pointsman catalog list | add | set`

use super::logs::DataArgs;
use super::{DEFAULT_ROUTER, read, write_router};
use clap::Subcommand;
use pointsman::artifact::{Entry, RouterFile};
use pointsman::error::Error;
use pointsman::features::surface;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Look at a router file's candidates, and add ones that it was not trained on.
#[derive(Subcommand)]
pub enum Verb {
    /// Show the candidates, and the tasks that a new one can be placed by.
    List {
        #[arg(long, default_value = DEFAULT_ROUTER)]
        router: PathBuf,
    },
    /// Place a new candidate by its mean scores on tasks, by outcomes of its own, or both.
    Add(AddArgs),
    /// Write a router file for another line-up: several new candidates, other prices, fewer candidates.
    Set(SetArgs),
}

#[derive(clap::Args)]
pub struct SetArgs {
    #[arg(long, default_value = DEFAULT_ROUTER)]
    router: PathBuf,
    /// The router file to write.
    #[arg(long)]
    out: PathBuf,
    /// A JSON list of all its candidates, as `createRouter` takes them: `[{"id": "known"}, {"id": "new", "usdPerMtokIn": 0.1,
    /// "usdPerMtokOut": 0.4, "scores": {"mmlu_pro": 72.6}}]`. What is left open of a known one stays.
    #[arg(long)]
    candidates: PathBuf,
}

#[derive(clap::Args)]
pub struct AddArgs {
    #[arg(long, default_value = DEFAULT_ROUTER)]
    router: PathBuf,
    /// The router file to write.
    #[arg(long)]
    out: PathBuf,
    /// The name to put in the request's `model` field.
    #[arg(long)]
    id: String,
    /// Price of a million input tokens, in US dollars.
    #[arg(long)]
    price_in: f64,
    /// Price of a million output tokens, in US dollars.
    #[arg(long)]
    price_out: f64,
    /// Mean scores, such as `mmlu_pro=72.6,gsm8k=0.951`: above 1, they are percentages.
    #[arg(long, value_delimiter = ',', value_parser = parse_score)]
    scores: Vec<(String, f64)>,
    /// Longest prompt and answer together, in tokens.
    #[arg(long)]
    context: Option<u32>,
    /// Abilities (comma-separated).
    #[arg(long, value_delimiter = ',')]
    supports: Vec<String>,
    /// Mean length of its answers, in tokens. Without it, that of the others.
    #[arg(long)]
    output_tokens: Option<f64>,
    /// Logs that hold outcomes of the new candidate: a few dozen help.
    #[arg(long, num_args = 1..)]
    outcomes: Vec<PathBuf>,
    #[arg(long, default_value = super::DEFAULT_EMBEDDER)]
    embedder: PathBuf,
}

pub fn run(verb: &Verb) -> anyhow::Result<()> {
    match verb {
        Verb::List { router } => list(&RouterFile::parse(&read(router)?)?),
        Verb::Add(args) => add(args),
        Verb::Set(args) => set(args),
    }
}

fn set(args: &SetArgs) -> anyhow::Result<()> {
    let file = RouterFile::parse(&read(&args.router)?)?;
    let problem = |e| Error::BadInput { argument: "candidates".into(), problem: format!("{}: {e}", args.candidates.display()) };
    let entries: Vec<Entry> = serde_json::from_slice(&read(&args.candidates)?).map_err(problem)?;
    let file = file.with_lineup(&entries)?;
    write_router(&args.out, &file)?;
    list(&file)
}

fn list(file: &RouterFile) -> anyhow::Result<()> {
    say!("{:46} {:>10} {:>10} {:>8}", "candidate", "$/Mtok in", "$/Mtok out", "score");
    for (candidate, mean) in file.catalog.candidates().iter().zip(&file.dials.means) {
        say!("{:46} {:10.3} {:10.3} {:7.1}%", candidate.id, candidate.usd_per_mtok_in, candidate.usd_per_mtok_out, 100.0 * mean);
    }
    match &file.tasks {
        Some(tasks) => say!("\ntasks that place a new candidate: {}", tasks.names().join(", ")),
        None => say!("\nno tasks: new candidates cannot be placed beside these"),
    }
    Ok(())
}

fn add(args: &AddArgs) -> anyhow::Result<()> {
    let file = RouterFile::parse(&read(&args.router)?)?;
    if file.catalog.position(&args.id).is_some() {
        return Err(Error::BadInput { argument: "id".into(), problem: format!("{:?} is a candidate of this router file", args.id) }.into());
    }
    let known = file.catalog.candidates().iter().map(|c| Entry { id: c.id.clone(), ..Entry::default() });
    let new = Entry {
        id: args.id.clone(),
        usd_per_mtok_in: Some(args.price_in),
        usd_per_mtok_out: Some(args.price_out),
        context_tokens: args.context,
        supports: Some(args.supports.clone()),
        expected_output_tokens: args.output_tokens,
        scores: scores(&args.scores)?,
        outcomes: outcomes(args, &file)?,
        ..Entry::default()
    };
    let used = new.outcomes.len();
    let entries: Vec<Entry> = known.chain([new]).collect();
    let file = file.with_lineup(&entries)?;
    write_router(&args.out, &file)?;
    let mean = file.dials.means.last().copied().unwrap_or_default();
    say!(
        "{} is expected to score {:.1}% on prompts like the training prompts ({used} outcomes of its own were used)",
        args.id,
        100.0 * mean
    );
    say!("the guarantee and the dial table were measured without it and are gone; costWeight and the default dial work");
    Ok(())
}

/// Features and scores of the rows that the new candidate answered, but for rows that are kept for tests.
fn outcomes(args: &AddArgs, file: &RouterFile) -> anyhow::Result<Vec<(Vec<f32>, f64)>> {
    if args.outcomes.is_empty() {
        return Ok(vec![]);
    }
    let nothing = |why: String| Error::BadInput {
        argument: "outcomes".into(),
        problem: format!("no outcome of {:?} to place it by: {why}", args.id),
    };
    let data = DataArgs::of(&args.outcomes, &args.embedder).load(None, false)?;
    super::check_fingerprint(file, &data.fingerprint)?;
    let position =
        data.log.position(&args.id).ok_or_else(|| nothing(format!("the log holds those of {}", data.log.candidates.join(", "))))?;
    let rows = data.log.rows.iter().zip(&data.seen).filter(|(row, _)| row.split == pointsman::train::Split::Train);
    let answered = rows.filter_map(|(row, seen)| Some((row, seen, row.outcome(position)?)));
    let read = |(row, seen, outcome): (&pointsman::train::Row, &pointsman::train::Seen, pointsman::train::Outcome)| {
        let features = file.features.apply(&seen.embedding, &surface(&row.query, seen.tokens))?;
        Ok((features.vector, outcome.score))
    };
    let own: Vec<(Vec<f32>, f64)> = answered.map(read).collect::<anyhow::Result<_>>()?;
    if own.is_empty() {
        return Err(nothing("all of its rows are marked for tests".into()).into());
    }
    Ok(own)
}

fn scores(given: &[(String, f64)]) -> Result<BTreeMap<String, f64>, Error> {
    let mut scores = BTreeMap::new();
    for (task, score) in given {
        if scores.insert(task.clone(), *score).is_some() {
            return Err(Error::BadInput { argument: "scores".into(), problem: format!("{task:?} is given twice") });
        }
    }
    Ok(scores)
}

fn parse_score(text: &str) -> Result<(String, f64), String> {
    let (name, score) = text.split_once('=').ok_or("expected TASK=SCORE")?;
    Ok((name.into(), score.parse().map_err(|e| format!("{score:?}: {e}"))?))
}
