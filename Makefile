# Rollcall. `make` alone says what there is to make.
#
# Building needs Go and nothing else. Testing needs a browser too, and installs
# what is missing from Debian; see .ci/need.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

GOLANGCI_LINT_VERSION := v2.15.0
WASMBROWSERTEST_VERSION := v0.11.0
GREMLINS_VERSION := v0.6.0

# Brotli quality of the site: 11 is for release; 5 makes a quick one for development.
QUALITY ?= 11
# How often `make kills` kills the browser, and what it draws the moments from.
KILLS ?= 200
SEED ?= 1
# How many histories the simulator plays in `make sim`, and from which seed on.
HISTORIES ?= 50000
FIRST ?= 1
# How long `make fuzz` runs each target.
FUZZTIME ?= 10s

TOOLS := $(CURDIR)/.cache/bin
WASM := GOOS=js GOARCH=wasm
LINT := $(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION)
WASMTEST := $(TOOLS)/wasmbrowsertest-$(WASMBROWSERTEST_VERSION)
GREMLINS := $(TOOLS)/gremlins-$(GREMLINS_VERSION)
NPM_PACKAGES := e2e/node_modules/.package-lock.json
RIVALS := bench/rivals/pouchdb/node_modules/.package-lock.json $(TOOLS)/rivals-pocketbase

CLIENT_SOURCES := $(shell find api app wasm -type f ! -name '*_test.go')
SITE_SOURCES := $(shell find web -type f ! -path 'web/dist/*' ! -name '*_test.go')
SERVER_SOURCES := $(shell find api server web -type f -name '*.go' ! -name '*_test.go') $(shell find server -type f -name '*.sql')
MODULE := go.mod go.sum

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: build ## Build and serve http://localhost:8080 from rollcall.db
	bin/rollcall serve

.PHONY: build
build: bin/rollcall ## Build both wasm files, the site and the binary bin/rollcall

web/dist/assets.json: $(CLIENT_SOURCES) $(SITE_SOURCES) $(MODULE) .cache/go-version
	go run ./web/build -quality $(QUALITY)

bin/rollcall: web/dist/assets.json $(SERVER_SOURCES) $(MODULE) .cache/go-version
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o $@ ./server

# Changes only when another Go is used, which makes everything out of date.
.cache/go-version: always
	@mkdir -p $(@D)
	@go version | cmp -s - $@ || go version > $@
.PHONY: always
always:

.PHONY: test
test: build test-native defects test-wasm e2e ## Run all tests; installs Chromium from Debian when there is none

.PHONY: test-native
test-native: build ## Run the native tests with the race detector
	.ci/need 'gcc=gcc' 'gcc=libc6-dev' 'initdb|pg_lsclusters=postgresql'
	CGO_ENABLED=1 go test -race -timeout 25m ./...

.PHONY: test-wasm
test-wasm: $(WASMTEST) ## Run the js/wasm tests in Chromium
	$(need-browser)
	$(WASM) go test -exec=$(WASMTEST) -p 1 $(WASM_TEST_PACKAGES)

WASM_TEST_PACKAGES = $(shell $(WASM) go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./wasm/idb/... ./wasm/browser/... ./wasm/page/... ./wasm/worker/...)

.PHONY: e2e
e2e: build $(NPM_PACKAGES) ## Drive real browsers against the real binary, and the engine against json-server
	$(need-browser)
	.ci/need 'node=nodejs' 'firefox-esr|firefox=firefox-esr'
	go test -tags e2e -count=1 -timeout 40m ./e2e/... $(E2E_FLAGS)

.PHONY: kills
kills: build ## Kill browsers KILLS=200 times, tabs and workers as often, amid writes drawn from SEED=1
	$(need-browser)
	.ci/need 'firefox-esr|firefox=firefox-esr'
	go test -tags e2e -count=1 -timeout 3h ./e2e -run TestKills -v -seed $(SEED) \
		-kills $(KILLS) -ends $$(( ($(KILLS) + 2) / 3 )) -foxkills $$(( ($(KILLS) * 3 + 19) / 20 ))

.PHONY: screenshots
screenshots: build ## Take the screenshots of the README and of the install dialog anew
	$(need-browser)
	go test -tags e2e -count=1 ./e2e -run TestScreenshots -update

define need-browser
.ci/need 'chromium|chromium-browser|google-chrome=chromium'
endef

.PHONY: lint
lint: $(LINT) web/dist/assets.json ## Check formatting and lint, for native and for js/wasm
	@unformatted=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); \
	if [ -n "$$unformatted" ]; then echo "not gofmt-ed: $$unformatted" >&2; exit 1; fi
	go vet -tags e2e ./...
	$(WASM) go vet ./wasm/... ./app/... ./api/...
	$(LINT) run --build-tags e2e ./...
	$(WASM) $(LINT) run ./wasm/... ./app/... ./api/...

