#!/usr/bin/env bash
# Builds std for wasm32-unknown-unknown from Debian's sources and links Debian's compiler as the rustup toolchain
# `debian`, for machines whose rustup cannot download the target.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

have rustup || fail "this recipe needs rustup beside Debian's compiler"
apt_install rustc-web cargo-web rust-web-src
lld=$(rustc --print sysroot)/lib/rustlib/$(rustc -vV | sed -n 's/^host: //p')/bin/rust-lld
[ -x "$lld" ] || fail "rust-lld is not in the rustup toolchain ($lld)"

libraries=/usr/lib/rustlib/$wasm_target/lib
if ! ls "$libraries"/libstd-*.rlib >/dev/null 2>&1; then
    say "compiling std for $wasm_target"
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    mkdir -p "$scratch/src"
    : >"$scratch/src/lib.rs"
    printf '[package]\nname = "scratch"\nversion = "0.0.0"\nedition = "2021"\n' >"$scratch/Cargo.toml"
    # `test` is needed too, or #[test] builds cannot find its crate.
    (cd "$scratch" && unset RUSTUP_TOOLCHAIN && RUSTFLAGS=$remap RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc \
        CARGO_TARGET_DIR="$scratch/target" CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$lld \
        /usr/bin/cargo build --quiet --release --target "$wasm_target" -Zbuild-std=std,panic_abort,test) || fail "std for $wasm_target does not compile"
    sudo=''
    [ -w /usr/lib/rustlib ] || sudo=sudo
    $sudo mkdir -p "$libraries"
    find "$scratch/target/$wasm_target/release/deps" -name '*.rlib' ! -name 'libscratch-*' -exec $sudo cp {} "$libraries" \;
fi
rustup toolchain list | grep -q '^debian' || rustup toolchain link debian /usr
printf 'export RUSTUP_TOOLCHAIN=debian CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=%q\n' "$lld" >"$wasm_env"
say "std for $wasm_target is in $libraries; the toolchain is called debian"
