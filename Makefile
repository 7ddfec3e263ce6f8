# Every job sets up .venv first, when that is needed. `make` alone lists the jobs.

# What `make demo` runs, and arguments for pytest. Two workers: compiling a model uses one
# core. Tests of one file run on one worker, so that they share their fits; files keep their
# order, because those with few tests are the long ones and must not come last.
DEMO_ARGS   ?= fit densing5 --out out/densing5
PYTEST_ARGS ?= -n 2 --dist loadfile --no-loadscope-reorder

PYTHON := .venv/bin/python

# Caches go to HOME; without a usable one they go to .cache instead.
ifneq ($(shell test -d "$$HOME" && test -w "$$HOME" && echo usable),usable)
export HOME := $(CURDIR)/.cache/home
$(shell mkdir -p .cache/home)
endif

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-quick test-slow test-notebooks coverage lint types yardsticks editions \
	rulers shipped-fits compare benchmark calibrate calibration-report notebooks clean

help: ## list the jobs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' Makefile

setup: ## make .venv with everything pinned (a minute or two, once)
	@sh tools/bootstrap.sh

demo: setup ## run the main job: fit the Densing Law to the densing5 data
	@echo "Running: bayesdense $(DEMO_ARGS)"
	@.venv/bin/bayesdense $(DEMO_ARGS)

test: setup ## run the tests, all but slow ones and whole notebooks
	$(PYTHON) -m pytest $(PYTEST_ARGS)

test-quick: setup ## run the tests that sample nothing: a few minutes
	$(PYTHON) -m pytest -m "not slow and not notebook and not sampling" $(PYTEST_ARGS)

test-slow: setup ## run the slow tests: recovery and calibration
	$(PYTHON) -m pytest -m slow $(PYTEST_ARGS)

test-notebooks: setup ## run every notebook, and compare what it shows
	$(PYTHON) -m pytest -m notebook -n 2 tests/test_notebooks.py

coverage: setup ## run the tests and print which lines and branches of src they miss
	$(PYTHON) -m pytest --cov --cov-report=term $(PYTEST_ARGS)

lint: setup ## check style and formatting
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

types: setup ## check the types
	$(PYTHON) -m mypy

yardsticks: setup ## measure the models against the yardsticks
	$(PYTHON) scripts/yardsticks.py

editions: setup ## hold the switches of the second edition against the first; hours, resumable
	$(PYTHON) scripts/editions.py

shipped-fits: setup ## make the fits that come with the package; a quarter of an hour
	$(PYTHON) scripts/shipped_fits.py

compare: setup ## ask which law and which map real families prefer
	$(PYTHON) scripts/compare_rulers.py

rulers: setup ## hold the ruler against real reference families
	$(PYTHON) scripts/rulers.py

benchmark: setup ## measure the sampler against the same posterior in plain PyMC; hours
	$(PYTHON) benchmarks/run.py

calibrate: setup ## hold fits against simulated data; hours, goes on where it was stopped
	$(PYTHON) calibration/run.py

calibration-report: setup ## print coverage and ranks of what calibrate stored
	$(PYTHON) calibration/report.py

notebooks: setup ## run every notebook in place
	$(PYTHON) scripts/run_notebooks.py

clean: ## remove results, builds and caches; .venv stays
	rm -rf out build dist .cache .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find . -path ./.venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
