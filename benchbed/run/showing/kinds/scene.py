"""Scenes: the worst drops of the true class, mild flips, what an attack broke, and where two models disagree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from benchbed.predictions.by_cell import PredictionsByCell
from benchbed.predictions.index import indexed
from benchbed.results.listening import Reason
from benchbed.results.record import Result
from benchbed.run.job.prepared import Prepared
from benchbed.run.showing.picks import Pick, condition_of, once

if TYPE_CHECKING:
    import pandas as pd


def queues(
    prepared: Prepared,
    result: Result,
    count: int,
    others: Sequence[tuple[str, Path]],
    stored: PredictionsByCell | None = None,
) -> list[Iterable[Pick]]:
    """The clips in turns from each reason, no clip twice for one reason and no corruption twice."""
    if stored is None:
        paths = indexed(prepared.folder)
        if not paths:
            return []
        stored = PredictionsByCell(paths)
    of_kind: dict[str, list[str]] = {}
    for cell in result.cells:
        of_kind.setdefault(cell.condition.kind, []).append(cell.key)
    clean = _clean(stored, of_kind.get("clean", []))
    lost = _lost(stored, clean, of_kind.get("corruption", []), result)
    attacked = _rows(stored, of_kind.get("attack", []))
    return [
        once(_worst(lost)),
        once(_flipped(lost)),
        once(_attacked(attacked, clean, prepared.adapter.card.sample_rate)),
        *(once(_disagreements(clean, name, folder)) for name, folder in others),
    ]


def _rows(stored: PredictionsByCell, keys: Sequence[str]) -> pd.DataFrame:
    """Predictions of some cells in the order of the files, with the scores of the true class and of the named one."""
    held = stored.of(*keys)
    place = {label: i for i, label in enumerate(held.labels)}
    rows = np.arange(len(held.scores))
    table = held.table.copy(deep=False)
    for name in ("clip_id", "cell", "label", "prediction"):
        # The text of each category once, and not once for every row.
        table[name] = table[name].astype(object)
    table["p_true"] = held.scores[rows, table["label"].map(place).to_numpy(np.int64)]
    table["p_said"] = held.scores.max(axis=1)
    table.index = stored.order(*keys)
    return table[table["cell"].isin(keys)]


def _clean(stored: PredictionsByCell, keys: Sequence[str]) -> pd.DataFrame:
    return _rows(stored, keys).drop_duplicates("clip_id").set_index("clip_id")


def _lost(stored: PredictionsByCell, clean: pd.DataFrame, keys: Sequence[str], result: Result) -> pd.DataFrame:
    """Evaluations under corruptions of clips that are right when clean and wrong perturbed; of each corruption as many
    as could be picked, where all others have been picked before."""
    severity = {cell.key: cell.condition.severity or 0 for cell in result.cells}
    right = clean[clean["prediction"] == clean["label"]]
    together: dict[str, list[str]] = {}
    for key in keys:
        together.setdefault(condition_of(key), []).append(key)
    parts = []
    for cells in together.values():
        rows = _rows(stored, cells)
        rows = rows[rows["clip_id"].isin(right.index)]
        rows = rows[rows["skipped"].isna() & (rows["prediction"] != rows["label"])].copy()
        for name in ("p_true", "p_said", "prediction"):
            rows[f"{name}_clean"] = right[name].reindex(rows["clip_id"]).to_numpy()
        rows["drop"], rows["severity"] = rows["p_true_clean"] - rows["p_true"], rows["cell"].map(severity)
        parts.append(_candidates(rows, len(together)))
    return _joined(parts) if parts else _rows(stored, ())


def _joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Rows of several conditions in the order of the files."""
    import pandas as pd

    # pandas 3 takes types from empty parts and columns, too: what says nothing stays out.
    told = [part.dropna(axis=1, how="all") for part in parts if len(part)]
    return pd.concat(told).sort_index().reindex(columns=parts[0].columns) if told else parts[0]


def _candidates(lost: pd.DataFrame, conditions: int) -> pd.DataFrame:
    """Rows of one condition that `once` may take: of every clip the first, and no more than one for each condition,
    since each of the others takes one clip away at most."""
    ways = [ordered(lost).drop_duplicates("clip_id").head(conditions) for ordered in (_by_drop, _by_severity)]
    return lost.loc[sorted({*ways[0].index, *ways[1].index})]


def _by_drop(lost: pd.DataFrame) -> pd.DataFrame:
    return lost.sort_values(["drop", "clip_id", "cell", "draw"], ascending=[False, True, True, True])


def _by_severity(lost: pd.DataFrame) -> pd.DataFrame:
    # The milder the perturbation that turns a sure answer, the more it says. Where two corruptions turn it, their names
    # decide: files have names that another version of the code does not give them.
    ways = {"severity": True, "p_true_clean": False, "clip_id": True, "cell": True, "draw": True}
    return lost.sort_values(list(ways), ascending=list(ways.values()))


def _worst(lost: pd.DataFrame) -> Iterator[Pick]:
    for row in _by_drop(lost).to_dict("records") if len(lost) else ():
        yield _pick("worst drop", row)


def _flipped(lost: pd.DataFrame) -> Iterator[Pick]:
    for row in _by_severity(lost).to_dict("records") if len(lost) else ():
        yield _pick("flipped", row)


def _attacked(table: pd.DataFrame, clean: pd.DataFrame, rate: int) -> Iterator[Pick]:
    if "audio_attacked" not in table:
        return
    rows = table[table["audio_attacked"].notna()]
    rows = rows[(rows["prediction"] != rows["label"]) & rows["clip_id"].isin(clean.index)]
    for row in rows.sort_values(["cell", "clip_id", "draw"]).to_dict("records"):
        before = clean.loc[row["clip_id"]]
        if before["prediction"] == row["label"]:
            row |= {"prediction_clean": before["prediction"], "p_said_clean": before["p_said"]}
            sounds = [np.frombuffer(row[f"audio_{name}"], "<f4")[None] for name in ("clean", "attacked")]
            yield replace(_pick("attacked", row), sounds=(sounds[0], sounds[1], rate))


def _disagreements(clean: pd.DataFrame, name: str, folder: Path) -> Iterator[Pick]:
    paths = indexed(folder)
    if not paths:
        return
    other = _clean(PredictionsByCell(paths), sorted(set(clean["cell"])))
    both = clean[clean.index.isin(other.index)].copy()
    for column in ("prediction", "p_true", "p_said"):
        both[f"{column}_other"] = other[column].reindex(both.index)
    right = both["prediction"] == both["label"]
    both = both[right != (both["prediction_other"] == both["label"])]
    both["gap"] = (both["p_true"] - both["p_true_other"]).abs()
    for clip_id, row in both.sort_values(["gap", "clip_id"], ascending=[False, True]).iterrows():
        said = (row["prediction"], float(row["p_said"]))
        yield Pick(
            "disagreement",
            str(clip_id),
            row["cell"],
            0,
            row["label"],
            said,
            said,
            (name, row["prediction_other"], float(row["p_said_other"])),
        )


class _Row(TypedDict):
    """An evaluation beside that of the clean clip."""

    clip_id: str
    cell: str
    draw: int
    label: str
    prediction: str
    p_said: float
    prediction_clean: str
    p_said_clean: float


def _pick(why: Reason, row: _Row) -> Pick:
    return Pick(
        why,
        row["clip_id"],
        row["cell"],
        int(row["draw"]),
        row["label"],
        (row["prediction_clean"], float(row["p_said_clean"])),
        (row["prediction"], float(row["p_said"])),
    )
