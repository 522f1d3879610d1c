//! Promise: from a log to a router file and on to another line-up, the command says what it did and what it could not do.

mod support;

use pointsman::artifact::RouterFile;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Command, Output};
use support::root;
use tempfile::TempDir;

/// A folder to work in, and the options that every run needs.
struct Bench(TempDir);

impl Bench {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn save(&self, name: &str, text: &str) -> &Self {
        std::fs::write(self.path(name), text).unwrap();
        self
    }

    /// Runs a verb in the folder; `{embedder}` stands for the tiny one's place.
    fn run(&self, line: &str) -> Output {
        let embedder = root().join("tests/data/tiny.onnx");
        let words = line.split_whitespace().map(|word| if word == "{embedder}" { embedder.to_str().unwrap() } else { word });
        Command::new(env!("CARGO_BIN_EXE_pointsman"))
            .args(words)
            .current_dir(self.0.path())
            .env("XDG_CACHE_HOME", self.0.path())
            .output()
            .unwrap()
    }

    fn train(&self, more: &str) -> Output {
        self.run(&format!("train --embedder {{embedder}} --date 2026-11-29 --out out.router {more}"))
    }

    fn evaluate(&self, more: &str) -> Output {
        self.run(&format!("evaluate --embedder {{embedder}} --router out.router {more}"))
    }

    fn router(&self, name: &str) -> RouterFile {
        RouterFile::parse(&std::fs::read(self.path(name)).unwrap()).unwrap()
    }
}

fn complaint(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(!text.contains("panicked"), "{text}");
    text
}

