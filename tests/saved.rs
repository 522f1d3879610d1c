//! Promise: a router that was saved goes on in another one as if nothing had happened.

use pointsman::bandit::Learning;
use pointsman::policy::Policy;
use pointsman::router::{Feedback, Router};

const EMBEDDER: &[u8] = include_bytes!("data/tiny.onnx");
const ROUTER: &[u8] = include_bytes!("data/tiny.router");
const PROMPTS: [&str; 5] = ["hello", "What is the capital of France?", "Prove it.", "2 + 2", "Why?"];

fn router(seed: u64) -> Router {
    let mut router = Router::load(ROUTER, EMBEDDER, seed).unwrap();
    router
        .learn(Learning { shared: true, dimensions: Some(4), discount: 0.9, max_explore_usd: Some(1.0), ..Learning::default() }, seed)
        .unwrap();
    router.limit(10.0).unwrap();
    router
}

fn policy() -> Policy {
    Policy { session: Some("talk".into()), explore: Some(0.5), ..Policy::default() }
}

fn lived() -> (Router, String) {
    let router = router(3);
    for (i, prompt) in PROMPTS.iter().cycle().take(40).enumerate() {
        let id = router.route(&(*prompt).into(), &policy()).unwrap().id;
        if i % 3 != 2 {
            router.feedback(&id, Feedback { score: Some((i % 2) as f64), usd: Some(0.001) }).unwrap();
        }
    }
    let open = router.route(&PROMPTS[0].into(), &policy()).unwrap().id;
    (router, open)
}

fn pieces(router: &Router) -> Vec<Vec<u8>> {
    (0..).map_while(|piece| router.save(piece)).collect()
}

fn restored(saved: &[Vec<u8>]) -> Router {
    let other = router(99);
    saved.iter().enumerate().for_each(|(piece, bytes)| other.restore(piece, bytes).unwrap());
    other
}

#[test]
fn all_that_it_had_is_there_to_the_last_bit() {
    let (before, _) = lived();
    let saved = pieces(&before);
    assert_eq!(saved.len(), 1 + before.candidates().len());
    let after = restored(&saved);
    assert_eq!(pieces(&after), saved);
    assert_eq!(after.export_state().unwrap(), before.export_state().unwrap());
    assert_eq!(after.budget(), before.budget());
    assert_eq!(after.drain_state().unwrap(), before.drain_state().unwrap());
}

#[test]
fn it_decides_draws_and_hears_like_the_first() {
    let (before, open) = lived();
    let after = restored(&pieces(&before));
    for router in [&before, &after] {
        router.feedback(&open, Feedback { score: Some(1.0), usd: Some(0.5) }).unwrap();
    }
    assert_eq!(after.budget(), before.budget());
    for prompt in PROMPTS {
        let [a, b] = [&before, &after].map(|router| router.route(&prompt.into(), &policy()).unwrap());
        assert_eq!((&a.id, &a.model, a.reason), (&b.id, &b.model, b.reason));
        assert_eq!((a.propensity, &a.scores), (b.propensity, &b.scores));
    }
}

#[test]
fn pieces_of_something_else_are_refused() {
    let (before, _) = lived();
    let saved = pieces(&before);
    let fresh = Router::load(ROUTER, EMBEDDER, 1).unwrap();
    assert!(fresh.restore(0, &saved[0]).is_err() && fresh.restore(1, &saved[1]).is_err() && fresh.restore(9, &[]).is_err());
    let other = router(1);
    for (piece, bytes) in saved.iter().enumerate() {
        for len in 0..bytes.len() {
            assert_eq!(other.restore(piece, &bytes[..len]).unwrap_err().code(), "BAD_ARTIFACT");
        }
    }
    let nonsense = f64::NAN.to_le_bytes();
    let torn = [&saved[1][..4], &nonsense, &saved[1][12..]].concat();
    assert_eq!(other.restore(1, &torn).unwrap_err().code(), "BAD_ARTIFACT");
}
