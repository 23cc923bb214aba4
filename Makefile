# Sluice. `make help` lists what there is; README.md says what it is.
.DEFAULT_GOAL := help
SHELL := /bin/sh
.SHELLFLAGS := -euc

BIN := build/bin
LINT := build/tools/golangci-lint
# Two packages at a time: each may start a database, a store and an engine of its own.
GOTEST := go test -p 2 -timeout 25m
# The runner is linked statically with DuckDB inside: its container holds nothing else.
STATIC := -s -w -linkmode external -extldflags "-static -Wl,--no-warnings"

# gofmt prints names and succeeds; here a name is a failure.
FORM := unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "not gofmt'ed:"; echo "$$unformatted"; exit 1; }; \
	go vet ./... && $(LINT) run

.PHONY: help setup setup-test build image-python demo up freeze test test-browser screenshots test-upgrade test-faults test-mix test-attack test-soak soak bench lint generate generate-check release-description clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what Sluice needs (Debian 12, as root), or show the commands
	@sh deploy/setup.sh

setup-test: ## the same, and what the tests need
	@sh deploy/setup.sh test

build: setup ## build the programs into build/bin
	@mkdir -p $(BIN)
	@CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o $(BIN)/sluice ./cmd/sluice
	@CGO_ENABLED=1 go build -trimpath -tags osusergo,netgo -ldflags '$(STATIC)' -o $(BIN)/sluice-runner ./cmd/sluice-runner
	@CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o $(BIN)/sluice-hostile ./deploy/demo/hostile
	@chmod 0755 $(BIN) $(BIN)/*

.PHONY: $(BIN)/sluice-demo
$(BIN)/sluice-demo: build
	@CGO_ENABLED=0 go build -trimpath -o $@ ./deploy/demo
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

test: setup-test build ## everything: form, rules of the tree, policies, units, and the whole on real parts
	@$(FORM)
	@go mod verify >/dev/null
	@$(GOTEST) -shuffle=on ./...

test-browser: setup-test ## walk through the console in a real browser: axe, policy, keyboard, both languages and themes
	@go test ./cmd/sluice -count=1 -timeout 20m -v -run 'TestBrowser'

screenshots: setup-test ## the same, with a picture of every page on a desk and on a phone in build/screens
	@rm -rf build/screens
	@go test ./cmd/sluice -count=1 -timeout 30m -run 'TestBrowser' -args -screens "$(CURDIR)/build/screens"

test-upgrade: setup-test ## open every frozen deployment with today's code
	@go test ./cmd/sluice -count=1 -run 'TestUpgrade'

test-faults: setup-test build ## let every part die, hang, run out of room and fail its file calls, and print what came of it
	@go test ./catalog -count=1 -run 'TestClockJumps|TestLateFencesAreRefused|TestInterruptedWorkIsDoneAgain'
	@go test -tags faults ./sandbox/launcher -count=1 -timeout 20m -v -run 'TestEngineHangs'
	@go test -tags faults ./deploy/demo -count=1 -timeout 150m -v -run 'TestPartsDie|TestKilledInEachState|TestHangs|TestDisksFull|TestBrokenIO'

test-mix: setup-test build ## play a random mix while parts die: MIX_MINUTES (5) from MIX_SEED, which is printed
	@go test -tags faults ./deploy/demo -count=1 -timeout 90m -v -run 'TestMix'

soak: setup-test build ## the mix for half an hour, in which gateway, keeper and worker must not grow
	@MIX_SOAK=1 MIX_MINUTES="$${MIX_MINUTES:-30}" go test -tags faults ./deploy/demo -count=1 -timeout 90m -v -run 'TestMix'

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

generate-check: ## fail when generate changes a file
	@mkdir -p build
	@(git status --porcelain; git diff) >build/before
	@$(MAKE) --no-print-directory generate
	@(git status --porcelain; git diff) >build/after
	@cmp -s build/before build/after || { echo "generated files are stale; run make generate:"; diff build/before build/after; exit 1; }

release-description: ## freeze the API's description as the released one; what broke since is forgiven
	@cp gateway/openapi.json gateway/released/openapi-v1.json
	@sed -i '/^[^#]/d' gateway/released/allowed.txt

clean: ## remove build/, unless an instance runs in it
	@! [ -e build/up/lock ] || flock -n build/up/lock true || { echo "an instance runs in build/up: stop it first"; exit 1; }
	@rm -rf build
