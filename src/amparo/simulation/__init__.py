"""The demonstration country: made-up lists with a known truth, for the demo and for tests of bias and coverage."""

from amparo.simulation.country import simulate
from amparo.simulation.knobs import AGENCIES, Knobs
from amparo.simulation.population import Population, populate

__all__ = ["AGENCIES", "Knobs", "Population", "populate", "simulate"]
