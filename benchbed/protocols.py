"""The seams of benchbed on one page: what each side may expect of the other, whoever wrote it."""

from __future__ import annotations

from typing import Protocol


class Where(Protocol):
    """From the path of a value in a document to the place it was written at, for error messages."""

    def __call__(self, *place: str | int) -> str | None:
        """The place; None where nobody wrote it."""


class Outcome(Protocol):
    """What a check says: of an adapter, or of a run's record."""

    @property
    def name(self) -> str:
        """Name of the check."""

    @property
    def status(self) -> str:
        """`pass`, `warn`, `fail` or `skipped`."""

    @property
    def message(self) -> str:
        """What was seen."""
