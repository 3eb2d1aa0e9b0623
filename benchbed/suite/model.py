"""What a suite may say. The models are the schema: `benchbed schema suite` prints it, and unknown keys are errors.

Values are strict: YAML's `yes`, `1.10` or `012` never turn silently into another type than the one meant.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, field_validator, model_validator
from pydantic_core import PydanticCustomError

from benchbed.kinds import OUTPUTS
from benchbed.suite.conditions import CleanCondition, Condition
from benchbed.suite.drop import Drop
from benchbed.suite.part import Part
from benchbed.suite.sequence import CheckpointSequence
from benchbed.suite.sweep import Settings, refuse_sweep
from benchbed.suite.view import GroupView


class Data(Part):
    """Which clips, read how."""

    layout: str
    """Registered dataset layout, e.g. `tau2022`, `esc50`, `folder`."""
    name: str | None = None
    """Name under which the user configures the folder (`--data NAME=PATH`); the layout's name by default."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of the layout's reader."""
    splits: list[str] = Field(default_factory=lambda: ["test"], min_length=1)
    """Splits to score; several are folds and are aggregated by `folds`."""
    train_split: str | None = None
    """Split whose metadata says what a model may have seen (devices); `{split}` stands for the scored split."""
    group: str = "group"
    """Column that resampling draws as one; `group` is the recording a clip was cut from."""

    @property
    def key(self) -> str:
        """Name for `--data`."""
        return self.name or self.layout


class Windows(Part):
    """Overlapping windows over long recordings.

    Outputs of frames tasks are averaged on segments of one second; where one answer for the whole clip is wanted, the
    answers of its windows are joined as probabilities.
    """

    seconds: float = Field(default=10.0, gt=0, le=3600)
    """Length of a window, for models that have none of their own."""
    hop_seconds: float = Field(default=1.0, gt=0)
    """From the start of one window to the next."""
    join: Literal["mean", "max"] = "mean"
    """What becomes of the answers of a clip's windows where one is wanted."""

    @model_validator(mode="after")
    def _cover(self) -> Windows:
        if self.hop_seconds > self.seconds:
            raise ValueError(f"windows of {self.seconds:g} s every {self.hop_seconds:g} s leave gaps")
        return self


class Audio(Part):
    """How audio reaches the perturbations and the model."""

    sample_rate: int | None = Field(default=None, ge=1000, le=1_000_000)
    """Rate in Hz at which perturbations act; the file's own rate if absent. The model gets its own rate either way."""
    side_information: list[str] = Field(default_factory=list)
    """Metadata columns that an adapter may ask for, e.g. `device` in DCASE 2025 Task 1."""
    windows: Windows | None = None
    """How recordings are cut. By default frames tasks cut them into windows of the model's own length, one after
    another; of longer clips of other tasks the model hears what its card says: a part, or windows."""


class Matched(Part):
    """Comparison of the values of a column on content that was recorded in parallel."""

    reference: str
    """Value that the others are compared with, e.g. device `a`."""
    content: list[str] = Field(min_length=1)
    """Columns that together name the moment that was recorded, e.g. `[group, cut]`."""


class Slice(Part):
    """A metadata column by which results are cut."""

    column: str
    """Metadata column of the dataset."""
    sets: dict[str, list[str]] = Field(default_factory=dict)
    """Named sets of values, e.g. `{real: [a, b, c]}`."""
    seen_unseen: bool = False
    """Add the sets `seen` and `unseen`: values that do and do not occur in `data.train_split`."""
    matched: Matched | None = None
    """Also compare the values on matched content."""


def _only_clean() -> list[Any]:
    return [CleanCondition()]


class FurtherMetrics(Part):
    """A family of metrics beside the main one."""

    family: str
    """Registered metric family."""
    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    """Stands before the names of its metrics: `event` makes `event_macro_f1`."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of the family."""


class Metrics(Part):
    """What is computed."""

    family: str = "classification"
    """Registered metric family."""
    primary: str | None = None
    """Metric that ranks; the family's own by default."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of the family, e.g. `{top_k: [3]}`."""
    further: list[FurtherMetrics] = Field(default_factory=list)
    """Further families over the same predictions; pairwise comparisons and baselines use the main one."""
    closed_set: bool = False
    """Score a model that knows other classes beside those of the dataset as if it did not; every rule then says so.
    Otherwise an answer among them is wrong, as it is for whoever uses the model. Where labels are mapped, or a tagger
    is scored on scenes, the set is always closed."""
    mce_reference: str | None = None
    """File of reference errors for mCE, relative to the suite; used where it is about the same dataset and metric."""
    folds: Literal["mean", "pooled"] = "mean"
    """How several splits become one headline figure, as the dataset's protocol says; both are reported."""


