# Rollcall. `make` lists the targets.
#
# A build needs only Go. Tests also need browsers and PostgreSQL; .ci/need installs
# what is missing from Debian.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

GOLANGCI_LINT_VERSION := v2.15.0
WASMBROWSERTEST_VERSION := v0.11.0
GREMLINS_VERSION := v0.6.0
GOVULNCHECK_VERSION := v1.9.0
OIDC_PROVIDER_VERSION := v3.52.0
OAUTH2_PROXY_VERSION := v7.15.6

# Brotli quality of the site: 11 is for release; 5 makes a quick one for development.
QUALITY ?= 11
# In which browsers the end-to-end scenarios run: all, or some of chromium,firefox,webkit. Without it
# in Chromium, and in the others those of the main path.
BROWSERS ?=
# How often `make kills` kills the browser, and the seed of the moments.
KILLS ?= 200
SEED ?= 1
# How many histories `make sim` plays, and the first seed.
HISTORIES ?= 50000
FIRST ?= 1
# How many end-to-end tests keep a browser busy at a time: with its server, it keeps one core busy. Further
# ones run, for those that wait: see harness.Patiently.
E2E_PARALLEL ?= $(shell nproc)
# How many people `make import-many` imports.
PEOPLE ?= 100000
# How long `make fuzz` runs each target.
FUZZTIME ?= 10s

# What is compiled for the program serves the tests and their tools, too.
export CGO_ENABLED := 0
export GOFLAGS := $(filter-out -trimpath,$(GOFLAGS)) -trimpath

TOOLS := $(CURDIR)/.cache/bin
WASM := GOOS=js GOARCH=wasm
LINT := $(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION)
WASMTEST := $(TOOLS)/wasmbrowsertest-$(WASMBROWSERTEST_VERSION)
GREMLINS := $(TOOLS)/gremlins-$(GREMLINS_VERSION)
GOVULNCHECK := $(TOOLS)/govulncheck-$(GOVULNCHECK_VERSION)
OIDC_PROVIDER := $(TOOLS)/oidc-provider-$(OIDC_PROVIDER_VERSION)
OAUTH2_PROXY := $(TOOLS)/oauth2-proxy-$(OAUTH2_PROXY_VERSION)
NPM_PACKAGES := e2e/node_modules/.package-lock.json
CONTENDERS := bench/client/node_modules/.package-lock.json bench/rivals/pouchdb/node_modules/.package-lock.json
RIVALS := bench/rivals/pouchdb/node_modules/.package-lock.json $(TOOLS)/rivals-pocketbase

CLIENT_SOURCES := $(shell find api app wasm -type f ! -name '*_test.go')
SITE_SOURCES := $(shell find web -type f ! -path 'web/dist/*' ! -name '*_test.go')
SERVER_SOURCES := $(shell find api roster server web -type f -name '*.go' ! -name '*_test.go') $(shell find server -type f -name '*.sql')
MODULE := go.mod go.sum
comma := ,

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: bin/rollcall ## Build the site and the server, bin/rollcall

web/dist/assets.json: $(CLIENT_SOURCES) $(SITE_SOURCES) $(MODULE) .cache/go-version
	go run ./web/build -quality $(QUALITY)

bin/rollcall: web/dist/assets.json $(SERVER_SOURCES) $(MODULE) .cache/go-version
	go build -ldflags '-s -w' -o $@ ./server

# Changes only with the version of Go; then everything is rebuilt.
.cache/go-version: always
	@mkdir -p $(@D)
	@go version | cmp -s - $@ || go version > $@
.PHONY: always
always:

.PHONY: run
run: build ## Build, then serve rollcall.db on http://localhost:8080
	bin/rollcall serve

.PHONY: test
test: ready test-native defects test-wasm e2e ## Run all tests

# One processor compresses the program meanwhile.
.PHONY: ready
ready:
	$(MAKE) --no-print-directory --jobs=2 build packages $(NPM_PACKAGES) $(OIDC_PROVIDER) $(OAUTH2_PROXY) $(WASMTEST)

