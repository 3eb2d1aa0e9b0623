"""What gate rules may say. The models are the schema: unknown keys and contradictions are errors at their line."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationInfo, WithJsonSchema, model_validator

from benchbed.gate.quantity import Amount, quantity
from benchbed.stats.correction import Correction

Relation = Literal["relative_gain", "absolute_gain", "speedup", "time_reduction"]

_SCHEMA = {
    "anyOf": [{"type": "string", "pattern": r"^\s*[-+]?[\d_]*\.?\d+([eE][-+]?\d+)?\s*\S.*$"}, {"const": 0}],
    "description": "a number with its unit, such as 128 kB, 30 MMAC, 2 pt, 10 %, 50 ms or 1.2 x",
}


def _number(text: float | int | str, info: ValidationInfo) -> Amount:
    return quantity(text, (info.context or {}).get("units", ()))


#: A number with its unit, such as `128 kB` or `2 pt`.
Quantity = Annotated[Amount, PlainValidator(_number), WithJsonSchema(_SCHEMA)]


def _least(text: float | int | str, info: ValidationInfo) -> Amount:
    made = _number(text, info)
    if made < 0:
        raise ValueError("input should be greater than or equal to 0")
    return made


def _share(text: float | int | str, info: ValidationInfo) -> Amount:
    made = _least(text, info)
    if made.unit not in ("", "fraction") or made.written.endswith(("pt", "pts")):
        raise ValueError(f"{made.written} is no share: write it in %")
    return made


def _failures(text: float | int | str, info: ValidationInfo) -> Amount:
    made = _least(text, info)
    if made.unit not in ("", "fraction", "clips") or made.written.endswith(("pt", "pts")):
        raise ValueError(f"{made.written}: a number of clips, such as 2 clips, or a share of them, such as 1 %")
    return made


#: The same, not negative; a share; a share or a number of clips.
Tolerance = Annotated[Amount, PlainValidator(_least), WithJsonSchema(_SCHEMA)]
Share = Annotated[Amount, PlainValidator(_share), WithJsonSchema(_SCHEMA)]
Failures = Annotated[Amount, PlainValidator(_failures), WithJsonSchema(_SCHEMA)]


class RulePart(BaseModel):
    """Base of every part: strict, unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Margin(RulePart):
    """A loss that is tolerated."""

    absolute: Tolerance | None = None
    """In the metric's own unit; `2 pt` is 0.02 of a fraction."""
    relative: Share | None = None
    """As a share of the value it is compared with; `5 %` is 0.05."""

    @model_validator(mode="after")
    def _one(self) -> Margin:
        if (self.absolute is None) == (self.relative is None):
            raise ValueError("a margin is `absolute:` or `relative:`, one of the two")
        if self.absolute is not None and self.absolute.unit == "fraction" and self.absolute >= 1:
            raise ValueError(f"a margin of {self.absolute.written} is all that a fraction can lose: the rule is off")
        return self


class FigureSelector(RulePart):
    """A figure of a run."""

    metric: str | None = None
    """Metric of a cell or name under `scores`; `primary` is the one that ranks."""
    figure: str | None = None
    """Figure of the profile by its path, e.g. `compute.macs`, or a name under `scores`."""
    condition: str = "clean"
    """Cell without task and split, e.g. `clean` or `white_noise@3`; may be a pattern such as `white_noise@*`."""
    group: str | None = None
    """`device=s4`, `devices=unseen`, `class=tram`, …; a pattern such as `class=*` asks of each."""
    split: str | None = None
    """One split; all of them together by default."""

    @model_validator(mode="after")
    def _one_source(self) -> FigureSelector:
        if (self.metric is None) == (self.figure is None):
            raise ValueError("a rule asks about a `metric:` or a `figure:`, one of the two")
        return self


class Guard(FigureSelector):
    """Something else that must not get worse."""

    margin: Margin | None = None
    """Loss that is tolerated; none by default."""


