//! Promise: a replay is fair. On planted outcomes its figures are those worked by hand; on real rows it keeps its order.

mod support;

use ndarray::{Array2, array};
use pointsman::artifact::RouterFile;
use pointsman::bandit::Learning;
use pointsman::embedder::{Embedder, EmbedderFile, Embedding};
use pointsman::evaluate::{Baseline, Online, Point, Report, Unseen, check_guarantee, evaluate, replay_online};
use pointsman::features::{Clusters, FeatureMap};
use pointsman::head::{Head, Linear, Link};
use pointsman::policy::{Aim, Policy};
use pointsman::router::load_embedder;
use pointsman::train::{Log, Seen, Split};
use std::collections::HashMap;
use std::io::{BufReader, Read};
use support::{minilm_file, outcomes, root, tiny};

/// A router of `small`, `medium`, `large` that knows one thing: where the first coordinate is positive, `small` is right.
fn knowing() -> RouterFile {
    let mut file = tiny::router("planted");
    let weights = Array2::from_shape_fn((3, 2), |(i, j)| if (i, j) == (0, 0) { 100.0 } else { 0.0 });
    let quality = Linear { weights, bias: array![0.0, -50.0, 0.0] };
    file.features = FeatureMap::plain(2);
    file.head = Head::new(Link::Logistic, quality, Linear::zeros(3, 2), Linear::zeros(3, 2)).unwrap();
    file
}

