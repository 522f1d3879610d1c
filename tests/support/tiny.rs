//! A sentence-transformers folder with two small layers of seeded weights.

use super::Rng;
use ndarray::{Array1, Array2, array};
use pointsman::artifact::{BestSingle, Provenance, RouterFile};
use pointsman::catalog::{Candidate, Catalog};
use pointsman::embedder::build::Folder;
use pointsman::features::FeatureMap;
use pointsman::head::{Head, Linear, Link};
use pointsman::policy::{Dials, Knot};
use safetensors::tensor::{Dtype, TensorView};

const WIDTH: usize = 32;
const INNER: usize = 64;
const POSITIONS: usize = 64;
const WORDS: &str = "the what is of a to write in and how why code python function prove that explain capital france hello poem sum large small \
                     translate german solve equation summarize article tell me joke list red green blue one two three un ##aff ##able ##ing ##s ##ed";

/// Special tokens, words, and every printable ASCII character alone and as a continuation.
pub fn vocabulary() -> Vec<String> {
    let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].map(String::from);
    let ascii = (b'!'..=b'~').map(char::from).filter(|c| !c.is_ascii_uppercase());
    let alone = ascii.clone().map(|c| c.to_string());
    let continued = ascii.filter(char::is_ascii_alphanumeric).map(|c| format!("##{c}"));
    let words = WORDS.split_whitespace().map(String::from).filter(|w| w.len() > 1 && !(w.starts_with("##") && w.len() == 3));
    special.into_iter().chain(alone).chain(continued).chain(words).collect()
}

/// The folder. `seed` decides the weights.
pub fn folder(seed: u64) -> Folder {
    let config = serde_json::json!({
        "model_type": "bert", "hidden_act": "gelu", "hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": 4,
        "intermediate_size": INNER, "layer_norm_eps": 1e-12, "max_position_embeddings": POSITIONS,
    });
    Folder {
        config: config.to_string().into(),
        weights: weights(seed),
        vocabulary: Some(vocabulary().join("\n").into()),
        pooling: br#"{"word_embedding_dimension": 32, "pooling_mode_mean_tokens": true}"#.to_vec(),
        limits: Some(br#"{"max_seq_length": 48}"#.to_vec()),
        ..Folder::default()
    }
}

fn weights(seed: u64) -> Vec<u8> {
    let mut rng = Rng::new(seed);
    let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = shapes()
        .into_iter()
        .map(|(name, shape)| {
            let values = (0..shape.iter().product()).map(|_| value(&name, &mut rng));
            let bytes = values.flat_map(f32::to_le_bytes).collect();
            (name, shape, bytes)
        })
        .collect();
    let views = tensors.iter().map(|(name, shape, bytes)| (name, TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    safetensors::serialize(views, None).unwrap()
}

fn value(name: &str, rng: &mut Rng) -> f32 {
    match name {
        _ if name.ends_with("LayerNorm.weight") => 1.0 + 0.1 * rng.unit(),
        _ if name.ends_with("bias") => 0.1 * rng.unit(),
        _ if name.starts_with("embeddings") => rng.unit(),
        _ => 0.4 * rng.unit(),
    }
}

fn shapes() -> Vec<(String, Vec<usize>)> {
    let mut shapes = vec![
        ("embeddings.word_embeddings.weight".to_owned(), vec![vocabulary().len(), WIDTH]),
        ("embeddings.position_embeddings.weight".to_owned(), vec![POSITIONS, WIDTH]),
        ("embeddings.token_type_embeddings.weight".to_owned(), vec![2, WIDTH]),
        ("embeddings.LayerNorm.weight".to_owned(), vec![WIDTH]),
        ("embeddings.LayerNorm.bias".to_owned(), vec![WIDTH]),
    ];
    for layer in 0..2 {
        let mut dense = |part: &str, outputs: usize, inputs: usize| {
            shapes.push((format!("encoder.layer.{layer}.{part}.weight"), vec![outputs, inputs]));
            shapes.push((format!("encoder.layer.{layer}.{part}.bias"), vec![outputs]));
        };
        ["query", "key", "value"].iter().for_each(|part| dense(&format!("attention.self.{part}"), WIDTH, WIDTH));
        dense("attention.output.dense", WIDTH, WIDTH);
        dense("intermediate.dense", INNER, WIDTH);
        dense("output.dense", WIDTH, INNER);
        for norm in ["attention.output.LayerNorm", "output.LayerNorm"] {
            shapes.push((format!("encoder.layer.{layer}.{norm}.weight"), vec![WIDTH]));
            shapes.push((format!("encoder.layer.{layer}.{norm}.bias"), vec![WIDTH]));
        }
    }
    shapes
}

/// A router over three candidates with seeded weights.
pub fn router(fingerprint: &str) -> RouterFile {
    let mut rng = Rng::new(3);
    let candidate = |id: &str, price: f64, context: Option<u32>, supports: &[&str]| Candidate {
        id: id.into(),
        usd_per_mtok_in: price,
        usd_per_mtok_out: 3.0 * price,
        usd_per_mtok_cached: None,
        context_tokens: context,
        supports: supports.iter().map(|&s| s.into()).collect(),
        expected_output_tokens: 200.0,
    };
    let candidates = vec![
        candidate("small", 0.1, Some(8_000), &[]),
        candidate("medium", 0.5, Some(32_000), &["tools"]),
        candidate("large", 5.0, Some(1_000_000), &["vision"]),
    ];
    // The factor that features have on embeddings is taken back.
    let quality = Linear { weights: Array2::from_shape_fn((3, WIDTH), |_| 2.0 * rng.unit()), bias: array![-0.5, 0.3, 0.9] };
    let variance = Linear { weights: Array2::from_elem((3, WIDTH), 0.04), bias: Array1::from_elem(3, 0.01) };
    let head = Head::new(Link::Logistic, quality, variance, Linear::zeros(3, WIDTH)).unwrap();
    let knots = [(0.0, 0.75, 0.003), (40.0, 0.72, 0.001), (400.0, 0.55, 0.0001)];
    let knots = knots.into_iter().map(|(lambda, quality, usd)| Knot { lambda, quality, usd }).collect();
    RouterFile {
        catalog: Catalog::new(candidates).unwrap(),
        features: FeatureMap::plain(WIDTH),
        head,
        dials: Dials { cost_scale: 0.003, default_lambda: 40.0, strongest: 2, means: vec![0.4, 0.6, 0.75], knots, guarantee: None },
        tasks: None,
        provenance: Provenance {
            embedder: fingerprint.into(),
            data: vec![],
            seed: 3,
            date: "2026-11-22".into(),
            version: "0.1.0".into(),
            penalty: 1.0,
            best_single: BestSingle { id: "large".into(), quality: 0.75, usd: 0.003 },
            routed: Knot { lambda: 40.0, quality: 0.72, usd: 0.001 },
        },
    }
}