class Rule(FigureSelector):
    """One condition of passing."""

    name: str = Field(min_length=1)
    """Short name, unique in the file."""
    say: str = ""
    """Sentence shown in every output: why the rule is there."""
    against: str | list[str] = "baseline"
    """What the figure is compared with: `baseline`, or conditions of the same run, e.g. `clean`."""
    margin: Margin | None = None
    """Loss that is tolerated; none by default."""
    at_least: Quantity | None = None
    """Limit from below: of the figure itself, or of `relation`."""
    more_than: Quantity | None = None
    """The same, and the limit itself is not enough."""
    at_most: Quantity | None = None
    """Limit from above."""
    relation: Relation | None = None
    """What the limit is about: gains are positive when better, speed-up and time reduction are different things."""
    over: list[FigureSelector] = Field(default_factory=list)
    """Further figures; the limit is then on the mean of the relation over all of them."""
    reference: str | None = None
    """Path of the profile's figure of a reference that ran in the same run; the rule is then about the ratio to it."""
    guards: list[Guard] = Field(default_factory=list)
    """What must not get worse while the rule is kept."""
    by: Literal["interval", "value"] = "interval"
    """`interval`: a regression must be shown. `value`: the figures as they are decide, without a test."""
    primary: bool = False
    """Declared beforehand as what is asked first, for `correction: primary`."""
    non_inferiority: bool = False
    """It must be shown that the loss is within the margin; without that the answer is inconclusive."""
    allow_failures: Failures = Field(default_factory=lambda: Amount(0.0))
    """Failed clips of a cell that are tolerated: `2 clips`, or a share such as `1 %`.

    Recordings that one run lost are left out of both, which a metric that ranks all clips at once (mAP, PSDS) does not
    allow: against a baseline it is then not measured, whatever is tolerated.
    """

    @model_validator(mode="after")
    def _fits(self) -> Rule:
        limits = [name for name in ("at_least", "more_than", "at_most") if getattr(self, name) is not None]
        if len(limits) > 1:
            raise ValueError(f"one limit, not {' and '.join(limits)}")
        if self.relation is not None and not limits:
            raise ValueError(f"`relation: {self.relation}` needs a limit: `at_least:`, `more_than:` or `at_most:`")
        if limits and self.margin is not None:
            raise ValueError("a rule has a limit or a margin, not both")
        if self.over and self.relation is None:
            raise ValueError("`over:` is for rules with a `relation:`")
        if self.figure is not None and not limits and self.margin is None:
            raise ValueError("a rule about a figure needs a limit or a margin")
        if self.reference is not None and self.figure is None:
            raise ValueError("`reference:` is for rules about a `figure:`")
        if self.non_inferiority and self.by == "value":
            raise ValueError("`non_inferiority` is a test, and `by: value` makes none")
        return self

    @property
    def limit(self) -> tuple[float | None, bool, bool]:
        """Limit, whether the figure must be above it, and whether the limit itself is too little."""
        if self.at_least is not None:
            return self.at_least, True, False
        if self.more_than is not None:
            return self.more_than, True, True
        return self.at_most, False, False

    @property
    def needs_baseline(self) -> bool:
        """The rule compares with the baseline."""
        limited = self.at_least is not None or self.more_than is not None or self.at_most is not None
        return self.against == "baseline" and (self.relation is not None or not limited)


class Rules(RulePart):
    """A file of rules."""

    name: str = ""
    """Name shown in outputs."""
    suite: str | None = None
    """Name of the suite that the rules are for; runs of another are refused."""
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    """Chance of a false alarm that is accepted."""
    correction: Correction = "holm"
    """What keeps `alpha`: `holm` for the file as a whole; `primary` for the rules that are declared `primary: true`,
    and for the others by themselves; `hierarchical` for rules first, so that a rule of one figure does not pay for one
    of two hundred; `fdr` for the share of false calls among all; `none` for each test."""
    draws: int = Field(default=2000, ge=100)
    """Bootstrap draws."""
    seed: int = 0
    """Seed of the tests."""
    rules: list[Rule] = Field(min_length=1)

    @model_validator(mode="after")
    def _unique(self) -> Rules:
        names = [rule.name for rule in self.rules]
        double = [name for name in names if names.count(name) > 1]
        if double:
            raise ValueError(f"two rules are called '{double[0]}'")
        declared = any(rule.primary for rule in self.rules)
        if declared != (self.correction == "primary"):
            raise ValueError("`correction: primary` and rules that are declared `primary: true` belong together")
        return self


def known_keys(place: tuple[Any, ...]) -> list[str]:
    """Names of the keys that may stand at a place of the file."""
    kind: Any = Rules
    for part in place:
        if part == "rules":
            kind = Rule
        elif part == "guards":
            kind = Guard
        elif part == "over":
            kind = FigureSelector
        elif part == "margin":
            kind = Margin
    return sorted(kind.model_fields)
