#!/usr/bin/env bash
# Compiles the GPU's part to wasm, binds it for JavaScript, shrinks it, and puts it into pkg/wasm. scripts/build-wasm.sh
# runs this.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$root/scripts/wasm-flags.sh"
cd "$root"

bound=$root/target/wasm-bound/gpu

say "compiling the GPU's part to wasm"
cargo build --locked --package pointsman-gpu --lib --profile wasm --target "$wasm_target"
"$bindgen_root/bin/wasm-bindgen" --target web --omit-default-module-path --remove-name-section --out-name pointsman_gpu \
    --out-dir "$bound" "target/$wasm_target/wasm/pointsman_gpu.wasm"

shrink "$bound/pointsman_gpu_bg"

mkdir -p pkg/wasm
cp "$bound/pointsman_gpu_bg.opt.wasm" pkg/wasm/pointsman_gpu_bg.wasm
cp "$bound/pointsman_gpu.js" "$bound/pointsman_gpu.d.ts" pkg/wasm/
