"""Indicators that are counted from recorded evidence: laws in force, hours of training, pledges paid and the like.

Each follows its definition in data/indicators.csv. Amounts in several currencies are never added up: they stand side
by side, and then no figure stands for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from amparo.review.evidence import Evidence, Point
from amparo.review.recorded import Record, Row
from amparo.review.register import Indicator, Register

Key = Callable[[Row], str]
By = tuple[tuple[str, str], ...]


def tally(record: Record, register: Register, *, command: str = "") -> dict[str, Evidence]:
    """The evidence of every recorded indicator except those about the review itself.

    Parameters
    ----------
    record : what was read from the folder.
    command : that made the review, to be shown beside each figure.
    """
    found = {}
    for indicator in register.indicators.values():
        if indicator.source == "recorded" and indicator.inputs != ("review",):
            found[indicator.id] = _tallied(indicator, record, command)
    return found


def _tallied(indicator: Indicator, record: Record, command: str) -> Evidence:
    counted = indicator.inputs != ("statistic",)
    points = TALLIES[indicator.id](record) if counted else _statistics(record, indicator)
    files = tuple(f"{kind}.csv" for kind in indicator.inputs)
    if not points:
        return Evidence(indicator.id, indicator.unit, reason="no-rows", detail=", ".join(files))
    hashes = record.hashes or {}
    return Evidence(
        indicator=indicator.id,
        unit=indicator.unit,
        points=tuple(points),
        sources=files,
        provenance={f"sha256 of {file}": hashes[file] for file in files if file in hashes},
        command=command,
    )


def _figure(value: float, period: str = "", by: By = ()) -> Point:
    return Point(period, value, value, value, by)


def _year(row: Row) -> str:
    return row.text("year") or (str(row.happened.year) if row.happened else "")


def _done(record: Record, kind: str) -> list[Row]:
    return [row for row in record.of(kind) if row.happened is not None and row.happened <= record.today]


def _groups(rows: Iterable[Row], *keys: Key) -> dict[tuple[str, ...], list[Row]]:
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(key(row) for key in keys), []).append(row)
    return dict(sorted(found.items()))


def _yearly(rows: list[Row], measure: Callable[[list[Row]], float | None], *dims: str) -> list[Point]:
    """A measure by year, then by year and each dimension (a cell of the row)."""
    points = [(measure(group), year, ()) for (year,), group in _groups(rows, _year).items()]
    found = [_figure(value, year) for value, year, _ in points if value is not None]
    for dim in dims:
        for (year, code), group in _groups(rows, _year, lambda row, dim=dim: row.text(dim)).items():  # type: ignore[misc]
            value = measure(group)
            found += [] if value is None or not code else [_figure(value, year, ((dim, code),))]
    return found


def _money(rows: list[Row], measure: Callable[[list[Row]], float | None]) -> list[Point]:
    """A measure of money by currency and year; without other currencies it stands for all."""
    found = []
    currencies = _groups(rows, lambda row: row.text("currency"))
    for (currency,), group in currencies.items():
        by: By = (("currency", currency),)
        points = [_figure(p.low, p.period, by) for p in _yearly(group, measure)]
        found += points if len(currencies) > 1 else [*(_figure(p.low, p.period) for p in points), *points]
    return found


def _sum(name: str) -> Callable[[list[Row]], float]:
    return lambda rows: sum(row.number(name) for row in rows)


def _percent(part: float, whole: float) -> float | None:
    return 100 * part / whole if whole else None


def _treaties(record: Record) -> list[Point]:
    """Of the five treaties of paragraphs 3 and 6, those in force for the State today."""
    rows = [row for row in _in_force(record, "treaty") if row.text("treaty") != "other"]
    return [_figure(len({row.text("treaty") for row in rows}))] if record.of("treaty") else []


def _in_force(record: Record, kind: str) -> list[Row]:
    def holds(row: Row) -> bool:
        since, until = row.day("in_force"), row.day("repealed") or row.day("until")
        return since is not None and since <= record.today and (until is None or until > record.today)

    return [row for row in record.of(kind) if holds(row)]


def _laws(record: Record) -> list[Point]:
    rows = _in_force(record, "law")
    forms: dict[str, int] = {}
    for row in rows:
        named = row.values["forms"]
        for form in named if isinstance(named, tuple) else ():
            forms[form] = forms.get(form, 0) + 1
    by_form = [_figure(count, by=(("form", form),)) for form, count in sorted(forms.items())]
    return [_figure(len(rows)), *by_form] if record.of("law") else []


def _hours(rows: list[Row]) -> float:
    return sum(row.number("hours") * row.number("persons") for row in rows)


def _evaluated(rows: list[Row]) -> float | None:
    return _percent(sum(row.text("evaluated") == "yes" for row in rows), len(rows))


def _executed(rows: list[Row]) -> float | None:
    """Spent among allocated, of the budgets whose spending is known."""
    known = [row for row in rows if row.values["spent"] is not None]
    return _percent(sum(row.number("spent") for row in known), sum(row.number("allocated") for row in known))


def _trust_fund(record: Record) -> list[Point]:
    return _money([row for row in _done(record, "payment") if row.text("fund") == "trust_fund"], _sum("amount"))


def _pledges(record: Record) -> list[Point]:
    """Paid among pledged and due by today; nothing that was paid beyond a pledge makes up for another."""
    paid: dict[str, float] = {}
    for row in _done(record, "payment"):
        paid[row.text("pledge")] = paid.get(row.text("pledge"), 0) + row.number("amount")
    due = [row for row in record.of("pledge") if row.due is not None and row.due <= record.today]
    found = []
    currencies = _groups(due, lambda row: row.text("currency"))
    for (currency,), rows in currencies.items():
        honoured = sum(min(paid.get(row.id, 0), row.number("amount")) for row in rows)
        value = _percent(honoured, sum(row.number("amount") for row in rows))
        if value is not None:
            found.append(_figure(value, by=(("currency", currency),) if len(currencies) > 1 else ()))
    return found


def _partnerships(record: Record) -> list[Point]:
    """Partnerships with an activity in the year, since they were agreed."""
    active: dict[str, int] = {}
    for row in record.of("partnership"):
        days = row.values["activities"]
        for year in sorted({str(day.year) for day in days} if isinstance(days, tuple) else ()):
            active[year] = active.get(year, 0) + 1
    return [_figure(count, year) for year, count in sorted(active.items())]


def _statistics(record: Record, indicator: Indicator) -> list[Point]:
    """What other bodies counted, as recorded: part of whole in per cent, or an amount."""
    rows = [row for row in _done(record, "statistic") if row.text("indicator") == indicator.id]
    if indicator.unit == "currency":
        return _money([row for row in rows if row.values["amount"] is not None], _sum("amount"))
    if indicator.unit == "percent":
        return _yearly(rows, lambda group: _percent(_sum("part")(group), _sum("whole")(group)))
    return _yearly([row for row in rows if row.values["amount"] is not None], _sum("amount"))


def _survivors(rows: list[Row]) -> float | None:
    return _percent(sum(bool(row.values["survivors"]) for row in rows), len(rows))


def _procurement(record: Record) -> list[Point]:
    rows = [row for row in _done(record, "disclosure") if row.values["contracts_at_risk"] is not None]
    return _yearly(rows, lambda group: _percent(_sum("contracts_checked")(group), _sum("contracts_at_risk")(group)))


def _global_report(record: Record) -> list[Point]:
    rows = [row for row in _done(record, "report") if row.text("global_report")]
    return _yearly(rows, lambda g: _percent(sum(row.text("global_report") == "returned" for row in g), len(g)))


def _assessed(record: Record, kinds: tuple[str, ...], type_: str, *, completed: bool = False) -> list[Point]:
    """Of the rows of some kinds, those that an assessment of the type is about."""
    rows = [row for kind in kinds for row in record.of(kind) if row.done is not None or not completed]
    about = {row.text("of") for row in record.of("assessment") if row.text("type") == type_}
    value = _percent(sum(row.id in about for row in rows), len(rows))
    return [] if value is None else [_figure(value)]


TALLIES: Mapping[str, Callable[[Record], list[Point]]] = {
    "treaties_in_force": _treaties,
    "laws_in_force": _laws,
    "campaigns_held": lambda record: _yearly(_done(record, "campaign"), len, "audience"),
    "training_hours": lambda record: _yearly(_done(record, "training"), _hours, "profession"),
    "training_evaluated": lambda record: _yearly(_done(record, "training"), _evaluated, "profession"),
    "budget_allocated": lambda record: _money(_done(record, "budget"), _sum("allocated")),
    "budget_executed": lambda record: _money(_done(record, "budget"), _executed),
    "trust_fund_paid": _trust_fund,
    "pledges_paid": _pledges,
    "assistance_given": lambda record: _money(_done(record, "technical_assistance"), _sum("amount")),
    "partnerships_active": _partnerships,
    "survivors_consulted": lambda record: _yearly(_done(record, "action"), _survivors),
    "disclosures_published": lambda record: _yearly(_done(record, "disclosure"), len, "sector"),
    "procurement_checked": _procurement,
    "global_report_returned": _global_report,
    "impact_assessed": lambda record: _assessed(record, ("law", "policy"), "victims_impact"),
    "actions_evaluated": lambda record: _assessed(record, ("action",), "evaluation", completed=True),
}
"""How each recorded indicator follows from the rows; those on statistics of other bodies are read as they are."""
