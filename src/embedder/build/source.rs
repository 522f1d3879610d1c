//! A sentence-transformers folder, read: config, tokenizer, pooling, weights.

use crate::embedder::Pooling;
use crate::error::{Error, Result};
use crate::tokenizer::Normalization;
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;

/// The contents of the folder's files.
#[derive(Clone, Debug, Default)]
pub struct Folder {
    /// `config.json`
    pub config: Vec<u8>,
    /// `model.safetensors`
    pub weights: Vec<u8>,
    /// `tokenizer.json`
    pub tokenizer: Option<Vec<u8>>,
    /// `vocab.txt`, read where there is no `tokenizer.json`
    pub vocabulary: Option<Vec<u8>>,
    /// `tokenizer_config.json`
    pub tokenizer_config: Option<Vec<u8>>,
    /// `1_Pooling/config.json`
    pub pooling: Vec<u8>,
    /// `sentence_bert_config.json`
    pub limits: Option<Vec<u8>>,
}

/// BERT's shape, as in `config.json`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Config {
    model_type: String,
    hidden_act: String,
    #[serde(default)]
    position_embedding_type: Option<String>,
    pub(super) hidden_size: usize,
    pub(super) num_hidden_layers: usize,
    pub(super) num_attention_heads: usize,
    pub(super) layer_norm_eps: f32,
    pub(super) max_position_embeddings: usize,
}

impl Folder {
    pub(super) fn config(&self) -> Result<Config> {
        let config: Config = json("config.json", &self.config)?;
        let positions = config.position_embedding_type.as_deref().unwrap_or("absolute");
        let shape = (config.model_type.as_str(), config.hidden_act.as_str(), positions);
        if shape != ("bert", "gelu", "absolute") {
            let found = format!(
                "a {} with {} and {} positions; only bert with gelu and absolute positions can be built",
                shape.0, shape.1, shape.2
            );
            return Err(Error::artifact("config.json", found));
        }
        if config.num_attention_heads == 0 || !config.hidden_size.is_multiple_of(config.num_attention_heads) {
            return Err(Error::artifact("config.json", "hidden_size is not a multiple of num_attention_heads"));
        }
        Ok(config)
    }

    pub(super) fn pooling(&self) -> Result<Pooling> {
        let modes: HashMap<String, serde_json::Value> = json("1_Pooling/config.json", &self.pooling)?;
        let mut on = modes.iter().filter(|(key, value)| key.starts_with("pooling_mode_") && value.as_bool() == Some(true));
        match (on.next().map(|(key, _)| key.as_str()), on.next()) {
            (Some("pooling_mode_mean_tokens"), None) => Ok(Pooling::Mean),
            (Some("pooling_mode_cls_token"), None) => Ok(Pooling::Cls),
            _ => Err(Error::artifact("1_Pooling/config.json", "exactly one of mean and CLS pooling can be built")),
        }
    }

    pub(super) fn max_tokens(&self, positions: usize) -> Result<usize> {
        #[derive(Deserialize)]
        struct Limits {
            max_seq_length: Option<usize>,
        }
        let limits = self.limits.as_ref().map(|bytes| json::<Limits>("sentence_bert_config.json", bytes)).transpose()?;
        Ok(limits.and_then(|l| l.max_seq_length).unwrap_or(positions).min(positions))
    }

    pub(super) fn tokens(&self) -> Result<(Vec<String>, Normalization)> {
        match (&self.tokenizer, &self.vocabulary) {
            (Some(bytes), _) => read_tokenizer(bytes),
            (None, Some(bytes)) => self.read_vocabulary(bytes),
            (None, None) => Err(Error::artifact("tokenizer.json", "neither it nor vocab.txt is in the folder")),
        }
    }

