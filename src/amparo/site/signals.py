"""What the sign-in tells the audit log."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.dispatch import receiver

from amparo.site import audit


@receiver(user_logged_in)
def _signed_in(user: Any, **_kwargs: Any) -> None:
    audit.write("signin", user=user)


@receiver(user_login_failed)
def _failed(**_kwargs: Any) -> None:
    """Without the name that was typed: people type passwords into the wrong field."""
    audit.write("signin_failed")
