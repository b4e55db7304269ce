.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
DONE := $(VENV)/.installed

help: ## show what can be typed here
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(DONE): requirements.lock pyproject.toml
	python3 -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(DONE)

install: $(DONE) ## create .venv from the hashed lock

demo: $(DONE) ## run three portfolios through their whole lives on the real stack (ARGS="--day 2 --keep")
	$(BIN)/regua demo $(ARGS)

up: $(DONE) ## run PostgreSQL, Temporal, the provider sandbox and a worker here, until Ctrl-C
	$(BIN)/regua up $(ARGS)

# The tests start many processes: each would compile all of it where the environment asks for no bytecode.
test: $(DONE) ## run all tests
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n 3 --dist worksteal $(ARGS)

lint: $(DONE) ## style, types, import directions, migrations drift
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m db.drift

bench: $(DONE) ## measure each part against its limit in the same run, some twenty-five minutes (ARGS="--json")
	$(BIN)/python -m benchmarks all $(ARGS)

chaos: $(DONE) ## play the demo while 200 processes are killed, then audit what is left (ARGS="--seed 7")
	$(BIN)/python -m chaos $(ARGS)

lock: ## renew both locks from pyproject.toml, deploy's without extras (needs uv on the PATH)
	uv pip compile --universal --python-version 3.11 --generate-hashes --all-extras --no-emit-index-url --no-emit-find-links --no-header --no-annotate pyproject.toml -o requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --constraint requirements.lock --no-emit-index-url --no-emit-find-links --no-header --no-annotate pyproject.toml -o deploy/requirements.lock

.PHONY: help install demo up test lint bench chaos lock
