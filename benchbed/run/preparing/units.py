"""Cutting a run into units of work, and naming each by everything its predictions depend on.

A unit's id covers adapter, weights, options, clips and their content, condition, batch composition, backend, and the
code that computes it (see `benchbed.code`); two units with one id have the same predictions, wherever they were made.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchbed import __version__, rng
from benchbed.adapter.own_code import own_code
from benchbed.attack import ATTACKS
from benchbed.code import Closure, closure
from benchbed.perturb import CORRUPTIONS
from benchbed.provenance import package_versions
from benchbed.run.computing.inspectrum import PLACE, adds_noise
from benchbed.run.computing.ondevice import promised
from benchbed.run.executing.local import execute
from benchbed.run.job.job import Job, Unit
from benchbed.suite.conditions import AttackCondition, Condition, CorruptionCondition
from benchbed.suite.plan import CellPlan

#: Where a model's identity has the versions of packages and of benchbed's code that it stands on.
BELOW = "below"
#: A shard has at least and at most so many clips, and at most so many seconds of audio, which bounds memory.
SHARD_CLIPS = (64, 512)
SHARD_SECONDS = 1200.0
#: Aimed-at number of shards of a split, between the two bounds.
SHARDS = 256


def shard_size(clips: int, seconds: float) -> int:
    """Clips per shard for a split of `clips` clips and `seconds` seconds.

    Examples
    --------
    >>> shard_size(1000, 1000.0), shard_size(230_000, 230_000.0), shard_size(1000, 60_000.0)
    (64, 512, 20)
    """
    low, high = SHARD_CLIPS
    wanted = min(max(math.ceil(clips / SHARDS), low), high)
    mean = seconds / clips if clips else 0.0
    return max(1, min(wanted, int(SHARD_SECONDS / mean))) if mean > 0 else wanted


def cut(
    job: Job,
    cells: list[CellPlan],
    seconds: Mapping[str, float],
    digests: Mapping[str, str],
    models: Mapping[str, Mapping[str, object]],
) -> list[Unit]:
    """All units of a run, shard by shard, the conditions of one shard side by side.

    Parameters
    ----------
    job : Job
        The run.
    cells : list of CellPlan
        Its cells.
    seconds : mapping
        Split → seconds of audio.
    digests : mapping
        Clip path → hash of the file's content.
    models : mapping
        Split → what identifies its model: its fingerprint, options and card; under `below` the versions that it stands
        on, which only the strict id covers.
    """
    units: list[Unit] = []
    for split, table in job.clips.items():
        mine = [cell for cell in cells if cell.split == split]
        by_condition = [tuple(group) for _, group in itertools.groupby(mine, key=lambda cell: cell.condition)]
        size = shard_size(len(table), seconds[split])
        for number, start in enumerate(range(0, len(table), size)):
            stop = min(start + size, len(table))
            shard = _shard_hash(job, split, range(start, stop), digests)
            for group in (each for each in by_condition if each[0].kind != "attack"):
                loose = _loose(job, split, shard, group, models[split])
                strict = _strict(loose, group, job, models[split])
                units.append(Unit(_hash(strict), _hash(loose), split, number, start, stop, group))
        attacked = [group for group in by_condition if group[0].kind == "attack"]
        units += _attack_units(job, split, attacked, seconds[split], digests, models[split], -(-len(table) // size))
    return units


def _attack_units(
    job: Job,
    split: str,
    groups: list[tuple[CellPlan, ...]],
    seconds: float,
    digests: Mapping[str, str],
    model: Mapping[str, object],
    first: int,
) -> list[Unit]:
    """Units of the attack conditions of a split: chunks of each condition's subset, numbered after the other shards."""
    if not groups:
        return []
    from benchbed.run.attacking.subset import attack_units, job_identity

    units = []
    for group in groups:
        condition = job.conditions[group[0].condition]
        assert isinstance(condition, AttackCondition)
        identity = job_identity(job, split, condition)
        for number, rows in enumerate(attack_units(job, split, condition, seconds)):
            shard = _shard_hash(job, split, rows, digests)
            loose = {**_loose(job, split, shard, group, model), **identity, "number": number}
            strict = _strict(loose, group, job, model)
            made = Unit(_hash(strict), _hash(loose), split, first + number, rows[0], rows[0] + 1, group, rows, number)
            units.append(made)
    return units


