#!/usr/bin/env bash
# Trains models/default.router and, on the static tier's embedder, models/static.router. usage: scripts/train-default.sh DATA   (the folder with zeroeval/ and mmlu_pro/)
set -euo pipefail
. "$(dirname "$0")/lib.sh"
data=${1:?the folder of outcome data}

cd "$root"
"$root/scripts/setup.sh" embedder
cargo build --release --locked --quiet
mapfile -t renames <models/renames.txt
train() {
    target/release/pointsman train --out "models/$1" --embedder "models/$2" --date 2026-11-22 \
        --outcomes "$data/zeroeval/data.jsonl.gz" "$data/mmlu_pro/data.jsonl.gz" \
        --prices models/candidates.json --prices "$data/zeroeval/models.json" --prices "$data/mmlu_pro/models.json" \
        "${renames[@]/#/--rename=}" \
        --candidates llama-3.1-8b-instruct,gemini-1.5-flash,deepseek-chat,llama-3.1-70b-instruct,gemini-1.5-pro,gpt-4o-2024-05-13
}

train default.router minilm-l6-v2.onnx
train static.router minilm-static.onnx
