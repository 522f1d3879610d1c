//! Prompts, and their way to tokens.

use crate::{EMBEDDER, ROUTER};
use pointsman::embedder::EmbedderFile;
use pointsman::policy::Policy;
use pointsman::prompt::Prompt;
use pointsman::router::Router;
use pointsman::tokenizer::{Normalization, Tokenizer};
use std::sync::LazyLock;

static ROAD: LazyLock<Router> = LazyLock::new(|| Router::load(ROUTER, EMBEDDER, 7).expect("our own files"));

/// Routes a prompt that is written as JSON: a text, or messages.
pub fn chat(json: &[u8]) {
    let Ok(prompt) = serde_json::from_slice::<Prompt>(json) else { return };
    if let Ok(decision) = ROAD.route(&prompt, &Policy::default()) {
        assert_eq!(ROAD.route(&prompt, &Policy::default()).expect("it could be routed").model, decision.model);
    }
}

/// Cuts a text by a vocabulary; both come from the input, which a line of dashes parts.
pub fn tokenizer(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (vocabulary, text) = text.split_once("\n---\n").unwrap_or(("[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n##b", &text));
    for (max_tokens, strip_accents) in [(2, true), (16, false), (256, true)] {
        let normalization = Normalization { lowercase: strip_accents, strip_accents };
        let Ok(tokenizer) = Tokenizer::new(vocabulary.split('\n'), max_tokens, normalization) else { continue };
        check(&tokenizer, text, max_tokens);
    }
    let own = EmbedderFile::parse(EMBEDDER).expect("our own file");
    let normalization = own.metadata().normalization;
    check(&Tokenizer::new(own.metadata().vocabulary(), 48, normalization).expect("our own vocabulary"), text, 48);
}

fn check(tokenizer: &Tokenizer, text: &str, max_tokens: usize) {
    let tokens = tokenizer.encode(text);
    assert!((2..=max_tokens).contains(&tokens.ids.len()) && tokens.total >= tokens.ids.len());
    assert!(tokens.ids.iter().all(|id| (*id as usize) < tokenizer.vocabulary_len()));
}
