"""What the attacks of a run cost, by attacking a few of their clips.

How soon clips fall decides what an attack costs, and no count of its passes knows it: a search of a hundred steps may
end at the second. So some clips of each condition, spread over all that it attacks, are attacked as its units attack
them; about which clips the model is right, which alone are attacked, is asked of all. The experiments that the first
unit makes once are run on the fewest clips and priced by how many they will have; conditions of one attack make the
same experiments, which are priced by their passes where another condition made them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from benchbed.predictions.store import UnitPredictions
from benchbed.run.attacking.checks import FEWEST, probed_clips
from benchbed.run.attacking.unit import attacked_rows_of
from benchbed.run.computing.engine import Engine
from benchbed.run.executing.unit import compute
from benchbed.run.job.job import Unit
from benchbed.run.preparing.probing import Rate

#: Clips that are attacked together, fewer than a unit has; such batches of a condition, one for so many clips that it
#: attacks.
BATCH, ONE_IN = 8, 100
#: Half-width of the interval of a mean in standard errors.
REACH = 2.0


@dataclass
class AttackRate:
    """What one attack condition of a split costs.

    Attributes
    ----------
    clips, right : int
        Clips of the condition, and those that it attacks, since the model is right about them.
    attacked : Rate
        Clips that were attacked at all budgets, and the seconds that took.
    once : float
        Seconds of the experiments of its first unit.
    passes : list of float
        What each clip that was attacked took, in passes.
    """

    clips: int
    right: int
    attacked: Rate = field(default_factory=Rate)
    once: float = 0.0
    passes: list[float] = field(default_factory=list)

    def seconds(self, clips: int, *, clock: bool = False) -> float:
        """Seconds of so many clips, with the experiments."""
        return self.once + self.attacked.each(clock=clock) * clips * self.right / max(self.clips, 1)

    @property
    def reach(self) -> float:
        """Half-width of the interval of what the condition costs, as a share of it."""
        return spread(self.passes, self.right)


def spread(costs: Sequence[float], clips: int) -> float:
    """Half-width of the interval of a mean over some of so many clips, as a share of it.

    Examples
    --------
    >>> spread([2] * 8, 100), spread([0, 3] * 4, 8), round(spread([0, 3] * 4, 800), 2)
    (0.0, 0.0, 0.75)
    """
    count, mean = len(costs), float(np.mean(costs or [0]))
    if count < 2 or mean == 0:
        return 0.0
    left_out = max(clips - count, 0) / max(clips - 1, 1)
    return min(1.0, REACH * float(np.std(costs, ddof=1)) / mean / math.sqrt(count) * math.sqrt(left_out))


def sample_attacks(engine: Engine, units: Sequence[Unit]) -> dict[tuple[str, int], AttackRate]:
    """Attack a few clips of each attack condition.

    Parameters
    ----------
    engine : Engine
    units : sequence of Unit
        All units of the run; those of no attack are passed over.

    Returns
    -------
    dict of (str, int) to AttackRate
        By split and number of the condition in the suite.
    """
    rows: dict[tuple[str, int], list[int]] = {}
    first: dict[tuple[str, int], Unit] = {}
    for unit in units:
        if unit.cells[0].kind == "attack":
            rows.setdefault((unit.split, unit.condition), []).extend(unit.rows)
            first.setdefault((unit.split, unit.condition), unit)
    experiments: dict[str, float] = {}
    return {key: _sampled(engine, unit, rows[key], experiments) for key, unit in first.items()}


def _sampled(engine: Engine, unit: Unit, rows: Sequence[int], experiments: dict[str, float]) -> AttackRate:
    """Attack a few clips; `experiments` has what those on one clip cost in passes, by attack."""
    right = attacked_rows_of(engine, replace(unit, rows=tuple(rows)))
    rate = AttackRate(len(rows), len(right))
    if not right:
        return rate
    if not experiments:
        # The first call builds caches and is not typical.
        _timed(engine, replace(unit, rows=tuple(right[:1]), number=1))
    batches = max(len(rows) // ONE_IN, 1)
    places = np.unique(np.linspace(0, len(right) - 1, BATCH * batches).round().astype(int))
    # Of a model that is seldom right there are fewer clips than batches.
    for start in range(min(batches, len(places))):
        chosen = tuple(right[place] for place in places[start::batches])
        own, clock, answers = _timed(engine, replace(unit, rows=chosen, number=1))
        rate.attacked.add(len(chosen), own, clock)
        rate.passes += _passes(answers)
    passes = max(sum(rate.passes), 1.0)
    kind = unit.cells[0].name
    if kind not in experiments:
        experiments[kind] = _experiment(engine, unit, right) * passes / max(rate.attacked.cpu, 1e-9)
    rate.once = experiments[kind] * rate.attacked.cpu / passes * min(probed_clips(len(rows)), len(right))
    return rate


def _experiment(engine: Engine, unit: Unit, right: Sequence[int]) -> float:
    """CPU seconds of the experiments on one clip: what the first unit of a condition takes more than another."""
    few = tuple(right[:FEWEST])
    checked, _, answers = _timed(engine, replace(unit, rows=few, number=0))
    plain, _, _ = _timed(engine, replace(unit, rows=few, number=1))
    facts = answers.info["attack"]["facts"]
    probes = next((fact["n"] for fact in facts if fact["check"] == "probes"), 0)
    return max(checked - plain, 0.0) / probes if probes else 0.0


def _timed(engine: Engine, unit: Unit) -> tuple[float, float, UnitPredictions]:
    """CPU seconds and seconds by the clock of a unit, and its answers."""
    began, cpu = time.perf_counter(), time.process_time()
    answers = compute(engine, unit)
    return time.process_time() - cpu, time.perf_counter() - began, answers


def _passes(answers: UnitPredictions) -> list[float]:
    """Passes that each clip took, at all budgets together."""
    columns = answers.columns
    found: dict[str, float] = {}
    for clip, passes in zip(columns["clip_id"], columns.get("passes", ())):
        found[str(clip)] = found.get(str(clip), 0.0) + float(passes or 0)
    return [*found.values()]
