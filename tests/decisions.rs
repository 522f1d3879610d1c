//! Promise: rows of which only the chosen candidate's outcome is known teach and judge a router, as rows with all outcomes
//! would, only with less certainty.

mod support;

use ndarray::{Array2, array};
use pointsman::artifact::RouterFile;
use pointsman::embedder::Embedding;
use pointsman::evaluate::{OffPolicy, OffPolicySettings, evaluate, learning_curve, off_policy};
use pointsman::features::{FeatureMap, surface};
use pointsman::head::{Head, Linear, Link};
use pointsman::policy::{Aim, Policy};
use pointsman::train::{Asked, Cards, Entry, Intake, IntakeSettings, Log, Outcome, Seen, Settings, Split, train};
use std::collections::HashMap;
use support::{Rng, tiny};

const WIDTH: usize = 6;
const IDS: [&str; 3] = ["small", "medium", "large"];
const USD: [f64; 3] = [0.001, 0.002, 0.02];

/// A prompt, and what each of the three candidates would make of it: `small` answers those that point up along the first
/// axis, `medium` those that point down, `large` nine of ten.
struct Planted {
    vector: Vec<f32>,
    scores: [f64; 3],
}

fn planted(rows: usize, seed: u64) -> Vec<Planted> {
    let mut rng = Rng::new(seed);
    let row = |_| {
        let vector: Vec<f32> = (0..WIDTH).map(|_| rng.unit()).collect();
        let (up, most) = (vector[0] > 0.0, rng.below(10) > 0);
        Planted { vector, scores: [up, !up, most].map(|right| f64::from(u8::from(right))) }
    };
    (0..rows).map(row).collect()
}

fn entry(row: &Planted, i: usize, split: Split, candidates: &[usize], asked: Asked) -> Entry {
    let outcome = |&c: &usize| (IDS[c].to_owned(), Outcome { score: row.scores[c], usd: USD[c], tokens_out: None });
    let answers = candidates.iter().map(outcome).collect();
    Entry { query: format!("prompt {i}"), dataset: "planted".into(), split: Some(split), answers, asked, ..Entry::default() }
}

fn seen(rows: &[Planted]) -> Vec<Seen> {
    rows.iter().map(|row| Seen { embedding: Embedding::normalized(row.vector.clone()).unwrap(), tokens: 10, foreign: false }).collect()
}

fn openly(rows: &[Planted], split: Split) -> Log {
    let mut log = Log::default();
    rows.iter().enumerate().for_each(|(i, row)| log.push(i + 1, entry(row, i, split, &[0, 1, 2], Asked::Openly), &HashMap::new()).unwrap());
    log
}

/// One candidate a row, drawn with the probabilities that `policy` gives for a prompt; told where `known`.
fn chosen(rows: &[Planted], seed: u64, policy: impl Fn(&Planted) -> [f64; 3], known: bool) -> Log {
    let (mut rng, mut log) = (Rng::new(seed), Log::default());
    for (i, row) in rows.iter().enumerate() {
        let (shares, draw) = (policy(row), f64::from(rng.unit() + 1.0) / 2.0);
        let candidate = if draw < shares[0] { 0 } else { 1 + usize::from(draw >= shares[0] + shares[1]) };
        let asked = Asked::Chosen { propensity: known.then_some(shares[candidate]) };
        log.push(i + 1, entry(row, i, Split::Train, &[candidate], asked), &HashMap::new()).unwrap();
    }
    log
}

fn settings(link: Link) -> Settings {
    let (date, embedder) = ("2026-11-22".into(), "tiny".into());
    Settings { link, seed: 1, candidates: None, calibration: None, epsilon: 0.03, delta: 0.1, far: None, date, embedder, edited: vec![] }
}

fn fit(log: &Log, rows: &[Planted], link: Link) -> RouterFile {
    train(log, &seen(rows), &Cards::new(), &settings(link)).unwrap()
}

/// Qualities by id, for every prompt.
fn qualities(file: &RouterFile, rows: &[Planted]) -> Vec<f64> {
    let places = IDS.map(|id| file.catalog.position(id).unwrap());
    let of = |seen: &Seen| {
        let features = file.features.apply(&seen.embedding, &surface("prompt 7", seen.tokens)).unwrap();
        let estimates = file.head.estimate(&features.vector).unwrap();
        places.map(|place| estimates[place].quality)
    };
    seen(rows).iter().flat_map(of).collect()
}

