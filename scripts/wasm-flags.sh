# The compiler and flags of wasm builds. Sourced after lib.sh.

[ ! -f "$wasm_env" ] || . "$wasm_env"
# Nothing here draws random numbers; without this, getrandom would want imports from JavaScript.
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="-C target-feature=+simd128 --cfg getrandom_backend=\"unsupported\" $remap"
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER=$bindgen_root/bin/wasm-bindgen-test-runner
