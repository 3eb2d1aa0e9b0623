"""Metamorphic checks of the perturbations of a run, made on a few of its own clips and stored in the record.

They do not depend on the model: a corruption that is not monotone, moves an impulse, depends on order or leaves traces
in global random state would spoil every figure of its cells. Nor do they change while code, options, versions and the
clips are the same, and then what was found before is remembered.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import platform
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchbed import rng
from benchbed.cache import cache_folder, recall, remember
from benchbed.code import closure
from benchbed.errors import BenchbedError
from benchbed.provenance import package_versions
from benchbed.results import record
from benchbed.run.computing.whole import decode
from benchbed.run.job.job import Job
from benchbed.suite.conditions import CorruptionCondition

if TYPE_CHECKING:
    from benchbed.perturb.contract import Context
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
    from benchbed.perturb.contract import Context

    probes = _probes(job)
    if not probes:
        return [record.Check(name="perturb", status="skipped", message="no clip could be decoded to check with")]
    checks: list[record.Check] = []
    for index, condition in enumerate(job.conditions):
        if not isinstance(condition, CorruptionCondition):
            continue
        place = _place(job, index, condition, probes)
        known = recall(place) if place is not None else {}
        if known:
            checks += [record.Check.model_validate(one) for one in known["checks"]]
            continue
        context = Context(job.dataset, condition.options, _others(probes), {}, _others(probes))
        outcomes, whole = _checked(condition, probes, context)
        checks += outcomes
        if place is not None and whole:
            with contextlib.suppress(OSError):  # a folder that cannot be written costs time, not truth
                remember(place, {"checks": [one.model_dump(mode="json") for one in outcomes]})
    return checks


def _checked(condition: CorruptionCondition, probes: list[Probe], context: Context) -> tuple[list[record.Check], bool]:
    """The checks of one corruption, and whether all could be made."""
    from benchbed.perturb import resolve
    from benchbed.perturb.selfcheck import check_all

    name, checks, hashes = condition.corruption, list[record.Check](), dict[str, str]()
    corruption = resolve(name, condition.parameters, condition.options)
    try:
        for outcome in check_all(name, corruption, probes, context, hashes):
            checks.append(
                record.Check(name=f"perturb:{name}:{outcome.name}", status=outcome.status, message=outcome.message)
            )
    except BenchbedError as error:
        checks.append(record.Check(name=f"perturb:{name}", status="warn", message=f"not checked: {error.what}"))
        return checks, False
    text = " ".join(f"{key}={value}" for key, value in hashes.items())
    return [*checks, record.Check(name=f"perturb:{name}:canary", status="pass", message=text)], True


def _place(job: Job, index: int, condition: CorruptionCondition, probes: list[Probe]) -> Path | None:
    """Where the checks of a condition are remembered: named by all that they depend on.

    None for transforms of another library and corruptions of another package, whose code we do not follow.
    """
    from benchbed.perturb import CORRUPTIONS

    module = f"{CORRUPTIONS.package}.{condition.corruption}"
    if condition.corruption not in CORRUPTIONS.names() or CORRUPTIONS.get(condition.corruption).__name__ != module:
        return None
    made = closure("benchbed.perturb.selfcheck", "benchbed.perturb", module, chosen={CORRUPTIONS.package: ()})
    key = hashlib.blake2b(digest_size=16)
    for part in (
        made.digest,
        package_versions(made.foreign),
        [platform.python_version(), platform.node(), platform.machine(), platform.processor()],
        condition.model_dump(mode="json"),
        job.facts[index] if job.facts else {},
        job.dataset,
        [[probe.id, probe.sample_rate, list(probe.waveform.shape)] for probe in probes],
    ):
        key.update(json.dumps(part, sort_keys=True, default=str).encode())
    for probe in probes:
        key.update(np.ascontiguousarray(probe.waveform).tobytes())
    return cache_folder() / "selfchecks" / f"{key.hexdigest()}.json"


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
