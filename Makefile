# Everything a contributor or an operator types. `make` alone lists it.
# A fresh machine needs Python 3.11-3.14 with venv, and make; `make PYTHON=python3.12 …` picks the interpreter.

ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
# The name holds uv's version, so a new uv syncs again as a new lock does.
SYNCED := $(VENV)/.synced-with-uv-$(UV_VERSION)
FITS := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))

# The first interpreter on PATH that fits; asked only when .venv has to be made.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c '$(FITS)' 2>/dev/null && echo $$p && break; done)

export UV_PYTHON_DOWNLOADS := never
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Some images set it; every process that a test starts would compile all of us anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-long check bench corpus learn format lock clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(SYNCED) ## make .venv exactly as requirements.lock says

demo: $(SYNCED) ## the whole service with a simulated carrier, playing conversations (ARGS=--once: play and exit)
	@$(BIN)/python -m demo $(ARGS)

test: $(SYNCED) ## the test suite (ARGS=… goes to pytest)
	@$(BIN)/python -m pytest -q -n 3 $(ARGS)  # on two cores too: many tests wait for processes

test-long: $(SYNCED) ## the full-size fault, kill and race runs
	@$(BIN)/python -m pytest -q -m long --timeout 7200 $(ARGS)

check: $(SYNCED) ## lint, format, types, import rules, migrations against models
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m models.check

bench: $(SYNCED) ## the benchmarks of bench/, results as JSON and a table
	@$(BIN)/python -m bench $(ARGS)

corpus: $(SYNCED) ## score the parser on its corpora, by language, with the errors
	@$(BIN)/python -m tests.corpus.score --errors

learn: $(SYNCED) ## learn lang/likeness.tsv anew from the labelled texts (ARGS=--check: what it is worth on texts unseen)
	@$(BIN)/python -m tests.corpus.learn $(ARGS)

format: $(SYNCED) ## lay the code out as `make check` wants it
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

lock: $(SYNCED) ## write requirements.lock anew from pyproject.toml (ARGS=--upgrade for newer versions)
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --no-emit-find-links \
		--python-version 3.11 --extra dev pyproject.toml --output-file requirements.lock $(ARGS)

clean: ## remove .venv, caches and bench results; data in var/ stays
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache bench/results build *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Tekstari needs Python 3.11-3.14 on PATH, or: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c '$(FITS)' || { echo "$(PYTHON) does not fit: Tekstari needs Python 3.11-3.14" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) has no venv module. This helps: sudo apt install $(notdir $(PYTHON))-venv" >&2; exit 1; }
	@echo "Making $(VENV) with $(PYTHON) …" >&2
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(SYNCED): requirements.lock | $(BIN)/python
	@$(BIN)/python -m pip install -qq uv==$(UV_VERSION)
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@rm -f $(VENV)/.synced-with-uv-* && touch $@
