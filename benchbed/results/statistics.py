"""`statistics.npz`: what a run's figures are made from, so that two runs can be compared without their predictions.

Figures that are functions of sums: per cell there is one row of sums for each recording group and combination of
metadata values that results are cut by. Figures that are not (ranks, areas over thresholds, curves over cells): their
value in every bootstrap draw. Draws are named after the data, so two runs on the same clips share them, and the
difference draw by draw is a paired bootstrap.

The file holds neither audio nor clip ids nor scores, and is small enough to be committed as a baseline. Nothing here
knows what the numbers in a row mean; the metric families that made them do. Numbers are rounded alike in a run and in a
baseline, so that equal predictions give equal statistics.
"""

from __future__ import annotations

import io
import itertools
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from benchbed.errors import DamagedError, DataError
from benchbed.nesting import json_of
from benchbed.results.draws import Drawn, pack, unpack
from benchbed.results.sparse import dense, sparse
from benchbed.seal import check
from benchbed.whole import write_whole

#: Version of the file layout. 1 had the sums of the main metric family only, and no draws.
FORMAT = 2

#: Layouts that are read.
READ = (1, 2)

#: Name of the file in a run folder or baseline.
NAME = "statistics.npz"

#: What to do where the file is missing or of no use.
AGAIN = "run the suite again; stored predictions are reused"


@dataclass(frozen=True)
class Levels:
    """A metadata column that results are cut by.

    Attributes
    ----------
    values : tuple of str
        Its values, in the order of their codes.
    sets : mapping of str to tuple of str
        Named sets of values, e.g. `unseen`.
    """

    values: tuple[str, ...]
    sets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Further:
    """A metric family beside the main one, whose metrics carry its name before theirs.

    Attributes
    ----------
    name : str
        Name before its metrics, e.g. `event` in `event_macro_f1`.
    family : str
        Registered metric family.
    options : mapping
        Its options.
    """

    name: str
    family: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CellStatistics:
    """One cell, summed by recording group and metadata.

    Attributes
    ----------
    split : str
        Its split, whose groups and columns it uses.
    rows : np.ndarray [shape=(row, statistic), float64]
        Sums of the statistics of all families, side by side.
    group : np.ndarray [shape=(row,), int64]
        Number of each row's recording group.
    codes : mapping of str to np.ndarray [shape=(row,), int64]
        Column → number of each row's value; −1 for none.
    clips : np.ndarray [shape=(row,), int64]
        Clips (times draws) in each row.
    marks : np.ndarray [shape=(group,), uint64]
        Hash over the ids of each group's scored clips: two runs scored the same clips of a group if they agree.
    drawn : Drawn
        Figures of the cell that no sum gives, in every bootstrap draw; keys are (group, metric), the group empty for
        all clips.
    summed : Drawn
        Figures of all clips that the sums give as well, so that a baseline can do without the sums.
    lean : bool
        There are no sums: every figure that is left stands in `drawn`.
    """

    split: str
    rows: np.ndarray
    group: np.ndarray
    codes: Mapping[str, np.ndarray]
    clips: np.ndarray
    marks: np.ndarray
    drawn: Drawn = field(default_factory=Drawn)
    summed: Drawn = field(default_factory=Drawn)
    lean: bool = False

    def without_sums(self) -> CellStatistics:
        """The cell with its draws alone: a few kilobytes, whatever the number of clips."""
        return replace(
            self,
            rows=self.rows[:0],
            group=self.group[:0],
            clips=self.clips[:0],
            lean=True,
            codes={name: code[:0] for name, code in self.codes.items()},
            drawn=self.drawn.joined(self.summed),
            summed=Drawn(),
        )


