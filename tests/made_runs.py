"""Runs made from arrays, for tests of what compares them: a record and its sums, without audio or models."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchbed.compare.runs import OpenRun
from benchbed.metrics.cell import group_codes, score_cell
from benchbed.metrics.families.classification import family as classification
from benchbed.metrics.slices import Column
from benchbed.results import record
from benchbed.results.artefacts import naming
from benchbed.results.statistics import NAME, Further, Statistics, write_statistics
from benchbed.results.store import read, write
from benchbed.rng import stream
from benchbed.run.scoring.cells import to_value
from benchbed.run.scoring.statistics import CellRows, collect, sum_cell
from benchbed.seal import seal, unseal
from benchbed.stats.bootstrap import Bootstrap

LABELS = ("bus", "park", "tram")
INDEX = "0123456789abcdef0123456789abcdef"


def answers(right: np.ndarray, target: np.ndarray, classes: int = 3, sure: Any = 0.8) -> np.ndarray:
    """Scores `[clip, class]` of a model that is right on these clips and else answers the next class."""
    scores = np.repeat((1 - np.broadcast_to(sure, target.shape))[:, None] / (classes - 1), classes, axis=1)
    scores[np.arange(len(target)), np.where(right, target, (target + 1) % classes)] = sure
    return scores


def recordings(groups: int, each: int) -> tuple[np.ndarray, np.ndarray]:
    """Target and recording name of every clip; a recording has one class."""
    group = np.repeat(np.arange(groups), each)
    return group % 3, np.array([f"rec{g:04d}" for g in group])


def lucky(groups: int, each: int, mean: float, correlation: float, *key: Any) -> np.ndarray:
    """Which clips a model gets right, where clips of one recording share luck."""
    generator = stream("made-runs", *key)
    size = 1 / correlation - 1
    luck = generator.beta(mean * size, (1 - mean) * size, groups)
    return (generator.random((groups, each)) < luck[:, None]).ravel()


def made_run(
    folder: Path,
    conditions: Mapping[str, np.ndarray],
    target: np.ndarray,
    group: np.ndarray,
    *,
    name: str = "toy",
    model_family: str = "cnn",
    options: Mapping[str, Any] | None = None,
    device: np.ndarray | None = None,
    sets: Mapping[str, Sequence[str]] | None = None,
    lost: Mapping[str, np.ndarray] | None = None,
    synthetic: bool = False,
    index: str = INDEX,
    splits: np.ndarray | None = None,
    profile: dict[str, Any] | None = None,
    draws: int = 200,
    primary: str = "accuracy",
    suite: str = "toy",
    version: str = "1",
    statistics: bool = True,
) -> Path:
    """Write `result.json` and `statistics.npz` of a run.

    `conditions` maps `clean` or `NAME@SEVERITY` to scores; `lost` maps a condition to a mask of failed clips.
    """
    family = classification(LABELS, top_k=())
    ids = np.array([f"toy/{i:05d}.wav" for i in range(len(target))])
    where = np.full(len(target), "test") if splits is None else splits
    cells, sums, groups, columns_of = [], {}, {}, {}
    for split in dict.fromkeys(where):
        here = where == split
        codes, names = group_codes(group[here])
        groups[split] = names
        boot = Bootstrap(len(names), draws=draws, name=f"{index}/{split}")
        columns = (
            [] if device is None else [Column("device", device[here], {k: tuple(v) for k, v in (sets or {}).items()})]
        )
        columns_of[split] = columns
        for condition, scores in conditions.items():
            kept = np.ones(here.sum(), bool) if lost is None or condition not in lost else ~lost[condition][here]
            cut = [Column(c.name, c.values[kept], c.sets) for c in columns]
            rows = CellRows(split, scores[here][kept], target[here][kept], codes[kept], ids[here][kept].tolist(), cut)
            made = score_cell(family, rows.scores, rows.target, rows.group, cut, boot if draws else None, tables=False)
            corruption, _, severity = condition.partition("@")
            key = f"scene/{split}/{condition}"
            sums[key] = sum_cell(family, rows, len(names))
            cells.append(
                record.Cell(
                    key=key,
                    task="scene",
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
                    groups={g: {k: to_value(v) for k, v in held.items()} for g, held in made.groups.items()},
                    complete=bool(kept.all()),
                )
            )
    definition = {
        "task": "scene",
        "data": {"layout": "folder"},
        "metrics": {"family": "classification", "options": {"top_k": []}, "folds": "mean"},
        "conditions": list(conditions),
    }
    result = made_record(
        cells,
        name=name,
        model_family=model_family,
        options=options,
        synthetic=synthetic,
        index=index,
        profile=profile,
        primary=primary,
        suite=suite,
        version=version,
        definition=definition,
        clips=len(target),
        groups=len(set(group)),
    )
    folder.mkdir(parents=True, exist_ok=True)
    if statistics:
        used = [Further("", "classification", {"top_k": []})]
        write_statistics(collect(used, LABELS, index, 0, groups, columns_of, sums, draws=draws), folder)
    write(naming(result, folder, (NAME,)), folder / "result.json")
    return folder


def changed(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a record on disk as its writer would have written it."""
    path = folder / "result.json"
    raw, _ = unseal(path.read_bytes(), path)
    change(raw)
    path.write_text(seal(json.dumps(raw)))


