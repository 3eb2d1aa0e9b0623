"""Stored scores of a system that nobody can run: a csv, tsv or parquet file in place of a model.

    benchbed run suites/dcase_task1.yaml --model adapters/predictions.py --set file=output.csv --set name=CPJKU_1

The table has one row per clip, in one of three forms:

- a column of clips and one column per class (`airport`, `bus`, … or `prob_airport`, `prob_bus`, …), e.g.

      filename,prob_airport,prob_bus
      audio/airport-lisbon-1000-40000-0-a.wav,0.9,0.1

- a DCASE Task 1 submission: tab-separated `filename`, `scene_label`, then one column per class;
- a column of clips and one column `label`, `scene_label` or `prediction`: hard decisions, without probabilities.

A clip is found by its id, its path in the dataset, or its file name where that is unique. Stored outputs cannot be
perturbed, so such a run has clean conditions only.
"""

from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from benchbed.adapter import Adapter, Card
from benchbed.adapter.labels import read_labels
from benchbed.errors import AdapterError, ConfigError, DataError, did_you_mean
from benchbed.tables.cells import read_text
from benchbed.tables.events import tidy
from benchbed.tables.names import clips_named
from benchbed.tables.numbers import is_number
from benchbed.tables.table import Table, read_table

ID_COLUMNS = ("clip_id", "filename", "file", "path", "audio", "id")
DECISION_COLUMNS = ("scene_label", "prediction", "predicted", "label")
PREFIX = "prob_"
#: Columns of numbers that tables have beside those of classes; a class of such a name is named by labels=.
NO_CLASSES = ("index", "fold", "target", "onset", "offset", "duration", "start", "end", "seed", "epoch")


class Predictions(Adapter):
    """Replays a table of predictions.

    Parameters
    ----------
    file : Path
        `.csv`, `.tsv` or `.parquet`; a csv may be separated by tabs or semicolons.
    labels : str
        Classes in order, as a file or names separated by commas; needed for hard decisions in which a class never
        occurs. Otherwise the file says them.
    id_column, label_column : str
        Column of the clip, and of hard decisions, where they have other names than usual.
    output : str
        `scene`: rows sum to one. `tags`: independent probabilities.
    normalise : bool
        Divide the rows of a scene table by their sum instead of refusing sums that miss one by more than 0.001.
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
        id_column: str = "",
        label_column: str = "",
        output: Literal["scene", "tags"] = "scene",
        normalise: bool = False,
        name: str = "",
        licence: str = "",
        trained_on: tuple[str, ...] = (),
    ) -> None:
        self.path = Path(file)
        read = _read(self.path, not (id_column or label_column))
        self._where, self._numbers, table = read.where, read.numbers, read.frame.copy()
        ids = table.pop(_column(table, id_column, ID_COLUMNS, "clips", self.path)).map(tidy)
        self._refuse_rows(ids, ids.duplicated(keep=False), "predicted more than once")
        decided = label_column or next((c for c in DECISION_COLUMNS if c in table.columns), "")
        decisions = table.pop(_column(table, decided, (), "decisions", self.path)) if decided else None
        names, columns = self._classes(table, labels, decisions)
        self._decided = None if columns else decisions.to_numpy()
        if columns:
            self._scores = self._probabilities(table[columns], ids, output, normalise)
        else:
            self._scores = self._one_hot(decisions, ids, names)
        self._ids = ids.tolist()
        self._rows: dict[str, int] = {}
        self._met: dict[str, None] = {}
        notes = [f"replayed from {self.path.name}"]
        if not columns:
            notes.append("hard decisions: log loss, calibration and ranking measures are undefined for them")
        elif decided == "scene_label":
            other = int((decisions.to_numpy() != np.array(names)[self._scores.argmax(1)]).sum())
            notes += [f"in {other} rows scene_label is not the most probable class, which is what counts"] * bool(other)
        self.card = Card(
            name=name or self.path.stem,
            family="other",
            output=output,
            labels=names,
            sample_rate=8000,  # the audio is not listened to
            scores="probabilities",
            side_information=("clip_id",),
            licence=licence,
            description="; ".join(notes),
            trained_on=trained_on,
        )

    def predict(self, batch) -> np.ndarray:
        """Stored probabilities of the batch's clips."""
        if "clip_id" not in batch.side:
            raise AdapterError("stored predictions are found by clip id, and the batch carries none")
        if unmet := [str(clip) for clip in batch.side["clip_id"] if str(clip) not in self._met]:
            self.meet(pd.DataFrame({"clip_id": [*self._met, *unmet]}))
        rows = [self._rows.get(str(clip)) for clip in batch.side["clip_id"]]
        missing = [clip for clip, row in zip(batch.side["clip_id"], rows) if row is None]
        if missing:
            raise AdapterError(
                f"{len(missing)} of {len(rows)} clips have no prediction: {', '.join(map(str, missing[:3]))}",
                where=str(self.path),
                hint=f"its clips look like {self._ids[0]}; give a file for this split",
            )
        return self._scores[rows]

    def weights(self) -> list[Path]:
        return [self.path]

    def meet(self, clips: pd.DataFrame) -> list[str]:
        """Find the prediction of every clip of a run, and say which predictions are about none."""
        try:
            at = clips_named(self._ids, clips, self._where)
        except DataError as error:
            raise AdapterError(error.what, where=error.where, hint=error.hint) from error
        names = clips["clip_id"].astype(str).tolist()
        self._met = dict.fromkeys(names)
        self._rows = {names[place]: row for row, place in enumerate(at) if place >= 0}
        lost = [row for row, place in enumerate(at) if place < 0]
        if not lost:
            return []
        some = ", ".join(self._ids[row] for row in lost[:3]) + (", …" if len(lost) > 3 else "")
        return [
            f"{len(lost)} of {len(at)} rows of {self.path.name} are about no clip of the data set and were not used: "
            f"{some} ({self._where(lost[0])})"
        ]

    def written(self, label: str) -> tuple[int, str] | None:
        """Where the file decides for a class first, or the row that names its column."""
        if self._decided is None:
            return 0, f"{self.path}:1"
        rows = np.flatnonzero(self._decided == label)
        return (len(rows), f"{self._where(rows[0])}, of {self._ids[rows[0]]}") if len(rows) else None

    def _classes(self, table: pd.DataFrame, labels: str, decisions) -> tuple[tuple[str, ...], list[str]]:
        """Class names, and the columns of their probabilities if the file has any."""
        prefixed = [c for c in table.columns if c.startswith(PREFIX)]
        wanted = read_labels(labels) if labels else ()
        if prefixed:
            found = {c.removeprefix(PREFIX): c for c in prefixed}
        else:
            numeric = [c for c in table.columns if c not in NO_CLASSES and any(map(is_number, table[c]))]
            found = {c: c for c in (wanted or numeric) if c in table.columns}
        if not found and decisions is not None:
            return wanted or tuple(sorted(set(decisions) - {""})), []
        lacking = [name for name in wanted or found if name not in found]
        if not found or lacking:
            what = f"the file has no column for class '{lacking[0]}'" if lacking else "the file has no column of scores"
            known = ", ".join(table.columns)
            hint = did_you_mean(lacking[0], table.columns) if lacking else None
            raise AdapterError(what, where=f"{self.path}:1", hint=hint or f"its columns are {known}")
        return tuple(wanted or found), [found[name] for name in wanted or found]

    def _probabilities(self, table: pd.DataFrame, ids: pd.Series, output: str, normalise: bool) -> np.ndarray:
        values = self._values(table)
        self._refuse_rows(ids, ~np.isfinite(values).all(1), "not a number")
        self._refuse_rows(ids, (values < 0).any(1), "a negative probability", "logits need a softmax first")
        sums = values.sum(1)
        if output == "tags":
            self._refuse_rows(ids, (values > 1).any(1), "a probability above one")
        elif normalise:
            self._refuse_rows(ids, sums <= 0, "a row that sums to zero")
            values = values / sums[:, None]
        else:
            classes = ", ".join(table.columns[:12])
            hint = f"say normalise=true, or output=tags; or name the classes with labels= (read as classes: {classes})"
            self._refuse_rows(ids, np.abs(sums - 1) > 1e-3, "a row that does not sum to one", hint)
        return values

    def _values(self, table: pd.DataFrame) -> np.ndarray:
        try:
            return np.stack([self._numbers(column) for column in table.columns], axis=1)
        except DataError as error:
            raise AdapterError(error.what, where=error.where, hint=error.hint) from error

    def _one_hot(self, decisions: pd.Series, ids: pd.Series, names: tuple[str, ...]) -> np.ndarray:
        number = {name: index for index, name in enumerate(names)}
        classes = decisions.astype(str).map(number)
        if classes.isna().any():
            row = int(np.flatnonzero(classes.isna())[0])
            found = str(decisions.iloc[row])
            raise AdapterError(
                f"'{found}' is not one of the labels ({int(classes.isna().sum())} such rows)",
                where=f"{self._where(row)}, of {ids.iloc[row]}",
                hint=did_you_mean(found, names) or f"labels are {', '.join(names)}",
            )
        return np.eye(len(names), dtype=np.float32)[classes.to_numpy(int)]

    def _refuse_rows(self, ids: pd.Series, bad, what: str, hint: str | None = None) -> None:
        rows = np.flatnonzero(bad)
        if len(rows):
            clips = ", ".join(ids.iloc[rows[:3]])
            raise AdapterError(f"{what}, in {len(rows)} rows: {clips}", where=self._where(rows[0]), hint=hint)