class Tune(Part):
    """Thresholds chosen on another split before anything is scored, then frozen for every cell of the run."""

    split: str
    """Split of clean clips to choose on; none that is scored, and none that shares recordings with those."""
    metric: Literal["f1", "segment_f1", "event_f1", "intersection_f1", "f20"]
    """F1 that is to be high there: of tags, or of frames by segments, collars or intersections (`f1`: of the classes
    that are somewhere in a recording, by its frames' highest score); `f20` of tracks, by the rule that ranks."""
    average: Literal["macro", "micro"] = "macro"
    """The mean of the classes' F1, or the F1 of their summed counts."""
    per_class: bool = True
    """A threshold for each class, or one for all."""
    fallback: float = 0.5
    """Threshold of classes that do not occur in the split."""
    median_seconds: list[Annotated[float, Field(ge=0)]] = Field(default_factory=list)
    """Lengths of the median filter to choose from, for each class its own where thresholds are; 0 is none."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of the family `sed_best`, which says what a hit is: `resolution`, `onset_collar`, `dtc`, …"""

    @model_validator(mode="after")
    def _fits(self) -> Tune:
        if self.metric in ("f1", "f20") and (self.median_seconds or self.options):
            raise ValueError(f"the choice by {self.metric} knows no median filter and no options")
        if len(set(self.median_seconds)) < len(self.median_seconds):
            raise ValueError(f"median_seconds {self.median_seconds} repeat")
        return self


class PostProcessing(Part):
    """How scores become decisions; declared, so that no system is scored with a rule that its record does not state."""

    threshold: float | dict[str, float] | None = None
    """A class is on where its score is at least this: one value, or one per class, tuned elsewhere and frozen. A source
    of tracks sounds where its activity, or the length of its ACCDOA vector, is more than this."""
    median_seconds: float | dict[str, float] | None = None
    """Length of a median filter over frames in seconds: one value, or one per class."""
    unify_degrees: float | None = Field(default=None, ge=0, le=180)
    """Vectors of several tracks of a class that are closer than this are one source (multi-ACCDOA; 15 by default)."""
    tune: Tune | None = None
    """Choose thresholds on a validation split in each run. A metric family keeps a fixed one by its own option."""
    frozen: str | None = None
    """File `thresholds.json` that another run wrote where it chose thresholds, relative to the suite."""

    @model_validator(mode="after")
    def _fits(self) -> PostProcessing:
        given = self.median_seconds
        lengths = given.values() if isinstance(given, dict) else [] if given is None else [given]
        if any(length <= 0 for length in lengths):
            raise ValueError("a median filter is longer than 0 s")
        origins = [name for name in ("threshold", "tune", "frozen") if getattr(self, name) is not None]
        if len(origins) > 1:
            raise ValueError(
                f"thresholds come from one place, not from {' and '.join(origins)}; set the others to null"
            )
        if self.tune is not None and self.tune.median_seconds and given is not None:
            raise ValueError("the length of the median filter is fixed and to be chosen at the same time")
        return self


class StatisticsSettings(Part):
    """How intervals are made."""

    draws: int = Field(default=1000, ge=0)
    """Bootstrap draws over recording groups; 0 turns intervals off."""
    level: float = Field(default=0.95, gt=0.5, lt=1)
    """Coverage of the intervals."""

    @field_validator("draws")
    @classmethod
    def _enough(cls, draws: int) -> int:
        if 0 < draws < 20:
            raise ValueError(f"{draws} draws are too few for an interval; take 1000, or 0 for no intervals")
        return draws


class Compliance(Part):
    """Challenge rules that the model is held against."""

    rule: str
    """`dcase2020b`, `dcase2021a`, `dcase2022`, … `dcase2025`."""


class Latency(Part):
    """How times are taken; a run of its own, never from predictions that were made or stored."""

    batch_sizes: list[Annotated[int, Field(ge=1)]] = Field(default_factory=lambda: [1, 4, 16], min_length=1)
    """Clips per call; 1 is always timed, the batch with the highest throughput is reported as the best."""
    seconds: float = Field(default=2.0, gt=0)
    """Shortest time for each batch size."""
    warmup: int = Field(default=10, ge=1)
    """Calls that are made first and not counted."""
    threads: int = Field(default=1, ge=1)
    """Compute threads; recorded."""
    cold_start: bool = True
    """Load the model once more in a fresh process and time its first call."""
    reference: str | None = None
    """Model timed in turns with this one, for gates on a ratio: a shipped adapter, or a file below the suite."""
    rounds: int = Field(default=15, ge=5)
    """Turns of each."""


class Energy(Part):
    """How energy is taken: from sensors where there are some, else estimated from CPU time, or not at all."""

    windows: int = Field(default=5, ge=1)
    """Windows of measurement; the median is reported."""
    window_seconds: float = Field(default=10.0, gt=0)
    """Shortest length of a window."""
    idle_seconds: float = Field(default=5.0, ge=0)
    """Length of the idle windows before and after."""
    tdp_watts: float | None = Field(default=None, gt=0)
    """Thermal design power of the processor; without it nothing is estimated."""
    tdp_source: str = ""
    """Where that figure comes from."""
    tdp_threads: int | None = Field(default=None, ge=1)
    """Hardware threads that share it; those of the machine by default."""
    wattmeter: str | None = None
    """CSV of a power meter that runs beside the measurement, with columns `time` and `watts`."""
    grid_kgco2e_per_kwh: float | None = Field(default=None, ge=0)
    """Emissions of the electricity used; without it no CO2e is stated."""
    country: str | None = Field(default=None, pattern=r"^[A-Z]{3}$")
    """Three-letter code of the country that the factor is for; codecarbon's own factor needs it too."""
    codecarbon: bool = False
    """Store codecarbon's estimate beside."""
    ram_watts: float | None = Field(default=None, ge=0)
    """Power of the memory for codecarbon, whose own constant drowns differences between models; 0 by default."""
    reference: str | None = None
    """Adapter of a reference model that is measured in the same session; the ratio to it is what ranks."""


