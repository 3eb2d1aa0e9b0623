"""What a suite may do to its clips: leave them as they are, corrupt them, or attack the model with them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, SerializerFunctionWrapHandler, Tag, model_serializer, model_validator

from benchbed.suite.part import Part


class CleanCondition(Part):
    """The clips as they are; written as the one word `clean`."""

    kind: Literal["clean"] = "clean"

    @model_validator(mode="before")
    @classmethod
    def _from_word(cls, value: Any) -> Any:
        return {"kind": "clean"} if value == "clean" else value


class CorruptionCondition(Part):
    """A corruption at several severities."""

    corruption: str
    """Registered corruption, or `audiomentations:Transform`."""
    severities: list[Annotated[int, Field(ge=1)]] = Field(default_factory=lambda: [1, 2, 3, 4, 5], min_length=1)
    """Which severities, counted from 1; as many as there are own parameters, if any are given."""
    parameters: list[Any] | dict[str, Any] | None = None
    """Own parameter per severity, in the corruption's unit; for `audiomentations:`, keyword arguments."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of the corruption, e.g. a folder of noises."""
    draws: int = Field(default=1, ge=1)
    """Independent random draws per clip."""

    @model_validator(mode="after")
    def _severities_have_parameters(self) -> CorruptionCondition:
        if isinstance(self.parameters, list) and "severities" not in self.model_fields_set:
            self.severities = list(range(1, len(self.parameters) + 1))
        if len(set(self.severities)) != len(self.severities):
            raise ValueError(f"severities {self.severities} repeat")
        if isinstance(self.parameters, list) and max(self.severities) > len(self.parameters):
            raise ValueError(
                f"severity {max(self.severities)} needs {max(self.severities)} parameters, "
                f"there are {len(self.parameters)}"
            )
        return self


class Audibility(Part):
    """Keeps what an attack adds below a masking threshold."""

    max_nmr: float = 0.0
    """Highest noise-to-mask ratio in dB that any band of any frame may have."""
    full_scale_spl: float = 92.0
    """Assumed sound pressure level of full scale in dB; audibility has no meaning without it."""


class Band(Part):
    """Frequencies that an attack may add anything to, in Hz; an end that is left out is open."""

    low: float | None = Field(default=None, gt=0)
    """Nothing is added below this frequency."""
    high: float | None = Field(default=None, gt=0)
    """Nothing is added above this frequency."""

    @model_validator(mode="after")
    def _some_band(self) -> Band:
        if self.low is None and self.high is None:
            raise ValueError("a band needs `low` or `high`, in Hz")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"a band from {self.low:g} to {self.high:g} Hz holds nothing")
        return self

    def __str__(self) -> str:
        if self.high is None:
            return f"from{self.low:g}Hz"
        return f"to{self.high:g}Hz" if self.low is None else f"{self.low:g}-{self.high:g}Hz"


