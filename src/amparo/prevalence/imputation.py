"""One estimate from many plausible linkages.

Lists are linked with error, so the capture table is itself uncertain. Each linkage drawn from its posterior gives a
table and an estimate; what they say together has the spread within them and the spread between them.

The dark figure is combined on its logarithm, on which its intervals are about symmetrical: within-variance from each
estimate's own 95 % interval, total variance W + (1 + 1/M) B, limits by Student's t.

Source: Rubin (1987), Multiple Imputation for Nonresponse in Surveys, sec. 3.1; for linkage and population size, Sadinle
(2018), Annals of Applied Statistics 12, 1013-1038.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from scipy.special import stdtrit

from amparo.prevalence.result import Estimate
from amparo.prevalence.table import CaptureTable
from amparo.standard.errors import AmparoError

LEVEL = 0.95
Z = 1.959963984540054


def combined(
    tables: Sequence[CaptureTable], estimate: Callable[[CaptureTable], Estimate], *, levels: Sequence[float]
) -> Estimate:
    """Estimate each imputed table and combine.

    Parameters
    ----------
    tables : one for each plausible linkage, two or more.
    estimate : what to do with one of them; must give a 95 % interval.

    Returns
    -------
    As ``estimate`` gives for one table; ``observed`` is the median number of persons seen, ``diagnostics`` tells the
    share of variance that is due to linking.

    Raises
    ------
    AmparoError : fewer than two tables.
    """
    if len(tables) < 2:
        raise AmparoError("One linkage alone cannot tell how uncertain linking is.", remedy="Give two draws or more.")
    found = [estimate(table) for table in tables]
    unseen = np.array([max(one.dark_figure, 0.5) for one in found])
    limits = np.array([[max(limit - one.observed, 0.5) for limit in one.interval(LEVEL)] for one in found])
    within = float((((np.log(limits[:, 1]) - np.log(limits[:, 0])) / (2 * Z)) ** 2).mean())
    between = float(np.log(unseen).var(ddof=1))
    draws = len(found)
    total = within + (1 + 1 / draws) * between
    freedom = (draws - 1) * (1 + within / ((1 + 1 / draws) * max(between, 1e-12))) ** 2
    centre, spread = float(np.log(unseen).mean()), float(np.sqrt(total))
    observed = round(float(np.median([one.observed for one in found])))

    def interval(level: float) -> tuple[float, float]:
        reach = float(stdtrit(freedom, (1 + level) / 2)) * spread
        return observed + float(np.exp(centre - reach)), observed + float(np.exp(centre + reach))

    models = sorted({one.model for one in found}, key=lambda model: -sum(one.model == model for one in found))
    warnings = dict.fromkeys(warning for one in found for warning in one.warnings)
    return replace(
        found[0],
        estimate=observed + float(np.exp(centre)),
        observed=observed,
        intervals={level: interval(level) for level in levels},
        model=models[0] if len(models) == 1 else f"{models[0]} (and {len(models) - 1} other models in other draws)",
        diagnostics={
            "plausible linkages": draws,
            "persons seen, by linkage": f"{min(one.observed for one in found):,} to "
            f"{max(one.observed for one in found):,}",
            "share of variance due to linking": (1 + 1 / draws) * between / total,
        },
        warnings=tuple(warnings),
        source=f"{found[0].source}; linkages combined after Rubin 1987",
    )