@dataclass(frozen=True)
class Statistics:
    """Everything that figures of a run can be made from again.

    Attributes
    ----------
    family : str
        Registered metric family.
    options : mapping
        Its options.
    labels : tuple of str
        Classes.
    index_hash : str
        Hash of the clips that were used; also names the bootstrap.
    seed : int
        Seed of the run's bootstrap.
    groups : mapping of str to tuple of str
        Split → names of its recording groups, in the order of their numbers.
    columns : mapping of str to mapping of str to Levels
        Split → metadata column → its values.
    cells : mapping of str to CellStatistics
        Key of the cell → its sums.
    further : tuple of Further
        Other families over the same clips.
    widths : tuple of int
        Statistics of each family, the main one first.
    draws : int
        Bootstrap draws of the run.
    scores : Drawn
        Figures over cells in every draw; keys are ("", name under `scores`).
    layout : int
        Version of the file that they were read from.
    """

    family: str
    options: Mapping[str, Any]
    labels: tuple[str, ...]
    index_hash: str
    seed: int
    groups: Mapping[str, tuple[str, ...]]
    columns: Mapping[str, Mapping[str, Levels]]
    cells: Mapping[str, CellStatistics]
    further: tuple[Further, ...] = ()
    widths: tuple[int, ...] = ()
    draws: int = 0
    scores: Drawn = field(default_factory=Drawn)
    layout: int = FORMAT

    def only(self, patterns: Sequence[str]) -> Statistics:
        """The cells whose key, or its part after task and split, matches one of the patterns (`*`, `?`)."""
        return replace(self, cells={key: cell for key, cell in self.cells.items() if _matches(key, patterns)})

    def families(self, names: Sequence[str]) -> Statistics:
        """The main metric family and those of the others that are named, with their sums."""
        ends = np.cumsum(self.widths)
        kept = [i for i, part in enumerate(("", *(f.name for f in self.further))) if not i or part in names]
        columns = np.concatenate([np.arange(ends[i] - self.widths[i], ends[i]) for i in kept])
        cells = {key: replace(cell, rows=cell.rows[:, columns]) for key, cell in self.cells.items()}
        further = tuple(self.further[i - 1] for i in kept[1:])
        return replace(self, cells=cells, further=further, widths=tuple(self.widths[i] for i in kept))

    def short(self, sums: Sequence[str]) -> Statistics:
        """Sums of the cells that match, draws alone of the others; nothing is there twice."""
        kept = {
            key: replace(cell, summed=Drawn()) if _matches(key, sums) or cell.lean else cell.without_sums()
            for key, cell in self.cells.items()
        }
        return replace(self, cells=kept)

    def without_parts(self, patterns: Sequence[str]) -> Statistics:
        """Draws of classes and slices kept for the cells that match, of all clips for all."""
        kept = {
            key: cell if _matches(key, patterns) else replace(cell, drawn=cell.drawn.only(lambda name: not name[0]))
            for key, cell in self.cells.items()
        }
        return replace(self, cells=kept)


def _matches(key: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(key, p) or fnmatchcase(key.split("/", 2)[2], p) for p in patterns)


def marks(clip_ids: Iterable[str], group: np.ndarray, groups: int) -> np.ndarray:
    """Hash over the clip ids of each group, whatever their order; 0 for a group without clips.

    Parameters
    ----------
    clip_ids : iterable of str
        Id of each clip, once for every draw.
    group : np.ndarray [shape=(clip,), int]
        Number of each clip's group.
    groups : int
        Number of groups.

    Examples
    --------
    >>> a = marks(["x", "y", "z"], np.array([0, 0, 1]), 2)
    >>> b = marks(["y", "x"], np.array([0, 0]), 2)
    >>> bool(a[0] == b[0]), bool(a[1] == b[1])
    (True, False)
    """
    # A sum of hashes does not depend on the order, and modulo 2**64 it cannot overflow.
    hashes = np.array([int.from_bytes(blake2b(c.encode(), digest_size=8).digest(), "big") for c in clip_ids], np.uint64)
    found = np.zeros(groups, np.uint64)
    np.add.at(found, group, hashes)
    return found


def write_statistics(statistics: Statistics, folder: Path) -> Path:
    """Write `statistics.npz`, whole or not at all; equal statistics give equal bytes."""
    same: dict[str, str] = {}
    cells: list[dict[str, object]] = []
    # The arrays of a hundred cells would fill the memory: what the file says of them is told in a first pass.
    for _ in _arrays(statistics, same, cells):
        pass
    over, scores = pack(statistics.scores)
    meta = {
        "format": FORMAT,
        "family": statistics.family,
        "options": dict(statistics.options),
        "further": [{"name": f.name, "family": f.family, "options": dict(f.options)} for f in statistics.further],
        "widths": list(statistics.widths),
        "labels": list(statistics.labels),
        "index_hash": statistics.index_hash,
        "seed": statistics.seed,
        "draws": statistics.draws,
        "scores": scores,
        "same": same,
        "groups": {split: list(names) for split, names in statistics.groups.items()},
        "columns": {
            split: {
                name: {"values": list(levels.values), "sets": {k: list(v) for k, v in levels.sets.items()}}
                for name, levels in columns.items()
            }
            for split, columns in statistics.columns.items()
        },
        "cells": cells,
    }
    text = json.dumps(meta, sort_keys=True, ensure_ascii=False).encode()
    buffer = io.BytesIO()
    # As numpy's `savez_compressed` writes them, one after the other.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        named = (("meta", np.frombuffer(text, np.uint8)), *((f"scores.{name}", one) for name, one in over.items()))
        for name, array in itertools.chain(named[:1], _arrays(statistics, {}, []), named[1:]):
            with archive.open(f"{name}.npy", "w", force_zip64=True) as place:
                np.lib.format.write_array(place, array, allow_pickle=False)
    path = folder / NAME
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(path, buffer.getvalue())
    return path


