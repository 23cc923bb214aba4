# Sluice. `make help` lists what there is; README.md says what it is.
.DEFAULT_GOAL := help
SHELL := /bin/sh
.SHELLFLAGS := -euc

BIN := build/bin
LINT := build/tools/golangci-lint
# Programs, linters and tests are compiled alike, so that what they share is compiled once: without C but for the runner.
export CGO_ENABLED := 0
export GOFLAGS := $(strip $(GOFLAGS) -trimpath)
# The runner is linked statically with DuckDB inside: its container holds nothing else.
RUNNER := ./cmd/sluice-runner ./sandbox/runner
WITH_C := CGO_ENABLED=1 GOFLAGS="$(GOFLAGS) -tags=osusergo,netgo"
STATIC := -s -w -linkmode external -extldflags "-static -Wl,--no-warnings"
# Every other package, as go list tells it.
PLAIN = all=$$(CGO_ENABLED=1 go list $(1) ./...); runner=$$(CGO_ENABLED=1 go list $(1) $(RUNNER)); printf '%s\n' "$$all" | grep -vxF "$$runner"
# Two packages at a time: each may start a database, a store and an engine of its own.
GOTEST := go test -p 2 -timeout 40m
# A random mix of what people do while parts die. It prints its seed.
MIX := go test -tags faults ./deploy/demo -count=1 -timeout 90m -v -run 'TestMix'

# gofmt prints names and succeeds; here a name is a failure.
FORM := unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "not gofmt'ed:"; echo "$$unformatted"; exit 1; }; \
	$(call PLAIN) | xargs go vet; $(WITH_C) go vet $(RUNNER); $(call PLAIN,-f '{{.Dir}}') | xargs $(LINT) run; $(WITH_C) $(LINT) run $(RUNNER)

.PHONY: help setup setup-test build image-python demo up freeze test test-browser screenshots test-upgrade test-faults test-mix test-attack test-soak soak bench lint generate generate-check islands islands-check release-description clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what Sluice needs (Debian 12, as root), or show the commands
	@sh deploy/setup.sh

setup-test: ## the same, and what the tests need
	@sh deploy/setup.sh test

