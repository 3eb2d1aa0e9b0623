"""Metamorphic checks of the perturbations of a run, made on a few of its own clips and stored in the record.

They do not depend on the model: a corruption that is not monotone, moves an impulse, depends on order or leaves traces
in global random state would spoil every figure of its cells.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from benchbed import rng
from benchbed.errors import BenchbedError
from benchbed.results import record
from benchbed.run.computing.whole import decode
from benchbed.run.job.job import Job
from benchbed.suite.conditions import CorruptionCondition

if TYPE_CHECKING:
    from benchbed.perturb.selfcheck import Probe

#: Clips to check with: enough to notice, few enough to cost nothing beside a run.
PROBES = 3


def self_checks(job: Job) -> list[record.Check]:
    """Checks of every corruption of the run, and the canary hashes of what it made.

    Returns
    -------
    list of Check
        `perturb:CORRUPTION:CHECK`; canaries as `perturb:CORRUPTION:canary` with the hashes in the message.
    """
    conditions = [c for c in job.conditions if isinstance(c, CorruptionCondition)]
    if not conditions:
        return []
    from benchbed.perturb import resolve
    from benchbed.perturb.contract import Context
    from benchbed.perturb.selfcheck import canaries, check_all

    probes = _probes(job)
    if not probes:
        return [record.Check(name="perturb", status="skipped", message="no clip could be decoded to check with")]
    checks: list[record.Check] = []
    for condition in conditions:
        name = condition.corruption
        corruption = resolve(name, condition.parameters, condition.options)
        context = Context(job.dataset, condition.options, _others(probes), {}, _others(probes))
        try:
            for outcome in check_all(name, corruption, probes, context):
                checks.append(
                    record.Check(name=f"perturb:{name}:{outcome.name}", status=outcome.status, message=outcome.message)
                )
            hashes = canaries(name, corruption, probes, context)
        except BenchbedError as error:
            checks.append(record.Check(name=f"perturb:{name}", status="warn", message=f"not checked: {error.what}"))
            continue
        text = " ".join(f"{key}={value}" for key, value in hashes.items())
        checks.append(record.Check(name=f"perturb:{name}:canary", status="pass", message=text))
    return checks


def _probes(job: Job) -> list[Probe]:
    from benchbed.perturb.selfcheck import Probe

    table = next(iter(job.pools.values()))
    order = sorted(range(len(table)), key=lambda i: rng.key("selfcheck", table["clip_id"].iat[i]))
    probes: list[Probe] = []
    for index in order[: 4 * PROBES]:
        row = table.iloc[index : index + 1].to_dict("records")[0]
        try:
            clip = decode(job.root, row, job.audio_rate)
        except BenchbedError:
            continue  # counted as a failure of the run itself
        if not clip.silent:
            probes.append(Probe(row["clip_id"], clip.waveform, clip.sample_rate))
        if len(probes) == PROBES:
            break
    return probes


def _others(probes: list[Probe]) -> Callable[[np.random.Generator, int], list[np.ndarray]]:
    def others(random: np.random.Generator, count: int) -> list[np.ndarray]:
        picked = random.permutation(len(probes))[: min(count, len(probes))]
        return [probes[i].waveform for i in picked]

    return others
