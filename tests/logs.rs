//! Promise: people train from what they have. The same rows give the same router file in every format, logs of decisions
//! are joined with their feedback, memory can be bounded, and machines share the work of embedding.

mod support;

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use support::root;

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pointsman")).args(arguments).current_dir(root().join("tests/data")).output().unwrap()
}

fn out(output: &Output) -> String {
    assert!(output.status.success(), "{}", complaint(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn complaint(output: &Output) -> String {
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!message.contains("panicked"), "{message}");
    message
}

/// One row of a log over the candidates `small` and `large`; `None` is a candidate that did not answer.
struct Row {
    query: String,
    split: &'static str,
    small: f64,
    large: Option<f64>,
}

const USD: [f64; 2] = [0.0001, 0.003];

fn rows(n: usize) -> Vec<Row> {
    let words = ["hello", "prove, that", "write a \"poem\"", "solve\nthe equation", "explain france", "list red things"];
    let row = |i: usize| Row {
        query: format!("{} {i}", words[i % words.len()]),
        split: if i.is_multiple_of(4) { "test" } else { "train" },
        small: if i % words.len() < 3 { 1.0 } else { 0.0 },
        large: (!i.is_multiple_of(7)).then_some(if i.is_multiple_of(9) { 0.5 } else { 1.0 }),
    };
    (0..n).map(row).collect()
}

fn save(path: PathBuf, bytes: impl AsRef<[u8]>) -> String {
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

fn gz(text: &str) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text.as_bytes()).unwrap();
    packed.finish().unwrap()
}

fn jsonl(rows: &[Row]) -> String {
    let line = |row: &Row| {
        let mut line = json!({ "query": row.query, "split": row.split, "dataset": "d", "scores": { "small": row.small }, "costs": { "small": USD[0] } });
        if let Some(large) = row.large {
            line["scores"]["large"] = large.into();
            line["costs"]["large"] = USD[1].into();
        }
        line.to_string() + "\n"
    };
    rows.iter().map(line).collect()
}

/// As RouterBench writes tables: prompts wrapped in lists, flags for scores, empty cells.
fn routerbench(rows: &[Row]) -> String {
    let mut table = csv::Writer::from_writer(Vec::new());
    table
        .write_record([
            "sample_id",
            "prompt",
            "eval_name",
            "split",
            "small",
            "large",
            "small|model_response",
            "small|total_cost",
            "large|total_cost",
        ])
        .unwrap();
    for row in rows {
        let prompt = json!([row.query]).to_string();
        let small = if row.small > 0.0 { "True" } else { "False" };
        let (large, usd) = row.large.map_or(Default::default(), |score| (score.to_string(), USD[1].to_string()));
        table.write_record(["id", &prompt, "d", row.split, small, &large, "an answer,\nof two lines", &USD[0].to_string(), &usd]).unwrap();
    }
    String::from_utf8(table.into_inner().unwrap()).unwrap()
}

/// The values of a Parquet column, with definition and repetition levels where it has any.
enum Values {
    Texts(Vec<String>, Option<Levels>),
    Numbers(Vec<f64>, Option<Levels>),
}

struct Levels {
    definition: Vec<i16>,
    repetition: Option<Vec<i16>>,
}

fn parquet(message: &str, compression: Compression, columns: &[Values]) -> Vec<u8> {
    let properties = WriterProperties::builder().set_compression(compression).set_data_page_row_count_limit(50).build();
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, Arc::new(parse_message_type(message).unwrap()), Arc::new(properties)).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let definition = |levels: &Option<Levels>| levels.as_ref().map(|levels| levels.definition.clone());
    let repetition = |levels: &Option<Levels>| levels.as_ref().and_then(|levels| levels.repetition.clone());
    for values in columns {
        let mut column = group.next_column().unwrap().unwrap();
        match values {
            Values::Texts(texts, levels) => {
                let texts: Vec<ByteArray> = texts.iter().map(|text| text.as_str().into()).collect();
                column.typed::<ByteArrayType>().write_batch(&texts, definition(levels).as_deref(), repetition(levels).as_deref())
            }
            Values::Numbers(numbers, levels) => {
                column.typed::<DoubleType>().write_batch(numbers, definition(levels).as_deref(), repetition(levels).as_deref())
            }
        }
        .unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
    bytes
}

fn texts(rows: &[Row]) -> [Values; 3] {
    let column = |text: &dyn Fn(&Row) -> &str| Values::Texts(rows.iter().map(|row| text(row).to_owned()).collect(), None);
    [column(&|row| &row.query), column(&|row| row.split), column(&|_| "d")]
}

/// What `large` has of a number, which may be nothing.
fn optional(rows: &[Row], number: impl Fn(f64) -> f64) -> Values {
    let definition = rows.iter().map(|row| i16::from(row.large.is_some())).collect();
    Values::Numbers(rows.iter().filter_map(|row| row.large.map(&number)).collect(), Some(Levels { definition, repetition: None }))
}

fn wide_parquet(rows: &[Row], compression: Compression) -> Vec<u8> {
    let message = "message m { required binary prompt (UTF8); required binary split (UTF8); required binary dataset (UTF8);
        required double small; required double small|total_cost; optional double large; optional double large|total_cost; }";
    let [query, split, dataset] = texts(rows);
    let small = |number: &dyn Fn(&Row) -> f64| Values::Numbers(rows.iter().map(number).collect(), None);
    let large = [optional(rows, |score| score), optional(rows, |_| USD[1])].into_iter();
    let columns = [query, split, dataset, small(&|row| row.small), small(&|_| USD[0])].into_iter().chain(large);
    parquet(message, compression, &columns.collect::<Vec<_>>())
}

