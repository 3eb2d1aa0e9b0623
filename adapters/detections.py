"""Sound events that a system has found, or its scores over time, in place of a model that nobody can run.

    benchbed score suites/urban_sed.yaml events.tsv --set suite.post_processing=null
    benchbed run SUITE --model adapters/detections.py --set file=scores/ --set missing=empty

A table with a row for each event, as challenges collect them (`filename`, `onset`, `offset` in seconds, `event_label`,
and `confidence` where an event has one; without a header in this order), or for each stretch of time with a column of
scores for each class (`onset`, `offset`, `Cat`, `Dog`, …). A folder holds one such table for each recording, named like
it. A row with a file name alone says that nothing was found there. The audio must be there, too, since nothing else
says how long a recording is.

Events come out with a score of one on a grid of `resolution`, a millisecond as the times of such lists have, so a suite
whose thresholds and filters were made for scores should be told `--set suite.post_processing=null`. Stored outputs
cannot be perturbed: such a run has clean conditions only.
"""

import re
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from benchbed.adapter import Adapter, Card
from benchbed.adapter.labels import read_labels
from benchbed.errors import AdapterError, ConfigError, did_you_mean
from benchbed.tables.events import events_in, stem, tidy, timed_table
from benchbed.tables.table import Table

RATE = 8000
TIMED = ("file", "onset", "offset", "label", "confidence")
ENDINGS = (".tsv", ".csv", ".txt", ".ann", ".parquet")


class Detections(Adapter):
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
        Seconds from one frame to the next. Times are rounded to it.
    name, licence, trained_on : card
        Fields of the card.
    """

    #: Such an adapter replays what was stored: it needs clip ids, never listens, and cannot be perturbed.
    replays = True

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
        tables = [_table(path, self.path.is_dir()) for path in _files(self.path)]
        classes = dict.fromkeys(label for table in tables for label in _classes(table))
        names = read_labels(labels) if labels else tuple(sorted(classes) if "label" in tables[0] else classes)
        unknown = [label for label in classes if label not in names]
        if unknown or not names:
            what = f"'{unknown[0]}' is not one of the labels" if unknown else "the table names no class"
            hint = (did_you_mean(unknown[0], names) if unknown else None) or f"labels are {', '.join(names) or 'none'}"
            raise AdapterError(what, where=str(self.path), hint=hint)
        # File → onset, offset [shape=(row,)] and scores [shape=(row, class)].
        self._held: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        for table in tables:
            for key, rows in table.groupby("file", sort=False):
                if str(key) in self._held:
                    raise AdapterError(f"two tables are about {key}", where=str(self.path))
                self._held[str(key)] = _timed(rows, names)
        self._claimed: dict[str, str] = {}
        self._short: dict[str, list[str]] = {}
        for key in self._held:
            self._short.setdefault(stem(key), []).append(key)
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
            description=f"replayed from {self.path.name}, times to {resolution:g} s",
            trained_on=trained_on,
        )

    def predict(self, batch) -> np.ndarray:
        """Scores [clip, frame, class] of the batch's recordings."""
        if "clip_id" not in batch.side:
            raise AdapterError("stored events are found by clip id, and the batch carries none")
        seconds = batch.waveforms.shape[2] / RATE
        frames = max(1, round(seconds / self.resolution))
        scores = np.zeros((len(batch.waveforms), frames, len(self.card.labels)))
        for made, clip in zip(scores, batch.side["clip_id"]):
            for onset, offset, value in zip(*self._rows(str(clip))):
                if onset >= seconds:
                    raise AdapterError(
                        f"something is found at {onset:g} s, and {clip} ends at {seconds:g} s", where=str(self.path)
                    )
                start = min(round(onset / self.resolution), frames - 1)
                part = made[start : max(start + 1, round(offset / self.resolution))]
                np.maximum(part, value, out=part)
        return scores

    def weights(self) -> list[Path]:
        return _files(self.path)

    def _rows(self, clip: str) -> tuple[np.ndarray, ...]:
        """What is stored about a clip `dataset/path/file.wav@onset`, the most specific match first."""
        whole = re.sub(r"@\d+(\.\d+)?$", "", clip)
        for key in (clip, whole, whole.partition("/")[2]):
            if key in self._held:
                return self._held[key]
        keys = self._short.get(stem(whole), [])
        if len(keys) > 1:
            raise AdapterError(
                f"{' and '.join(keys[:2])} could both mean {clip}",
                where=str(self.path),
                hint="give paths relative to the dataset's folder",
            )
        if keys:
            other = self._claimed.setdefault(keys[0], whole)
            if other != whole:
                raise AdapterError(
                    f"{keys[0]} would stand for two recordings, {other} and {whole}",
                    where=str(self.path),
                    hint="give paths relative to the dataset's folder; if one of "
                    "them is of another split, e.g. where thresholds are chosen: "
                    "--set suite.post_processing=null",
                )
            return self._held[keys[0]]
        if self.missing == "error":
            raise AdapterError(
                f"{clip} has no row",
                where=str(self.path),
                hint="a row with the file name alone says that nothing was found; or --set "
                "missing=empty if that holds for every recording without a row",
            )
        return np.zeros(0), np.zeros(0), np.zeros((0, len(self.card.labels)))


