//! Promise: the page of a replay is whole, safe to open and honest: every number is there, no name becomes markup, nothing
//! is fetched or run, and where routing loses it says so first.

mod support;

use ndarray::{Array1, array};
use pointsman::artifact::{DataSource, RouterFile};
use pointsman::catalog::{Candidate, Catalog};
use pointsman::embedder::{Embedder, EmbedderFile};
use pointsman::head::{Head, Linear, Link};
use pointsman::router::load_embedder;
use scraper::{ElementRef, Html, Selector};
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use support::{root, tiny};

/// Names that would do harm if they were taken for markup.
const IDS: [&str; 3] = ["<script>alert(\"1\")</script>", "mid'\"&amp;<b>", "large --> ]]> </svg></title></style>"];

/// A router with these names that always picks the candidate given, whatever the prompt.
fn router(picked: usize) -> RouterFile {
    let embedder = EmbedderFile::parse(std::fs::read(root().join("tests/data/tiny.onnx")).unwrap()).unwrap();
    let (_, embedder) = load_embedder(embedder).unwrap();
    let mut file = tiny::router(embedder.fingerprint());
    let renamed = file.catalog.candidates().iter().zip(IDS).map(|(candidate, id)| Candidate { id: id.into(), ..candidate.clone() });
    file.catalog = Catalog::new(renamed.collect()).unwrap();
    file.provenance.best_single.id = IDS[2].into();
    file.provenance.data = vec![DataSource { name: "<i>data</i>".into(), rows: 4321 }];
    let zeros = || Linear::zeros(3, file.head.width());
    let mut bias: Array1<f32> = array![0.0, 0.0, 0.0];
    bias[picked] = 3.0;
    file.head = Head::new(Link::Logistic, Linear { bias, ..zeros() }, zeros(), zeros()).unwrap();
    file
}

/// The first candidate is right on every fourth row, the second on every second, the last on all but every tenth.
fn log() -> String {
    let line = |i: usize| {
        let right = [i.is_multiple_of(4), i.is_multiple_of(2), !i.is_multiple_of(10)].map(u8::from);
        let split = if i.is_multiple_of(3) { "train" } else { "test" };
        let task = ["<em>sums</em>", "proofs"][i % 2];
        let scores: Value = IDS.iter().zip(right).map(|(id, score)| ((*id).to_owned(), Value::from(score))).collect();
        let costs: Value = IDS.iter().zip([0.000_02, 0.000_3, 0.004]).map(|(id, usd)| ((*id).to_owned(), Value::from(usd))).collect();
        let line = serde_json::json!({ "query": format!("hello {i}"), "split": split, "task": task, "scores": scores, "costs": costs });
        line.to_string() + "\n"
    };
    (0..240).map(line).collect()
}

/// The page and the JSON of `evaluate` for a router that always picks one candidate.
fn evaluated(picked: usize, more: &[&str]) -> (String, Value) {
    let (page, all, _) = everything(picked, more);
    (page, all)
}

/// These and what it printed.
fn everything(picked: usize, more: &[&str]) -> (String, Value, String) {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("x.router"), router(picked).to_bytes().unwrap()).unwrap();
    std::fs::write(at("log.jsonl"), log()).unwrap();
    let run = |page: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pointsman"));
        command.current_dir(folder.path()).args(["evaluate", "--outcomes", "log.jsonl", "--router", "x.router", "--cache", "cache"]);
        command.arg("--embedder").arg(root().join("tests/data/tiny.onnx")).args(["--json", "all.json", "--report"]).arg(page).args(more);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        (std::fs::read(page).unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let (once, twice) = (run(&at("a.html")), run(&at("b.html")));
    assert!(once == twice, "the same input gives other bytes");
    let all = serde_json::from_slice(&std::fs::read(at("all.json")).unwrap()).unwrap();
    (String::from_utf8(once.0).unwrap(), all, once.1)
}

const EVERYTHING: [&str; 6] = ["--splits", "20", "--online", "0.2", "--stability", "10"];

fn select<'a>(page: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    page.select(&Selector::parse(selector).unwrap()).collect()
}