/// Four rows. `small` is right on the first two and costs 1, `large` on three and costs 10, `medium` never and costs 2.
fn planted() -> (Log, Vec<Seen>) {
    let rows = [(1, 1, 1.0f32), (1, 0, 1.0), (0, 1, -1.0), (0, 1, -1.0)];
    let line = |(small, large, _): &(u8, u8, f32)| {
        let scores = serde_json::json!({ "small": small, "medium": 0, "large": large });
        let costs = serde_json::json!({ "small": 1.0, "medium": 2.0, "large": 10.0 });
        serde_json::json!({ "query": "x", "split": "test", "scores": scores, "costs": costs }).to_string() + "\n"
    };
    let mut log = Log::default();
    log.read(rows.iter().map(line).collect::<String>().as_bytes(), &HashMap::new()).unwrap();
    let features = rows.iter().map(|r| Seen { embedding: Embedding::from_unit(vec![r.2, 0.0]).unwrap(), tokens: 5, foreign: false });
    (log, features.collect())
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

#[test]
fn figures_worked_by_hand() {
    let (log, features) = planted();
    let report = evaluate(&knowing(), &log, &features, &[0, 1, 2, 3], Aim::Weight(1.0), 0).unwrap();
    let found = |s: &pointsman::evaluate::Strategy| (s.score, s.usd);
    assert_eq!(found(&report.router), (1.0, 5.5), "small where it is right, large elsewhere");
    assert_eq!(found(&report.best_single), (0.75, 10.0));
    assert_eq!(found(&report.cheapest), (0.5, 1.0));
    assert_eq!(found(&report.oracle), (1.0, 5.5));
    assert!(close(report.random.score, 5.0 / 12.0) && close(report.random.usd, 13.0 / 3.0));
    // Mixing small and large at 5.5 dollars: half of each.
    assert!(close(report.zero.score, 0.625));
    assert!(close(report.score_change.value, 0.25) && close(report.cost_saved.value, 0.45));
    // From 1 to 10 dollars: the blind mix rises from 0.5 to 0.75, the router from 0.5 to 1 at 5.5 and stays.
    assert!(close(report.aiq.zero, 0.625), "{:?}", report.aiq);
    assert!(close(report.aiq.router, (4.5 * 0.75 + 4.5) / 9.0), "{:?}", report.aiq);
    assert_eq!(report.aiq.oracle, 1.0);
    // small was right twice and picked twice; large alone was right on the last two.
    assert_eq!(report.picks.iter().map(|p| (p.right, p.wrong)).collect::<Vec<_>>(), [(2.0, 0.0), (0.0, 0.0), (2.0, 0.0)]);
    assert_eq!((report.complementarity[2][0], report.complementarity[0][2]), (0.5, 0.25));
    assert_eq!(report.low_confidence, 0);
}

#[test]
fn rows_unlike_the_training_prompts_go_by_mean_scores() {
    let (log, seen) = planted();
    let mut file = knowing();
    // One cluster, far from all of them.
    let clusters = Clusters { per_set: 1, values: vec![0, 127], scales: vec![1.0 / 127.0] };
    file.features = FeatureMap::new(vec![0.0, 0.0], vec![], clusters, 0.5).unwrap();
    let zeros = || Linear::zeros(3, 3);
    let weights = Array2::from_shape_fn((3, 3), |(i, j)| if (i, j) == (0, 0) { 100.0 } else { 0.0 });
    file.head = Head::new(Link::Logistic, Linear { weights, bias: array![0.0, -50.0, 0.0] }, zeros(), zeros()).unwrap();
    let at = |aim| evaluate(&file, &log, &seen, &[0, 1, 2, 3], aim, 0).unwrap();
    let kept = at(Aim::Keep(500.0));
    assert_eq!((kept.low_confidence, kept.router.usd), (4, 10.0), "to hold a quality, the strongest");
    // Mean scores of 0.4, 0.6 and 0.75 at some $0.0001, $0.0003 and $0.003: at this rate the dearest is not worth it.
    assert_eq!(at(Aim::Weight(500.0)).router.usd, 2.0, "to weigh cost, the means");
    // In another line-up the strongest is not the one that was best in training.
    file.dials.strongest = 0;
    let other = evaluate(&file, &log, &seen, &[0, 1, 2, 3], Aim::Keep(500.0), 0).unwrap();
    assert_eq!((other.router.usd, other.best_single.usd), (1.0, 10.0));
}

#[test]
fn rows_without_the_candidate_to_beat_are_not_judged() {
    let (mut log, mut features) = planted();
    let line = r#"{"query":"y","scores":{"small":1},"costs":{"small":1}}"#;
    log.read(line.as_bytes(), &HashMap::new()).unwrap();
    features.push(features[0].clone());
    assert_eq!(evaluate(&knowing(), &log, &features, &[0, 4], Aim::Weight(1.0), 0).unwrap().rows, 1);
    assert_eq!(evaluate(&knowing(), &log, &features, &[4], Aim::Weight(1.0), 0).unwrap_err().code(), "BAD_INPUT");
}

#[test]
fn candidates_that_the_log_does_not_know_are_named() {
    let (mut log, seen) = planted();
    let notes = |log: &Log| evaluate(&knowing(), log, &seen, &[0, 1, 2, 3], Aim::Weight(1.0), 0).unwrap().notes;
    let told = |notes: &[String], what: &str| notes.iter().any(|note| note.contains(what));
    assert!(!told(&notes(&log), "no outcome of"), "all have outcomes");
    log.candidates[1] = "mid".into();
    assert!(told(&notes(&log), "no outcome of medium,") && told(&notes(&log), "the log's mid are none"), "{:?}", notes(&log));
}

fn real(rows: usize) -> Option<Report> {
    let (data, file) = (outcomes("zeroeval")?, minilm_file()?);
    let renames = [("Meta-Llama-3.1-8B-Instruct", "llama-3.1-8b-instruct"), ("Meta-Llama-3.1-70B-Instruct", "llama-3.1-70b-instruct")];
    let renames = renames.into_iter().chain([("deepseek-v2.5-0908", "deepseek-chat")]);
    let renames: HashMap<String, String> = renames.map(|(a, b)| (a.to_owned(), b.to_owned())).collect();
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(data).unwrap()).read_to_string(&mut text).unwrap();
    let mut log = Log::default();
    log.read(BufReader::new(text.as_bytes()), &renames).unwrap();
    log.rows.retain(|row| row.split == Split::Test);
    log.rows.truncate(rows);
    let router = RouterFile::parse(&std::fs::read(root().join("models/default.router")).unwrap()).unwrap();
    let (tokenizer, embedder) = load_embedder(EmbedderFile::parse(std::fs::read(file).unwrap()).unwrap()).unwrap();
    let seen: Vec<Seen> = log
        .rows
        .iter()
        .map(|row| {
            let tokens = tokenizer.encode(&row.query);
            Seen { embedding: embedder.embed(&tokens).unwrap(), tokens: tokens.total, foreign: false }
        })
        .collect();
    let aim = router.dials.aim(&Policy::default()).unwrap();
    let all: Vec<usize> = (0..log.rows.len()).collect();
    Some(evaluate(&router, &log, &seen, &all, aim, 0).unwrap())
}

