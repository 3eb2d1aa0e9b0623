"""What `benchbed compare --json` prints, as pages read it: the differences of models with everything found about them.

Fields that a page does not show are passed over, so that a comparison may learn to say more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from benchbed.errors import ConfigError
from benchbed.seal import unseal


class ComparisonPart(BaseModel):
    """Base of every part: unknown fields are left out."""

    model_config = ConfigDict(extra="ignore")


class DifferenceRecord(ComparisonPart):
    """One figure of two single runs, a − b."""

    condition: str
    """Condition, e.g. `clean` or `white_noise@3`."""
    group: str | None = None
    """`device=s4`, …; none for all clips."""
    metric: str
    """Name of the metric."""
    title: str | None = None
    """The field's own term for it; null in comparisons of earlier versions."""
    unit: str
    """Unit of a, b and the difference."""
    direction: Literal["higher", "lower"]
    """Which way is better."""
    a: float | None = None
    """The figure of the model that was named first."""
    b: float | None = None
    """The figure of the one it is compared with."""
    value: float | None = None
    """a − b."""
    low: float | None = None
    """Lower end of the interval."""
    high: float | None = None
    """Upper end of the interval."""
    p: float | None = None
    """p-value before correction."""
    p_adjusted: float | None = None
    """p-value after the correction over the table."""
    mde: float | None = None
    """Smallest true difference that the test would find."""
    effect: float | None = None
    """Cohen's d_z over recordings."""
    clips: int = 0
    """Clips behind it."""
    groups: int = 0
    """Recordings behind it."""
    verdict: Literal["win", "loss", "tie", "unmeasured"] = "unmeasured"
    """What was shown about a."""
    method: str | None = None
    """Method of the interval."""
    test: str | None = None
    """Which tests gave the p-value."""
    reason: str | None = None
    """Why there is no value or no test."""
    incomplete: str | None = None
    """Which cells lost clips."""
    joined: str = ""
    """How several splits became one figure; empty for one split."""


class GroupDifference(ComparisonPart):
    """One figure of two groups of runs (seeds, families), a − b."""

    condition: str
    group: str | None = None
    metric: str
    title: str | None = None
    """The field's own term for the metric; null in comparisons of earlier versions."""
    unit: str
    direction: Literal["higher", "lower"]
    values_a: list[float | None] = Field(default_factory=list)
    """The figure of each run of a."""
    values_b: list[float | None] = Field(default_factory=list)
    """The figure of each run of b."""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    p_adjusted: float | None = None
    mde: float | None = None
    """Smallest true difference that the test would find."""
    effect: float | None = None
    """Cohen's d over the models of both sides."""
    groups: int = 0
    """Recordings behind it."""
    verdict: Literal["win", "loss", "tie", "unmeasured"] | None = None
    """What was shown about a; none in a comparison made before it was said."""
    method: str | None = None
    reason: str | None = None
    incomplete: str | None = None
    joined: str = ""
    """How several splits became one figure; empty for one split, and in comparisons made before it was said."""


class Triple(ComparisonPart):
    """A figure with its interval."""

    value: float
    low: float | None = None
    high: float | None = None


class RobustnessRecord(ComparisonPart):
    """How much more robust a is than b, given how good each is on clean audio."""

    name: str
    """Corruption, or `all corruptions`."""
    metric: str
    """Metric behind it."""
    retention: Triple | None = None
    """Difference in retention above chance."""
    matched: Triple | None = None
    """Difference at matched clean score."""
    reason: str | None = None
    """Why a figure is missing."""
    note: str | None = None
    """Recordings that were left out of both models because one of them lost clips of theirs."""


class Spoken(ComparisonPart):
    """One clip, and the captions of two runs."""

    clip_id: str
    """The clip."""
    why: str
    """Which run is ahead, or that they hardly differ."""
    title: str
    """The score that clips were chosen by, in the field's own term."""
    titles: dict[str, str] = Field(default_factory=dict)
    """That of every score."""
    references: list[str] = Field(default_factory=list)
    """What people wrote."""
    a: str
    """The caption of the first run."""
    b: str
    """That of the second."""
    scores_a: dict[str, float] = Field(default_factory=dict)
    """The clip's own scores in the first run, by metric."""
    scores_b: dict[str, float] = Field(default_factory=dict)
    """And in the second."""


