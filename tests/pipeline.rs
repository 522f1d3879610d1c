//! Promise: a prompt goes in, the cheapest suitable candidate comes out, through the whole road on a tiny embedder.

mod support;

use pointsman::artifact::RouterFile;
use pointsman::embedder::Activations;
use pointsman::embedder::build::{Folder, build};
use pointsman::embedder::{Embedder, EmbedderFile};
use pointsman::policy::{MinQuality, Policy, Reason};
use pointsman::prompt::Prompt;
use pointsman::router::{Router, load_embedder};
use pointsman::tokenizer::Tokens;
use support::{root, tiny};

const EMBEDDER: &[u8] = include_bytes!("data/tiny.onnx");
const ROUTER: &[u8] = include_bytes!("data/tiny.router");

fn router() -> Router {
    Router::load(ROUTER, EMBEDDER, 7).unwrap()
}

fn code<T>(result: pointsman::error::Result<T>) -> &'static str {
    result.err().map_or("none", |e| e.code())
}

/// The committed files are what the code makes. `UPDATE=1 cargo test` writes them anew.
#[test]
fn committed_files_are_reproduced() {
    let embedder = build(&tiny::folder(1), Activations::Bits7).unwrap();
    let router = tiny::router(EmbedderFile::parse(embedder.as_slice()).unwrap().fingerprint()).to_bytes().unwrap();
    let data = root().join("tests/data");
    let hello = Router::load(&router, &embedder, 0).unwrap().route(&"hello".into(), &Policy::default()).unwrap();
    let hello: Vec<String> = hello.scores.iter().map(|s| format!("{:.6}\n", s.quality)).collect();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(data.join("tiny.onnx"), &embedder).unwrap();
        std::fs::write(data.join("tiny.router"), &router).unwrap();
        // tests/wasm.rs compares with these.
        std::fs::write(data.join("tiny.hello"), hello.concat()).unwrap();
        return;
    }
    assert_eq!(hello.concat(), include_str!("data/tiny.hello"));
    assert!(embedder == EMBEDDER, "tests/data/tiny.onnx is not what the builder makes; run UPDATE=1 cargo test --test pipeline");
    assert!(router == ROUTER, "tests/data/tiny.router is not what is written; run UPDATE=1 cargo test --test pipeline");
}

#[test]
fn a_prompt_is_routed_and_explained() {
    let router = router();
    let decision = router.route(&"What is the capital of France?".into(), &Policy::default()).unwrap();
    assert!(decision.scores.iter().any(|s| s.model == decision.model));
    assert_eq!((decision.reason, decision.propensity, decision.truncated), (Reason::Utility, 1.0, false));
    let best = decision.scores.iter().map(|s| s.utility).fold(f64::NEG_INFINITY, f64::max);
    let chosen = decision.scores.iter().find(|s| s.model == decision.model).unwrap();
    assert_eq!((chosen.utility, chosen.usd), (best, decision.usd));
    let again = router.route(&"What is the capital of France?".into(), &Policy::default()).unwrap();
    assert_eq!(again.scores, decision.scores);
    assert_ne!(again.id, decision.id);
}

#[test]
fn quality_alone_takes_the_dearest_and_cost_alone_the_cheapest() {
    let router = router();
    let pick = |weight| router.route(&"Prove it.".into(), &Policy { cost_weight: Some(weight), ..Policy::default() }).unwrap();
    let (best, cheapest) = (pick(0.0), pick(1e9));
    let quality = |id: &str, d: &pointsman::router::Decision| d.scores.iter().find(|s| s.model == id).unwrap().quality;
    assert!(best.scores.iter().all(|s| s.quality <= quality(&best.model, &best)));
    assert!(cheapest.scores.iter().all(|s| s.usd >= cheapest.usd));
}

#[test]
fn limits_exclude_candidates_and_say_so() {
    let router = router();
    let prompt = Prompt::from("hello");
    let route = |policy: Policy| router.route(&prompt, &policy);
    let only = route(Policy { allow: Some(vec!["large".into()]), ..Policy::default() }).unwrap();
    assert_eq!((only.model.as_str(), only.reason), ("large", Reason::OnlyEligible));
    let able = route(Policy { needs: vec!["tools".into()], cost_weight: Some(1e9), ..Policy::default() }).unwrap();
    assert_eq!(able.model, "medium");
    let capped = route(Policy { max_usd: Some(2e-4), cost_weight: Some(0.0), ..Policy::default() }).unwrap();
    assert!(capped.usd <= 2e-4);
    assert_eq!(code(route(Policy { max_usd: Some(0.0), ..Policy::default() })), "NO_ELIGIBLE");
    let long = route(Policy { expected_output_tokens: Some(1e6), ..Policy::default() });
    assert_eq!(code(long), "NO_ELIGIBLE");
    assert_eq!(code(route(Policy { allow: Some(vec!["nobody".into()]), ..Policy::default() })), "BAD_INPUT");
}

