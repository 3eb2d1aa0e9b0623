"""The record of one run, `result.json`: every figure with its rule, direction, clips and interval, and its origin.

The model is the schema: `benchbed schema result` prints it, every file written validates against it, and unknown
fields are refused so that a typo in a writer cannot go unnoticed.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

#: Version of the record's schema; readers upgrade older files or refuse newer ones.
SCHEMA_VERSION = 2


class Record(BaseModel):
    """Base of every part of the record: unknown fields are errors, NaN and infinity are written as null."""

    model_config = ConfigDict(extra="forbid", ser_json_inf_nan="null")


class Value(Record):
    """One number, and everything needed to read it."""

    value: float | None
    """The number; null where it is undefined, then `reason` says why."""
    low: float | None = None
    """Lower end of the interval."""
    high: float | None = None
    """Upper end of the interval."""
    n: int
    """Clips behind the number."""
    of: int | None = None
    """Clips that should be behind it, where some failed or the condition could not be applied to them."""
    direction: Literal["higher", "lower"]
    """Which way is better."""
    unit: str
    """Unit of value, low and high."""
    rule: str
    """Name and version of the rule that made the number."""
    title: str | None = None
    """The field's own term for it, as whatever made it calls it; null in records of earlier versions."""
    scope: str | None = None
    """What it is about besides the clips of its cell, in words: `mean over 5 folds`, `majority baseline`."""
    interval: str | None = None
    """Method of the interval, e.g. `bootstrap percentile 95 %, 100 groups, 1000 draws`."""
    reason: str | None = None
    """Why there is no value or no interval."""
    note: str | None = None
    """What else is needed to read the number, e.g. which device is the worst."""


class Condition(Record):
    """What was done to the audio."""

    kind: Literal["clean", "corruption", "device", "attack"]
    """Kind of condition."""
    name: str
    """Registered name, or `clean`."""
    severity: int | None = None
    """1 (mild) … 5 (severe), if the condition has severities."""
    parameter: Any = None
    """The severity in physical units, e.g. 10 (dB SNR)."""
    unit: str | None = None
    """Unit of `parameter` and `achieved`."""
    group: str | None = None
    """Family for grouped averages (`noise`, `room`, `codec`, …)."""
    achieved: dict[str, float] | None = None
    """Summary (min, median, max, mean) of the severity measured on the clips."""
    unmeasured: str | None = None
    """Why nobody measured what the condition reached, so that its parameters are only what was asked for."""
    draws: int = 1
    """Independent random draws per clip."""
    facts: dict[str, Any] = Field(default_factory=dict)
    """What the condition rests on besides its definition, e.g. the digest of a folder of noises."""
    seen_in_training: bool = False
    """The model's card says that it was trained with this perturbation."""


class Counts(Record):
    """What happened to the clips of a cell."""

    clips: int
    """Clips that the cell should have."""
    scored: int
    """Clips with a prediction."""
    failed: int = 0
    """Clips without a prediction (unreadable, model error, non-finite output)."""
    padded: int = 0
    """Clips padded to the model's input length."""
    cropped: int = 0
    """Clips cropped to the model's input length."""
    resampled: int = 0
    """Clips whose sample rate was converted."""
    remixed: int = 0
    """Clips whose channel count was changed."""
    silent: int = 0
    """Clips that are digital silence."""
    loud: int = 0
    """Clips whose samples go far beyond full scale, for example 16-bit numbers that were stored as floats."""
    skipped: int = 0
    """Clips to which the condition could not be applied. A corruption's figures leave them out; an attack whose budget
    allows no change leaves a clip as it is."""
    noted: int = 0
    """Clips to which the condition applied only after a repair (e.g. trimmed to length)."""


class Failure(Record):
    """One clip without a prediction."""

    clip_id: str
    """The clip."""
    cell: str
    """Key of the cell, or `*` when every cell lost the clip."""
    stage: Literal["decode", "perturb", "predict"]
    """Where it failed."""
    message: str
    """What went wrong."""


