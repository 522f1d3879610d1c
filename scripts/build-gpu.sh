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

# wasm-opt's result is kept as long as its input is the same.
cd "$bound"
sha256sum --status --check pointsman_gpu_bg.sha256 2>/dev/null || {
    node "$root/scripts/wasm-opt.mjs" pointsman_gpu_bg.wasm pointsman_gpu_bg.opt.wasm
    sha256sum pointsman_gpu_bg.wasm pointsman_gpu_bg.opt.wasm >pointsman_gpu_bg.sha256
}

mkdir -p "$root/pkg/wasm"
cp pointsman_gpu_bg.opt.wasm "$root/pkg/wasm/pointsman_gpu_bg.wasm"
cp pointsman_gpu.js pointsman_gpu.d.ts "$root/pkg/wasm/"
