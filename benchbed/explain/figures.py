"""The figures that metric families give, by name: `macro_accuracy`, `psds1`, `er20`, …"""

from __future__ import annotations

from functools import cache

from benchbed.metrics import FAMILIES
from benchbed.metrics.contract import MetricInfo


def figures() -> dict[str, str]:
    """Figure → one line: its title, and the families that give it.

    Examples
    --------
    >>> figures()["macro_accuracy"]
    'Macro accuracy; of classification'
    """
    return {
        name: f"{next(iter(told.values())).title}; of {', '.join(told)}" for name, told in sorted(_figures().items())
    }


def figure_text(name: str) -> str:
    """All that is said of a figure: per family its unit, direction, rule and chance value.

    Examples
    --------
    >>> print(figure_text("macro_accuracy").splitlines()[0])
    Macro accuracy, family classification
    """
    lines: list[str] = []
    for family, info in _figures()[name].items():
        lines.append(f"{info.title}, family {family}")
        lines.append(f"  unit {info.unit or 'none'}, {info.direction} is better; rule {info.rule}")
        if info.chance is not None:
            lines.append(f"  chance {info.chance:g} where there are two classes")
        if info.no_interval is not None:
            lines.append(f"  no interval: {info.no_interval}")
    lines.append(f"asked for by `metrics.primary: {name}`, `compare --metric {name}`, a rule's `metric: {name}`")
    return "\n".join(lines)


@cache
def _figures() -> dict[str, dict[str, MetricInfo]]:
    """Figure → family → what it means, with two classes where a family needs some."""
    found: dict[str, dict[str, MetricInfo]] = {}
    for name in FAMILIES.names():
        try:
            family = FAMILIES.get(name).family(("a", "b"))
        except Exception:  # a family that needs more than classes is told by its options alone
            continue
        for figure, info in family.metrics.items():
            found.setdefault(figure, {})[name] = info
    return found
