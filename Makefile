# The door. Each target sets up what it needs in .venv, from the lock file.
.PHONY: help demo serve test lint bench clean
BIN := .venv/bin
OUT := out/demo

help:
	@echo "make demo   simulate a country and publish its national picture under $(OUT)"
	@echo "make serve  open the referral desk with a made-up country and one account per role"
	@echo "make test   lint, types, import rules and every test"
	@echo "make bench  speed and size beside peers, as ratios"
	@echo "make clean  remove .venv and out/"

.venv/.ready: pyproject.toml uv.lock
	test -x $(BIN)/python || python3 -m venv .venv
	$(BIN)/python -m pip install --quiet 'uv==0.13.*'
	UV_PROJECT_ENVIRONMENT=.venv $(BIN)/uv sync --frozen --quiet --inexact --extra site
	touch $@

demo: .venv/.ready
	rm -rf $(OUT)
	$(BIN)/amparo simulate $(OUT)/country
	$(BIN)/amparo key new $(OUT)/demo.key
	$(BIN)/amparo report $(OUT)/country/lists --key $(OUT)/demo.key --out $(OUT)/report \
		--captures $(OUT)/country/truth/capture_histories.csv

serve: .venv/.ready
	$(BIN)/amparo serve --demo

lint: .venv/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint
	$(BIN)/pytest -n auto

bench: .venv/.ready
	for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

clean:
	rm -rf .venv out