    fn read_vocabulary(&self, bytes: &[u8]) -> Result<(Vec<String>, Normalization)> {
        #[derive(Default, Deserialize)]
        struct Settings {
            do_lower_case: Option<bool>,
            strip_accents: Option<bool>,
        }
        let text = std::str::from_utf8(bytes).map_err(|e| Error::artifact("vocab.txt", e))?;
        let settings =
            self.tokenizer_config.as_ref().map(|b| json::<Settings>("tokenizer_config.json", b)).transpose()?.unwrap_or_default();
        let lowercase = settings.do_lower_case.unwrap_or(true);
        let normalization = Normalization { lowercase, strip_accents: settings.strip_accents.unwrap_or(lowercase) };
        Ok((text.lines().map(str::to_owned).collect(), normalization))
    }
}

fn read_tokenizer(bytes: &[u8]) -> Result<(Vec<String>, Normalization)> {
    #[derive(Deserialize)]
    struct File {
        model: Model,
        normalizer: Normalizer,
    }
    #[derive(Deserialize)]
    struct Model {
        continuing_subword_prefix: String,
        max_input_chars_per_word: usize,
        vocab: HashMap<String, u32>,
    }
    #[derive(Deserialize)]
    struct Normalizer {
        clean_text: bool,
        handle_chinese_chars: bool,
        strip_accents: Option<bool>,
        lowercase: bool,
    }
    let file: File = json("tokenizer.json", bytes)?;
    let rules = (file.model.continuing_subword_prefix.as_str(), file.model.max_input_chars_per_word);
    if rules != ("##", 100) || !file.normalizer.clean_text || !file.normalizer.handle_chinese_chars {
        return Err(Error::artifact("tokenizer.json", "it is not BERT's WordPiece with its usual rules"));
    }
    let mut tokens = vec![None; file.model.vocab.len()];
    for (token, id) in file.model.vocab {
        *tokens.get_mut(id as usize).ok_or_else(|| Error::artifact("tokenizer.json", format!("id {id} leaves a gap")))? = Some(token);
    }
    let tokens: Option<Vec<String>> = tokens.into_iter().collect();
    let Normalizer { lowercase, strip_accents, .. } = file.normalizer;
    let normalization = Normalization { lowercase, strip_accents: strip_accents.unwrap_or(lowercase) };
    Ok((tokens.ok_or_else(|| Error::artifact("tokenizer.json", "two tokens share an id"))?, normalization))
}

fn json<T: DeserializeOwned>(name: &str, bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|e| Error::artifact(name, e))
}

/// The weights by their names in the file.
pub(super) struct Weights<'a>(SafeTensors<'a>);

impl<'a> Weights<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self> {
        SafeTensors::deserialize(bytes).map(Self).map_err(|e| Error::artifact("model.safetensors", e))
    }

    /// A tensor of the expected shape, with or without the `bert.` in front of its name.
    pub(super) fn get(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let bad = |problem: String| Error::artifact("model.safetensors", format!("{name}: {problem}"));
        let view = self.0.tensor(name).or_else(|_| self.0.tensor(&format!("bert.{name}"))).map_err(|e| bad(e.to_string()))?;
        if view.dtype() != Dtype::F32 {
            return Err(bad(format!("{:?} weights; convert them to F32 first", view.dtype())));
        }
        if view.shape() != shape {
            return Err(bad(format!("shape {:?}, expected {shape:?}", view.shape())));
        }
        let values: Vec<f32> = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        if !values.iter().all(|v| v.is_finite()) {
            return Err(bad("a weight is not finite".into()));
        }
        Ok(values)
    }

    /// Rows of a matrix whose number is not known beforehand.
    pub(super) fn rows(&self, name: &str) -> Result<usize> {
        let view = self.0.tensor(name).or_else(|_| self.0.tensor(&format!("bert.{name}")));
        let view = view.map_err(|e| Error::artifact("model.safetensors", format!("{name}: {e}")))?;
        view.shape().first().copied().ok_or_else(|| Error::artifact("model.safetensors", format!("{name} is a scalar")))
    }
}