#[test]
fn unusable_prompts_and_dials_are_typed_errors() {
    let router = router();
    for text in ["", " \n\t "] {
        assert_eq!(code(router.route(&text.into(), &Policy::default())), "BAD_INPUT");
    }
    for bad in [f64::NAN, -1.0, f64::INFINITY] {
        let policies = [
            Policy { cost_weight: Some(bad), ..Policy::default() },
            Policy { min_quality: Some(MinQuality::Mean(bad)), ..Policy::default() },
            Policy { max_usd: Some(bad), ..Policy::default() },
            Policy { caution: Some(bad), ..Policy::default() },
        ];
        for policy in policies {
            assert_eq!(code(router.route(&"hello".into(), &policy)), "BAD_INPUT", "{policy:?}");
        }
    }
    let both = Policy { cost_weight: Some(1.0), min_quality: Some(MinQuality::Mean(0.5)), ..Policy::default() };
    assert_eq!(code(router.route(&"hello".into(), &both)), "BAD_INPUT");
    let unreachable = Policy { min_quality: Some(MinQuality::Mean(1.0)), ..Policy::default() };
    assert_eq!(code(router.route(&"hello".into(), &unreachable)), "INFEASIBLE");
}

#[test]
fn a_megabyte_is_routed_on_its_ends() {
    let decision = router().route(&Prompt::Text("explain ".repeat(1 << 17)), &Policy::default()).unwrap();
    assert!(decision.truncated);
    // Of the three, only the large one's context holds 131,072 words.
    assert_eq!((decision.model.as_str(), decision.reason), ("large", Reason::OnlyEligible));
}

#[test]
fn chats_are_routed_on_the_last_request() {
    let router = router();
    let chat: Prompt = serde_json::from_str(r#"[{"role":"system","content":"Be brief."},{"role":"user","content":"hello"}]"#).unwrap();
    let qualities = |p: &Prompt| -> Vec<f64> { router.route(p, &Policy::default()).unwrap().scores.iter().map(|s| s.quality).collect() };
    assert_eq!(qualities(&chat), qualities(&"hello".into()));
}

#[test]
fn rank_sorts_by_utility_and_keeps_the_excluded_last() {
    let ranked = router().rank(&"hello".into(), &Policy { needs: vec!["tools".into()], ..Policy::default() }).unwrap();
    let open: Vec<bool> = ranked.iter().map(|s| s.ineligible.is_none()).collect();
    assert_eq!(open, [true, false, false]);
    let ranked = router().rank(&"hello".into(), &Policy::default()).unwrap();
    assert!(ranked.is_sorted_by(|a, b| a.utility >= b.utility));
}

#[test]
fn a_batch_equals_one_by_one() {
    let (tokenizer, embedder) = load_embedder(EmbedderFile::parse(EMBEDDER).unwrap()).unwrap();
    let batch: Vec<Tokens> = ["hello", "write a poem", "why?"].iter().map(|t| tokenizer.encode(t)).collect();
    let together = embedder.embed_batch(&batch).unwrap();
    for (tokens, row) in batch.iter().zip(&together) {
        assert_eq!(&embedder.embed(tokens).unwrap(), row);
        let length: f32 = row.as_slice().iter().map(|x| x * x).sum();
        assert!((length - 1.0).abs() < 1e-5);
    }
}

#[test]
fn tokens_that_no_tokenizer_made_are_refused() {
    let (_, embedder) = load_embedder(EmbedderFile::parse(EMBEDDER).unwrap()).unwrap();
    for ids in [vec![], vec![1; 49], vec![2, 1 << 20, 3]] {
        let tokens = Tokens { total: ids.len(), ids, ..Tokens::default() };
        assert_eq!(code(embedder.embed(&tokens)), "BAD_INPUT");
    }
}

#[test]
fn parts_that_do_not_belong_together_are_refused() {
    let other = build(&tiny::folder(2), Activations::Bits7).unwrap();
    assert_eq!(code(Router::load(ROUTER, &other, 0)), "MISMATCH");
    assert!(RouterFile::parse(ROUTER).is_ok());
}

#[test]
fn folders_that_cannot_be_built_are_named() {
    let json = |folder: &Folder, change: &dyn Fn(&mut serde_json::Value)| {
        let mut config: serde_json::Value = serde_json::from_slice(&folder.config).unwrap();
        change(&mut config);
        config.to_string().into_bytes()
    };
    let good = tiny::folder(1);
    let bad = [
        Folder { config: json(&good, &|c| c["model_type"] = "gpt2".into()), ..good.clone() },
        Folder { config: json(&good, &|c| c["num_attention_heads"] = 5.into()), ..good.clone() },
        Folder { config: json(&good, &|c| c["num_hidden_layers"] = 3.into()), ..good.clone() },
        Folder { weights: good.weights[..1000].to_vec(), ..good.clone() },
        Folder { vocabulary: None, ..good.clone() },
        Folder { vocabulary: Some(b"[CLS]\n[SEP]".to_vec()), ..good.clone() },
        Folder { pooling: b"{}".to_vec(), ..good.clone() },
    ];
    for folder in bad {
        assert_eq!(code(build(&folder, Activations::Bits7)), "BAD_ARTIFACT");
    }
}
