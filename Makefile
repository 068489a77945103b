# Two commands on a fresh machine: `make demo` and `make test`. Both make .venv themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := demo
DEMO_METHODS := 'imaging.method=["weighted","mlem","point_fit"]'
JOBS ?= 2
# What another Python or other libraries break first: settings, code versions, kept values, kernels.
PART := tests/schemas/test_settings.py tests/drivers/cache/test_code.py \
  tests/drivers/cache/test_code_fuzz.py tests/drivers/cache/test_store.py \
  tests/drivers/test_annotations.py tests/nodes/imaging/test_kernels_text.py \
  tests/docs/test_docs.py::TestGenerated
LOWEST := .venv-lowest
LOWEST_PYTHON ?= python3.11

.PHONY: demo test test-fast test-python part test-lowest lint types wheel bench docs clean

# One stamp per set of requirements: nothing is installed again until pyproject.toml changes.
$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; run make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@

$(LOWEST)/.installed: pyproject.toml .ci/lowest.py
	rm -rf $(LOWEST) && $(LOWEST_PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check packaging
	$(LOWEST)/bin/python .ci/lowest.py > $(LOWEST)/constraints.txt
	$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check \
	  --constraint $(LOWEST)/constraints.txt --editable '.[test]'
	touch $@

demo: $(VENV)/.installed
	$(BIN)/radiograph init $(DEMO) --overwrite
	$(BIN)/radiograph run $(DEMO)/phits_edep.toml --overwrite --set $(DEMO_METHODS)
	$(BIN)/radiograph report $(DEMO)/image.h5 --overwrite
	@echo "The pictures are $(DEMO)/n_image.png, $(DEMO)/g_image.png and $(DEMO)/all_image.png;"
	@echo "$(DEMO)/comparison_image.png shows the thin picture beside the new ones;"
	@echo "the report is $(DEMO)/image.html; every number behind them is in $(DEMO)/image.h5."
	@echo "The command is $(BIN)/radiograph; '. $(BIN)/activate' puts it on the path."

test: $(VENV)/.installed-dev lint types
	$(BIN)/python -m pytest -n $(JOBS)

# For daily work: without the tests that take seconds each.
test-fast: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n $(JOBS) -m 'not slow'

# One run and a part of the tests on another Python, in its own environment:
# make test-python PYTHON=python3.13. All tests: make test VENV=.venv-3.13 PYTHON=python3.13.
test-python:
	$(MAKE) part VENV=.venv-$$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')

part: $(VENV)/.installed-test
	$(BIN)/radiograph init $(VENV)/demo --events 300 --overwrite
	$(BIN)/radiograph run $(VENV)/demo/phits_edep.toml --quiet --overwrite
	$(BIN)/python -m pytest -n $(JOBS) $(PART)

# The lowest version that pyproject.toml allows of everything; TESTS='$(PART)' runs a part.
# A library as old as that is deprecated by newer ones it stands on: no fault of this code.
test-lowest: $(LOWEST)/.installed
	$(LOWEST)/bin/python -m pytest -n $(JOBS) \
	  -W ignore::DeprecationWarning -W ignore::FutureWarning $(TESTS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache

types: $(VENV)/.installed-dev
	$(BIN)/mypy

# The wheel in a clean environment: it must hold every folder, and a run and its page, which is made
# of files beside the code, must work from it.
wheel: $(VENV)/.installed-dev
	rm -rf build dist
	$(BIN)/python -m build --wheel --outdir dist . >/dev/null
	rm -rf build/wheel-env && $(PYTHON) -m venv build/wheel-env
	build/wheel-env/bin/python -m pip install --quiet --disable-pip-version-check dist/*.whl
	cd build && wheel-env/bin/radiograph init wheel-demo --events 300 && \
	  wheel-env/bin/radiograph run wheel-demo/phits_edep.toml --quiet --overwrite && \
	  wheel-env/bin/radiograph report wheel-demo/image.h5 --overwrite

# Speed as ratios of one run. NGIMAGER_PYTHON names the Python of an environment with ngimager,
# RADIOGRAPH_LINE_FILE the published line set; without them these comparisons are left out.
bench: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks $(BENCH)

# The generated pages, and the example with its real output and figures.
docs: $(VENV)/.installed-dev
	$(BIN)/python -m radiograph.drivers.docs
	$(BIN)/python docs/make_example.py
	$(BIN)/python docs/make_germanium.py

clean:
	rm -rf .venv .venv-* build dist $(DEMO) *.egg-info .mypy_cache .ruff_cache .pytest_cache
