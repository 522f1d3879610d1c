#!/usr/bin/env bash
# Fuzzes every target in turn and says how many inputs each ran. usage: fuzz/run.sh SECONDS [TARGET...]
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:?usage: fuzz/run.sh SECONDS [TARGET...]}
shift
targets=("$@")
[ $# -gt 0 ] || mapfile -t targets < <(sed -n 's/^path = "fuzz_targets\/\(.*\)\.rs"$/\1/p' fuzz/Cargo.toml)
# New inputs go to a folder of their own: what the repository keeps is chosen by hand, with `cargo fuzz cmin`.
found=${POINTSMAN_FUZZ_CORPUS:-target/fuzz-corpus}
failed=0
for target in "${targets[@]}"; do
    mkdir -p "$found/$target" "fuzz/crashers/$target"
    log=$(mktemp)
    cargo +nightly fuzz run --target-dir "${FUZZ_TARGET_DIR:-target/fuzz}" "$target" "$found/$target" "fuzz/corpus/$target" -- \
        -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=512 -max_len=65536 -print_final_stats=1 \
        -artifact_prefix="fuzz/crashers/$target/" >"$log" 2>&1 || { failed=1 && tail -25 "$log"; }
    echo "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs, $(find "$found/$target" -type f | wc -l) kept"
done
exit "$failed"
