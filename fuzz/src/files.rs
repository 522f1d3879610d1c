//! Router files, embedder files, bandit states and receipts.

use crate::{EMBEDDER, ROUTER, seal};
use pointsman::artifact::RouterFile;
use pointsman::bandit::{Learning, add_states};
use pointsman::embedder::{Embedder, EmbedderFile};
use pointsman::policy::Policy;
use pointsman::router::{Feedback, Router, load_embedder};
use pointsman::tokenizer::Tokenizer;
use std::sync::{Arc, LazyLock};

static LOADED: LazyLock<(Arc<Tokenizer>, Arc<dyn Embedder>)> = LazyLock::new(|| {
    let (tokenizer, embedder) = load_embedder(EmbedderFile::parse(EMBEDDER).expect("our own file")).expect("our own graph");
    (Arc::new(tokenizer), Arc::new(embedder))
});

/// Parses a router file's body; what is accepted must be written again alike, and route.
pub fn router_file(body: &[u8]) {
    let Ok(file) = RouterFile::parse(&seal::hashed(body)) else { return };
    let again = file.to_bytes().expect("what was read can be written");
    assert_eq!(RouterFile::parse(&again).expect("what was written can be read").to_bytes().expect("again"), again);
    let (tokenizer, embedder) = LOADED.clone();
    let Ok(router) = Router::new(file, tokenizer, embedder, 0) else { return };
    decide(&router);
}

/// Whatever the head says, a decision holds a candidate and finite numbers, or there is a typed error.
fn decide(router: &Router) {
    let policies = [
        Policy::default(),
        Policy { cost_weight: Some(0.5), ..Policy::default() },
        Policy { min_quality: Some(pointsman::policy::MinQuality::BEST), caution: Some(1.0), ..Policy::default() },
    ];
    for policy in policies {
        let Ok(decision) = router.route(&"What is 2 + 2? Prove it.".into(), &policy) else { continue };
        assert!(router.candidates().iter().any(|candidate| candidate.id == decision.model));
        let sound = |quality: f64| (0.0..=1.0).contains(&quality);
        assert!(decision.scores.iter().all(|score| sound(score.quality) && score.usd.is_finite()), "{decision:?}");
    }
}

/// Loads an embedder file's body; what is accepted embeds texts or says why not.
pub fn embedder_file(body: &[u8]) {
    let Ok(file) = EmbedderFile::parse(seal::embedder(body)) else { return };
    let Ok((tokenizer, embedder)) = load_embedder(file) else { return };
    for text in ["", "hello", "What is the capital of France? Prove it, and explain why."] {
        let Ok(embedding) = embedder.embed(&tokenizer.encode(text)) else { continue };
        assert_eq!(embedding.as_slice().len(), embedder.width());
        assert!(embedding.as_slice().iter().all(|x| x.is_finite()));
    }
}

static LEARNING: LazyLock<Router> = LazyLock::new(|| {
    let mut router = Router::load(ROUTER, EMBEDDER, 7).expect("our own files");
    router.learn(Learning { shared: true, dimensions: Some(4), ..Learning::default() }, 7).expect("sound settings");
    router
});

/// Adds and merges a state: sums that are accepted are numbers afterwards, too.
pub fn bandit_state(body: &[u8]) {
    let state = seal::hashed(body);
    if let Ok(sum) = add_states(&[state.clone(), state.clone()]) {
        // At the bounds, a sum may round over them.
        let _ = add_states(&[sum]);
    }
    if LEARNING.replace_state(&state).is_ok() {
        decide(&LEARNING);
        let export = LEARNING.export_state().expect("it learns");
        LEARNING.replace_state(&export).expect("what was exported can be taken back");
    }
}

/// Redeems a receipt.
pub fn receipt(bytes: &[u8]) {
    let heard = LEARNING.redeem(bytes, Feedback { score: Some(0.5), usd: Some(0.01) });
    if heard.is_ok() {
        decide(&LEARNING);
    }
}
