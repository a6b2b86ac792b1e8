# The commands of this project, for people and for CI. A target first makes what it depends on, once.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

ENV := .hemline/env
UV := $(ENV)/uv/bin/uv
PY := .venv/bin/python
PYTHONS := python3 python3.13 python3.12 python3.11 python3.14
# The first of PYTHONS that is new enough.
PYTHON ?= $(shell for p in $(PYTHONS); do $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	2>/dev/null && { echo $$p; break; }; done)
NPM := $(shell command -v npm)
ARCH ?= x86_64
PORT ?= 8080
FUNCTION ?= FragmentsFunction
EVENT ?= events/fragments/slot-json.json
SEED := $(or $(SEED),$(shell date +%s))
INSTALL = $(SLOWLY) $(UV) pip install --quiet --require-hashes
# Runs a command, prints a dot every two seconds, and ends the command when make is interrupted.
SLOWLY = slowly() { "$$@" & job=$$!; trap 'kill $$job 2>/dev/null' INT TERM EXIT; tick=0; \
	while kill -0 $$job 2>/dev/null; do sleep 0.1; tick=$$((tick + 1)); \
		if [ $$((tick % 20)) = 0 ]; then printf '.' >&2; fi; done; \
	if [ $$tick -ge 20 ]; then echo >&2; fi; trap - INT TERM EXIT; wait $$job; }; slowly
export UV_LINK_MODE ?= copy
export UV_PYTHON_DOWNLOADS := never

.PHONY: help setup dev run test lint soak dynamodb-local build sam-local bench clean lock sam

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.laptop $(ENV)/cloud/.done $(ENV)/rie/.done ## Make .venv with the hemline command
	@:

dev: setup .venv/.dev
	@:

run: setup ## Start the whole stack on this machine: make run PORT=8080
	@exec .venv/bin/hemline run --port $(PORT)

lint: dev ## Formatting, lint, types
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/mypy functions/*/app.py

test: lint sam $(if $(NPM),$(ENV)/kinesalite/.done) ## Lint, then all tests except the long ones
	@mkdir -p .hemline/test
	@.venv/bin/pytest -n 2 --dist loadgroup -m 'not soak' --junitxml=.hemline/test/report.xml

soak: dev sam $(if $(NPM),$(ENV)/kinesalite/.done) ## The long tests: make soak SEED=7 repeats the run of seed 7
	@echo 'Searching from seed $(SEED); repeat with: make soak SEED=$(SEED)'
	@HYPOTHESIS_PROFILE=soak .venv/bin/pytest -n 2 --dist worksteal -m 'soak or invariant' \
		--hypothesis-seed=$(SEED)

dynamodb-local: $(ENV)/dynamodb-local/.done $(ENV)/java/.done ## Fetch Amazon's DynamoDB Local; you must accept its licence
	@:

build: setup sam ## Build for AWS: make build ARCH=arm64
	@HEMLINE_ARCH=$(ARCH) $(ENV)/sam/bin/sam build --parameter-overrides Architecture=$(ARCH)

sam-local: build ## Call a function in SAM's container: make sam-local FUNCTION=… EVENT=…
	@$(ENV)/sam/bin/sam local invoke $(FUNCTION) --event $(EVENT)

bench: setup ## Print the speed tables
	@.venv/bin/hemline bench decide
	@.venv/bin/hemline bench serve
	@.venv/bin/hemline bench ingest

sam: $(ENV)/sam/.done
	@:

clean: ## Remove build output; keep state and environments
	@rm -rf .hemline/build .hemline/test .aws-sam build dist .mypy_cache .ruff_cache .pytest_cache

lock: $(UV) ## Lock dependencies again; dev.txt first, since the others must agree with it
	@compile() { $(UV) pip compile -q --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header "$$1.in" -o "$$1.txt" "$${@:2}"; }; \
	compile requirements/dev; \
	for f in requirements/laptop layers/hemline/requirements layers/inference/requirements \
		functions/account/requirements functions/ingest/requirements \
		functions/publish/requirements requirements/runtime; do compile $$f -c requirements/dev.txt; done; \
	for f in uv cloud sam java; do compile requirements/$$f; done; \
	compile requirements/rie --no-deps

$(UV): requirements/uv.txt
	@test -n "$(PYTHON)" || { echo 'Hemline needs Python 3.11 or newer; none of $(PYTHONS) is.' >&2; exit 2; }
	@echo 'Preparing the installer'
	@rm -rf $(ENV)/uv && mkdir -p $(ENV)
	@# Debian's Python has no ensurepip and cannot make a venv with pip, but its own pip can install into a folder.
	@if $(PYTHON) -m venv $(ENV)/uv >/dev/null 2>&1; then \
		$(ENV)/uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<; \
	else rm -rf $(ENV)/uv; $(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes \
		--target $(ENV)/uv -r $<; fi
	@touch $@

.venv/.made: | $(UV)
	@test -x $(PY) || $(UV) venv --quiet --python "$$(command -v $(PYTHON))" .venv
	@touch $@

.venv/.laptop: requirements/laptop.txt pyproject.toml .venv/.made
	@echo 'Installing what the laptop needs (about 200 MB the first time)'
	@$(INSTALL) --python $(PY) -r $<
	@$(UV) pip install --quiet --python $(PY) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: requirements/dev.txt .venv/.laptop
	@echo 'Installing tests and linters'
	@$(INSTALL) --python $(PY) -r $<
	@touch $@

# The emulator and SAM pin other versions than we do, so each has its own environment.
$(ENV)/cloud/.done $(ENV)/sam/.done: $(ENV)/%/.done: requirements/%.txt .venv/.made
	@echo 'Installing $* in its own environment'
	@test -x $(ENV)/$*/bin/python || $(UV) venv --quiet --python "$$(command -v $(PYTHON))" $(ENV)/$*
	@$(INSTALL) --python $(ENV)/$*/bin/python -r $<
	@touch $@

$(ENV)/rie/.done: requirements/rie.txt .venv/.made
	@echo 'Fetching the Lambda runtime emulator'
	@$(INSTALL) --python $(PY) --no-deps --target $(ENV)/rie -r $<
	@touch $@

# Further emulators to check the soak tests against; they run on Node.js and Java.
$(ENV)/kinesalite/.done $(ENV)/dynamodb-local/.done: $(ENV)/%/.done: requirements/%/package-lock.json
	@test -n "$(NPM)" || { echo '$* needs Node.js with npm; this machine has none.' >&2; exit 2; }
	@echo 'Fetching $*'
	@mkdir -p $(@D) && cp requirements/$*/package*.json $(@D)/
	@cd $(@D) && npm ci --silent --ignore-scripts --no-audit --no-fund
	@touch $@

$(ENV)/java/.done: requirements/java.txt .venv/.made
	@echo 'Fetching a Java runtime'
	@$(INSTALL) --python $(PY) --no-deps --target $(ENV)/java -r $<
	@touch $@
