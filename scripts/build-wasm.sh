#!/usr/bin/env bash
# Compiles the library to wasm once per SIMD level, binds it for JavaScript, shrinks it, and puts it and the default
# files into pkg/.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$root/scripts/wasm-flags.sh"
cd "$root"

bound=$root/target/wasm-bound

# compile LEVEL [cargo options]: dependencies are shared between the levels, only the library differs.
compile() {
    local level=$1
    shift
    say "compiling to wasm for $level (the first time takes several minutes)"
    cargo build --locked --lib --profile wasm --target "$wasm_target" --no-default-features "$@"
    "$bindgen_root/bin/wasm-bindgen" --target web --omit-default-module-path --out-name pointsman \
        --out-dir "$bound/$level" "target/$wasm_target/wasm/pointsman.wasm"
}

compile simd128
compile relaxed --features relaxed
# One module of JavaScript serves both.
cmp "$bound/simd128/pointsman.js" "$bound/relaxed/pointsman.js" || fail "the two wasm files want different JavaScript"

shrink "$bound/simd128/pointsman_bg" &
shrinking=$!
shrink "$bound/relaxed/pointsman_bg" --relaxed-simd
wait "$shrinking"

mkdir -p pkg/wasm pkg/assets
rm -f pkg/wasm/*.wasm
scripts/build-gpu.sh
for level in simd128 relaxed; do
    cp "$bound/$level/pointsman_bg.opt.wasm" "pkg/wasm/pointsman_${level}_bg.wasm"
done
node scripts/bind.mjs "$bound/simd128" pkg/wasm
cp models/minilm-l6-v2.onnx pkg/assets/embedder.bin
cp models/default.router pkg/assets/router.bin
cp models/minilm-static.onnx pkg/assets/embedder-static.bin
cp models/static.router pkg/assets/router-static.bin
node scripts/asset-hashes.mjs
node scripts/sbom.mjs
node scripts/licences.mjs
# npm packs modes as they are: without this, the tarball would tell of the umask that git checked out under.
chmod -R u=rwX,go=rX pkg
