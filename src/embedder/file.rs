//! The embedder file: one valid ONNX file that carries its vocabulary, pooling and limits in `metadata_props`,
//! and ends in its own SHA-256.
//!
//! ```text
//! ModelProto { graph, opset_import, metadata_props: pointsman.* }      any ONNX runtime reads this
//! ModelProto { metadata_props: pointsman.sha256 = hash of the above }  protobuf merges the two on reading
//! ```
//!
//! The hash is the file's fingerprint: a router file names the fingerprint it was trained on.

mod carve;

pub(super) use carve::{Bytes, Tensors, floats};

use super::kernel::Activations;
use super::protobuf::{ModelProto, StringStringEntryProto};
use crate::error::{Error, Result};
use crate::tokenizer::Normalization;
use prost::Message;
use sha2::{Digest, Sha256};
use std::str::FromStr;
use std::sync::Arc;

/// The version of the metadata that this crate reads and writes.
const FORMAT: &str = "2";
/// The longest text that a file may say it reads: attention over it takes the square of that.
const MOST_TOKENS: usize = 8192;

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
    pub(super) vocabulary: String,
    /// How text is normalised before it is cut.
    pub normalization: Normalization,
    /// The longest input, special tokens included.
    pub max_tokens: usize,
    /// Number of coordinates of an embedding.
    pub width: usize,
    /// How rows become one vector.
    pub pooling: Pooling,
    /// Number format of the weights: `int8`, `signs` (one bit each) or `f32`.
    pub weights: String,
    /// Number format of the activations that meet int8 weights.
    pub activations: Activations,
    /// SHA-256 of the weights that the file was built from.
    pub source_sha256: String,
}

impl Metadata {
    /// The vocabulary's tokens, by id.
    pub fn vocabulary(&self) -> impl Iterator<Item = &str> {
        let mut end = 0;
        // By bytes: looking for characters costs a cold engine ten times as much.
        self.vocabulary.as_bytes().split(|byte| *byte == b'\n').map(move |token| {
            let start = end;
            end = start + token.len() + 1;
            &self.vocabulary[start..end - 1]
        })
    }

    /// How many they are.
    pub fn vocabulary_len(&self) -> usize {
        1 + self.vocabulary.bytes().filter(|byte| *byte == b'\n').count()
    }

