"""A second view of the same answers: clips that belong together decide together."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from benchbed.suite.part import Part


class GroupView(Part):
    """Also score clips that belong together as one decision, e.g. recordings of 10 s by the answers to their seconds.

    The figures of single clips stay; those of the view have its name before theirs (`recording_accuracy`), in cells of
    clean and perturbed audio, over folds, and in comparisons.
    """

    by: list[str] = Field(min_length=1)
    """Columns that together name what decides as one, e.g. `[group, device]`: a recording as each device made it."""
    rule: Literal["mean", "log_mean", "vote"] = "mean"
    """How clips decide: by the mean of their probabilities; by the mean of the logarithms, normalised again; or by
    their votes, where equal shares are told apart by the mean."""
    name: str = Field(default="recording", pattern=r"^[a-z][a-z0-9_]*$")
    """What decides as one; stands before the names of its figures."""

    @field_validator("by")
    @classmethod
    def _once(cls, by: list[str]) -> list[str]:
        if len(set(by)) < len(by):
            raise ValueError(f"the columns {by} repeat")
        return by
