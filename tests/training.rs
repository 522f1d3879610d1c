//! Promise: training finds a planted truth, from whatever rows it is given, and the same input gives the same bytes.

mod support;

use pointsman::artifact::RouterFile;
use pointsman::embedder::Embedding;
use pointsman::features::surface;
use pointsman::head::Link;
use pointsman::policy::{Aim, MinQuality, Policy};
use pointsman::train::{Cards, Edited, Entry, Log, ModelCard, Outcome, Seen, Settings, Split, train};
use std::collections::HashMap;
use support::Rng;

const WIDTH: usize = 8;

/// Prompts of two kinds: `cheap` answers those that point up along the first axis, `dear` answers all but one in ten.
/// `missing` leaves `dear` out of every row whose number it accepts.
fn planted(rows: usize, missing: impl Fn(usize) -> bool) -> (Log, Vec<Seen>) {
    let mut rng = Rng::new(5);
    let (mut lines, mut features) = (String::new(), Vec::new());
    for i in 0..rows {
        let vector: Vec<f32> = (0..WIDTH).map(|_| rng.unit()).collect();
        let cheap = u8::from(vector[0] > 0.0);
        let dear = u8::from(rng.below(10) > 0);
        let mut scores = serde_json::json!({ "cheap": cheap });
        if !missing(i) {
            scores["dear"] = dear.into();
        }
        let line = serde_json::json!({ "query": format!("prompt {i}"), "dataset": "planted", "scores": scores,
            "costs": { "cheap": 0.001, "dear": 0.01 }, "tok_out": { "cheap": 1000, "dear": 1000 } });
        lines += &format!("{line}\n");
        features.push(Seen { embedding: Embedding::normalized(vector).unwrap(), tokens: 10, foreign: false });
    }
    let mut log = Log::default();
    log.read(lines.as_bytes(), &HashMap::new()).unwrap();
    (log, features)
}

fn cards() -> Cards {
    let card = |price| ModelCard { usd_per_mtok_in: Some(0.0), usd_per_mtok_out: Some(price), ..ModelCard::default() };
    Cards::from([("cheap".to_owned(), card(1.0)), ("dear".to_owned(), card(10.0))])
}

fn settings(link: Link) -> Settings {
    let (date, embedder) = ("2026-11-22".into(), "tiny".into());
    Settings {
        link,
        seed: 1,
        candidates: None,
        calibration: Some(0.0),
        epsilon: 0.03,
        delta: 0.1,
        far: None,
        date,
        embedder,
        edited: vec![],
    }
}

fn phi(file: &RouterFile, vector: Vec<f32>) -> Vec<f32> {
    let embedding = Embedding::normalized(vector).unwrap();
    file.features.apply(&embedding, &surface("prompt 7", 10)).unwrap().vector
}

fn quality(file: &RouterFile, first: f32) -> Vec<f64> {
    let mut vector = vec![0.0; WIDTH];
    vector[0] = first;
    file.head.estimate(&phi(file, vector)).unwrap().iter().map(|e| e.quality).collect()
}

#[test]
fn a_planted_truth_is_found() {
    let (log, features) = planted(1500, |_| false);
    for link in [Link::Logistic, Link::Identity] {
        let file = train(&log, &features, &cards(), &settings(link)).unwrap();
        let ids: Vec<&str> = file.catalog.candidates().iter().map(|c| c.id.as_str()).collect();
        assert_eq!(ids, ["cheap", "dear"]);
        let (up, down) = (quality(&file, 1.0), quality(&file, -1.0));
        assert!(up[0] > 0.9 && down[0] < 0.1, "{link:?}: cheap {} and {}", up[0], down[0]);
        assert!((up[1] - 0.9).abs() < 0.1 && (down[1] - 0.9).abs() < 0.1, "{link:?}: dear {} and {}", up[1], down[1]);
        let best = &file.provenance.best_single;
        let knot = file.dials.knots.iter().find(|k| k.lambda == file.dials.default_lambda).unwrap();
        assert!(knot.quality >= best.quality - 0.0035 && knot.usd < 0.7 * best.usd, "{link:?}: {knot:?} against {best:?}");
    }
}

/// Trains on the first four fifths of the rows; the share of the last fifth that is far from them.
fn far(mut log: Log, seen: &[Seen], asked: Option<f64>) -> f64 {
    let kept = seen.len() * 4 / 5;
    log.rows[kept..].iter_mut().for_each(|row| row.split = Split::Test);
    let file = train(&log, seen, &cards(), &Settings { far: asked, ..settings(Link::Logistic) }).unwrap();
    let is_far = |seen: &&Seen| file.features.is_far(&file.features.apply(&seen.embedding, &surface("prompt 7", 10)).unwrap(), false);
    seen[kept..].iter().filter(is_far).count() as f64 / (seen.len() - kept) as f64
}

