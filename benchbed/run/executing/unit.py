"""Computing one unit, by the kind of its condition."""

from __future__ import annotations

from benchbed.adapter.replay import Replay
from benchbed.predictions.store import UnitPredictions
from benchbed.run.computing.engine import Engine
from benchbed.run.computing.perturbed import perturbed_unit
from benchbed.run.job.job import Unit


def compute(engine: Engine, unit: Unit) -> UnitPredictions:
    """Predictions of one unit.

    Raises
    ------
    AdapterError
        The adapter breaks its contract, which no other clip could mend.
    ConfigError
        An attack cannot run on the model at all.
    AudioError
        A clip failed and the job says to stop at the first failure.
    """
    engine.load(unit)
    if unit.cells[0].kind == "attack":
        from benchbed.run.attacking.unit import attack_unit

        return attack_unit(engine, unit)
    if isinstance(engine.adapter, Replay):
        from benchbed.run.computing.replayed import replayed_unit

        return replayed_unit(engine, unit)
    return perturbed_unit(engine, unit)
