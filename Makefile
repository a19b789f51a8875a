# Everything runs in .venv, made from the lock file. PYTHON chooses the interpreter it is made with.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
# As the commands do, see align_da/environment.py.
export OPENBLAS_NUM_THREADS ?= 1
# Images of machines for tests often forbid bytecode, without which every process of the tests
# compiles all of Align-DA and of the tests anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: install demo pipeline scores peers test check format types tests test-chain test-browser test-faults docs wheel audit lock clean

STAMP := $(VENV)/installed-$(notdir $(PYTHON))

install: $(STAMP)

# Bytecode is compiled on all cores, where pip takes one. The lock file is complete: nothing is left
# for pip to resolve.
$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps \
		-r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib
	touch $@

demo: install
	$(BIN)/align-da demo

pipeline: install
	$(BIN)/python -m experiments.embedded_world.run chain

scores: pipeline
	$(BIN)/python -m experiments.embedded_world.run scores

peers: pipeline
	$(BIN)/python -m experiments.embedded_world.run peers

# Types take one core: beside the tests, whose workers wait at times.
test: install
	$(MAKE) --no-print-directory --jobs 2 check

check: format types tests

format:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types:
	$(BIN)/mypy

# Numerics, determinism and the golden cycle, compiled as the commands do; the rest in haste.
AS_USERS := tests/faults/test_numerics.py tests/oracles/test_ensemble_kalman.py \
	tests/oracles/test_linear_gaussian.py tests/oracles/test_optimal_interpolation.py \
	tests/oracles/test_published_lorenz.py
# A file a worker, in the order of their names: the files with few tests take longest, and at the end
# one worker would wait for the other.
PYTEST := $(BIN)/python -m pytest -m "not chain and not long and not browser" \
	--numprocesses 2 --dist loadfile --no-loadscope-reorder

tests:
	$(PYTEST) $(AS_USERS:%=--ignore=%)
	$(PYTEST) --as-users $(AS_USERS)

# Every row of the table of faults at full size; writes the table.
test-faults: install
	$(BIN)/python -m pytest -m "(row or long) and not chain" --numprocesses 2 --dist loadfile \
		--fault-table tests/faults/README.md

# Every command on a world of toy size; beside the other tests it would take them over 15 minutes.
test-chain: install
	$(BIN)/python -m pytest -m chain -o faulthandler_timeout=0

# The report in a browser, wide and narrow, without a network. It has to be there as `chromium`:
# apt-get install chromium (Debian), or any Chromium linked to that name.
test-browser: install
	$(BIN)/python -m pytest -m browser -o faulthandler_timeout=0

# The documentation, build/docs/index.html, in an environment of its own; a broken link is an error.
DOCS := .venv-docs
DOCS_STAMP := $(DOCS)/installed-$(notdir $(PYTHON))

docs: $(DOCS_STAMP)
	$(DOCS)/bin/python -m mkdocs build --strict --clean --config-file docs/mkdocs.yml

$(DOCS_STAMP): docs/requirements.lock pyproject.toml
	$(PYTHON) -m venv --clear $(DOCS)
	$(DOCS)/bin/python -m pip install --quiet --disable-pip-version-check -r docs/requirements.lock
	$(DOCS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

# The wheel, in build/wheel, and the demonstration of it from an environment of its own, elsewhere.
# What setuptools has left of an earlier one would get into it.
WHEEL := $(CURDIR)/build/wheel

wheel: install
	rm -rf build/lib build/bdist.* $(WHEEL)
	$(BIN)/python -m pip wheel . --no-deps --wheel-dir $(WHEEL) --quiet --disable-pip-version-check
	$(PYTHON) -m venv $(WHEEL)/venv
	$(WHEEL)/venv/bin/python -m pip install --quiet --disable-pip-version-check \
		"$$(ls $(WHEEL)/*.whl)[world]"
	cd $(WHEEL) && venv/bin/align-da demo --run runs/demo

# Known vulnerabilities of the locked dependencies; asks the package index for its advisories.
audit:
	$(PYTHON) -m venv .audit
	.audit/bin/pip install --quiet pip-audit
	.audit/bin/pip-audit --strict --requirement requirements.lock --no-deps --disable-pip

# The lock files are resolved for every supported Python at once; it needs `pip install uv`. That of
# the documentation has the versions of the other one where both have a package.
lock:
	uv pip compile pyproject.toml --extra world --extra era5 --extra observations --extra onnx \
		--extra test --universal --python-version 3.11 --no-emit-index-url --quiet \
		--output-file requirements.lock
	uv pip compile pyproject.toml --extra world --extra observations --extra docs \
		--constraint requirements.lock --universal --python-version 3.11 --no-emit-index-url --quiet \
		--output-file docs/requirements.lock

clean:
	rm -rf $(VENV) $(DOCS) build .audit .mypy_cache .ruff_cache .pytest_cache .jax_cache
