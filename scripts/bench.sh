#!/usr/bin/env bash
# The package beside its peers, then every stage natively. Arguments go to benches/peers/run.mjs; --help lists them.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$root"

case " $* " in
*' --help '* | *' --from'[' =']*) exec node benches/peers/run.mjs "$@" ;;
esac
scripts/setup.sh wasm js browser embedder
scripts/build-wasm.sh
benches/peers/setup.sh

say "the package beside its peers"
node benches/peers/run.mjs "$@"
say "every stage, natively"
cargo bench --locked
