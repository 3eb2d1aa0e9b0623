"""The base of everything that a suite may say: an unknown key or a value of another type is an error."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """Base of every part of a suite: strict types, unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", strict=True)