class Cell(Record):
    """One task × split × condition."""

    key: str
    """`task/split/condition[@severity]`, unique in the record."""
    task: str
    """`scene`, `tags`, `frames`, …"""
    split: str
    """Split of the dataset."""
    condition: Condition
    """What was done to the audio."""
    counts: Counts
    """What happened to the clips."""
    metrics: dict[str, Value]
    """Metric name → value over all clips of the cell."""
    groups: dict[str, dict[str, Value]] = Field(default_factory=dict)
    """`device=s4`, `devices=unseen`, `class=tram`, … → metric name → value. Of perturbed cells only the ranking
    metric and each class's share of right answers, which keeps records of many cells readable."""
    matrices: dict[str, Matrix] = Field(default_factory=dict)
    """Named tables: `confusion` (reference × output), `scene_device`, `reliability`."""
    complete: bool = True
    """False if clips failed; a cell with failures never passes a gate silently."""
    ranked: bool = True
    """False if a sanity check of its attack failed, if it attacks features, which need be those of no sound, or if its
    condition could not be applied to more than one clip in twenty: the figures are shown, and no ranking may use them.
    """
    stood: Stood | None = None
    """Of an attacked cell, which clips stood, so that several attacks can be joined clip by clip; none of a random
    model, whose clips stand by shares."""


class Stood(Record):
    """Which clips an attack left right, in little room."""

    clips: str
    """Digest of the ids of the attacked clips, in the order of their names."""
    bits: str
    """A bit for each of them in that order, the first one highest, as hexadecimal digits: 1 where the clip stood."""
    n: int = Field(ge=0)
    """Clips."""


class Matrix(Record):
    """A labelled table of numbers."""

    rows: list[str]
    """Row labels."""
    columns: list[str]
    """Column labels."""
    values: list[list[float | None]]
    """`[row][column]`."""
    row_title: str
    """What the rows are."""
    column_title: str
    """What the columns are."""
    unit: str
    """Unit of the values (`clips`, `fraction`, …)."""


class RecordedDataset(Record):
    """Which data the numbers are about."""

    name: str
    """Dataset name; a synthetic stand-in has another name than the set it stands in for."""
    layout: str
    """Reader that read it."""
    synthetic: bool
    """Made by the embedded generator; never compared with real data."""
    version: str = ""
    """Version of the set, or of the generator."""
    index_hash: str
    """Hash over clip ids, labels, groups and file checksums of the clips that were used."""
    labels: list[str]
    """Class names in the order of every per-class table."""
    clips: int
    """Clips used."""
    groups: int
    """Recording groups used: the units of resampling."""
    seconds: float
    """Audio in seconds."""
    licence: str = ""
    """As the publisher states it."""
    citation: str = ""
    """As the publisher states it."""
    limit: int | None = None
    """`--limit`, if one was used: the figures are then about a subset."""
    notes: list[str] = Field(default_factory=list)
    """What the reader found worth saying."""


