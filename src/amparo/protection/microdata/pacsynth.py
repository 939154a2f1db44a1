"""Microsoft's pac-synth as it is: the method behind the CTDC Global Synthetic Dataset.

Its noise is its own (Gaussian, in floating point), its neighbours differ by one record more or less, and the number
of records that come back is what its sampling leaves.

Source: Edge, Yang et al. (2020), Design of a privacy-preserving data platform for collaboration against human
trafficking, arXiv:2005.05688; https://github.com/microsoft/synthetic-data-showcase.
"""

from __future__ import annotations

import pacsynth  # type: ignore[import-untyped]
import pandas as pd

from amparo.protection.microdata.private import PrivateMicrodata
from amparo.standard.errors import AmparoError


def synthesise(private: PrivateMicrodata, epsilon: float, delta: float) -> pd.DataFrame:
    """Synthetic records by pac-synth's DP aggregate seeded synthesizer with its default settings.

    What is not recorded goes in empty, as pac-synth expects. A code "0" counts as a value, not as empty.

    Raises
    ------
    AmparoError : it gave up, as it may on few records.
    """
    zeros = [column for column, codes in private.categories.items() if "0" in codes]
    dataset = pacsynth.Dataset.from_data_frame(private.frame, sensitive_zeros=zeros)
    builder = pacsynth.DpAggregateSeededParametersBuilder().epsilon(epsilon).delta(delta)
    synthesizer = pacsynth.DpAggregateSeededSynthesizer(builder.build())
    try:
        synthesizer.fit(dataset)
        header, *rows = synthesizer.sample()
    except BaseException as error:
        # With few records its noise can leave it nothing to draw from, and its Rust code gives up by a panic.
        if type(error).__name__ != "PanicException":
            raise
        raise AmparoError(
            f"pac-synth gave up on {len(private)} records at an epsilon of {epsilon:g}.",
            remedy="Its noise left too little: use more records, a larger epsilon, or AIM.",
        ) from None
    found = pd.DataFrame(rows, columns=header, dtype=object)[list(private.categories)]
    return found.where(found != "", None)
