"""DISCO: one second of sound around each of 1,935 pictures of crowds, with the number of heads in the picture.

Sounds lie in `auds` (or `audio`), density maps in `density` (or `density_maps`), a folder for each split. The points
that maps were made from, `labels/new_0001.txt`, were published beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from benchbed.data.assemble import build, find_root, option
from benchbed.data.dataset import Dataset
from benchbed.data.density import density_counts, point_count
from benchbed.data.facts import Facts, Remote
from benchbed.errors import ConfigError, DataError

_RECORD = "https://zenodo.org/records/3828468/files/"
FACTS = Facts(
    title="DISCO, audiovisual crowd counting",
    source="https://doi.org/10.5281/zenodo.3828468",
    licence="as the record states it",
    citation="D. Hu, L. Mou, Q. Wang, J. Gao, Y. Hua, D. Dou, X. X. Zhu: Ambient sound helps: audiovisual crowd "
    "counting in extreme conditions. arXiv:2005.07097, 2020.",
    version="1",
    counts={"disco": {"train": 1435, "val": 200, "test": 300}},
    files=(
        Remote("audio.zip", f"{_RECORD}audio.zip?download=1"),
        Remote("density_maps.zip", f"{_RECORD}density_maps.zip?download=1"),
        Remote("images.zip", f"{_RECORD}images.zip?download=1", required=False),
    ),
    steps="put the folders of sounds and of density maps (with train, val, test) side by side; pictures are not read",
)
#: Columns of every set of this form, for suites that are checked without it.
COLUMNS = ("count", "count_range")
SPLITS = ("train", "val", "test")
AUDIO, MAPS, POINTS = ("auds", "audio"), ("density", "density_maps"), ("labels", "annotations")
#: Where ranges of counts begin by default; the mean of the set is 88, the most 709.
RANGES = (50, 100, 200)


def read(root: Path, *, heads: Literal["density", "points"] = "density", ranges: Sequence[int] = RANGES) -> Dataset:
    """Read the splits `train`, `val` and `test`, and `cross_scene_…` where maps of them are there.

    Parameters
    ----------
    root : Path
        Folder with sounds and density maps.
    heads : {"density", "points"}
        Count the sum of the density map, as published evaluators do, or the points of `labels`.
    ranges : sequence of int
        Where the second and further ranges of the column `count_range` begin.

    Raises
    ------
    DataError
        No such folder, a file that is no map or holds no points, a count below zero, a map without a sound.
    ConfigError
        Ranges that do not rise.
    """
    import pandas as pd

    option(heads, ("density", "points"), "way to count heads")
    edges = _edges(ranges)
    root = Path(root)
    maps = next((name for name in MAPS if (root / name).is_dir()), MAPS[0])
    root = find_root(root, "disco", FACTS, (maps,), ("DISCO",))
    audio = next((name for name in AUDIO if (root / name).is_dir()), AUDIO[0])
    rows: list[tuple[str, str]] = []
    for folder in sorted(path for path in (root / maps).iterdir() if path.is_dir()):
        rows += [(folder.name, path.stem) for path in sorted(folder.glob("*.mat")) if not path.name.startswith("._")]
    if not rows:
        raise DataError(
            "there is no density map", where=str(root / maps), hint="train, val and test with a .mat for each picture"
        )
    clips = list(dict.fromkeys(name for _, name in rows))
    first = {name: split for split, name in reversed(rows)}
    if heads == "points":
        counts = np.array([point_count(_points(root, name)) for name in clips], np.float64)
    else:
        counts = density_counts(root, [f"{maps}/{first[name]}/{name}.mat" for name in clips])
    _refuse_silent(root / audio, clips)
    place = {name: number for number, name in enumerate(clips)}
    splits = list(dict.fromkeys(split for split, _ in rows))
    named = pd.Series(clips, dtype=object)
    return build(
        name="disco",
        root=root,
        kind="count",
        labels=(),
        paths=f"{audio}/" + named + ".wav",
        label=pd.Series([()] * len(clips), dtype=object),
        group=named,
        where=lambda row: str(root / maps / first[clips[row]] / f"{clips[row]}.mat"),
        splits={split: np.array([place[name] for own, name in rows if own == split]) for split in splits},
        facts=FACTS,
        metadata={"count": counts, "count_range": [range_of(value, edges) for value in counts]},
        notes=[f"counts are {'sums of density maps' if heads == 'density' else 'numbers of points'}"],
    )


def range_of(count: float, edges: Sequence[int]) -> str:
    """The range that a count lies in, to the nearest whole number.

    Examples
    --------
    >>> [range_of(value, (50, 100)) for value in (0, 49.4, 49.6, 700)]
    ['0-49', '0-49', '50-99', '100+']
    """
    bounds = [0, *edges]
    place = int(np.searchsorted(bounds, round(count), side="right")) - 1
    return f"{bounds[place]}+" if place == len(bounds) - 1 else f"{bounds[place]}-{bounds[place + 1] - 1}"


def _edges(ranges: Sequence[int]) -> tuple[int, ...]:
    whole = isinstance(ranges, Sequence) and all(
        isinstance(edge, int) and not isinstance(edge, bool) for edge in ranges
    )
    if not whole or any(after <= before for before, after in zip((0, *ranges), ranges)):
        raise ConfigError(f"ranges={ranges!r} do not rise from above 0", hint="ranges: [50, 100, 200]")
    return tuple(ranges)


def _points(root: Path, name: str) -> Path:
    tried = [root / folder / f"{start}{name}.txt" for folder in POINTS for start in ("new_", "")]
    for path in tried:
        if path.is_file():
            return path
    raise DataError(f"there are no points of '{name}'", where=str(tried[0]), hint="heads: density counts by the maps")


def _refuse_silent(folder: Path, clips: Sequence[str]) -> None:
    """Refuse maps of another set: each has a sound, where there are sounds at all."""
    there = {path.stem for path in folder.glob("*.wav")}
    lost = [name for name in clips if name not in there] if there else []
    if lost:
        raise DataError(
            f"{len(lost)} of {len(clips)} density maps have no sound, the first is '{lost[0]}'",
            where=str(folder),
            hint="sounds and maps of one version of the set, side by side",
        )
