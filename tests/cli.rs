//! Promise: the command line does what it says, fails with a code, and leaves nothing half-written.

mod support;

use serde_json::Value;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use support::root;

fn run_with(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_pointsman"))
        .args(arguments)
        .current_dir(root().join("tests/data"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that fails early closes its input; that is not this test's concern.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn run(arguments: &[&str]) -> Output {
    run_with(arguments, "")
}

fn out(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Exit code and the stable code on standard error.
fn failure(output: &Output) -> (i32, String) {
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!message.contains("panicked"), "{message}");
    let code = message.strip_prefix("pointsman: ").and_then(|m| m.split(':').next()).unwrap_or(&message).to_owned();
    (output.status.code().unwrap(), code)
}

const TINY: [&str; 4] = ["--router", "tiny.router", "--embedder", "tiny.onnx"];

fn route(arguments: &[&str]) -> Vec<String> {
    ["route"].iter().chain(&TINY).chain(arguments).map(|s| (*s).to_owned()).collect()
}

fn routed(arguments: &[&str], input: &str) -> Output {
    let arguments = route(arguments);
    run_with(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), input)
}

#[test]
fn route_prints_the_choice_first() {
    let text = out(&routed(&["hello", "--cost-weight", "0"], ""));
    let first = text.split_whitespace().next().unwrap();
    assert!(["small", "medium", "large"].contains(&first), "{text}");
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(text.contains(&format!("> {first}")), "{text}");
}

#[test]
fn route_json_answers_every_line() {
    let decisions = out(&routed(&["--json"], "hello\n\nwhy is it so?\n \n"));
    let decisions: Vec<Value> = decisions.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(decisions.len(), 2);
    assert!(decisions.iter().all(|d| d["model"].is_string() && d["scores"].as_array().unwrap().len() == 3 && d["ms"].is_f64()));
    let chats = "\"hello\"\n[{\"role\":\"user\",\"content\":\"hello\"}]\n";
    let decisions = out(&routed(&["--json", "--jsonl", "-"], chats));
    let scores: Vec<Value> = decisions.lines().map(|l| serde_json::from_str::<Value>(l).unwrap()["scores"].clone()).collect();
    assert_eq!(scores[0], scores[1]);
}

#[test]
fn embed_writes_unit_vectors() {
    let text = out(&run_with(&["embed", "--embedder", "tiny.onnx"], "hello\nworld\n"));
    for line in text.lines() {
        let vector: Vec<f32> = serde_json::from_str(line).unwrap();
        assert!((vector.iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 1e-5 && vector.len() == 32);
    }
    assert_eq!(text.lines().count(), 2);
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let binary = env!("CARGO_BIN_EXE_pointsman");
    let script =
        format!("yes hello | {binary} route --router tiny.router --embedder tiny.onnx --json | head -n 1; echo ${{PIPESTATUS[1]}}");
    let output = Command::new("bash").args(["-c", &script]).current_dir(root().join("tests/data")).output().unwrap();
    let (text, complaints) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(text.ends_with("\n0\n") && !complaints.contains("pointsman"), "{text}{complaints}");
}

#[test]
fn inspect_tells_both_files_apart() {
    let router: Value = serde_json::from_str(&out(&run(&["inspect", "tiny.router", "--json"]))).unwrap();
    let embedder: Value = serde_json::from_str(&out(&run(&["embedder", "inspect", "tiny.onnx", "--json"]))).unwrap();
    assert_eq!(router["provenance"]["embedder"], embedder["fingerprint"]);
    assert_eq!((&embedder["width"], &embedder["weights"]), (&32.into(), &"int8".into()));
    assert!(embedder["gpu"].as_str().unwrap().ends_with("bytes of encoder"));
    assert!(out(&run(&["inspect", "tiny.router"])).contains("best single candidate: large"));
    assert_eq!(failure(&run(&["inspect", "tiny.onnx"])), (1, "BAD_ARTIFACT".into()));
    assert_eq!(failure(&run(&["embedder", "inspect", "tiny.router"])), (1, "BAD_ARTIFACT".into()));
}

#[test]
fn wrong_calls_exit_with_two_and_failures_with_one() {
    assert_eq!(failure(&routed(&[""], "")), (2, "BAD_INPUT".into()));
    assert_eq!(failure(&routed(&["hello", "--cost-weight", "NaN"], "")), (2, "BAD_INPUT".into()));
    assert_eq!(failure(&routed(&["hello", "--allow", "nobody"], "")), (2, "BAD_INPUT".into()));
    assert_eq!(failure(&routed(&["hello", "--max-usd", "0"], "")), (1, "NO_ELIGIBLE".into()));
    assert_eq!(failure(&routed(&["hello", "--min-quality", "1"], "")), (1, "INFEASIBLE".into()));
    assert_eq!(failure(&routed(&["--jsonl", "-"], "not json\n")), (2, "BAD_INPUT".into()));
    assert_eq!(failure(&run_with(&["embed", "--embedder", "tiny.onnx", "--jsonl"], "not json\n")), (2, "BAD_INPUT".into()));
    assert_eq!(failure(&run(&["route", "hello", "--router", "absent"])), (1, "IO".into()));
    for usage in [&["frobnicate"][..], &["route", "--unknown"], &["route", "x", "--cost-weight", "1", "--min-quality", "1"], &["train"]] {
        assert_eq!(run(usage).status.code(), Some(2), "{usage:?}");
    }
}

fn outcomes(folder: &Path, rows: usize, tail: &str) -> String {
    let words = ["hello", "prove that", "write a poem", "solve the equation", "explain france", "list red things"];
    let line = |i: usize| {
        let (word, split) = (words[i % words.len()], if i.is_multiple_of(4) { "test" } else { "train" });
        let (small, large) = (u8::from(i % words.len() < 3), u8::from(!i.is_multiple_of(9)));
        format!(
            "{{\"query\":\"{word} {i}\",\"split\":\"{split}\",\"scores\":{{\"small\":{small},\"large\":{large}}},\"costs\":{{\"small\":0.0001,\"large\":0.003}}}}\n"
        )
    };
    let path = folder.join("outcomes.jsonl");
    std::fs::write(&path, (0..rows).map(line).collect::<String>() + tail).unwrap();
    path.to_string_lossy().into_owned()
}

fn train(folder: &Path, outcomes: &str, date: &str) -> Output {
    let (out, cache) = (folder.join("out.router"), folder.join("cache"));
    run(&[
        "train",
        "--outcomes",
        outcomes,
        "--embedder",
        "tiny.onnx",
        "--out",
        out.to_str().unwrap(),
        "--cache",
        cache.to_str().unwrap(),
        "--date",
        date,
    ])
}

#[test]
fn train_then_evaluate_then_route() {
    let folder = tempfile::tempdir().unwrap();
    let log = outcomes(folder.path(), 240, "");
    assert!(out(&train(folder.path(), &log, "2026-11-22")).contains("best single candidate large"));
    let router = folder.path().join("out.router");
    let first = std::fs::read(&router).unwrap();
    out(&train(folder.path(), &log, "2026-11-22"));
    assert!(std::fs::read(&router).unwrap() == first, "training again, from the cache, gives other bytes");

    let (router, cache, json) = (router.to_str().unwrap(), folder.path().join("cache"), folder.path().join("report.json"));
    let arguments = [
        "evaluate",
        "--outcomes",
        &log,
        "--embedder",
        "tiny.onnx",
        "--router",
        router,
        "--cache",
        cache.to_str().unwrap(),
        "--json",
        json.to_str().unwrap(),
        "--stability",
        "10",
    ];
    let text = out(&run(&arguments));
    for row in ["router", "best single (large)", "random", "zero router", "oracle", "AIQ", "ways to route", "kNN", "a polite prefix"] {
        assert!(text.contains(row), "{row} is missing from {text}");
    }
    let report: Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    let score = |name: &str| report[name]["score"].as_f64().unwrap();
    assert_eq!(report["rows"], 60);
    for list in ["baselines", "bands", "costWeights", "stability"] {
        assert!(report[list].as_array().is_some_and(|list| !list.is_empty()), "{list}");
    }
    assert!(report["front"]["hypervolumeTrue"].is_f64() && report["baselines"][0]["points"][0]["usd"].is_f64());
    assert!(report["stability"].as_array().unwrap().iter().all(|edit| edit["rows"].as_u64().unwrap() <= 10));
    assert!(score("oracle") >= score("router") && score("oracle") >= score("bestSingle"));
    assert!(out(&run(&["route", "hello", "--embedder", "tiny.onnx", "--router", router])).contains("small"));
}

#[test]
fn a_failed_training_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let log = outcomes(folder.path(), 40, "this is not JSON\n");
    let failed = train(folder.path(), &log, "2026-11-22");
    assert_eq!(failed.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&failed.stderr).contains("line 41"));
    let good = outcomes(folder.path(), 40, "");
    assert_eq!(failure(&train(folder.path(), &good, "yesterday")), (2, "BAD_INPUT".into()));
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["outcomes.jsonl"]);
}

