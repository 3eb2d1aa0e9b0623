"""A folder of a system's output files, one for each recording, as challenges collect them.

What is odd about a folder is an error unless it was declared: a missing file, an empty one, rows beyond the recording.
The baselines write outputs to the end of their last padded batch, so three rows of five can lie beyond.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from benchbed.errors import ConfigError, DataError
from benchbed.outputs.tracks.files import TrackColumns, from_table, read_table, suspect
from benchbed.outputs.tracks.forms import UNITS, Unit, check_year, unit_of
from benchbed.outputs.tracks.recording import Tracks

#: Rows of a file whose distances say what unit they are in.
ENOUGH = 10


@dataclass(frozen=True)
class OddFiles:
    """What to do with odd files.

    Attributes
    ----------
    missing : {"error", "empty"}
        A recording without a file.
    empty : {"error", "empty"}
        A file without rows; `empty` says that nothing was found.
    beyond : {"error", "drop"}
        Rows after the end of the recording; metrics leave them out and count them.
    unit : {"auto", "cm", "m"}
        Unit of distances; `auto` tells it by the range of the whole folder.
    most : int, optional
        Sources of a class at a time.
    """

    missing: Literal["error", "empty"] = "error"
    empty: Literal["error", "empty"] = "error"
    beyond: Literal["error", "drop"] = "error"
    unit: Literal["auto", "cm", "m"] = "auto"
    most: int | None = None

    def __post_init__(self) -> None:
        for name, known in (
            ("missing", ("error", "empty")),
            ("empty", ("error", "empty")),
            ("beyond", ("error", "drop")),
            ("unit", ("auto", "cm", "m")),
        ):
            if getattr(self, name) not in known:
                raise ConfigError(f"{name}={getattr(self, name)}", hint=" or ".join(known))


@dataclass
class TracksFolder:
    """Output files of one system.

    Attributes
    ----------
    path : Path
        The folder.
    year : int
        Whose files they are.
    policy : OddFiles
        What to do with odd ones.
    tables : dict of str to Table
        Name of a recording → the numbers of its file.
    unit : str
        Unit of distances, as declared or told.
    """

    path: Path
    year: int
    policy: OddFiles
    tables: dict[str, TrackColumns]
    unit: Unit

    @classmethod
    def open(cls, path: Path, year: int, policy: OddFiles | None = None) -> TracksFolder:
        """Read every file of a folder, or one file.

        Raises
        ------
        ConfigError
            No file.
        DataError
            Two files of one recording, a file of another year, or distances in another unit than declared.

        Examples
        --------
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as made:
        ...     _ = Path(made, "mix001.csv").write_text("0,3,0,-50,30\\n")
        ...     folder = TracksFolder.open(Path(made), 2022)
        ...     len(folder.answer("mix001", 600)), sorted(folder.tables)
        (1, ['mix001'])
        """
        check_year(year)
        policy = policy or OddFiles()
        path = Path(path)
        files = _csv_below(path) if path.is_dir() else [path]
        if not files or not files[0].is_file():
            raise ConfigError("no output file is there", where=str(path), hint="a folder with one csv a recording")
        tables: dict[str, TrackColumns] = {}
        for file in files:
            if file.stem in tables:
                raise DataError(
                    f"two files are about the recording {file.stem}",
                    where=f"{tables[file.stem].path} and {file}",
                    hint="one system has one file for each recording; name the folder of one of them",
                )
            tables[file.stem] = read_table(file, year)
        distances = np.concatenate([np.zeros(0), *(table.distances for table in tables.values())])
        unit = policy.unit if policy.unit != "auto" else unit_of(distances) or UNITS.get(year, "m")
        suspect(distances, unit, str(path))
        for table in tables.values():
            # One file in another unit is lost in the middle of all.
            if len(table.distances) >= ENOUGH:
                suspect(table.distances, unit, str(table.path))
        return cls(path, year, policy, tables, unit)

    def answer(self, name: str, frames: int | None, *, classes: int | None = None) -> Tracks:
        """What the system found in a recording.

        Parameters
        ----------
        name : str
            Name of the recording, without ending.
        frames : int, optional
            Its length.
        classes : int, optional
            Number of classes.

        Raises
        ------
        DataError
            A file that is missing or empty, or rows out of range, where the policy does not allow it.
        """
        if name not in self.tables:
            if self.policy.missing == "empty":
                return Tracks(frames=frames, answered=False)
            raise DataError(
                f"there is no file for {name}",
                where=str(self.path),
                hint="a file that says nothing was found is empty; --set missing=empty takes missing files for such",
            )
        table = self.tables[name]
        if not len(table.values):
            if self.policy.empty == "empty":
                return Tracks(frames=frames)
            raise DataError(
                "the file is empty",
                where=str(table.path),
                hint="--set empty=empty takes empty files for recordings in which nothing was found",
            )
        late = np.zeros(0) if frames is None else table.values[table.values[:, 0] >= frames, 0]
        if len(late) and self.policy.beyond == "error":
            raise DataError(
                f"{len(late)} of {len(table.values)} rows lie beyond the recording, the first in frame {late[0]:.0f}",
                where=str(table.path),
                hint=f"the recording has {frames} frames of 0.1 s, from 0; --set beyond=drop leaves such rows out and "
                "counts them",
            )
        # Rows beyond stay in the answer: metrics leave out what lies after the end, the official scripts read some.
        tracks = from_table(table, self.unit, classes=classes, most=self.policy.most)
        return replace(tracks, frames=frames)

    def in_radians(self) -> bool:
        """Whether angles look like radians: fractions that fill a good part of ±π and never leave it."""
        azimuth, elevation = np.zeros(0), np.zeros(0)
        for table in self.tables.values():
            if table.form is not None and table.form.kind in ("polar", "stereo") and len(table.values):
                first = 2 if table.form.columns == 4 else 3
                azimuth = np.append(azimuth, table.values[:, first])
                if table.form.kind == "polar":
                    elevation = np.append(elevation, table.values[:, first + 1])
        if len(azimuth) < ENOUGH or (azimuth == np.rint(azimuth)).all():
            return False
        inside = np.abs(azimuth).max() <= np.pi and np.abs(elevation).max(initial=0.0) <= np.pi / 2
        return bool(inside and np.ptp(azimuth) > np.pi / 2)

    def unknown(self, names: Sequence[str]) -> list[str]:
        """Files of recordings that are none of the given."""
        return sorted(set(self.tables) - set(names))


def _csv_below(folder: Path) -> list[Path]:
    """Files of outputs; hidden ones are what systems and archives leave beside them."""
    below = (path for path in folder.rglob("*") if path.suffix.lower() == ".csv" and path.is_file())
    return sorted(path for path in below if not any(part.startswith(".") for part in path.relative_to(folder).parts))
