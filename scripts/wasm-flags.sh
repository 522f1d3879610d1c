# The compiler and flags of wasm builds. Sourced after lib.sh.

[ ! -f "$wasm_env" ] || . "$wasm_env"
# Nothing here draws random numbers; without getrandom's flag, it would want imports from JavaScript.
# 96 MiB: with the files that a Worker imports, its 128 MB are not reached. More is refused where it is asked for.
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="-C target-feature=+simd128 -C link-arg=--max-memory=100663296 --cfg getrandom_backend=\"unsupported\" $remap"
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER=$bindgen_root/bin/wasm-bindgen-test-runner
