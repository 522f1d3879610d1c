//! Promise: a file that was changed or cut on its way is refused, wherever it was.
//!
//! `DAMAGES=10000 cargo test --release -p pointsman-fuzz --test damage` does it that often to each file.

use pointsman::artifact::RouterFile;
use pointsman::bandit::add_states;
use pointsman::embedder::EmbedderFile;
use std::path::Path;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end as u64) as usize
    }
}

fn damages() -> usize {
    std::env::var("DAMAGES").map_or(100, |count| count.parse().expect("DAMAGES must be a number"))
}

/// What `parse` says of the file with one bit turned over, and of its beginnings, each so often.
fn damage(name: &str, parse: impl Fn(Vec<u8>) -> Result<(), &'static str>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    let Ok(whole) = std::fs::read(&path) else { return println!("{name} is not built here: skipped") };
    assert_eq!(parse(whole.clone()), Ok(()), "{name} itself");
    let mut random = Random(7);
    let known = ["BAD_ARTIFACT", "MISMATCH"];
    for _ in 0..damages() {
        let bit = random.below(whole.len() * 8);
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let code = parse(flipped).expect_err(&format!("{name} with bit {bit} turned over"));
        let len = random.below(whole.len());
        let cut = parse(whole[..len].to_vec()).expect_err(&format!("the first {len} bytes of {name}"));
        assert!(known.contains(&code) && known.contains(&cut), "{name}: {code}, {cut}");
    }
    println!("{name}: {} flips and as many cuts refused", damages());
}

#[test]
fn router_files() {
    for name in ["models/default.router", "models/static.router", "tests/data/tiny.router"] {
        damage(name, |bytes| RouterFile::parse(&bytes).map(drop).map_err(|error| error.code()));
    }
}

#[test]
fn embedder_files() {
    for name in ["models/minilm-l6-v2.onnx", "models/minilm-static.onnx", "tests/data/tiny.onnx"] {
        damage(name, |bytes| EmbedderFile::parse(bytes).map(drop).map_err(|error| error.code()));
    }
}

#[test]
fn bandit_states() {
    let seal = |body: &[u8]| [body, &<sha2::Sha256 as sha2::Digest>::digest(body)].concat();
    let state = seal(include_bytes!("../corpus/bandit_state/one"));
    let file = std::env::temp_dir().join("pointsman-damage.state");
    std::fs::write(&file, state).expect("a temporary file");
    damage(file.to_str().expect("a path"), |bytes| add_states(&[bytes]).map(drop).map_err(|error| error.code()));
}