class RecordedProbe(Record):
    """How a probe was trained on frozen embeddings, and everything that was tried."""

    kind: str
    """`linear`, `mlp`, `xares` or `knn`."""
    published: str
    """Where its settings come from."""
    model: str
    """The model that was frozen."""
    vectors: str
    """What of it the probe reads."""
    width: int
    """Features of an embedding."""
    hop: float | None = None
    """Seconds from one embedding to the next; null for embeddings of clips."""
    dataset: str
    """The data set that it was trained on."""
    split: str
    """The split that it was trained on."""
    clips: int
    """Clips that it was trained on, those that it was chosen on among them."""
    of: int
    """Clips of that split."""
    recordings: int
    """Recordings that these clips are of."""
    recordings_shared: int = 0
    """Recordings that the training split has in common with the scored one, as their publisher made them."""
    examples: int
    """Embeddings of these clips: windows, or moments, where there are several."""
    fraction: float = 1.0
    """Share of the split that was asked for."""
    shots: int | None = None
    """Clips of each class that were asked for."""
    draw: int = 0
    """Which of the random choices of clips."""
    chosen_on: str
    """What settings were chosen on."""
    chosen_by: str
    """The figure that was to be high there."""
    tried: list[dict[str, Any]] = Field(default_factory=list)
    """Every setting with its `score`, in the order they were tried; empty where nothing could be chosen."""
    chosen: dict[str, Any] = Field(default_factory=dict)
    """The setting that was taken."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Shape of the head."""
    scores: str
    """What the head gives."""
    absent: list[str] = Field(default_factory=list)
    """Classes without a clip to learn from."""
    skipped: list[str] = Field(default_factory=list)
    """Clips that could not be read, the first of them."""
    skipped_clips: int = 0
    """How many those are."""


class RecordedModel(Record):
    """Which model, with which weights and options."""

    name: str
    """Name in tables."""
    identity: str = ""
    """Who the model is: the same after it was trained again; two models of one name differ in it."""
    fingerprint: str = ""
    """What was loaded: code, files and weights. Another one is another model, or the same one trained again."""
    family: str
    """`cnn`, `transformer`, …"""
    adapter: str
    """Adapter file or module, as given."""
    adapter_hash: str
    """Hash of the adapter's source."""
    weights: dict[str, str] = Field(default_factory=dict)
    """File name → hash of every weights file."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options from `--set`, with the adapter's defaults filled in."""
    output: str
    """Output kind."""
    sample_rate: int
    """Samples per second the model was given."""
    labels: list[str] = Field(default_factory=list)
    """Class names of the model."""
    alignment: dict[str, Any] = Field(default_factory=dict)
    """How the model's classes became the dataset's."""
    hearing: str = ""
    """How clips reached the model: whole, cropped to a length, or in windows, and what became of their answers."""
    front_end: str = ""
    """What the network is given: name and options of a front end, from the card."""
    trained_on: list[str] = Field(default_factory=list)
    """Datasets seen in training, from the card."""
    trained_with: list[str] = Field(default_factory=list)
    """Perturbations seen in training, from the card."""
    probes: dict[str, RecordedProbe] = Field(default_factory=dict)
    """Split → the probe that scores it, where a probe was trained on the model's embeddings."""
    licence: str = ""
    """Licence of the model."""
    citation: str = ""
    """How to cite the model."""
    description: str = ""
    """The card's own words."""


class RecordedSuite(Record):
    """Which suite, exactly."""

    name: str
    """Suite name."""
    title: str
    """Human title."""
    version: str
    """Version stated in the file."""
    hash: str
    """Hash of the suite after includes and overrides."""
    protocol: str
    """Version of the random protocol; numbers of two protocols are never mixed."""
    overrides: dict[str, Any] = Field(default_factory=dict)
    """`--set suite.…` overrides."""
    definition: dict[str, Any]
    """The whole suite after includes and overrides."""


