# A newcomer needs two of these: `make demo` and `make test`. Both install what is missing.
.PHONY: help demo test build check bench reproduce setup clean
.DEFAULT_GOAL := help
# Both, though one is enough: what they depend on is then compiled as the tests have it, and not again.
CARGO_BUILD = cargo build --release --locked --package pointsman --package pointsman-gpu

help:
	@echo 'make demo    route eight prompts through the wasm build, then serve the page'
	@echo 'make test    every test: native, wasm in Node and Chromium, npm package, page'
	@echo 'make build   the native command and the npm package in pkg/'
	@echo 'make check   formatting, lints, documentation, supply chain'
	@echo 'make bench   the package beside its peers, then every stage natively'
	@echo 'make reproduce   build twice from clean clones and compare every file'
	@echo 'make clean   remove what was built (the download cache stays)'

setup:
	@scripts/setup.sh

demo: build
	@node scripts/demo.mjs

build:
	@scripts/setup.sh wasm js embedder
	@$(CARGO_BUILD)
	@scripts/build-wasm.sh

test:
	@scripts/setup.sh wasm js nodes browser reference gpu
	@scripts/test.sh

check:
	cargo fmt --all --check
	cargo clippy --release --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --release --locked --no-deps --lib --quiet --package pointsman --package pointsman-gpu
	@scripts/setup.sh deny
	@scripts/supply-chain.sh

bench:
	@scripts/bench.sh $(ARGS)

reproduce:
	@scripts/reproduce.sh

clean:
	cargo clean
	rm -rf pkg/wasm pkg/assets pkg/sbom.cdx.json pkg/THIRD-PARTY-LICENSES.txt node_modules tests/js/nodes/node_modules benches/peers/node_modules test-results models/*.onnx
