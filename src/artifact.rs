#![doc = include_str!("artifact/format.md")]

mod lineup;

pub use lineup::Entry;

use crate::catalog::{Candidate, Catalog};
use crate::error::{Error, Result};
use crate::features::{Clusters, FeatureMap, SURFACE, Scale};
use crate::head::{Head, Linear, Link};
use crate::placing::{TaskScore, Tasks};
use crate::policy::{Dials, Knot};
use crate::rest::Rest;
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashMap;

const MAGIC: &[u8; 8] = b"PTSROUTR";
const VERSION: u32 = 4;
const HASH_LEN: usize = 32;

/// Where a router file comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Provenance {
    /// Fingerprint of the embedder that the head was trained on.
    pub embedder: String,
    /// The outcome files: name, training rows.
    pub data: Vec<DataSource>,
    /// Seed of the fold assignment.
    pub seed: u64,
    /// The day the maker gave, as `YYYY-MM-DD`.
    pub date: String,
    /// Version of pointsman that trained it.
    pub version: String,
    /// L2 penalty of the qualities' weights, chosen by cross-validation.
    pub penalty: f64,
    /// The best single candidate on the training rows: what routing must beat.
    pub best_single: BestSingle,
    /// What routing at the default dial brought out of fold, on the rows that the best single candidate answered.
    pub routed: Knot,
}

/// One outcome file that was trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DataSource {
    /// Name of the data set.
    pub name: String,
    /// Rows used.
    pub rows: usize,
}

/// The candidate to beat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BestSingle {
    /// Its id.
    pub id: String,
    /// Mean score on the training rows.
    pub quality: f64,
    /// Mean cost on the training rows, in US dollars.
    pub usd: f64,
}

/// The trained artifact.
#[derive(Clone, Debug, PartialEq)]
pub struct RouterFile {
    /// The candidates.
    pub catalog: Catalog,
    /// From prompts to what the head reads.
    pub features: FeatureMap,
    /// One row per candidate.
    pub head: Head,
    /// Exchange rates.
    pub dials: Dials,
    /// What it takes to place candidates without logs.
    pub tasks: Option<Tasks>,
    /// Where it comes from.
    pub provenance: Provenance,
}

impl RouterFile {
    /// The file's bytes. The same content gives the same bytes.
    ///
    /// # Errors
    /// [`Error::BadArtifact`] where a part cannot be written.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut sections = vec![
            (b"CATA", to_json("catalog", &self.catalog)?),
            (b"FEAT", feature_bytes(&self.features)),
            (b"HEAD", head_bytes(&self.head)),
            (b"DIAL", to_json("dials", &self.dials)?),
            (b"PROV", to_json("provenance", &self.provenance)?),
        ];
        if let Some(tasks) = &self.tasks {
            sections.push((b"TASK", task_bytes(tasks)?));
        }
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend((sections.len() as u32).to_le_bytes());
        for (tag, section) in sections {
            bytes.extend(tag);
            bytes.extend((section.len() as u32).to_le_bytes());
            bytes.extend(section);
        }
        bytes.extend(Sha256::digest(&bytes));
        Ok(bytes)
    }

    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`Error::BadArtifact`] where the bytes are not a complete, unchanged router file;
    /// [`Error::Mismatch`] where the file is of another format version.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        Self::parse_hashed(bytes, &Sha256::digest(&bytes[..Self::sealed_len(bytes.len())]))
    }

    /// How many of a file's bytes its closing hash covers.
    pub fn sealed_len(len: usize) -> usize {
        len.saturating_sub(HASH_LEN)
    }

    /// As [`parse`](Self::parse), where the SHA-256 of the first [`sealed_len`](Self::sealed_len) bytes is known.
    ///
    /// # Errors
    /// As `parse`; also where the digest is not that of the file.
    pub fn parse_hashed(bytes: &[u8], digest: &[u8]) -> Result<Self> {
        let mut sections = sections(bytes, digest)?;
        let mut take = |tag: &[u8; 4], name: &str| sections.remove(tag).ok_or_else(|| Error::artifact(name, "this section is missing"));
        let candidates: Vec<Candidate> = from_json("catalog", take(b"CATA", "catalog")?)?;
        let catalog = Catalog::new(candidates)?;
        let features = read_features(take(b"FEAT", "features")?)?;
        let head = read_head(take(b"HEAD", "head")?)?;
        let dials: Dials = from_json("dials", take(b"DIAL", "dials")?)?;
        let provenance = from_json("provenance", take(b"PROV", "provenance")?)?;
        let tasks = sections.remove(b"TASK").map(read_tasks).transpose()?;
        if let Some(tag) = sections.keys().next() {
            return Err(Error::artifact("sections", format!("unknown tag {:?}", String::from_utf8_lossy(tag))));
        }
        if head.len() != catalog.len() {
            return Err(Error::artifact("head", format!("{} rows for {} candidates", head.len(), catalog.len())));
        }
        if head.width() != features.width() {
            return Err(Error::artifact("head", format!("it reads {} features of {}", head.width(), features.width())));
        }
        dials.check(catalog.len())?;
        tasks.as_ref().map_or(Ok(()), |tasks| tasks.check(&head))?;
        Ok(Self { catalog, features, head, dials, tasks, provenance })
    }
}

