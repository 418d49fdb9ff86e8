# Every target works as the first command after a clean clone: `.venv` is made on the way.
# A machine needs Python 3.11, git, make and gcc; OPA's half of the policy suite also needs Go (else it is skipped).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv

.PHONY: help setup demo test lint fmt proto clean

help: ## show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

$(UV):
	@echo "countermand: creating $(VENV) with uv from PyPI"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check uv==0.13.9

$(VENV)/.synced: uv.lock pyproject.toml | $(UV)
	@echo "countermand: installing the locked dependencies (uv sync --frozen)"
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(UV) sync --system-certs --quiet --frozen --inexact --all-extras --group dev
	@touch $@

setup: $(VENV)/.synced ## install everything into .venv

demo: setup ## the case study end to end on real local targets, < 60 s
	@$(BIN)/countermand demo

test: setup lint ## everything CI runs
	@$(BIN)/python tools/opa.py
	@$(BIN)/pytest -q -n auto --dist loadfile -m "not alone"
	@$(BIN)/pytest -q -m alone

lint: setup ## ruff, mypy --strict, import contracts, buf, generated files
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy gateway agent_client tools examples
	@$(BIN)/lint-imports
	@cd proto && ../$(BIN)/buf lint
	@$(BIN)/python tools/gen_proto.py --check

fmt: setup ## format
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix --exit-zero

proto: setup ## regenerate the protobuf code
	@$(BIN)/python tools/gen_proto.py

clean: ## remove what was built here
	@rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
