"""Attempts to get private records out, or to make the noise guessable."""

from __future__ import annotations

import ast
import copy
import dataclasses
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import amparo.protection.microdata as microdata
from amparo.protection.microdata import Aim, KAnonymity, PrivateMicrodata, ReleasedMicrodata, release_microdata
from amparo.protection.microdata import aim as aim_module
from amparo.protection.microdata.noise import Budget, rho_for
from amparo.protection.microdata.queries import Marginal, Misfits, Records
from amparo.report import write

PROVENANCE = {"version": "test", "created": "2026-01-15"}
ROOM = Path(microdata.__file__).parent
PRIVATE = PrivateMicrodata(
    pd.DataFrame({"sex": ["female"] * 40 + ["male"] * 20, "country": ["KEN"] * 59 + ["NGA"]}),
    {"sex": ("female", "male"), "country": ("KEN", "NGA")},
)


def released() -> ReleasedMicrodata:
    return release_microdata(PRIVATE, method=KAnonymity(5), provenance=PROVENANCE, seed=1)


def test_the_report_writes_no_private_records(tmp_path: Path) -> None:
    for other in (PRIVATE, PRIVATE.frame, PRIVATE.records(), [PRIVATE]):
        with pytest.raises(TypeError):
            write(other, tmp_path)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_released_microdata_cannot_be_made_copied_or_altered_from_outside() -> None:
    found = released()
    with pytest.raises(TypeError):
        ReleasedMicrodata("AIM", 1.0, 1e-6, (), {}, PRIVATE.frame)
    with pytest.raises(TypeError):
        type("Mine", (ReleasedMicrodata,), {})
    with pytest.raises(TypeError):
        dataclasses.replace(found, epsilon=0.1)
    with pytest.raises(TypeError):
        pickle.dumps(found)
    with pytest.raises(TypeError):
        copy.deepcopy(found)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.epsilon = 0.1  # type: ignore[misc]
    with pytest.raises(TypeError):
        found.provenance["version"] = "other"  # type: ignore[index]
    handed_out = found.frame
    handed_out["sex"] = "x"
    assert set(found.frame["sex"]) == {"female", "male"}


def test_only_private_microdata_are_released() -> None:
    for other in (PRIVATE.frame, released(), None):
        with pytest.raises(TypeError):
            release_microdata(other, method=KAnonymity(5), provenance=PROVENANCE, seed=1)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        release_microdata(PRIVATE, method="none", provenance=PROVENANCE, seed=1)  # type: ignore[arg-type]


def test_private_records_do_not_show_when_they_are_printed() -> None:
    for text in (repr(PRIVATE), str(PRIVATE), repr(PRIVATE.records())):
        assert "KEN" not in text.split("categories")[0]
        assert "59" not in text


def test_no_other_generator_than_opendp_is_touched_while_records_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("numpy drew a number while private records were asked")

    asked = []
    answer = Budget._answer

    def watched(self: Budget, measurement: object) -> object:
        with monkeypatch.context() as inside:
            for name in ("default_rng", "Generator", "seed", "normal", "random", "laplace", "RandomState"):
                inside.setattr(np.random, name, refuse)
            # A Generator's methods cannot be patched: its state may not move instead.
            before = model_state()
            found = answer(self, measurement)
            assert model_state() == before
        asked.append(measurement)
        return found

    generators = []
    make = np.random.default_rng

    def kept(seed: int) -> np.random.Generator:
        generators.append(make(seed))
        return generators[-1]

    def model_state() -> str:
        return str([g.bit_generator.state for g in generators]) + str(np.random.get_state())

    monkeypatch.setattr(np.random, "default_rng", kept)
    monkeypatch.setattr(Budget, "_answer", watched)
    monkeypatch.setattr(aim_module, "DRAWN_AT_LEAST", 1000)
    release_microdata(PRIVATE, method=Aim(1.0), provenance=PROVENANCE, seed=1)
    assert generators
    assert len(asked) > 4


def test_opendp_is_known_in_one_file_which_knows_no_other_chance() -> None:
    for file in ROOM.glob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        imported = {
            alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
        }
        imported |= {(node.module or "").split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert ("opendp" in imported) == (file.name == "noise.py")
        assert not imported & {"random", "secrets"}
        if file.name in ("noise.py", "queries.py", "aim.py"):
            used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
            assert not used & {"random", "normal", "laplace", "gumbel"} - {"random"}
            assert "random" not in used or file.name == "aim.py"  # aim hands a seeded generator to the model


def test_one_seed_does_not_fix_the_noise() -> None:
    budgets = [Budget(PRIVATE.records(), 1.0) for _ in range(2)]
    wide = Marginal((0, 1), (200, 200))
    people = Records.of(np.zeros((9, 2), dtype=np.int64), (200, 200))
    np.random.seed(1)
    first = Budget(people, 1.0).counts(wide, 5.0)
    np.random.seed(1)
    assert (Budget(people, 1.0).counts(wide, 5.0) != first).any()
    assert budgets[0].left == 1.0


def test_aim_asks_only_through_the_budget_and_never_for_more_than_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aim_module, "DRAWN_AT_LEAST", 1000)
    costs = []
    answer = Budget._answer

    def watched(self: Budget, measurement: object) -> object:
        costs.append(measurement.map(1))  # type: ignore[attr-defined]
        return answer(self, measurement)

    monkeypatch.setattr(Budget, "_answer", watched)
    rho = rho_for(1.0, 1e-6)
    made = aim_module.synthesise(PRIVATE.records(), rho, possible=PRIVATE.possible, seed=1)
    assert sum(costs) <= rho
    assert sum(costs) == pytest.approx(made.spent)


def test_the_only_nigerian_cannot_be_told_from_the_release() -> None:
    """An attacker who knows 59 of 60 persons asks whether the last one's country is the rare one.

    Over many releases the share of right guesses must stay below the bound e^eps / (1 + e^eps). The same attack
    succeeds nearly always when epsilon is large, so it is one that could have succeeded.
    """
    others = [(0, 0)] * 40 + [(1, 0)] * 19
    shape = (3, 3)

    def guessed_right(rho: float, tries: int) -> float:
        right = 0
        for turn in range(tries):
            country = turn % 2
            people = Records.of(np.array([*others, (1, country)]), shape)
            budget = Budget(people, rho)
            noisy = budget.counts(Marginal((1,), shape), 1.000001 * rho**-0.5)  # a hair more noise, for the rounding
            # The likelier of (60, 0) and (59, 1), given the noisy counts.
            said = int((noisy[0] - 59) ** 2 + (noisy[1] - 1) ** 2 < (noisy[0] - 60) ** 2 + noisy[1] ** 2)
            right += said == country
        return right / tries

    bound = np.exp(1) / (1 + np.exp(1))
    assert guessed_right(rho_for(1.0, 1e-6), 800) < bound
    assert guessed_right(50.0, 60) > 0.95


def test_a_choice_shows_the_private_score_only_through_noise() -> None:
    """With a tiny budget, the worst misfit is chosen hardly more often than any other."""
    misfits = Misfits({(0,): np.array([0, 0, 0]), (1,): np.array([59, 1, 0])}, {(0,): 1, (1,): 1}, {(0,): 0, (1,): 0})
    chosen = [Budget(PRIVATE.records(), 1e-3).largest(misfits, 2e3) for _ in range(300)]
    assert 0.35 < chosen.count(0) / 300 < 0.68
