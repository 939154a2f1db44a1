"""Evidence from releases: held against the truth that was withheld, and against numbers worked out by hand."""

from __future__ import annotations

from math import inf, isclose

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amparo.protection.release import Release, Rule, release, republish
from amparo.review.desk import median, recipes
from amparo.review.evidence import RECIPES, Evidence, Point, compute
from amparo.review.intervals import Interval, ratio, share, share_of, total, union
from amparo.review.register import code_labels, load_register
from amparo.standard.errors import AmparoError
from amparo.statistics.tables import PrivateTable, PublishedTable, tabulate

PROVENANCE = {"version": "test", "created": "2026-01-15", "sha256 of policia.csv": "ab" * 32}
REGISTER = load_register()


def counted(name: str, rows: list[dict[str, object]], by: tuple[str, ...], unit: str = "records") -> PrivateTable:
    """A table of records that are written out, each as often as ``n`` says."""
    frame = pd.DataFrame(rows)
    frame = frame.loc[frame.index.repeat(frame.pop("n").astype(int))].reset_index(drop=True)
    return tabulate(ibis.memtable(frame), by, name=name, unit=unit)


def evidence_of(tables: list[PrivateTable], indicator: str, threshold: int = 10) -> Evidence:
    return compute([release(tables, rule=Rule(threshold), provenance=PROVENANCE)], REGISTER)[indicator]


@pytest.fixture(scope="module")
def found(demo_release: Release) -> dict[str, Evidence]:
    return compute([demo_release], REGISTER, command="amparo review LISTS")


# --- Against the truth ----------------------------------------------------------------------------------------------


def test_what_was_withheld_lies_within_every_interval(
    demo_tables: list[PrivateTable], found: dict[str, Evidence]
) -> None:
    """The same recipes on the true counts: each exact figure lies between the bounds that the release leaves open."""
    truth = compute([release(demo_tables, rule=Rule(1), provenance=PROVENANCE)], REGISTER)
    compared = hidden = 0
    for name, released in found.items():
        exact = {(point.period, point.by): point for point in truth[name].points}
        for point in released.points if name not in ("flow_pairs", "cells_shown", "cells_recoverable") else ():
            true = exact[point.period, point.by]
            assert point.low - 1e-9 <= true.low, (name, point, true)
            assert true.high <= point.high + 1e-9, (name, point, true)
            compared, hidden = compared + 1, hidden + (not point.exact)
        # Where no code merges others with what was not recorded, the true counts give one number.
        merged = any(dim in str(REGISTER.indicators[name].inputs) for dim in ("sex", "flows"))
        assert merged or all(point.exact for point in truth[name].points), name
    assert compared > 250
    assert hidden > 30


def test_at_least_25_commitments_of_the_demonstration_country_have_computed_evidence(
    found: dict[str, Evidence],
) -> None:
    with_evidence = [c.id for c in REGISTER.commitments if any(i in found and found[i].known for i in c.indicators)]
    assert len(with_evidence) >= 25
    for evidence in found.values():
        if evidence.known:
            assert evidence.sources
            assert evidence.rules
            assert evidence.provenance is not None
            assert evidence.provenance["version"] == "test"
            assert evidence.command == "amparo review LISTS"
        else:
            assert evidence.reason


def test_every_withheld_count_is_bounded_by_what_stands_beside_it(found: dict[str, Evidence]) -> None:
    assert all(point.high < inf for evidence in found.values() for point in evidence.points)