fn struct_parquet(rows: &[Row]) -> Vec<u8> {
    let message = "message m { required binary query (UTF8); required binary split (UTF8); required binary dataset (UTF8);
        required group scores { required double small; optional double large; }
        required group costs { required double small; optional double large; } }";
    let [query, split, dataset] = texts(rows);
    let small = |number: &dyn Fn(&Row) -> f64| Values::Numbers(rows.iter().map(number).collect(), None);
    let columns =
        [query, split, dataset, small(&|row| row.small), optional(rows, |score| score), small(&|_| USD[0]), optional(rows, |_| USD[1])];
    parquet(message, Compression::SNAPPY, &columns)
}

fn map_parquet(rows: &[Row]) -> Vec<u8> {
    let message = "message m { required binary query (UTF8); required binary split (UTF8); required binary dataset (UTF8);
        required group scores (MAP) { repeated group key_value { required binary key (UTF8); optional double value; } }
        required group costs (MAP) { repeated group key_value { required binary key (UTF8); optional double value; } } }";
    let repetition: Vec<i16> = rows.iter().flat_map(|row| [0].into_iter().chain(row.large.map(|_| 1))).collect();
    let levels = |depth| Some(Levels { definition: vec![depth; repetition.len()], repetition: Some(repetition.clone()) });
    let keys = || rows.iter().flat_map(|row| ["small"].into_iter().chain(row.large.map(|_| "large"))).map(str::to_owned).collect();
    let numbers = |small: &dyn Fn(&Row) -> f64, large: &dyn Fn(f64) -> f64| {
        Values::Numbers(rows.iter().flat_map(|row| [small(row)].into_iter().chain(row.large.map(large))).collect(), levels(2))
    };
    let [query, split, dataset] = texts(rows);
    let (scores, costs) = (numbers(&|row| row.small, &|score| score), numbers(&|_| USD[0], &|_| USD[1]));
    parquet(
        message,
        Compression::UNCOMPRESSED,
        &[query, split, dataset, Values::Texts(keys(), levels(1)), scores, Values::Texts(keys(), levels(1)), costs],
    )
}