#[test]
fn the_default_router_on_real_rows_that_it_has_not_seen() {
    let Some(report) = real(200) else { return };
    println!("{:?}\n{:?}\n{:?}\n{:?}", report.router, report.best_single, report.zero, report.oracle);
    assert_eq!(report.rows, 200);
    assert!(report.oracle.score > report.router.score && report.oracle.score > report.best_single.score);
    assert!(report.router.score > report.random.score && report.router.usd < report.best_single.usd);
}

/// Rows on which a router that knows the truth is as good as the best, at less cost.
fn many(rows: usize) -> (Log, Vec<Seen>) {
    scored(rows, |i| [i % 2 == 0, false, i % 10 > 0])
}

/// Rows of two kinds of prompts, and whether `small`, `medium` and `large` are right on them.
fn scored(rows: usize, mut right: impl FnMut(usize) -> [bool; 3]) -> (Log, Vec<Seen>) {
    let (mut text, mut seen) = (String::new(), Vec::new());
    for i in 0..rows {
        let easy = i % 2 == 0;
        let [small, medium, large] = right(i).map(u8::from);
        let scores = serde_json::json!({ "small": small, "medium": medium, "large": large });
        let costs = serde_json::json!({ "small": 1.0, "medium": 2.0, "large": 10.0 });
        text += &serde_json::json!({ "query": format!("q{i}"), "split": "test", "scores": scores, "costs": costs }).to_string();
        text += "\n";
        seen.push(Seen { embedding: Embedding::from_unit(vec![if easy { 1.0 } else { -1.0 }, 0.0]).unwrap(), tokens: 5, foreign: false });
    }
    let mut log = Log::default();
    log.read(text.as_bytes(), &HashMap::new()).unwrap();
    (log, seen)
}

#[test]
fn a_guarantee_is_seen_to_hold_and_to_save() {
    let (log, seen) = many(1000);
    let all: Vec<usize> = (0..1000).collect();
    let splits = check_guarantee(&knowing(), &log, &seen, &all, 40, 1).unwrap();
    assert_eq!((splits.splits, splits.exceeded, splits.proven), (40, 0.0, 1.0));
    assert!(close(splits.epsilon, 0.03) && splits.cost_saved > 0.4, "{splits:?}");
    // Twenty rows prove nothing: the best single candidate it is, and nothing is saved or lost.
    let few = check_guarantee(&knowing(), &log, &seen, &all[..20], 40, 1).unwrap();
    assert_eq!((few.exceeded, few.proven, few.cost_saved), (0.0, 0.0, 0.0));
}

#[test]
fn a_bandit_from_nothing_ends_near_the_head_that_knows() {
    let (log, seen) = many(2000);
    let all: Vec<usize> = (0..2000).collect();
    let file = knowing();
    let unseen = Unseen::by(&file, &log, &seen, &all).unwrap();
    let online = Online { lambda: 0.01, learning: Learning { explore: 0.2, ridge: 1.0, ..Learning::default() }, seed: 1 };
    let curve = replay_online(&file.features, &unseen, &online).unwrap();
    assert_eq!((curve.len(), curve[19].rows), (20, 2000));
    let last = curve[19];
    assert!(last.bandit > 0.97 * last.head && last.head > last.best_single && last.bandit > last.random, "{last:?}");
    // `small` where it is right and `large` elsewhere; `large` alone misses every tenth row.
    assert!(close(last.head, 0.5 * 0.99 + 0.5 * 0.9) && close(last.best_single, 0.8), "{last:?}");
    // One that cannot tell rows apart stays at the best single candidate.
    let blind: Vec<Seen> = seen.iter().map(|row| Seen { embedding: seen[0].embedding.clone(), ..row.clone() }).collect();
    let last = replay_online(&file.features, &Unseen::by(&file, &log, &blind, &all).unwrap(), &online).unwrap()[19];
    assert!(last.bandit < 0.97 * 0.945 && last.bandit > 0.9 * last.best_single, "{last:?}");
}

