# One word for each chore. PYTHON can name another interpreter; everything is installed in .venv.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test kills lint bench docs lock clean

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q -e '.[test,lint,bench]'
	touch $@

demo: .venv/installed  ## a simulated flight in the console
	$(BIN)/groundstation demo

test: .venv/installed  ## all tests
	$(BIN)/pytest

kills: .venv/installed  ## a writer killed 1,000 times, and a recording cut at every one of its last 65,536 bytes
	GROUNDSTATION_KILLS=1000 $(BIN)/pytest -q -s tests/replay/test_kill.py
	GROUNDSTATION_EVERY_CUT=1 $(BIN)/pytest -q tests/replay/test_cut.py

lint: .venv/installed  ## ruff, mypy --strict, the layers
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

bench: .venv/installed  ## every benchmark: ratios of one run
	for each in tests/bench/bench_*.py; do echo "== $$each"; $(BIN)/python $$each || exit 1; done

docs: .venv/installed  ## the vehicles' interface pages, the console's picture from a flight of a minute, bit error rates (ten minutes)
	$(BIN)/python docs/make.py
	$(BIN)/python docs/picture.py
	$(BIN)/python docs/radio.py

lock: .venv/installed  ## the versions that CI uses
	$(BIN)/pip install -q uv && $(BIN)/uv pip compile --universal --python-version 3.11 --no-emit-index-url --no-header \
		--all-extras pyproject.toml -o requirements.lock

clean:
	rm -rf .venv build dist