fn sections<'a>(bytes: &'a [u8], digest: &[u8]) -> Result<HashMap<[u8; 4], &'a [u8]>> {
    let body = checked_body(bytes, digest)?;
    let mut reader = Reader { rest: Rest(&body[MAGIC.len() + 4..]), section: "sections" };
    let count = reader.u32()?;
    let mut sections = HashMap::new();
    for _ in 0..count {
        let tag = reader.array()?;
        let len = reader.u32()? as usize;
        if sections.insert(tag, reader.take(len)?).is_some() {
            return Err(Error::artifact("sections", "a tag appears twice"));
        }
    }
    reader.finish()?;
    Ok(sections)
}

/// The file without its hash, once magic, version and hash are right.
fn checked_body<'a>(bytes: &'a [u8], digest: &[u8]) -> Result<&'a [u8]> {
    let (magic, rest) = bytes.split_at_checked(MAGIC.len()).ok_or_else(|| Error::artifact("header", "the file is too short"))?;
    if magic != MAGIC {
        return Err(Error::artifact("header", "this is not a router file; train one with `pointsman train`"));
    }
    let version = Reader { rest: Rest(rest), section: "header" }.u32()?;
    let (body, hash) = bytes.split_at_checked(RouterFile::sealed_len(bytes.len())).unwrap_or((bytes, &[]));
    if body.len() < MAGIC.len() + 8 || hash.len() != HASH_LEN || digest != hash {
        return Err(Error::artifact("hash", "its closing SHA-256 does not match: the file is truncated or changed; fetch it again"));
    }
    if version != VERSION {
        let found = format!("version {version}");
        return Err(Error::Mismatch { part: "router file".into(), expected: format!("version {VERSION}"), found });
    }
    Ok(body)
}

fn to_json<T: Serialize>(section: &str, value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|e| Error::artifact(section, e))
}

fn from_json<T: for<'a> Deserialize<'a>>(section: &str, bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|e| Error::artifact(section, e))
}

fn head_bytes(head: &Head) -> Vec<u8> {
    let link: u32 = match head.link() {
        Link::Logistic => 0,
        Link::Identity => 1,
    };
    let sizes = [link, head.len() as u32, head.width() as u32];
    let numbers = head.parts().into_iter().flat_map(|linear| linear.weights.iter().chain(&linear.bias));
    sizes.iter().flat_map(|n| n.to_le_bytes()).chain(numbers.flat_map(|x| x.to_le_bytes())).collect()
}

fn read_head(bytes: &[u8]) -> Result<Head> {
    let mut reader = Reader { rest: Rest(bytes), section: "head" };
    let link = match reader.u32()? {
        0 => Link::Logistic,
        1 => Link::Identity,
        other => return Err(Error::artifact("head", format!("unknown link {other}"))),
    };
    let (n, d) = (reader.u32()? as usize, reader.u32()? as usize);
    let mut linear = || Ok(Linear { weights: reader.matrix(n, d)?, bias: reader.vector(n)?.into() });
    let head = Head::new(link, linear()?, linear()?, linear()?)?;
    reader.finish()?;
    Ok(head)
}

