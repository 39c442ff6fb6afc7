# Two commands: `make run` and `make test`. Everything they need is installed into
# .venv from requirements.lock, and into worker/node_modules from its lock, once;
# nothing outside this folder is written.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
NODE   := worker/node_modules/.package-lock.json
ARGS   ?=

# Caches of tools that would otherwise write to the home folder.
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export MPLCONFIGDIR := $(CURDIR)/.cache/matplotlib
export IPYTHONDIR := $(CURDIR)/.cache/ipython
export JUPYTER_CONFIG_DIR := $(CURDIR)/.cache/jupyter/config
export JUPYTER_DATA_DIR := $(CURDIR)/.cache/jupyter/data
export JUPYTER_RUNTIME_DIR := $(CURDIR)/.cache/jupyter/runtime
export JUPYTERLAB_SETTINGS_DIR := $(CURDIR)/.cache/jupyter/lab/settings
export JUPYTERLAB_WORKSPACES_DIR := $(CURDIR)/.cache/jupyter/lab/workspaces

.DEFAULT_GOAL := help
.PHONY: help run test lab lint types lock clean

help:  ## show this list
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-6s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(STAMP) $(NODE)  ## measure the default request and write results/<run>/report.html (ARGS="--transcript FILE")
	@$(BIN)/bench run --profile quick $(ARGS)

test: lint types  ## lint, types and every test
	$(BIN)/python -m pytest $(ARGS)

lab: $(STAMP) $(NODE)  ## open JupyterLab, token on
	@$(BIN)/bench lab $(ARGS)

lint: $(STAMP) $(NODE)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP) $(NODE)
	$(BIN)/mypy
	$(BIN)/python -m bench.workerd.tools types

lock: $(NODE)  ## compile requirements.lock and worker/package-lock.json (needs uv)
	$(BIN)/python -m bench.workerd.tools lock
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	    --extra dev --extra dask --no-header --no-annotate --upgrade -o requirements.lock pyproject.toml

clean:  ## remove the environment and every cache
	rm -rf $(VENV) worker/node_modules worker/.wrangler .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis

# The editable install comes second because pip accepts no hash for a local folder.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "error: $$($(PYTHON) --version) is too old; install Python 3.11 or newer, or name one: make PYTHON=python3.12" >&2; exit 2; }
	@echo "creating $(VENV) from requirements.lock (once)" >&2
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --no-cache-dir --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --no-cache-dir --no-deps --no-build-isolation -e .
	@$(BIN)/python -m bench.kernels install >&2
	@touch $@

$(NODE): worker/package-lock.json worker/package.json $(STAMP)
	@echo "installing workerd and the tools of worker/ from its lock (once)" >&2
	@$(BIN)/python -m bench.workerd.tools
	@touch $@
