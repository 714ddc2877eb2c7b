# What can be done here. `make run` and `make test` are all that a newcomer needs.
.PHONY: run build web setup test check unit it e2e test-nat sim fuzz bench gen autobahn fmt ci clean

LISTEN ?= 127.0.0.1:8080

# What the pages are made of. Built when nothing has changed, they would make the server be built anew, which takes minutes.
PAGES := $(wildcard web/*.json web/*/*.json web/*/*.ts web/app/*.html) $(shell find web/sdk/src web/app/src web/app/dev ! -name '*.test.ts')

run: build            ## Builds everything and starts the server on http://localhost:8080
	target/release/tincan serve --listen $(LISTEN)

build: web            ## Builds the pages and the release binary
	cargo build --release --locked -p tincan-server

web: web/app/dist/index.html  ## Builds the SDK and the pages

web/app/dist/index.html: web/node_modules/.package-lock.json $(PAGES)
	npm --prefix web run build

web/node_modules/.package-lock.json: web/package-lock.json
	npm --prefix web ci --no-audit --no-fund

setup:                ## Installs what the tests need (Debian; browsers, sound, cargo-nextest)
	tools/setup

test: setup           ## Installs what the tests need and runs all of them
	tools/test

check:                ## Formatting and lints
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	npm --prefix web run check

unit:                 ## The pure core only: seconds
	cargo nextest run --locked -p tincan-proto

it:                   ## The server's stories
	cargo nextest run --locked -p tincan-server -p tincan-testkit

e2e: build            ## Calls between real browsers
	npm --prefix web run test --workspace e2e

test-nat: build       ## make test-nat ROWS=cone-symmetric,tcp443-tcp443: calls through every pair of NATs, as a table
	ROWS=$(or $(ROWS),all) web/e2e/nat/run

sim:                  ## make sim N=1000000 SEED=7: simulated calls with faults
	SIM_CALLS=$(or $(N),1000000) $(if $(SEED),SIM_SEED=$(SEED)) cargo test --release --locked -p tincan-proto --test call -- --nocapture sim

fuzz:                 ## make fuzz SECONDS=600: fuzz targets, one after the other
	fuzz/run

autobahn:             ## The WebSocket conformance suite
	crates/testkit/autobahn/run

bench: build          ## The load generator against Tincan and its neighbours
	bench/run

gen:                  ## Writes what is generated from Rust
	UPDATE=1 cargo test --locked -p tincan-proto --lib wire_gen

fmt:
	cargo fmt --all
