# The door: each target sets up what it needs.
.PHONY: demo test bench lint clean
BIN := .venv/bin

.venv/.ready: pyproject.toml uv.lock
	test -x $(BIN)/python || python3 -m venv .venv
	$(BIN)/python -m pip install --quiet 'uv==0.13.*'
	UV_PROJECT_ENVIRONMENT=.venv $(BIN)/uv sync --frozen --quiet --inexact
	touch $@
