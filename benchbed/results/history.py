"""One model over the time: its figures run by run, by slice, and where they changed."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class HistoryPart(BaseModel):
    """Base of every part."""

    model_config = ConfigDict(extra="ignore")


class HistoryRun(HistoryPart):
    """One run of the history."""

    created: str
    """When it was made, ISO 8601."""
    commit: str = ""
    """Commit of the checkout that the adapter lives in; empty outside git."""
    dirty: bool = False
    """The checkout had uncommitted changes."""
    model: str = ""
    """Name of the model."""

    @property
    def when(self) -> str:
        """Date and time to the minute.

        Examples
        --------
        >>> HistoryRun(created="2026-11-21T12:00:30Z").when
        '2026-11-21 12:00'
        """
        return self.created[:16].replace("T", " ")

    @property
    def short(self) -> str:
        """The commit in short, marked where the checkout was dirty.

        Examples
        --------
        >>> HistoryRun(created="", commit="0123456789abcdef", dirty=True).short
        '01234567*'
        """
        return self.commit[:8] + ("*" if self.dirty and self.commit else "")


class HistoryChange(HistoryPart):
    """A place where a figure changed."""

    at: int
    """Number of the first run after it, from 0."""
    before: float
    """Mean of the runs before, back to the change before that."""
    after: float
    """Mean of the runs after, up to the next change."""
    difference: float
    """After − before."""
    low: float
    high: float
    """Its interval."""
    p: float
    """p-value of the best place of its piece of the history."""
    better: bool
    """The figure got better."""


class HistorySeries(HistoryPart):
    """One figure over the runs."""

    condition: str
    group: str | None = None
    metric: str
    title: str
    unit: str
    direction: Literal["higher", "lower"]
    values: list[float | None]
    """Of every run."""
    lows: list[float | None] = Field(default_factory=list)
    highs: list[float | None] = Field(default_factory=list)
    """Ends of its interval, as the record has it."""
    luck: float | None = None
    """Standard deviation between runs beyond that of the recordings."""
    p: float | None = None
    p_adjusted: float | None = None
    """p-value that there is no change, before and after the correction over the figures."""
    changes: list[HistoryChange] = Field(default_factory=list)
    reason: str | None = None
    """Why no changes were looked for."""


class HistoryRecord(HistoryPart):
    """Everything that `benchbed history --json` says."""

    model: str
    suite: str
    dataset: str
    synthetic: bool = False
    primary: str
    alpha: float
    corrected: str = ""
    runs: list[HistoryRun]
    series: list[HistorySeries]
    settings: dict[str, str] = Field(default_factory=dict)
    """What the severities of the conditions are in their units, by the key of the condition."""
    notes: list[str] = Field(default_factory=list)
