"""Intervals against populations of known size; the long run is benchmarks/prevalence_coverage.py."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "prevalence_coverage.py"
RUNS = 60


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("prevalence_coverage", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("world", ["independent", "dependent"])
@pytest.mark.parametrize("method", ["stepwise", "best-bic", "decomposable", "strata"])
def test_models_that_allow_dependence_hold_the_truth(script: ModuleType, world: str, method: str) -> None:
    bias, held, _ = script.coverage(world, method, RUNS)
    assert abs(bias) < 0.05
    assert held >= 0.85  # 60 runs at a true coverage of 92 % fall below this once in forty times; the seed is fixed


def test_simple_estimators_hold_the_truth_of_independent_lists_and_miss_that_of_dependent_ones(
    script: ModuleType,
) -> None:
    for method in ("chapman", "coverage", "chao"):
        assert script.coverage("independent", method, RUNS)[1] >= 0.85
        assert script.coverage("dependent", method, RUNS)[1] <= 0.25


def test_where_persons_differ_every_log_linear_interval_misses_low_as_the_docs_say(script: ModuleType) -> None:
    for method in ("stepwise", "best-bic", "decomposable"):
        bias, held, _ = script.coverage("heterogeneous", method, RUNS)
        assert bias < -0.15
        assert held < 0.5
