"""Agencies and their people."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from amparo.site.models.base import CodeField


class Agency(models.Model):
    """A body that takes part in the referral mechanism; ``kind`` is of the standard's list ``entity_type``."""

    name = models.CharField(max_length=120, unique=True)
    kind = CodeField(codes="entity_type")
    is_active = models.BooleanField(default=True)

    class Meta:
        verbose_name_plural = "agencies"
        ordering = ("name",)

    def __str__(self) -> str:
        return str(self.name)


class UserManager(BaseUserManager):
    """Makes users."""

    def create_user(self, username: str, password: str | None, *, agency: Agency, role: str, name: str = "") -> User:
        """A new user; without a password nobody can sign in."""
        user: User = self.model(username=username, agency=agency, role=role, name=name or username)
        user.set_password(password)
        user.save()
        return user


class User(AbstractBaseUser):
    """A person who works at the desk. ``role`` decides, with the agency's kind, what they may do (access.py)."""

    username = models.CharField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    email = models.EmailField(blank=True, default="")
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="users")
    role = CodeField(codes="role")
    language = models.CharField(max_length=2, default="", blank=True)
    is_active = models.BooleanField(default=True)

    objects = UserManager()
    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ("name",)

    class Meta:
        ordering = ("username",)

    def __str__(self) -> str:
        return str(self.username)

    def has_perm(self, _perm: str, _obj: object = None) -> bool:
        """Django's own permissions are not used."""
        return False
