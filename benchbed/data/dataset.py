"""A dataset as the rest of benchbed sees it: one table of clips, with names, labels, groups and every metadata column.

A layout (one module of `benchbed.data.layouts`) reads an official folder into a `Dataset`. Nothing here touches audio.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    import pandas as pd

#: Columns every table of clips has, whatever the dataset.
COLUMNS = ("clip_id", "path", "onset", "duration", "label", "group")
#: Column of a table of clips that says how many seconds a whole recording lasts, where the set states it.
SECONDS = "seconds_stated"


class ClipRow(TypedDict):
    """A row of a table of clips: the columns that every table has; metadata columns lie beside them.

    Attributes
    ----------
    clip_id, path : str
        Its name, and the file relative to the dataset's folder.
    onset, duration : float
        Seconds into the file, and how many from there (NaN: to its end).
    label : str or tuple of str
        Its class, or its classes.
    group : str
        What resampling draws as one.
    """

    clip_id: str
    path: str
    onset: float
    duration: float
    label: str | tuple[str, ...]
    group: str


@dataclass(frozen=True)
class Dataset:
    """Clips of one dataset, or of one subset of it.

    Attributes
    ----------
    name : str
        Name on every record; a synthetic stand-in has another name than the set it stands in for.
    root : Path
        Folder that all clip paths are relative to, and may not leave.
    kind : str
        What the labels are: `scene` (one per clip), `tags` (several per clip), `frames` (timed events).
    labels : tuple of str
        Class names, in the official order.
    clips : pandas.DataFrame
        One row per clip. `clip_id` (str, unique: dataset's official name, relative path and onset), `path` (str,
        relative to root, forward slashes), `onset` (seconds into the file, 0.0 for whole files), `duration` (seconds,
        NaN for the rest of the file), `label` (str for scene; tuple of str for tags), `group` (str: what resampling
        draws as one, e.g. the recording a clip was cut from), then every metadata column of the source.
    splits : mapping of str to tuple of str
        Split name → clip ids, in the official order. Splits may share clips (the DCASE 2024 training subsets do).
    events : pandas.DataFrame, optional
        Timed references for event detection: `clip_id`, `onset`, `offset`, `label`, times in seconds.
    synthetic : bool
        Made by the embedded generator.
    version, licence, citation, source : str
        As the publisher states them; `source` says where to get the set.
    official : mapping of str to int
        Split → number of clips as the publisher states it; `data check` compares. Empty for synthetic sets.
    overlaps : frozenset of str
        Recordings that the publisher's own splits share. Empty for synthetic sets.
    notes : tuple of str
        What the reader found worth saying (aliases applied, overlaps merged, …), for the record.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"clip_id": ["toy/a.wav"], "path": ["a.wav"], "onset": [0.0], "duration": [1.0],
    ...                       "label": ["bus"], "group": ["a"], "device": ["s1"]})
    >>> Dataset("toy", Path("."), "scene", ("bus",), table, {"test": ("toy/a.wav",)}).metadata_columns
    ('device',)
    """

    name: str
    root: Path
    kind: str
    labels: tuple[str, ...]
    clips: pd.DataFrame
    splits: Mapping[str, tuple[str, ...]]
    events: pd.DataFrame | None = None
    synthetic: bool = False
    version: str = ""
    licence: str = ""
    citation: str = ""
    source: str = ""
    notes: tuple[str, ...] = field(default=())
    official: Mapping[str, int] = field(default_factory=dict)
    overlaps: frozenset[str] = frozenset()

    @property
    def metadata_columns(self) -> tuple[str, ...]:
        """Columns of the source beyond those every dataset has."""
        return tuple(c for c in self.clips.columns if c not in COLUMNS)

    def renamed(self, name: str) -> Dataset:
        """The same clips under another dataset name, which is the first part of every clip id.

        Examples
        --------
        >>> import pandas as pd
        >>> table = pd.DataFrame({"clip_id": ["toy/a.wav"]})
        >>> made = Dataset("toy", Path("."), "scene", (), table, {"test": ("toy/a.wav",)}).renamed("toy-synthetic")
        >>> made.splits["test"], made.clips["clip_id"].tolist()
        (('toy-synthetic/a.wav',), ['toy-synthetic/a.wav'])
        """
        if name == self.name:
            return self
        cut = len(self.name)

        def moved(clip_id: str) -> str:
            return name + clip_id[cut:]

        clips = self.clips.assign(clip_id=[moved(clip_id) for clip_id in self.clips["clip_id"]])
        splits = {split: tuple(moved(clip_id) for clip_id in ids) for split, ids in self.splits.items()}
        events = self.events
        if events is not None:
            events = events.assign(clip_id=[moved(clip_id) for clip_id in events["clip_id"]])
        return replace(self, name=name, clips=clips, splits=splits, events=events)

    def select(self, split: str) -> pd.DataFrame:
        """Clips of one split, in the official order of that split.

        Raises
        ------
        ConfigError
            The dataset has no such split.
        """
        from benchbed.errors import ConfigError, did_you_mean

        if split not in self.splits:
            known = ", ".join(self.splits) or "none"
            hint = did_you_mean(split, self.splits) or f"splits of {self.name}: {known}"
            raise ConfigError(f"dataset {self.name} has no split '{split}'", hint=hint)
        return self.clips.set_index("clip_id", drop=False).loc[list(self.splits[split])].reset_index(drop=True)
