# Needs Python 3.11 to 3.14, make and git. `make demo` and `make test` install the rest into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help setup demo up test lint bench ci-long lock clean

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

setup: $(STAMP)  ## install into .venv what requirements.lock names; nothing to do when it is unchanged

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' || { \
		echo "Carapulse needs Python 3.11 to 3.14; $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
			"Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup  ## play one incident from alert to fix, and print its thread
	$(BIN)/carapulse demo

up: setup  ## start everything on this machine
	$(BIN)/carapulse up

test: setup  ## all tests that this machine can run, a file at a time on each core
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

lint: setup  ## format, rules, imports, types; the cheapest first
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

bench: setup  ## measure against bare baselines; prints ratios, under 8 minutes
	$(BIN)/python -m tests.benchmarks

ci-long: setup  ## what takes long: faults, and the acceptance tests, on both engines
	$(BIN)/python -m pytest tests/faults tests/acceptance tests/contract/test_sandbox_escapes.py -m "long or not long" --timeout 1800
	CARAPULSE_TEST_ENGINE=direct $(BIN)/python -m pytest tests/faults tests/acceptance -m "long or not long" --timeout 1800

lock:  ## resolve requirements.lock anew; needs uv on the PATH
	uv pip compile --universal --python-version 3.11 --generate-hashes --only-binary :all: \
		--no-emit-index-url --no-header --no-annotate --quiet \
		--extra dev pyproject.toml --output-file requirements.lock

clean:  ## remove .venv and the folders of up and demo
	rm -rf $(VENV) .carapulse .carapulse-demo