fn feature_bytes(features: &FeatureMap) -> Vec<u8> {
    let (mean, surface, clusters, near) = features.parts();
    let sizes = [mean.len(), surface.len(), clusters.scales.len(), clusters.per_set];
    let scales = surface.iter().flat_map(|s| [s.centre, s.scale]);
    let numbers = std::iter::once(near).chain(mean.iter().copied()).chain(scales).chain(clusters.scales.iter().copied());
    let mut bytes: Vec<u8> = sizes.iter().flat_map(|&n| (n as u32).to_le_bytes()).collect();
    bytes.extend(u32::from(features.is_only_english()).to_le_bytes());
    bytes.extend(numbers.flat_map(f32::to_le_bytes));
    bytes.extend(clusters.values.iter().map(|v| v.cast_unsigned()));
    bytes
}

fn read_features(bytes: &[u8]) -> Result<FeatureMap> {
    let mut reader = Reader { rest: Rest(bytes), section: "features" };
    let [width, surface, centroids, per_set] = [reader.u32()?, reader.u32()?, reader.u32()?, reader.u32()?].map(|n| n as usize);
    if surface > SURFACE {
        return Err(Error::artifact("features", "it describes more of a surface than this version reads"));
    }
    let english = match reader.u32()? {
        0 => false,
        1 => true,
        other => return Err(Error::artifact("features", format!("{other} does not say whether they are English"))),
    };
    let near = reader.vector(1)?[0];
    let mean = reader.vector(width)?;
    let surface = reader.vector(2 * surface)?.chunks_exact(2).map(|s| Scale { centre: s[0], scale: s[1] }).collect();
    let scales = reader.vector(centroids)?;
    let len = centroids.checked_mul(width).ok_or_else(|| Error::artifact("features", "its size overflows"))?;
    let values = reader.take(len)?.iter().map(|v| v.cast_signed()).collect();
    reader.finish()?;
    Ok(FeatureMap::new(mean, surface, Clusters { per_set, values, scales }, near)?.only_english(english))
}

/// What of the tasks is not their directions.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TaskHeader {
    scores: Vec<TaskScore>,
    rest: f64,
    input_tokens: f64,
}

fn task_bytes(tasks: &Tasks) -> Result<Vec<u8>> {
    let Tasks { scores, directions, rest, input_tokens } = tasks;
    let header = to_json("tasks", &TaskHeader { scores: scores.clone(), rest: *rest, input_tokens: *input_tokens })?;
    let (count, width) = directions.weights.dim();
    let mut bytes: Vec<u8> = [count, width, header.len()].iter().flat_map(|&n| (n as u32).to_le_bytes()).collect();
    bytes.extend(header);
    bytes.extend(directions.weights.iter().chain(&directions.bias).flat_map(|x| x.to_le_bytes()));
    Ok(bytes)
}

fn read_tasks(bytes: &[u8]) -> Result<Tasks> {
    let mut reader = Reader { rest: Rest(bytes), section: "tasks" };
    let [count, width, header] = [reader.u32()?, reader.u32()?, reader.u32()?].map(|n| n as usize);
    let TaskHeader { scores, rest, input_tokens } = from_json("tasks", reader.take(header)?)?;
    let directions = Linear { weights: reader.matrix(count, width)?, bias: reader.vector(count)?.into() };
    reader.finish()?;
    Ok(Tasks { scores, directions, rest, input_tokens })
}

/// Takes bytes from the front; a short file is an error, never a panic.
struct Reader<'a> {
    rest: Rest<'a>,
    section: &'static str,
}

impl<'a> Reader<'a> {
    fn short(&self) -> Error {
        Error::artifact(self.section, "it ends too early")
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        self.rest.take(len).ok_or_else(|| self.short())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn u32(&mut self) -> Result<u32> {
        self.rest.u32().ok_or_else(|| self.short())
    }

    fn vector(&mut self, len: usize) -> Result<Vec<f32>> {
        len.checked_mul(4).ok_or_else(|| Error::artifact(self.section, "its size overflows"))?;
        self.rest.floats(len).ok_or_else(|| self.short())
    }

    fn matrix(&mut self, rows: usize, columns: usize) -> Result<Array2<f32>> {
        let len = rows.checked_mul(columns).ok_or_else(|| Error::artifact(self.section, "its size overflows"))?;
        let numbers = self.vector(len)?;
        Array2::from_shape_vec((rows, columns), numbers).map_err(|e| Error::artifact(self.section, e))
    }

    fn finish(&self) -> Result<()> {
        let Rest(left) = self.rest;
        if left.is_empty() { Ok(()) } else { Err(Error::artifact(self.section, format!("{} bytes too many", left.len()))) }
    }
}
