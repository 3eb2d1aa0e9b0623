"""Sound events that a system has found, or its scores over time, in place of a model that nobody can run.

    benchbed score suites/urban_sed.yaml events.tsv --set suite.post_processing=null
    benchbed run SUITE --model adapters/detections.py --set file=scores/ --set missing=empty

A table with a row for each event, as challenges collect them (`filename`, `onset`, `offset` in seconds, `event_label`;
without a header in this order), or for each stretch of time with a column of scores for each class (`onset`, `offset`,
`Cat`, `Dog`, …). A folder holds one such table for each recording, named like it. A row with a file name alone says
that nothing was found there. The audio must be there, too, since nothing else says how long a recording is.

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

RATE = 8000
COLUMNS = {
    "file": ("filename", "file", "path", "audio", "clip_id"),
    "onset": ("onset", "event_onset"),
    "offset": ("offset", "event_offset"),
    "label": ("event_label", "label", "event", "class"),
}
ENDINGS = (".tsv", ".csv", ".txt")


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
            self._short.setdefault(_stem(key), []).append(key)
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
        keys = self._short.get(_stem(whole), [])
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


def _stem(key: str) -> str:
    return re.sub(r"\.[A-Za-z]\w{1,4}$", "", key.rpartition("/")[2])


def _table(path: Path, one: bool) -> pd.DataFrame:
    """Rows with `file`, `onset`, `offset`, and `label` or a column for each class; `one` if of one recording."""
    if path.suffix.lower() not in ENDINGS:
        raise ConfigError(
            f"events in {path.suffix or 'a file without ending'} are unknown",
            where=str(path),
            hint="give .tsv, .csv or .txt, or a folder of them",
        )
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    cells = [re.split(r"[\t,;]", line.strip("\r\n")) for line in lines]
    usual = ["onset", "offset", "label"] if one else ["file", "onset", "offset", "label"]
    headed = bool(cells) and any(cell.strip() in COLUMNS["onset"] for cell in cells[0])
    names = [_usual(cell.strip()) for cell in cells[0]] if headed else usual
    first = 2 if headed else 1
    rows = [
        (number, [*row, *[""] * (len(names) - len(row))])
        for number, row in enumerate(cells[first - 1 :], first)
        if any(cell.strip() for cell in row)
    ]
    for number, row in rows:
        if len(row) != len(names):
            raise AdapterError(
                f"{len(row)} columns where {len(names)} are expected", where=f"{path}:{number}", hint=", ".join(names)
            )
    table = pd.DataFrame([[cell.strip() for cell in row] for _, row in rows], columns=names, dtype=str)
    table["where"] = [f"{path}:{number}" for number, _ in rows]
    if one:
        if not rows:
            table = pd.DataFrame([dict.fromkeys([*names, "where"], "")])
        table["file"] = path.stem
    lacking = [name for name in ("file", "onset", "offset") if name not in table]
    if lacking or not len(table):
        raise AdapterError(
            f"the table has no column of {lacking[0]}" if lacking else "the table has no rows",
            where=f"{path}:1",
            hint=f"its columns are {', '.join(names)}",
        )
    table["file"] = table["file"].str.replace("\\", "/").str.removeprefix("./")
    return table


def _usual(name: str) -> str:
    return next((kind for kind, names in COLUMNS.items() if name in names), name)


def _classes(table: pd.DataFrame) -> list[str]:
    if "label" in table:
        return [label for label in table["label"].unique() if label]
    return [str(column) for column in table.columns if column not in ("file", "onset", "offset", "where")]


def _timed(rows: pd.DataFrame, names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times and scores of one recording, every one of them looked at."""
    own = [name for name in names if name in rows] if "label" not in rows else []
    values = rows["label"] if "label" in rows else rows[own[0]]
    rows = rows[(rows["onset"] + rows["offset"] + values) != ""]
    onset, offset = (pd.to_numeric(rows[name], errors="coerce").to_numpy(np.float64) for name in ("onset", "offset"))
    _refuse(rows, ~(np.isfinite(onset) & np.isfinite(offset)), "a time is no number")
    _refuse(rows, onset < 0, "a negative onset")
    _refuse(rows, offset <= onset, "an event that ends where it begins, or before")
    scores = np.zeros((len(rows), len(names)))
    if "label" in rows:
        _refuse(rows, (rows["label"] == "").to_numpy(), "an event without a label")
        scores[np.arange(len(rows)), [names.index(label) for label in rows["label"]]] = 1
        return onset, offset, scores
    found = rows[own].apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    _refuse(rows, ~np.isfinite(found).all(axis=1), "a score is no number")
    _refuse(rows, ((found < 0) | (found > 1)).any(axis=1), "a score outside 0…1")
    scores[:, [names.index(name) for name in own]] = found
    return onset, offset, scores


def _refuse(rows: pd.DataFrame, bad: np.ndarray, what: str) -> None:
    at = np.flatnonzero(bad)
    if len(at):
        more = f", and in {len(at) - 1} more rows of this recording" if len(at) > 1 else ""
        raise AdapterError(what + more, where=str(rows["where"].iloc[at[0]]))
