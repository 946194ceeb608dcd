# Two commands do everything on a machine with Python 3.11 or newer: `make demo` and `make test`.
# The environment lives in .venv; nothing outside this folder is touched.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PEERS := .venv-bench
NODE := tests/node
BROWSER := tests/browser
ACT := .tools/bin/act
AZURITE := tests/registry/node
VERSITY := .tools/bin/versitygw
GOOGLE := .tools/bin/fake-gcs-server
MLFLOW := .venv-mlflow
SITE := .venv-site
PYTORCH := .venv-pytorch
SPARK := .venv-spark
WORKERS ?= 2

unexport PYTHONDONTWRITEBYTECODE # without byte code every start compiles its imports again

.DEFAULT_GOAL := help
.PHONY: help demo examples example-pytorch test e2e registry-e2e kubernetes-e2e spark-e2e lint static node format bench docs site page picture pictures lifecycle-pictures sealed-pictures dist pin lock clean

help: ## what can be made
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(VENV)/.dev ## a candidate against a baseline on real data: passes, is unsure, and fails with --regress
	@$(BIN)/mlci demo
	@$(BIN)/mlci demo --regress || test $$? -eq 1

examples: $(VENV)/.dev ## every example and every page that trains a model, by the commands of the page
	@$(BIN)/python -m tests.examples
	@$(BIN)/python -m tests.documents.pages

example-pytorch: $(VENV)/.dev $(PYTORCH)/.made ## the PyTorch example; installs PyTorch's build for CPUs, some 200 MB
	@$(BIN)/python -m tests.examples pytorch

test: $(VENV)/.dev ## the tests
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal # neighbours share fixtures, and no worker waits at the end

e2e: $(VENV)/.dev $(NODE)/node_modules/.made $(ACT) ## actions and whole workflows, run against a fake of GitHub
	@$(BIN)/python -m pytest tests/e2e -n $(WORKERS)

registry-e2e: $(VENV)/.dev $(AZURITE)/node_modules/.made $(VERSITY) $(GOOGLE) $(MLFLOW)/.made ## the registry on real servers: S3, Azure, Google's, MLflow
	@$(BIN)/python -m pytest tests/registry/e2e/repository -n $(WORKERS)
	@$(BIN)/python -m pytest tests/registry/e2e -n $(WORKERS) --dist loadfile --ignore tests/registry/e2e/repository

kubernetes-e2e: $(VENV)/.dev ## a canary on a real API server: MLCI_KUBE_APISERVER, MLCI_ETCD and MLCI_KSERVE_CRD name its files
	@$(BIN)/python -m pytest tests/kubernetes/e2e

spark-e2e: $(VENV)/.dev $(SPARK)/.made ## the Spark engine on two executors of this machine; needs Java 17, installs PySpark, 400 MB
	@PYTHONPATH=$(abspath $(SPARK)) $(BIN)/python -m pytest tests/engine/spark/e2e

lint: $(VENV)/.dev ## style, formatting, words, types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/python -m tests.language
	@$(BIN)/mypy
	@MYPYPATH=actions/lib $(BIN)/mypy --explicit-package-bases actions/lib

static: $(VENV)/.dev $(NODE)/node_modules/.made ## actions, workflows, templates and documents' samples
	@$(BIN)/python -m tests.actions
	@$(BIN)/python -m pytest -n $(WORKERS) tests/actions/planted.py

format: $(VENV)/.dev ## put the code in order
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(PEERS)/.made ## cost and operating characteristics; writes docs/reference/benchmarks.md
	@$(BIN)/python -m benchmarks --write

docs: $(VENV)/.dev ## write generated pages and schemas again
	@$(BIN)/python -m mlci.config.schema
	@$(BIN)/python -m mlci.report.serialization
	@$(BIN)/mlci metrics --markdown > docs/reference/metrics.md
	@$(BIN)/python -m tests.actions.tables
	@$(BIN)/python -m tests.documents.command_line
	@$(BIN)/python -m tests.documents.report_fields
	@$(BIN)/python -m tests.documents.error_index
	@$(BIN)/python -m tests.attacks.threats_page
	@$(BIN)/python -m tests.attacks.bounds_page

site: $(SITE)/.made ## the documentation site, into .site; a dead link fails
	@NO_MKDOCS_2_WARNING=1 $(SITE)/bin/python -m mkdocs build --quiet --strict

page: $(VENV)/.dev $(BROWSER)/node_modules/.made ## the HTML pages in a browser: widths, light and dark, accessibility; pictures into .page
	@rm -rf .page
	@mkdir -p .page/planted && cp tests/browser/planted.html .page/planted
	@node $(BROWSER)/check.mjs .page/planted >.page/planted/found 2>&1; for kind in console: request: wider overlap axe; do \
		grep -q "$$kind" .page/planted/found || { echo "the check did not find the planted fault: $$kind" >&2; exit 1; }; done
	@$(BIN)/python -m tests.browser.pages .page
	@node $(BROWSER)/check.mjs .page

picture: $(VENV)/.dev ## the README's picture of a comment, from a run of the demo; needs Chromium
	@$(BIN)/python -m tests.support.picture

lifecycle-pictures: $(VENV)/.dev ## the pages that `mlci demo --lifecycle` leaves, for the tutorial; needs Chromium
	@$(BIN)/python -m tests.support.lifecycle_pictures

sealed-pictures: $(VENV)/.dev ## the comments of sealed mode in the how-to; needs Chromium
	@$(BIN)/python -m tests.e2e.pictures

