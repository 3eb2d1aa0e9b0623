"""Runs of a tagger made from arrays: mAP ranks, which no sum gives, and a further family has sums of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
from made_runs import INDEX, made_record, resummed

from benchbed.compare.runs import OpenRun, open_run
from benchbed.metrics.cell import group_codes, score_cell
from benchbed.metrics.families.tagging import family as tagging
from benchbed.metrics.folds import Fold
from benchbed.metrics.joint import Joint
from benchbed.metrics.slices import Column
from benchbed.results import record
from benchbed.results.artefacts import naming
from benchbed.results.statistics import NAME, Further, write_statistics
from benchbed.results.store import write
from benchbed.rng import stream
from benchbed.run.scoring.aggregate import AnswersOfCell, ScoredCell
from benchbed.run.scoring.cells import to_value
from benchbed.run.scoring.robust import robust_figures
from benchbed.run.scoring.statistics import CellRows, cell_draws, collect, sum_cell, summed_draws
from benchbed.stats.bootstrap import Bootstrap

LABELS = ("bell", "cat", "rain")
FURTHER = (Further("strict", "tagging", {"threshold": 0.8}),)


def tags(clips: int, *key) -> np.ndarray:
    """Target `[clip, class]`; every class in about two clips of five, and in the first and not in the second."""
    target = (stream("made-tags", *key).random((clips, len(LABELS))) < 0.4).astype(float)
    target[0], target[1] = 1, 0
    return target


def heard(target: np.ndarray, strength: float, *key) -> np.ndarray:
    """Scores of a tagger: stronger is better, 0 is chance; luck is shared by the two clips of a recording."""
    generator = stream("made-tags-heard", *key)
    luck = np.repeat(generator.random((len(target) // 2, target.shape[1])), 2, axis=0)
    return np.clip(strength * target + (1 - strength) * (0.5 * luck + 0.5 * generator.random(target.shape)), 0, 1)


def tag_run(
    folder: Path,
    conditions: Mapping[str, np.ndarray],
    target: np.ndarray,
    *,
    name: str = "tagger",
    options: Mapping | None = None,
    device: np.ndarray | None = None,
    draws: int = 200,
    seed: int = 0,
    lost: Mapping[str, np.ndarray] | None = None,
    further: tuple[Further, ...] = FURTHER,
    splits: np.ndarray | None = None,
    index: str = INDEX,
) -> OpenRun:
    """Write and open a run; two clips make a recording, `NAME@SEVERITY` is a corruption of the group `noise`."""
    main = tagging(LABELS)
    family = Joint(main, {f.name: tagging(LABELS, **f.options) for f in further}) if further else main
    ids = np.array([f"tags/{i:04d}.wav" for i in range(len(target))])
    group = np.array([f"rec{i // 2:04d}" for i in range(len(target))])
    where = np.full(len(target), "test") if splits is None else splits
    cells, sums, scored, groups, columns = [], {}, {}, {}, {}
    for split in dict.fromkeys(where):
        here = where == split
        codes, groups[split] = group_codes(group[here])
        boot = Bootstrap(len(groups[split]), draws=draws, name=f"{index}/{split}", seed=seed)
        columns[split] = [] if device is None else [Column("device", device[here])]
        for condition, scores in conditions.items():
            kept = np.ones(here.sum(), bool) if lost is None or condition not in lost else ~lost[condition][here]
            cut = [Column(c.name, c.values[kept], c.sets) for c in columns[split]]
            args = scores[here][kept], target[here][kept], codes[kept]
            made = score_cell(family, *args, cut, boot if draws else None, tables=False)
            key, (corruption, _, severity) = f"tags/{split}/{condition}", condition.partition("@")
            shown = {"map", "ap"}
            found = {
                g: {n: v for n, v in held.items() if not severity or n in shown} for g, held in made.groups.items()
            }
            draws_of = cell_draws(family, made.metrics, found), summed_draws(family, made.metrics)
            rows = CellRows(split, *args, ids[here][kept].tolist(), cut, *draws_of)
            sums[key] = sum_cell(family, rows, len(groups[split]))
            scored[key] = ScoredCell(made, boot, partial(_read, boot, int(here.sum())))
            cells.append(
                record.Cell(
                    key=key,
                    task="tags",
                    split=split,
                    condition=record.Condition(
                        kind="corruption" if severity else "clean",
                        name=corruption,
                        severity=int(severity) if severity else None,
                        group="noise" if severity else None,
                        parameter=10 * int(severity) if severity else None,
                    ),
                    counts=record.Counts(clips=int(here.sum()), scored=int(kept.sum()), failed=int((~kept).sum())),
                    metrics={k: to_value(v) for k, v in made.metrics.items()},
                    groups={g: {k: to_value(v) for k, v in held.items()} for g, held in found.items()},
                    complete=bool(kept.all()),
                )
            )
    figures = robust_figures(cells, scored, "map", None)
    values = {k: to_value(v) for k, v in figures.items()}
    definition = {
        "task": "tags",
        "data": {"layout": "folder"},
        "conditions": list(conditions),
        "metrics": {"family": "tagging", "options": {}, "folds": "mean"},
    }
    result = made_record(
        cells,
        name=name,
        options=options,
        primary="map",
        definition=definition,
        clips=len(target),
        groups=len(set(group)),
        index=index,
        scores=values,
    )
    result.dataset.labels = list(LABELS)
    folder.mkdir(parents=True, exist_ok=True)
    used = [Further("", "tagging", {}), *further]
    write_statistics(
        collect(used, LABELS, index, seed, groups, columns, sums, family=family, draws=draws, scores=figures), folder
    )
    write(naming(result, folder, (NAME,)), folder / "result.json")
    return open_run(folder)


def downgraded(run: OpenRun) -> OpenRun:
    """The run with statistics as an older benchbed wrote them."""
    path = run.path.with_name("statistics.npz")
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored if not name.endswith((".point", ".planes"))}
    held = json.loads(arrays["meta"].tobytes()) | {"format": 1}
    arrays |= {name: arrays[source] for name, source in held.pop("same").items()}
    width = held["widths"][0]
    for key in ("further", "widths", "draws", "scores"):
        held.pop(key)
    for number, cell in enumerate(held["cells"]):
        for key in ("drawn", "summed", "lean"):
            cell.pop(key)
        rows = run.sums.cells[cell["key"]].rows[:, :width]
        cell["shape"] = list(rows.shape)
        place = np.flatnonzero(rows)
        arrays |= {
            f"{number}.step": np.diff(place, prepend=0).astype(np.uint32),
            f"{number}.value": rows.ravel()[place].astype(np.float32),
        }
    arrays["meta"] = np.frombuffer(json.dumps(held).encode(), np.uint8)
    np.savez_compressed(path, **arrays)
    resummed(path.parent)
    return open_run(run.path)


def _read(bootstrap: Bootstrap, clips: int) -> AnswersOfCell:
    """What robustness figures need of a cell's answers."""
    fold = Fold(np.zeros(clips), np.zeros(clips), np.zeros(clips, int), bootstrap)
    return AnswersOfCell(fold, np.arange(clips))