def test_cells_that_can_be_worked_out_are_counted_once(demo_release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    """No release has such cells, since protection would not make it; an audit that finds some is put in its place."""
    assert compute([demo_release], REGISTER)["cells_recoverable"].latest == Point("", 0, 0, 0)
    worked_out = pd.DataFrame(
        {"unit": "records", "cell": ["a=1", "a=2"], "tables": "one, two", "lower": [3.0, 1.0], "upper": [3.0, 9.0]}
    )
    monkeypatch.setattr("amparo.review.figures.feasible_bounds", lambda tables: worked_out)
    latest = compute([demo_release], REGISTER)["cells_recoverable"].latest
    assert latest is not None
    assert latest.value == 1


def test_every_computed_indicator_has_a_recipe_and_every_recipe_an_indicator() -> None:
    of = {source: {i.id for i in REGISTER.indicators.values() if i.source == source} for source in ("release", "desk")}
    assert set(RECIPES) == of["release"]
    assert set(recipes()) == of["desk"]
    for recipe in recipes().values():
        assert recipe.table in code_labels("desk_record")
        assert recipe.table in REGISTER.indicators[recipe.indicator].inputs
        assert recipe.measure in ("count", "distinct", "share", "gap", "median", "amount")
        assert bool(recipe.dim) == (recipe.measure in ("share", "gap", "median", "distinct") or bool(recipe.part))


def test_a_recipe_reads_only_the_tables_that_the_register_names(
    demo_tables: list[PrivateTable], found: dict[str, Evidence]
) -> None:
    for name, evidence in found.items():
        inputs = REGISTER.indicators[name].inputs
        if inputs == ("all_tables",) or not evidence.known or REGISTER.indicators[name].source != "release":
            continue
        # The table of the sexes alone narrows what "other or not recorded" may hold; it is not needed for a figure.
        only = [table for table in demo_tables if table.name in inputs]
        alone = evidence_of(only, name, threshold=1)
        assert len(alone.points) == len(evidence.points)


# --- By hand --------------------------------------------------------------------------------------------------------


def test_a_share_with_a_withheld_part_is_an_interval() -> None:
    """40 adults, 4 children, 30 not recorded in 2024; the 4 are withheld, and one of the others to guard them."""
    rows = [{"year": 2024, "age_group": "adult", "n": 40}, {"year": 2024, "age_group": "child", "n": 4}]
    rows += [{"year": 2024, "age_group": None, "n": 30}]
    point = evidence_of([counted("victims_by_year_age", rows, ("year", "age_group"))], "detected_children").latest
    assert point is not None
    assert (point.period, point.value) == ("2024", None)
    assert point.low < 100 * 4 / 44 < point.high


def test_years_that_are_not_over_are_left_out() -> None:
    rows = [{"year": year, "sex": "female", "n": 20} for year in (2024, 2025, 2026)]
    points = evidence_of([counted("victims_by_year_sex", rows, ("year", "sex"))], "detected_victims").series
    assert [point.period for point in points] == ["2024", "2025"]


def test_continuity_counts_lists_that_went_on() -> None:
    """Three lists in 2022; two in 2023; the third comes back in 2024 and one stops."""
    there = {2022: "abc", 2023: "ab", 2024: "ac"}
    rows = [{"list": name, "year": year, "n": 20} for year, names in there.items() for name in names]
    tables = [counted("victims_by_list_year", rows, ("list", "year"))]
    series = evidence_of(tables, "reporting_continuity").series
    assert [(p.period, round(p.low, 1)) for p in series] == [("2023", 66.7), ("2024", 66.7)]
    assert [p.value for p in evidence_of(tables, "reporting_lists").series] == [3, 2, 2]


def test_a_share_of_what_no_list_can_say_is_not_told() -> None:
    rows: list[dict[str, object]] = [{"assistance": ["health"], "participates_in_proceedings": "no", "n": 50}]
    name, by = "victims_by_assistance_participation", ("assistance", "participates_in_proceedings")
    tables = [counted(name, rows, by)]
    for indicator in ("assisted_victims", "assisted_without_cooperation", "assistance_gap", "permit_granted"):
        told = evidence_of(tables, indicator)
        assert (told.known, told.reason) == (False, "never-said")
    rows += [{"assistance": ["none"], "participates_in_proceedings": "no", "n": 150}]
    latest = evidence_of([counted(name, rows, by)], "assisted_without_cooperation").latest
    assert latest is not None
    assert latest.value == 25


def test_persons_who_cooperate_get_more_help_and_the_gap_says_by_how_much() -> None:
    rows: list[dict[str, object]] = [
        {"assistance": ["health"], "participates_in_proceedings": "yes", "n": 90},
        {"assistance": ["none"], "participates_in_proceedings": "yes", "n": 10},
        {"assistance": ["legal", "health"], "participates_in_proceedings": "no", "n": 60},
        {"assistance": ["none"], "participates_in_proceedings": "no", "n": 40},
    ]
    tables = [counted("victims_by_assistance_participation", rows, ("assistance", "participates_in_proceedings"))]
    latest = evidence_of(tables, "assistance_gap").latest
    assert latest is not None
    assert isclose(latest.low, 30)
    assert isclose(latest.high, 30)


def test_an_absent_table_is_told_and_nothing_is_made_up() -> None:
    rows = [{"year": 2024, "sex": "female", "n": 20}]
    found = compute([release([counted("victims_by_year_sex", rows, ("year", "sex"))], provenance=PROVENANCE)], REGISTER)
    assert found["offences"].reason == "no-release-table"
    assert found["prevalence_estimate"].reason == "no-prevalence"
    assert found["referral_days"].reason == "no-desk-table"
    assert found["convictions_per_100_victims"].reason == "no-release-table"
    assert not any(one.points for one in found.values() if one.reason)


def test_what_another_body_did_not_publish_is_unknown_and_not_zero() -> None:
    frame = pd.DataFrame({"year": ["2024"], "form": ["sexual"], "lower": [20], "upper": [20]})
    table = PublishedTable("victims_by_year_form", "records", ("year", "form"), frozenset({"form"}), frame, "", "UNODC")
    told = compute([republish([table], provenance=PROVENANCE)], REGISTER)["organ_removal_victims"]
    assert (told.known, told.reason) == (False, "not-published")


def test_the_estimate_of_the_undetected_carries_its_interval() -> None:
    from amparo.prevalence import estimate
    from amparo.prevalence.loglinear import stepwise
    from amparo.prevalence.sensitivity import multiverse
    from amparo.prevalence.table import CaptureTable
    from amparo.protection.prevalence import release_prevalence

    captures = CaptureTable(("a", "b", "c"), np.array([0.0, 160, 180, 25, 170, 20, 30, 9]))
    chosen = estimate(captures, replicates=100)
    unseen = release_prevalence(chosen, stepwise(captures), multiverse(captures, replicates=100, seed=1), fewest=10)
    rows = [{"year": 2024, "sex": "female", "n": 20}]
    ready = release([counted("victims_by_year_sex", rows, ("year", "sex"))], provenance=PROVENANCE, prevalence=unseen)
    found = {name: one.latest for name, one in compute([ready], REGISTER).items()}
    assert found["prevalence_estimate"] == Point("", unseen.low, unseen.high, unseen.estimate)
    ratio_ = found["detection_ratio"]
    assert ratio_ is not None
    assert ratio_.value == pytest.approx(100 * unseen.observed / unseen.estimate)
    assert ratio_.low == pytest.approx(100 * unseen.observed / unseen.high)
    assert ratio_.high == pytest.approx(100 * unseen.observed / unseen.low)
    width = found["prevalence_precision"]
    assert width is not None
    assert width.value == pytest.approx((unseen.high - unseen.low) / unseen.estimate)


def test_nothing_but_a_release_comes_in(demo_tables: list[PrivateTable]) -> None:
    with pytest.raises(TypeError, match="made of releases"):
        compute(demo_tables, REGISTER)  # type: ignore[arg-type]


def test_two_releases_of_one_table_are_refused() -> None:
    rows = [{"year": 2024, "sex": "female", "n": 20}]
    one = release([counted("victims_by_year_sex", rows, ("year", "sex"))], provenance=PROVENANCE)
    with pytest.raises(AmparoError, match="victims_by_year_sex"):
        compute([one, one], REGISTER)


# --- The desk -------------------------------------------------------------------------------------------------------


def test_the_desk_answers_by_year_with_shares_counts_gaps_and_medians() -> None:
    rows: list[dict[str, object]] = [
        {"year": 2024, "referral_state": "accepted", "days_to_acceptance": "0-2", "agency": "a", "n": 30},
        {"year": 2024, "referral_state": "ended", "days_to_acceptance": "3-7", "agency": "b", "n": 50},
        {"year": 2024, "referral_state": "refused", "days_to_acceptance": None, "agency": "b", "n": 20},
        {"year": 2024, "referral_state": "offered", "days_to_acceptance": None, "agency": "b", "n": 25},
    ]
    referrals = counted("referrals", rows, ("year", "referral_state", "days_to_acceptance"), "referrals")
    agencies = counted("agencies", rows, ("year", "agency"), "offers")
    needs: list[dict[str, object]] = [
        {"need_state": "met", "takes_part": "yes", "pillar": "support", "n": 45},
        {"need_state": "declined", "takes_part": "yes", "pillar": "support", "n": 15},
        {"need_state": "met", "takes_part": "no", "pillar": "support", "n": 30},
        {"need_state": "open", "takes_part": "no", "pillar": "support", "n": 30},
    ]
    services = counted("services", needs, ("need_state", "takes_part", "pillar"), "needs")
    found = compute([release([referrals, agencies, services], rule=Rule(10), provenance=PROVENANCE)], REGISTER)
    latest = {name: one.latest for name, one in found.items()}
    accepted = latest["referral_acceptance"]
    assert accepted is not None
    assert (accepted.period, accepted.value) == ("2024", 80)
    days = latest["referral_days"]
    assert days is not None
    assert (days.low, days.high) == (3, 7)
    assert latest["referral_agencies"] is not None
    assert latest["referral_agencies"].value == 2
    assert latest["services_gap"] is not None
    assert latest["services_gap"].value == 25
    assert [p.by for p in found["needs_met"].points] == [(), (("pillar", "support"),)]
    assert found["needs_met"].sources == ("services",)
    assert (found["disability_adapted"].reason, found["disability_adapted"].detail) == (
        "no-dimension",
        "services: adapted",
    )
    assert found["compensation_paid"].reason == "amounts"


@given(st.lists(st.integers(0, 60), min_size=1, max_size=200), st.integers(2, 40))
def test_the_band_of_the_median_holds_the_median(days: list[int], hidden: int) -> None:
    edges = [(0, 2), (3, 7), (8, 30), (31, inf)]
    counts = {f"{a}-{b}" if b < inf else f"{a}+": sum(a <= d <= b for d in days) for a, b in edges}
    true = sorted(days)[(len(days) - 1) // 2]
    exact = median({band: Interval(n, n) for band, n in counts.items()})
    assert exact is not None
    assert exact.low <= true <= exact.high
    wide = median({band: Interval(max(0, n - hidden), n + hidden) for band, n in counts.items()})
    assert wide is None or (wide.low <= exact.low and exact.high <= wide.high)


# --- Intervals ------------------------------------------------------------------------------------------------------

numbers = st.integers(0, 500)


@st.composite
def within(draw: st.DrawFn) -> tuple[int, Interval]:
    """A true count, and bounds around it."""
    true, below, above = draw(numbers), draw(numbers), draw(numbers)
    return true, Interval(max(0, true - below), true + above)


@given(within(), within())
def test_every_combination_holds_the_truth(one: tuple[int, Interval], other: tuple[int, Interval]) -> None:
    (a, bound_a), (b, bound_b) = one, other
    checks = [(a + b, bound_a.plus(bound_b)), (a - b, bound_a.less(bound_b)), (a * 3, bound_a.times(3))]
    checks += [(100 * a / (a + b), share(bound_a, bound_b))] if a + b else []
    checks += [(100 * a / (a + b), share_of(bound_a, bound_a.plus(bound_b)))] if a + b else []
    checks += [(a / b, ratio(bound_a, bound_b))] if b else []
    for true, bound in checks:
        assert bound is None or bound.low - 1e-9 <= true <= bound.high + 1e-9


@given(numbers, numbers)
def test_of_exact_counts_every_share_is_one_number(a: int, b: int) -> None:
    one, other = Interval(a, a), Interval(b, b)
    for found in (share(one, other), share_of(one, one.plus(other)), ratio(one, other)):
        assert found is None or found.exact


@given(st.lists(within(), max_size=4), numbers)
def test_a_union_lies_between_the_largest_part_and_the_sum(parts: list[tuple[int, Interval]], more: int) -> None:
    bounds = [bound for _, bound in parts]
    most = max((true for true, _ in parts), default=0) + more
    found = union(bounds, Interval(most, most))
    assert found.low == max((bound.low for bound in bounds), default=0)
    assert found.high <= max(found.low, total(bounds).high)