/// Mean difference of predictions on prompts that neither has seen.
fn apart(a: &RouterFile, b: &RouterFile) -> f64 {
    let fresh = planted(300, 99);
    let (a, b) = (qualities(a, &fresh), qualities(b, &fresh));
    a.iter().zip(&b).map(|(a, b)| (a - b).abs()).sum::<f64>() / a.len() as f64
}

const UNIFORM: [f64; 3] = [1.0 / 3.0; 3];

#[test]
fn one_outcome_a_row_teaches_what_all_of_them_do() {
    for link in [Link::Logistic, Link::Identity] {
        let rows = planted(4000, 5);
        let full = fit(&openly(&rows, Split::Train), &rows, link);
        let error = |n: usize| apart(&fit(&chosen(&rows[..n], 6, |_| UNIFORM, true), &rows[..n], link), &full);
        let (few, many) = (error(300), error(4000));
        println!("{link:?}: {few} with 300 rows, {many} with 4000");
        assert!(many < 0.06 && many < 0.7 * few, "{link:?}: {few} with 300 rows, {many} with 4000");
    }
}

#[test]
fn the_dials_are_set_as_if_every_candidate_had_been_asked() {
    let (rows, fresh) = (planted(4000, 5), planted(1000, 77));
    let full = fit(&openly(&rows, Split::Train), &rows, Link::Logistic);
    let log = openly(&fresh, Split::Test);
    let judge = |file: &RouterFile| {
        let all: Vec<usize> = (0..fresh.len()).collect();
        evaluate(file, &log, &seen(&fresh), &all, file.dials.aim(&Policy::default()).unwrap(), 0).unwrap()
    };
    let known = judge(&full);
    assert!(known.router.score > 0.92 && known.cost_saved.value > 0.8, "{:?}", known.router);
    for told in [true, false] {
        let file = fit(&chosen(&rows, 6, |_| UNIFORM, told), &rows, Link::Logistic);
        let found = judge(&file);
        assert!(found.router.score > known.router.score - 0.03, "propensities {told}: {:?} against {:?}", found.router, known.router);
        assert!(found.cost_saved.value > 0.7, "propensities {told}: {:?}", found.router);
        // What the file says of itself is estimated, and near what is so.
        assert!((file.provenance.routed.quality - found.router.score).abs() < 0.06, "{:?}", file.provenance.routed);
        assert!((file.provenance.best_single.quality - 0.9).abs() < 0.05 && file.provenance.best_single.id == "large");
    }
}

#[test]
fn a_candidate_that_was_given_the_easy_prompts_is_not_the_best_for_it() {
    let rows = planted(3000, 8);
    // `small` gets those that it can answer: its own rows score 0.9, although it is right on half of all.
    let favour = |row: &Planted| if row.scores[0] > 0.0 { [0.9, 0.05, 0.05] } else { [0.1, 0.05, 0.85] };
    let log = chosen(&rows, 9, favour, true);
    let mean = |id: &str| {
        let candidate = log.position(id).unwrap();
        let own: Vec<f64> = log.rows.iter().filter_map(|row| row.outcome(candidate)).map(|outcome| outcome.score).collect();
        own.iter().sum::<f64>() / own.len() as f64
    };
    assert!(mean("small") >= mean("large") - 0.02, "the log itself flatters small: {} and {}", mean("small"), mean("large"));
    let file = fit(&log, &rows, Link::Logistic);
    assert_eq!(file.provenance.best_single.id, "large");
    let small = file.dials.means[file.catalog.position("small").unwrap()];
    assert!((small - 0.5).abs() < 0.06, "{small}");
}

#[test]
fn a_guarantee_needs_rows_that_were_asked_openly() {
    let rows = planted(3000, 5);
    let log = chosen(&rows, 6, |_| UNIFORM, true);
    assert!(fit(&log, &rows, Link::Logistic).dials.guarantee.is_none());
    let asked = Settings { calibration: Some(0.2), ..settings(Link::Logistic) };
    assert_eq!(train(&log, &seen(&rows), &Cards::new(), &asked).unwrap_err().code(), "BAD_INPUT");
    // Beside openly asked rows, those give it, and the others teach.
    let mut both = openly(&rows, Split::Train);
    let more = planted(500, 11);
    chosen(&more, 6, |_| UNIFORM, true).rows.iter().zip(&more).enumerate().for_each(|(i, (row, planted))| {
        let candidates: Vec<usize> =
            row.outcomes().map(|(candidate, _)| IDS.iter().position(|id| *id == log.candidates[candidate]).unwrap()).collect();
        both.push(1, entry(planted, 10_000 + i, Split::Train, &candidates, row.asked), &HashMap::new()).unwrap();
    });
    let all: Vec<Planted> = rows.into_iter().chain(more).collect();
    let file = fit(&both, &all, Link::Logistic);
    let fitted: usize = file.provenance.data.iter().map(|source| source.rows).sum();
    let proven = file.dials.guarantee.unwrap().rows;
    assert!(proven > 500 && proven < 700 && fitted + proven == 3500, "{proven} {fitted}");
}

