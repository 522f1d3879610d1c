//! The command line: one file per verb. The only code that opens files.

/// `println!` that reports a closed pipe as an error instead of panicking on it.
macro_rules! say {
    ($($argument:tt)*) => {
        std::io::Write::write_fmt(&mut std::io::stdout(), format_args!("{}\n", format_args!($($argument)*)))?
    };
}

mod assign;
mod cache;
mod catalog;
mod embed;
mod embedder;
mod evaluate;
mod inspect;
mod logs;
mod prompts;
mod report;
mod route;
mod sample;
mod sign;
mod train;

use anyhow::Context;
use clap::{Parser, Subcommand};
use pointsman::artifact::RouterFile;
use pointsman::embedder::{EmbedderFile, GraphEmbedder};
use pointsman::error::Error;
use pointsman::router::{Router, load_embedder};
use pointsman::tokenizer::Tokenizer;
use std::path::{Path, PathBuf};

const DEFAULT_ROUTER: &str = "models/default.router";
const DEFAULT_EMBEDDER: &str = "models/minilm-l6-v2.onnx";

/// Decides which language model a prompt should go to.
#[derive(Parser)]
#[command(version, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Route(route::Args),
    Assign(assign::Args),
    Train(train::Args),
    Evaluate(evaluate::Args),
    #[command(subcommand)]
    Catalog(catalog::Verb),
    Embed(embed::Args),
    Inspect(inspect::Args),
    Sign(sign::SignArgs),
    Verify(sign::VerifyArgs),
    #[command(subcommand)]
    Embedder(embedder::Verb),
}

impl Cli {
    /// Runs the verb; its result goes to standard output.
    pub fn run(self) -> anyhow::Result<()> {
        match self.verb {
            Verb::Route(args) => route::run(&args),
            Verb::Assign(args) => assign::run(&args),
            Verb::Train(args) => train::run(&args),
            Verb::Evaluate(args) => evaluate::run(&args),
            Verb::Catalog(verb) => catalog::run(&verb),
            Verb::Embed(args) => embed::run(&args),
            Verb::Inspect(args) => inspect::run(&args),
            Verb::Sign(args) => sign::sign(&args),
            Verb::Verify(args) => sign::verify(&args),
            Verb::Embedder(verb) => embedder::run(&verb),
        }
    }
}

/// 2 where the call was wrong, 1 where it failed.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    match error.downcast_ref::<Error>() {
        Some(Error::BadInput { .. }) => 2,
        _ => 1,
    }
}

/// Whether the reader of our output went away, as `head` does: no failure of ours.
pub fn reader_left(error: &anyhow::Error) -> bool {
    let broken = |e: &std::io::Error| e.kind() == std::io::ErrorKind::BrokenPipe;
    error.downcast_ref::<std::io::Error>().is_some_and(broken)
}

/// `code: message`, where the error has a code.
pub fn describe(error: &anyhow::Error) -> String {
    let mut told = Vec::new();
    for cause in error.chain() {
        told.push(cause.to_string());
        if let Some(known) = cause.downcast_ref::<Error>() {
            // It has said what its own cause was.
            return format!("{}: {}", known.code(), told.join(": "));
        }
    }
    told.join(": ")
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let advice = [(DEFAULT_ROUTER, "--router"), (DEFAULT_EMBEDDER, "--embedder")];
    let option = advice.into_iter().find(|(default, _)| path == Path::new(default) && !path.exists());
    let instead = option.map_or(String::new(), |(_, option)| format!("; give {option}, or run from the repository's root"));
    std::fs::read(path).map_err(|source| Error::Io { what: format!("cannot read {}{instead}", path.display()), source }.into())
}

/// Says early that a file cannot be written, before hours of work are lost by it.
fn check_folder(path: &Path) -> anyhow::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    match folder.filter(|folder| !folder.is_dir()) {
        Some(folder) => {
            let problem = format!("there is no folder {}; make it first", folder.display());
            Err(Error::BadInput { argument: path.display().to_string(), problem }.into())
        }
        None => Ok(()),
    }
}

/// Writes beside the target and renames, so that a failure leaves nothing half-written.
fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let partial = PathBuf::from(format!("{}.partial-{}", path.display(), std::process::id()));
    let written = std::fs::write(&partial, bytes).and_then(|()| std::fs::rename(&partial, path));
    written.map_err(|source| {
        // The first error is the one to report; the partial file may not even exist.
        let _ = std::fs::remove_file(&partial);
        Error::Io { what: format!("cannot write {}", path.display()), source }.into()
    })
}

/// Writes a router file and says so.
fn write_router(path: &Path, file: &RouterFile) -> anyhow::Result<()> {
    let bytes = file.to_bytes()?;
    write(path, &bytes)?;
    say!("{}: {} candidates, {} bytes", path.display(), file.catalog.len(), bytes.len());
    Ok(())
}

/// In percent; what is a share of nothing has no number.
fn share(part: f64) -> String {
    if part.is_finite() { format!("{:.1}%", 100.0 * part) } else { "n/a".into() }
}

fn check_fingerprint(file: &RouterFile, found: &str) -> anyhow::Result<()> {
    if file.provenance.embedder == found {
        return Ok(());
    }
    let expected = file.provenance.embedder.clone();
    Err(Error::Mismatch { part: "embedder".into(), expected, found: found.into() }.into())
}

/// The two files of a router.
#[derive(clap::Args)]
struct RouterArgs {
    #[arg(long, default_value = DEFAULT_ROUTER)]
    router: PathBuf,
    #[arg(long, default_value = DEFAULT_EMBEDDER)]
    embedder: PathBuf,
}

impl RouterArgs {
    fn load(&self, seed: u64) -> anyhow::Result<Router> {
        Router::load(&read(&self.router)?, &read(&self.embedder)?, seed)
            .with_context(|| format!("{} with {}", self.router.display(), self.embedder.display()))
    }
}

/// How many threads work.
#[derive(clap::Args)]
struct JobsArgs {
    /// Threads to work with; without it, one for each processor. The result is the same with any number.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
}

impl JobsArgs {
    /// Starts them. To be called once, before any work.
    fn start(&self) -> anyhow::Result<()> {
        let threads = self.jobs.map_or(0, usize::from);
        rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().context("cannot start threads")
    }
}

fn open_embedder(path: &Path) -> anyhow::Result<(Tokenizer, GraphEmbedder)> {
    let file = EmbedderFile::parse(read(path)?).with_context(|| path.display().to_string())?;
    load_embedder(file).with_context(|| path.display().to_string())
}

fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    say!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}
