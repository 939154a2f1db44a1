"""Pages for what went wrong; they say what to do, and nothing of what there is."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render


def gone(_request: Any, **_kwargs: Any) -> HttpResponse:
    """An address that the sign-in library names and the desk does not have."""
    raise Http404


def _page(request: Any, kind: str, status: int) -> HttpResponse:
    return render(request, "desk/error.html", {"kind": kind}, status=status)


def bad_request(request: Any, exception: Exception | None = None) -> HttpResponse:
    """400."""
    return _page(request, "bad", 400)


def forbidden(request: Any, exception: Exception | None = None) -> HttpResponse:
    """403: the page exists, but not for this role."""
    return _page(request, "forbidden", 403)


def not_found(request: Any, exception: Exception | None = None) -> HttpResponse:
    """404: there is no such thing, or not for this user; which of the two is not told."""
    return _page(request, "missing", 404)


def fault(request: Any) -> HttpResponse:
    """500: nothing was saved."""
    return HttpResponse("Nothing was saved. Please try again.", status=500, content_type="text/plain")


def csrf(request: Any, reason: str = "") -> HttpResponse:
    """403: the form did not come from the desk's own page."""
    return _page(request, "csrf", 403)