.PHONY: verify
verify: test lint ## Everything CI could ask: tests, lint, no drift in go.mod
	go mod tidy -diff
	go mod verify

.PHONY: bench
bench: ## Measure the engine and the server
	go test -run '^$$' -bench . -benchmem ./...

# Nothing of the rivals is built or installed but here. FLAGS='-doc docs/BENCHMARKS.md'
# puts the tables in the document.
.PHONY: bench-rivals
bench-rivals: build $(RIVALS) ## Measure the server side by side with PocketBase and express-pouchdb
	.ci/need 'node=nodejs' 'initdb|pg_lsclusters=postgresql'
	go run ./bench/rivals $(FLAGS)

.PHONY: bench-indexes
bench-indexes: ## Measure what SQLite itself takes to save a person, index by index
	go run ./bench/indexes $(FLAGS)

# STORE is sqlite, postgres or, for load, postgres2: two servers on one PostgreSQL; all of
# them without it. FLAGS='-doc docs/SCALING.md' puts the tables in the document.
# A store's knee takes some two minutes, its growth twenty: most of it fills a million.
.PHONY: bench-load
bench-load: build ## Find how many devices at work a server holds
	.ci/need 'initdb|pg_lsclusters=postgresql'
	for store in $(or $(STORE),sqlite postgres postgres2); do go run ./bench/load -store $$store $(FLAGS); done

.PHONY: bench-growth
bench-growth: build ## Measure operations at 10 thousand, 100 thousand and 1 million users
	.ci/need 'initdb|pg_lsclusters=postgresql'
	for store in $(or $(STORE),sqlite postgres); do go run ./bench/growth -store $$store $(FLAGS); done

# What it counts is in .cache/sim-FIRST.txt, renewed each minute: a run that ends
# early says how far it came, and FIRST goes on from there.
.PHONY: sim
sim: ## Play HISTORIES=50000 seeded histories of faults from seed FIRST=1 on
	@mkdir -p .cache
	go test -count=1 -timeout 24h ./sim -run 'TestHistories$$' -v -first $(FIRST) -histories $(HISTORIES) -stats $(CURDIR)/.cache/sim-$(FIRST).txt

.PHONY: defects
defects: ## Take out one safeguard after the other: the tests must notice each
	go test -count=1 -tags defects ./sim ./server/store/memory -run Defect -v

# A few are killed in every run of the tests.
.PHONY: server-kills
server-kills: ## Kill servers and PostgreSQL's processes 100 times under load
	.ci/need 'initdb|pg_lsclusters=postgresql'
	go test -count=1 -timeout 60m ./server -run 'Killed$$' -v -kills 100

.PHONY: fuzz
fuzz: ## Fuzz each decoder for FUZZTIME=10s
	@grep -rl --include='*_test.go' '^func Fuzz' . | sort | while read -r file; do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9]*\)(.*/\1/p' "$$file"); do \
			echo "$$(dirname "$$file") $$target"; \
			go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) "$$(dirname "$$file")" || exit 1; \
		done; \
	done

.PHONY: mutants
mutants: $(GREMLINS) ## Change the pure decisions in each place: the tests must notice
	go run ./internal/mutation -gremlins $(GREMLINS) $(FLAGS)

# What the last run found is in docs/RELIABILITY.md.
.PHONY: long
long: HISTORIES = 500000
long: FUZZTIME = 10m
long: mutants sim fuzz ## Run what is too long for `make test`: mutants, 500,000 histories, ten minutes of each fuzz target

.PHONY: clean
clean: ## Remove what was built; .cache stays unless it is removed by hand
	rm -rf bin e2e/node_modules bench/rivals/pouchdb/node_modules
	find web/dist -mindepth 1 ! -name .gitkeep -delete

$(LINT):
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	mv $(TOOLS)/golangci-lint $@

$(WASMTEST):
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) go install github.com/agnivade/wasmbrowsertest@$(WASMBROWSERTEST_VERSION)
	mv $(TOOLS)/wasmbrowsertest $@

$(GREMLINS):
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) go install github.com/go-gremlins/gremlins/cmd/gremlins@$(GREMLINS_VERSION)
	mv $(TOOLS)/gremlins $@

# What comes from npm is only for tests and measurements.
%/node_modules/.package-lock.json: %/package.json %/package-lock.json
	.ci/need 'npm=npm'
	npm ci --prefix $* --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# A module of its own, so that nothing of PocketBase is in the server's go.mod.
$(TOOLS)/rivals-pocketbase: $(wildcard bench/rivals/pocketbase/*) .cache/go-version
	cd bench/rivals/pocketbase && CGO_ENABLED=0 go build -trimpath -o $@ .
