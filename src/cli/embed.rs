//! `pointsman embed`

use super::cache::{self, Cache, Key};
use super::logs::LogArgs;
use super::sample::Sample;
use super::{DEFAULT_EMBEDDER, JobsArgs, open_embedder, prompts};
use anyhow::Context;
use indicatif::ProgressBar;
use pointsman::embedder::Embedder;
use pointsman::train::Split;
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

/// Turn lines of standard input that are not blank into unit vectors, one JSON list a line; or, of logs that are named, fill
/// the cache that `train` and `evaluate` read.
#[derive(clap::Args)]
pub struct Args {
    #[arg(long, default_value = DEFAULT_EMBEDDER)]
    embedder: PathBuf,
    /// Each input line is a JSON string or a JSON list of chat messages.
    #[arg(long, conflicts_with_all = ["outcomes", "decisions"])]
    jsonl: bool,
    #[command(flatten)]
    logs: LogArgs,
    /// Only this part of the texts, such as 2/8: so that eight machines share the work. Their caches merge by copying files.
    #[arg(long, value_parser = parse_shard)]
    shard: Option<Shard>,
    /// Where embeddings are kept.
    #[arg(long, default_value_os_t = cache::default_folder())]
    cache: PathBuf,
    #[command(flatten)]
    jobs: JobsArgs,
}

/// One part of so many, counted from one.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Shard {
    part: u64,
    of: u64,
}

impl Shard {
    /// By the text's hash, so that a text is in one part wherever and however often it is logged.
    fn holds(self, key: &Key) -> bool {
        cache::number(key) % self.of == self.part - 1
    }
}

/// Texts that are embedded together: enough to keep many threads busy, few enough to hold.
const BATCH: usize = 4096;

pub fn run(args: &Args) -> anyhow::Result<()> {
    args.jobs.start()?;
    if args.logs.outcomes.is_empty() && args.logs.decisions.is_empty() {
        if args.shard.is_some() {
            args.logs.check()?;
        }
        return print(args);
    }
    fill(args)
}

fn print(args: &Args) -> anyhow::Result<()> {
    let (tokenizer, embedder) = open_embedder(&args.embedder)?;
    for numbered in prompts::each(args.jsonl.then_some(Path::new("-")))? {
        let (line, prompt) = numbered?;
        let text = prompt.text().with_context(|| format!("line {line}"))?;
        let embedding = embedder.embed(&tokenizer.encode_mended(&text))?;
        say!("{}", serde_json::to_string(embedding.as_slice())?);
    }
    Ok(())
}

/// Also embeds what `train` will look at: some prompts with small edits in them.
/// Memory: 32 bytes for every text, the texts of one batch, and those of the sample.
fn fill(args: &Args) -> anyhow::Result<()> {
    let (tokenizer, embedder) = open_embedder(&args.embedder)?;
    let cache = Cache::open(&args.cache, &tokenizer, &embedder)?;
    let mut cached = HashSet::new();
    cache.each_record(&mut |key, _| {
        cached.insert(key);
        Ok(())
    })?;
    let (mut own, mut fresh, mut sample) = (HashSet::new(), 0, Sample::new());
    let mut batch: Vec<(Key, String)> = Vec::new();
    let mut flush = |batch: &mut Vec<(Key, String)>| -> anyhow::Result<()> {
        fresh += batch.len();
        cache.embed(batch.iter().map(|(key, text)| (*key, text.as_str())).collect(), &ProgressBar::hidden())?;
        batch.clear();
        Ok(())
    };
    args.logs.each(&mut |_, entry| {
        if entry.split != Some(Split::Test) {
            sample.offer(&entry.query, ());
        }
        let key = cache::key(&entry.query);
        let is_new = args.shard.is_none_or(|shard| shard.holds(&key)) && own.insert(key);
        if is_new && !cached.contains(&key) {
            batch.push((key, entry.query));
        }
        if batch.len() == BATCH { flush(&mut batch) } else { Ok(()) }
    })?;
    flush(&mut batch)?;
    let is_own = |key: &Key| args.shard.is_none_or(|shard| shard.holds(key)) && !cached.contains(key) && !own.contains(key);
    let edited = sample.edited().map(|(text, ())| (cache::key(&text), text));
    let edited: BTreeMap<Key, String> = edited.filter(|(key, _)| is_own(key)).collect();
    cache.embed(edited.iter().map(|(key, text)| (*key, text.as_str())).collect(), &ProgressBar::hidden())?;
    let (all, known) = (own.len(), own.len() - fresh);
    say!("{all} texts: {fresh} embedded, {known} were in {}; {} embedded with small edits", args.cache.display(), edited.len());
    Ok(())
}

fn parse_shard(text: &str) -> Result<Shard, String> {
    let parse = || {
        let (part, of) = text.split_once('/')?;
        let shard = Shard { part: part.parse().ok()?, of: of.parse().ok()? };
        (1..=shard.of).contains(&shard.part).then_some(shard)
    };
    parse().ok_or_else(|| "expected PART/OF, such as 1/8 up to 8/8".into())
}
