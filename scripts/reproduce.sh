#!/usr/bin/env bash
# Builds the package twice from clean clones of the last commit, in all that a build must not depend on unlike each other:
# the folder, where cargo keeps sources, time zone, language, file modes. Then compares the wasm files, the model files, the
# bill of materials and the packed tarball. Takes as long as two whole builds. Where they differ, both are kept.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
commit=$(git -C "$root" rev-parse HEAD)
[ -z "$(git -C "$root" status --porcelain --untracked-files=no)" ] || say "changes that are not committed are not built"
scratch=$(mktemp -d)

# build CLONE SUMS: a clean build, and the hashes of what came of it.
build() {
    git clone --quiet --no-checkout "$root" "$1"
    git -C "$1" checkout --quiet --detach "$commit"
    make --no-print-directory -C "$1" build
    (cd "$1/pkg" && npm pack --silent --pack-destination . && sha256sum wasm/* assets/* sbom.cdx.json THIRD-PARTY-LICENSES.txt pointsman-*.tgz) >"$2"
}

# The same downloads, but in another place.
other_home=$scratch/other/cargo
mkdir -p "$other_home"
ln -s "${CARGO_HOME:-$HOME/.cargo}/registry" "$other_home/registry"
for config in "${CARGO_HOME:-$HOME/.cargo}"/config*; do
    [ ! -f "$config" ] || cp "$config" "$other_home/"
done

unset CARGO_TARGET_DIR RUSTFLAGS
say "the first build"
(umask 022 && export TZ=UTC LC_ALL=C && build "$scratch/first" "$scratch/first.sums")
say "the second build"
(umask 027 && export CARGO_HOME=$other_home TZ=Asia/Kathmandu LC_ALL=C.UTF-8 &&
    build "$scratch/a/longer/way/second" "$scratch/second.sums")

diff "$scratch/first.sums" "$scratch/second.sums" || fail "the two builds differ: see $scratch"
cat "$scratch/first.sums"
rm -rf "$scratch"
say "two builds of ${commit:0:12} are the same, file by file"
