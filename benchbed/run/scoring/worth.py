"""Every corruption, device and attack of a run as the SNR of white noise that costs the model the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchbed.metrics.adversarial import ROBUST, Flags
from benchbed.metrics.contract import MetricInfo
from benchbed.metrics.number import Number, number
from benchbed.metrics.worth import NoiseCurve, worth
from benchbed.results import record
from benchbed.run.job.job import Job
from benchbed.run.scoring.aggregate import ScoredCell
from benchbed.stats.bootstrap import Bootstrap
from benchbed.suite.conditions import AttackCondition
from benchbed.suite.plan import CellPlan

if TYPE_CHECKING:
    import pandas as pd

#: The corruption, and the noise of attacks, that every other is held against.
NOISE = "white_noise"
#: Why an attacked cell stands nowhere on that axis.
MISSING = (
    "no curve to look it up on: the suite has no two budgets of {{attack: white_noise, threat: l2}} on these {n} clips"
)


def worth_of_cells(cells: Sequence[record.Cell], scored: Mapping[str, ScoredCell], primary: str) -> dict[str, Number]:
    """Worth of every corrupted cell in the primary metric: `worth:CELL`; nothing without a curve in white noise."""
    figures: dict[str, Number] = {}
    for split in dict.fromkeys(cell.split for cell in cells):
        corrupted = [
            cell for cell in cells if cell.split == split and cell.condition.severity is not None and cell.metrics
        ]
        corrupted = [cell for cell in corrupted if cell.metrics[primary].value is not None]
        noise = [cell for cell in corrupted if _is_noise(cell)]
        noise = [cell for cell in noise if cell.condition.unit == noise[0].condition.unit and "#" not in cell.key]
        if len(noise) < 2:
            continue
        levels = [_level(cell) for cell in noise]
        columns = [_column(scored[cell.key], primary) for cell in noise]
        width = min(len(column) for column in columns)
        info = scored[noise[0].key].scores.metrics[primary].info
        curve = NoiseCurve(
            tuple(levels),
            np.stack([column[:width] for column in columns]),
            info.direction,
            noise[0].condition.unit or "dB SNR",
            info.rule,
            clips=scored[noise[0].key].scores.metrics[primary].n if (info.low, info.high) == (0.0, 1.0) else 0,
        )
        for cell in corrupted:
            if cell in noise:
                continue
            column = _column(scored[cell.key], primary)
            n = scored[cell.key].scores.metrics[primary].n // max(cell.condition.draws, 1)
            bootstrap = scored[cell.key].bootstrap
            figures[f"worth:{cell.key}"] = worth(curve, column, n, bootstrap, cell.key.split("/", 2)[2])
    return figures


def worth_of_attacks(
    job: Job, plans: Sequence[CellPlan], flags: Mapping[str, Flags], tables: Mapping[str, pd.DataFrame]
) -> dict[str, Number]:
    """Worth of every attacked cell in robust accuracy, against white noise of equal budgets on the same clips.

    Undefined, with what is missing, where the suite has no such noise.
    """
    figures: dict[str, Number] = {}
    attacks = {plan.key: _condition(job, plan) for plan in plans}
    for plan in plans:
        mine = attacks[plan.key]
        if mine.space == "features" or mine.attack == NOISE:
            continue
        wanted = set(tables[plan.key]["clip_id"].astype(str))
        columns: dict[float, np.ndarray] = {}
        for other in plans:
            if other.split != plan.split or not _plain_noise(attacks[other.key]) or other.budget in columns:
                continue
            # A smaller subset lies within a larger one: its clips are found in the noise of more.
            inside = tables[other.key]["clip_id"].astype(str).isin(wanted).to_numpy()
            if int(inside.sum()) == len(wanted):
                columns[float(other.budget or 0.0)] = _share(_among(flags[other.key], inside))
        about, n = plan.key.split("/", 2)[2], len(flags[plan.key])
        if len(columns) < 2:
            info = MetricInfo(
                "Worth in white noise", f"worth:{ROBUST.rule}", "dB SNR, whole clip", "higher", scope=about
            )
            figures[f"worth:{plan.key}"] = number(float("nan"), info, n, undefined=MISSING.format(n=len(wanted)))
            continue
        curve = NoiseCurve(
            tuple(columns), np.stack([*columns.values()]), "higher", "dB SNR, whole clip", ROBUST.rule, clips=n
        )
        some: Bootstrap = flags[plan.key].bootstrap
        figures[f"worth:{plan.key}"] = worth(curve, _share(flags[plan.key]), n, some, about)
    return figures


def _plain_noise(condition: AttackCondition) -> bool:
    """Whether a condition is white noise over the whole clip and all that is heard."""
    return (
        condition.attack == NOISE
        and (condition.threat, condition.space, condition.channels) == ("l2", "waveform", "together")
        and condition.band is None
        and condition.audibility is None
    )


def _among(flags: Flags, rows: np.ndarray) -> Flags:
    return Flags(flags.group[rows], {name: values[rows] for name, values in flags.values.items()}, flags.bootstrap)


def _condition(job: Job, plan: CellPlan) -> AttackCondition:
    condition = job.conditions[plan.condition]
    assert isinstance(condition, AttackCondition)
    return condition


def _share(flags: Flags) -> np.ndarray:
    value, drawn = flags.mean("robust")
    return np.concatenate([[value], drawn]) if drawn is not None else np.array([value])


def _is_noise(cell: record.Cell) -> bool:
    snr = (cell.condition.unit or "").startswith("dB SNR")
    return cell.condition.name == NOISE and snr and isinstance(cell.condition.parameter, int | float)


def _level(cell: record.Cell) -> float:
    level = cell.condition.parameter
    assert isinstance(level, int | float)
    return float(level)


def _column(scored: ScoredCell, primary: str) -> np.ndarray:
    value = scored.scores.metrics[primary].value
    drawn = scored.scores.replicates.get(primary)
    first = np.array([np.nan if value is None else value])
    return first if drawn is None else np.concatenate([first, drawn])
