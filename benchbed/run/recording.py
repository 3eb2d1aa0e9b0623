"""The record of a finished run, from its predictions."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from benchbed import rng
from benchbed.card import Card, mapped_card
from benchbed.predictions.by_cell import PredictionsByCell
from benchbed.predictions.store import len_unit
from benchbed.provenance import code_hash, git_state, machine, versions
from benchbed.results import record
from benchbed.results.statistics import Statistics
from benchbed.run.computing.hearing import hearing_of
from benchbed.run.doubts.all import doubts
from benchbed.run.job.prepared import Prepared
from benchbed.run.job.settings import Settings
from benchbed.run.preparing.allocating import give_back
from benchbed.run.scoring.cells import Apart, Scoring, score_cells
from benchbed.run.scoring.grounds import Grounds
from benchbed.run.scoring.inverted import inverted_checks
from benchbed.run.scoring.memory_checks import memory_checks
from benchbed.run.scoring.rank_checks import rank_checks
from benchbed.run.scoring.replay_checks import replay_checks
from benchbed.run.showing.drawings import Drawings, drawings


def stored_of(prepared: Prepared, paths: Sequence[Path]) -> PredictionsByCell:
    """The predictions of a run.

    Parameters
    ----------
    prepared : Prepared
    paths : sequence of Path
        The file of each of its units.
    """
    cells = {path: [cell.key for cell in unit.cells] for path, unit in zip(paths, prepared.units, strict=True)}
    return PredictionsByCell(paths, cells)


def make_record(
    prepared: Prepared, settings: Settings, stored: PredictionsByCell, reused: Collection[Path] = ()
) -> tuple[record.Result, Statistics, Drawings]:
    suite, dataset, card = prepared.loaded_suite.suite, prepared.source.dataset, prepared.adapter.card
    cpu = sum(info.get("cpu_seconds", 0.0) for info in stored.info)
    scoring: Scoring = score_cells(prepared, stored, settings.seed, _apart(prepared, settings, stored))
    give_back()
    profile, compliance_scores, compliance_checks = _complexity(prepared, cpu, len(stored))
    frozen = prepared.frozen
    groups = {g for table in prepared.job.clips.values() for g in table["group"].astype(str)}
    result = record.Result(
        suite=record.RecordedSuite(
            name=suite.name,
            title=suite.title or suite.name,
            version=suite.version,
            hash=prepared.loaded_suite.hash,
            protocol=rng.PROTOCOL,
            overrides=prepared.loaded_suite.overrides,
            definition=(prepared.declared or prepared.loaded_suite).suite.model_dump(mode="json"),
        ),
        model=record.RecordedModel(
            name=prepared.name,
            identity=prepared.place.identity,
            fingerprint=prepared.place.fingerprint,
            family=card.family,
            adapter=prepared.loaded_adapter.spec,
            adapter_hash=prepared.loaded_adapter.source_hash,
            weights=prepared.weights,
            options=prepared.loaded_adapter.options,
            output=card.output,
            sample_rate=card.sample_rate,
            labels=list(card.labels),
            alignment=prepared.job.output.read(mapped_card(card, suite.label_map), prepared.job.labels).describe(),
            hearing=_hearing(prepared, card),
            front_end=card.front_end,
            trained_on=list(card.trained_on),
            trained_with=list(card.trained_with),
            probes=_probes(prepared),
            licence=card.licence,
            citation=card.citation,
            description=card.description,
        ),
        dataset=record.RecordedDataset(
            name=dataset.name,
            layout=prepared.source.layout,
            synthetic=dataset.synthetic,
            version=dataset.version,
            index_hash=prepared.index_hash,
            labels=list(dataset.labels),
            clips=sum(len(table) for table in prepared.job.clips.values()),
            groups=len(groups),
            seconds=round(prepared.seconds, 3),
            licence=dataset.licence,
            citation=dataset.citation,
            limit=settings.limit,
            notes=list(dataset.notes),
        ),
        provenance=made_by(prepared, settings, cpu, len(stored), reused),
        thresholds=frozen.facts if frozen else None,
        checks=[
            *(frozen.checks if frozen else ()),
            *(
                replay_checks(prepared.remarks, stored.of(*(cell.key for cell in prepared.cells)))
                if prepared.adapter.replays
                else ()
            ),
            *memory_checks(stored.info, prepared.job.batch_size),
            *scoring.checks,
            *rank_checks(scoring.cells),
            *inverted_checks(scoring.cells),
            *doubts(prepared, stored),
            *compliance_checks,
            *_agreement(prepared, settings, stored, scoring),
        ],
        profile=profile,
        primary=scoring.primary,
        scores={**scoring.scores, **compliance_scores},
        cells=scoring.cells,
        failures=[*(record.Failure.model_validate(f) for f in (frozen.failures if frozen else ())), *scoring.failures],
    )
    return result, scoring.statistics, drawings(prepared, stored, scoring.cells, scoring.primary)


def _apart(prepared: Prepared, settings: Settings, stored: PredictionsByCell) -> Callable[[Grounds], Apart] | None:
    """Who scores cells beside this process, where it has workers."""
    workers = scorers(settings)
    if workers < 2:
        return None
    from benchbed.run.scoring.apart import score_apart

    return partial(score_apart, prepared.cells, stored, workers)


def scorers(settings: Settings) -> int:
    """Processes of this machine that score: workers of a cluster are somewhere else, and may be many more.

    Examples
    --------
    >>> from benchbed.run.job.cluster import ClusterAsked
    >>> scorers(Settings(workers=3)), scorers(Settings(workers=10**6, cluster=ClusterAsked())) <= (os.cpu_count() or 1)
    (3, True)
    """
    return settings.workers if settings.cluster is None else min(settings.workers, os.cpu_count() or 1)


def made_by(
    prepared: Prepared, settings: Settings, cpu_seconds: float, evaluations: int, reused: Collection[Path]
) -> record.Provenance:
    """What made a record, here and now.

    Parameters
    ----------
    prepared : Prepared
        The run.
    settings : Settings
    cpu_seconds : float
        CPU time that its predictions took, whichever invocation made them.
    evaluations : int
        How many there are.
    reused : collection of Path
        Files of those that were there already.
    """
    source = prepared.loaded_adapter.source
    return record.Provenance(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=settings.command,
        code=code_hash("."),
        versions=versions(),
        machine=machine(),
        git=git_state(source) if source else None,
        seed=settings.seed,
        device=prepared.job.device,
        batch_size=settings.batch_size,
        corruptions="spectrum" if prepared.job.in_spectrum else "device" if prepared.job.on_device else "host",
        threads=settings.threads,
        workers=settings.workers,
        reuse=str(settings.reuse),
        units=len(prepared.units),
        reused=sum(len_unit(path) for path in reused),
        reused_units=len(reused),
        evaluations=evaluations,
        cpu_seconds=round(cpu_seconds, 3),
    )


def _agreement(
    prepared: Prepared, settings: Settings, stored: PredictionsByCell, scoring: Scoring
) -> list[record.Check]:
    """What the reference packages make of the same predictions, if that was asked for."""
    if not settings.verify:
        return []
    from benchbed.run.verifying.run import verify_run

    return verify_run(prepared, stored, scoring.cells)


def _complexity(
    prepared: Prepared, cpu_seconds: float, evaluations: int
) -> tuple[dict[str, object], dict[str, record.Value], list[record.Check]]:
    from benchbed.run.costing.run import complexity

    suite = prepared.loaded_suite.suite
    if not suite.profile and suite.compliance is None:
        return {}, {}, []
    return complexity(
        prepared.adapter, prepared.loaded_suite, prepared, cpu_seconds=cpu_seconds, evaluations=evaluations
    )


def _probes(prepared: Prepared) -> dict[str, record.RecordedProbe]:
    """How the heads of frozen models were trained, by the split that each scores."""
    scored = {split: prepared.adapters[split].taught for split in prepared.job.clips}
    return {split: record.RecordedProbe.model_validate(dict(told)) for split, told in scored.items() if told}


def _hearing(prepared: Prepared, card: Card) -> str:
    job = prepared.job
    return hearing_of(job.output, card, job.batch_size, job.windows, job.window_join).describe()
