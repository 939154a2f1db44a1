"""Protection: private tables and records become releases here, are attacked here, and stand in the ledger before
anything is written; there is no other way out.

Records are in ``amparo.protection.microdata``, and the attack reports in ``table_attack`` and ``microdata_attacks``:
who reads a ledger need not wait for them to load.
"""

from amparo.protection.audit import feasible_bounds
from amparo.protection.foreign import audit_foreign, read_foreign
from amparo.protection.ledger import (
    Cleared,
    Ledger,
    RefusedError,
    already_public,
    budget,
    enter,
    enter_microdata,
    set_budget,
    verify,
)
from amparo.protection.release import Release, ReleasedTable, Rule, parse_rule, release, republish

__all__ = [
    "Cleared",
    "Ledger",
    "RefusedError",
    "Release",
    "ReleasedTable",
    "Rule",
    "already_public",
    "audit_foreign",
    "budget",
    "enter",
    "enter_microdata",
    "feasible_bounds",
    "parse_rule",
    "read_foreign",
    "release",
    "republish",
    "set_budget",
    "verify",
]
