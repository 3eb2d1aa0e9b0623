"""What the steps of attacking one unit share: the engine, the task, the facts for checks, and finished clips."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from benchbed import rng
from benchbed.run.attacking.goal import AttackedClip, Task
from benchbed.run.attacking.noted import Noted
from benchbed.run.attacking.view import View
from benchbed.run.computing.engine import Engine
from benchbed.run.computing.rows import Rows
from benchbed.run.job.job import Unit
from benchbed.suite.conditions import AttackCondition
from benchbed.suite.plan import CellPlan

#: Answers that a random model is judged by: its accuracy is their mean, to within two points over a few dozen clips.
JUDGED_DRAWS = 64


@dataclass
class Attacked:
    """One finished (clip, budget).

    Attributes
    ----------
    sample : AttackedClip
        The clip.
    cell : CellPlan
        Condition and budget.
    points : np.ndarray [shape=(channel, sample)]
        The audio that counts, or the features.
    facts : dict
        Columns of the row.
    noise : np.ndarray [shape=(channel, sample)], optional
        The strongest noise of the same budget.
    """

    sample: AttackedClip
    cell: CellPlan
    points: np.ndarray
    facts: dict[str, object]
    noise: np.ndarray | None = None


@dataclass
class Work:
    """What the steps of one unit share.

    Attributes
    ----------
    engine : Engine
        With the unit's shard and model in place.
    unit, condition : Unit, AttackCondition
        What is computed.
    task, view : Task, View
        What counts as broken, and the model.
    rows : Rows
        Finished evaluations.
    eot : int
        Answers whose gradients are averaged, for a model that answers differently every time; 1 for any other.
    judge : View, optional
        A newly loaded instance, which judges what the attack has finished; the model itself where there is none.
    facts : list of Noted
        What checks are made from.
    restricted : bool
        The attack may use a part of the ball only: noise, which may use all of it, is no floor of it.
    survived : dict
        (clip, way, sound) → whether it is broken after the way; see `benchbed.run.attacking.survival`.
    """

    engine: Engine
    unit: Unit
    condition: AttackCondition
    task: Task
    view: View
    rows: Rows
    eot: int = 1
    judge: View | None = None
    facts: list[Noted] = field(default_factory=list)
    restricted: bool = False
    survived: dict[tuple[int, str, int], bool | None] = field(default_factory=dict)

    @property
    def judging(self) -> View:
        """What judges finished audio."""
        return self.judge or self.view

    @property
    def draws(self) -> int:
        """Fresh answers to every finished clip: many of a model that answers differently every time."""
        return JUDGED_DRAWS if self.eot > 1 else 1

    def stream(self, what: str, index: int) -> np.random.Generator:
        """Random stream of one clip of the shard, for one purpose."""
        return rng.stream(what, self.engine.shard.clip_id(index), self.engine.job.seed)

    def seed(self, *what: object) -> int:
        """Seed of global random state for one step, which rests on its clips and not on what else the suite lists."""
        condition = self.unit.cells[0].name
        return rng.key("attack-unit", *what, condition, self.unit.split, self.unit.number, self.engine.job.seed)

    def note(
        self, check: str, n: int, bad: int = 0, worst: float = 0.0, cell: str | None = None, text: str = ""
    ) -> None:
        """A fact for a check; the facts of all units are put together when the run is scored."""
        self.facts.append(
            {"check": check, "n": int(n), "bad": int(bad), "worst": float(worst), "cell": cell, "text": text}
        )
