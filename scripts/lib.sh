# What the scripts share: where things are, and how they speak. Sourced, never run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${POINTSMAN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pointsman}
wasm_target=wasm32-unknown-unknown
# Must equal the crate's version in Cargo.toml: the two halves of wasm-bindgen speak a private protocol.
bindgen_version=$(sed -n 's/^wasm-bindgen = "=\(.*\)"$/\1/p' "$root/Cargo.toml")
bindgen_root=$cache/wasm-bindgen-$bindgen_version
wasm_env=$cache/wasm-env.sh
# What panics say names their place in a crate. Where this machine keeps the sources belongs into no file of the package.
remap="--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src=crates"
case $remap in *' '*) remap='' ;; esac # flags are cut at spaces
deny_version=0.20.2
deny_root=$cache/cargo-deny-$deny_version

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
fail() { printf 'pointsman set-up: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# Debian packages, where they are missing and this is a Debian with root.
apt_install() {
    local missing=()
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    have apt-get || fail "please install ${missing[*]} by hand: this machine has no apt-get"
    local sudo=''
    [ "$(id -u)" = 0 ] || sudo=sudo
    [ -z "$sudo" ] || have sudo || fail "please install ${missing[*]}: neither root nor sudo here"
    say "installing ${missing[*]}"
    # Package lists of a fresh machine are often empty or stale.
    $sudo apt-get update -qq || fail "apt-get update failed; is the network up?"
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
        fail "apt-get could not install ${missing[*]}"
}

# npm_install FOLDER MESSAGE: what its lock file names, unless that is there.
npm_install() {
    local stamp=$1/node_modules/.pointsman-lock
    cmp -s "$1/package-lock.json" "$stamp" && return 0
    say "$2"
    # No install scripts: they download, and nothing here needs them.
    (cd "$1" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) || fail "npm ci failed in $1"
    cp "$1/package-lock.json" "$stamp"
}