class Provenance(Record):
    """When, where and by what the record was made; the only part that two equal runs may differ in, with times."""

    created: str
    """UTC time of the record, ISO 8601."""
    command: str
    """The command that re-makes it."""
    code: str
    """Hash of benchbed's own source."""
    versions: dict[str, str]
    """Package → version, and Python."""
    machine: dict[str, Any]
    """CPU, cores, memory, GPU, operating system; no host name."""
    git: dict[str, Any] | None = None
    """Commit and state of the checkout that the adapter lives in, if any."""
    seed: int
    """`--seed`."""
    device: str
    """Device the model ran on."""
    batch_size: int
    """Clips per forward pass; part of every cache key."""
    corruptions: str = "host"
    """Where corruptions were made: `host`, by numpy; `device`, by torch where the model runs, of those that state how
    far their results may lie from numpy's; `spectrum`, noise in the spectrum of the model's front end, all else by
    numpy."""
    threads: int
    """Compute threads per process."""
    workers: int
    """Worker processes."""
    reuse: str
    """`--reuse`."""
    units: int
    """Units of work in the run; `log.jsonl` says which of them an invocation computed."""
    reused: int = 0
    """How many of the predictions were not computed by this invocation but taken from an earlier one."""
    reused_units: int = 0
    """How many of the units these are."""
    evaluations: int
    """Predictions made: clips × conditions × draws."""
    cpu_seconds: float
    """CPU time spent on the predictions, by whichever invocation made them."""
    artefacts: dict[str, str] = Field(default_factory=dict)
    """File beside the record → digest: what the figures were made from (`predictions.json` names every unit of
    predictions with its own digest, `statistics.npz` the sums), and what was made with them."""


class RecordedThresholds(Record):
    """Thresholds that were chosen on other clips than the scored ones, and frozen."""

    thresholds: dict[str, float]
    """Class → a class is output where its score is at least this."""
    median_seconds: dict[str, float] | None = None
    """Class → length of the median filter before it, where that was chosen too; 0 is none."""
    tuned_on: str
    """Dataset and split that they were chosen on."""
    rule: str
    """How they were chosen."""
    reached: float | None = None
    """The F1 that they have there."""
    class_f1: dict[str, float | None] | None = None
    """That of each class; null without positives there."""
    untuned: list[str] = Field(default_factory=list)
    """Classes that do not occur there and keep the fallback."""
    fallback: float | None = None
    """Threshold of those."""
    clips: int | None = None
    """Clips that had a say."""
    available: int | None = None
    """Clips of the split; fewer have a say under `--limit`, or where predictions failed."""
    failed: int = 0
    """Clips without a prediction."""
    groups: int | None = None
    """Recording groups among the clips."""
    index_hash: str | None = None
    """Hash over ids, labels, groups and file checksums of the clips."""
    cpu_seconds: float | None = None
    """CPU time spent on predicting them; not part of that of the run."""
    model: str = ""
    """The model whose scores they were chosen by."""
    file: str | None = None
    """File that they were read from, if an earlier run chose them."""
    file_digest: str | None = None
    """Digest of that file."""


class Check(Record):
    """The outcome of one sanity check."""

    name: str
    """What was checked."""
    status: Literal["pass", "warn", "fail", "skipped"]
    """The answer."""
    message: str
    """The answer in words."""
    cell: str | None = None
    """The cell it is about, if not the whole run."""


class Result(Record):
    """One run: one suite × one model."""

    digest: str = ""
    """Digest over the rest of the file, which is checked when it is read; empty in a record that is not on disk."""
    schema_version: int = SCHEMA_VERSION
    """Version of this schema."""
    suite: RecordedSuite
    """Which suite."""
    model: RecordedModel
    """Which model."""
    dataset: RecordedDataset
    """Which data."""
    provenance: Provenance
    """How the record came about."""
    thresholds: RecordedThresholds | None = None
    """Where the thresholds come from, if they were chosen on a validation split."""
    checks: list[Check] = Field(default_factory=list)
    """Sanity checks."""
    profile: dict[str, Any] = Field(default_factory=dict)
    """Compute and energy, each figure with its method; empty parts say why."""
    primary: str
    """Metric that ranks."""
    scores: dict[str, Value] = Field(default_factory=dict)
    """Figures over cells: fold means, robustness scores, gaps, compliance figures."""
    cells: list[Cell]
    """Every task × split × condition."""
    failures: list[Failure] = Field(default_factory=list)
    """Every clip without a prediction."""

    @property
    def whole(self) -> bool:
        """Every clip of every cell has a prediction."""
        return not self.failures and all(cell.complete for cell in self.cells)


Cell.model_rebuild()
