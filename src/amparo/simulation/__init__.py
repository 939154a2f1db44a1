"""The demonstration country: made-up lists with a known truth, for the demo and for tests of bias and coverage."""

from amparo.simulation.country import Knobs, simulate

__all__ = ["Knobs", "simulate"]
