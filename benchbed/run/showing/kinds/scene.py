"""Scenes: the worst drops of the true class, mild flips, what an attack broke, and where two models disagree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from benchbed.predictions.index import indexed
from benchbed.predictions.store import read_units
from benchbed.results.listening import Reason
from benchbed.results.record import Result
from benchbed.run.job.prepared import Prepared
from benchbed.run.showing.picks import Pick, once

if TYPE_CHECKING:
    import pandas as pd


def queues(prepared: Prepared, result: Result, count: int, others: Sequence[tuple[str, Path]]) -> list[Iterable[Pick]]:
    """The clips in turns from each reason, no clip twice for one reason and no corruption twice."""
    table = _table(prepared.folder)
    if table is None:
        return []
    kinds = {cell.key: cell.condition.kind for cell in result.cells}
    clean = table[table["cell"].astype(str).map(kinds) == "clean"].drop_duplicates("clip_id").set_index("clip_id")
    lost = _lost(table, clean, kinds, result)
    return [
        once(_worst(lost)),
        once(_flipped(lost)),
        once(_attacked(table, clean, kinds, prepared.adapter.card.sample_rate)),
        *(once(_disagreements(clean, name, folder)) for name, folder in others),
    ]


def _table(folder: Path) -> pd.DataFrame | None:
    paths = indexed(folder)
    if not paths:
        return None
    held = read_units(paths)
    place = {label: i for i, label in enumerate(held.labels)}
    rows = np.arange(len(held.scores))
    table = held.table.copy(deep=False)
    for name in ("clip_id", "cell", "label", "prediction"):
        # The text of each category once, and not once for every row.
        table[name] = table[name].astype(object)
    table["p_true"] = held.scores[rows, table["label"].map(place).to_numpy()]
    table["p_said"] = held.scores.max(axis=1)
    return table


def _lost(table: pd.DataFrame, clean: pd.DataFrame, kinds: Mapping[str, str], result: Result) -> pd.DataFrame:
    """Evaluations under corruptions of clips that are right when clean and wrong perturbed."""
    severity = {cell.key: cell.condition.severity or 0 for cell in result.cells}
    names = {cell.key: cell.condition.name for cell in result.cells}
    right = clean[clean["prediction"] == clean["label"]]
    rows = table[(table["cell"].map(kinds) == "corruption") & table["clip_id"].isin(right.index)]
    rows = rows[rows["skipped"].isna() & (rows["prediction"] != rows["label"])].copy()
    for name in ("p_true", "p_said", "prediction"):
        rows[f"{name}_clean"] = right[name].reindex(rows["clip_id"]).to_numpy()
    rows["drop"] = rows["p_true_clean"] - rows["p_true"]
    rows["severity"], rows["name"] = rows["cell"].map(severity), rows["cell"].map(names)
    return rows


def _worst(lost: pd.DataFrame) -> Iterator[Pick]:
    for row in lost.sort_values(["drop", "clip_id"], ascending=[False, True]).to_dict("records"):
        yield _pick("worst drop", row)


def _flipped(lost: pd.DataFrame) -> Iterator[Pick]:
    # The milder the perturbation that turns a sure answer, the more it says.
    order = lost.sort_values(["severity", "p_true_clean", "clip_id"], ascending=[True, False, True])
    for row in order.to_dict("records"):
        yield _pick("flipped", row)


def _attacked(table: pd.DataFrame, clean: pd.DataFrame, kinds: Mapping[str, str], rate: int) -> Iterator[Pick]:
    if "audio_attacked" not in table:
        return
    rows = table[(table["cell"].map(kinds) == "attack") & table["audio_attacked"].notna()]
    rows = rows[(rows["prediction"] != rows["label"]) & rows["clip_id"].isin(clean.index)]
    for row in rows.to_dict("records"):
        before = clean.loc[row["clip_id"]]
        if before["prediction"] == row["label"]:
            row |= {"prediction_clean": before["prediction"], "p_said_clean": before["p_said"]}
            sounds = [np.frombuffer(row[f"audio_{name}"], "<f4")[None] for name in ("clean", "attacked")]
            yield replace(_pick("attacked", row), sounds=(sounds[0], sounds[1], rate))


def _disagreements(clean: pd.DataFrame, name: str, folder: Path) -> Iterator[Pick]:
    table = _table(folder)
    if table is None:
        return
    cells = set(clean["cell"])
    other = table[table["cell"].isin(cells)].drop_duplicates("clip_id").set_index("clip_id")
    both = clean[clean.index.isin(other.index)].copy()
    for column in ("prediction", "p_true", "p_said"):
        both[f"{column}_other"] = other[column].reindex(both.index)
    right = both["prediction"] == both["label"]
    both = both[right != (both["prediction_other"] == both["label"])]
    both["gap"] = (both["p_true"] - both["p_true_other"]).abs()
    for clip_id, row in both.sort_values("gap", ascending=False).iterrows():
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