class PairingRecord(ComparisonPart):
    """One model, or group of models, against another: a − b."""

    a: str
    b: str
    said: list[str] = Field(default_factory=list)
    """What was found, in plain sentences."""
    wins: int = 0
    ties: int = 0
    losses: int = 0
    rows: list[DifferenceRecord] = Field(default_factory=list)
    mixed: list[GroupDifference] = Field(default_factory=list)
    robustness: list[RobustnessRecord] = Field(default_factory=list)
    clips: list[Spoken] = Field(default_factory=list)
    """Captions of both runs, of clips on which they differ the most."""
    notes: list[str] = Field(default_factory=list)


class EntryRecord(ComparisonPart):
    """One pair of a matrix, a − b."""

    a: str
    b: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    p_adjusted: float | None = None
    verdict: Literal["win", "loss", "tie", "unmeasured"] = "unmeasured"
    """What was shown about a, corrected over the pairs."""
    reason: str | None = None


class MatrixRecord(ComparisonPart):
    """One question asked of every pair of models."""

    condition: str
    group: str | None = None
    metric: str
    title: str
    unit: str
    direction: Literal["higher", "lower"]
    names: list[str]
    """The models, in their order."""
    entries: list[EntryRecord]
    """Each pair once."""


class Member(ComparisonPart):
    """One run of a side."""

    model: str
    path: str
    suite: str = ""
    """Name of its suite."""
    synthetic: bool = False
    """Its data are made by the embedded generator."""
    family: str = ""
    """Family of the model; empty in comparisons of earlier versions."""


class SideRecord(ComparisonPart):
    """What was compared: a run, several seeds of one model, or a family."""

    name: str
    kind: str = "model"
    runs: list[Member] = Field(default_factory=list)

    @property
    def family(self) -> str | None:
        """Family of all its runs; none where they are of several, or of a comparison that does not say.

        Examples
        --------
        >>> SideRecord(name="s", runs=[Member(model="s", path="r", family="cnn")]).family
        'cnn'
        """
        held = {run.family for run in self.runs}
        return held.pop() or None if len(held) == 1 else None


class ComparisonRecord(ComparisonPart):
    """Everything that `benchbed compare --json` says."""

    primary: str
    procedure: dict[str, Any] = Field(default_factory=dict)
    sides: list[SideRecord]
    pairings: list[PairingRecord]
    matrices: list[MatrixRecord] = Field(default_factory=list)
    """Every model against every other one, where there are three or more."""
    settings: dict[str, str] = Field(default_factory=dict)
    """What the severities of the conditions are in their units, by the key of the condition."""

    @property
    def families(self) -> dict[str, str]:
        """Family of each side by its name, of those that have one."""
        return {side.name: family for side in self.sides if (family := side.family) is not None}

    @property
    def title(self) -> str:
        """Who is compared with whom.

        Examples
        --------
        >>> sides = [SideRecord(name="cnn"), SideRecord(name="passt")]
        >>> ComparisonRecord(primary="accuracy", sides=sides, pairings=[]).title
        'cnn against passt'
        """
        pairs = self.pairings
        if pairs and all(pair.b == pairs[0].b for pair in pairs):
            # As an earlier version put it that took the first for the reference, too.
            return f"{', '.join(pair.a for pair in pairs)} against {pairs[0].b}"
        names = [side.name for side in self.sides]
        if len(names) > 3:
            return f"{names[0]} against {len(names) - 1} others"
        return f"{names[0]} against {', '.join(names[1:])}" if len(names) > 1 else ", ".join(names)

    @property
    def heading(self) -> ComparisonHeading:
        """Who is compared, without what was found."""
        return ComparisonHeading(title=self.title, sides=self.sides)


class ComparisonHeading(ComparisonPart):
    """Who is compared: all that other pages say of a comparison, in a hundredth of its size."""

    title: str
    sides: list[SideRecord]


@dataclass(frozen=True)
class KeptComparison:
    """A comparison that is read only where its page is made.

    Attributes
    ----------
    heading : ComparisonHeading
    key : str
        What it follows from: the same key is the same comparison. Empty where that is not known.
    read : callable
        The comparison.
    """

    heading: ComparisonHeading
    key: str
    read: Callable[[], ComparisonRecord]


#: How such a file is made.
_AGAIN = "benchbed compare … --json > FILE"


def read_comparison(path: Path) -> ComparisonRecord:
    """Read what `benchbed compare --json` printed into a file.

    Raises
    ------
    ConfigError
        No such file, or not a comparison.
    DamagedError
        It is not as it was written.
    """
    try:
        return ComparisonRecord.model_validate(unseal(Path(path).read_bytes(), path, again=_AGAIN)[0])
    except OSError as error:
        raise ConfigError(f"no comparison can be read ({error})", where=str(path)) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"not a comparison: {place}: {first['msg']}", where=str(path), hint=_AGAIN) from error
