"""Releases of microdata: what comes out, what is kept, and what is said of it."""

from __future__ import annotations

import math
import re

import numpy as np
import pandas as pd
import pytest

from amparo.protection.microdata import Aim, KAnonymity, PacSynth, PrivateMicrodata, release_microdata, spread
from amparo.protection.microdata import aim as aim_module
from amparo.protection.microdata.aim import synthesise
from amparo.protection.microdata.noise import rho_for
from amparo.protection.microdata.queries import Records, marginals
from amparo.protection.microdata.words import belief_after, best_guess
from amparo.simulation import Knobs, populate
from amparo.standard.errors import AmparoError

PROVENANCE = {"version": "test", "created": "2026-01-15"}
CATEGORIES = {
    "sex": ("female", "male"),
    "age": ("child", "adult"),
    "labour": ("1",),
    "sector": ("farm", "house"),
}
NO_SECTOR_WITHOUT_LABOUR = {"labour": {None}, "sector": {"farm", "house"}}


@pytest.fixture(autouse=True)
def _small_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few columns need no large sample of the model."""
    monkeypatch.setattr(aim_module, "DRAWN_AT_LEAST", 8000)
    monkeypatch.setattr(aim_module, "LAST_SWEEPS", 10)


def made_up(number: int = 3000, seed: int = 1) -> PrivateMicrodata:
    """Women are exploited at home more often, men on farms; sector is known for labour only."""
    random = np.random.default_rng(seed)
    female = random.random(number) < 0.7
    labour = random.random(number) < 0.4
    farm = random.random(number) < np.where(female, 0.2, 0.9)
    sector = np.where(labour, np.where(farm, "farm", "house"), None)
    frame = pd.DataFrame(
        {
            "sex": np.where(female, "female", "male"),
            "age": np.where(random.random(number) < 0.3, "child", "adult"),
            "labour": np.where(labour, "1", None),
            "sector": sector,
            "name": [f"person {i}" for i in range(number)],
        }
    )
    return PrivateMicrodata(frame, CATEGORIES, (NO_SECTOR_WITHOUT_LABOUR,), person="name")


def test_aim_keeps_the_number_the_codebook_and_the_structural_zeros() -> None:
    private = made_up()
    found = release_microdata(private, method=Aim(1.0), provenance=PROVENANCE, seed=1)
    assert len(found) == len(found.frame) == 3000
    assert list(found.frame) == list(CATEGORIES)
    for column, codes in CATEGORIES.items():
        assert set(found.frame[column].dropna()) <= set(codes)
    assert not (found.frame["labour"].isna() & found.frame["sector"].notna()).any()
    assert found.epsilon == 1.0
    assert found.delta == 1 / (3000 * math.log(3000))


def test_aim_finds_what_hangs_together() -> None:
    frame = release_microdata(made_up(), method=Aim(4.0), provenance=PROVENANCE, seed=1).frame
    known = frame.dropna(subset=["sector"])
    farms = known.groupby("sex")["sector"].apply(lambda s: (s == "farm").mean())
    assert abs(farms["female"] - 0.2) < 0.08
    assert abs(farms["male"] - 0.9) < 0.08


def test_with_hardly_any_noise_aim_gives_all_counts_back() -> None:
    private = made_up()
    records = private.records()
    made = synthesise(records, 200.0, possible=private.possible, seed=1)
    back = Records.of(made.rows, private.shape)
    for columns in marginals(private.shape, 3, 100):
        assert np.abs(records.counts(columns) - back.counts(columns)).max() <= 12


def test_more_epsilon_gives_less_error_and_all_of_the_budget_is_spent() -> None:
    private = made_up()
    records = private.records()
    errors = []
    for epsilon in (0.05, 4.0):
        rho = rho_for(epsilon, 1e-6)
        made = synthesise(records, rho, possible=private.possible, seed=1)
        assert 0.999 * rho < made.spent <= rho
        back = Records.of(made.rows, private.shape)
        errors.append(
            np.mean([np.abs(records.counts(c) - back.counts(c)).mean() for c in marginals(private.shape, 2, 100)])
        )
    assert errors[1] < errors[0] / 3


def test_the_simulated_country_comes_through_with_its_several_forms() -> None:
    population = populate(Knobs(victims=3000), np.random.default_rng(1))
    persons = population.persons
    forms = persons.sets["exploitation_forms"]
    singles = {name: persons.codes[name] for name in ("sex", "citizenship")}
    frame = pd.DataFrame({name: column.arrow().to_pandas() for name, column in singles.items()})
    frame["forms"] = forms.arrow().to_pylist()
    several, codes = spread(frame, {"forms": forms.codes})
    categories = {name: tuple(column.codes) for name, column in singles.items()} | codes
    private = PrivateMicrodata(frame.join(several), categories)
    found = release_microdata(private, method=Aim(4.0), provenance=PROVENANCE, seed=1).frame
    assert len(found) == 3000
    for column in codes:
        assert abs(int(found[column].notna().sum()) - int(several[column].notna().sum())) < 200
    women = int((frame["sex"] == "female").sum())
    assert abs(int((found["sex"] == "female").sum()) - women) < 200


def test_pac_synth_is_released_as_it_comes() -> None:
    found = release_microdata(made_up(), method=PacSynth(4.0), provenance=PROVENANCE, seed=1)
    assert len(found) > 0
    assert list(found.frame) == list(CATEGORIES)
    for column, codes in CATEGORIES.items():
        assert set(found.frame[column].dropna()) <= set(codes)
    assert any(f"{len(found):,} records; there were 3,000 persons" in text for text in found.words)
    assert (
        "cannot be" not in " ".join(found.words) or (found.frame["labour"].isna() & found.frame["sector"].notna()).any()
    )


def test_k_anonymity_withholds_in_the_keys_only_and_says_how_much() -> None:
    private = made_up(200)
    found = release_microdata(private, method=KAnonymity(12, ("sex", "age", "sector")), provenance=PROVENANCE, seed=1)
    assert found.frame.groupby(["sex", "age", "sector"], dropna=False).size().min() >= 12
    assert found.frame["labour"].notna().sum() == private.frame["labour"].notna().sum()
    keys = ["sex", "age", "sector"]
    withheld = int(private.frame[keys].notna().sum().sum() - found.frame[keys].notna().sum().sum())
    assert withheld > 0
    assert f"{withheld} of" in found.words[0]
    assert found.epsilon is found.delta is None


def test_an_impossible_record_an_unlisted_value_and_a_person_twice_are_refused_without_repeating_them() -> None:
    frame = pd.DataFrame({"sex": ["female"], "age": ["adult"], "labour": [None], "sector": ["farm"], "name": ["Ana"]})
    with pytest.raises(AmparoError, match="1 records"):
        PrivateMicrodata(frame, CATEGORIES, (NO_SECTOR_WITHOUT_LABOUR,))
    with pytest.raises(AmparoError) as caught:
        PrivateMicrodata(frame.assign(sex="secret"), CATEGORIES)
    assert "secret" not in str(caught.value)
    with pytest.raises(AmparoError) as caught:
        PrivateMicrodata(pd.concat([frame, frame]), CATEGORIES, person="name")
    assert "Ana" not in str(caught.value)
    with pytest.raises(AmparoError, match="codebook"):
        PrivateMicrodata(frame, CATEGORIES, ({"sex": {"martian"}},))


def test_a_multi_valued_field_becomes_a_column_per_code() -> None:
    frame = pd.DataFrame({"means": [["threats", "debt"], None, []]})
    columns, categories = spread(frame, {"means": ("debt", "threats", "abuse")})
    assert columns.notna().to_numpy().tolist() == [[True, True, False], [False] * 3, [False] * 3]
    assert set(categories) == {"means=debt", "means=threats", "means=abuse"}
    with pytest.raises(AmparoError):
        spread(frame, {"means": ("debt",)})


def test_words_give_the_bounds_of_the_papers() -> None:
    assert best_guess(0.0, 0.0) == 0.5
    assert best_guess(4.0, 0.0) == pytest.approx(0.98201, abs=1e-5)
    assert belief_after(0.5, 1.0) == pytest.approx(best_guess(1.0, 0.0))
    text = " ".join(release_microdata(made_up(500), method=Aim(1.0), provenance=PROVENANCE, seed=1).words)
    assert "73.2%" in text  # 0.73106 and delta: a bound is rounded up
    assert "epsilon = 1 " in text
    assert "500 records" in text
    measured = re.search(r"of 4 single columns, (\d) pairs and (\d) triples", text)
    unmeasured = re.search(r"(\d) of 6 pairs and (\d) of 4 triples", text)
    assert measured
    assert unmeasured
    assert int(measured[2]) + int(unmeasured[2]) == 4


def test_a_senseless_method_is_refused() -> None:
    private = made_up(50)
    for method in (
        Aim(0.0),
        PacSynth(-1.0),
        Aim(1.0, 2.0),
        Aim(1.0, 0.02),
        KAnonymity(51),
        KAnonymity(2, ("height",)),
        KAnonymity(2, ()),
    ):
        with pytest.raises(AmparoError):
            release_microdata(private, method=method, provenance=PROVENANCE, seed=1)


def test_where_pac_synth_gives_up_a_person_is_told_and_what_else_goes_wrong_is_not_hidden(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import pacsynth

    class PanicException(BaseException):
        """What Rust's panics are called; pacsynth does not export it."""

    def failing(kind: type[BaseException]) -> object:
        def fit(*_: object) -> None:
            raise kind("out of noise")

        return type("Failing", (), {"__init__": lambda self, _: None, "fit": fit})

    for kind, told in ((PanicException, AmparoError), (KeyboardInterrupt, KeyboardInterrupt)):
        monkeypatch.setattr(pacsynth, "DpAggregateSeededSynthesizer", failing(kind))
        with pytest.raises(told):
            release_microdata(made_up(200), method=PacSynth(1.0), provenance=PROVENANCE, seed=1)
