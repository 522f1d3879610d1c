//! Promise: both files survive a round trip, and no damaged file is accepted or panics.

use pointsman::artifact::RouterFile;
use pointsman::embedder::EmbedderFile;
use sha2::{Digest, Sha256};

const EMBEDDER: &[u8] = include_bytes!("data/tiny.onnx");
const ROUTER: &[u8] = include_bytes!("data/tiny.router");

/// A body with the right hash behind it, as a hostile writer would make it.
fn rehashed(mut body: Vec<u8>) -> Vec<u8> {
    body.extend(Sha256::digest(&body));
    body
}

fn body() -> Vec<u8> {
    ROUTER[..ROUTER.len() - 32].to_vec()
}

#[test]
fn a_router_file_round_trips() {
    let file = RouterFile::parse(ROUTER).unwrap();
    assert!(file.to_bytes().unwrap() == ROUTER);
}

#[test]
fn every_truncation_is_refused() {
    for len in 0..ROUTER.len() {
        assert_eq!(RouterFile::parse(&ROUTER[..len]).unwrap_err().code(), "BAD_ARTIFACT", "{len} bytes");
    }
    for len in (0..EMBEDDER.len()).step_by(211) {
        assert_eq!(EmbedderFile::parse(&EMBEDDER[..len]).err().unwrap().code(), "BAD_ARTIFACT", "{len} bytes");
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    for at in 0..ROUTER.len() {
        let mut bytes = ROUTER.to_vec();
        bytes[at] ^= 1 << (at % 8);
        assert_eq!(RouterFile::parse(&bytes).unwrap_err().code(), "BAD_ARTIFACT", "byte {at}");
    }
    for at in (0..EMBEDDER.len()).step_by(97).chain(EMBEDDER.len() - 90..EMBEDDER.len()) {
        let mut bytes = EMBEDDER.to_vec();
        bytes[at] ^= 1 << (at % 8);
        assert_eq!(EmbedderFile::parse(bytes).err().unwrap().code(), "BAD_ARTIFACT", "byte {at}");
    }
}

#[test]
fn a_rightly_hashed_but_wrong_file_is_refused_with_its_reason() {
    let with = |change: fn(&mut Vec<u8>)| {
        let mut bytes = body();
        change(&mut bytes);
        rehashed(bytes)
    };
    let table: [(&str, &str, Vec<u8>); 6] = [
        ("MISMATCH", "version 250", with(|b| b[8] = 250)),
        ("BAD_ARTIFACT", "ends too early", with(|b| b[12] = 6)),
        ("BAD_ARTIFACT", "bytes too many", with(|b| b[12] = 4)),
        ("BAD_ARTIFACT", "section is missing", with(|b| b[16..20].copy_from_slice(b"WHAT"))),
        ("BAD_ARTIFACT", "ends too early", with(|b| b[20..24].copy_from_slice(&u32::MAX.to_le_bytes()))),
        ("BAD_ARTIFACT", "not a router file", with(|b| b[0] = b'X')),
    ];
    for (code, reason, bytes) in table {
        let error = RouterFile::parse(&bytes).unwrap_err();
        assert_eq!(error.code(), code, "{reason}");
        assert!(error.to_string().contains(reason), "{error} should say {reason:?}");
    }
}

#[test]
fn parts_of_absurd_size_allocate_nothing() {
    for (tag, sizes) in [(b"HEAD", 4..12), (b"FEAT", 0..4), (b"FEAT", 4..8), (b"FEAT", 8..16)] {
        let mut bytes = body();
        let at = bytes.windows(4).position(|w| w == tag).unwrap() + 8;
        bytes[at + sizes.start..at + sizes.end].fill(0xff);
        assert_eq!(RouterFile::parse(&rehashed(bytes)).unwrap_err().code(), "BAD_ARTIFACT", "{sizes:?}");
    }
}

#[test]
fn other_onnx_files_are_not_embedder_files() {
    for bytes in [&b""[..], b"not onnx at all", &[0; 200]] {
        let error = EmbedderFile::parse(bytes).err().unwrap();
        assert_eq!(error.code(), "BAD_ARTIFACT");
        assert!(error.to_string().contains("embedder build"), "{error}");
    }
}
