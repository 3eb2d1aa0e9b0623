"""Clips left out at random, as data sets lose them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from benchbed.suite.part import Part


class Drop(Part):
    """Score clean audio again without some of the clips: what a figure owes to the clips that somebody still had.

    Published evaluation sets of AudioSet differ by up to 12 % of the clips, because videos disappear.
    """

    fractions: list[Annotated[float, Field(gt=0, lt=1)]] = Field(default=[0.02, 0.05, 0.08, 0.12], min_length=1)
    """Shares of the clips that are left out, e.g. 0.12."""
    draws: int = Field(default=100, ge=2, le=10_000)
    """How often others are left out, for each share; which they are depends on the clips and the seed alone."""
    unit: Literal["clip", "group"] = "clip"
    """What disappears: a clip, or a recording with all of its clips."""

    @field_validator("fractions")
    @classmethod
    def _rising(cls, fractions: list[float]) -> list[float]:
        if sorted(set(fractions)) != fractions:
            raise ValueError(f"the shares {fractions} are to rise")
        return fractions
