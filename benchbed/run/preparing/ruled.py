"""What rules of a gate name, asked of the suite that they are for: conditions, metrics, what is held against what."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from benchbed.errors import ConfigError, did_you_mean
from benchbed.gate.load import LoadedRules
from benchbed.gate.rules import FigureSelector
from benchbed.run.preparing.named import CLASSES
from benchbed.run.scoring.families import metric_family
from benchbed.suite.load import LoadedSuite, load_suite
from benchbed.suite.marks import Place
from benchbed.suite.plan import CellPlan, plan_cells


def check_rules(loaded: LoadedRules) -> str | None:
    """Refuse rules that ask for what their suite does not have.

    Returns
    -------
    str or None
        Why nothing could be asked: the rules name no suite, or one that is neither beside them nor shipped.

    Raises
    ------
    ConfigError
        A condition or a metric that no run of the suite has, with its line.
    """
    name = loaded.rules.suite
    if name is None:
        return "they name no suite, so that conditions and metrics were not looked for"
    suite = _suite(loaded, name)
    if suite is None:
        return (
            f"the suite '{name}' is neither beside them nor shipped, so that conditions and metrics were not looked for"
        )
    cells = plan_cells(suite.suite)
    conditions = list(dict.fromkeys(cell.key.split("/", 2)[2] for cell in cells))
    family, _ = metric_family(suite, CLASSES)
    for place, where in _asked(loaded):
        _condition(loaded, place, where.condition, conditions)
        plain = where.metric is not None and where.metric != "primary" and ":" not in where.metric
        if plain and not _attacked(where.condition, cells):
            known = (
                family.metrics if where.group is None or not where.group.startswith("class=") else family.class_metrics
            )
            if where.metric not in known:
                hint = did_you_mean(str(where.metric), known) or f"there are: {', '.join(known)}"
                raise _fault(loaded, (*place, "metric"), f"{name} has no metric '{where.metric}'", hint)
    for number, rule in enumerate(loaded.rules.rules):
        against = [rule.against] if isinstance(rule.against, str) else rule.against
        for other in against:
            if other != "baseline":
                _condition(loaded, ("rules", number), other, conditions, "against")
    return None


def _asked(loaded: LoadedRules) -> Iterator[tuple[Place, FigureSelector]]:
    for number, rule in enumerate(loaded.rules.rules):
        yield ("rules", number), rule
        for part, held in (("guards", rule.guards), ("over", rule.over)):
            for i, where in enumerate(held):
                yield ("rules", number, part, i), where


def _condition(loaded: LoadedRules, place: Place, pattern: str, conditions: list[str], key: str = "condition") -> None:
    if not any(fnmatchcase(condition, pattern) for condition in conditions):
        hint = did_you_mean(pattern, conditions) or f"there are: {', '.join(conditions[:12])}"
        what = f"{loaded.rules.suite} has no condition '{pattern}'"
        raise _fault(loaded, (*place, key), what, hint)


def _attacked(pattern: str, cells: list[CellPlan]) -> bool:
    """Attacks add metrics of their own."""
    return any(cell.kind == "attack" and fnmatchcase(cell.key.split("/", 2)[2], pattern) for cell in cells)


def _suite(loaded: LoadedRules, name: str) -> LoadedSuite | None:
    beside = [loaded.path.parent / f"{name}.yaml", loaded.path.parent / "suite.yaml"] if loaded.path else []
    for path in beside:
        if path.is_file() and path != loaded.path:
            found = load_suite(str(path))
            if found.suite.name == name:
                return found
    try:
        return load_suite(Path(name).stem)
    except ConfigError:
        return None


def _fault(loaded: LoadedRules, place: Place, what: str, hint: str) -> ConfigError:
    near = next((loaded.marks[place[:n]] for n in range(len(place), -1, -1) if place[:n] in loaded.marks), None)
    return ConfigError(what, where=None if near is None else str(near), hint=hint)
