//! Promise: a router moves from one embedder to another between two prompts, and nothing of what it owes is lost.

mod support;

use pointsman::artifact::RouterFile;
use pointsman::bandit::Learning;
use pointsman::embedder::build::distil;
use pointsman::embedder::{Embedder, EmbedderFile, Tier};
use pointsman::policy::Policy;
use pointsman::router::{Feedback, Router, load_embedder};
use support::tiny;

const EMBEDDER: &[u8] = include_bytes!("data/tiny.onnx");
const ROUTER: &[u8] = include_bytes!("data/tiny.router");

fn full() -> (RouterFile, EmbedderFile) {
    (RouterFile::parse(ROUTER).unwrap(), EmbedderFile::parse(EMBEDDER).unwrap())
}

/// The tiny router's head over a table as wide as its embedder: its estimates mean nothing here, but they are others.
fn small() -> (RouterFile, EmbedderFile) {
    let mut router = RouterFile::parse(ROUTER).unwrap();
    let file = distil(&tiny::folder(1), router.features.inputs()).unwrap();
    let (_, embedder) = load_embedder(EmbedderFile::parse(&*file).unwrap()).unwrap();
    router.provenance.embedder = embedder.fingerprint().into();
    (router, EmbedderFile::parse(file).unwrap())
}

fn open((router, embedder): (RouterFile, EmbedderFile)) -> Router {
    let mut router = Router::open(router, embedder, 7).unwrap();
    router.learn(Learning { ridge: 1.0, ..Learning::default() }, 3).unwrap();
    router.limit(1.0).unwrap();
    router
}

#[test]
fn the_better_embedder_takes_over_between_two_prompts() {
    let mut router = open(small());
    let first = router.route(&"hello".into(), &Policy::default()).unwrap();
    assert_eq!(first.tier, Tier::Static);
    let (file, embedder) = full();
    router.upgrade(file, embedder).unwrap();
    let second = router.route(&"hello".into(), &Policy::default()).unwrap();
    assert_eq!(second.tier, Tier::Full);
    assert_ne!(first.id, second.id);
    let reference = open(full()).route(&"hello".into(), &Policy::default()).unwrap();
    assert_eq!((second.model, second.scores), (reference.model, reference.scores), "as if it had always been there");
    assert!(router.budget().unwrap().committed_usd >= first.usd + second.usd - 1e-12, "the budget goes on");
}

#[test]
fn what_was_learned_stays_with_its_embedder() {
    let mut router = open(small());
    let waiting = router.route(&"hello".into(), &Policy::default()).unwrap().id;
    router.feedback(&router.route(&"hello".into(), &Policy::default()).unwrap().id, Feedback { score: Some(0.0), usd: None }).unwrap();
    let state = router.export_state().unwrap();
    let (file, embedder) = full();
    router.upgrade(file, embedder).unwrap();
    let fresh = open(full());
    let scores = |router: &Router| router.rank(&"hello".into(), &Policy::default()).unwrap();
    assert_eq!(scores(&router), scores(&fresh));
    router.feedback(&waiting, Feedback { score: Some(1.0), usd: Some(0.5) }).unwrap();
    assert_eq!(scores(&router), scores(&fresh), "feedback on an older decision is heard where it was made");
    assert_eq!(router.merge_state(&state).unwrap_err().code(), "MISMATCH");
}

#[test]
fn other_candidates_are_no_upgrade() {
    let mut router = open(small());
    let (mut file, embedder) = full();
    file.catalog = pointsman::catalog::Catalog::new(file.catalog.candidates().iter().rev().cloned().collect()).unwrap();
    assert_eq!(router.upgrade(file, embedder).unwrap_err().code(), "MISMATCH");
    assert_eq!(router.route(&"hello".into(), &Policy::default()).unwrap().tier, Tier::Static, "nothing changed");
}
