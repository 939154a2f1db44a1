"""How people sign in, on top of django-allauth: nobody makes an account for themselves."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter

from amparo.site import sealing


class Adapter(DefaultAccountAdapter):
    """Accounts are made by the administrator; nothing is sent by mail."""

    def is_open_for_signup(self, _request: Any) -> bool:
        """Never."""
        return False

    def send_mail(self, _template_prefix: str, _email: str, _context: Any) -> None:
        """Nothing leaves the desk by mail: who reads somebody's mail would learn where they work."""

    def add_message(self, *_args: Any, **_kwargs: Any) -> None:
        """Pages say what happened in their own words, in six languages."""


class MfaAdapter(DefaultMFAAdapter):
    """The secrets of second factors lie sealed."""

    def encrypt(self, text: str) -> str:
        """Under the key that never rotates, so that rotation locks nobody out."""
        return sealing.seal(sealing.audit_key(), {"secret": text}, "mfa").hex()

    def decrypt(self, encrypted_text: str) -> str:
        """What :meth:`encrypt` was given."""
        return str(sealing.unseal(sealing.audit_key(), bytes.fromhex(encrypted_text), "mfa")["secret"])