build: setup ## build the programs into build/bin
	@mkdir -p $(BIN)
	@go build -ldflags '-s -w' -o $(BIN)/sluice ./cmd/sluice
	@$(WITH_C) go build -ldflags '$(STATIC)' -o $(BIN)/sluice-runner ./cmd/sluice-runner
	@go build -ldflags '-s -w' -o $(BIN)/sluice-hostile ./deploy/demo/hostile
	@chmod 0755 $(BIN) $(BIN)/*

.PHONY: $(BIN)/sluice-demo
$(BIN)/sluice-demo: build
	@go build -o $@ ./deploy/demo
	@chmod 0755 $@

image-python: ## build the image Python jobs run in, into /usr/local/lib/sluice/images
	@sh deploy/setup.sh python

demo: $(BIN)/sluice-demo ## walk one real dataset to an approved product, then stop everything
	@$(BIN)/sluice-demo

up: $(BIN)/sluice-demo ## start an instance in build/up with the demo's data and leave it running
	@$(BIN)/sluice-demo --keep --data build/up

freeze: $(BIN)/sluice-demo ## freeze a small deployment of today's code: make freeze NAME=0.2
	@[ -n "$${NAME:-}" ] || { echo "name it: make freeze NAME=0.2"; exit 2; }
	@$(BIN)/sluice-demo --dir build/freeze --freeze "deploy/frozen/$$NAME"

test: setup-test build ## everything: form, rules of the tree, policies, units, the whole on real parts, and five minutes at random while parts die
	@$(FORM)
	@go mod verify >/dev/null
	@$(WITH_C) $(GOTEST) -shuffle=on $(RUNNER)
	@$(call PLAIN) | xargs $(GOTEST) -shuffle=on
	@$(MIX)

test-browser: setup-test build ## play the demo by clicking in a real browser, and walk through every page: axe, policy, keyboard, languages, themes
	@go test ./deploy/demo -count=1 -timeout 20m -v -run 'TestClicks'
	@go test ./cmd/sluice -count=1 -timeout 20m -v -run 'TestBrowser'

screenshots: setup-test build ## the same, with a picture of every page on a desk and on a phone in build/screens
	@rm -rf build/screens
	@go test ./deploy/demo -count=1 -timeout 30m -run 'TestClicks' -args -screens "$(CURDIR)/build/screens"
	@go test ./cmd/sluice -count=1 -timeout 30m -run 'TestBrowser' -args -screens "$(CURDIR)/build/screens"

test-upgrade: setup-test ## open every frozen deployment with today's code
	@go test ./cmd/sluice -count=1 -run 'TestUpgrade'

test-faults: setup-test build ## let every part die, hang, run out of room and fail its file calls, and print what came of it
	@go test ./catalog -count=1 -run 'TestClockJumps|TestLateFencesAreRefused|TestInterruptedWorkIsDoneAgain'
	@go test -tags faults ./sandbox/launcher -count=1 -timeout 20m -v -run 'TestEngineHangs'
	@go test -tags faults ./deploy/demo -count=1 -timeout 150m -v -run 'TestPartsDie|TestKilledInEachState|TestHangs|TestDisksFull|TestBrokenIO'

test-mix: setup-test build ## play a random mix while parts die: MIX_MINUTES (5) from MIX_SEED, which is printed
	@$(MIX)

soak: setup-test build ## the mix for half an hour, in which gateway, keeper and worker must not grow
	@MIX_SOAK=1 MIX_MINUTES="$${MIX_MINUTES:-30}" $(MIX)

test-attack: setup-test build ## attack the sandbox with every case of the threat model under every runtime, as real jobs
	@go test -tags attack ./sandbox/attack -count=1 -timeout 60m -v
	@go test -tags attack ./deploy/demo -count=1 -timeout 60m -v -run 'TestAttacksOnAnInstance'

test-soak: setup-test ## what takes long: an upload of 2 GiB through a gateway whose memory stays flat
	@go test -tags soak ./gateway -count=1 -v -run 'TestUploadKeepsMemoryFlat'

bench: build ## measure what the issues promise, as ratios, with the machine's load beside them
	@sh deploy/setup.sh bench
	@go run ./deploy/bench

lint: setup-test ## gofmt, vet, golangci-lint, and the form of the API's description
	@$(FORM)
	@go test ./gateway/description

generate: ## make again what is made from tables (every //go:generate)
	@go generate ./...

generate-check: islands-check ## fail when making anything anew changes a file, the islands' bundles among them (needs npm)
	@mkdir -p build
	@(git status --porcelain; git diff) >build/before
	@$(MAKE) --no-print-directory generate
	@(git status --porcelain; git diff) >build/after
	@cmp -s build/before build/after || { echo "generated files are stale; run make generate:"; diff build/before build/after; exit 1; }

islands: ## bundle the console's editor and charts anew from their pinned npm packages (needs npm)
	@cd gateway/console/islands && go run .

islands-check: ## fail when bundling them anew changes a byte (needs npm; make test compares checksums without)
	@command -v npm >/dev/null || { echo "npm is missing: apt-get install npm"; exit 1; }
	@mkdir -p build
	@sha256sum gateway/console/static/* gateway/console/islands/SHA256SUMS >build/islands-before
	@$(MAKE) --no-print-directory islands
	@sha256sum --quiet -c build/islands-before

release-description: ## freeze the API's description as the released one; what broke since is forgiven
	@cp gateway/openapi.json gateway/released/openapi-v1.json
	@sed -i '/^[^#]/d' gateway/released/allowed.txt

clean: ## remove build/, unless an instance runs in it
	@! [ -e build/up/lock ] || flock -n build/up/lock true || { echo "an instance runs in build/up: stop it first"; exit 1; }
	@rm -rf build