#[test]
fn heads_that_are_fitted_fold_by_fold_learn_what_there_is() {
    let (log, seen) = many(400);
    let all: Vec<usize> = (0..400).collect();
    let unseen = Unseen::cross_fit(&ignorant(), &log, &seen, &all, &|_| ()).unwrap();
    let last = replay_online(&FeatureMap::plain(2), &unseen, &Online::new(0.01, 0.2, 2, 1)).unwrap()[19];
    assert!((last.head - 0.945).abs() < 0.005, "{last:?}");
    // Scores that are tossed: whoever has not seen a row's own earns no more than the best single candidate but by luck.
    let mut coin = support::Rng::new(4);
    let (log, seen) = scored(400, |_| [(); 3].map(|()| coin.below(2) == 0));
    let unseen = Unseen::cross_fit(&ignorant(), &log, &seen, &all, &|_| ()).unwrap();
    let last = replay_online(&FeatureMap::plain(2), &unseen, &Online::new(0.0, 0.2, 2, 1)).unwrap()[19];
    assert!(last.head < last.best_single + 0.03 && last.bandit < last.best_single + 0.03, "{last:?}");
}

/// 24 training rows and 8 test rows, half of them easy: `small` (1 dollar) is right on easy ones, `large` (10 dollars) on
/// all, `medium` (2 dollars) on none. Easy prompts lie on one side, hard ones on the other.
fn taught() -> (Log, Vec<Seen>) {
    let (mut text, mut seen) = (String::new(), Vec::new());
    for i in 0..32usize {
        let (easy, split) = (i.is_multiple_of(2), if i < 24 { "train" } else { "test" });
        let scores = serde_json::json!({ "small": u8::from(easy), "medium": 0, "large": 1 });
        let costs = serde_json::json!({ "small": 1.0, "medium": 2.0, "large": 10.0 });
        let task = if easy { "sums" } else { "proofs" };
        let line = serde_json::json!({ "query": format!("q{i}"), "task": task, "split": split, "scores": scores, "costs": costs });
        text += &format!("{line}\n");
        let side = if easy { 1.0 } else { -1.0 };
        let up = 0.01 * i as f32;
        seen.push(Seen { embedding: Embedding::normalized(vec![side, up]).unwrap(), tokens: 5, foreign: false });
    }
    let mut log = Log::default();
    log.read(text.as_bytes(), &HashMap::new()).unwrap();
    (log, seen)
}

/// A head that says the same of every prompt: `large`, then `medium`, then `small`.
fn ignorant() -> RouterFile {
    let mut file = knowing();
    let quality = Linear { weights: Array2::zeros((3, 2)), bias: array![-1.0, 0.0, 1.0] };
    file.head = Head::new(Link::Logistic, quality, Linear::zeros(3, 2), Linear::zeros(3, 2)).unwrap();
    file
}

fn way<'a>(report: &'a Report, name: &str) -> &'a Baseline {
    report.baselines.iter().find(|way| way.name.starts_with(name)).unwrap_or_else(|| panic!("{name} is absent: {:?}", report.notes))
}

/// Whether one of its points is this.
fn reaches(way: &Baseline, usd: f64, score: f64) -> bool {
    way.points.iter().any(|point| close(point.usd, usd) && close(point.score, score))
}

const TEST: std::ops::Range<usize> = 24..32;