def _arrays(
    statistics: Statistics, same: dict[str, str], cells: list[dict[str, object]]
) -> Iterator[tuple[str, np.ndarray]]:
    """Arrays of all cells with their names, in the order of the file; those that are another's are put into `same`, and
    what is said of each cell into `cells`."""
    first: dict[bytes, str] = {}
    for number, (key, cell) in enumerate(statistics.cells.items()):
        step, value = sparse(cell.rows)
        of_cell = {"step": step, "value": value, "group": cell.group.astype(np.uint32)}
        of_cell |= {"clips": cell.clips.astype(np.uint32), "marks": cell.marks.astype(np.uint64)}
        of_cell |= {f"code.{column}": codes.astype(np.int16) for column, codes in cell.codes.items()}
        for short, array in of_cell.items():
            # The cells of a split have the same recordings, and mostly the same clips.
            name, content = f"{number}.{short}", blake2b(array.tobytes(), person=f"{array.dtype}{array.ndim}".encode())
            if (known := first.setdefault(content.digest(), name)) == name:
                yield name, array
            else:
                same[name] = known
        names = {}
        for part in ("drawn", "summed"):
            packed, names[part] = pack(getattr(cell, part))
            for short, array in packed.items():
                yield f"{number}.{part}.{short}", array
        about = {"key": key, "split": cell.split, "shape": list(cell.rows.shape), "columns": list(cell.codes)}
        cells.append({**about, "lean": cell.lean, **names})


def read_statistics(
    path: Path,
    expected: str | None = None,
    *,
    cells: Callable[[str], bool] = lambda key: True,
    scores: Callable[[str], bool] = lambda name: True,
) -> Statistics:
    """Read a `statistics.npz`, from the file or the folder that holds it.

    A file of layout 1 is read as what it holds: sums of the main metric family, without draws.

    Parameters
    ----------
    path : Path
        The file, or its folder.
    expected : str, optional
        Digest that the record has of it.
    cells, scores : callable
        Whether the cell of a key, and the draws of a figure over cells, are wanted; the others are left on disk.

    Raises
    ------
    DamagedError
        No such file, or not as it was written.
    DataError
        Of a layout that is not known here.
    """
    path = path / NAME if path.is_dir() else path
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DamagedError("no statistics beside the record", where=str(path), hint=AGAIN) from error
    if expected is not None:
        check(data, expected, path, again=AGAIN)
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            meta = json_of(stored["meta"].tobytes())
            if meta["format"] not in READ:
                what = f"statistics of layout {meta['format']}, this benchbed reads {' and '.join(map(str, READ))}"
                raise DataError(what, where=str(path), hint=AGAIN)
            stored_columns = _Once(stored, meta.get("same", {}))
            asked = [(number, item) for number, item in enumerate(meta["cells"]) if cells(item["key"])]
            sums = {item["key"]: _cell(stored_columns, number, item) for number, item in asked}
            over = unpack(stored, "scores", meta.get("scores", []))
            if not all(scores(name) for _, name in over.names):
                over = over.only(lambda name: scores(name[1]))
    except (OSError, EOFError, LookupError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise DamagedError(
            f"not a statistics file ({type(error).__name__}: {error})", where=str(path), hint=AGAIN
        ) from error
    return Statistics(
        meta["family"],
        meta["options"],
        tuple(meta["labels"]),
        meta["index_hash"],
        meta["seed"],
        {split: tuple(names) for split, names in meta["groups"].items()},
        {
            split: {
                name: Levels(tuple(stored_columns["values"]), {k: tuple(v) for k, v in stored_columns["sets"].items()})
                for name, stored_columns in columns.items()
            }
            for split, columns in meta["columns"].items()
        },
        sums,
        tuple(Further(part["name"], part["family"], part["options"]) for part in meta.get("further", [])),
        tuple(meta.get("widths", [])),
        meta.get("draws", 0),
        over,
        meta["format"],
    )


class _Once(Mapping[str, np.ndarray]):
    """Arrays of a file, where one that several names share is read once."""

    def __init__(self, stored: Mapping[str, np.ndarray], same: Mapping[str, str]) -> None:
        self.stored, self.same, self.shared = stored, same, set(same.values())
        self.read: dict[str, np.ndarray] = {}

    def __getitem__(self, name: str) -> np.ndarray:
        source = self.same.get(name, name)
        if source not in self.shared:
            return self.stored[source]
        if source not in self.read:
            self.read[source] = self.stored[source]
        return self.read[source]

    def __iter__(self) -> Iterator[str]:
        return iter([*self.stored, *self.same])

    def __len__(self) -> int:
        return len(self.stored) + len(self.same)


def _cell(stored: Mapping[str, np.ndarray], number: int, item: Mapping[str, Any]) -> CellStatistics:
    return CellStatistics(
        item["split"],
        dense(stored[f"{number}.step"], stored[f"{number}.value"], tuple(item["shape"])),
        stored[f"{number}.group"].astype(np.int64),
        {column: stored[f"{number}.code.{column}"].astype(np.int64) for column in item["columns"]},
        stored[f"{number}.clips"].astype(np.int64),
        stored[f"{number}.marks"],
        unpack(stored, f"{number}.drawn", item.get("drawn", [])),
        unpack(stored, f"{number}.summed", item.get("summed", [])),
        item.get("lean", False),
    )
