# Every way to build, try, test and install Roost; `make help` lists them. The work is in scripts/, a file each.
# Slow things are cached outside the checkout (ROOST_CACHE, /var/cache/roost); cargo's output is in ./target unless
# CARGO_TARGET_DIR says otherwise.
SHELL := /bin/bash
PROFILE ?= dev
profile_dir = $(if $(filter dev,$(PROFILE)),debug,$(PROFILE))
ROOST = $(or $(CARGO_TARGET_DIR),target)/$(profile_dir)/roost

.PHONY: help setup generate build demo test test-fast test-long check bench behaviours run install clean-lab
.DEFAULT_GOAL := help

help: ## This list.
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' Makefile | while IFS=$$'\t' read -r name text; do printf 'make %-12s %s\n' "$$name" "$$text"; done

setup: ## Installs system packages, QEMU >= 10 and Rust where they lack (`make test` adds Nomad and Consul).
	@scripts/setup

generate: ## Makes the committed Nomad and Consul clients anew from their OpenAPI documents.
	@scripts/generate

build: ## Builds the binary roost (PROFILE=release for the one to install).
	@scripts/cargo build --profile $(PROFILE) -p daemon --bin roost

demo: setup build ## A virtual rack: one BIOS and one UEFI machine from power button to ready, and a job that answers (KEEP=1 leaves it running).
	@scripts/agents
	@$(ROOST) demo $(if $(KEEP),--keep)

test: ## Installs what lacks and runs every test, machine boots included; at most 30 minutes warm.
	@scripts/test-groups all

test-fast: ## Every test that boots no node, after one `make test` installed what it needs; under two minutes warm.
	@scripts/test-groups fast

test-long: ## PART=walk|matrix|soak|mutants|fuzz: an hour each, goes on where it stopped, result in docs/results/.
	@scripts/test-long $(PART)

check: ## Format, lints, rustdoc, dependencies, shell scripts, playbooks, house rules.
	@scripts/check

bench: ## Benchmarks.
	@scripts/bench

behaviours: ## Which behaviours that users test are covered by a test, and which are not yet.
	@scripts/behaviours

run: build ## The daemon on this machine, DHCP off, data and configuration under ./.roost.
	@scripts/run $(ROOST)

install: ## Installs binary, unit, user, /etc/roost/roost.toml (once), completions. DESTDIR and PREFIX are honoured.
	@scripts/install

clean-lab: build ## Takes down whatever a lab rack left behind.
	@$(ROOST) lab down --all
