"""Finding the figures of a record that a rule names, as they stand there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from benchbed.compare.figure import Figure
from benchbed.errors import CannotMeasure, did_you_mean
from benchbed.results.record import Cell, Result, Value


@dataclass(frozen=True)
class CostFigure:
    """A figure of the profile.

    Attributes
    ----------
    value : float
        The figure; of several rounds, their median.
    unit : str
        Its unit.
    direction : str
        Which way is better.
    rounds : np.ndarray or None [shape=(round,)]
        One figure per round.
    """

    value: float
    unit: str
    direction: str = "lower"
    rounds: np.ndarray | None = None


def cells_of(result: Result, figure: Figure) -> list[Cell]:
    """Cells of a figure, one per split.

    Raises
    ------
    CannotMeasure
        The run has no such condition.
    """
    found = [c for c in result.cells if condition_of(c) == figure.condition and figure.split in (None, c.split)]
    if not found:
        known = list(dict.fromkeys(condition_of(c) for c in result.cells))
        hint = did_you_mean(figure.condition, known) or f"there are: {', '.join(known)}"
        raise CannotMeasure(f"{result.model.name} has no condition '{figure.condition}'", hint=hint)
    return found


def condition_of(cell: Cell) -> str:
    """A cell's key without task and split."""
    return cell.key.split("/", 2)[2]


def expand(results: Sequence[Result], condition: str, group: str | None, split: str | None) -> list[Figure]:
    """Figures that patterns stand for, in any of the runs: what only one of them has is asked about, too.

    Raises
    ------
    CannotMeasure
        No condition, or no group, matches.
    """
    conditions = _hits([condition_of(c) for r in results for c in r.cells], condition)
    if not conditions:
        known = list(dict.fromkeys(condition_of(c) for r in results for c in r.cells))
        hint = did_you_mean(condition, known) or f"there are: {', '.join(known)}"
        raise CannotMeasure(f"no condition '{condition}' in any of the runs", hint=hint)
    found = []
    for name in conditions:
        if group is None:
            found.append(Figure(name, None, split))
            continue
        groups = [g for r in results for c in r.cells if condition_of(c) == name for g in c.groups]
        hits = _hits(groups, group)
        if not hits:
            hint = did_you_mean(group, groups) or f"there are: {', '.join(dict.fromkeys(groups)) or 'none'}"
            raise CannotMeasure(f"no group '{group}' under {name}", hint=hint)
        found += [Figure(name, g, split) for g in hits]
    return found


def scores_of(results: Sequence[Result], metric: str) -> list[str]:
    """Figures over cells that a name or pattern such as `adversarial:snr50/*` stands for, in any of the runs.

    A pattern that nothing matches stays as it is, and is then reported as missing.
    """
    return _hits([name for r in results for name in r.scores if ":" in name], metric) or [metric]


def _hits(names: Sequence[str], pattern: str) -> list[str]:
    unique = list(dict.fromkeys(names))
    # What no sound need do is asked for in so many words: no pattern mixes it with figures of sound.
    said = "features" in pattern or pattern.startswith("unrealizable:")
    known = unique if said else [n for n in unique if "@features-" not in n]
    return [pattern] if pattern in unique else [n for n in known if fnmatchcase(n, pattern)]


def metric_of(result: Result, figure: Figure, metric: str) -> str:
    """The metric that `primary` stands for: the one that ranks, or a class's own."""
    if metric != "primary":
        return metric
    if figure.group is None:
        return result.primary
    held = next((c.groups[figure.group] for c in result.cells if figure.group in c.groups), {})
    return result.primary if result.primary in held or not held else next(iter(held))


def value_of(result: Result, figure: Figure, metric: str) -> Value:
    """A figure as it stands on the record; over several splits, their mean without an interval.

    Raises
    ------
    CannotMeasure
        It is not there, or undefined.
    """
    if metric in result.scores and figure.group is None and ":" in metric:
        return _defined(result.scores[metric], f"{metric} of {result.model.name}")
    if ":" in metric and figure.group is None:
        known = [name for name in result.scores if ":" in name]
        kinds = dict.fromkeys(f"{name.partition(':')[0]}:*" for name in known)
        hint = did_you_mean(metric, known) or f"there are: {', '.join(kinds) or 'none'}"
        raise CannotMeasure(f"{result.model.name} has no score '{metric}'", hint=hint)
    values = []
    for cell in cells_of(result, figure):
        figures = cell.metrics if figure.group is None else cell.groups.get(figure.group)
        if figures is None:
            hint = did_you_mean(str(figure.group), cell.groups) or f"there are: {', '.join(cell.groups) or 'none'}"
            raise CannotMeasure(f"{result.model.name} has no group '{figure.group}' under {cell.key}", hint=hint)
        if metric not in figures:
            hint = did_you_mean(metric, figures) or f"there are: {', '.join(figures)}"
            raise CannotMeasure(f"{result.model.name} has no metric '{metric}' for {figure}", hint=hint)
        values.append(_defined(figures[metric], f"{metric} for {figure} of {result.model.name}"))
    if len(values) == 1:
        return values[0]
    mean = float(np.mean([v.value for v in values if v.value is not None]))
    return values[0].model_copy(update={"value": mean, "low": None, "high": None, "n": sum(v.n for v in values)})


def _defined(value: Value, what: str) -> Value:
    if value.value is None or not np.isfinite(value.value):
        raise CannotMeasure(f"{what} is undefined: {value.reason or 'no reason given'}")
    return value


def cost_of(result: Result, path: str) -> CostFigure:
    """A figure of the profile by its path, or a figure under `scores`.

    Raises
    ------
    CannotMeasure
        It is not there, or has no value; the message gives the record's reason.
    """
    name = result.model.name
    if path in result.scores:
        value = _defined(result.scores[path], f"{path} of {name}")
        assert value.value is not None
        return CostFigure(value.value, value.unit, value.direction)
    node: Any = result.profile
    for depth, part in enumerate(path.split(".")):
        if not isinstance(node, dict) or part not in node:
            reason = node.get("reason") if isinstance(node, dict) else None
            hint = did_you_mean(part, node) if isinstance(node, dict) else None
            known = f"there are: {', '.join(map(str, node))}" if isinstance(node, dict) and node else None
            done = ".".join(path.split(".")[: depth + 1])
            raise CannotMeasure(
                f"{name} has no figure '{done}'" + (f": {reason}" if reason else ""),
                hint=hint or known or "let the suite measure it: `profile:`",
            )
        node = node[part]
    unit, direction = "", "lower"
    if isinstance(node, dict):
        unit, direction = str(node.get("unit", "")), str(node.get("direction", "lower"))
        if node.get("value") is None:
            raise CannotMeasure(f"{path} of {name} has no value: {node.get('reason', 'no reason given')}")
        node = node["value"]
    rounds = np.asarray(node, float) if isinstance(node, list) else None
    if isinstance(node, bool) or not (isinstance(node, (int, float)) or rounds is not None):
        raise CannotMeasure(f"{path} of {name} is no number")
    values = rounds if rounds is not None else np.array([node], float)
    if not len(values) or not np.isfinite(values).all():
        raise CannotMeasure(f"{path} of {name} is not finite")
    return CostFigure(float(np.median(values)), unit, direction, rounds)
