# The compiler and flags of wasm builds. Sourced after lib.sh.

[ ! -f "$wasm_env" ] || . "$wasm_env"
# Nothing here draws random numbers; without getrandom's flag, it would want imports from JavaScript.
# 112 MiB: a Worker has 128 MB. What would need more is refused where it is asked for.
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="-C target-feature=+simd128 -C link-arg=--max-memory=117440512 --cfg getrandom_backend=\"unsupported\" $remap"
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER=$bindgen_root/bin/wasm-bindgen-test-runner

# shrink NAME [wasm-opt options]: NAME.opt.wasm of NAME.wasm. It takes minutes: what is there is kept as long as its input
# is the same.
shrink() (
    cd "$(dirname "$1")"
    name=$(basename "$1")
    sha256sum --status --check "$name.sha256" 2>/dev/null && exit
    node "$root/scripts/wasm-opt.mjs" "$name.wasm" "$name.opt.wasm" "${@:2}"
    sha256sum "$name.wasm" "$name.opt.wasm" >"$name.sha256"
)