pictures: $(VENV)/.dev ## the examples' pictures of a comment; needs Chromium
	@$(BIN)/python -m tests.examples --pictures

node: $(NODE)/node_modules/.made ## GitHub's own parsers of workflows, from a lock file

dist: $(VENV)/.dev ## wheel and source distribution, into dist
	@rm -rf dist
	@$(BIN)/uv build --quiet --no-build-isolation --python $(BIN)/python --out-dir dist .

pin: $(VENV)/.dev ## documents and templates name the last commit of this checkout
	@$(BIN)/python -m tests.actions.pin

lock: $(VENV)/bin/uv ## lock requirements again
	@sh requirements/lock.sh $(BIN)/uv

clean: ## remove what was made
	rm -rf $(VENV) $(PEERS) $(MLFLOW) $(SITE) $(PYTORCH) $(SPARK) $(NODE)/node_modules $(BROWSER)/node_modules $(AZURITE)/node_modules .tools .e2e .page .site .mlci build *.egg-info .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit("mlci needs Python 3.11 or newer; set PYTHON=/path/to/python3.11") if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements/uv.txt

$(VENV)/.dev: $(VENV)/bin/uv requirements/dev.txt pyproject.toml
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

# GitHub's own parsers; `make node` installs them alone.
$(NODE)/node_modules/.made: $(NODE)/package.json $(NODE)/package-lock.json
	@cd $(NODE) && npm ci --silent --ignore-scripts
	@touch $@

# Chromium with the libraries that it needs, and axe-core, from a lock file.
$(BROWSER)/node_modules/.made: $(BROWSER)/package.json $(BROWSER)/package-lock.json
	@cd $(BROWSER) && npm ci --silent --ignore-scripts
	@touch $@

# nektos/act runs workflows on this machine. Go builds it from the versions and checksums of go.mod and go.sum.
$(ACT): tests/e2e/act/go.mod tests/e2e/act/go.sum
	@echo "building act: a minute or two, once"
	@cd tests/e2e/act && go build -buildvcs=false -trimpath -o $(abspath $@) github.com/nektos/act
	@touch $@

# Microsoft's own server of Azure Blob Storage for tests, from a lock file.
$(AZURITE)/node_modules/.made: $(AZURITE)/package.json $(AZURITE)/package-lock.json
	@echo "installing Azurite: a minute or two, once"
	@cd $(AZURITE) && npm ci --silent --ignore-scripts
	@touch $@

# versitygw serves S3 from a folder. Go builds it from the versions and checksums of go.mod and go.sum.
$(VERSITY): tests/registry/e2e/s3/go.mod tests/registry/e2e/s3/go.sum
	@echo "building versitygw: some minutes, once"
	@cd tests/registry/e2e/s3 && go build -buildvcs=false -trimpath -o $(abspath $@) github.com/versity/versitygw/cmd/versitygw
	@touch $@

# fake-gcs-server stands in for Google Cloud Storage, from versions and checksums of its own.
$(GOOGLE): tests/registry/e2e/gcs/go.mod tests/registry/e2e/gcs/go.sum
	@echo "building fake-gcs-server: some minutes, once"
	@cd tests/registry/e2e/gcs && go build -buildvcs=false -trimpath -o $(abspath $@) github.com/fsouza/fake-gcs-server
	@touch $@

# Peers are measured in an environment of their own; one that does not install is named as missing in the table.
$(PEERS)/.made: $(VENV)/.dev requirements/bench.txt
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(PEERS)
	@$(BIN)/uv pip install --quiet --python $(PEERS)/bin/python --require-hashes -r requirements/bench.txt \
		|| echo "not every peer could be installed; the table will say which are missing"
	@touch $@

# MLflow's own server, in an environment of its own.
$(MLFLOW)/.made: $(VENV)/.dev requirements/mlflow-server.txt
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(MLFLOW)
	@$(BIN)/uv pip install --quiet --python $(MLFLOW)/bin/python --require-hashes -r requirements/mlflow-server.txt
	@touch $@

# MkDocs with its theme, in an environment of its own.
# PySpark beside the packages that tests run with; executors use the same Python.
$(SPARK)/.made: $(VENV)/bin/uv requirements/spark.txt
	@java -version >/dev/null 2>&1 || { echo "make spark-e2e starts Spark, which needs Java 17 or 21, and there is no java; install openjdk-17-jre-headless" >&2; exit 2; }
	@rm -rf $(SPARK)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --no-deps --target $(SPARK) -r requirements/spark.txt
	@touch $@

$(SITE)/.made: $(VENV)/bin/uv requirements/site.txt
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(SITE)
	@$(BIN)/uv pip install --quiet --python $(SITE)/bin/python --require-hashes -r requirements/site.txt
	@touch $@

# PyTorch for its example, in an environment of its own that mlci is not in.
$(PYTORCH)/.made: $(VENV)/bin/uv examples/pytorch/requirements.txt
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(PYTORCH)
	@$(BIN)/uv pip install --quiet --python $(PYTORCH)/bin/python --torch-backend cpu -r examples/pytorch/requirements.txt || { \
		echo "PyTorch's own index of builds for CPUs is out of reach; installing the build with CUDA from PyPI, 5 GB" >&2; \
		$(BIN)/uv pip install --quiet --python $(PYTORCH)/bin/python -r examples/pytorch/requirements.txt; }
	@touch $@