fn told(output: &Output) -> String {
    assert!(output.status.success(), "{}", complaint(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The call was wrong, and the message holds all of these.
fn refused(output: &Output, parts: &[&str]) {
    let message = complaint(output);
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.starts_with("pointsman: BAD_INPUT: ") && parts.iter().all(|part| message.contains(part)), "{message}");
}

/// Rows of `small` and `large`, which cost so much, over two tasks. `small` is right on the sums alone.
fn log(rows: usize, usd: [f64; 2]) -> String {
    let line = |i: usize| {
        let task = ["sums", "proofs"][i % 2];
        let split = if i.is_multiple_of(5) { "test" } else { "train" };
        let scores = json!({ "small": u8::from(task == "sums"), "large": u8::from(!i.is_multiple_of(9)) });
        let costs = json!({ "small": usd[0], "large": usd[1] });
        let query = format!("{} {i}", if task == "sums" { "hello" } else { "prove that" });
        json!({ "query": query, "split": split, "dataset": "d", "task": task, "scores": scores, "costs": costs }).to_string() + "\n"
    };
    (0..rows).map(line).collect()
}

const USD: [f64; 2] = [0.0001, 0.003];

fn trained() -> Bench {
    let bench = Bench::new();
    bench.save("log.jsonl", &log(200, USD));
    told(&bench.train("--outcomes log.jsonl"));
    bench
}

#[test]
fn candidates_may_be_free() {
    let bench = Bench::new();
    bench.save("log.jsonl", &log(200, [0.0, 0.0]));
    let curve = told(&bench.train("--outcomes log.jsonl --learning-curve"));
    assert!(curve.contains("n/a") && !curve.contains("NaN"), "{curve}");
    assert_eq!(bench.router("out.router").dials.cost_scale, 1.0);
    told(&bench.run("inspect out.router"));
    let text = told(&bench.evaluate("--outcomes log.jsonl --json all.json --splits 5"));
    assert!(text.contains("cost saved    n/a on average"), "{text}");
    assert!(text.contains("cost saved    none: the best single candidate costs nothing") && !text.contains("NaN"), "{text}");
    let all: Value = serde_json::from_slice(&std::fs::read(bench.path("all.json")).unwrap()).unwrap();
    assert!(all["costSaved"]["value"].is_null() && all["aiq"]["router"].is_f64(), "{all}");
}

#[test]
fn prompts_that_are_all_one_teach_nothing() {
    let bench = Bench::new();
    let rows = log(100, USD);
    let one = rows.lines().map(|line| {
        let mut row: Value = serde_json::from_str(line).unwrap();
        row["query"] = "hello".into();
        row.to_string() + "\n"
    });
    bench.save("log.jsonl", &one.collect::<String>());
    refused(&bench.train("--outcomes log.jsonl"), &["too few different prompts"]);
}

#[test]
fn price_lists_are_read_or_said_to_be_useless() {
    let bench = Bench::new();
    bench.save("log.jsonl", &log(200, USD));
    let prices = |list: Value| {
        bench.save("prices.json", &list.to_string());
        bench.train("--outcomes log.jsonl --prices prices.json")
    };
    let both = json!({ "usdPerMtokIn": 3.0, "usdPerMtokOut": 4.0 });
    let output = prices(json!({ "small": { "usd_per_mtok_in": 1.0, "usd_per_mtok_out": 2.0 }, "large": both }));
    assert!(!complaint(&output).contains("no list price"), "{}", complaint(&output));
    let file = bench.router("out.router");
    let listed: Vec<(f64, f64)> = file.catalog.candidates().iter().map(|c| (c.usd_per_mtok_in, c.usd_per_mtok_out)).collect();
    assert_eq!(listed, [(1.0, 2.0), (3.0, 4.0)]);
    let output = prices(json!({ "smal": { "usd_per_mtok_in": 1.0, "usd_per_mtok_out": 2.0 }, "large": both }));
    assert!(complaint(&output).contains("no list price of small: fitted to what its calls cost; the lists have smal"));
    refused(&prices(json!({ "small": { "usd_per_mtok_in": 1.0 } })), &["\"small\" has one price of two", "usd_per_mtok_out"]);
    refused(&prices(json!({ "small": { "usd_per_mtok_in": -1.0, "usd_per_mtok_out": 1.0 } })), &["a price is negative"]);
    // Of a list with other names, after which the rename makes sense of it.
    let output = prices(json!({ "other": { "usd_per_mtok_in": 1.0, "usd_per_mtok_out": 2.0 }, "large": both }));
    assert!(complaint(&output).contains("the lists have other"));
    told(&bench.train("--outcomes log.jsonl --prices prices.json --rename other=small"));
    assert_eq!(bench.router("out.router").catalog.candidates()[0].usd_per_mtok_out, 2.0);
}

#[test]
fn what_training_is_told_is_what_the_file_holds() {
    let bench = Bench::new();
    bench.save("log.jsonl", &log(300, USD));
    told(&bench.train("--outcomes log.jsonl --calibration 0.4 --epsilon 0.2 --delta 0.3 --far 0.1 --head ridge --candidates large,small"));
    let file = bench.router("out.router");
    let ids: Vec<&str> = file.catalog.candidates().iter().map(|c| c.id.as_str()).collect();
    let proven = file.dials.guarantee.unwrap();
    assert_eq!((ids, proven.epsilon, proven.delta), (vec!["large", "small"], 0.2, 0.3));
    assert!((60..140).contains(&proven.rows), "{}", proven.rows);
    assert!(told(&bench.run("inspect out.router")).contains("Identity head"));
    let text = told(&bench.train("--outcomes log.jsonl --learning-curve --json curve.json"));
    assert!(text.contains("learning curve at the default dial, on 60 test rows"), "{text}");
    told(&bench.train("--outcomes log.jsonl --bandit-form 3"));
    for (wrong, part) in [("--epsilon 1", "below 1"), ("--date 2026-13-01", "no day"), ("--candidates small,small", "appears twice")] {
        let line = format!("train --embedder {{embedder}} --out out.router --outcomes log.jsonl {wrong}");
        let date = if wrong.contains("--date") { "" } else { " --date 2026-11-29" };
        refused(&bench.run(&(line + date)), &[part]);
    }
    refused(&bench.run("train --embedder {embedder} --date 2026-11-29 --out no/out.router --outcomes log.jsonl"), &["no folder no"]);
}

#[test]
fn a_budget_has_its_cost_weight() {
    let bench = trained();
    let told_for = |usd: f64| told(&bench.run(&format!("inspect out.router --json --budget-usd {usd}")));
    let file: Value = serde_json::from_str(&told_for(0.001)).unwrap();
    let (budget, knots) = (&file["budget"], file["dials"]["knots"].as_array().unwrap());
    let rate = budget["costWeight"].as_f64().unwrap() / file["dials"]["costScale"].as_f64().unwrap();
    let affordable = knots.iter().find(|knot| knot["usd"].as_f64().unwrap() <= 0.001).unwrap();
    assert!(rate > 0.0 && rate <= affordable["lambda"].as_f64().unwrap(), "{budget}");
    assert!(budget["usd"].as_f64().unwrap() <= 0.001);
    let text = told(&bench.run("inspect out.router --budget-usd 0.001"));
    assert!(text.contains("per 1,000 calls: costWeight") && text.contains("\n> costWeight"), "{text}");
    let output = bench.run("inspect out.router --budget-usd 0.00000001");
    assert_eq!(output.status.code(), Some(1));
    assert!(complaint(&output).contains("INFEASIBLE") && complaint(&output).contains("at least"), "{}", complaint(&output));
}

#[test]
fn several_candidates_are_placed_at_once() {
    let bench = trained();
    let listed = told(&bench.run("catalog list --router out.router"));
    assert!(listed.contains("tasks that place a new candidate: ") && listed.contains("d/sums") && listed.contains("d/proofs"), "{listed}");
    let one = "catalog add --router out.router --out one.router --id new --price-in 1 --price-out 2";
    assert!(told(&bench.run(&format!("{one} --scores sums=80,proofs=0.4"))).contains("new is expected to score"));
    assert_eq!(bench.router("one.router").catalog.len(), 3);
    // Beside it nothing more can be placed; beside those of training, several at once.
    let second = bench.run("catalog add --router one.router --out x --id more --price-in 1 --price-out 2 --scores sums=50");
    refused(&second, &["\"more\"", "place all new candidates at once"]);
    let lineup = json!([
        { "id": "large", "usdPerMtokIn": 9.0 },
        { "id": "new", "usdPerMtokIn": 1.0, "usdPerMtokOut": 2.0, "scores": { "sums": 80, "proofs": 0.4 } },
        { "id": "more", "usdPerMtokIn": 0.5, "usdPerMtokOut": 1.0, "scores": { "d": 30 } },
    ]);
    bench.save("lineup.json", &lineup.to_string());
    let text = told(&bench.run("catalog set --router out.router --out two.router --candidates lineup.json"));
    assert!(text.contains("3 candidates") && text.contains("no tasks"), "{text}");
    let (one, two) = (bench.router("one.router"), bench.router("two.router"));
    assert_eq!(two.catalog.candidates()[0].usd_per_mtok_in, 9.0);
    assert_eq!(two.dials.means[1], one.dials.means[2], "placed as it was alone");
    told(&bench.run("inspect two.router"));
    told(&bench.run("route --embedder {embedder} --router two.router hello"));
}

#[test]
fn candidates_that_cannot_be_placed_are_refused() {
    let bench = trained();
    let add = |more: &str| bench.run(&format!("catalog add --embedder {{embedder}} --router out.router --out x --id new {more}"));
    let prices = "--price-in 1 --price-out 2";
    refused(&add(&format!("{prices} --scores sums=1,sums=90")), &["\"sums\" is given twice"]);
    refused(&add(&format!("{prices} --outcomes log.jsonl")), &["no outcome of \"new\"", "large, small"]);
    refused(&add("--price-in=-1 --price-out 2 --scores sums=1"), &["a price is negative"]);
    bench.save("lineup.json", "[{\"id\": \"small\", \"price\": 1}]");
    refused(&bench.run("catalog set --router out.router --out x --candidates lineup.json"), &["lineup.json", "unknown field `price`"]);
    assert!(!bench.path("x").exists());
}

#[test]
fn evaluation_tells_what_it_lacks() {
    let bench = trained();
    bench.save("train.jsonl", &log(100, USD).replace("\"test\"", "\"train\""));
    refused(&bench.evaluate("--outcomes train.jsonl"), &["--test-share", "--split all"]);
    told(&bench.evaluate("--outcomes train.jsonl --split all"));
    bench.save("other.jsonl", &log(100, USD).replace("\"large\"", "\"huge\""));
    refused(&bench.evaluate("--outcomes other.jsonl"), &["the log knows huge, small", "--rename NAME=large"]);
    told(&bench.evaluate("--outcomes other.jsonl --rename huge=large"));
    refused(&bench.evaluate("--outcomes log.jsonl --report no/where.html"), &["no folder no"]);
    let decision = json!({ "query": "hello", "decision": { "id": "a", "model": "small", "propensity": 0.5, "usd": 0.1 } });
    bench.save("decisions.jsonl", &format!("{decision}\n{{\"id\":\"a\",\"score\":1}}\n"));
    for asked in ["--report x.html", "--splits 5", "--online", "--stability 5"] {
        refused(&bench.evaluate(&format!("--decisions decisions.jsonl --split all {asked}")), &["needs rows of --outcomes"]);
    }
    told(&bench.evaluate("--decisions decisions.jsonl --split all"));
    told(&bench.evaluate("--decisions decisions.jsonl --outcomes log.jsonl --split all --report both.html"));
    assert!(std::fs::read_to_string(bench.path("both.html")).unwrap().contains("Estimated from logged decisions"));
}
