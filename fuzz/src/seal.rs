//! The closings of our files.

use pointsman::embedder::EmbedderFile;
use pointsman::embedder::protobuf::{ModelProto, StringStringEntryProto};
use prost::Message;
use sha2::{Digest, Sha256};

/// Closes the body of a router file or a bandit state.
pub fn hashed(body: &[u8]) -> Vec<u8> {
    [body, &Sha256::digest(body)].concat()
}

/// Closes the body of an embedder file.
pub fn embedder(body: &[u8]) -> Vec<u8> {
    let hex: String = Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
    let entry = StringStringEntryProto { key: "pointsman.sha256".into(), value: hex };
    let seal = ModelProto { metadata_props: vec![entry], ..ModelProto::default() };
    [body, &seal.encode_to_vec()].concat()
}

/// An embedder file without its closing.
pub fn open(file: &[u8]) -> &[u8] {
    &file[..EmbedderFile::sealed_len(file.len())]
}
