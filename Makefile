# imapilot. `make test` sets up what it needs and runs everything.

GOLANGCI_VERSION := v2.15.0
TOOLS            := $(CURDIR)/.tools
GOLANGCI         := $(TOOLS)/golangci-lint-$(GOLANGCI_VERSION)
LDFLAGS          := -s -w
export GOFLAGS   := -buildvcs=false

.PHONY: build test lint vet unit setup soak clean

build: ## a static binary, the same as the container's
	CGO_ENABLED=0 go build -trimpath -tags timetzdata -ldflags '$(LDFLAGS)' -o imapilot ./cmd/imapilot

test: setup vet lint unit ## everything: set-up, vet, linters, all tests with -race

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
	go test -race -timeout 12m ./...

soak: setup ## longer proofs: 200 kills a server, ten minutes idle
	IMAPILOT_KILLS=200 IMAPILOT_IDLE=10m go test -timeout 60m -v -count 1 ./engine/enginetest/crashtest

clean:
	rm -rf imapilot $(TOOLS)
