"""What surrounds every request: headers that keep pages private, the reader's language, sessions that cannot travel."""

from __future__ import annotations

import hashlib
import logging
import time
import traceback
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils import translation

from amparo.standard.variables import LANGUAGES

Answer = Callable[[HttpRequest], HttpResponse]

LANGUAGE_COOKIE = "lang"
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def headers(answer: Answer) -> Answer:
    """No page is kept by a browser or a proxy, and none runs or loads what is not the desk's own."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = answer(request)
        response.headers.setdefault("Content-Security-Policy", CSP)
        response.headers["Cache-Control"] = "no-store"
        response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), interest-cohort=()"
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return middleware


def language(answer: Answer) -> Answer:
    """The language of the user, of the cookie, or of the browser, in this order; one of the six."""

    def middleware(request: HttpRequest) -> HttpResponse:
        chosen = getattr(request.user, "language", "") or request.COOKIES.get(LANGUAGE_COOKIE, "")
        if chosen not in LANGUAGES:
            asked = [part.strip()[:2].lower() for part in request.headers.get("Accept-Language", "").split(",")]
            chosen = next((lang for lang in asked if lang in LANGUAGES), "en")
        with translation.override("zh-hans" if chosen == "zh" else chosen):
            response = answer(request)
            response.headers["Content-Language"] = chosen
            return response

    return middleware


def bound_session(answer: Answer) -> Answer:
    """A session ends after :data:`SESSION_LONGEST`, and where another browser shows its cookie."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            browser = hashlib.sha256(request.headers.get("User-Agent", "").encode()).hexdigest()[:32]
            bound, since = request.session.get("bound"), request.session.get("since")
            if bound is None or since is None:
                request.session["bound"], request.session["since"] = browser, int(time.time())
            elif bound != browser or time.time() - since > settings.SESSION_LONGEST:
                logout(request)
        return answer(request)

    return middleware


class WithoutContent(logging.Filter):
    """Keeps what people typed out of the log: of an exception only its kind and where it arose, never its message."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Strip the record; it is always written."""
        if record.exc_info and record.exc_info[1] is not None:
            places = traceback.extract_tb(record.exc_info[2])
            last = f"{places[-1].filename}:{places[-1].lineno}" if places else "nowhere"
            kind = type(record.exc_info[1]).__name__
            record.exc_info, record.exc_text = None, None
            record.msg, record.args = f"{record.getMessage()}: {kind} at {last}", ()
        stack: Any = record.stack_info
        if stack:
            record.stack_info = None
        return True