def _shard_hash(job: Job, split: str, rows: Sequence[int], digests: Mapping[str, str]) -> str:
    table = job.clips[split].iloc[list(rows)]
    columns = [table[name].tolist() for name in ("clip_id", "onset", "duration", "label", "group")]
    columns += [table[name].tolist() for name in job.side if name in table]
    if job.output.moved_by:
        # References are stored beside the predictions, since some conditions move them.
        columns.append([job.output.identity(job.references[split], row) for row in rows])
    return _hash(list(zip(*columns, [digests.get(path, "missing") for path in table["path"]])))


def _loose(
    job: Job, split: str, shard: str, cells: tuple[CellPlan, ...], model: Mapping[str, object]
) -> dict[str, object]:
    return {
        "protocol": rng.PROTOCOL,
        "model": {name: value for name, value in model.items() if name != BELOW},
        "dataset": job.dataset,
        "labels": list(job.labels),
        "label_map": job.label_map,
        "task": job.task,
        "output": [job.output.version, _foreign_code(type(job.output).__module__)],
        "split": split,
        "shard": shard,
        "condition": job.conditions[cells[0].condition].model_dump(mode="json"),
        "facts": job.facts[cells[0].condition] if job.facts else {},
        "cells": [cell.key for cell in cells],
        "audio_rate": job.audio_rate,
        "side": list(job.side),
        "batch_size": job.batch_size,
        "threads": job.threads,
        "device": job.device.split(":")[0],
        "seed": job.seed,
        **({"keep_attacked": True} if job.keep_attacked and cells[0].kind == "attack" else {}),
        **_made_on(job, job.conditions[cells[0].condition]),
        **({"windows": [*job.windows, job.window_join]} if job.windows else {}),
    }


def _made_on(job: Job, condition: Condition) -> dict[str, object]:
    """Where audio is made, if that is another place than the host: it rounds otherwise."""
    if job.in_spectrum and isinstance(condition, CorruptionCondition) and adds_noise(condition.corruption):
        return {"corruptions": PLACE}
    there = job.on_device and isinstance(condition, CorruptionCondition) and promised(condition.corruption) is not None
    return {"corruptions": "device"} if there else {}


def closure_of(cells: Sequence[CellPlan], condition: Condition) -> Closure:
    """The modules of benchbed that compute cells of one condition."""
    attacked, perturbed = cells[0].kind == "attack", cells[0].kind not in ("attack", "clean")
    # The engine enters these only for cells of their kind; a test runs each kind and looks at what it imported.
    # Neither who takes a unit when, nor in which process it is computed, has a part in its answer.
    without: tuple[str, ...] = (
        "benchbed.run.executing.placing",
        "benchbed.run.executing.turns",
        "benchbed.run.isolating",
    )
    without += () if attacked else ("benchbed.run.attacking", "benchbed.attack")
    without += () if attacked or perturbed else ("benchbed.perturb",)
    corruption = condition.corruption if isinstance(condition, CorruptionCondition) else None
    chosen = {} if corruption is None else {CORRUPTIONS.package: (corruption,)}
    return closure(execute.__module__, without=without, chosen=chosen)


def _strict(
    loose: Mapping[str, object], cells: Sequence[CellPlan], job: Job, model: Mapping[str, object]
) -> dict[str, object]:
    return {"loose": loose, "code": _code(cells, job.conditions[cells[0].condition]), BELOW: model.get(BELOW)}


def _foreign_code(module: str) -> str:
    """Digest of a module that another package brings, with all that it imports; empty for one of ours."""
    source = getattr(sys.modules.get(module), "__file__", None)
    if module.partition(".")[0] == __package__.partition(".")[0] or source is None:
        return ""
    made = own_code([Path(source)])
    return _hash([sorted(made.files.values()), package_versions({module.partition(".")[0], *made.packages})])


def _foreign(condition: Condition) -> str:
    """That of the corruption or attack of a condition."""
    if isinstance(condition, CorruptionCondition) and ":" not in condition.corruption:
        return _foreign_code(CORRUPTIONS.get(condition.corruption).__name__)
    if isinstance(condition, AttackCondition) and condition.attack in ATTACKS.names():
        return _foreign_code(ATTACKS.get(condition.attack).__name__)
    return ""


def _code(cells: Sequence[CellPlan], condition: Condition) -> dict[str, object]:
    made = closure_of(cells, condition)
    return {
        "modules": made.digest,
        "packages": package_versions(made.foreign),
        "benchbed": __version__,
        "python": platform.python_version_tuple()[:2],
        "foreign": _foreign(condition),
    }


def _hash(value: object) -> str:
    text = json.dumps(value, sort_keys=True, default=str, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