def _read(path: Path, bare: bool) -> Table:
    if not path.is_file():
        raise ConfigError("there is no file of predictions", where=str(path), hint="check file=")
    if path.suffix.lower() not in (".csv", ".tsv", ".txt", ".parquet"):
        raise ConfigError(
            f"predictions in {path.suffix or 'a file without ending'} are unknown",
            where=str(path),
            hint="give .csv, .tsv or .parquet",
        )
    try:
        return read_table(path, names=_bare(path) if bare else None)
    except DataError as error:
        what = f"the predictions cannot be read: {error.what}"
        raise AdapterError(what, where=error.where, hint=error.hint) from error


def _bare(path: Path) -> tuple[str, str] | None:
    """Columns of a list of clips and hard decisions that has no header, as sed_eval takes it."""
    if path.suffix.lower() not in (".tsv", ".txt"):
        return None
    first = next((line for line in read_text(path).splitlines() if line.strip()), "")
    cells = [cell.strip(' "') for cell in first.split("\t")]
    named = {cell.lower() for cell in cells} & {*ID_COLUMNS, *DECISION_COLUMNS}
    return (ID_COLUMNS[1], DECISION_COLUMNS[0]) if len(cells) == 2 and not named else None


def _column(table: pd.DataFrame, wanted: str, usual: tuple[str, ...], what: str, path: Path) -> str:
    name = wanted or next((c for c in usual if c in table.columns), "")
    if name in table.columns:
        return name
    known = ", ".join(table.columns)
    hint = (did_you_mean(wanted, table.columns) if wanted else None) or f"its columns are {known}"
    raise AdapterError(
        f"the file has no column of {what}" + (f" '{wanted}'" if wanted else ""), where=f"{path}:1", hint=hint
    )
