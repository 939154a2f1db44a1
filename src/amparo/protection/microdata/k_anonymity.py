"""k-anonymity by local suppression: single values are withheld until every combination of keys occurs k times.

Here a withheld or unrecorded value is a value of its own, and each combination so read must occur at least k
times. sdcMicro is milder: there it matches any value, so that ("child", withheld) may hide among five ("child",
Kenya) although whoever knows that the child is from Nigeria finds one record that fits. Here at least k fit.

To withhold the fewest values is NP-hard (Meyerson & Williams 2004). This is a greedy search: of all ways to bring
records of rare combinations together by withholding one key, then two, the one with the fewest values per record
is taken first; records of frequent combinations join where too few are rare. No chance is involved.

Sources: Samarati & Sweeney (1998), Protecting privacy when disclosing information; Sweeney (2002), International
Journal of Uncertainty, Fuzziness and Knowledge-Based Systems 10; Templ, Kowarik & Meindl (2015), Statistical
disclosure control for micro-data using the R package sdcMicro, Journal of Statistical Software 67.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations

import numpy as np
import numpy.typing as npt

from amparo.standard.errors import AmparoError

Codes = npt.NDArray[np.int16]
Combination = tuple[int, ...]
Classes = dict[Combination, list[int]]
WITHHELD = -1
TOGETHER = 2
"""Up to so many keys are tried together before one is withheld without saving its record yet."""


def suppress(codes: Codes, k: int) -> Codes:
    """The keys with WITHHELD in some places, so that every row occurs at least ``k`` times.

    Parameters
    ----------
    codes : shape (records, keys); WITHHELD where nothing is recorded.

    Raises
    ------
    AmparoError : there are fewer than k records, or k is not a whole number of 2 or more.
    """
    if isinstance(k, bool) or not isinstance(k, int) or k < 2:
        raise AmparoError(f"k = {k!r} is not a whole number of 2 or more.", remedy="Give a number such as 10.")
    if len(codes) < k:
        raise AmparoError(f"There are {len(codes)} records, fewer than k = {k}.", remedy="Publish none of them.")
    classes: Classes = defaultdict(list)
    for record, combination in enumerate(codes.tolist()):
        classes[tuple(combination)].append(record)
    while short := [combination for combination, members in classes.items() if 0 < len(members) < k]:
        for size in range(1, TOGETHER + 1):
            if _merge(classes, short, size, k):
                break
        else:
            _retreat(classes, short, k)
    found = codes.copy()
    for combination, members in classes.items():
        found[members] = combination
    return found


def smallest(codes: Codes) -> int:
    """How often the rarest row occurs."""
    return int(np.unique(codes, axis=0, return_counts=True)[1].min())


def _merge(classes: Classes, short: list[Combination], size: int, k: int) -> bool:
    """Bring rare combinations together by withholding ``size`` keys, the cheapest first; whether any could be."""
    rare: dict[Combination, list[Combination]] = defaultdict(list)
    for combination in short:
        for target in _reduced(combination, size):
            rare[target].append(combination)
    donors: dict[Combination, list[Combination]] = defaultdict(list)
    for combination, members in classes.items():
        if len(members) > k:
            for target in _reduced(combination, size):
                if target in rare:
                    donors[target].append(combination)
    ways = []
    for target, sources in rare.items():
        saved = sum(len(classes[source]) for source in sources)
        lacking = max(k - saved - len(classes.get(target, ())), 0)
        if lacking <= sum(len(classes[donor]) - k for donor in donors[target]):
            ways.append(((saved + lacking) / saved, -saved, target))
    merged = False
    for cost, saved_before, target in sorted(ways):
        sources = [source for source in rare[target] if 0 < len(classes[source]) < k]
        saved = sum(len(classes[source]) for source in sources)
        if not saved or (saved != -saved_before and cost > 1):
            continue
        lacking = max(k - saved - len(classes[target]), 0)
        if lacking > sum(max(len(classes[donor]) - k, 0) for donor in donors[target]):
            continue
        for source in sources:
            if source != target:
                classes[target] += classes.pop(source)
        for donor in sorted(donors[target], key=lambda c: (-len(classes[c]), c)):
            given = min(max(len(classes[donor]) - k, 0), lacking)
            classes[target] += [classes[donor].pop() for _ in range(given)]
            lacking -= given
        merged = True
    return merged


def _retreat(classes: Classes, short: list[Combination], k: int) -> None:
    """Withhold one key of each rare combination, the one that leaves the most alike; or fill the last class."""
    alike: dict[Combination, int] = defaultdict(int)
    for combination in short:
        for target in _reduced(combination, 1):
            alike[target] += len(classes[combination])
    moved = False
    for combination in sorted(short):
        targets = list(_reduced(combination, 1))
        if targets:
            best = min(targets, key=lambda target: (-alike[target], target))
            classes[best] += classes.pop(combination)
            moved = True
    if not moved:
        # Fewer than k records have nothing left to withhold: the rarest other combination joins them whole.
        (empty,) = short
        others = [c for c, members in classes.items() if members and c != empty]
        nearest = min(others, key=lambda c: (len(classes[c]) * _recorded(c), c))
        classes[empty] += classes.pop(nearest)


def _reduced(combination: Combination, size: int) -> Iterator[Combination]:
    """The combination with ``size`` of its recorded keys withheld, in all ways."""
    recorded = [place for place, code in enumerate(combination) if code != WITHHELD]
    for places in combinations(recorded, size):
        yield tuple(WITHHELD if place in places else code for place, code in enumerate(combination))


def _recorded(combination: Combination) -> int:
    return sum(code != WITHHELD for code in combination)
