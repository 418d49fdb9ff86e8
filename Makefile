# Every target works as the first command after a clean clone: `.venv` is made on the way.
# A machine needs Python 3.11, git, make and gcc; OPA's half of the policy suite and the tests against a real Kubernetes
# also need Go, once (else they are skipped, and a line says so).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv

.PHONY: help setup demo test test-cluster cluster monitoring lint fmt proto clean

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

test: setup ## everything CI runs; prints how long each phase took
	@$(BIN)/python -m tools.ci

test-cluster: setup ## only what needs the real Kubernetes control plane
	@$(BIN)/python -m tools.ci cluster

cluster: setup ## build the Kubernetes control plane into ~/.cache/countermand-tools (about 10 minutes, once; needs Go)
	@$(BIN)/python -m tools.controlplane build

monitoring: setup ## take Prometheus and Alertmanager from Debian's packages into the same cache
	@$(BIN)/python -m tools.monitoring

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