.PHONY: packages
packages:
	.ci/need $(packages-of-native) 'npm=npm' $(chromium) $(packages-of-e2e)

# The detector watches SQLite, too, slow as that is: with SQLite left out by -gcflags it reported
# races within encoding/json, which it does not otherwise.
# What one goroutine computes for long is left to the second run: all of it would take ten times as long.
.PHONY: test-native
test-native: build ## Run the native tests, with the race detector
	.ci/need $(packages-of-native)
	CGO_ENABLED=1 go test -race -timeout 25m ./...
	go test ./api ./roster ./server/exchange ./sim

packages-of-native = 'gcc=gcc' 'gcc=libc6-dev' 'initdb|pg_lsclusters=postgresql' 'node=nodejs'

.PHONY: test-wasm
test-wasm: $(WASMTEST) ## Run the js/wasm tests in Chromium
	$(need-browser)
	$(serving-go) $(WASM) go test -exec=$(WASMTEST) -p 1 $(WASM_TEST_PACKAGES)

# The tool gives the browser a file of Go's, and was itself compiled without Go's place.
serving-go = GOROOT="$$(go env GOROOT)"

WASM_TEST_PACKAGES = $(shell $(WASM) go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./wasm/idb/... ./wasm/browser/... ./wasm/page/... ./wasm/worker/...)

.PHONY: e2e
e2e: build $(NPM_PACKAGES) $(OIDC_PROVIDER) $(OAUTH2_PROXY) ## Run the end-to-end tests in real browsers; BROWSERS=all runs all scenarios in Firefox and WebKit, too
	$(need-browser)
	.ci/need $(packages-of-e2e)
	BROWSERS='$(BROWSERS)' E2E_PARALLEL=$(E2E_PARALLEL) go test -tags e2e -count=1 -timeout $(if $(BROWSERS),120m,60m) -parallel $$(($(E2E_PARALLEL) + 6)) ./e2e/... $(E2E_FLAGS)

chromium = 'chromium|chromium-browser|google-chrome=chromium'
packages-of-e2e = 'node=nodejs' 'nginx|/usr/sbin/nginx=nginx' $(other-browsers)

define need-browser
.ci/need $(chromium)
endef

other-browsers = 'firefox-esr|firefox=firefox-esr' 'WebKitWebDriver=webkit2gtk-driver' 'Xvfb=xvfb' \
	'/usr/lib/python3/dist-packages/gi=python3-gi' '/usr/lib/*/girepository-1.0/WebKit2-4.1.typelib=gir1.2-webkit2-4.1'

# Pictures are of Chromium, or of what BROWSERS names.
in-chromium = $(if $(BROWSERS),$(filter all chromium,$(subst $(comma), ,$(BROWSERS))),chromium)

define need-browsers
$(if $(BROWSERS),.ci/need $(other-browsers))
endef

.PHONY: lint
lint: $(LINT) web/dist/assets.json ## Check formatting, vet and lint, for native and js/wasm
	@unformatted=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); \
	if [ -n "$$unformatted" ]; then echo "not gofmt-ed: $$unformatted" >&2; exit 1; fi
	go vet -tags 'e2e looks' ./...
	$(WASM) go vet ./wasm/... ./app/... ./api/... ./roster/... ./bench/client/rollcall
	$(LINT) run --build-tags e2e,looks ./...
	$(WASM) $(LINT) run ./wasm/... ./app/... ./api/... ./roster/... ./bench/client/rollcall

.PHONY: verify
verify: test lint vulncheck ## Run everything CI checks: tests, lint, known flaws, go.mod
	go mod tidy -diff
	go mod verify

# Needs https://vuln.go.dev, or another database in GOVULNDB. What can't be checked fails.
.PHONY: vulncheck
vulncheck: $(GOVULNCHECK) ## Look for known flaws in what the programs call
	@$(GOVULNCHECK) $(if $(GOVULNDB),-db $(GOVULNDB)) ./... || { \
		echo "govulncheck found a flaw, or could not reach its database: see above. GOVULNDB names another one." >&2; exit 1; }

