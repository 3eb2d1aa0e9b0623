"""Sound events that a system has found, or its scores over time, in place of a model that nobody can run.

    benchbed score suites/urban_sed.yaml events.tsv
    benchbed run SUITE --model adapters/detections.py --set file=scores/ --set missing=empty

A table with a row for each event, as challenges collect them (`filename`, `onset`, `offset` in seconds, `event_label`,
and `confidence` where an event has one; without a header in this order), or for each stretch of time with a column of
scores for each class (`onset`, `offset`, `Cat`, `Dog`, …). A folder holds one such table for each recording, named like
it. A row with a file name alone says that nothing was found there.

Lists of events stay lists: every event keeps its times, whatever touches, overlaps or repeats it, and no filter or
threshold made for scores touches it; those with a confidence count from the suite's threshold on. Metrics over all
thresholds, such as PSDS, need scores over time and say so. How long a recording is says the table of durations of the
data set, or else its audio. Stored outputs cannot be perturbed: such a run has clean conditions only.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import pandas as pd

from benchbed.adapter import Card
from benchbed.adapter.labels import read_labels
from benchbed.adapter.replay import Replay
from benchbed.errors import AdapterError, ConfigError, did_you_mean
from benchbed.outputs.contract import Foreign, Output
from benchbed.outputs.frames.foreign import answers_of, read_tables

RATE = 8000


class Detections(Replay):
    """Replays events or scores over time.

    Parameters
    ----------
    file : Path
        A table, or a folder with one for each recording.
    labels : str
        Classes in order, as a file or names separated by commas; needed where a class of the data set is never found.
        Otherwise the table says them.
    missing : str
        What a recording without a row is: an `error`, or `empty`, that is, one in which nothing was found.
    resolution : float
        Seconds from one frame to the next, for scores of stretches of time that are not even. Events need none.
    name, licence, trained_on : card
        Fields of the card.
    """

    def __init__(
        self,
        *,
        file: Path,
        labels: str = "",
        missing: Literal["error", "empty"] = "error",
        resolution: float = 0.001,
        name: str = "",
        licence: str = "",
        trained_on: tuple[str, ...] = (),
    ) -> None:
        if not 1 / RATE <= resolution <= 1:
            raise ConfigError(f"resolution={resolution:g}", hint=f"seconds, from {1 / RATE} to 1")
        self.path, self.missing, self.resolution = Path(file), missing, resolution
        self.tables = read_tables(self.path)
        self.lists = self.tables.lists
        names = read_labels(labels) if labels else self.tables.classes
        unknown = [label for label in self.tables.classes if label not in names]
        if unknown or not names:
            what = f"'{unknown[0]}' is not one of the labels" if unknown else "the table names no class"
            hint = (did_you_mean(unknown[0], names) if unknown else None) or f"labels are {', '.join(names) or 'none'}"
            found = self.written(unknown[0]) if unknown else None
            raise AdapterError(what, where=found[1] if found else str(self.path), hint=hint)
        self.card = Card(
            name=name or self.path.stem,
            family="other",
            output="frames",
            labels=names,
            sample_rate=RATE,  # the audio is not listened to
            scores="probabilities",
            frame_seconds=resolution,
            side_information=("clip_id",),
            licence=licence,
            description=f"{'events' if self.lists else 'scores over time'} of {self.path.name}",
            trained_on=trained_on,
        )

    def answers(
        self,
        output: Output,
        clips: pd.DataFrame,
        labels: Sequence[str],
        means: Mapping[str, Sequence[str]],
        needed: Sequence[str],
    ) -> Foreign:
        """Events or scores of clips."""
        return answers_of(self.tables, clips, labels, means, self.missing, self.resolution, needed)

    def written(self, label: str) -> tuple[int, str] | None:
        """Where the tables name a class first, or the table that has a column of it."""
        if not self.lists:
            return 0, str(self.path)
        rows = self.tables.rows[self.tables.rows["label"] == label]
        return (len(rows), f"{rows['where'].iloc[0]}, of {rows['file'].iloc[0]}") if len(rows) else None

    def weights(self) -> list[Path]:
        return sorted(p for p in self.path.iterdir() if p.is_file()) if self.path.is_dir() else [self.path]
