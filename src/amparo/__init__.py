"""Amparo: from agencies' lists on trafficking in persons to a published national picture that exposes nobody."""

from importlib.metadata import version

__version__ = version("amparo")
