# make run     collects the sample through Dagster, indexes it, and searches it
# make run COLLECTIONS=path     the same with your own folder of collections
# make ui      Dagster's pages on the same collections: http://127.0.0.1:3000
# make test    the whole test suite
# make bench   the figures of docs/figures.md, measured on this machine

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
export DAGSTER_HOME ?= $(CURDIR)/.dagster

ifeq ($(origin COLLECTIONS),undefined)
SAMPLE := --sample
endif
COLLECTIONS ?= collections

.PHONY: run ui test lint bench format constraints clean
.DEFAULT_GOAL := run

run: $(INSTALLED)
	@$(BIN)/collect-assets run --collections "$(COLLECTIONS)" $(SAMPLE)

ui: $(INSTALLED)
	@$(BIN)/collect-assets ui --collections "$(COLLECTIONS)" $(SAMPLE)

test: $(INSTALLED)
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(INSTALLED)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks

$(INSTALLED): setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; try: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@echo "Setting up $(VENV), once; this takes a minute."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

# What is installed now becomes what everybody installs.
constraints: $(INSTALLED)
	$(BIN)/python -m pip freeze --exclude-editable --disable-pip-version-check > constraints.txt

clean:
	rm -rf $(VENV) .pytest_cache .hypothesis .mypy_cache .ruff_cache build *.egg-info
