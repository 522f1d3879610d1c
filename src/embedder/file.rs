//! The embedder file: one valid ONNX file that carries its vocabulary, pooling and limits in `metadata_props`,
//! and ends in its own SHA-256.
//!
//! ```text
//! ModelProto { graph, opset_import, metadata_props: pointsman.* }      any ONNX runtime reads this
//! ModelProto { metadata_props: pointsman.sha256 = hash of the above }  protobuf merges the two on reading
//! ```
//!
//! The hash is the file's fingerprint: a router file names the fingerprint it was trained on.

use crate::error::{Error, Result};
use crate::tokenizer::Normalization;
use prost::Message;
use sha2::{Digest, Sha256};
use std::str::FromStr;
use tract_onnx::pb::{ModelProto, StringStringEntryProto};

/// The version of the metadata that this crate reads and writes.
const FORMAT: &str = "1";

/// How the encoder's rows become one vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// The mean over all tokens.
    Mean,
    /// The row of the first token, `[CLS]`.
    Cls,
}

/// What an embedder file says about itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    vocabulary: String,
    /// How text is normalised before it is cut.
    pub normalization: Normalization,
    /// The longest input, special tokens included.
    pub max_tokens: usize,
    /// Number of coordinates of an embedding.
    pub width: usize,
    /// How rows become one vector.
    pub pooling: Pooling,
    /// Number format of the weights: `int8` or `f32`.
    pub weights: String,
    /// SHA-256 of the weights that the file was built from.
    pub source_sha256: String,
}

impl Metadata {
    /// The vocabulary's tokens, by id.
    pub fn vocabulary(&self) -> impl Iterator<Item = &str> {
        self.vocabulary.split('\n')
    }

    fn read(model: &ModelProto) -> Result<Self> {
        let props = Props(&model.metadata_props);
        let format = props.get("format")?;
        if format != FORMAT {
            let expected = format!("embedder file format {FORMAT}");
            return Err(Error::Mismatch { part: "embedder".into(), expected, found: format!("format {format}") });
        }
        Ok(Self {
            vocabulary: props.get("vocabulary")?.into(),
            normalization: Normalization { lowercase: props.parse("lowercase")?, strip_accents: props.parse("strip_accents")? },
            max_tokens: props.parse("max_tokens")?,
            width: props.parse("width")?,
            pooling: props.parse("pooling")?,
            weights: props.get("weights")?.into(),
            source_sha256: props.get("source_sha256")?.into(),
        })
    }

    #[cfg(feature = "build")]
    fn write(&self) -> Vec<StringStringEntryProto> {
        let Normalization { lowercase, strip_accents } = self.normalization;
        let pooling = match self.pooling {
            Pooling::Mean => "mean",
            Pooling::Cls => "cls",
        };
        vec![
            entry("format", FORMAT),
            entry("lowercase", &lowercase.to_string()),
            entry("strip_accents", &strip_accents.to_string()),
            entry("max_tokens", &self.max_tokens.to_string()),
            entry("width", &self.width.to_string()),
            entry("pooling", pooling),
            entry("weights", &self.weights),
            entry("source_sha256", &self.source_sha256),
            entry("vocabulary", &self.vocabulary),
        ]
    }
}

impl FromStr for Pooling {
    type Err = String;

    fn from_str(name: &str) -> std::result::Result<Self, String> {
        match name {
            "mean" => Ok(Self::Mean),
            "cls" => Ok(Self::Cls),
            other => Err(format!("unknown pooling {other:?}")),
        }
    }
}

/// A checked embedder file, not yet running.
pub struct EmbedderFile {
    metadata: Metadata,
    fingerprint: String,
    model: ModelProto,
}

impl EmbedderFile {
    /// Checks the seal and reads the metadata.
    ///
    /// # Errors
    /// [`Error::BadArtifact`] where the bytes are not a complete, unchanged embedder file;
    /// [`Error::Mismatch`] where the file is of another format version.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let fingerprint = unseal(bytes)?;
        let model = ModelProto::decode(bytes).map_err(|e| Error::artifact("protobuf", e))?;
        let metadata = Metadata::read(&model)?;
        Ok(Self { metadata, fingerprint, model })
    }

    /// What the file says about itself.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The SHA-256 that the file ends in.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Names and counts of the graph's operators, for people.
    pub fn operators(&self) -> std::collections::BTreeMap<&str, usize> {
        let nodes = self.model.graph.iter().flat_map(|graph| &graph.node);
        nodes.fold(Default::default(), |mut counts, node| {
            *counts.entry(node.op_type.as_str()).or_default() += 1;
            counts
        })
    }

    pub(super) fn into_parts(self) -> (Metadata, String, ModelProto) {
        (self.metadata, self.fingerprint, self.model)
    }
}

/// Writes a model with its metadata and seal.
#[cfg(feature = "build")]
pub(super) fn write(mut model: ModelProto, metadata: &Metadata) -> Vec<u8> {
    model.metadata_props = metadata.write();
    let mut bytes = model.encode_to_vec();
    bytes.extend(seal(&bytes));
    bytes
}

#[cfg(feature = "build")]
impl Metadata {
    /// # Errors
    /// [`Error::BadArtifact`] where a token holds a line break, which separates tokens in the file.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn new(
        tokens: &[String],
        normalization: Normalization,
        max_tokens: usize,
        width: usize,
        pooling: Pooling,
        weights: &str,
        source_sha256: String,
    ) -> Result<Self> {
        if let Some(token) = tokens.iter().find(|t| t.contains('\n')) {
            return Err(Error::artifact("vocabulary", format!("token {token:?} holds a line break")));
        }
        let weights = weights.into();
        Ok(Self { vocabulary: tokens.join("\n"), normalization, max_tokens, width, pooling, weights, source_sha256 })
    }
}

fn seal(content: &[u8]) -> Vec<u8> {
    let hash = entry("sha256", &hex(&Sha256::digest(content)));
    ModelProto { metadata_props: vec![hash], ..Default::default() }.encode_to_vec()
}

fn unseal(bytes: &[u8]) -> Result<String> {
    let seal_len = seal(&[]).len();
    let problem = "its closing SHA-256 does not match: the file is truncated, changed, or not an embedder file; \
                   fetch it again or rebuild it with `pointsman embedder build`";
    let (content, found) = bytes.split_at_checked(bytes.len().saturating_sub(seal_len)).ok_or_else(|| Error::artifact("seal", problem))?;
    let expected = seal(content);
    if found != expected {
        return Err(Error::artifact("seal", problem));
    }
    Ok(String::from_utf8_lossy(&expected[seal_len - 64..]).into_owned())
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn entry(key: &str, value: &str) -> StringStringEntryProto {
    StringStringEntryProto { key: format!("pointsman.{key}"), value: value.into() }
}

struct Props<'a>(&'a [StringStringEntryProto]);

impl<'a> Props<'a> {
    fn get(&self, key: &str) -> Result<&'a str> {
        let found = self.0.iter().find(|e| e.key.strip_prefix("pointsman.") == Some(key));
        found.map(|e| e.value.as_str()).ok_or_else(|| Error::artifact("metadata", format!("pointsman.{key} is missing")))
    }

    fn parse<T: FromStr<Err: std::fmt::Display>>(&self, key: &str) -> Result<T> {
        self.get(key)?.parse().map_err(|e| Error::artifact("metadata", format!("pointsman.{key}: {e}")))
    }
}