/// A router that knows one thing: where the first coordinate is positive, `small` is right; `large` is a guess.
fn knowing() -> RouterFile {
    let mut file = tiny::router("planted");
    let weights = Array2::from_shape_fn((3, WIDTH), |(i, j)| if (i, j) == (0, 0) { 100.0 } else { 0.0 });
    file.features = FeatureMap::plain(WIDTH);
    let quality = Linear { weights, bias: array![0.0, -50.0, 1.5] };
    file.head = Head::new(Link::Logistic, quality, Linear::zeros(3, WIDTH), Linear::zeros(3, WIDTH)).unwrap();
    file
}

const AIM: Aim = Aim::Weight(0.0);

/// Depends on the prompt, and gives everyone a chance.
fn logging(row: &Planted) -> [f64; 3] {
    if row.vector[1] > 0.0 { [0.5, 0.3, 0.2] } else { [0.2, 0.3, 0.5] }
}

fn judged(log: &Log, rows: &[Planted], clip: Option<f64>) -> pointsman::error::Result<OffPolicy> {
    let all: Vec<usize> = (0..rows.len()).collect();
    off_policy(&knowing(), log, &seen(rows), &all, OffPolicySettings { aim: AIM, clip, seed: 1 })
}

fn mean_and_deviation(numbers: &[f64]) -> (f64, f64) {
    let n = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / n;
    (mean, (numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt())
}

#[test]
fn estimates_are_right_on_average_and_prediction_steadies_them() {
    let rows = planted(400, 12);
    let log = openly(&rows, Split::Train);
    let all: Vec<usize> = (0..rows.len()).collect();
    let truth = evaluate(&knowing(), &log, &seen(&rows), &all, AIM, 0).unwrap().router;
    let found: Vec<OffPolicy> = (0..300).map(|seed| judged(&chosen(&rows, seed, logging, true), &rows, None).unwrap()).collect();
    let of = |value: &dyn Fn(&OffPolicy) -> f64| mean_and_deviation(&found.iter().map(value).collect::<Vec<_>>());
    for (name, truth, ips, snips, dr) in [
        ("score", truth.score, of(&|f| f.score.ips.value), of(&|f| f.score.snips.value), of(&|f| f.score.doubly_robust.value)),
        ("usd", truth.usd, of(&|f| f.usd.ips.value), of(&|f| f.usd.snips.value), of(&|f| f.usd.doubly_robust.value)),
    ] {
        println!("{name}: truth {truth}, IPS {ips:?}, SNIPS {snips:?}, DR {dr:?}");
        for (estimator, (mean, deviation)) in [("IPS", ips), ("DR", dr)] {
            assert!((mean - truth).abs() < 4.0 * deviation / 300f64.sqrt(), "{name} by {estimator}: {mean} for {truth}");
        }
        assert!((snips.0 - truth).abs() < 0.1 * truth, "{name} by SNIPS: {snips:?} for {truth}");
        assert!(dr.1 < ips.1 && snips.1 < ips.1, "{name}: deviations {dr:?} {snips:?} {ips:?}");
    }
    let held = found.iter().filter(|f| (f.score.doubly_robust.low..=f.score.doubly_robust.high).contains(&truth.score)).count();
    assert!(held >= 280, "the interval holds the truth in {held} of 300");
}

#[test]
fn a_limit_on_weights_trades_variance_for_bias() {
    let rows = planted(400, 12);
    let spread = |clip| {
        let values: Vec<f64> =
            (0..100).map(|seed| judged(&chosen(&rows, seed, logging, true), &rows, clip).unwrap().score.ips.value).collect();
        mean_and_deviation(&values)
    };
    let (free, limited) = (spread(None), spread(Some(2.5)));
    assert!(limited.1 < free.1 && limited.0 < free.0, "{free:?} {limited:?}");
    let one = judged(&chosen(&rows, 1, logging, true), &rows, Some(2.5)).unwrap();
    assert!(one.clipped > 0 && one.greatest_weight == 5.0 && one.clipped < one.agreed, "{one:?}");
    for bad in [0.0, -1.0, f64::NAN] {
        assert_eq!(judged(&chosen(&rows, 1, logging, true), &rows, Some(bad)).unwrap_err().code(), "BAD_INPUT");
    }
}

#[test]
fn what_a_log_cannot_tell_is_said() {
    let rows = planted(200, 3);
    let code = |log: &Log| judged(log, &rows, None).err().map(|e| e.code());
    assert_eq!(code(&chosen(&rows, 1, logging, false)), Some("BAD_INPUT"), "no propensities");
    assert_eq!(code(&openly(&rows, Split::Train)), Some("BAD_INPUT"), "no decisions");
    assert_eq!(code(&chosen(&rows, 1, |_| [0.0, 1.0, 0.0], true)), Some("BAD_INPUT"), "no agreement: medium is never chosen");
    let always_large = judged(&chosen(&rows, 1, |_| [0.0, 0.0, 1.0], true), &rows, None).unwrap();
    assert!(always_large.deterministic && always_large.unsupported > 50, "{always_large:?}");
    assert_eq!(always_large.unsupported + always_large.agreed, 200);
    let rare = judged(&chosen(&rows[..60], 1, |_| [0.3, 0.4, 0.3], true), &rows[..60], None).unwrap();
    assert!(rare.is_thin() && !rare.deterministic && (rare.effective_rows - rare.agreed as f64).abs() < 1e-6, "{rare:?}");
    assert!(!judged(&chosen(&rows, 1, |_| UNIFORM, true), &rows, None).unwrap().is_thin());
}

#[test]
fn the_bandit_form_of_a_full_log_is_a_log_of_random_decisions() {
    let rows = planted(2000, 5);
    let mut intake = Intake::new(IntakeSettings { one_outcome: Some(3), ..IntakeSettings::default() }).unwrap();
    rows.iter().enumerate().for_each(|(i, row)| intake.take(i + 1, entry(row, i, Split::Train, &[0, 1, 2], Asked::Openly)).unwrap());
    let log = intake.finish();
    assert!(log.rows.iter().all(|row| row.asked == Asked::Chosen { propensity: Some(1.0 / 3.0) }));
    let full = fit(&openly(&rows, Split::Train), &rows, Link::Identity);
    assert!(apart(&fit(&log, &rows, Link::Identity), &full) < 0.06);
}

#[test]
fn a_learning_curve_rises_to_what_all_rows_teach() {
    let (rows, fresh) = (planted(480, 5), planted(500, 77));
    let mut log = openly(&rows, Split::Train);
    fresh
        .iter()
        .enumerate()
        .for_each(|(i, row)| log.push(1, entry(row, 5000 + i, Split::Test, &[0, 1, 2], Asked::Openly), &HashMap::new()).unwrap());
    let all: Vec<Planted> = rows.into_iter().chain(fresh).collect();
    let (file, curve) = learning_curve(&log, &seen(&all), &Cards::new(), &settings(Link::Logistic), &|_| ()).unwrap();
    let whole = train(&log, &seen(&all), &Cards::new(), &settings(Link::Logistic)).unwrap();
    assert!(file.to_bytes().unwrap() == whole.to_bytes().unwrap());
    assert_eq!((curve.test_rows, curve.best_single.as_str(), curve.points.len()), (Some(500), "large", 5));
    let (first, last) = (&curve.points[0], &curve.points[4]);
    assert!((20..45).contains(&first.rows) && last.rows == 480 && curve.points.is_sorted_by_key(|point| point.rows));
    assert!(last.aiq.unwrap() > first.aiq.unwrap() + 0.01, "{curve:?}");
    let held: Vec<usize> = (480..980).collect();
    let report = evaluate(&file, &log, &seen(&all), &held, file.dials.aim(&Policy::default()).unwrap(), 0).unwrap();
    assert_eq!((last.score, last.aiq, last.cost_saved), (report.router.score, Some(report.aiq.router), report.cost_saved.value));
    // Without test rows, each share judges itself out of fold.
    log.rows.truncate(480);
    let alone = learning_curve(&log, &seen(&all[..480]), &Cards::new(), &settings(Link::Logistic), &|_| ()).unwrap().1;
    assert!(alone.test_rows.is_none() && alone.points.iter().all(|point| point.aiq.is_none() && point.score > 0.7), "{alone:?}");
}
