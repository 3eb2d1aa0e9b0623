"""Tracks: directions over time, errors by place, and the recordings that perturbations hurt most to listen to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from benchbed.metrics.contract import Family
from benchbed.metrics.seld.family import Seld
from benchbed.perturb import CORRUPTIONS
from benchbed.predictions.by_cell import PredictionsByCell
from benchbed.predictions.index import indexed
from benchbed.results.directions import CellDirections, read_directions
from benchbed.results.record import Result
from benchbed.run.job.prepared import Prepared
from benchbed.run.scoring.families import metric_family
from benchbed.run.scoring.split import Split
from benchbed.run.showing.directions import cell_directions, recording_f20
from benchbed.run.showing.picks import Pick, broken, once
from benchbed.run.showing.shelf import Recordings

#: Nothing that a model said in one word.
_NOTHING = ("", 0.0)


def localisation_of(family: Family) -> Seld | None:
    """The first metrics of a suite that know directions.

    Examples
    --------
    >>> from benchbed.metrics.families.seld2024 import family
    >>> localisation_of(family(("dog",))).rule.year
    2024
    """
    return next((part for part in family.parts.values() if isinstance(part, Seld)), None)


def directions(family: Family, made: Recordings, cell: str) -> CellDirections | None:
    """What is drawn of a cell; nothing where no metric of the suite knows directions."""
    ranking = localisation_of(family)
    return None if ranking is None else cell_directions(ranking, made, cell)


def queues(
    prepared: Prepared,
    result: Result,
    count: int,
    others: Sequence[tuple[str, Path]],
    stored: PredictionsByCell | None = None,
) -> list[Iterable[Pick]]:
    """What corruptions cost most, one recording each; recordings of the drawings; what an attack broke."""
    rate = prepared.adapter.card.sample_rate
    return [
        once(_dropped(prepared, result)),
        _drawn(prepared.folder, result, count),
        once(broken(prepared.folder, result, rate)),
    ]


def heard(clip_id: str, waveform: np.ndarray) -> tuple[np.ndarray, str]:
    """Two channels `[2, sample]` of a recording of several, and how they were made.

    Parameters
    ----------
    clip_id : str
        Its folder says whether it is of microphones.
    waveform : np.ndarray [shape=(channel, sample)]
        As the model hears it.

    Examples
    --------
    >>> left, note = heard("starss23/foa_dev/a.wav", np.array([[1.0], [1.0], [0.0], [0.0]]))
    >>> left.tolist(), note
    ([[1.0], [0.0]], 'first-order Ambisonics, played as two cardioids to the left and the right')
    """
    if waveform.shape[0] < 2:
        return waveform, ""
    if waveform.shape[0] == 2:
        return waveform, "as two channels"
    if "/mic_" in f"/{clip_id}" and waveform.shape[0] == 4:
        # The tetrahedron's microphones to the left (45 and 135 degrees) and to the right (−45 and −135).
        return np.stack([waveform[[0, 2]].mean(axis=0), waveform[[1, 3]].mean(axis=0)]), (
            "four microphones, of which the two to the left and the two to the right are played together"
        )
    middle, side = waveform[0], waveform[1]
    note = "first-order Ambisonics, played as two cardioids to the left and the right"
    return np.stack([(middle + side) / 2, (middle - side) / 2]), note


def _drawn(folder: Path, result: Result, count: int) -> list[Pick]:
    """The recordings of the clean drawings, the worst first, each from where its drawing begins."""
    kept = read_directions(folder)
    clean = {cell.key for cell in result.cells if cell.condition.kind == "clean"}
    shown = [(cell.cell, one) for cell in (kept.cells if kept else []) if cell.cell in clean for one in cell.shown]
    shown.sort(key=lambda held: held[1].why != "worst")
    return [
        Pick(
            one.why, one.clip_id, cell, 0, ", ".join(s.label for s in one.sources), _NOTHING, _NOTHING, start=one.start
        )
        for cell, one in shown[:count]
    ]


def _dropped(prepared: Prepared, result: Result) -> Iterator[Pick]:
    """Recordings under corruptions by how much of their F20° is lost; those that turn the scene first."""
    paths = indexed(prepared.folder)
    ranking = localisation_of(metric_family(prepared.loaded_suite, prepared.job.asked, prepared.job.scope)[0])
    if not paths or ranking is None:
        return
    stored = PredictionsByCell(paths)
    cells = {plan.key: plan for plan in prepared.cells}
    clean: dict[tuple[str, str], float] = {}
    drops = []
    for plan in sorted(cells.values(), key=lambda plan: plan.kind != "clean"):
        if plan.kind not in ("clean", "corruption"):
            continue
        split = Split(prepared.job, plan.split)
        predictions = stored.of(plan.key)
        first = (predictions.table["cell"].astype(str) == plan.key) & (predictions.table["draw"] == 0)
        answered = split.answered(predictions, np.flatnonzero(first.to_numpy()))
        f20 = recording_f20(ranking, answered.answers, answered.references)
        names = split.table["clip_id"].to_numpy()[answered.position]
        if plan.kind == "clean":
            clean |= {(plan.split, str(name)): float(value) for name, value in zip(names, f20)}
            continue
        for name, value, there in zip(names, f20, answered.references):
            before = clean.get((plan.split, str(name)), np.nan)
            if not np.isnan(before) and not np.isnan(value):
                said = sorted({prepared.job.asked[label] for label in np.unique(there.label)})
                drops.append((plan, str(name), before, float(value), ", ".join(said)))
    drops.sort(key=lambda one: (not _turns(one[0].name), one[3] - one[2], one[1]))
    for plan, name, before, after, label in drops:
        yield Pick("worst drop", name, plan.key, 0, label, _NOTHING, _NOTHING, scores=(before, after))


def _turns(corruption: str) -> bool:
    """Whether a corruption turns the scene, which is then heard beside the scene as it was."""
    return corruption in CORRUPTIONS.names() and not CORRUPTIONS.get(corruption).CORRUPTION.preserves_space
