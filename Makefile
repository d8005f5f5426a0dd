# OpenTEM: `make help` lists what there is.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench serve format clean

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("OpenTEM needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[team,test]'
	@touch $@

demo: $(STAMP) ## Set up everything and open the dashboard on the sample enterprise
	$(BIN)/tem demo

serve: $(STAMP) ## Open the dashboard on your own store (TEM_STORE_URL)
	$(BIN)/tem serve

test: $(STAMP) lint ## Set up everything and run the whole suite
	$(BIN)/python -m pytest -n 2 --dist loadgroup

lint: $(STAMP) ## Style, types, import directions, declared dependencies
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .

format: $(STAMP) ## Rewrite the code in the house style
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(STAMP) ## Run every benchmark and print its table of ratios
	$(BIN)/python -m benchmarks

clean: ## Remove the environment, caches and the demo store
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache var
