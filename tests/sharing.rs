//! Promise: what many routers learn apart adds up to what one would have learned, whoever hears the feedback.

mod support;

use pointsman::bandit::{Learning, add_states};
use pointsman::policy::Policy;
use pointsman::router::{Decision, Feedback, Router};
use sha2::{Digest, Sha256};

const EMBEDDER: &[u8] = include_bytes!("data/tiny.onnx");
const ROUTER: &[u8] = include_bytes!("data/tiny.router");
const PROMPTS: [&str; 6] = ["hello", "What is the capital of France?", "Prove it.", "2 + 2", "Write a poem", "Why?"];

fn router(seed: u64, learning: Learning) -> Router {
    let mut router = Router::load(ROUTER, EMBEDDER, seed).unwrap();
    router.learn(learning, seed).unwrap();
    router
}

fn shared() -> Learning {
    Learning { shared: true, dimensions: Some(4), ..Learning::default() }
}

fn route(router: &Router, prompt: &str) -> Decision {
    router.route(&prompt.into(), &Policy { cost_weight: Some(0.0), ..Policy::default() }).unwrap()
}

fn outcome(score: f64) -> Feedback {
    Feedback { score: Some(score), usd: Some(0.001) }
}

/// The largest difference between two routers' judgement of the prompts.
fn apart(a: &Router, b: &Router) -> f64 {
    let scores = |router: &Router| PROMPTS.map(|prompt| route(router, prompt).scores);
    let pairs = scores(a).into_iter().flatten().zip(scores(b).into_iter().flatten());
    pairs.map(|(a, b)| (a.quality - b.quality).abs() + (a.spread - b.spread).abs() + (a.usd - b.usd).abs()).fold(0.0, f64::max)
}

#[test]
fn drained_sums_make_the_state_of_one_that_heard_all() {
    let (left, right, whole) = (router(1, shared()), router(2, shared()), router(3, shared()));
    let mut pool = vec![];
    for round in 0..3 {
        for (i, prompt) in PROMPTS.iter().enumerate() {
            let score = if (i + round) % 3 == 0 { 1.0 } else { 0.0 };
            let heard_by = [&left, &right][i % 2];
            let id = route(heard_by, prompt).id;
            // The whole one hears the same outcome by the receipt, whatever it would have chosen itself.
            whole.redeem(&heard_by.receipt(&id).unwrap(), outcome(score)).unwrap();
            heard_by.feedback(&id, outcome(score)).unwrap();
        }
        pool.extend([left.drain_state().unwrap(), right.drain_state().unwrap()]);
    }
    let sum = add_states(&pool).unwrap();
    assert!(apart(&left, &whole) > 1e-4, "each alone knows less");
    let fresh = router(4, shared());
    [&left, &right, &fresh].iter().for_each(|router| router.replace_state(&sum).unwrap());
    for (name, router) in [("left", &left), ("right", &right), ("fresh", &fresh)] {
        assert!(apart(router, &whole) < 1e-5, "{name}: {}", apart(router, &whole));
    }
}

#[test]
fn what_is_not_yet_drained_outlives_a_replacement() {
    let (here, twin) = (router(1, shared()), router(1, shared()));
    let nothing = here.drain_state().unwrap();
    for router in [&here, &twin] {
        router.feedback(&route(router, "hello").id, outcome(0.0)).unwrap();
    }
    here.replace_state(&nothing).unwrap();
    assert!(apart(&here, &twin) < 1e-6);
    assert_eq!(here.drain_state().unwrap(), twin.drain_state().unwrap());
    here.replace_state(&nothing).unwrap();
    assert!(apart(&here, &router(1, shared())) < 1e-12, "drained and replaced, it is forgotten");
}

#[test]
fn a_receipt_is_heard_once_and_only_where_it_fits() {
    let (there, here) = (router(1, shared()), router(2, shared()));
    let id = route(&there, "hello").id;
    let receipt = there.receipt(&id).unwrap();
    here.redeem(&receipt, Feedback { score: None, usd: Some(0.002) }).unwrap();
    here.redeem(&receipt, outcome(1.0)).unwrap();
    let code = |result: pointsman::error::Result<()>| result.unwrap_err().code();
    assert_eq!(code(here.redeem(&receipt, outcome(1.0))), "BAD_INPUT", "a score counts once");
    assert_eq!(code(here.redeem(&receipt[1..], outcome(1.0))), "BAD_INPUT");
    there.feedback(&id, outcome(1.0)).unwrap();
    assert_eq!(code(there.redeem(&receipt, outcome(1.0))), "BAD_INPUT", "it was heard where it was made");
    assert_eq!(code(there.receipt(&id).map(drop)), "BAD_INPUT");
    let wide = router(3, Learning { shared: true, ..Learning::default() });
    let receipt = there.receipt(&route(&there, "hello").id).unwrap();
    assert_eq!(code(wide.redeem(&receipt, outcome(1.0))), "MISMATCH");
    assert!(!receipt.windows(5).any(|bytes| bytes == b"hello"));
}

#[test]
fn sharing_is_asked_for_and_sums_must_fit() {
    let apart = router(1, Learning { dimensions: Some(4), ..Learning::default() });
    assert_eq!(apart.drain_state().unwrap_err().code(), "BAD_INPUT");
    let (narrow, wide) = (apart.export_state().unwrap(), router(1, Learning::default()).export_state().unwrap());
    assert_eq!(add_states(&[narrow.clone(), wide]).unwrap_err().code(), "MISMATCH");
    assert_eq!(add_states(&[]).unwrap_err().code(), "BAD_INPUT");
    assert_eq!(add_states(&[narrow[1..].to_vec()]).unwrap_err().code(), "BAD_ARTIFACT");
    assert_eq!(apart.replace_state(&narrow[1..]).unwrap_err().code(), "BAD_ARTIFACT");
    assert_eq!(apart.export_state().unwrap(), narrow, "nothing changed");
}

/// A state of one candidate whose every sum is `value`, closed as it should be.
fn state_of(value: f32, count: f64) -> Vec<u8> {
    let mut bytes = router(1, shared()).export_state().unwrap();
    bytes.truncate(bytes.len() - 32);
    let at = bytes.len() - (5 + 15) * 4;
    bytes[at - 24..at - 16].copy_from_slice(&count.to_le_bytes());
    bytes[at..].chunks_exact_mut(4).for_each(|number| number.copy_from_slice(&value.to_le_bytes()));
    let hash = Sha256::digest(&bytes);
    bytes.extend(hash);
    bytes
}

#[test]
fn sums_that_no_feedback_makes_are_refused_and_change_nothing() {
    let learner = router(1, shared());
    let before = learner.export_state().unwrap();
    for (value, count) in [(3e38, 1.0), (-3e38, 1.0), (-100.0, 50.0), (1.0, -1.0), (1.0, f64::NAN), (f32::NAN, 1.0)] {
        let hostile = state_of(value, count);
        assert_eq!(learner.merge_state(&hostile).unwrap_err().code(), "BAD_ARTIFACT", "{value} x {count}");
        assert_eq!(learner.replace_state(&hostile).unwrap_err().code(), "BAD_ARTIFACT", "{value} x {count}");
    }
    assert_eq!(learner.export_state().unwrap(), before);
    learner.merge_state(&state_of(0.0, 0.0)).unwrap();
}
