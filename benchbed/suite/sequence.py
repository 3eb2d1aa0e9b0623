"""Checkpoints of one model that follow each other, as a suite declares them."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field, field_validator

from benchbed.checkpoints import WORD, parted, split_after
from benchbed.suite.part import Part


class CheckpointSequence(Part):
    """A model that learns one domain after the other, scored on every split after each step."""

    steps: list[str] = Field(min_length=2)
    """Its checkpoints in the order of training; an option of the model names the file of each by `{step}`."""
    learns: dict[str, str] = Field(default_factory=dict)
    """Step → split that was learnt in it; by default the split that is called like the step, if there is one."""
    reference: float | None = None
    """What a model scores that has learnt nothing, from which forward transfer is counted; by default the metric's
    value at chance."""

    @field_validator("steps")
    @classmethod
    def _words(cls, steps: list[str]) -> list[str]:
        if odd := [step for step in steps if not WORD.fullmatch(step)]:
            raise ValueError(f"the step '{odd[0]}' cannot be named so: letters, digits, '_', '.', '-', and no '_on_'")
        if len(set(steps)) < len(steps):
            raise ValueError("two steps have one name")
        return steps

    def splits(self, domains: Sequence[str]) -> list[str]:
        """Splits of the run, step by step.

        Raises
        ------
        ValueError
            A step or domain is learnt that there is none of, or a split cannot be named.
        """
        if domains and all(map(parted, domains)):
            # A suite as it stands on a record has them already.
            return list(domains)
        if odd := [one for one in domains if not WORD.fullmatch(one)]:
            raise ValueError(f"the split '{odd[0]}' cannot be part of a sequence; its name has more than plain letters")
        for step, domain in self.learns.items():
            if step not in self.steps:
                raise ValueError(f"sequence.learns names the step '{step}'; steps are {', '.join(self.steps)}")
            if domain not in domains:
                raise ValueError(f"sequence.learns names the split '{domain}'; splits are {', '.join(domains)}")
        return [split_after(step, domain) for step in self.steps for domain in domains]

    def learnt(self, step: str, domains: Sequence[str]) -> str | None:
        """The domain that was learnt in a step; None where none that is scored was."""
        named = self.learns.get(step, step)
        return named if named in domains else None
