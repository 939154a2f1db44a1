"""Protection: private tables become releases here, and nowhere else."""

from amparo.protection.audit import feasible_bounds
from amparo.protection.release import Release, ReleasedTable, Rule, release, republish

__all__ = ["Release", "ReleasedTable", "Rule", "feasible_bounds", "release", "republish"]