/// Trains on logs in `folder`, with its cache; the router file's bytes and what was said.
fn train(folder: &Path, arguments: &[&str]) -> (Vec<u8>, String) {
    let (router, cache) = (folder.join("out.router"), folder.join("cache"));
    let fixed = ["train", "--embedder", "tiny.onnx", "--date", "2026-11-22", "--out", router.to_str().unwrap(), "--cache"];
    let all: Vec<&str> = fixed.iter().copied().chain([cache.to_str().unwrap()]).chain(arguments.iter().copied()).collect();
    let output = run(&all);
    let said = out(&output) + &complaint(&output);
    (std::fs::read(router).unwrap(), said)
}

#[test]
fn the_same_rows_give_the_same_router_file_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let rows = rows(240);
    let table = routerbench(&rows);
    let reference = train(folder, &["--outcomes", &save(folder.join("log.jsonl"), jsonl(&rows))]).0;
    let zstd = Compression::ZSTD(ZstdLevel::default());
    let gzip = Compression::GZIP(Default::default());
    for (name, bytes) in [
        ("log.jsonl.gz", gz(&jsonl(&rows))),
        ("log.csv", table.clone().into_bytes()),
        ("log.CSV.gz", gz(&table)),
        ("snappy.parquet", wide_parquet(&rows, Compression::SNAPPY)),
        ("zstd.parquet", wide_parquet(&rows, zstd)),
        ("gzip.parquet", wide_parquet(&rows, gzip)),
        ("struct.parquet", struct_parquet(&rows)),
        ("map.parquet", map_parquet(&rows)),
    ] {
        assert!(train(folder, &["--outcomes", &save(folder.join(name), bytes)]).0 == reference, "{name} gives another router file");
    }
    // One log in two files of unlike formats.
    let (first, second) = rows.split_at(100);
    let (first, second) = (save(folder.join("1.csv"), routerbench(first)), save(folder.join("2.parquet"), map_parquet(second)));
    assert!(train(folder, &["--outcomes", &first, &second]).0 == reference);
    assert!(train(folder, &["--outcomes", &first, &second, "--jobs", "1"]).0 == reference);
}

#[test]
fn logs_that_cannot_be_used_are_named_by_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let decision = decision_line("a", "why?", "small", 0.5);
    let rows = rows(3);
    let cut = wide_parquet(&rows, Compression::SNAPPY);
    for (name, bytes, expected) in [
        ("no-costs.csv", b"prompt,a,b\nx,1,0\n".to_vec(), &["BAD_LOG", "line 1", "found the columns prompt, a, b"][..]),
        ("score.csv", b"prompt,a,a|total_cost\n\"x\ny\",1,0\nz,good,0\n".to_vec(), &["BAD_LOG", "line 4", "\"good\""]),
        ("ragged.csv", b"prompt,a,a|total_cost\nx,1,0\ny,1\n".to_vec(), &["BAD_LOG", "line 3"]),
        ("cut.parquet", cut[..cut.len() / 2].to_vec(), &["IO", "cut.parquet", "Parquet"]),
        ("unlike.parquet", jsonl(&rows).into_bytes(), &["IO", "unlike.parquet", "Parquet"]),
        ("decisions.jsonl", decision.into_bytes(), &["BAD_LOG", "line 1", "--decisions"]),
    ] {
        let output =
            run(&["embed", "--embedder", "tiny.onnx", "--cache", folder.to_str().unwrap(), "--outcomes", &save(folder.join(name), bytes)]);
        let said = complaint(&output);
        assert!(output.status.code() == Some(1) && expected.iter().all(|part| said.contains(part)), "{name}: {said}");
    }
    let none = run(&["train", "--out", "x", "--date", "2026-11-22"]);
    assert!(none.status.code() == Some(2) && complaint(&none).contains("--outcomes FILE"), "{}", complaint(&none));
}

