//! Promise: an embedder of English does not route other languages on a guess.

mod support;

use pointsman::embedder::EmbedderFile;
use pointsman::language::is_foreign;
use pointsman::policy::{Policy, Reason};
use pointsman::router::{Router, Score, load_embedder};
use pointsman::tokenizer::Tokenizer;
use serde::Deserialize;
use std::collections::BTreeMap;
use support::{minilm_file, root};

#[derive(Deserialize)]
struct Table {
    foreign: BTreeMap<String, Vec<String>>,
    english: Vec<String>,
}

fn table() -> Table {
    serde_json::from_slice(&std::fs::read(root().join("tests/data/languages.json")).unwrap()).unwrap()
}

fn tokenizer() -> Option<Tokenizer> {
    Some(load_embedder(EmbedderFile::parse(std::fs::read(minilm_file()?).unwrap()).unwrap()).unwrap().0)
}

#[test]
fn prompts_in_many_languages_are_told_from_english() {
    let (Some(tokenizer), table) = (tokenizer(), table()) else { return };
    let foreign = |text: &String| is_foreign(text, &tokenizer.encode(text));
    assert!(table.foreign.len() >= 20);
    let missed: Vec<&String> = table.foreign.values().flatten().filter(|text| !foreign(text)).collect();
    let wronged: Vec<&String> = table.english.iter().filter(|text| foreign(text)).collect();
    // It errs on the safe side: a foreign word too many costs money, an unnoticed language costs the answer.
    assert!(missed.is_empty() && wronged.len() * 10 <= table.english.len(), "missed: {missed:#?}; wronged: {wronged:#?}");
}

#[test]
fn the_default_router_says_that_it_does_not_know_them() {
    let Some(file) = minilm_file() else { return };
    let router = std::fs::read(root().join("models/default.router")).unwrap();
    let router = Router::load(&router, &std::fs::read(file).unwrap(), 1).unwrap();
    for text in table().foreign.values().flatten() {
        let decision = router.route(&text.as_str().into(), &Policy::default()).unwrap();
        assert_eq!((decision.reason, &decision.model), (Reason::LowConfidence, &router.strongest().id), "{text}");
        // Of what is not known, nothing is said to be sure.
        let mean = |s: &Score| (s.quality * (1.0 - s.quality)).sqrt();
        assert!(decision.scores.iter().all(|s| (s.spread - mean(s)).abs() < 1e-12) && decision.nearness.is_some(), "{text}");
    }
}
