"""Cells on their way out: none may act as a formula in a spreadsheet.

Source: OWASP, CSV Injection. A cell that starts with ``= + - @``, a tab or a carriage return may be run by
the program that opens the file; an apostrophe in front makes it text. Numbers stay numbers, also negative
ones.
"""

from __future__ import annotations

import re

_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d+)*|[.,]\d+)([eE][+-]?\d+)?%?")


def safe_cell(text: str) -> str:
    """The text, with an apostrophe before it where a spreadsheet could take it for a formula.

    Spaces before the sign do not hide it: some programs trim them.
    """
    if text.startswith(_STARTS) or text.lstrip().startswith(_STARTS):
        return text if _NUMBER.fullmatch(text.strip(" ")) else f"'{text}"
    return text