#[test]
fn assign_plans_a_batch_within_its_budget() {
    let assign = |arguments: &[&str], input: &str| {
        let all: Vec<&str> = ["assign"].iter().chain(&TINY).chain(arguments).copied().collect();
        run_with(&all, input)
    };
    let prompts = "hello\nWhat is the capital of France?\nProve it.\n";
    let picks = out(&assign(&["--cost-weight", "0"], prompts));
    assert_eq!(picks.lines().count(), 3, "{picks}");
    let plan: Value = serde_json::from_str(&out(&assign(&["--min-quality", "0", "--json"], prompts))).unwrap();
    let frontier = plan["frontier"].as_array().unwrap();
    assert_eq!((&plan["usd"], plan["picks"].as_array().unwrap().len()), (&frontier[0]["usd"], 3));
    let budget = frontier[frontier.len() - 1]["usd"].to_string();
    assert_eq!(out(&assign(&["--budget-usd", &budget], prompts)), picks);
    assert_eq!(failure(&assign(&["--budget-usd", "0"], prompts)), (1, "INFEASIBLE".into()));
    assert_eq!(failure(&assign(&["--budget-usd", "1"], "")), (2, "BAD_INPUT".into()));
    assert_eq!(assign(&[], prompts).status.code(), Some(2));
}
