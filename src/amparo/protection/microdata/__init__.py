"""Microdata: private records become releasable ones here, by k-anonymity or by differential privacy."""

from amparo.protection.microdata.private import PrivateMicrodata, spread
from amparo.protection.microdata.release import Aim, KAnonymity, PacSynth, ReleasedMicrodata, release_microdata

__all__ = ["Aim", "KAnonymity", "PacSynth", "PrivateMicrodata", "ReleasedMicrodata", "release_microdata", "spread"]