fn text(element: &ElementRef) -> String {
    element.text().collect::<String>().trim().to_owned()
}

#[test]
fn the_page_is_sound_and_its_figures_are_told() {
    let (page, _) = evaluated(2, &EVERYTHING);
    let page = Html::parse_document(&page);
    assert!(page.errors.is_empty(), "{:?}", page.errors);
    let figures = select(&page, "figure");
    assert_eq!(figures.len(), 5, "curve, calibration, picks, rewards and regret");
    let within =
        |figure: &ElementRef, selector: &str| figure.select(&Selector::parse(selector).unwrap()).map(|e| text(&e)).collect::<Vec<_>>();
    for figure in &figures {
        let (titles, descriptions) = (within(figure, "svg > title"), within(figure, "svg > desc"));
        assert_eq!((titles.len(), descriptions.len()), (2, 2), "one for wide and one for narrow windows");
        assert!(titles.iter().chain(&descriptions).all(|t| t.len() > 5) && !within(figure, "figcaption")[0].is_empty());
    }
    let numbers = select(&page, "figure + details");
    assert!(numbers.len() == 5 && numbers.iter().all(|details| !within(details, "tbody tr").is_empty()), "the numbers of each");
    let ids: Vec<&str> = select(&page, "[id]").iter().filter_map(|e| e.attr("id")).collect();
    assert!(ids.iter().enumerate().all(|(i, id)| !ids[..i].contains(id)), "an id appears twice: {ids:?}");
    let named = select(&page, "[aria-labelledby]").into_iter().flat_map(|e| e.attr("aria-labelledby").unwrap_or_default().split(' '));
    assert!(named.filter(|id| ids.contains(id)).count() == 4 * figures.len());
}

#[test]
fn nothing_is_fetched_and_nothing_runs() {
    let (source, _) = evaluated(2, &EVERYTHING);
    let page = Html::parse_document(&source);
    let policy = select(&page, "meta[http-equiv=Content-Security-Policy]")[0].attr("content").unwrap();
    assert_eq!(policy, "default-src 'none'; style-src 'unsafe-inline'");
    for element in select(&page, "*") {
        let name = element.value().name();
        assert!(!["script", "link", "iframe", "img", "image", "object", "embed", "form", "a", "b", "i", "em"].contains(&name), "<{name}>");
        let fetches = |attribute: &str| attribute.starts_with("on") || ["src", "href", "xlink:href", "action"].contains(&attribute);
        assert!(element.value().attrs().all(|(attribute, value)| !fetches(attribute) && !value.contains("url(")), "{element:?}");
    }
    assert_eq!(select(&page, "style").len(), 1);
    let style = text(&select(&page, "style")[0]);
    assert!(!style.contains("url(") && !style.contains("@import"));
    assert!(source.len() < 1_000_000, "{} bytes", source.len());
}

#[test]
fn names_are_shown_as_they_are() {
    let (page, _) = evaluated(2, &EVERYTHING);
    let page = Html::parse_document(&page);
    let drawn: Vec<String> = select(&page, "svg text").iter().map(text).collect();
    let told: Vec<String> = select(&page, "th, td").iter().map(text).collect();
    for id in IDS {
        assert!(told.iter().any(|t| t == id), "{id} is in no table: {told:?}");
    }
    assert!(drawn.iter().any(|t| t == IDS[0]) && drawn.iter().any(|t| t == IDS[2]), "{drawn:?}");
    assert!(told.iter().any(|t| t == "<em>sums</em>") && told.iter().any(|t| t == "<i>data</i> (4,321 rows)"));
}

/// As the page writes shares, and costs in dollars per 1,000 calls.
fn percent(share: &Value) -> String {
    format!("{:.2}%", 100.0 * share.as_f64().unwrap()).replace('-', "\u{2212}")
}