# Writes its counts to .cache/sim-FIRST.txt each minute, so that an interrupted run can
# be continued with another FIRST.
.PHONY: sim
sim: ## Simulate HISTORIES=50000 random histories of faults, from seed FIRST=1 on
	@mkdir -p .cache
	go test -count=1 -timeout 24h ./sim -run 'TestHistories$$' -v -first $(FIRST) -histories $(HISTORIES) -stats $(CURDIR)/.cache/sim-$(FIRST).txt

.PHONY: defects
defects: ## Take out one safeguard after the other: the tests must notice each
	go run ./sim/defects/overlay .cache/defects
	go test -vet=off -count=1 -overlay .cache/defects/overlay.json ./sim ./server/store/memory -run Defect -v

# `make test` does this, too, a few times.
.PHONY: server-kills
server-kills: ## Kill servers and PostgreSQL processes 100 times under load
	.ci/need 'initdb|pg_lsclusters=postgresql'
	go test -count=1 -timeout 60m ./server -run 'Killed$$' -v -kills 100

.PHONY: kills
kills: build ## Kill browsers KILLS=200 times, and tabs and workers, while they write and sync
	$(need-browser)
	.ci/need 'firefox-esr|firefox=firefox-esr'
	go test -tags e2e -count=1 -timeout 3h ./e2e -run TestKills -v -seed $(SEED) \
		-kills $(KILLS) -ends $$(( ($(KILLS) + 2) / 3 )) -foxkills $$(( ($(KILLS) * 3 + 19) / 20 ))

.PHONY: fuzz
fuzz: ## Fuzz each decoder for FUZZTIME=10s
	go run ./internal/fuzzing -time $(FUZZTIME) $(FLAGS)

.PHONY: mutants
mutants: $(GREMLINS) ## Change the pure decisions in each place: the tests must notice
	go run ./internal/mutation -gremlins $(GREMLINS) $(FLAGS)

.PHONY: import-many
import-many: build $(NPM_PACKAGES) ## Import PEOPLE=100000 in a browser, and send them
	$(need-browser)
	go test -tags e2e -count=1 -timeout 60m ./e2e -run 'TestImportOfMany$$' -v -people $(PEOPLE) | grep -E 'people took|FAIL|^ok'

# Each part uses all cores by itself, so they run one after the other, and one that fails
# stops no other. What they found is printed at the end as it stands in
# docs/RELIABILITY.md, and kept in .cache/long. Four and a half hours on two idle cores;
# FIRST plays other histories than the last time.
.PHONY: long
long: HISTORIES = 500000
long: FUZZTIME = 10m
long: $(GREMLINS) ## Run what is too long for `make test`: mutants, 500,000 histories, ten minutes of each fuzz target, a long import
	@mkdir -p .cache/long; : > .cache/sim-$(FIRST).txt; failed=; \
	$(MAKE) --no-print-directory -s mutants > .cache/long/mutants.md || failed+=' mutants'; \
	$(MAKE) --no-print-directory -s sim HISTORIES=$(HISTORIES) FIRST=$(FIRST) >&2 || failed+=' sim'; \
	sed -E '/^histories /,$$d; s/^seeds from (.*) on: (.*) histories in .*, (.*)$$/| \2 | \1 on | \3 |/' \
		.cache/sim-$(FIRST).txt > .cache/long/sim.md; \
	$(MAKE) --no-print-directory -s fuzz FUZZTIME=$(FUZZTIME) > .cache/long/fuzz.md || failed+=' fuzz'; \
	$(MAKE) --no-print-directory -s import-many > .cache/long/import.md || failed+=' import'; \
	for part in mutants sim fuzz import; do echo; cat .cache/long/$$part.md; done; \
	if [ -n "$$failed" ]; then echo "failed:$$failed" >&2; exit 1; fi

.PHONY: bench
bench: $(WASMTEST) ## Benchmark the store in IndexedDB, in Chromium
	$(need-browser)
	$(serving-go) $(WASM) go test -exec=$(WASMTEST) -run '^$$' -bench . ./wasm/idb

