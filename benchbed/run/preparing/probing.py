"""What the units of a run cost: every condition on a few clips, more of them as far as the time of the probe goes."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchbed.predictions.store import UnitPredictions, write_unit
from benchbed.run.computing.engine import Engine
from benchbed.run.executing.unit import compute
from benchbed.run.job.job import Unit

#: Clips of each condition that are computed: first few, so that no condition is left out, then more.
CLIPS = (4, 16, 64)
#: Times the seconds of a probe after which even its first round ends: a condition may take minutes for a clip.
PATIENCE = 15


@dataclass
class Rate:
    """What was computed, and what that took."""

    evaluations: int = 0
    cpu: float = 0.0
    clock: float = 0.0

    def add(self, evaluations: int, cpu: float, clock: float) -> None:
        """Count something more."""
        self.evaluations, self.cpu, self.clock = self.evaluations + evaluations, self.cpu + cpu, self.clock + clock

    def each(self, *, clock: bool = False) -> float:
        """Seconds of one evaluation."""
        return (self.clock if clock else self.cpu) / max(self.evaluations, 1)


@dataclass
class Probed:
    """What a probe measured.

    Attributes
    ----------
    answers : list of (Unit, UnitPredictions)
        The largest that was computed of each unit.
    conditions : dict of int to Rate
        By the number of the condition in the suite.
    written : Rate
        Files that were written.
    whole : Rate
        All evaluations.
    """

    answers: list[tuple[Unit, UnitPredictions]] = field(default_factory=list)
    conditions: dict[int, Rate] = field(default_factory=dict)
    written: Rate = field(default_factory=Rate)
    whole: Rate = field(default_factory=Rate)


def probe(engine: Engine, units: Sequence[Unit], seconds: float) -> Probed:
    """Compute a few clips of each of some units, then more of them as far as the time goes.

    Parameters
    ----------
    engine : Engine
    units : sequence of Unit
        One of each condition of a split; no attacks.
    seconds : float
        CPU seconds that the probe aims at.
    """
    probed = Probed()
    if not units:
        return probed
    compute(engine, replace(units[0], stop=units[0].start + 1))  # the first call builds caches and is not typical
    largest: dict[str, tuple[Unit, UnitPredictions]] = {}
    for size in CLIPS:
        for unit in units:
            part = replace(unit, stop=min(unit.start + size, unit.stop))
            if unit.id in largest and largest[unit.id][0].stop >= part.stop:
                continue
            began, cpu = time.perf_counter(), time.process_time()
            answers = compute(engine, part)
            clock, own = time.perf_counter() - began, time.process_time() - cpu
            largest[unit.id] = part, answers
            probed.conditions.setdefault(unit.condition, Rate()).add(part.evaluations, own, clock)
            probed.whole.add(part.evaluations, own, clock)
            # A machine that is busy with something else makes no probe shorter; a GPU takes little of the CPU.
            late = probed.whole.cpu > seconds or probed.whole.clock > 5 * seconds
            if late and (size > CLIPS[0] or probed.whole.clock > PATIENCE * seconds):
                break
        else:
            continue
        break
    probed.answers = list(largest.values())
    with tempfile.TemporaryDirectory() as folder:
        for _, answers in probed.answers:
            began, cpu = time.perf_counter(), time.process_time()
            write_unit(answers, Path(folder))
            probed.written.add(1, time.process_time() - cpu, time.perf_counter() - began)
    return probed
