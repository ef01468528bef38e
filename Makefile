# One command each for what a person wants. `make` alone lists them.
#
# VENV=… puts the virtual environment elsewhere, PYTHON=… names another Python (3.11 or newer),
# ARGS=… is handed on: make dev ARGS="--port 9000", make test ARGS="-k queue".

VENV ?= .venv
PYTHON ?= python3
ARGS ?=

REQUIREMENTS := requirements.txt requirements-dev.txt constraints.txt
# Named after what they say, not when they were touched: a checkout of another commit installs only what differs.
INSTALLED := $(VENV)/.installed-$(shell cat $(REQUIREMENTS) | cksum | tr ' ' '-')
RUN := $(VENV)/bin/python

.DEFAULT_GOAL := help
.PHONY: help dev test lint bench

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-6s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

dev: $(INSTALLED) ## Run the whole server on http://localhost:8288, with the functions of examples/
	@INNGEST_DEV=1 $(RUN) manage.py dev $(ARGS)

test: $(INSTALLED) ## Run every test, on a PostgreSQL and a Valkey of their own
	$(RUN) -m pytest $(ARGS)

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
	@rm -f $(VENV)/.installed-*
	@touch $@
