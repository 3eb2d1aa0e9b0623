"""What a worker needs to know: one picklable description of the run, from which any process on any machine computes
the same predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchbed.checkpoints import parted
from benchbed.outputs import output_of
from benchbed.run.job.limits import Limits
from benchbed.suite.conditions import Condition
from benchbed.suite.plan import CellPlan

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from benchbed.outputs.contract import Output


#: Fact of a condition that has nothing to do in a run, and why.
LEFT_OUT: Final = "left_out"
#: Options of an adapter or a condition, as they were given.
Options = dict[str, object]


@dataclass(frozen=True)
class Job:
    """One suite × one model.

    Attributes
    ----------
    recipe : tuple
        `(spec, options)` from which the adapter is loaded; `{split}` in an option stands for the split that is
        scored, so that each fold is scored by the model that did not see it.
    device : str
        Device of the model.
    dataset : str
        Dataset name; part of every example id.
    root : Path
        Folder of the clips.
    labels : tuple of str
        Class names in the order of the scores: those of the dataset, then those that the model knows beside them; none
        for outputs without classes.
    outside : int
        How many of the latter there are; an answer among them is wrong.
    closed_of : int or None
        How many classes a model has that is scored as if it knew those of the dataset alone.
    label_map : mapping or None
        Dataset label → model labels, from the suite.
    clips : dict of str to DataFrame
        Split → the clips that are scored, in order.
    pools : dict of str to DataFrame
        Split → all clips of the split, from which corruptions draw background material; `--limit` leaves it whole.
    conditions : list
        Conditions of the suite.
    facts : tuple of dict
        What each condition rests on besides its definition, e.g. the digest of a folder of noises.
    audio_rate : int or None
        Rate at which perturbations act.
    side : tuple of str
        Metadata columns the adapter gets.
    batch_size, threads, seed : int
        Part of every unit's key.
    fail_fast : bool
        Stop at the first clip that fails.
    task : str
        The kind of output that is asked.
    annotations : DataFrame or None
        What annotates the clips of the pools in more than one place, e.g. timed events.
    windows : tuple of float or None
        Length and hop in seconds of overlapping windows, by the suite.
    window_join : str
        How their answers are joined where one for the whole clip is wanted: `mean` or `max`.
    others : tuple
        `(spec, options)` of the other models of the run, from which attacks may transfer.
    source : Path or None
        The adapter's file.
    states : mapping of str to str
        Split → digest of the parameters, buffers and arrays of its model, which a worker's copy must have, too.
    digests : mapping of str to str
        Path of a clip's file → digest of its content, by which audio that took long to make is found again.
    readers : int
        Threads that read and decode the next clips while the model is busy, and, where cores are spare, as many that
        run slow corruptions; none of its answers depends on them.
    limits : Limits
        What a process that computes units may take.
    keep_attacked : bool
        Store the audio that broke a clip beside its predictions.
    opened, powered : bool
        Whether attacks get the model's gradient, and whether it meets black boxes of thousands of queries: what its
        units can cost, and nothing that their answers depend on.
    passed : Path or None
        Room through which models of one command that take turns hand on perturbed audio.
    on_device : bool
        Corruptions that state a tolerance are made on the model's device; part of the key of their units.
    in_spectrum : bool
        Noise is added in the spectrum of the model's front end; part of the key of the units that it is added in.
    """

    recipe: tuple[str, Options]
    device: str
    dataset: str
    root: Path
    labels: tuple[str, ...]
    label_map: Mapping[str, list[str]] | None
    clips: dict[str, pd.DataFrame]
    pools: dict[str, pd.DataFrame]
    conditions: list[Condition]
    facts: tuple[Mapping[str, object], ...] = ()
    audio_rate: int | None = None
    side: tuple[str, ...] = ()
    batch_size: int = 16
    threads: int = 1
    seed: int = 0
    fail_fast: bool = False
    trust_checkpoint: bool = False
    task: str = "scene"
    annotations: pd.DataFrame | None = None
    others: tuple[tuple[str, Options], ...] = ()
    windows: tuple[float, float] | None = None
    window_join: str = "mean"
    outside: int = 0
    closed_of: int | None = None
    source: Path | None = None
    states: Mapping[str, str] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    readers: int = 0
    limits: Limits = field(default_factory=Limits)
    keep_attacked: bool = False
    opened: bool = True
    powered: bool = False
    on_device: bool = False
    in_spectrum: bool = False
    passed: Path | None = None

    @property
    def asked(self) -> tuple[str, ...]:
        """The classes of the dataset."""
        return self.labels[: len(self.labels) - self.outside]

    @property
    def scope(self) -> dict[str, int]:
        """What metric families must know about the classes of the model; empty in the common case."""
        if self.outside:
            return {"outside": self.outside}
        return {} if self.closed_of is None else {"closed_of": self.closed_of}

    @cached_property
    def output(self) -> Output:
        """The kind of output that is asked."""
        return output_of(self.task)

    @cached_property
    def references(self) -> Mapping[str, np.ndarray]:
        """Split → references of its clips, in their order."""
        return {
            split: self.output.references(table, self.annotations, self.labels) for split, table in self.clips.items()
        }

    def __getstate__(self) -> dict[str, object]:
        # What follows from the rest is made again in the process that needs it.
        return {name: value for name, value in vars(self).items() if name not in ("output", "references")}

    @property
    def home(self) -> Path:
        """The folder that files of the model are named from."""
        return self.source.parent if self.source is not None else Path.cwd()

    def recipe_for(self, split: str) -> tuple[str, Options]:
        """The recipe of the model that scores `split`."""
        return self.recipe[0], options_for(self.recipe[1], split)


def options_for(options: Mapping[str, object], split: str) -> Options:
    """Options with `{split}` filled in, and `{step}` and `{domain}` of a split of a sequence of checkpoints.

    Examples
    --------
    >>> options_for({"checkpoint": "w/{split}.safetensors", "width": 8}, "fold2")
    {'checkpoint': 'w/fold2.safetensors', 'width': 8}
    >>> options_for({"checkpoint": "w/{step}.safetensors"}, "after_D1_on_D2")
    {'checkpoint': 'w/D1.safetensors'}
    """
    words = {"{split}": split}
    if both := parted(split):
        words |= {"{step}": both[0], "{domain}": both[1]}
    return {k: _filled(v, words) if isinstance(v, str) else v for k, v in options.items()}


def _filled(text: str, words: Mapping[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(word, value)
    return text


@dataclass(frozen=True)
class Unit:
    """A shard of clips under one condition at all its severities.

    Attributes
    ----------
    id : str
        Hash of everything the predictions depend on.
    loose : str
        The same without the versions of the code, for `--reuse always`.
    split : str
        Split of the clips.
    shard : int
        Number of the shard; units of one shard share their decoded audio.
    start, stop : int
        Rows of the split's clip table.
    cells : tuple of CellPlan
        The severities, mildest first.
    rows : tuple of int
        Rows of an attack's subset, in the place of `start` to `stop`.
    number : int
        Which unit of its attack condition this is; the first one also runs the costly sanity checks.
    """

    id: str
    loose: str
    split: str
    shard: int
    start: int
    stop: int
    cells: tuple[CellPlan, ...] = field(default=())
    rows: tuple[int, ...] = ()
    number: int = 0

    @property
    def condition(self) -> int:
        """Index of the condition in the suite."""
        return self.cells[0].condition

    @property
    def evaluations(self) -> int:
        """Clips × severities × draws."""
        clips = len(self.rows) or self.stop - self.start
        return clips * sum(cell.draws for cell in self.cells)
