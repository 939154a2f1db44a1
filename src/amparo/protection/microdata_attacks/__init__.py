"""Attacks on released microdata, tried before an outsider does: see :func:`attack`."""

from amparo.protection.microdata_attacks.material import Material, prepare
from amparo.protection.microdata_attacks.outcomes import Outcome, Tally
from amparo.protection.microdata_attacks.report import AttackReport, attack, attack_figure
from amparo.protection.microdata_attacks.uniqueness import k_anonymity, rare_combinations

__all__ = [
    "AttackReport",
    "Material",
    "Outcome",
    "Tally",
    "attack",
    "attack_figure",
    "k_anonymity",
    "prepare",
    "rare_combinations",
]
