"""Rows and decoded audio of the shard at hand; the conditions of one shard share them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from typing import cast

import numpy as np

from benchbed import audio, rng
from benchbed.data.dataset import ClipRow
from benchbed.errors import AudioError
from benchbed.outputs.contract import Moves
from benchbed.run.computing.shared import decoded
from benchbed.run.computing.whole import Clip, decode
from benchbed.run.job.job import Job, Unit

#: Clips that are read ahead of the one that is asked for.
AHEAD = 8


@lru_cache(maxsize=4)
def _readers(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="benchbed-reader")


@dataclass
class Shard:
    """Some clips of a split.

    Attributes
    ----------
    job : Job
        The run.
    split : str
        Split of the clips.
    rows : sequence of int
        Rows of the split's clip table.
    records : list of ClipRow
        Those rows.
    references : np.ndarray
        References of the clips.
    clips : dict of int to Clip or AudioError
        What has been decoded so far, by number in the shard.
    coming : dict of int to Future
        What threads are reading, likewise.
    """

    job: Job
    split: str
    rows: Sequence[int]
    records: list[ClipRow]
    references: np.ndarray
    clips: dict[int, Clip | AudioError] = field(default_factory=dict)
    coming: dict[int, Future[Clip | AudioError]] = field(default_factory=dict)

    @classmethod
    def of(cls, job: Job, split: str, rows: Sequence[int]) -> Shard:
        """Some rows of a split."""
        at = list(rows)
        records = job.clips[split].iloc[at].to_dict("records")
        return cls(job, split, rows, records, job.output.take(job.references[split], np.array(at, np.int64)))

    def holds(self, unit: Unit) -> bool:
        """Whether these are the clips of a unit."""
        return self.split == unit.split and list(self.rows) == list(rows_of(unit))

    def clip_id(self, index: int) -> str:
        """Name of a clip."""
        return str(self.records[index]["clip_id"])

    def clip(self, index: int) -> Clip | AudioError:
        """A clip, decoded once, or why it cannot be."""
        if index not in self.clips:
            if self.job.readers:
                # While the model is busy with this clip, threads read the next ones.
                for one in range(index, min(index + 1 + AHEAD, len(self.records))):
                    if one not in self.clips and one not in self.coming:
                        self.coming[one] = _readers(self.job.readers).submit(self._decoded, one)
            coming = self.coming.pop(index, None)
            self.clips[index] = self._decoded(index) if coming is None else coming.result()
        return self.clips[index]

    def _decoded(self, index: int) -> Clip | AudioError:
        try:
            return decoded(self.job, self.records[index])
        except AudioError as error:
            return error

    def placed(self, index: int, clip: Clip, moves: Moves | None = None) -> object:
        """Reference of a clip as it lies in its audio, where a corruption put it if one is given."""
        return self.job.output.placed(self.references, index, clip.seconds, moves)


def rows_of(unit: Unit) -> Sequence[int]:
    """Rows of the split's clip table that a unit is about."""
    return unit.rows or range(unit.start, unit.stop)


class Others:
    """Clips of a pool that differ from a given one in a column, from which corruptions draw background material.

    Parameters
    ----------
    job : Job
        The run.
    split : str
        Split of the pool.
    column : str
        What must differ.
    """

    def __init__(self, job: Job, split: str, column: str) -> None:
        # In an order of names, so that a draw does not depend on how the rows of a table happen to lie.
        pool = job.pools[split]
        order = np.argsort([f"{rng.key('pool', clip):032x}" for clip in pool["clip_id"]], kind="stable")
        self.job, self.pool, self.column = job, pool.iloc[order].reset_index(drop=True), column
        self.values = self.pool[column].to_numpy()
        self._columns = {str(name): self.pool[name].to_numpy() for name in self.pool}

    def of(self, row: Mapping[str, object], clip: Clip) -> Callable[[np.random.Generator, int], list[np.ndarray]]:
        """A function `(random, count) → waveforms` at the rate and channel count of a clip."""

        def others(random: np.random.Generator, count: int) -> list[np.ndarray]:
            candidates = self._candidates(row)
            waveforms: list[np.ndarray] = []
            while len(waveforms) < count and len(candidates):
                size = min(count - len(waveforms), len(candidates))
                chosen = random.choice(candidates, size=size, replace=False)
                candidates = candidates[~np.isin(candidates, chosen)]
                for position in chosen:
                    other = self._row(position)
                    try:
                        waveform = decode(self.job.root, other, clip.sample_rate).waveform
                        waveforms.append(audio.to_channels(waveform, clip.waveform.shape[0]))
                    except AudioError:
                        continue  # its own failure, not this clip's: another one is drawn in its place
            return waveforms

        return others

    def _row(self, position: int) -> ClipRow:
        """One row as `DataFrame.to_dict` has it, without making a table of it first."""
        found = {name: values[position] for name, values in self._columns.items()}
        plain = {name: value.item() if isinstance(value, np.generic) else value for name, value in found.items()}
        return cast("ClipRow", plain)

    def _candidates(self, row: Mapping[str, object]) -> np.ndarray:
        own = row[self.column]
        if isinstance(own, tuple):
            # Of clips with several classes, or none, those that share none with this one.
            mine = set(own)
            differ = np.array([mine.isdisjoint(other) for other in self.values], bool)
            return np.flatnonzero(differ & (self.pool["clip_id"] != row["clip_id"]).to_numpy())
        return np.flatnonzero(self.values != own)