#[test]
fn ways_that_learn_by_themselves_need_no_head() {
    let (log, seen) = taught();
    let report = evaluate(&ignorant(), &log, &seen, &TEST.collect::<Vec<_>>(), Aim::Weight(0.0), 0).unwrap();
    assert_eq!((report.router.score, report.router.usd), (1.0, 10.0), "all to large");
    for name in ["kNN", "task labels"] {
        let way = way(&report, name);
        assert!(reaches(way, 5.5, 1.0) && reaches(way, 1.0, 0.5) && way.points.is_sorted_by(|a, b| a.usd <= b.usd), "{way:?}");
        // From 1 to 10 dollars: up from 0.5 to 1 over 4.5 dollars, then level.
        assert!(close(way.aiq, (4.5 * 0.75 + 4.5) / 9.0), "{way:?}");
        assert_eq!(way.within(6.0), Some(Point { usd: 5.5, score: 1.0 }));
        assert_eq!(way.within(0.5), None);
    }
    // Two candidates and one opinion of them: a threshold sends all prompts one way.
    let hybrid = way(&report, "two-candidate");
    assert!(hybrid.note.as_ref().unwrap().starts_with("small and large"), "{hybrid:?}");
    assert_eq!(hybrid.points, [Point { usd: 1.0, score: 0.5 }, Point { usd: 10.0, score: 1.0 }]);
    assert!(close(hybrid.aiq, 0.75) && close(way(&report, "zero router").aiq, 0.75) && close(way(&report, "best single").aiq, 0.75));
    assert!(reaches(way(&report, "zero router"), 5.5, 0.75));
    let kinder = Report { router: report.random.clone(), ..report };
    assert!(kinder.better().iter().any(|(way, point, _)| way.name == "zero router" && point.score > kinder.router.score));
    assert!(kinder.better().iter().all(|(way, _, _)| way.name != "oracle"));
}

#[test]
fn ways_that_use_the_head_do_what_it_knows() {
    let (log, seen) = taught();
    let report = evaluate(&knowing(), &log, &seen, &TEST.collect::<Vec<_>>(), Aim::Weight(0.0), 0).unwrap();
    for name in ["quality-only", "two-candidate", "exact", "oracle"] {
        assert!(reaches(way(&report, name), 5.5, 1.0), "{:?}", way(&report, name));
    }
    assert_eq!(way(&report, "quality-only").points.len(), 1);
    // A hard prompt costs 11 dollars, as small is paid first.
    let cascade = way(&report, "cascade");
    assert!(reaches(cascade, 6.0, 1.0) && !reaches(cascade, 5.5, 1.0), "{cascade:?}");
    assert!(close(cascade.aiq, (5.0 * 0.75 + 4.0) / 9.0), "{cascade:?}");
    // No budget is missed by eight rows that are solved exactly.
    let front = report.front.unwrap();
    assert!(front.igd < 1e-9 && close(front.hypervolume, front.hypervolume_true), "{front:?}");
    assert!(report.notes.is_empty(), "{:?}", report.notes);
    let tasks: Vec<(&str, usize, Point, Point)> =
        report.tasks.iter().map(|task| (&*task.name, task.rows, task.router, task.best_single)).collect();
    let point = |usd, score| Point { usd, score };
    assert_eq!(tasks, [("proofs", 4, point(10.0, 1.0), point(10.0, 1.0)), ("sums", 4, point(1.0, 1.0), point(10.0, 1.0))]);
}

#[test]
fn ways_without_training_rows_are_absent_and_said_to_be() {
    let (log, seen) = planted();
    let report = evaluate(&knowing(), &log, &seen, &[0, 1, 2, 3], Aim::Weight(0.0), 0).unwrap();
    let names: Vec<&str> = report.baselines.iter().map(|way| way.name.as_str()).collect();
    assert_eq!(names, ["best single", "random", "zero router", "quality-only prediction", "exact integer assignment", "oracle"]);
    assert_eq!(report.notes.len(), 4, "{:?}", report.notes);
    assert!(report.tasks.is_empty() && report.stability.is_none());
    let (log, seen) = taught();
    let flattered = evaluate(&knowing(), &log, &seen, &(0..32).collect::<Vec<_>>(), Aim::Weight(0.0), 0).unwrap();
    assert!(flattered.notes.len() == 1 && flattered.notes[0].contains("flatter"), "{:?}", flattered.notes);
}
