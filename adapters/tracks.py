"""Output files of a system for sound event localisation, in place of a model that nobody can run.

    benchbed score suites/dcase_task3.yaml FOLDER
    benchbed run SUITE --model adapters/tracks.py --set file=FOLDER --set year=2024 --set missing=empty

A folder with one csv for each recording, as DCASE Task 3 collects them; the form of each year is recognised, and a file
of another year is named. The audio need not be there. Stored outputs cannot be perturbed: such a run has clean
conditions only.
"""

import re
from pathlib import Path
from typing import Literal

import numpy as np

from benchbed.adapter import Adapter, Card
from benchbed.adapter.labels import read_labels
from benchbed.errors import AdapterError, DataError
from benchbed.outputs.tracks.classes import CLASSES
from benchbed.outputs.tracks.folder import OddFiles, TracksFolder
from benchbed.outputs.tracks.forms import check_year

RATE = 8000


class TrackFiles(Adapter):
    """Replays tracks.

    Parameters
    ----------
    file : Path
        A folder with one csv for each recording, or one file.
    year : int
        Whose files they are: 2020 … 2025.
    labels : str
        Classes in the order of their numbers, as a file or names separated by commas; the year's own by default.
    missing : str
        What a recording without a file is: an `error`, or `empty`, that is, one in which nothing was found.
    empty : str
        The same for a file without rows.
    beyond : str
        Rows after the end of a recording: an `error`, or `drop`.
    unit : str
        Unit of distances: `auto` by their range, `cm`, or `m`.
    most : int
        Sources of one class that a file may have at a time; 0 for any number.
    name, licence, trained_on : card
        Fields of the card.
    """

    #: Such an adapter replays what was stored: it needs clip ids, never listens, and cannot be perturbed.
    replays = True
    #: What sounds was decided by whoever wrote the files.
    lists = True

    def __init__(
        self,
        *,
        file: Path,
        year: int,
        labels: str = "",
        missing: Literal["error", "empty"] = "error",
        empty: Literal["error", "empty"] = "error",
        beyond: Literal["error", "drop"] = "error",
        unit: Literal["auto", "cm", "m"] = "auto",
        most: int = 3,
        name: str = "",
        licence: str = "",
        trained_on: tuple[str, ...] = (),
    ) -> None:
        check_year(year)
        self.folder = TracksFolder.open(Path(file), year, OddFiles(missing, empty, beyond, unit, most or None))
        classes = read_labels(labels) if labels else CLASSES[year]
        read = f"replayed from {self.folder.path.name}, {len(self.folder.tables)} files of {year}"
        self.card = Card(
            name=name or self.folder.path.stem,
            family="other",
            output="tracks",
            labels=classes,
            sample_rate=RATE,  # the audio is not listened to
            frame_seconds=0.1,
            side_information=("clip_id",),
            licence=licence,
            description=f"{read}, distances in {self.folder.unit}" if year > 2022 else read,
            trained_on=trained_on,
        )

    def meet(self, clips) -> list[str]:
        """Say which files are about none of a run's recordings, and whether angles look like radians."""
        known = {_recording(clip) for clip in clips["clip_id"]}
        lost = sorted(set(self.folder.tables) - known)
        odd = ["all angles of the files lie within ±π: they are read in degrees, are they radians?"]
        odd *= self.folder.in_radians()
        if not lost:
            return odd
        some = ", ".join(lost[:3]) + (", …" if len(lost) > 3 else "")
        total = len(self.folder.tables)
        return [*odd, f"{len(lost)} of {total} files are about no recording of the data set and were not used: {some}"]

    def predict(self, batch) -> np.ndarray:
        """Tracks [clip] of the batch's recordings."""
        if "clip_id" not in batch.side:
            raise AdapterError("stored outputs are found by clip id, and the batch carries none")
        lengths = batch.side.get("frames", (None,) * len(batch.side["clip_id"]))
        made = np.empty(len(lengths), dtype=object)
        for i, (clip, frames) in enumerate(zip(batch.side["clip_id"], lengths)):
            name = _recording(clip)
            known = None if frames is None or frames != frames else int(frames)
            try:
                made[i] = self.folder.answer(name, known, classes=len(self.card.labels))
            except DataError as error:
                raise AdapterError(error.what, where=error.where, hint=error.hint) from error
        return made

    def weights(self) -> list[Path]:
        return [table.path for table in self.folder.tables.values()]


def _recording(clip: str) -> str:
    """Name of a clip's file without its ending."""
    return re.sub(r"@\d+(\.\d+)?$", "", str(clip)).rpartition("/")[2].rpartition(".")[0]