# Only this target installs the rivals. FLAGS='-doc docs/BENCHMARKS.md' updates the
# tables in that document.
.PHONY: bench-rivals
bench-rivals: build $(RIVALS) ## Compare the server with PocketBase and express-pouchdb
	.ci/need 'node=nodejs' 'initdb|pg_lsclusters=postgresql'
	go run ./bench/rivals $(FLAGS)

# STORE is sqlite, postgres or, for bench-load, postgres2 (two servers on one PostgreSQL);
# the default is all of them. FLAGS='-doc docs/SCALING.md' updates the tables in that
# document. Takes about two minutes a store; bench-growth takes twenty.
.PHONY: bench-load
bench-load: build ## Find how many active devices a server can carry
	.ci/need 'initdb|pg_lsclusters=postgresql'
	for store in $(or $(STORE),sqlite postgres postgres2); do go run ./bench/load -store $$store $(FLAGS); done

.PHONY: bench-growth
bench-growth: build ## Measure operations with 10,000, 100,000 and 1,000,000 users
	.ci/need 'initdb|pg_lsclusters=postgresql'
	for store in $(or $(STORE),sqlite postgres); do go run ./bench/growth -store $$store $(FLAGS); done

# Only this target installs the contenders. FULL=1 takes hours: three rounds with all numbers
# of people. FLAGS='-doc docs/BENCHMARKS.md' updates the tables and plots in that document.
.PHONY: bench-client
bench-client: build $(CONTENDERS) ## Compare the client with IndexedDB by hand and seven libraries
	$(need-browser)
	.ci/need 'node=nodejs'
	go run ./bench/client $(if $(FULL),-people 1000$(comma)10000$(comma)100000 -rounds 3,-patience 1m) $(FLAGS)

.PHONY: bench-app
bench-app: build ## Measure visits, searches, scrolling and saves in the app
	$(need-browser)
	go run ./bench/app $(if $(FULL),-people 1000$(comma)10000$(comma)100000,-rounds 1) $(FLAGS)

.PHONY: screenshots
screenshots: build $(NPM_PACKAGES) ## Update the screenshots in README and DESIGN, and the pictures and outlines that tests compare with; BROWSERS=firefox, webkit or all
	$(need-browser)
	$(need-browsers)
	BROWSERS='$(BROWSERS)' go test -tags 'e2e looks' -count=1 -timeout 30m ./e2e -run '$(if $(in-chromium),TestScreenshots|TestTasks|)TestWhatEverybodySees' -update

.PHONY: looks
looks: build $(NPM_PACKAGES) ## Do the ten tasks, and compare each step and what everybody sees with the kept pictures; BROWSERS=firefox, webkit or all
	$(need-browser)
	$(need-browsers)
	BROWSERS='$(BROWSERS)' go test -tags 'e2e looks' -count=1 -timeout 30m ./e2e -run '$(if $(in-chromium),TestTasks|)TestWhatEverybodySees'

.PHONY: clean
clean: ## Remove build results, but not .cache
	rm -rf bin e2e/node_modules bench/client/node_modules bench/rivals/pouchdb/node_modules
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

$(GOVULNCHECK):
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) go install golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION)
	mv $(TOOLS)/govulncheck $@

# People of the tests sign in there, and behind it.
$(OIDC_PROVIDER):
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) go install github.com/zitadel/oidc/v3/example/server@$(OIDC_PROVIDER_VERSION)
	mv $(TOOLS)/server $@

$(OAUTH2_PROXY):
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) go install github.com/oauth2-proxy/oauth2-proxy/v7@$(OAUTH2_PROXY_VERSION)
	mv $(TOOLS)/oauth2-proxy $@

# npm packages serve only tests and benchmarks.
%/node_modules/.package-lock.json: %/package.json %/package-lock.json
	.ci/need 'npm=npm'
	npm ci --prefix $* --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# A separate module keeps PocketBase out of the server's go.mod.
$(TOOLS)/rivals-pocketbase: $(wildcard bench/rivals/pocketbase/*) .cache/go-version
	cd bench/rivals/pocketbase && CGO_ENABLED=0 go build -trimpath -o $@ .
