# The repository's verbs. CI runs these and nothing else.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Where `make faults` writes its table.
FAULTS_DIR ?= docs

.PHONY: demo test check bench docs faults test-browser test-compose screenshots lock audit sbom clean

demo: $(VENV)/.runtime
	$(BIN)/authlab up --detach
	$(BIN)/authlab tour
	@$(BIN)/authlab status
	@echo "Everything keeps running.  Look around: $(BIN)/authlab --help   Stop: $(BIN)/authlab down"

test: $(VENV)/.dev
	$(BIN)/pytest

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev
	$(BIN)/python -m bench run --quick --out bench/out

docs: $(VENV)/.dev
	PYTHONPATH=. $(BIN)/python docs/generate.py

# A whole and good run publishes its table; any other leaves the published one alone.
faults: $(VENV)/.dev
	$(BIN)/pytest -m faults --publish-faults=$(FAULTS_DIR) tests/faults

test-browser: $(VENV)/.dev
	$(BIN)/pytest -m browser

# The pictures of the README, of the lab that runs here or at AUTHLAB_URL.
screenshots: $(VENV)/.dev
	PYTHONPATH=. $(BIN)/python docs/screenshots.py

test-compose: $(VENV)/.dev
	$(BIN)/pytest -m compose

# What the image is made of: pinned with hashes, looked up in the advisories, and listed. Each needs the network.
lock: $(VENV)/.supply
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock" \
	  --upgrade --output-file requirements.lock pyproject.toml

audit: $(VENV)/.supply
	$(BIN)/pip-audit --requirement requirements.lock --require-hashes --disable-pip

sbom: $(VENV)/.supply
	@mkdir -p dist
	$(BIN)/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --output-reproducible \
	  --output-file dist/sbom.json
	@echo "dist/sbom.json lists what requirements.lock pins (CycloneDX)"

clean:
	rm -rf $(VENV)

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; $(PYTHON) is older. Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.runtime: $(VENV)/.python pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.supply: $(VENV)/.python
	$(BIN)/pip install --quiet --disable-pip-version-check 'uv>=0.9' 'pip-audit>=2.10' 'cyclonedx-bom>=7'
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@
