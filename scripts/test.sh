#!/usr/bin/env bash
# Every test, after scripts/setup.sh. Stops at the first part that fails.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$root"
# From here on a missing part is a failure and not a skip; only the outcome data of shared/ may be absent.
export POINTSMAN_COMPLETE=1

say "native tests"
cargo test --release --locked --workspace --no-run
POINTSMAN_BIN=target/release/pointsman scripts/embedder.sh
cargo test --release --locked --workspace

say "wasm tests in Node"
(. scripts/wasm-flags.sh && cargo test --locked --profile wasm-test --target "$wasm_target" --no-default-features --test wasm)

say "wasm tests in Chromium"
(. scripts/wasm-flags.sh && export CHROMEDRIVER=${CHROMEDRIVER:-$(command -v chromedriver)} WASM_BINDGEN_USE_BROWSER=1 &&
    cargo test --locked --profile wasm-test --target "$wasm_target" --no-default-features --test wasm)

say "the npm package, the clients that install it, and the page"
scripts/build-wasm.sh
npm test --silent

[ -d ../shared/data ] || say "SKIPPED: tests on real outcome data, because there is no ../shared/data"
say "all tests passed"
