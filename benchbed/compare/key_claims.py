"""Key figures of a project as tests of claims: a mean gain with guards, recipes of training, and lines of code.

A gain is relative to the baseline and positive where the new figure is better. A headline gain does not count where a
guard is broken: the claim is then as good as the guard that lost most. Approaches to training are told by what the
cards of models say that they were trained with; code is counted in the adapters that come with benchbed alone, whose
files are known to be those that ran.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from math import hypot, nan
from pathlib import Path

from benchbed.results.record import Result, Value
from benchbed.suite.load import shipped_folder

#: A figure and half the width of its interval; None where a record states none.
Measure = tuple[float, float | None, str]


def relative_gain(new: float, base: float, direction: str) -> float:
    """Share of the baseline by which a figure is better; NaN over a baseline of nothing.

    Examples
    --------
    >>> round(relative_gain(14.58, 15.04, "lower"), 4)
    0.0306
    """
    better = new - base if direction == "higher" else base - new
    return better / abs(base) if base else nan


def mean_measure(values: Sequence[Value]) -> Measure | None:
    """Mean of several models' figures; half-widths add as of independent figures.

    Examples
    --------
    >>> one = Value(value=0.5, low=0.4, high=0.6, n=9, direction="higher", unit="fraction", rule="r")
    >>> mean_measure([one])
    (0.5, 0.09999999999999998, 'higher')
    """
    known = [value for value in values if value.value is not None]
    if not known:
        return None
    whole = all(value.low is not None and value.high is not None for value in known)
    reach = None
    if whole:
        reach = hypot(*(((value.high or 0.0) - (value.low or 0.0)) / 2 for value in known)) / len(known)
    return sum(value.value or 0.0 for value in known) / len(known), reach, known[0].direction


def gain(new: Measure, base: Measure) -> tuple[float, float | None]:
    """Relative gain and half the width of its interval, to the first order.

    Examples
    --------
    >>> value, reach = gain((45.84, 0.6, "higher"), (33.9, 0.0, "higher"))
    >>> round(value, 3), round(reach, 4)
    (0.352, 0.0177)
    """
    value = relative_gain(new[0], base[0], new[2])
    if new[1] is None or base[1] is None or not base[0]:
        return value, None
    return value, hypot(new[1] / base[0], new[0] * base[1] / base[0] ** 2)


def guarded_gain(
    pairs: Mapping[str, tuple[Measure, Measure]], guards: Mapping[str, tuple[Measure, Measure, float]]
) -> tuple[float | None, float | None, str]:
    """Ends of the mean gain over a declared set of figures, and the figures in words.

    Parameters
    ----------
    pairs : mapping of str to (Measure, Measure)
        Figure → new and base.
    guards : mapping of str to (Measure, Measure, float)
        Figure → new, base, and the relative loss that is tolerated.

    Examples
    --------
    >>> pairs = {"macro_f1": ((0.396, 0.0, "higher"), (0.253, 0.0, "higher"))}
    >>> low, high, told = guarded_gain(pairs, {"error_rate": ((1.34, 0.0, "lower"), (0.51, 0.0, "lower"), 0.1)})
    >>> round(low, 2), told
    (-1.63, 'mean gain +56.5 % over 1 figures, but error_rate loses 162.7 %')
    """
    gains = [gain(*pair) for pair in pairs.values()]
    mean = sum(value for value, _ in gains) / len(gains)
    told = f"mean gain {mean:+.1%} over {len(gains)} figures".replace("%", " %")
    lost = {name: relative_gain(new[0], base[0], new[2]) for name, (new, base, _) in guards.items()}
    broken = {name: value for name, value in lost.items() if value < -guards[name][2]}
    if broken:
        worst = min(broken, key=lambda name: broken[name])
        said = f"{told}, but {worst} loses {-broken[worst]:.1%}".replace("%", " %").replace("  %", " %")
        return broken[worst], broken[worst], said
    if any(reach is None for _, reach in gains):
        return None, None, f"{told} (a figure without an interval)"
    reach = hypot(*(reach or 0.0 for _, reach in gains)) / len(gains)
    return mean - reach, mean + reach, f"{told} ± {reach:.1%}".replace("%", " %").replace("  %", " %")


def recipes(results: Sequence[Result], pattern: str) -> tuple[int, str]:
    """How many approaches to training the cards of models name, and which."""
    found = {word for one in results if fnmatchcase(one.model.name, pattern) for word in one.model.trained_with}
    return len(found), f"{len(found)} approaches: {', '.join(sorted(found)) or 'none'}"


def code_lines(result: Result) -> int | None:
    """Lines of an adapter that comes with benchbed, without comments, blank lines and docstrings; None for others."""
    known = {path.name: path for path in shipped_folder("adapters").glob("*.py")}
    path = known.get(Path(result.model.adapter).name)
    return None if path is None else statement_lines(path.read_text(encoding="utf-8"))


def statement_lines(source: str) -> int:
    """Lines that hold a part of a statement that is no docstring.

    Examples
    --------
    >>> statement_lines('"doc"\\n\\n# why\\nx = (1,\\n     2)\\n')
    2
    """
    lines: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            continue
        if isinstance(node, ast.stmt):
            # Of what holds other statements the first line; those have lines of their own.
            last = node.lineno if hasattr(node, "body") else (node.end_lineno or node.lineno)
            lines |= set(range(node.lineno, last + 1))
    return len(lines)