#[test]
fn where_kinds_of_prompts_tell_nothing_of_each_other_unfamiliar_ones_are_not_trusted() {
    let open_and_asked = |log: Log, seen: &[Seen]| [None, Some(0.03)].map(|asked| far(log.clone(), seen, asked));
    // What one half of the prompts shows of `cheap` holds for the other half too: strangers can be trusted.
    let (log, seen) = planted(2500, |_| false);
    let [general, asked] = open_and_asked(log, &seen);
    assert_eq!(general, asked);
    // Here each of many kinds, that border on each other, has its own truth.
    let mut rng = Rng::new(9);
    let mut vector = || -> Vec<f32> { (0..WIDTH).map(|_| rng.unit()).collect() };
    let kinds: Vec<Vec<f32>> = (0..24).map(|_| vector()).collect();
    let along = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let (mut log, mut seen) = (Log::default(), Vec::new());
    for i in 0..2500 {
        let vector = vector();
        let kind = (0..kinds.len()).max_by(|&a, &b| along(&kinds[a], &vector).total_cmp(&along(&kinds[b], &vector)));
        let cheap = kind.is_some_and(|kind| kind % 2 == 0);
        seen.push(Seen { embedding: Embedding::normalized(vector).unwrap(), tokens: 10, foreign: false });
        let scores = [("cheap", cheap), ("dear", i % 5 != 0)].map(|(id, right)| (id.to_owned(), f64::from(u8::from(right))));
        let answer = |(id, score): (String, f64)| {
            let usd = if id == "dear" { 0.01 } else { 0.001 };
            (id, Outcome { score, usd, tokens_out: Some(1000.0) })
        };
        let entry = Entry { query: format!("prompt {i}"), answers: scores.map(answer).into(), ..Entry::default() };
        log.push(1 + i, entry, &HashMap::new()).unwrap();
    }
    let [particular, asked] = open_and_asked(log, &seen);
    assert!(particular > asked, "{particular} {asked}");
}

#[test]
fn rows_may_lack_candidates() {
    let (log, features) = planted(1500, |i| i % 3 == 0);
    let file = train(&log, &features, &cards(), &settings(Link::Logistic)).unwrap();
    let (up, down) = (quality(&file, 1.0), quality(&file, -1.0));
    assert!(up[0] > 0.9 && down[0] < 0.1 && up[1] > 0.8 && down[1] > 0.8, "{up:?} {down:?}");
    // The fewer rows a candidate has, the less is known of it.
    let rare = planted(1500, |i| i % 30 != 0);
    let rare = train(&rare.0, &rare.1, &cards(), &settings(Link::Logistic)).unwrap();
    let spread = |file: &RouterFile| file.head.estimate(&phi(file, vec![1.0; WIDTH])).unwrap()[1].spread;
    assert!(spread(&rare) > spread(&file));
}

#[test]
fn what_small_edits_move_decides_less() {
    // Edits move prompts along the axis that tells how `cheap` will do.
    let (log, seen) = planted(1500, |_| false);
    let moved = |seen: &Seen, by: f32| {
        let mut vector = seen.embedding.as_slice().to_vec();
        vector[0] += by;
        Seen { embedding: Embedding::normalized(vector).unwrap(), ..seen.clone() }
    };
    let edit = |row: usize| Edited {
        row,
        query: log.rows[row].query.clone(),
        seen: moved(&seen[row], if row.is_multiple_of(2) { 0.3 } else { -0.3 }),
    };
    let edited: Vec<Edited> = (0..1500).map(edit).collect();
    let by = |edited: &[Edited]| train(&log, &seen, &cards(), &Settings { edited: edited.to_vec(), ..settings(Link::Logistic) }).unwrap();
    let quality = |file: &RouterFile, seen: &Seen| {
        let features = file.features.apply(&seen.embedding, &surface("prompt 7", 10)).unwrap();
        file.head.estimate(&features.vector).unwrap()[0].quality
    };
    let unsteadiness = |file: &RouterFile| edited.iter().map(|e| (quality(file, &e.seen) - quality(file, &seen[e.row])).abs()).sum::<f64>();
    let (before, after) = (unsteadiness(&by(&[])), unsteadiness(&by(&edited)));
    assert!(after < 0.9 * before, "{after} against {before}");
    let stranger = Edited { row: 1500, ..edited[0].clone() };
    assert!(by(&[stranger]).to_bytes().unwrap() == by(&[]).to_bytes().unwrap(), "edits of other rows say nothing");
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let (log, features) = planted(300, |_| false);
    let bytes = || train(&log, &features, &cards(), &settings(Link::Logistic)).unwrap().to_bytes().unwrap();
    assert!(bytes() == bytes());
    assert!(RouterFile::parse(&bytes()).unwrap().to_bytes().unwrap() == bytes());
}

