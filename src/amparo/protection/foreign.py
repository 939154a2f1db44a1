"""What the published tables of somebody else give away about the cells that they withhold.

A file says neither which of its columns are dimensions nor which rows are totals nor what ``..`` stands for; all
three are found out here, and what was found is part of the answer. Then every sum that the table could contain (a
total and its parts over one dimension) is held against the sums of the same kind, its *pattern*, whose figures are
all shown. How they come out says what an outsider may rely on:

- *sure*: patterns that hold wherever they can be checked. What follows from them needs no assumption.
- *likely*: also patterns that hold in at least :data:`USUAL` of the checks. Single sums may be wrong, and so may be
  what follows from them.

Where parts that add up are too rare a pattern may still serve from one side: parts never exceed their total.
Published tables contradict themselves. In each connected part whose sums cannot all be true, the smallest number of
sums is set aside (of the least reliable patterns first), and what is derived there is counted apart.

Source: Willenborg & de Waal (2001), Elements of Statistical Disclosure Control, ch. 8; the intervals are those of
:mod:`amparo.protection.whole_counts`.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array

from amparo.intake.readers import headers, open_list
from amparo.protection.whole_counts import (
    Progress,
    System,
    added,
    connected_parts,
    one_pass,
    set_aside,
    silent,
    whole_bounds,
    without,
)
from amparo.standard.crosswalks import Crosswalk
from amparo.standard.errors import AmparoError
from amparo.standard.variables import TOTAL, UNKNOWN, codes_by_label, comparable

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

USUAL = 0.8
"""Share of the checked sums of a pattern that must hold for an outsider to call the pattern likely."""
FEWEST_CHECKS = 10
"""Checked sums below which a pattern is judged together with the others over the same dimension."""

# --- what a cell says --------------------------------------------------------------------------------------

_OPEN_MARKS = frozenset(
    comparable(text)
    for words in (
        "..|...|…|*|**|#|:|-|x|c|s|(c)|(x)|(s)|[c]|[x]",
        "suppressed|withheld|confidential|not shown|hidden|redacted|secret",
        "supprimé|confidentiel|secret statistique|non publié",
        "suprimido|confidencial|reservado|secreto estadístico|no publicado",
        "скрыто|конфиденциально|к|не показано|محجوب|سري|غير منشور|保密|不公布|隐去|已隐去",
    )
    for text in words.split("|")
)
_BELOW = (
    r"<|n\s*<|less than|fewer than|under|below|moins de|inférieure? à|menos de|menor que|inferior a|менее|меньше|"
    r"أقل من|少于|小于|不足|不到"
)
_AT_MOST = r"<=|≤|n\s*(?:<=|≤)|at most|up to|au plus|a lo más|hasta|не более|до|على الأكثر|至多|最多"
_LESS = re.compile(rf"(?:{_BELOW})\s*(\d+)")
_MOST = re.compile(rf"(?:{_AT_MOST})\s*(\d+)")
_RANGE = re.compile(r"\(?(\d+)\s*(?:-|to|à|a|до|至)\s*(\d+)\)?")
_GROUPED = re.compile(r"\d{1,3}([,.' ])\d{3}(?:\1\d{3})*")
_PLAIN = re.compile(r"(\d+)(?:[.,]0{1,2})?")


def interval_of(text: str, marks: Mapping[str, tuple[float, float]] | None = None) -> tuple[float, float, bool] | None:
    """What a published cell says: smallest and largest count, and whether it withholds; None where it is no count.

    ``<5`` is 0 to 4: publishers use it for none as well (UNODC's totals prove zeros), so the mark alone does not
    say that there is anybody. ``..``, ``*``, ``x`` and their like say nothing: 0 to infinity.

    Parameters
    ----------
    marks : own marks of the publisher with the counts that they stand for; they come first.
    """
    plain = comparable(text)
    if marks and plain in marks:
        return (*marks[plain], True)
    if plain in _OPEN_MARKS:
        return 0.0, np.inf, True
    plain = "".join(str(unicodedata.digit(c)) if c.isdecimal() else c for c in plain)
    if found := _PLAIN.fullmatch(plain):
        return float(found[1]), float(found[1]), False
    if _GROUPED.fullmatch(plain):
        number = float(re.sub(r"\D", "", plain))
        return number, number, False
    if found := _LESS.fullmatch(plain):
        return 0.0, max(0.0, float(found[1]) - 1), True
    if found := _MOST.fullmatch(plain):
        return 0.0, float(found[1]), True
    if (found := _RANGE.fullmatch(plain)) and int(found[1]) < int(found[2]):
        return float(found[1]), float(found[2]), True
    return None


_TOTALS = frozenset(
    comparable(text)
    for words in (
        f"{TOTAL}|total|totals|grand total|all|all ages|all sexes|both sexes|both|overall|sum|all countries|all forms",
        "all years|world|totaux|ensemble|tous|toutes|les deux sexes|tous les âges|total général|monde",
        "todos|todas|ambos sexos|ambos|todas las edades|total general|mundo",
        "всего|итого|все|оба пола|все возрасты|общее|мир",
        "المجموع|الإجمالي|اجمالي|الكل|كلا الجنسين|جميع الأعمار|المجموع الكلي",
        "合计|总计|总数|共计|小计|全部|所有|男女合计|不分性别",
    )
    for text in words.split("|")
)


@dataclass(frozen=True)
class ForeignTable:
    """A published table in long form, and how it was read.

    ``frame`` has the dimensions' columns (text as published; :data:`TOTAL` for a total), then ``lower``, ``upper``
    (persons, inclusive; upper may be infinite), ``withheld`` (bool) and ``mark`` (the text, where withheld).
    ``layout`` is "long" or "wide" (a cross-tab, whose column names became the dimension ``column``).
    """

    name: str
    layout: str
    dims: tuple[str, ...]
    count: tuple[str, ...]
    dropped: tuple[str, ...]
    frame: pd.DataFrame


def read_foreign(
    path: Path,
    *,
    count: Sequence[str] = (),
    sheet: str | None = None,
    header_row: int | None = None,
    marks: Mapping[str, tuple[float, float]] | None = None,
) -> ForeignTable:
    """Read a table that somebody else published: CSV, XLSX or ODS, long or cross-tabulated.

    Parameters
    ----------
    count : the columns of counts; without it they are found out: whole numbers and withheld marks, no years.
    header_row : where the names of the columns stand; without it the first of the rows with most names.
    marks : see :func:`interval_of`.

    Raises
    ------
    AmparoError : the file is no table, no column holds counts, or a cell of the counts is none.
    """
    told = headers(path, [header_row] if header_row else range(1, 9))
    if not told:
        raise AmparoError("no row holds names of columns.", remedy="Say which: --header-row N.", where=str(path))
    named = {row: sum(not re.fullmatch(r"column \d+", name) for name in names) for row, names in told.items()}
    row = min(named, key=lambda r: (-named[r], r))
    source = open_list(path, Crosswalk(name="", unit="aggregate", header_row=row, sheet=sheet))
    batches = [batch.to_pandas()[list(source.columns)] for batch in source.batches]
    if source.broken:
        raise AmparoError(source.broken[0].reason + ".", where=f"{path}, row {source.broken[0].row}",
                          remedy="Correct the row; a table with rows left out cannot be judged.")  # fmt: skip
    texts = pd.concat(batches, ignore_index=True).fillna("").apply(lambda column: column.str.strip())
    own = {comparable(text): bounds for text, bounds in (marks or {}).items()}
    counts = _count_columns(path, texts, count, own)
    others = [name for name in texts.columns if name not in counts]
    return _long(path, texts, others, counts, own)


def _count_columns(
    path: Path, texts: pd.DataFrame, given: Sequence[str], marks: Mapping[str, tuple[float, float]]
) -> list[str]:
    if absent := [name for name in given if name not in texts]:
        raise AmparoError(
            f"there is no column {absent[0]!r}.", remedy=f"Its columns: {', '.join(map(str, texts))}.", where=str(path)
        )
    if given:
        return list(given)
    found: list[str] = []
    for name in map(str, texts):
        filled = Counter(texts.loc[texts[name] != "", name])
        read = {text: interval_of(text, marks) for text in filled}
        good = sum(n for text, n in filled.items() if read[text] is not None)
        shown = [r[0] for r in read.values() if r is not None and not r[2]]
        if not filled or good < 0.98 * filled.total() or not shown:
            continue
        is_year = all(1900 <= value <= 2100 for value in shown) and not any(r and r[2] for r in read.values())
        if not is_year:
            found.append(name)
    withholding = [
        name for name in found if any((r := interval_of(t, marks)) and r[2] for t in texts[name].unique() if t)
    ]
    if not withholding:
        raise AmparoError(
            "no column holds counts of which some are withheld.",
            where=str(path),
            remedy="If there is one, name it with --count COLUMN, and its marks with --mark TEXT=LOW..HIGH.",
        )
    return found


def _long(
    path: Path,
    texts: pd.DataFrame,
    others: Sequence[str],
    counts: Sequence[str],
    marks: Mapping[str, tuple[float, float]],
) -> ForeignTable:
    wide = len(counts) > 1
    melted = texts.melt(id_vars=list(others), value_vars=list(counts), var_name="column", value_name="\0count")
    melted = melted[melted["\0count"] != ""].reset_index(drop=True)
    dims = [*others, "column"] if wide else list(others)
    read = {text: interval_of(text, marks) for text in melted["\0count"].unique()}
    if wrong := [text for text, found in read.items() if found is None]:
        raise AmparoError(
            f"{wrong[0]!r} is neither a whole number nor a known mark of a withheld one.",
            where=f"{path}, column {', '.join(counts)}",
            remedy=f"Say what it stands for: --mark '{wrong[0]}=LOW..HIGH'.",
        )
    frame = melted[dims].map(lambda text: TOTAL if comparable(text) in _TOTALS else text)
    dims, dropped = _dimensions(frame)
    frame = frame[dims].copy()
    values = [found for text in melted["\0count"] if (found := read[text]) is not None]
    frame["lower"], frame["upper"], frame["withheld"] = zip(*values, strict=True)
    frame["mark"] = melted["\0count"].where(frame["withheld"], "")
    return ForeignTable(path.name, "wide" if wide else "long", tuple(dims), tuple(counts), tuple(dropped), frame)


def _dimensions(frame: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Columns that make a cell; those that are constant, or follow from another column, are none."""
    names = [str(name) for name in frame]
    codes = {name: pd.factorize(frame[name])[0] for name in names}
    sizes = {name: int(codes[name].max()) + 1 for name in names}
    dims = [name for name in names if sizes[name] > 1]
    for name in sorted(dims, key=lambda n: (sizes[n], dims.index(n))):
        if (frame[name] == TOTAL).any():
            continue
        for other in dims:
            pairs = len(np.unique(codes[other].astype(np.int64) * sizes[name] + codes[name]))
            finer = sizes[other] > sizes[name] or (sizes[other] == sizes[name] and dims.index(other) < dims.index(name))
            if other != name and finer and pairs == sizes[other] and sizes[other] < len(frame):
                dims = [d for d in dims if d != name]
                break
    return dims, [name for name in names if name not in dims]


# --- sums --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Sums:
    """All sums that the table could contain, over variables: one a row of the table, then one an unshown margin.

    A sum is ``whole - parts``, in triplets (``sum``, ``variable``, ``sign``).
    """

    lower: Floats
    upper: Floats
    shown: Bools
    sum: Ints
    variable: Ints
    sign: Ints
    pattern: Ints
    patterns: tuple[tuple[str, str], ...]  # the dimension summed over; the pattern in words
    only_unknown: Bools
    words: Callable[[int], str]

    @property
    def size(self) -> int:
        return len(self.pattern)


def _sums(table: ForeignTable) -> _Sums:
    """Find each total of each dimension with its parts.

    Rows under one and the same key are several parts whose label was lost: as part or total, their sum counts. Margins
    that are not shown are variables too, so that a grand total is tied to its finest parts.
    """
    names, columns = _axes(table)
    labels = [np.unique(column) for column in columns]
    # 0 is the total; others count from 1.
    codes = []
    for column, known in zip(columns, labels, strict=True):
        order = np.concatenate([known[known == TOTAL], known[known != TOTAL]])
        position = {text: at + (0 if (known == TOTAL).any() else 1) for at, text in enumerate(order.tolist())}
        codes.append(np.array([position[text] for text in column.tolist()], dtype=np.int64))
    labels = [np.concatenate([[TOTAL], known[known != TOTAL]]) for known in labels]
    key = np.column_stack(codes) if codes else np.zeros((len(table.frame), 0), dtype=np.int64)
    margins = [j for j in range(len(names)) if (key[:, j] == 0).any() and (key[:, j] != 0).any()]
    if not margins:
        raise AmparoError(
            "no column holds totals, so nothing can be worked out from them.",
            where=table.name,
            remedy="Audit it together with the tables that show its totals, in one file.",
        )
    every = [key]
    for size in range(1, len(margins) + 1):
        for over in combinations(margins, size):
            projected = key.copy()
            projected[:, over] = 0
            every.append(projected)
    cells, inverse = np.unique(np.vstack(every), axis=0, return_inverse=True)
    row_cell = inverse.reshape(-1)[: len(key)]
    shown_cell = np.zeros(len(cells), dtype=np.bool_)
    shown_cell[row_cell] = True
    unshown = np.flatnonzero(~shown_cell)
    variable_cell = np.concatenate([row_cell, unshown])
    by_cell = np.argsort(variable_cell, kind="stable")
    first = np.searchsorted(variable_cell[by_cell], np.arange(len(cells) + 1))

    lower = np.concatenate([table.frame["lower"].to_numpy(np.float64), np.zeros(len(unshown))])
    upper = np.concatenate([table.frame["upper"].to_numpy(np.float64), np.full(len(unshown), np.inf)])
    shown = np.arange(len(lower)) < len(key)
    unknown = [_unknown_codes(known) for known in labels]
    breakdown = [
        np.array([text.split(_JOINT)[0] if _JOINT in text else "" for text in known.tolist()]) for known in labels
    ]
    split = [
        j for j in range(len(names)) if j not in margins and 1 < len(np.unique(key[:, j])) <= 10
    ]  # few values, such as indicators: each may be counted in its own way

    strides = np.concatenate([[1], np.cumprod([len(known) + 1 for known in labels])])[: len(names)].astype(np.int64)
    encoded = cells @ strides
    sorter = np.argsort(encoded, kind="stable")
    triplets: list[tuple[Ints, Ints, Ints]] = []
    patterns: dict[tuple[str, str], int] = {}
    pattern_of: list[int] = []
    only: list[bool] = []
    whole_of: list[int] = []
    for j, within in [(j, within) for j in margins for within in (False, True)]:
        # A breakdown's own total is no part of the grand total; where it is shown, the breakdown's parts add up to it.
        subtotal = np.array([text.endswith(_JOINT + TOTAL) for text in labels[j].tolist()])
        parts = np.flatnonzero((cells[:, j] != 0) & ~subtotal[cells[:, j]])
        target = np.zeros(len(labels[j]), dtype=np.int64)
        if within:
            code_of = {text: code for code, text in enumerate(labels[j].tolist())}
            own_total = (text.split(_JOINT)[0] + _JOINT + TOTAL for text in labels[j].tolist())
            target = np.array([code_of.get(text, 0) for text in own_total], dtype=np.int64)
            parts = parts[target[cells[parts, j]] != 0]
        whole_code = encoded[parts] + (target[cells[parts, j]] - cells[parts, j]) * strides[j]
        place = np.minimum(np.searchsorted(encoded[sorter], whole_code), len(sorter) - 1)
        there = encoded[sorter[place]] == whole_code
        parts, whole = parts[there], sorter[place[there]]
        if not len(parts):
            continue
        group = np.unique(breakdown[j], return_inverse=True)[1][cells[parts, j]]
        family, sum_of = np.unique(np.column_stack([whole, group]), axis=0, return_inverse=True)
        sum_of = sum_of.reshape(-1)
        start, breakdowns = len(pattern_of), np.unique(breakdown[j])
        is_known = np.zeros(len(family), dtype=np.bool_)
        np.logical_or.at(is_known, sum_of, ~unknown[j][cells[parts, j]])
        for at, (cell, kind) in enumerate(family.tolist()):
            said = _pattern_words(names, labels, cells[cell], j, margins, split, str(breakdowns[kind]), within)
            pattern_of.append(patterns.setdefault((names[j], said), len(patterns)))
            # Those of unknown sex who are not shown are some of those of unknown sex and age.
            only.append(not is_known[at] and not shown_cell[cell])
            whole_of.append(cell)
        for cell_ids, sums_, sign in (
            (family[:, 0], np.arange(len(family)), 1),
            (parts, sum_of, -1),
        ):
            lengths = first[cell_ids + 1] - first[cell_ids]
            repeated = np.repeat(sums_, lengths)
            offsets = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
            variables = by_cell[np.repeat(first[cell_ids], lengths) + offsets]
            triplets.append((repeated + start, variables, np.full(len(variables), sign, dtype=np.int64)))
    sums_, variables, signs = (np.concatenate(arrays) for arrays in zip(*triplets, strict=True))

    def words(sum_: int) -> str:
        cell = cells[whole_of[sum_]]
        said = [f"{n} {labels[j][cell[j]]}" for j, n in enumerate(names) if cell[j]]
        return f"sum over {list(patterns)[pattern_of[sum_]][0]}: " + (", ".join(said) or "grand total").replace(
            _JOINT, ": "
        )

    return _Sums(
        lower, upper, shown, sums_, variables, signs, np.array(pattern_of, dtype=np.int64), tuple(patterns),
        np.array(only, dtype=np.bool_), words,
    )  # fmt: skip


_JOINT = "\0"


def _axes(table: ForeignTable) -> tuple[list[str], list[npt.NDArray[np.object_]]]:
    """The dimensions; two columns that are total in the same rows, one naming the breakdown of the other, are one."""
    columns = {name: table.frame[name].to_numpy(dtype=object) for name in table.dims}
    for outer, inner in combinations(table.dims, 2):
        for a, b in ((outer, inner), (inner, outer)):
            if a not in columns or b not in columns:
                continue
            total = columns[a] == TOTAL
            other = columns[b] == TOTAL
            # The inner one may be total within a breakdown too, rarely; else these are two dimensions.
            if not total.any() or total.all() or (total & ~other).any() or (~total & other).mean() > 0.05:
                continue
            inside = ~total & ~other
            pairs = set(zip(columns[a][inside].tolist(), columns[b][inside].tolist(), strict=True))
            inner_codes, outer_codes = {y for _, y in pairs}, {x for x, _ in pairs}
            if len(outer_codes) <= len(inner_codes) and len(pairs) <= 1.5 * len(inner_codes):
                joint = [
                    TOTAL if t else f"{x}{_JOINT}{y}" for t, x, y in zip(total, columns[a], columns[b], strict=True)
                ]
                columns[f"{a}/{b}"] = np.array(joint, dtype=object)
                del columns[a], columns[b]
    return list(columns), list(columns.values())


def _unknown_codes(labels: npt.NDArray[np.object_]) -> Bools:
    known = codes_by_label("aggregate_sex")
    said = [known.get(comparable(text.split(_JOINT)[-1])) == UNKNOWN for text in labels.tolist()]
    return np.array(said, dtype=np.bool_)


def _pattern_words(
    names: Sequence[str],
    labels: Sequence[npt.NDArray[np.object_]],
    cell: Ints,
    over: int,
    margins: Sequence[int],
    split: Sequence[int],
    breakdown: str,
    within: bool,
) -> str:
    said = [f"over {names[over]}" + (f" ({breakdown}{', its own total' if within else ''})" if breakdown else "")]
    for j in margins:
        if j != over:
            text = str(labels[j][cell[j]])
            kind = "total" if not cell[j] else text.split(_JOINT)[0] if _JOINT in text else "given"
            said.append(f"{names[j]} {kind}")
    return "; ".join([*said, *(f"{names[j]} {labels[j][cell[j]]}" for j in split)])


# --- how far a pattern can be relied on --------------------------------------------------------------------


def _judged(sums: _Sums) -> pd.DataFrame:
    """One row per pattern: how many of its sums could be checked, held, fell short, exceeded; what it is good for.

    ``sure`` and ``likely`` are "adds up", "at most" (parts never exceed the total) or "" in each reading.
    """
    n, k = sums.size, len(sums.patterns)
    exact = sums.lower == sums.upper
    terms = np.bincount(sums.sum, minlength=n)
    all_exact = np.bincount(sums.sum, weights=exact[sums.variable], minlength=n) == terms
    all_shown = np.bincount(sums.sum, weights=sums.shown[sums.variable], minlength=n) == terms
    low, high = _activity(sums, sums.lower, sums.upper)
    exceeds, short = all_shown & (high < 0), all_shown & (low > 0)

    def per_pattern(which: Bools) -> Ints:
        return np.bincount(sums.pattern[which], minlength=k).astype(np.int64)

    judged = pd.DataFrame(
        {
            "over": [over for over, _ in sums.patterns],
            "pattern": [words for _, words in sums.patterns],
            "sums": per_pattern(~sums.only_unknown),
            "checked": per_pattern(all_exact),
            "held": per_pattern(all_exact & (low == 0)),
            "exceeded": per_pattern(all_exact & exceeds),
            "contradicted": per_pattern(exceeds | short),
            "exceeded_surely": per_pattern(exceeds),
        }
    )
    pooled = judged.groupby("over")[["checked", "held", "exceeded", "contradicted", "exceeded_surely"]].transform("sum")
    few = (judged["checked"] < FEWEST_CHECKS).to_numpy()
    by = {name: np.where(few & (judged["contradicted"] == 0), pooled[name], judged[name]) for name in pooled}
    by = {name: np.asarray(values, dtype=np.float64) for name, values in by.items()}
    # A pattern that cannot be checked at all, in a table that nowhere contradicts it, is taken at its word.
    share = np.where(by["checked"] > 0, by["held"] / np.maximum(by["checked"], 1), by["contradicted"] == 0)
    within = np.where(by["checked"] > 0, 1 - by["exceeded"] / np.maximum(by["checked"], 1), by["exceeded_surely"] == 0)
    judged["share"] = share
    judged["sure"] = np.select([by["contradicted"] == 0, by["exceeded_surely"] == 0], ["adds up", "at most"], "")
    judged["likely"] = np.select([share >= USUAL, within >= USUAL], ["adds up", "at most"], "")
    return judged.drop(columns=["exceeded_surely"])


def _activity(sums: _Sums, lower: Floats, upper: Floats) -> tuple[Floats, Floats]:
    """Smallest and largest value of each ``whole - parts``."""
    at_least = np.where(sums.sign > 0, lower[sums.variable], -upper[sums.variable])
    at_most = np.where(sums.sign > 0, upper[sums.variable], -lower[sums.variable])
    return added(sums.sum, at_least, sums.size), added(sums.sum, at_most, sums.size)


# --- what follows ---------------------------------------------------------------------------------------------


def _system(sums: _Sums, use: Sequence[str]) -> tuple[System, Ints]:
    """The sums that a reading uses, and their numbers among all sums."""
    kind = np.array(use, dtype=object)[sums.pattern]
    used = np.flatnonzero((kind != "") | sums.only_unknown)
    low = np.where(sums.only_unknown[used], -np.inf, 0.0)
    high = np.where((kind[used] == "at most") & ~sums.only_unknown[used], np.inf, 0.0)
    row = np.full(sums.size, -1, dtype=np.int64)
    row[used] = np.arange(len(used))
    keep = row[sums.sum] >= 0
    shape = (len(used), len(sums.lower))
    entries = (sums.sign[keep].astype(np.float64), (row[sums.sum[keep]], sums.variable[keep]))
    return System(coo_array(entries, shape=shape).tocsr(), low, high), used


# --- the audit ---------------------------------------------------------------------------------------------

READINGS = ("sure", "likely")


@dataclass(frozen=True)
class Exposure:
    """How many withheld cells an outsider works out, in one reading of the sums.

    ``exact``: one count is left. ``within_one``: two are. ``narrowed``: fewer than the mark says, but more than two.
    ``own``: all counts of the mark. Cells whose mark itself leaves no more than two counts are ``own``.
    ``exact_beside``, ``within_one_beside``: those of them in a connected part from which a sum was set aside, so
    that they hang on the choice of that sum.
    """

    withheld: int
    exact: int
    within_one: int
    narrowed: int
    own: int
    exact_beside: int
    within_one_beside: int
    set_aside: int


@dataclass(frozen=True)
class ForeignAudit:
    """What a published table gives away.

    ``patterns``: one row per pattern of margins: ``over``, ``pattern``, ``sums``, ``checked``, ``held``, ``exceeded``,
    ``contradicted``, ``share``, ``sure``, ``likely`` (see :func:`_judged`), and for each reading the withheld cells
    that it gives away by itself: ``sure_exact``, ``sure_within_one``, ``likely_exact``, ``likely_within_one``.
    ``cells``: one row per withheld cell: its codes, ``mark``, and per reading ``..._width`` (largest less smallest
    count) and ``..._by`` (the pattern, or "several together"). ``derived``: the counts, in the same order; they are
    kept apart because they must not be shown by default. ``set_aside``: the sums that were dropped, per reading.
    """

    table: ForeignTable
    exposure: Mapping[str, Exposure]
    patterns: pd.DataFrame
    cells: pd.DataFrame
    derived: pd.DataFrame
    set_aside: pd.DataFrame


SEVERAL = "several together"


def audit_foreign(table: ForeignTable, *, progress: Progress = silent) -> ForeignAudit:
    """Attack a published table with nothing but its own totals.

    Parameters
    ----------
    progress : is told in words what is being done.

    Raises
    ------
    AmparoError : the table has no totals.
    """
    progress("finding the sums")
    sums = _sums(table)
    patterns = _judged(sums)
    withheld = np.zeros(len(sums.lower), dtype=np.bool_)
    withheld[: len(table.frame)] = table.frame["withheld"].to_numpy()
    rows = np.flatnonzero(withheld)
    cells = table.frame.loc[rows, [*table.dims, "mark"]].reset_index(drop=True)
    derived = pd.DataFrame(index=cells.index)
    exposure: dict[str, Exposure] = {}
    dropped: list[tuple[str, str]] = []
    found: dict[tuple[str, ...], _Reading] = {}
    for reading in READINGS:
        use = tuple(patterns[reading])
        if use not in found:
            found[use] = _read(sums, patterns, use, withheld, progress)
        of = found[use]
        width, own = (of.upper - of.lower)[rows], (sums.upper - sums.lower)[rows]
        by, alone = _given_away_by(sums, of, patterns, rows)
        for name, fits in (("exact", width == 0), ("within_one", width == 1)):
            patterns[f"{reading}_{name}"] = (alone & (fits & (own > 1))[:, None]).sum(axis=0)
        cells[f"{reading}_width"] = width
        cells[f"{reading}_by"] = by
        derived[f"{reading}_lower"], derived[f"{reading}_upper"] = of.lower[rows], of.upper[rows]
        exposure[reading] = _exposure(width, own, of.beside[rows], len(of.set_aside))
        dropped += [(reading, sums.words(int(s))) for s in of.set_aside]
    aside = pd.DataFrame(dropped, columns=["reading", "sum"])
    return ForeignAudit(table, exposure, patterns, cells, derived, aside)


@dataclass(frozen=True)
class _Reading:
    """What follows from the sums of one reading, those that contradict others set aside."""

    system: System
    of_row: Ints
    lower: Floats
    upper: Floats
    beside: Bools  # in one connected part with a sum that was set aside
    set_aside: Ints


def _read(sums: _Sums, patterns: pd.DataFrame, use: Sequence[str], withheld: Bools, progress: Progress) -> _Reading:
    system, of_row = _system(sums, use)
    rank = patterns["share"].to_numpy()[sums.pattern[of_row]]
    out = set_aside(system, sums.lower, sums.upper, rank, progress)
    part = connected_parts(system, len(sums.lower))
    beside = np.isin(part, part[system.matrix[np.flatnonzero(out)].indices])
    used = without(system, out)
    lower, upper = whole_bounds(used, sums.lower, sums.upper, withheld, progress)
    return _Reading(used, of_row[~out], lower, upper, beside, of_row[out])


def _exposure(width: Floats, own: Floats, beside: Bools, set_aside: int) -> Exposure:
    opened = own > 1
    exact, one = opened & (width == 0), opened & (width == 1)
    return Exposure(
        withheld=len(width),
        exact=int(exact.sum()),
        within_one=int(one.sum()),
        narrowed=int((opened & (width > 1) & (width < own)).sum()),
        own=int((~opened | (width == own)).sum()),
        exact_beside=int((exact & beside).sum()),
        within_one_beside=int((one & beside).sum()),
        set_aside=set_aside,
    )


def _given_away_by(sums: _Sums, reading: _Reading, patterns: pd.DataFrame, rows: Ints) -> tuple[list[str], Bools]:
    """For each withheld cell the patterns that by themselves give its interval; sums of one pattern share no cell."""
    system, width = reading.system, reading.upper - reading.lower
    entries = system.matrix.tocoo()
    row, col = entries.row.astype(np.int64), entries.col.astype(np.int64)
    low, high = one_pass(
        row, col, entries.data > 0, system.matrix.shape[0], system.low, system.high, sums.lower, sums.upper
    )
    alone = np.minimum(high, sums.upper[col]) - np.maximum(low, sums.lower[col])
    told = (alone <= width[col]) & (width[col] < (sums.upper - sums.lower)[col])
    position = np.full(len(sums.lower), -1, dtype=np.int64)
    position[rows] = np.arange(len(rows))
    keep = told & (position[col] >= 0)
    gives = np.zeros((len(rows), len(patterns)), dtype=np.bool_)
    gives[position[col[keep]], sums.pattern[reading.of_row[row[keep]]]] = True
    words = patterns["pattern"].to_numpy(dtype=object)
    narrowed = width[rows] < (sums.upper - sums.lower)[rows]
    first = gives.argmax(axis=1)
    by = [
        "" if not n else str(words[f]) if any_ else SEVERAL
        for n, f, any_ in zip(narrowed, first, np.any(gives, axis=1).tolist(), strict=True)
    ]
    return by, gives
