# camgate: make help

SHELL := /bin/sh
# Where Go usually is, for shells that do not know it.
export PATH := $(PATH):/usr/local/go/bin

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo development)
COMMIT := $(shell git rev-parse --short HEAD 2>/dev/null)
GOFLAGS_BUILD := -trimpath -ldflags "-X main.version=$(VERSION) -X main.commit=$(COMMIT)"
BIN ?= bin
# Leaves out what of FFmpeg nobody calls, and the libraries that only it needs: see scripts/pkg-config.sh.
LEAN := PKG_CONFIG="$(CURDIR)/scripts/pkg-config.sh" CGO_CFLAGS="$${CGO_CFLAGS:--O2 -g} -ffunction-sections -fdata-sections -fvisibility=hidden" \
	CGO_LDFLAGS="$${CGO_LDFLAGS:--O2 -g} -Wl,--gc-sections"
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.7.0
FUZZTIME ?= 10s
FUZZ ?= ./...

.DEFAULT_GOAL := help
.PHONY: help deps deps-test peers build run test lint bench bench-peers fuzz clean

help: ## print this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-20s %s\n", $$1, $$2}'

deps: ## install from Debian what is missing to build
	@sh scripts/deps.sh build

deps-test: ## install from Debian what is missing to test
	@sh scripts/deps.sh test

peers: deps-test ## get the programs of others that the suite tests against, into bin/
	@sh scripts/peers.sh

build: deps ## build bin/camgate and bin/camsim
	@$(LEAN) go build $(GOFLAGS_BUILD) -o $(BIN)/ ./cmd/...

run: build ## build, and start the demo: simulated cameras in your browser
	@bin/camgate demo

test: deps-test peers ## the whole suite: format, vet, tests with the race detector
	@test -z "$$(gofmt -l .)" || { gofmt -l . && echo "not formatted: run gofmt -w" && exit 1; }
	@go vet ./...
	@go test -race -timeout 20m -parallel 6 $$(go list ./... | grep -v /e2e$$)
	@go test -race -timeout 30m -parallel 5 ./e2e

lint: deps-test ## what the suite does not check: staticcheck, clang-format, shellcheck
	@go run $(STATICCHECK) ./...
	@clang-format --dry-run --Werror decoder/*.c decoder/*.h
	@shellcheck scripts/*.sh .ci/run

bench: build ## what a picture costs, against the floor; see BENCHMARKS.md
	@go build -o bin/bench ./bench
	@bin/bench

bench-peers: build ## the same for go2rtc and Motion
	@sh scripts/peers.sh bench
	@go build -o bin/bench ./bench
	@bin/bench -peers

fuzz: deps-test ## each fuzz target for FUZZTIME (10s, or 20000x inputs), of all packages or those in FUZZ
	@sh scripts/fuzz.sh $(FUZZTIME) $(FUZZ)

clean: ## remove what was built
	@rm -rf bin