#[test]
fn every_number_is_in_a_table() {
    let (page, all) = evaluated(0, &EVERYTHING);
    let page = Html::parse_document(&page);
    let told: Vec<String> = select(&page, "td, tbody th").iter().map(text).collect();
    let has = |number: String, what: &str| assert!(told.contains(&number), "{what}: {number} is in no table");
    for name in ["router", "bestSingle", "cheapest", "random", "zero", "oracle"] {
        has(percent(&all[name]["score"]), name);
    }
    let each = |list: &Value| list.as_array().unwrap().clone();
    each(&all["candidates"]).iter().for_each(|c| has(percent(&c["score"]), "candidate"));
    each(&all["curve"]).iter().for_each(|k| has(percent(&k["quality"]), "curve"));
    each(&all["bands"]).iter().for_each(|b| has(percent(&b["high"]), "band"));
    each(&all["tasks"]).iter().for_each(|t| has(percent(&t["router"]["score"]), "task"));
    each(&all["costWeights"]).iter().for_each(|w| has(percent(&w["fixed"]["score"]), "cost weight"));
    each(&all["baselines"]).iter().for_each(|b| has(b["name"].as_str().unwrap().into(), "baseline"));
    each(&all["calibration"]["bins"]).iter().filter(|b| b["count"] != 0).for_each(|b| has(percent(&b["observed"]), "bin"));
    each(&all["picks"]).iter().for_each(|p| has(format!("{:.1}", p["right"].as_f64().unwrap() + 0.0), "picks"));
    each(&all["online"]).iter().for_each(|o| has(format!("{:.4}", o["bandit"].as_f64().unwrap()), "online"));
    each(&all["stability"]).iter().for_each(|s| has(percent(&s["unchanged"]), "stability"));
    each(&all["bands"]).iter().for_each(|b| has(percent(&b["low"]), "band"));
    has(percent(&all["splits"]["costSaved"]), "guarantee");
    has("$4.00".into(), "the best single candidate's cost, per 1,000 calls");
    has("$0.0200".into(), "the cheapest's");
    let row = |i: usize| each(&all["complementarity"][i]).iter().map(|x| format!("{:.0}", 100.0 * x.as_f64().unwrap())).collect::<Vec<_>>();
    (0..3).flat_map(|i| row(i).into_iter().enumerate().filter(move |(j, _)| i != *j)).for_each(|(_, share)| has(share, "complement"));
}

#[test]
fn learning_is_judged_at_the_dial_that_is_asked_for() {
    let best = |weight: &str| evaluated(2, &["--online", "--cost-weight", weight]).1["online"][19]["bestSingle"].as_f64().unwrap();
    // Of 160 test rows, the dearest is right on all but 16. The costs that count as 1 are $0.003, and it costs $0.004.
    assert!((best("0") - 0.9).abs() < 1e-9, "{}", best("0"));
    assert!((best("0.3") - 0.5).abs() < 1e-9, "{}", best("0.3"));
}

#[test]
fn where_routing_loses_it_says_so_first() {
    let (page, all, printed) = everything(0, &[]);
    let page = Html::parse_document(&page);
    let first = select(&page, "h1 + *")[0];
    assert_eq!(first.value().name(), "ul");
    let lost: Vec<String> = select(&page, "h1 + ul > li").iter().map(text).collect();
    // The cheap one is right on a quarter of the rows, the best on nine tenths: 0.25 against some 0.9.
    let change = all["scoreChange"]["value"].as_f64().unwrap();
    let told = format!("its score is {:.2} points below that of always calling {}, beyond chance.", -100.0 * change, IDS[2]);
    assert_eq!(lost[0], format!("Routing loses here: {told}"));
    assert!(lost.iter().all(|loss| loss.starts_with("Routing loses here: ")));
    assert_eq!(all["losses"], Value::from(lost.clone()));
    assert!(lost.iter().all(|loss| printed.contains(loss.as_str())), "{printed}");
    assert!(change < -0.5, "{change}");
}

#[test]
fn where_routing_does_not_lose_it_does_not_say_so() {
    // Always the best single candidate: no change, no saving, and no curve that could lie below a blind mix's.
    let (page, all) = evaluated(2, &[]);
    assert_eq!(all["scoreChange"]["value"], 0.0);
    let page = Html::parse_document(&page);
    let lost: Vec<String> = select(&page, "h1 + ul > li").iter().map(text).collect();
    assert!(!lost.iter().any(|loss| loss.contains("always calling")), "{lost:?}");
}