class FrozenProbe(Part):
    """A head that is trained on frozen embeddings of the training split, for every model that does not say its own."""

    probe: Literal["none", "linear", "mlp", "xares", "knn", "knn_xares"] = "linear"
    """Which; `none` for the embeddings themselves."""
    train_split: str | None = None
    """Split to learn from; `data.train_split` by default. `{split}` stands for the scored split."""
    validation: str | None = None
    """Split to choose settings on; a fifth of the recordings of each class of the training split by default."""


def _switch_or_settings(value: Any) -> str:
    return "settings" if isinstance(value, (dict, Part)) else "switch"


class Profile(Part):
    """What is found out about cost beside the scores; `true` is counts alone."""

    latency: Annotated[
        Annotated[bool, Tag("switch")] | Annotated[Latency, Tag("settings")], Discriminator(_switch_or_settings)
    ] = False
    """Time the model."""
    energy: Annotated[
        Annotated[bool, Tag("switch")] | Annotated[Energy, Tag("settings")], Discriminator(_switch_or_settings)
    ] = False
    """Measure or estimate energy."""
    layers: bool = False
    """List every layer, and where the network can be cut in two."""
    boards: str | None = None
    """Table of boards that the model is to fit: `mcu`, which comes along, or a file below the suite's folder."""
    exit_clips: int = Field(default=200, ge=0)
    """Clips on which the exits of a model with several are compared; 0 for none."""
    inside_clips: int = Field(default=16, ge=0)
    """Clips on which a transformer's attention is drawn and its embeddings are measured; 0 for none."""


def _registered(task: str) -> str:
    known = OUTPUTS.names()
    if task not in known:
        expected = ", ".join(map(repr, known[:-1])) + f" or {known[-1]!r}"
        raise PydanticCustomError("literal_error", "Input should be {expected}", {"expected": expected})
    return task


class Suite(Part):
    """A benchmark: which data, under which conditions, by which metrics."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    """Name of the suite, used as a folder name."""
    version: str
    """Version of the protocol; raise it when results change meaning."""
    title: str = ""
    """Title on pages."""
    description: str = ""
    """What the suite asks, and where its protocol comes from."""
    extends: str | list[str] | None = None
    """Suites, or parts of suites, that this one inherits from: files beside it, or names of shipped ones."""
    task: Annotated[str, AfterValidator(_registered), Field(examples=["scene", "tags", "frames"])]
    """What the model must do: name one scene per clip, several tags, or events in time; or any other registered
    output."""
    data: Data
    audio: Audio = Field(default_factory=Audio)
    label_map: dict[str, list[str]] | None = None
    """Dataset label → model labels that mean it, for models with other labels (zero-shot)."""
    slices: list[Slice] = Field(default_factory=list)
    conditions: list[Condition] = Field(default_factory=_only_clean, min_length=1)
    metrics: Metrics = Field(default_factory=Metrics)
    view: GroupView | None = None
    drop: Drop | None = None
    probe: FrozenProbe | None = None
    """Score frozen embeddings under a probe, whatever else the model answers; `--set probe=…` goes before it."""
    sweep: dict[str, Settings] = Field(default_factory=dict)
    """Options of the model that the suite goes through, e.g. `{patchout: [0, 2, 4]}`: every combination is a row of its
    own, with its own folder and name. An option that `--set` gives is not gone through."""
    post_processing: PostProcessing | None = None
    """Thresholds, filters and the like between scores and decisions, for tags, frames and tracks."""
    sequence: CheckpointSequence | None = None
    """Checkpoints of one model that follow each other are one run: every split is scored after each step."""
    files: dict[str, Any] = Field(default_factory=dict)
    """How `benchbed score` reads files of other programs: options of the adapter that replays them, e.g.
    `{missing: empty}` where a recording without a file is one in which nothing was found."""
    statistics: StatisticsSettings = Field(default_factory=StatisticsSettings)
    compliance: Compliance | None = None
    profile: Annotated[
        Annotated[bool, Tag("switch")] | Annotated[Profile, Tag("settings")], Discriminator(_switch_or_settings)
    ] = True
    """Count parameters and operations, which is quick; as a mapping also time and energy: `{latency: true}`."""

    @model_validator(mode="after")
    def _steps(self) -> Suite:
        if self.sequence is not None:
            self.data = self.data.model_copy(update={"splits": self.sequence.splits(self.data.splits)})
        return self

    @field_validator("sweep")
    @classmethod
    def _rows(cls, sweep: dict[str, Settings]) -> dict[str, Settings]:
        refuse_sweep(sweep)
        return sweep
