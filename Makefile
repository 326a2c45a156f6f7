# Needs make and Python 3.11 or 3.12; everything else goes into .venv. Indexes: your own pip and uv settings.
SHELL := /bin/bash
.DEFAULT_GOAL := run
.PHONY: setup run up down status test check lint types queries house bench bench-gpu lock clean

SUPPORTED := import sys, venv; raise SystemExit(not (3, 11) <= sys.version_info < (3, 13))
PYTHON ?= $(shell for p in python3.11 python3.12 python3 python; do \
	$$p -c '$(SUPPORTED)' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
LAKE ?= lake

setup: .venv/.installed  ## make .venv from requirements.lock (hashes checked) and install the project

run: setup  ## reproduce every table on the embedded mini world
	$(BIN)/pengi run --profile mini --lake $(LAKE)

up: setup  ## Prefect server, work pool, deployments and worker, detached
	$(BIN)/python -m infra.services up

down: setup
	$(BIN)/python -m infra.services down

status: setup
	$(BIN)/python -m infra.services status

test: setup
	$(BIN)/python -m pytest --cov --durations=15

check: lint types queries house  ## the gates

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright

queries: setup
	$(BIN)/sqlfluff lint sql

house: setup
	$(BIN)/python -m pytest -q tests/test_house.py

bench: setup  ## write bench/results.json; ONLY="pairs model" holds some of the benches
	$(BIN)/python tests/bench/run.py bench/results.json $(ONLY)

bench-gpu: setup  ## write bench/gpu.json, on a GPU where there is one; PENGI_BENCH_SCALE=0.01 is tiny
	$(BIN)/python tests/bench/run.py bench/gpu.json $(or $(ONLY),$(patsubst tests/bench/bench_%.py,%,$(wildcard tests/bench/bench_gpu_*.py)))

lock: setup  ## resolve again; LOCK_ARGS=--upgrade takes newer versions
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 \
		--extra dev pyproject.toml -o requirements.lock $(LOCK_ARGS)

clean: ## remove what tools made; the lake stays
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis .coverage build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.installed: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or 3.12 with venv found; name one: make PYTHON=/path/to/python3.11"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	awk '/^[^ ]/ { uv = /^uv==/ } uv' requirements.lock > .venv/uv.lock
	$(BIN)/python -m pip install --quiet --require-hashes -r .venv/uv.lock
	VIRTUAL_ENV=.venv $(BIN)/uv pip sync --require-hashes --compile-bytecode requirements.lock
	VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
