"""The released microdata, and the one way to them.

What the seal holds and what it cannot is said in ``amparo.protection.release``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field
from types import MappingProxyType
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from amparo.protection.microdata import aim, k_anonymity, pacsynth, words
from amparo.protection.microdata.noise import rho_for
from amparo.protection.microdata.private import PrivateMicrodata
from amparo.standard.errors import AmparoError

_SEAL = object()


@dataclass(frozen=True)
class KAnonymity:
    """Real records with single values withheld. ``keys``: quasi-identifiers; by default every column."""

    k: int
    keys: tuple[str, ...] | None = None


@dataclass(frozen=True)
class PacSynth:
    """Synthetic records by pac-synth; ``delta`` by default 1 / (n ln n), as pac-synth has it."""

    epsilon: float
    delta: float | None = None


@dataclass(frozen=True)
class Aim:
    """Synthetic records by AIM, as many as there are persons; ``delta`` by default 1 / (n ln n)."""

    epsilon: float
    delta: float | None = None


Method = KAnonymity | PacSynth | Aim

METHODS = ("k-anonymity:10", "aim:4", "pac-synth:4")
"""One example of each method that ``parse_method`` reads."""


def parse_method(text: str) -> Method:
    """A method from the way people write it: ``k-anonymity:k``, ``aim:epsilon`` or ``pac-synth:epsilon``.

    Raises
    ------
    AmparoError : it is none of these.
    """
    name, _, number = text.replace(" ", "").partition(":")
    if name == "k-anonymity" and re.fullmatch(r"[1-9]\d*", number) and int(number) > 1:
        return KAnonymity(int(number))
    if name in ("aim", "pac-synth") and re.fullmatch(r"\d*\.?\d+", number) and float(number) > 0:
        return Aim(float(number)) if name == "aim" else PacSynth(float(number))
    raise AmparoError(f"Unknown method: {text!r}.", remedy=f"Write it as one of: {'; '.join(METHODS)}.")


def _unsealed() -> NoReturn:
    raise TypeError("ReleasedMicrodata are made by amparo.protection.microdata.release_microdata, and in no other way.")


@dataclass(frozen=True, eq=False)
class ReleasedMicrodata:
    """Records that may be shown to anybody.

    ``frame`` has string codes, null where withheld or not recorded; each look gives a copy. ``epsilon`` and
    ``delta`` are None where nothing of the kind is promised (k-anonymity). ``words`` must stand beside the file.

    Raises
    ------
    TypeError : when made outside protection.
    """

    method: str
    epsilon: float | None
    delta: float | None
    words: tuple[str, ...]
    provenance: Mapping[str, str]
    _frame: pd.DataFrame = field(repr=False)
    seal: InitVar[object] = None

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            _unsealed()

    def __init_subclass__(cls) -> None:
        _unsealed()

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        _unsealed()

    def __len__(self) -> int:
        return len(self._frame)

    @property
    def frame(self) -> pd.DataFrame:
        """A copy of the records."""
        return self._frame.copy()


def release_microdata(
    private: PrivateMicrodata, *, method: Method, provenance: Mapping[str, str], seed: int
) -> ReleasedMicrodata:
    """Protect the records by a method, and only then release them.

    Parameters
    ----------
    provenance : version, inputs' SHA-256, date: whatever says where the records came from.
    seed : of what follows the noise (``Aim``). The noise has no seed, so two releases differ, and each costs anew.

    Raises
    ------
    TypeError : something other than PrivateMicrodata or a method came in.
    AmparoError : the method cannot be carried out as asked.
    """
    if not isinstance(private, PrivateMicrodata):
        raise TypeError(f"Expected PrivateMicrodata, got {type(private).__name__}.")
    match method:
        case KAnonymity():
            return _by_suppression(private, method, provenance)
        case PacSynth():
            return _by_pac_synth(private, method, provenance)
        case Aim():
            return _by_aim(private, method, provenance, seed)
        case _:
            raise TypeError(f"Expected KAnonymity, PacSynth or Aim, got {type(method).__name__}.")


def _by_suppression(private: PrivateMicrodata, method: KAnonymity, provenance: Mapping[str, str]) -> ReleasedMicrodata:
    keys = tuple(private.categories) if method.keys is None else method.keys
    names = list(private.categories)
    for key in keys:
        if key not in names:
            raise AmparoError("The key is not a column.", where=key, remedy=f"Use some of: {', '.join(names)}.")
    if not keys or len(set(keys)) != len(keys):
        raise AmparoError("There is no key, or one twice.", remedy="Name each quasi-identifier once.")
    places = [names.index(key) for key in keys]
    shape = np.array(private.shape)
    codes = private.codes()
    known = np.where(codes[:, places] == shape[places] - 1, k_anonymity.WITHHELD, codes[:, places]).astype(np.int16)
    safe = k_anonymity.suppress(known, method.k)
    if k_anonymity.smallest(safe) < method.k:
        raise AmparoError("Some combination is still rare after suppression.", remedy="Report this fault of Amparo.")
    values, left = int((known != k_anonymity.WITHHELD).sum()), int((safe != k_anonymity.WITHHELD).sum())
    codes[:, places] = np.where(safe == k_anonymity.WITHHELD, shape[places] - 1, safe)
    # The order in which records came in may tell who is who.
    frame = private.decode(codes[np.lexsort(codes.T[::-1])])
    others = [name for name in names if name not in keys]
    text = words.of_k_anonymity(method.k, keys, others, values - left, values)
    return _seal(f"{method.k}-anonymity by local suppression", None, None, text + private.notes, provenance, frame)


def _by_pac_synth(private: PrivateMicrodata, method: PacSynth, provenance: Mapping[str, str]) -> ReleasedMicrodata:
    delta = delta_for(private, method.delta)
    rho_for(method.epsilon, delta)  # refuses what makes no sense
    frame = pacsynth.synthesise(private, method.epsilon, delta)
    broken = int((~private.possible(private.coded(frame))).sum())
    text = words.of_pac_synth(len(private), len(frame), broken, method.epsilon, delta)
    return _seal("pac-synth", method.epsilon, delta, text + private.notes, provenance, frame)


def _by_aim(private: PrivateMicrodata, method: Aim, provenance: Mapping[str, str], seed: int) -> ReleasedMicrodata:
    delta = delta_for(private, method.delta)
    rho = rho_for(method.epsilon, delta)
    made = aim.synthesise(private.records(), rho, possible=private.possible, seed=seed)
    text = words.of_aim(len(private), method.epsilon, delta, list(private.categories), made.answers)
    return _seal("AIM", method.epsilon, delta, text + private.notes, provenance, private.decode(made.rows))


def delta_for(private: PrivateMicrodata, asked: float | None) -> float:
    """The delta of a release: as asked for, by default 1 / (n ln n), pac-synth's own.

    Raises
    ------
    AmparoError : it is 1 / n or more.
    """
    number = max(len(private), 3)
    delta = 1 / (number * math.log(number)) if asked is None else asked
    if delta >= 1 / number:
        raise AmparoError(
            f"Delta {delta:g} is not below 1 / {number} records.",
            remedy="Leave it out; at that size whole records of some persons could be published.",
        )
    return delta


def _seal(
    method: str,
    epsilon: float | None,
    delta: float | None,
    text: tuple[str, ...],
    provenance: Mapping[str, str],
    frame: pd.DataFrame,
) -> ReleasedMicrodata:
    return ReleasedMicrodata(
        method, epsilon, delta, text, MappingProxyType(dict(provenance)), frame.reset_index(drop=True), seal=_SEAL
    )