    fn read(model: &ModelProto) -> Result<Self> {
        let props = Props(&model.metadata_props);
        let format = props.get("format")?;
        if format != FORMAT {
            let expected = format!("embedder file format {FORMAT}");
            return Err(Error::Mismatch { part: "embedder".into(), expected, found: format!("format {format}") });
        }
        let max_tokens = props.parse("max_tokens")?;
        if max_tokens > MOST_TOKENS {
            return Err(Error::artifact("metadata", format!("pointsman.max_tokens: {max_tokens} are more than {MOST_TOKENS}")));
        }
        Ok(Self {
            vocabulary: props.get("vocabulary")?.into(),
            normalization: Normalization { lowercase: props.parse("lowercase")?, strip_accents: props.parse("strip_accents")? },
            max_tokens,
            width: props.parse("width")?,
            pooling: props.parse("pooling")?,
            weights: props.get("weights")?.into(),
            activations: props.parse("activations")?,
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
            entry("activations", self.activations.name()),
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
    fingerprint: String,
    parts: Parts,
}

/// What an engine needs of a file.
pub(super) struct Parts {
    pub(super) metadata: Metadata,
    /// The graph without its big tensors, which became inputs.
    pub(super) model: ModelProto,
    pub(super) tensors: Tensors,
}

impl EmbedderFile {
    /// Checks the seal and reads the metadata. The weights stay in these bytes and are read from there.
    ///
    /// # Errors
    /// [`Error::BadArtifact`] where the bytes are not a complete, unchanged embedder file;
    /// [`Error::Mismatch`] where the file is of another format version.
    pub fn parse(bytes: impl Into<Vec<u8>>) -> Result<Self> {
        let bytes = bytes.into();
        let digest = Sha256::digest(&bytes[..Self::sealed_len(bytes.len())]);
        Self::parse_hashed(bytes, &digest)
    }

    /// As [`EmbedderFile::parse`], with the SHA-256 of the first [`EmbedderFile::sealed_len`] bytes from a host that
    /// computes it faster.
    ///
    /// # Errors
    /// As [`EmbedderFile::parse`].
    pub fn parse_hashed(bytes: Vec<u8>, digest: &[u8]) -> Result<Self> {
        let fingerprint = unseal(&bytes, digest)?;
        let (mut model, tensors) = carve::carve(&Arc::new(bytes))?;
        let metadata = Metadata::read(&model)?;
        // tract would keep a copy of all of it, vocabulary included.
        model.metadata_props = vec![];
        Ok(Self { fingerprint, parts: Parts { metadata, model, tensors } })
    }

    /// How many of a file's bytes its closing hash covers.
    pub fn sealed_len(file_len: usize) -> usize {
        file_len.saturating_sub(seal(&[]).len())
    }

    /// What the file says about itself.
    pub fn metadata(&self) -> &Metadata {
        &self.parts.metadata
    }

    /// The SHA-256 that the file ends in.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Names and counts of the graph's operators, for people.
    pub fn operators(&self) -> std::collections::BTreeMap<&str, usize> {
        let nodes = self.parts.model.graph.iter().flat_map(|graph| &graph.node);
        nodes.fold(Default::default(), |mut counts, node| {
            *counts.entry(node.op_type.as_str()).or_default() += 1;
            counts
        })
    }

    pub(super) fn into_parts(self) -> (String, Parts) {
        (self.fingerprint, self.parts)
    }
}

/// Adds metadata and seal to a model's bytes, which stay as they are.
#[cfg(feature = "build")]
pub(super) fn write(mut bytes: Vec<u8>, metadata: &Metadata) -> Vec<u8> {
    bytes.extend(ModelProto { metadata_props: metadata.write(), ..Default::default() }.encode_to_vec());
    bytes.extend(seal(&Sha256::digest(&bytes)));
    bytes
}

/// Tokens as the file holds them, one a line.
///
/// # Errors
/// [`Error::BadArtifact`] where a token holds a line break.
#[cfg(feature = "build")]
pub(super) fn vocabulary(tokens: &[String]) -> Result<String> {
    match tokens.iter().find(|t| t.contains('\n')) {
        Some(token) => Err(Error::artifact("vocabulary", format!("token {token:?} holds a line break"))),
        None => Ok(tokens.join("\n")),
    }
}

/// The closing field: as long for every digest of one length, and for none.
fn seal(digest: &[u8]) -> Vec<u8> {
    let mut text = hex(digest);
    text.extend(std::iter::repeat_n('0', 64usize.saturating_sub(text.len())));
    ModelProto { metadata_props: vec![entry("sha256", &text)], ..Default::default() }.encode_to_vec()
}

fn unseal(bytes: &[u8], digest: &[u8]) -> Result<String> {
    let problem = "its closing SHA-256 does not match: the file is truncated, changed, or not an embedder file; \
                   fetch it again or rebuild it with `pointsman embedder build`";
    let found = &bytes[EmbedderFile::sealed_len(bytes.len())..];
    if digest.len() != 32 || found != seal(digest) {
        return Err(Error::artifact("seal", problem));
    }
    Ok(hex(digest))
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
        // The last one: an embedder file may itself have been adopted.
        let found = self.0.iter().rfind(|e| e.key.strip_prefix("pointsman.") == Some(key));
        found.map(|e| e.value.as_str()).ok_or_else(|| Error::artifact("metadata", format!("pointsman.{key} is missing")))
    }

    fn parse<T: FromStr<Err: std::fmt::Display>>(&self, key: &str) -> Result<T> {
        self.get(key)?.parse().map_err(|e| Error::artifact("metadata", format!("pointsman.{key}: {e}")))
    }
}
