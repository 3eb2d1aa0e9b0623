"""How far several seeds of a model are from breaking a rule.

The mean over the seeds of each side is held against the rule. Its variance is that of the recordings, with the seeds as
they are, plus that of the seeds of each side, by leaving out one seed after the other; the test is Student's t with
Satterthwaite's degrees of freedom, as in `benchbed compare`. Two seeds on a side leave one degree of freedom, so a
regression must then be plain. A side with one seed adds no spread, and a note says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from benchbed.compare.sides import Members, found_by, groups_freedom, spread_of, variance
from benchbed.errors import CannotMeasure
from benchbed.gate.distance import Slack

#: Figures of both sides `[…]` to a distance from breaking the rule `[…]`, one pair per figure of the rule.
Distance = Callable[[Sequence[tuple[np.ndarray, np.ndarray]]], np.ndarray]


def of_seeds(
    asked: Sequence[Members],
    distance: Distance,
    *,
    together: bool = False,
    strict: bool = False,
    level: float = 0.95,
    alpha: float = 0.05,
    power: float = 0.8,
    facts: dict | None = None,
) -> Slack:
    """Distance of the means over seeds from breaking a rule.

    Parameters
    ----------
    asked : sequence of Members
        Every figure of the rule, of all seeds.
    distance : callable
        The rule.
    together : bool
        Both sides are the same runs, under two conditions: their seeds are left out together.
    strict : bool
        A distance of zero is broken.
    level, alpha, power : float
        Of the interval of the distance, and of the smallest loss that would be found.
    facts : dict, optional
        More for programs.

    Raises
    ------
    CannotMeasure
        A figure of a seed, or the distance, is undefined, or the figures have other draws.

    Examples
    --------
    >>> from benchbed.metrics.contract import MetricInfo
    >>> info, still = MetricInfo("A", "a", "fraction", "higher"), np.full((3, 50), 0.5)
    >>> made = Members(info, "higher", (0.50, 0.52, 0.51), (0.60, 0.61, 0.62), still, still, 40, None)
    >>> found = of_seeds([made], lambda sides: sides[0][0] - sides[0][1])
    >>> round(found.point, 3), found.p_broken < 0.001  # 0.1 apart, seeds within 0.01 of each other
    (-0.1, True)
    """
    for one in asked:
        if not np.isfinite([*one.a, *one.b]).all():
            raise CannotMeasure("the metric is undefined for a seed")
    if len({one.drawn_a.shape[1] for one in asked}) > 1:
        raise CannotMeasure("the figures were drawn differently often, so that they cannot be joined draw by draw")
    sides = [(np.asarray(one.a), np.asarray(one.b)) for one in asked]

    def at(keep_a: np.ndarray, keep_b: np.ndarray) -> float:
        return float(distance([(_mean(a[keep_a]), _mean(b[keep_b])) for a, b in sides]))

    every = np.arange(len(asked[0].a)), np.arange(len(asked[0].b))
    point = at(*every)
    if not np.isfinite(point):
        raise CannotMeasure("the rule's figure is undefined for these means")
    drawn = distance([(one.drawn_a.mean(axis=0), _mean(one.drawn_b)) for one in asked])
    groups = min(one.groups for one in asked)
    recordings = variance(np.asarray(drawn))
    if recordings is None:
        raise CannotMeasure("the rule's figure is undefined in more than a tenth of the draws")
    parts = [(recordings, float(groups_freedom(groups)))]
    if together:
        parts += _left_out([at(np.delete(every[0], i), np.delete(every[1], i)) for i in every[0]])
    else:
        parts += _left_out([at(np.delete(every[0], i), every[1]) for i in every[0]])
        parts += _left_out([at(every[0], np.delete(every[1], i)) for i in every[1]])
    seeds = sum(part for part, _ in parts[1:])
    story = {
        "groups": groups,
        "seeds": [len(every[0]), 0 if together else len(every[1])],
        "error_recordings": parts[0][0] ** 0.5,
        "error_seeds": seeds**0.5,
        **(facts or {}),
    }
    if parts[0][0] + seeds == 0:
        broken = point <= 0 if strict else point < 0
        how = "no spread over recordings or seeds"
        return Slack(point, 0.0 if broken else 1.0, 0.0 if point > 0 else 1.0, 0.0, how, strict, story)
    spread = spread_of(point, parts, level)
    from scipy.special import stdtr

    test = f"t over recordings and seeds ({spread.freedom:.1f} degrees of freedom)"
    story |= {
        "test": test,
        "slack_low": spread.low,
        "slack_high": spread.high,
        # A rule is broken on one side only: one-sided at a level is two-sided at twice this level.
        "mde": found_by(spread, 2 * alpha, power),
    }
    reach = point / spread.error
    return Slack(
        point,
        float(stdtr(spread.freedom, reach)),
        float(stdtr(spread.freedom, -reach)),
        spread.error,
        test,
        strict,
        story,
    )


def _mean(values: np.ndarray) -> np.ndarray:
    # A limit has no other side.
    return values.mean(axis=0) if len(values) else np.zeros(values.shape[1:])


def _left_out(values: list[float]) -> list[tuple[float, float]]:
    """Jackknife variance and its degrees of freedom; for a mean it is the sample variance over the number of seeds."""
    count = len(values)
    if count < 2:
        return []
    found = np.asarray(values)
    return [((count - 1) / count * float(((found - found.mean()) ** 2).sum()), count - 1)]
