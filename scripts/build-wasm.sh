#!/usr/bin/env bash
# Compiles the library to wasm, binds it for JavaScript, shrinks it, and puts it and the default files into pkg/.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$root/scripts/wasm-flags.sh"
cd "$root"

say "compiling to wasm (the first time takes several minutes)"
cargo build --locked --lib --profile wasm --target "$wasm_target" --no-default-features
bound=$root/target/wasm-bound
"$bindgen_root/bin/wasm-bindgen" --target web --omit-default-module-path --remove-name-section --out-name pointsman \
    --out-dir "$bound" "target/$wasm_target/wasm/pointsman.wasm"
# wasm-opt takes minutes: its result is kept as long as its input is the same.
if ! (cd "$bound" && sha256sum --status --check pointsman_bg.sha256 2>/dev/null); then
    node scripts/wasm-opt.mjs "$bound/pointsman_bg.wasm" "$bound/pointsman_bg.opt.wasm"
    (cd "$bound" && sha256sum pointsman_bg.wasm pointsman_bg.opt.wasm >pointsman_bg.sha256)
fi

mkdir -p pkg/wasm pkg/assets
cp "$bound/pointsman.js" "$bound/pointsman.d.ts" pkg/wasm/
cp "$bound/pointsman_bg.opt.wasm" pkg/wasm/pointsman_bg.wasm
cp models/minilm-l6-v2.onnx pkg/assets/embedder.bin
cp models/default.router pkg/assets/router.bin