#[test]
fn the_pool_is_everyone_by_cost_or_those_who_are_named() {
    let mut log = Log::default();
    let line = |i: usize| format!("{{\"query\":\"q{i}\",\"scores\":{{\"good\":1,\"bad\":0}},\"costs\":{{\"good\":0.1,\"bad\":0.2}}}}\n");
    log.read((0..40).map(line).collect::<String>().as_bytes(), &HashMap::new()).unwrap();
    let mut rng = Rng::new(1);
    let vector = |rng: &mut Rng| (0..WIDTH).map(|_| rng.unit()).collect();
    let features: Vec<Seen> =
        log.rows.iter().map(|_| Seen { embedding: Embedding::normalized(vector(&mut rng)).unwrap(), tokens: 3, foreign: false }).collect();
    let ids = |names: Option<Vec<String>>| {
        let file = train(&log, &features, &Cards::new(), &Settings { candidates: names, ..settings(Link::Logistic) }).unwrap();
        file.catalog.candidates().iter().map(|c| c.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(None), ["good", "bad"]);
    assert_eq!(ids(Some(vec!["bad".into(), "good".into()])), ["bad", "good"]);
    assert_eq!(ids(Some(vec!["good".into()])), ["good"]);
}

#[test]
fn unusable_training_input_is_named() {
    let (log, features) = planted(40, |_| false);
    let code = |log: &Log, features: &[Seen], settings: &Settings| train(log, features, &cards(), settings).err().map(|e| e.code());
    let good = settings(Link::Logistic);
    assert_eq!(code(&log, &features[1..], &good), Some("BAD_INPUT"));
    assert_eq!(code(&log, &features, &Settings { candidates: Some(vec!["nobody".into()]), ..good.clone() }), Some("BAD_INPUT"));
    for bad in [
        Settings { calibration: Some(0.9), ..good.clone() },
        Settings { epsilon: -0.1, ..good.clone() },
        Settings { far: Some(0.6), ..good.clone() },
        Settings { delta: 0.0, ..good.clone() },
    ] {
        assert_eq!(code(&log, &features, &bad), Some("BAD_INPUT"));
    }
    let (few, few_features) = planted(5, |_| false);
    assert_eq!(code(&few, &few_features, &good), Some("BAD_INPUT"));
}

#[test]
fn a_guarantee_is_proven_on_rows_of_its_own() {
    let (log, seen) = planted(3000, |_| false);
    let guarded = |epsilon: f64, share: f64| {
        train(&log, &seen, &cards(), &Settings { calibration: Some(share), epsilon, ..settings(Link::Logistic) }).unwrap()
    };
    let best = Policy { min_quality: Some(MinQuality::BEST), ..Policy::default() };
    let file = guarded(0.05, 0.3);
    let proven = file.dials.guarantee.as_ref().unwrap();
    let fitted: usize = file.provenance.data.iter().map(|source| source.rows).sum();
    assert!(fitted + proven.rows == 3000 && (800..1000).contains(&proven.rows), "{fitted} {}", proven.rows);
    let Aim::Keep(lambda) = file.dials.aim(&best).unwrap() else { panic!("routing is as good as the best here") };
    assert!(lambda <= file.dials.default_lambda);
    let floor = proven.floors.iter().find(|floor| floor.lambda == lambda).unwrap();
    // Well routed, half of the rows score 1 and the others 0.9: what is proven lies below that, and not far.
    assert!(floor.change >= -0.05 && floor.quality > 0.85 && floor.quality < 0.95, "{floor:?}");
    let numeric = |floor: f64| file.dials.aim(&Policy { min_quality: Some(MinQuality::Mean(floor)), ..Policy::default() });
    assert!(matches!(numeric(0.7).unwrap(), Aim::Keep(more) if more >= lambda));
    assert!(numeric(0.99).unwrap_err().to_string().contains("90% confidence"));
    // What so few rows cannot prove is not routed on.
    assert_eq!(guarded(0.0, 0.02).dials.aim(&best).unwrap(), Aim::Strongest);
    let plain = train(&log, &seen, &cards(), &settings(Link::Logistic)).unwrap();
    assert_eq!(plain.dials.aim(&best).unwrap_err().code(), "BAD_INPUT");
    // Left to itself, a fifth where that is enough to prove something, and nothing where it is not.
    let own = |rows| {
        let (log, seen) = planted(rows, |_| false);
        train(&log, &seen, &cards(), &Settings { calibration: None, ..settings(Link::Logistic) }).unwrap().dials.guarantee
    };
    assert!(own(3000).is_some_and(|proven| proven.rows > 500) && own(1000).is_none());
}