def resummed(folder: Path) -> None:
    """Let a record name the statistics that now lie beside it."""
    write(naming(read(folder), folder, (NAME,)), folder / "result.json")


def in_memory(
    right: np.ndarray, target: np.ndarray, group: np.ndarray, name: str, index: str = INDEX, sure: Any = 0.8
) -> OpenRun:
    """A run with a clean cell, never written: for simulations."""
    family = classification(LABELS, top_k=())
    codes, names = group_codes(group)
    ids = [str(i) for i in range(len(target))]
    cell = sum_cell(family, CellRows("test", answers(right, target, sure=sure), target, codes, ids, []), len(names))
    held = record.Cell(
        key="scene/test/clean",
        task="scene",
        split="test",
        condition=record.Condition(kind="clean", name="clean"),
        counts=record.Counts(clips=len(target), scored=len(target)),
        metrics={},
    )
    sums = Statistics(
        "classification", {"top_k": []}, LABELS, index, 0, {"test": names}, {"test": {}}, {held.key: cell}
    )
    return OpenRun(Path(name), made_record([held], name=name, index=index), sums)


def simulated_pair(groups: int, each: int, shift: float, *key: Any) -> tuple[OpenRun, OpenRun]:
    """Two models on the same recordings, the first better by `shift` log odds.

    Log odds of being right are 0.8 + difficulty of the recording (standard deviation 1, the same for both models) +
    what suits one model (0.7 each). Clips of one recording share both. Half of the recordings are of the first class,
    three tenths of the second; every clip has its own confidence.
    """
    generator = stream("simulated-pair", *key)
    target = np.repeat(np.searchsorted([0.5, 0.8], (np.arange(groups) + 0.5) / groups), each)
    group = recordings(groups, each)[1]
    shared = generator.normal(0.8, 1.0, groups)
    rights = []
    for moved in (shift, 0.0):
        odds = shared + generator.normal(0, 0.7, groups) + moved
        rights.append((generator.random((groups, each)) < (1 / (1 + np.exp(-odds)))[:, None]).ravel())
    index = "-".join(map(str, key))
    sure = generator.uniform(0.4, 0.95, (2, groups * each))
    one, other = (in_memory(r, target, group, n, index, s) for r, n, s in zip(rights, "ab", sure))
    return one, other


def true_accuracy(shift: float) -> float:
    """Accuracy that `simulated_pair` draws from, by quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    spread = np.sqrt(1.0 + 0.7**2)
    return float((weights / weights.sum()) @ (1 / (1 + np.exp(-(0.8 + shift + spread * nodes)))))


def made_record(
    cells: Sequence[record.Cell],
    *,
    name: str = "toy",
    model_family: str = "cnn",
    options: Mapping[str, Any] | None = None,
    synthetic: bool = False,
    index: str = INDEX,
    profile: dict[str, Any] | None = None,
    primary: str = "accuracy",
    suite: str = "toy",
    version: str = "1",
    definition: dict[str, Any] | None = None,
    clips: int = 0,
    groups: int = 0,
    scores: Mapping[str, record.Value] | None = None,
) -> record.Result:
    """A record around these cells."""
    return record.Result(
        suite=record.RecordedSuite(
            name=suite, title=suite, version=version, hash="s" * 32, protocol="benchbed-1", definition=definition or {}
        ),
        model=record.RecordedModel(
            name=name,
            family=model_family,
            adapter="toy.py",
            adapter_hash="a" * 32,
            options=dict(options or {}),
            output="scene",
            sample_rate=8000,
        ),
        dataset=record.RecordedDataset(
            name="toy-synthetic" if synthetic else "toy",
            layout="folder",
            synthetic=synthetic,
            index_hash=index,
            labels=list(LABELS),
            clips=clips,
            groups=groups,
            seconds=1.0,
        ),
        provenance=record.Provenance(
            created="2026-01-01T00:00:00+00:00",
            command="",
            code="c" * 32,
            versions={},
            machine={"cpu": "x"},
            seed=0,
            device="cpu",
            batch_size=1,
            threads=1,
            workers=1,
            reuse="missing",
            units=1,
            evaluations=1,
            cpu_seconds=0.0,
        ),
        profile=profile or {},
        primary=primary,
        scores=dict(scores or {}),
        cells=list(cells),
    )


def printed(value: float, direction: str = "higher", unit: str = "fraction", rule: str = "as-printed") -> record.Value:
    """A figure from a paper: no clips, no interval."""
    return record.Value(
        value=value,
        n=0,
        direction=direction,
        unit=unit,
        rule=rule,  # type: ignore[arg-type]
        reason="as printed, no interval",
    )


def paper(path: Path, figures: Mapping[str, Mapping[str, record.Value]], **facts: Any) -> Path:
    """A record of published figures: condition → metric → value."""
    cells = [
        record.Cell(
            key=f"scene/test/{condition}",
            task="scene",
            split="test",
            condition=record.Condition(kind="clean", name=condition.partition("@")[0]),
            counts=record.Counts(clips=1, scored=1),
            metrics=dict(metrics),
        )
        for condition, metrics in figures.items()
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    write(made_record(cells, primary=next(iter(next(iter(figures.values())))), **facts), path)
    return path