def _files(path: Path) -> list[Path]:
    files = sorted(p for p in path.iterdir() if p.suffix.lower() in ENDINGS) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise ConfigError("there is no table of events", where=str(path), hint="give .tsv, .csv or .txt, or a folder")
    return files


def _table(path: Path, own: bool) -> pd.DataFrame:
    """Rows with `file`, `onset`, `offset` as numbers, and `label` or a column of scores for each class."""
    if path.suffix.lower() not in ENDINGS:
        raise ConfigError(
            f"events in {path.suffix or 'a file without ending'} are unknown",
            where=str(path),
            hint=f"give {', '.join(ENDINGS)}, or a folder of them",
        )
    table = timed_table(path, own=own)
    rows = events_in(table) if "label" in table.frame else _scores(table)
    if own:
        name = pd.DataFrame([{"file": path.stem, "label": "", "where": str(path)}])
        rows = rows.assign(file=path.stem) if len(rows) else name
    return rows


def _scores(table: Table) -> pd.DataFrame:
    """A table of scores over time, every number of it looked at."""
    classes = [name for name in table.frame.columns if name not in TIMED]
    rows = pd.DataFrame({"file": table.frame["file"].map(tidy)} if "file" in table.frame else {})
    for name in (*TIMED[1:3], *classes):
        rows[name] = table.numbers(name)
    rows["where"] = [table.where(row) for row in range(len(rows))]
    silent = rows[["onset", "offset", *classes]].isna().all(axis=1).to_numpy()
    found = rows[classes].to_numpy(np.float64)
    _refuse(rows, ~silent & rows[["onset", "offset"]].isna().any(axis=1).to_numpy(), "a time is no number")
    _refuse(rows, ~silent & np.isnan(found).any(axis=1), "a score is no number")
    _refuse(rows, ((found < 0) | (found > 1)).any(axis=1), "a score outside 0…1")
    return rows


def _classes(table: pd.DataFrame) -> list[str]:
    if "label" in table:
        return [label for label in table["label"].unique() if label]
    return [str(column) for column in table.columns if column not in (*TIMED, "where")]


def _timed(rows: pd.DataFrame, names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times and scores of one recording."""
    own = [name for name in names if name in rows] if "label" not in rows else []
    rows = rows[(rows["label"] != "") if "label" in rows else ~rows[own].isna().all(axis=1)]
    onset, offset = (rows[name].to_numpy(np.float64) for name in ("onset", "offset"))
    _refuse(rows, onset < 0, "a negative onset")
    _refuse(rows, offset <= onset, "an event that ends where it begins, or before")
    scores = np.zeros((len(rows), len(names)))
    if "label" in rows:
        sure = rows["confidence"].to_numpy(np.float64) if "confidence" in rows else 1.0
        scores[np.arange(len(rows)), [names.index(label) for label in rows["label"]]] = sure
        return onset, offset, scores
    scores[:, [names.index(name) for name in own]] = rows[own].to_numpy(np.float64)
    return onset, offset, scores


def _refuse(rows: pd.DataFrame, bad: np.ndarray, what: str) -> None:
    at = np.flatnonzero(bad)
    if len(at):
        more = f", and in {len(at) - 1} more rows" if len(at) > 1 else ""
        raise AdapterError(what + more, where=str(rows["where"].iloc[at[0]]))
