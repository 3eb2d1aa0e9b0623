"""`benchbed plan`: what a suite would do, and how long it would take, from its cells and a short probe."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchbed.adapter.contract import Adapter
from benchbed.errors import ConfigError
from benchbed.outputs import output_of
from benchbed.run.attacking.subset import CHUNK, CHUNK_SECONDS
from benchbed.run.job.prepared import Prepared
from benchbed.run.job.settings import Settings
from benchbed.run.preparing.fleet import PricedUnits, by_condition, fleet, scored_in_all, shards
from benchbed.run.preparing.named import check_names
from benchbed.run.preparing.packaged import refuse_unmade
from benchbed.run.preparing.prepare import prepare, seconds_of
from benchbed.run.preparing.probing import probe
from benchbed.run.preparing.sampled import AttackRate, sample_attacks
from benchbed.run.preparing.source import open_source, scored_clips
from benchbed.run.preparing.starting import command_seconds, scored_seconds
from benchbed.run.preparing.strengths import conditions_in_words
from benchbed.run.preparing.tuning import tuning_clips
from benchbed.run.preparing.units import shard_size
from benchbed.suite.conditions import AttackCondition
from benchbed.suite.load import LoadedSuite
from benchbed.suite.plan import plan_cells
from benchbed.suite.sweep import rows_of

if TYPE_CHECKING:
    from benchbed.run.attacking.ensembles import Price

#: Seconds of work that the probe aims at; a simulation wants to know every condition well.
PROBE_SECONDS, FLEET_SECONDS = 2.0, 20.0
#: What the record, its checks and the page of a run take beside its imports, and what each cell adds, as measured: a
#: faster machine does both faster.
PAGE, PAGE_CELL = 1.2, 0.003


def estimate(
    loaded: LoadedSuite,
    model: str | Adapter | None,
    options: Mapping[str, object],
    *,
    data: Mapping[str, Path],
    limit: int | None = None,
    allow_synthetic: bool = True,
    device: str = "auto",
    batch_size: int = 16,
    as_clips: int | None = None,
    as_models: int = 1,
    nodes: int | None = None,
    workers: int | None = None,
) -> dict[str, object]:
    """Cells, clips, evaluations, audio hours and disk of a suite; with a model also the time.

    Parameters
    ----------
    as_clips : int, optional
        Price so many clips of each split, each as those at hand are on average.
    as_models : int
        Price so many models, each as this one; where the suite goes through options, each row of each, as its first.
    nodes, workers : int, optional
        Say what so many machines with so many workers each would take by the clock, one where only the other is given.

    Returns
    -------
    dict
        `time_seconds`, by the clock, and `cpu_seconds` are of one worker from start to page, and missing or null
        without a model; `parts` says what they are made of, for one model. What attacks take is measured on a few of
        their clips; how soon others fall is uncertain, so that `cpu_seconds_ends` are the ends within which it all may
        lie, and `attacks` says for each condition how many clips were attacked, and, in passes, the most it can need.
        `cells` is a list of the cells' keys, `conditions` says their strengths in their units; with `nodes` or
        `workers` there is a `fleet`.

    Raises
    ------
    ConfigError
        No machines, or machines without a model.
    """
    machines = _machines(nodes, workers, model)
    check_names(loaded)
    refuse_unmade(loaded)
    rows = rows_of(loaded.suite.sweep, options)
    as_models, options = as_models * len(rows), {**options, **{name: str(value) for name, value in rows[0].items()}}
    cells = plan_cells(loaded.suite)
    output = output_of(loaded.suite.task, where=loaded.where("task"))
    source = open_source(loaded, data, allow_synthetic=allow_synthetic)
    clips, _ = scored_clips(loaded, source.dataset, limit)
    per_split = {split: as_clips or len(table) for split, table in clips.items()}
    heard = [cell for cell in cells if cell.kind != "attack"]
    runs = {split: sum(cell.draws for cell in heard if cell.split == split) for split in clips}
    tuned = tuning_clips(loaded, source.dataset, limit)
    if tuned is not None:
        clips, runs = {**clips, "": tuned[0]}, {**runs, "": 1}
    # What thresholds are tuned on stays as large as it is.
    counts = {split: per_split.get(split, len(table)) for split, table in clips.items()}
    evaluations = as_models * sum(counts[split] * count for split, count in runs.items())
    facts: dict[str, object] = {
        "suite": loaded.suite.name,
        "dataset": source.dataset.name,
        "synthetic": source.dataset.synthetic,
        "cells": [cell.key for cell in cells],
        "conditions": conditions_in_words(loaded.suite),
        "clips": per_split,
        "evaluations": evaluations,
        "disk_bytes": 0,
        "model": model,
        **({"models": as_models} if as_models > 1 else {}),
        "time_seconds": None,
    }
    if tuned is not None:
        facts["tuning"] = {"split": loaded.suite.post_processing.tune.split, "clips": len(tuned[0])}  # type: ignore[union-attr]
    # Only of what hears windows the time matters, and to ask files for theirs takes time.
    seconds = 0.0
    if output.hears == "windows":
        lasting = {split: seconds_of(source, table) / max(len(table), 1) for split, table in clips.items()}
        seconds = as_models * sum(lasting[split] * counts[split] * count for split, count in runs.items())
    classes, by_second = len(source.dataset.labels), loaded.suite.audio.windows is not None
    facts["disk_bytes"], assumed = output.stored_bytes(evaluations, seconds, classes, None, by_second)
    if assumed:
        facts["disk_assumes"] = assumed
    attacks: list[Price] = []
    if len(heard) < len(cells):
        attacks = _attacks(loaded, per_split, classes, None)
        facts["attacks"] = attacks
    if model is None:
        return facts
    from benchbed.run.computing.engine import Engine

    settings = Settings(data=data, allow_synthetic=allow_synthetic, device=device, limit=limit, batch_size=batch_size)
    cpu = time.process_time()
    prepared = prepare(loaded, model, options, settings)
    before = time.process_time() - cpu
    scored = prepared.seconds
    if as_clips is not None:
        tables = [table for split, table in clips.items() if split]
        scored = sum(seconds_of(source, table) / max(len(table), 1) * as_clips for table in tables)
    facts["audio_hours"] = (scored + (prepared.tuning.seconds if prepared.tuning else 0.0)) / 3600
    # A model may know classes beside those of the dataset.
    facts["disk_bytes"], _ = output.stored_bytes(
        evaluations, seconds, len(prepared.job.labels), prepared.adapter.card, by_second
    )
    facts.pop("disk_assumes", None)
    if attacks:
        attacks = _attacks(loaded, per_split, classes, prepared.adapter)
        facts["attacks"] = attacks
    # One unit of each condition: conditions differ in cost.
    plain = [unit for unit in prepared.units if unit.cells[0].kind != "attack"]
    first = {(unit.split, unit.condition): unit for unit in reversed(plain)}
    if not first:
        return facts
    by_clock = prepared.job.device != "cpu"
    seconds_of_probe = PROBE_SECONDS if machines is None else FLEET_SECONDS
    engine = Engine(prepared.job, prepared.adapters)
    probed = probe(engine, list(first.values()), seconds_of_probe)
    sampled = sample_attacks(engine, prepared.units)
    whole = probed.whole
    facts["probe"] = {"evaluations": whole.evaluations, "seconds": whole.clock, "cpu_seconds": whole.cpu} | {
        "conditions": f"{len(probed.answers)} of {len(first)}"
    }
    # What a core does takes its CPU time, however busy this machine is; what a GPU does takes what the clock says.
    rates = {condition: rate.each(clock=by_clock) for condition, rate in probed.conditions.items()}
    scoring = scored_seconds(prepared, probed.answers)
    priced = _priced(prepared, counts, rates, whole.each(clock=by_clock), sampled, by_clock)
    begun = command_seconds()
    attacking = {key: rate.seconds(_attacked(prepared, key, counts), clock=by_clock) for key, rate in sampled.items()}
    tuning = rates.get(0, whole.each(clock=by_clock)) * counts.get("", 0)
    parts = {
        "start": begun,
        "prepare": before,
        "predictions": sum(kind.seconds * sum(kind.shards) for kind in priced if kind.cells[0].kind != "attack")
        + tuning,
        "attacks": sum(attacking.values()),
        "files": sum(len(kind.shards) for kind in priced) * probed.written.each(),
        "scoring": scored_in_all(priced, scoring),
        "page": begun * (PAGE + PAGE_CELL * len(cells)),
    }
    facts["parts"] = parts
    own = {**parts, "predictions": parts["predictions"] * whole.cpu / max(whole.clock, 1e-9)} if by_clock else parts
    facts["time_seconds"] = begun + as_models * (sum(parts.values()) - begun)
    facts["cpu_seconds"] = used = begun + as_models * (sum(own.values()) - begun)
    if sampled:
        _say(attacks, prepared, sampled, attacking)
        reach = as_models * sum(rate.reach * attacking[key] for key, rate in sampled.items())
        facts["cpu_seconds_ends"] = [used - reach, used + reach]
    if machines is not None:
        facts["fleet"] = fleet(prepared, priced, before + begun, scoring, *machines, as_models)
    return facts


def _machines(nodes: int | None, workers: int | None, model: object) -> tuple[int, int] | None:
    """Machines and workers on each, if they are asked for."""
    if nodes is None and workers is None:
        return None
    if model is None:
        raise ConfigError("a simulation needs the time of units", where="nodes, workers", hint="name a model, too")
    asked = (1 if nodes is None else nodes, 1 if workers is None else workers)
    if min(asked) < 1:
        raise ConfigError(f"{asked[0]} machines with {asked[1]} workers do nothing", hint="at least one of each")
    return asked


def _priced(
    prepared: Prepared,
    counts: Mapping[str, int],
    rates: Mapping[int, float],
    mean: float,
    sampled: Mapping[tuple[str, int], AttackRate],
    by_clock: bool,
) -> list[PricedUnits]:
    """Units of a run on so many clips of each split; conditions that were not measured cost the mean of the others."""
    made = []
    for cells in by_condition(prepared.cells):
        split, condition = cells[0].split, cells[0].condition
        clips, table = counts[split], prepared.job.clips[split]
        lasting = seconds_of(prepared.source, table) / max(len(table), 1)
        if (rate := sampled.get((split, condition))) is not None:
            mine = max(1, _attacked(prepared, (split, condition), counts))
            low, high = CHUNK
            size = max(low, min(high, int(CHUNK_SECONDS / max(lasting, 1e-9))))
            made.append(PricedUnits(cells, shards(mine, size), rate.seconds(mine, clock=by_clock) / mine))
            continue
        if cells[0].kind == "attack":
            continue  # it has no unit, such as transfer between models where there is one
        each = rates.get(condition, mean) * sum(cell.draws for cell in cells)
        made.append(PricedUnits(cells, shards(clips, shard_size(clips, clips * lasting)), each))
    return made


def _attacked(prepared: Prepared, key: tuple[str, int], counts: Mapping[str, int]) -> int:
    """Clips of a split that a condition attacks."""
    split, place = key
    condition = prepared.loaded_suite.suite.conditions[place]
    assert isinstance(condition, AttackCondition)
    return min(condition.n, counts[split])


def _say(
    attacks: Sequence[Price],
    prepared: Prepared,
    sampled: Mapping[tuple[str, int], AttackRate],
    seconds: Mapping[tuple[str, int], float],
) -> None:
    """Beside the most passes of each attack condition what was measured of it."""
    conditions = prepared.loaded_suite.suite.conditions
    places = [place for place, condition in enumerate(conditions) if isinstance(condition, AttackCondition)]
    for entry, place in zip(attacks, places, strict=True):
        mine = [key for key in sampled if key[1] == place]
        if mine:
            entry["sampled"] = sum(sampled[key].attacked.evaluations for key in mine)
            entry["seconds"] = sum(seconds[key] for key in mine)
            entry["reach"] = sum(sampled[key].reach * seconds[key] for key in mine)


def _attacks(loaded: LoadedSuite, clips: Mapping[str, int], classes: int, adapter: Adapter | None) -> list[Price]:
    """What attacks can take: of a model that shows no gradient searches by its answers, else as if it showed one."""
    from benchbed.run.attacking.ensembles import prices
    from benchbed.run.attacking.victim import met_by

    suite = loaded.suite
    opened, powered = (True, False) if adapter is None else met_by(adapter, suite.task)
    return prices(suite.conditions, clips, classes, suite.task, loaded.where, differentiable=opened, powered=powered)
