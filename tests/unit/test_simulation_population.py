"""Who is detected by whom is what the knobs say: rates, independence, and dependence of the size and sign set."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2

from amparo.simulation import AGENCIES, Knobs, Population, populate
from amparo.simulation.country import log_odds_ratios
from amparo.standard.errors import AmparoError

ALIKE = {"hidden_factor": 1.0, "visible_factor": 1.0, "reach": 0.0, "referral": 0.0, "avoidance": 1.0}
CLASSES = {"hidden_share": 0.5, "hidden_factor": 0.5, "visible_share": 0.2, "visible_factor": 2.0}
OFTEN = dict.fromkeys(AGENCIES, 0.3)


def drawn(seed: int = 1, **knobs: object) -> Population:
    return populate(Knobs(**knobs), np.random.default_rng(seed))  # type: ignore[arg-type]


def share(population: Population, agency: str, among: str | None = None) -> float:
    seen = population.seen
    rows = seen[seen[:, AGENCIES.index(among)]] if among else seen
    return float(rows[:, AGENCIES.index(agency)].mean())


def independence_p_value(population: Population) -> float:
    """P value of the log-linear model of main effects alone against the saturated one (G², all 64 histories)."""
    seen = population.seen
    cells = seen @ (1 << np.arange(len(AGENCIES)))
    counts = np.bincount(cells, minlength=64)
    holds = (np.arange(64)[:, None] >> np.arange(len(AGENCIES)) & 1).astype(bool)
    rates = seen.mean(axis=0)
    expected = len(seen) * np.where(holds, rates, 1 - rates).prod(axis=1)
    deviance = 2 * np.sum(counts[counts > 0] * np.log(counts[counts > 0] / expected[counts > 0]))
    return float(chi2.sf(deviance, 64 - 1 - len(AGENCIES)))


def test_most_victims_are_never_detected() -> None:
    detected = drawn().seen.any(axis=1).mean()
    assert 0.25 < detected < 0.35


@pytest.mark.parametrize("agency", AGENCIES)
@pytest.mark.parametrize("independent", [True, False])
def test_each_agency_finds_the_share_that_its_knob_says(agency: str, independent: bool) -> None:
    population = drawn(victims=60_000, referral=0.0, avoidance=1.0, independent=independent)
    expected = getattr(Knobs(), agency)
    assert population.chances[:, AGENCIES.index(agency)].mean() == pytest.approx(expected, rel=0.01)
    assert share(population, agency) == pytest.approx(expected, abs=4 * np.sqrt(expected / 60_000))


def test_independent_lists_fit_the_log_linear_model_without_interactions() -> None:
    p_values = [independence_p_value(drawn(seed, victims=20_000, independent=True, **OFTEN)) for seed in range(20)]
    assert min(p_values) > 0.05 / 20 / 5
    assert max(p_values) > 0.5


@pytest.mark.parametrize(
    "dependence",
    [
        {"hidden_factor": 0.4, "visible_factor": 2.0},
        {"reach": 1.0},
        {"referral": 0.2},
        {"avoidance": 0.6},
    ],
    ids=["classes", "reach", "referral", "avoidance"],
)
def test_each_source_of_dependence_alone_breaks_that_model(dependence: dict[str, object]) -> None:
    assert independence_p_value(drawn(victims=20_000, **OFTEN, **(ALIKE | dependence))) < 1e-6


def test_a_referral_raises_the_chance_of_the_referred_by_what_was_set() -> None:
    population = drawn(victims=200_000, **(ALIKE | {"referral": 0.2, "referral_paths": (("police", "shelter"),)}))
    own = Knobs().shelter
    assert share(population, "shelter", among="police") == pytest.approx(own + (1 - own) * 0.2, abs=0.012)
    assert log_odds_ratios(population)["police shelter"] > 0.5
    assert log_odds_ratios(population)["police health"] == pytest.approx(0, abs=0.15)


def test_avoidance_lowers_the_chance_of_the_second_by_the_factor_that_was_set() -> None:
    population = drawn(victims=200_000, **(ALIKE | {"avoidance": 0.4}))
    own = Knobs().labour_inspection
    assert share(population, "labour_inspection", among="police") == pytest.approx(own * 0.4, abs=0.006)
    assert log_odds_ratios(population)["police labour_inspection"] < -0.5


def test_classes_are_seen_in_proportion_to_their_visibility() -> None:
    population = drawn(victims=100_000, **(ALIKE | CLASSES))
    kind, lists = population.persons.numbers["class"], population.seen.sum(axis=1)
    hidden = lists[kind == 0].mean()
    assert np.bincount(kind) / len(kind) == pytest.approx([0.5, 0.3, 0.2], abs=0.01)
    assert lists[kind == 1].mean() / hidden == pytest.approx(2, rel=0.08)
    assert lists[kind == 2].mean() / hidden == pytest.approx(4, rel=0.08)


def test_whoever_was_referred_is_on_both_lists_and_came_later_to_the_second() -> None:
    population = drawn(victims=20_000)
    sent = population.referrals
    assert len(sent.person) > 100
    assert population.seen[sent.person, sent.source].all()
    assert population.seen[sent.person, sent.target].all()
    assert (population.contact[sent.person, sent.target] == sent.day).all()
    assert (sent.day >= population.contact[sent.person, sent.source]).all()


def test_there_is_a_day_of_contact_where_and_only_where_a_person_was_seen() -> None:
    population = drawn()
    assert (np.isnat(population.contact) == ~population.seen).all()
    days = population.contact[population.seen]
    assert days.min() >= np.datetime64("2018-01-01")
    assert days.max() <= np.datetime64("2025-12-31")


def test_histories_count_each_detected_person_once() -> None:
    population = drawn()
    histories, counts = population.histories()
    assert counts.sum() == population.seen.any(axis=1).sum()
    assert (histories.sum(axis=1) > 0).all()
    assert (histories * counts[:, None]).sum(axis=0).tolist() == population.seen.sum(axis=0).tolist()


def test_what_happened_to_a_person_happened_in_order() -> None:
    persons = drawn(victims=20_000).persons
    days = persons.days
    assert (days["date_of_birth"] < days["recruitment_date"]).all()
    assert (days["recruitment_date"] < days["exploitation_start"]).all()
    assert (days["exploitation_start"] < days["exploitation_end"]).all()
    assert (days["exploitation_end"] <= days["first_contact"]).all()
    assert (persons.numbers["age"] >= persons.numbers["age_at_recruitment"]).all()


@pytest.mark.parametrize(
    "knobs",
    [
        {"police": 1.5},
        {"missing": -0.1},
        {"victims": 0},
        {"reach": -1.0},
        {"hidden_share": 0.6, "visible_share": 0.6},
        {"referral": 1.1},
        {"referral_paths": (("police", "press"),)},
        {"rivals": (("labour_inspection", "police"),)},
    ],
)
def test_a_knob_out_of_range_is_told(knobs: dict[str, object]) -> None:
    with pytest.raises(AmparoError):
        Knobs(**knobs)  # type: ignore[arg-type]
