#!/usr/bin/env bash
# Builds benches/assign/speed.rs for wasm and times it in Node.
set -euo pipefail
. "$(dirname "$0")/../../scripts/lib.sh"
. "$root/scripts/wasm-flags.sh"
cd "$root"
# Without link-time optimisation, for which a std from Debian's sources has no bitcode where development's crates are near.
cargo build --locked --example assign-speed --release --target "$wasm_target" --no-default-features
"$bindgen_root/bin/wasm-bindgen" --target web --omit-default-module-path --out-name speed --out-dir target/assign-speed \
    "target/$wasm_target/release/examples/assign_speed.wasm"
node benches/assign/speed.mjs "$root/target/assign-speed" "$@"
