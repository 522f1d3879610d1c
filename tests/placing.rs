//! Promise: a candidate without logs gets a place that its scores earn, and the router file stays whole.

mod support;

use ndarray::array;
use pointsman::artifact::{Entry, RouterFile};
use pointsman::embedder::EmbedderFile;
use pointsman::head::Linear;
use pointsman::placing::{TaskScore, Tasks};
use pointsman::policy::Policy;
use pointsman::router::Router;
use support::tiny;

const EMBEDDER: &[u8] = include_bytes!("data/tiny.onnx");

/// The tiny router, which three candidates answered one task of.
fn file() -> RouterFile {
    let mut file = tiny::router(EmbedderFile::parse(EMBEDDER).unwrap().fingerprint());
    let mut directions = Linear::zeros(1, file.head.width());
    directions.bias = array![1.0];
    let score = TaskScore { name: "quiz".into(), share: 1.0, logits: vec![-0.4, 0.4, 1.1], mix: vec![1.0] };
    file.tasks = Some(Tasks { scores: vec![score], directions, rest: 0.05, input_tokens: 50.0 });
    file
}

fn known(id: &str) -> Entry {
    Entry { id: id.into(), ..Entry::default() }
}

fn new(score: f64) -> Entry {
    let scores = [("quiz".to_owned(), score)].into();
    Entry { usd_per_mtok_in: Some(1.0), usd_per_mtok_out: Some(2.0), scores, ..known("new") }
}

#[test]
fn tasks_survive_the_file() {
    let file = file();
    assert_eq!(RouterFile::parse(&file.to_bytes().unwrap()).unwrap(), file);
}

#[test]
fn a_lineup_keeps_what_is_known_and_places_what_is_new() {
    let before = Router::load(&file().to_bytes().unwrap(), EMBEDDER, 0).unwrap();
    let lined = file().with_lineup(&[known("large"), new(0.7), Entry { usd_per_mtok_in: Some(9.0), ..known("small") }]).unwrap();
    assert_eq!((lined.dials.strongest, lined.dials.guarantee.is_none(), lined.dials.knots.len()), (0, true, 0));
    let router = Router::load(&lined.to_bytes().unwrap(), EMBEDDER, 0).unwrap();
    let quality = |router: &Router, id: &str| {
        let decision = router.route(&"Prove it.".into(), &Policy { cost_weight: Some(0.1), ..Policy::default() }).unwrap();
        decision.scores.into_iter().find(|score| score.model == id).unwrap()
    };
    assert_eq!(quality(&router, "large").quality, quality(&before, "large").quality);
    assert_eq!(router.candidates()[2].usd_per_mtok_in, 9.0);
    assert!(quality(&router, "new").spread > 0.0);
    // The task is all there is: a mean score of 0.7 is a place between 0.6 and 0.75.
    assert!((0.68..0.72).contains(&lined.dials.means[1]), "{:?}", lined.dials.means);
}

#[test]
fn a_higher_score_is_a_higher_place() {
    let means: Vec<f64> =
        [0.2, 0.5, 0.8, 95.0].iter().map(|s| file().with_lineup(&[known("small"), new(*s)]).unwrap().dials.means[1]).collect();
    assert!(means.is_sorted(), "{means:?}");
}

#[test]
fn the_same_lineup_changes_nothing() {
    let same = file().with_lineup(&[known("small"), known("medium"), known("large")]).unwrap();
    assert_eq!(same, file());
}

#[test]
fn what_cannot_be_placed_is_refused() {
    let unpriced = Entry { usd_per_mtok_out: None, ..new(0.5) };
    for bad in [known("new"), unpriced, Entry { scores: [("exam".to_owned(), 0.5)].into(), ..new(0.5) }, new(-1.0)] {
        assert_eq!(file().with_lineup(&[known("small"), bad]).unwrap_err().code(), "BAD_INPUT");
    }
    let plain = RouterFile { tasks: None, ..file() };
    assert_eq!(plain.with_lineup(&[new(0.5)]).unwrap_err().code(), "BAD_INPUT");
    assert_eq!(file().with_lineup(&[]).unwrap_err().code(), "BAD_INPUT");
    assert_eq!(file().with_lineup(&[known("small"), known("small")]).unwrap_err().code(), "BAD_INPUT");
}