class Success(Part):
    """When a clip of several tags, or of events, counts as broken: its own score falls to a share of its clean one."""

    rule: str | None = None
    """Score of one clip in 0…1: `clip_ap`, `label_f1`, `label_set`, `class_decision` of tags, `event_f1`, `segment_f1`
    of frames, `cider_d` (over ten), `rouge_l`, `exact`, `target_rouge_l` of captions, `f20`, `seld` (one minus the SELD
    score) of tracks; the task's own by default."""
    fraction: float = Field(default=0.5, ge=0, lt=1)
    """Broken where the score is at most this share of what it is clean."""
    worse_by: float | None = Field(default=None, gt=0, le=1)
    """Broken where the score has fallen by this much, in the place of a share: of tracks, e.g. a SELD score worse by
    0.2. Only clips whose clean score lies above this are then worth attacking."""
    clean_above: float | None = Field(default=None, ge=0, lt=1)
    """Right when clean, and so worth attacking, where the clean score is above this; the rule's own by default."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of the metric behind the rule, e.g. `{onset_collar: 0.5}`; by default those of the suite's metrics."""

    @model_validator(mode="after")
    def _one_way(self) -> Success:
        if self.worse_by is not None and "fraction" in self.model_fields_set:
            raise ValueError("a clip is broken at a `fraction` of its clean score, or `worse_by` so much: not both")
        return self

    @model_serializer(mode="wrap")
    def _said(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # As for conditions: what a suite does not say changes no hash of it.
        found: dict[str, Any] = written(self)
        if self.worse_by is None:
            found.pop("worse_by", None)
        return found


class AttackCondition(Part):
    """An attack, or an ensemble of attacks, at several budgets, on a fixed stratified subset of the clips."""

    attack: str
    """Registered attack, `torchattacks:NAME`, or an ensemble: `fast`, `standard`, `full`."""
    threat: Literal["l2", "linf"] = "l2"
    """`l2`: SNR in dB per clip; `linf`: waveform units. On features both are in units of the features: `l2` the root
    mean square of a clip's changes, `linf` the greatest one."""
    space: Literal["waveform", "features"] = "waveform"
    """What is changed: the sound, or what the model's front end makes of it. Features that an attack finds need be
    those of no sound (not realizable as audio): figures of this space are never ranked, nor mixed with others."""
    budgets: list[float] = Field(default_factory=list)
    """Budgets; by default 40, 30, 20, 10 dB, or 0.001, 0.002, 0.004, 0.008; on features 0.01, 0.03, 0.1, 0.3."""
    channels: Literal["together", "each"] = "together"
    """Whether an SNR is about all channels together, or must be kept in each: of an array, whose channels differ in
    level, the first lets an attack spend the budget of all in the softest one."""
    alone: bool = False
    """Attack every budget anew, so that a figure does not rest on which other budgets the suite has. Otherwise a clip
    that falls at a milder budget has fallen at the stronger ones, too: the worst case of all that is allowed there."""
    n: int = Field(default=200, ge=1)
    """Clips to attack: the same ones for every model, balanced over classes."""
    steps: int | None = Field(default=None, ge=1)
    """Gradient steps, in the place of the attack's own."""
    restarts: int | None = Field(default=None, ge=1)
    """Random starts, in the place of the attack's own."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of a single attack."""
    sources: list[str] = Field(default_factory=list)
    """Adapters whose adversarial audio is tried on this model, besides the other models of the run."""
    audibility: Audibility | None = None
    """Also keep the perturbation inaudible."""
    band: Band | None = None
    """Also keep the perturbation within a band of frequencies; of an SNR only."""
    keep: int = Field(default=0, ge=0)
    """Clips whose clean and attacked audio is kept for listening."""
    goal: str | None = None
    """What the attacker wants: of tags `everything`, `hide`, `insert` or `class`, of frames `both`, `missed` or
    `false_alarms`, of captions `loss` or `force`, of tracks `everything`, `hide`, `insert` or `move`; the first by
    default."""
    target_class: str | None = None
    """Class that the goal `class` is about."""
    target_text: str | None = None
    """Caption that the goal `force` is about."""
    success: Success = Field(default_factory=Success)
    """When a clip counts as broken; of scenes, when its answer is wrong."""

    @model_validator(mode="after")
    def _budgets_fit(self) -> AttackCondition:
        sound = self.space == "waveform"
        if not self.budgets and not sound:
            self.budgets = [0.01, 0.03, 0.1, 0.3]
        elif not self.budgets:
            self.budgets = [40.0, 30.0, 20.0, 10.0] if self.threat == "l2" else [0.001, 0.002, 0.004, 0.008]
        self.budgets = sorted((float(b) for b in self.budgets), reverse=sound and self.threat == "l2")
        if len(set(self.budgets)) < len(self.budgets):
            raise ValueError(f"budgets {self.budgets} repeat")
        if sound and self.threat == "linf" and not all(0 < b <= 2 for b in self.budgets):
            raise ValueError("L∞ budgets are above 0 and at most 2, in waveform units, e.g. 0.002")
        if sound and self.threat == "l2" and not all(-60 <= b <= 120 for b in self.budgets):
            raise ValueError("L2 budgets are an SNR in dB from -60 to 120, e.g. 30")
        if not sound and not all(0 < b <= 1000 for b in self.budgets):
            raise ValueError("budgets on features are above 0 and at most 1000, in units of the features, not in dB")
        if self.channels == "each" and (self.threat == "linf" or not sound):
            what = "an L∞ budget bounds every sample of every channel" if sound else "features have no channels"
            raise ValueError(f"`channels: each` is about an SNR: {what}" + (" by itself already" if sound else ""))
        if not sound:
            self._without_sound()
        if self.band is not None and self.threat == "linf":
            raise ValueError("a `band` goes with an SNR: what is cut off at an L∞ budget sounds at all frequencies")
        if (self.goal == "class") != (self.target_class is not None):
            raise ValueError("`goal: class` and `target_class` go together")
        if (self.goal == "force") != (self.target_text is not None):
            raise ValueError("`goal: force` and `target_text` go together")
        return self

    def _without_sound(self) -> None:
        reasons = {
            "audibility": "a perturbation of features is no sound, so nothing of it can be masked",
            "band": "a perturbation of features is no sound, and has no frequencies in Hz",
            "sources": "another model's features are others, so no attack on them transfers",
            "keep": "a perturbation of features is no sound that could be kept for listening",
        }
        for name, reason in reasons.items():
            if getattr(self, name):
                raise ValueError(f"`space: features` goes without `{name}`: {reason}")

    @model_serializer(mode="wrap")
    def _said(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # What a suite does not say changes no hash and no cache key of it, whenever it became possible to say.
        found: dict[str, Any] = written(self)
        if self.space == "waveform":
            found.pop("space", None)
        if not self.alone:
            found.pop("alone", None)
        if self.target_text is None:
            found.pop("target_text", None)
        if self.channels == "together":
            found.pop("channels", None)
        if self.band is None:
            found.pop("band", None)
        return found


def _kind(value: Any) -> str | None:
    if value == "clean" or isinstance(value, CleanCondition):
        return "clean"
    if isinstance(value, CorruptionCondition) or (isinstance(value, dict) and "corruption" in value):
        return "corruption"
    if isinstance(value, AttackCondition) or (isinstance(value, dict) and "attack" in value):
        return "attack"
    if isinstance(value, dict) and value.get("kind") == "clean":
        return "clean"
    return None


Condition = Annotated[
    Annotated[CleanCondition, Tag("clean")]
    | Annotated[CorruptionCondition, Tag("corruption")]
    | Annotated[AttackCondition, Tag("attack")],
    Discriminator(
        _kind,
        custom_error_type="condition",
        custom_error_message="a condition is the word `clean` or a mapping with the key `corruption` or `attack`",
    ),
]
