"""The one error a user meets: it says where, what, what was expected and what to do."""

from __future__ import annotations


class AmparoError(Exception):
    """An error that a user can act on.

    Parameters
    ----------
    message : what is wrong, in one sentence.
    remedy : what to do about it, ideally a command.
    where : file, row or column that it concerns.
    """

    exit_code = 3

    def __init__(self, message: str, *, remedy: str = "", where: str = "") -> None:
        self.message = message
        self.remedy = remedy
        self.where = where
        super().__init__(str(self))

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text} {self.remedy}".strip()


class KeyMissingError(AmparoError):
    """The key is missing, or is not the one that the workspace was made with."""

    exit_code = 4
