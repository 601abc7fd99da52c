# make: set up, then run the default study. make help: the other targets.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: study setup test lint reference benchmark clean help
.DEFAULT_GOAL := study

study: setup  ## run the default study (the default target)
	@$(BIN)/snakemake --cores all

setup: .venv/ready  ## install everything into .venv

.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; choose one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Setting up .venv (some minutes, once)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

test: setup  ## run the whole test suite
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

lint: setup  ## check style: Python, Snakemake rules, the workflow
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/snakefmt --check Snakefile workflow
	@$(BIN)/snakemake --lint

reference: setup  ## redraw and judge anew what is committed in results/reference
	@for study in results/reference/*/; do \
	  made=$$(mktemp -d) && \
	  $(BIN)/bench claims $${study}records.csv --out $$made/claims.json > $${study}verdicts.txt && \
	  $(BIN)/bench figures $${study}records.csv --out $$made/figures && \
	  for figure in $${study}*.svg; do \
	    [ ! -f $$figure ] || cp $$made/figures/$${figure##*/} $$figure || exit 1; \
	  done && rm -r $$made || exit 1; \
	done

benchmark: setup  ## measure speed, its limits, and other libraries': docs/speed.md
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock pythae==0.1.2
	@$(BIN)/python -m benchmarks --out docs/speed.md

clean:  ## remove .venv, caches and all generated results
	rm -rf .venv .snakemake .pytest_cache .ruff_cache *.egg-info
	[ ! -d results ] || find results -mindepth 1 -maxdepth 1 ! -name explanations ! -name published ! -name reference -exec rm -rf {} +

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 20
