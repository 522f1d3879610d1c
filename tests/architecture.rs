//! Promise: data flows one way. The import rule and the fences of the plan of record hold in every file.

mod support;

use std::path::{Path, PathBuf};
use support::root;

/// A module imports only from its left.
const ORDER: &[&str] = &[
    "error",
    "random",
    "rest",
    "symmetric",
    "catalog",
    "prompt",
    "tokenizer",
    "language",
    "embedder",
    "features",
    "head",
    "policy",
    "assign",
    "bandit",
    "placing",
    "artifact",
    "router",
    "train",
    "evaluate",
    "wasm",
    "cli",
];

/// A word, and the only places that may say it.
const FENCES: &[(&str, &[&str])] = &[
    ("tract_", &["embedder/"]),
    ("prost", &["embedder/"]),
    ("wasm_bindgen", &["wasm.rs"]),
    ("js_sys", &["wasm.rs"]),
    ("web_sys", &["wasm.rs"]),
    ("std::fs", &["cli.rs", "cli/"]),
    ("clap", &["main.rs", "cli.rs", "cli/"]),
    ("anyhow", &["cli.rs", "cli/"]),
    ("maud", &["cli/report.rs", "cli/report/"]),
    ("plotters", &["cli/report/"]),
    ("target_arch", &["lib.rs", "embedder.rs", "embedder/kernel.rs", "embedder/kernel/"]),
    ("unsafe", &["embedder/kernel.rs", "embedder/kernel/"]),
];

const FILE_LINES: usize = 400;
const FUNCTION_LINES: usize = 40;

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.flat_map(|p| if p.is_dir() { sources(&p) } else { vec![p] }).filter(|p| p.extension().is_some_and(|e| e == "rs")).collect();
    files.sort();
    files
}

/// Path below src/ and text, comments left out.
fn files() -> Vec<(String, String)> {
    files_below("src")
}

fn files_below(folder: &str) -> Vec<(String, String)> {
    let src = root().join(folder);
    let code = |text: String| text.lines().filter(|l| !l.trim_start().starts_with("//")).fold(String::new(), |s, l| s + l + "\n");
    let read =
        |path: &PathBuf| (path.strip_prefix(&src).unwrap().to_string_lossy().into_owned(), code(std::fs::read_to_string(path).unwrap()));
    sources(&src).iter().map(read).collect()
}

fn rank(module: &str) -> Option<usize> {
    ORDER.iter().position(|m| *m == module)
}

fn module(file: &str) -> &str {
    file.split(['/', '.']).next().unwrap()
}

/// First path segment after every `crate::` and, in the command line, `pointsman::`.
fn imports(text: &str) -> Vec<&str> {
    let starts = ["crate::", "pointsman::"].into_iter().flat_map(|prefix| text.match_indices(prefix).map(move |(i, _)| i + prefix.len()));
    starts.map(|start| text[start..].split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap()).collect()
}

#[test]
fn modules_import_only_from_their_left() {
    for (file, text) in files() {
        let Some(own) = rank(module(&file)) else { continue };
        for import in imports(&text) {
            let allowed = rank(import).is_some_and(|r| r <= own);
            assert!(allowed, "src/{file} imports {import}, which is not to its left in {ORDER:?}");
        }
    }
}

#[test]
fn every_module_is_in_the_order() {
    for (file, _) in files() {
        let name = module(&file);
        assert!(rank(name).is_some() || ["lib", "main"].contains(&name), "src/{file} has no place in the order");
    }
}

#[test]
fn fenced_words_stay_inside() {
    for (file, text) in files() {
        for (word, homes) in FENCES {
            let inside = homes.iter().any(|home| file.starts_with(home));
            // The lint's name and a word of browsers' content policies are not the keyword.
            let other = |rest: &str| rest.starts_with("_code") || rest.starts_with("-inline");
            let said = text.match_indices(word).any(|(i, _)| !other(&text[i + word.len()..]));
            assert!(inside || !said, "src/{file} says `{word}`, which belongs to {homes:?}");
        }
    }
}

#[test]
fn pieces_are_small() {
    for (file, text) in files().into_iter().chain(files_below("gpu/src")) {
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.len() <= FILE_LINES, "{file} has {} lines", lines.len());
        for (start, line) in lines.iter().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let opens = line.split("fn ").next().is_some_and(|head| {
                head.len() < line.len() && !head.contains(['"', '|', '=', '(']) || head.trim_end().ends_with("pub(super)")
            });
            if !opens || !line.contains("fn ") || line.trim_end().ends_with([';', '}']) {
                continue;
            }
            let closing = format!("{}}}", " ".repeat(indent));
            let length = lines[start..].iter().position(|l| *l == closing).map_or(0, |n| n + 1);
            assert!(length <= FUNCTION_LINES, "{file}: a function of {length} lines: {}", line.trim());
        }
    }
}
