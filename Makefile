# setup, demo, test, fuzz, bench, lint: thin, each a line or two. `make demo KEEP=1` leaves the demo running.
PYTHON ?= python3
BIN := .venv/bin
MEMBERS := $(sort $(wildcard packages/*))
ifdef PIP_INDEX_URL
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif

.PHONY: setup demo test fuzz soak bench bench-hub lint dist format lock clean test-apps test-action bench-action bench-deploy bench-relay

setup: .venv/.ready

# Everything that decides what is installed; a change in any of them renews the environment.
.venv/.ready: pyproject.toml VERSION $(MEMBERS:%=%/pyproject.toml)
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --group pyproject.toml:dev $(MEMBERS:%=--editable %)
	@# uv leaves this to the first run; where PYTHONDONTWRITEBYTECODE is set, every process would do it again
	@$(BIN)/python -m compileall -qq -j 0 .venv/lib $(MEMBERS:%=%/src) || true
	@touch $@

demo: setup
	@$(BIN)/python demo/run.py $(if $(KEEP),--keep)

# More workers than cores: a good part of the tests waits for servers.
test: setup
	@$(BIN)/python -m pytest -n 4 --dist worksteal $(ARGS)

fuzz: setup
	@HFDEPLOY_HISTORIES=$(or $(HISTORIES),20000) $(BIN)/python -m pytest -n 2 -m "" packages/hfdeploy-janitor/tests/invariants \
		packages/hfdeploy-localhub/tests/state packages/hfdeploy-localhub/tests/test_malformed.py $(ARGS)
	@HFDEPLOY_SCHEDULES=$(or $(SCHEDULES),1100) $(BIN)/python -m pytest -n 2 tests/test_fault_runs.py $(ARGS)
	@HFDEPLOY_EXAMPLES=$(or $(EXAMPLES),20000) $(BIN)/python -m pytest -n 2 --timeout 1200 packages/hfdeploy-proxy/tests/fuzz $(ARGS)

# Ten minutes of traffic through the relay.
soak: setup
	@HFDEPLOY_SOAK_SECONDS=$(or $(SECONDS),600) $(BIN)/python -m pytest -s --timeout 0 tests/soak $(ARGS)

bench: setup
	@$(BIN)/python benchmarks/janitor/run.py
	@$(BIN)/python benchmarks/manifest/run.py

# Beside hf upload; CASES="new large" narrows it. All of it takes 25 GB of disk for a while.
bench-deploy: setup
	@$(BIN)/python benchmarks/deploy/run.py $(CASES)

# Set-up times of actions; what they install comes from the package index each time.
bench-action: setup
	@$(BIN)/python benchmarks/action/run.py

# The local hub with a file of 5 GB (GIGABYTES=...): start, requests, commits, large files both ways, memory.
bench-hub: setup
	@$(BIN)/python benchmarks/hub/run.py $(GIGABYTES)

# Relays side by side; the others are in an environment of their own. Needs nginx, wrk and curl.
bench-relay:
	@test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	@test -x .venv-bench/bin/uv || .venv-bench/bin/python -m pip install --quiet --disable-pip-version-check uv
	@.venv-bench/bin/uv pip install --quiet --python .venv-bench/bin/python --group pyproject.toml:peers \
		--editable packages/hfdeploy-proxy
	@.venv-bench/bin/python benchmarks/relay/run.py

# Apps and a browser behind the relay; they are large, so that they have an environment of their own.
test-apps:
	@test -x .venv-apps/bin/python || $(PYTHON) -m venv .venv-apps
	@test -x .venv-apps/bin/uv || .venv-apps/bin/python -m pip install --quiet --disable-pip-version-check uv
	@.venv-apps/bin/uv pip install --quiet --python .venv-apps/bin/python --group pyproject.toml:dev \
		--group pyproject.toml:apps $(MEMBERS:%=--editable %)
	@if command -v npm >/dev/null; then npm install --silent --no-fund --no-audit --prefix .venv-apps/node \
		@gradio/client@2 @huggingface/hub@2; fi
	@HFDEPLOY_TEST_APPS=1 .venv-apps/bin/python -m pytest tests/apps $(ARGS)

# All that a workflow can ask of the action, by act.
test-action: setup
	@HFDEPLOY_TEST_ACTION=1 $(BIN)/python -m pytest -n 2 tests/action tests/test_action.py tests/test_start.py $(ARGS)

lint: setup
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-actions action.yml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	@$(BIN)/jactionlint --profile correctness --shellcheck=$(BIN)/shellcheck
	@$(BIN)/zizmor --quiet --offline --strict-collection --persona=pedantic .github action.yml

# All distributions, and each command of theirs from the wheels alone.
dist: setup
	@rm -rf dist .venv-dist && for member in $(MEMBERS); do $(BIN)/uv build --quiet --out-dir dist $$member || exit; done
	@$(BIN)/uv venv --quiet .venv-dist && $(BIN)/uv pip install --quiet --python .venv-dist dist/*.whl
	@for program in hfdeploy hfdeploy-janitor hfdeploy-localhub hfdeploy-proxy; do \
		.venv-dist/bin/$$program --version | grep -F "$$(cat VERSION)" || exit; done

format: setup
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

# What the relay's Space installs, for every platform.
RELAY := packages/hfdeploy-proxy
ACTION := packages/hfdeploy-action
# What a plain deploy does not need: finding pydantic takes pip longer than all the rest.
SELDOM := pydantic pydantic-core annotated-types typing-inspection
OFTEN := typing-extensions colorama click
# Only CEL's own command line needs these: it is loaded without that.
UNUSED := annotated-doc markdown-it-py mdurl prompt-toolkit pygments rich shellingham typer wcwidth
lock: setup
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --extra redis \
		$(RELAY)/pyproject.toml --output-file $(RELAY)/src/hfdeploy_proxy/space/requirements.txt
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		$(SELDOM:%=--no-emit-package %) packages/hfdeploy-core/pyproject.toml --output-file $(ACTION)/requirements.lock
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		$(patsubst %,--no-emit-package %,$(OFTEN) $(UNUSED)) $(ACTION)/seldom.in --output-file $(ACTION)/seldom.lock
	@$(BIN)/python scripts/action_docs.py

clean:
	rm -rf .venv .venv-apps .venv-bench .venv-dist dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
