"""Settings of the desk: safe as they stand; the environment may only name places, never loosen a rule.

``AMPARO_SITE`` is the folder of :mod:`amparo.site.opening`, ``DATABASE_URL`` a PostgreSQL, ``AMPARO_HOSTS`` the names
that the desk answers to (comma-separated). ``AMPARO_PLAIN_HTTP=1`` is for a browser on the same machine: the desk then
answers to this machine's own names alone.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from amparo.intake.key import load_key
from amparo.standard.errors import AmparoError

DESK = Path(os.environ["AMPARO_SITE"])
_LOCAL = ["127.0.0.1", "localhost", "[::1]", "testserver"]
_PLAIN = os.environ.get("AMPARO_PLAIN_HTTP") == "1"
DEMONSTRATION = (DESK / "demonstration").exists()
"""Invented persons (demo.py): one password for all, no second factor, and every page says so."""


def _database(url: str | None) -> dict[str, Any]:
    if not url:
        # A writer that waits for its turn from the start never has to be turned away half-way.
        begin = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
        options = {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": begin}
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": DESK / "desk.sqlite3", "OPTIONS": options}
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise AmparoError("DATABASE_URL must begin with postgresql://", where="DATABASE_URL")
    pairs = dict(pair.partition("=")[::2] for pair in parts.query.split("&") if pair)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(pairs.get("host", parts.hostname or "")),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }


SECRET_KEY = load_key(DESK / "session.key").pseudonym("django")
DEBUG = False
ALLOWED_HOSTS = [name for name in os.environ.get("AMPARO_HOSTS", "").split(",") if name] or _LOCAL
if _PLAIN or DEMONSTRATION:
    ALLOWED_HOSTS = _LOCAL
DATABASES = {"default": _database(os.environ.get("DATABASE_URL"))}
AUTH_USER_MODEL = "desk.User"
ROOT_URLCONF = "amparo.site.urls"
USE_TZ = True
TIME_ZONE = os.environ.get("AMPARO_TIME_ZONE", "UTC")
LANGUAGE_CODE = "en"
LANGUAGES = [
    ("ar", "العربية"),
    ("zh-hans", "中文"),
    ("en", "English"),
    ("fr", "Français"),
    ("ru", "Русский"),
    ("es", "Español"),
]
SITE_ID = 1

INSTALLED_APPS = [
    "amparo.site",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "amparo.site.middleware.headers",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "amparo.site.middleware.language",
    "amparo.site.middleware.bound_session",
    "allauth.account.middleware.AccountMiddleware",
    "amparo.site.access.AccessMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "amparo.site.text.in_templates",
            ],
            "builtins": ["amparo.site.templatetags.desk"],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.DjangoTemplates"
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 3600
STATIC_URL = "/static/"

# --- sign-in -------------------------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_NOTIFICATIONS = False
ACCOUNT_ADAPTER = "amparo.site.signin.Adapter"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_LOGIN_ON_PASSWORD_RESET = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_LOGOUT_REDIRECT_URL = "/accounts/login/"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_ADAPTER = "amparo.site.signin.MfaAdapter"
MFA_TOTP_ISSUER = "Amparo"
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "day"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
SESSION_COOKIE_AGE = 30 * 60
SESSION_SAVE_EVERY_REQUEST = True
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "amparo.site.views.errors.csrf"
SESSION_LONGEST = 12 * 3600
"""Seconds after which a session ends however busy it is."""

# --- the wire ------------------------------------------------------------------------------------------------

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = not _PLAIN
SESSION_COOKIE_NAME = "desk" if _PLAIN else "__Host-desk"
CSRF_COOKIE_NAME = "desk-form" if _PLAIN else "__Host-desk-form"
SECURE_HSTS_SECONDS = 0 if _PLAIN else 63_072_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = not _PLAIN
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if os.environ.get("AMPARO_BEHIND_PROXY") == "1" else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1 << 20
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
FILE_UPLOAD_HANDLERS: list[str] = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
"""Holds only how often somebody tried to sign in. Several server processes need one that they share."""

# Nothing of a request's content may reach a log: only its path's name, status and time.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "filters": {"quiet": {"()": "amparo.site.middleware.WithoutContent"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain", "filters": ["quiet"]}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"django": {"handlers": ["stderr"], "level": "ERROR", "propagate": False}},
}
