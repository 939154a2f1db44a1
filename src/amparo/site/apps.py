"""The desk as Django knows it."""

from __future__ import annotations

from django.apps import AppConfig


class DeskConfig(AppConfig):
    """Tables are called ``desk_…``."""

    name = "amparo.site"
    label = "desk"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect what the sign-in tells to the audit log."""
        from amparo.site import signals  # noqa: F401
