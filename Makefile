# One command each for what a person wants. `make` alone lists them.
#
# VENV=… puts the virtual environment elsewhere, PYTHON=… names another Python (3.11 or newer),
# DIR=… names the folder with the functions that `make dev` runs,
# ARGS=… is handed on: make dev ARGS="--port 9000", make test ARGS="-k queue",
# JOBS=… says how many processes run tests, each with a PostgreSQL and a Valkey of its own (0: this one).

VENV ?= .venv
PYTHON ?= python3
ARGS ?=
DIR ?= examples
JOBS ?= 2

REQUIREMENTS := requirements.txt requirements-dev.txt constraints.txt pyproject.toml setup.py
# Named after what they say, not when they were touched: a checkout of another commit installs only what differs.
INSTALLED := $(VENV)/.installed-$(shell cat $(REQUIREMENTS) | cksum | tr ' ' '-')
RUN := $(VENV)/bin/python

# The TypeScript SDK, for the tests alone.
NODE_APP := tests/sdk/node
NODE_LOCK := $(NODE_APP)/package.json $(NODE_APP)/package-lock.json
NODE_INSTALLED := $(NODE_APP)/node_modules/.installed-$(shell cat $(NODE_LOCK) | cksum | tr ' ' '-')

.DEFAULT_GOAL := help
.PHONY: help dev test lint bench

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-6s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

dev: $(INSTALLED) ## Run the whole server on http://localhost:8288, with the functions of DIR (default: examples/)
	@INNGEST_DEV=1 $(RUN) manage.py dev "$(DIR)" $(ARGS)

test: $(INSTALLED) $(NODE_INSTALLED) ## Run every test, on a PostgreSQL and a Valkey of their own
	$(RUN) -m pytest --numprocesses $(JOBS) --dist loadfile $(ARGS)

lint: export INNGEST_DEV = 1
lint: $(INSTALLED) ## Check style, types and the direction of imports
	$(RUN) -m ruff check
	$(RUN) -m ruff format --check
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports

bench: $(INSTALLED) ## Measure throughput and latency, beside the bare cost of this machine
	$(RUN) -m bench $(ARGS)

$(INSTALLED): $(REQUIREMENTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; PYTHON=… names one.")'
	@echo "Installing the requirements into $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(RUN) -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	@$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@rm -f $(VENV)/.installed-*
	@touch $@

$(NODE_INSTALLED): $(NODE_LOCK)
	@node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null || { echo "The tests of the TypeScript SDK need Node.js 20 or newer, and npm." >&2; exit 1; }
	@echo "Installing the TypeScript SDK into $(NODE_APP)"
	@npm ci --prefix $(NODE_APP) --loglevel=error --ignore-scripts --no-audit --no-fund >/dev/null
	@touch $@
