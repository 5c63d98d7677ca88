# Loa Xã: every target sets up what it needs first; `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help deps bench-deps run test attacks check bench fuzz screenshots
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
# CPython code; firmware/ and hil_sim/board run on MicroPython and are compiled by scripts/check-mpy instead.
TYPED := loaxa benchmarks fuzz hil_sim controller codec

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

deps: ## set up: system packages, Python packages, the pages' maps and plots, MicroPython
	@scripts/deps

bench-deps: ## install the peers that benchmarks compare with
	@scripts/system-packages bench
	@scripts/peer-sendspin

run: deps ## a controller, a broker and a simulated village; prints the address to open
	@$(BIN)/loaxa sim village --nodes 6

test: deps ## the whole test suite
	@scripts/system-packages players browser
	@$(BIN)/pytest -n auto --dist loadfile -m "not alone and not attacks"
	@$(BIN)/pytest -m "alone and not attacks"

attacks: deps ## the whole attack suite, and nodes without a check each, in real time; ten minutes
	@$(BIN)/pytest -m attacks tests/hil_sim/test_attacks.py

check: deps ## format, lint, types, import contracts, MicroPython compile
	@scripts/check $(TYPED)

bench: deps ## every benchmark; a peer that is missing prints null
	@scripts/system-packages bench || echo "loaxa: some peers are missing; their figures will be null" >&2
	@scripts/peer-sendspin || echo "loaxa: aiosendspin is missing; its figures will be null" >&2
	@$(BIN)/loaxa bench all

screenshots: deps ## pictures of every page for the guides, from a simulated commune; five minutes
	@scripts/screenshots

SECONDS_EACH ?= 600
fuzz: deps ## made-up input for every parser and route; SECONDS_EACH=600
	@scripts/fuzz $(SECONDS_EACH)