fn decision_line(id: &str, query: &str, model: &str, propensity: f64) -> String {
    let scores = json!([{ "model": model, "quality": 0.5, "spread": 0.1, "usd": 0.5, "utility": 0.4 }]);
    let decision = json!({ "id": id, "model": model, "reason": "explore", "propensity": propensity, "scores": scores, "usd": 0.5,
        "truncated": false, "ms": 3.5 });
    json!({ "query": query, "decision": decision }).to_string() + "\n"
}

#[test]
fn memory_can_be_bounded_by_a_sample() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let log = save(folder.join("log.jsonl"), jsonl(&rows(240)));
    let (whole, _) = train(folder, &["--outcomes", &log]);
    let (part, said) = train(folder, &["--outcomes", &log, "--max-rows", "120"]);
    assert!(said.contains("a sample of 120 of 240 rows") && part != whole, "{said}");
    assert!(train(folder, &["--outcomes", &log, "--max-rows", "240"]).0 == whole);
    // The order of the files does not matter to which rows are kept.
    let (early, late) = (save(folder.join("1.jsonl"), jsonl(&rows(240)[..90])), save(folder.join("2.jsonl"), jsonl(&rows(240)[90..])));
    let kept = |first: &str, second: &str| {
        let cache = tempfile::tempdir().unwrap();
        let said = train(cache.path(), &["--outcomes", first, second, "--max-rows", "120"]).1;
        (embedded(&cache.path().join("cache")), said)
    };
    assert_eq!(kept(&early, &late).0, kept(&late, &early).0);
}

/// Names and contents of a cache's files.
fn embedded(cache: &Path) -> Vec<(String, Vec<u8>)> {
    let folder = std::fs::read_dir(cache).unwrap().next().unwrap().unwrap().path();
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<(String, Vec<u8>)> =
        files.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).unwrap())).collect();
    files.sort();
    files
}

#[test]
fn machines_share_the_embedding_and_one_fits_the_head() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let rows = rows(240);
    let log = save(folder.join("log.csv"), routerbench(&rows));
    let fill = |cache: &str, arguments: &[&str]| {
        let cache = folder.join(cache);
        let fixed = ["embed", "--embedder", "tiny.onnx", "--cache", cache.to_str().unwrap(), "--outcomes", &log];
        out(&run(&fixed.iter().chain(arguments).copied().collect::<Vec<_>>()))
    };
    let texts = |said: &str| said.split(' ').next().unwrap().parse::<usize>().unwrap();
    let (one, two) = (fill("one", &["--shard", "1/2"]), fill("two", &["--shard", "2/2"]));
    assert!(texts(&one) + texts(&two) == 240 && texts(&one) > 80 && texts(&two) > 80, "{one}{two}");
    for (from, machine) in [("one", "a"), ("two", "b")] {
        let from = folder.join(from);
        for (name, bytes) in embedded(&from) {
            let fingerprint = std::fs::read_dir(&from).unwrap().next().unwrap().unwrap().file_name();
            let to = folder.join("cache").join(fingerprint);
            std::fs::create_dir_all(&to).unwrap();
            std::fs::write(to.join(&name), bytes).unwrap_or_else(|e| panic!("{machine}: {e}"));
        }
    }
    let merged = embedded(&folder.join("cache"));
    assert_eq!(fill("cache", &[]).split(':').nth(1).unwrap().split(',').next().unwrap(), " 0 embedded");
    let (router, _) = train(folder, &["--outcomes", &log]);
    assert_eq!(embedded(&folder.join("cache")), merged, "training embedded texts anew");
    let alone = tempfile::tempdir().unwrap();
    assert!(train(alone.path(), &["--outcomes", &log]).0 == router);
    for bad in ["0/2", "3/2", "half", "1/0"] {
        assert_eq!(run(&["embed", "--outcomes", &log, "--shard", bad]).status.code(), Some(2), "{bad}");
    }
}
