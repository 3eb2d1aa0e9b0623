"""What every chart shares: linear scales, round ticks, coordinates, and an accessible frame."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlencode

from markupsafe import Markup, escape


class Scale:
    """A linear map from data to drawing units, clamped to its range.

    Examples
    --------
    >>> scale = Scale((0, 1), (10, 110))
    >>> scale(0.5), scale(7), Scale((3, 3), (0, 100))(3)
    (60.0, 110, 50.0)
    """

    def __init__(self, domain: tuple[float, float], span: tuple[float, float]) -> None:
        self.domain, self.span = domain, span

    def __call__(self, value: float) -> float:
        (low, high), (start, end) = self.domain, self.span
        if high == low:
            return (start + end) / 2
        share = min(1, max(0, (value - low) / (high - low)))
        return start + share * (end - start)


class LogScale(Scale):
    """The same on a logarithmic axis; ends and values are above 0.

    Examples
    --------
    >>> LogScale((1, 100), (0, 50))(10)
    25.0
    """

    def __init__(self, domain: tuple[float, float], span: tuple[float, float]) -> None:
        super().__init__((math.log10(domain[0]), math.log10(domain[1])), span)

    def __call__(self, value: float) -> float:
        return super().__call__(math.log10(value))


def log_ends(values: Iterable[float | None]) -> tuple[float, float] | None:
    """Ends of a logarithmic axis in powers of ten, or none where a linear one does: within a factor of ten, or zero.

    Examples
    --------
    >>> log_ends([2e3, 5e6]), log_ends([3, 9]), log_ends([0, 100])
    ((1000.0, 10000000.0), None, None)
    """
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known or min(known) <= 0 or max(known) < 10 * min(known):
        return None
    return 10.0 ** math.floor(math.log10(min(known))), 10.0 ** math.ceil(math.log10(max(known)))


def log_ticks(ends: tuple[float, float]) -> list[float]:
    """Powers of ten inside an axis, at most six of them.

    Examples
    --------
    >>> log_ticks((1.0, 1000.0))
    [1.0, 10.0, 100.0, 1000.0]
    """
    low, high = round(math.log10(ends[0])), round(math.log10(ends[1]))
    step = max(1, math.ceil((high - low) / 5))
    return [10.0**power for power in range(low, high + 1, step)]


def domain(values: Iterable[float | None], unit: str = "", *, near: bool = False) -> tuple[float, float]:
    """Ends of an axis: 0 and 1 for fractions that fit, else round numbers around the values, with zero if it is near.

    With `near`, always round numbers close around the values: for dots, which need no zero, never for bars.

    Examples
    --------
    >>> domain([0.31, 0.4], "fraction", near=True)
    (0.3, 0.4)
    >>> domain([0.3, 0.4], "fraction"), domain([0.9, 2.3], "nats"), domain([], "dB")
    ((0.0, 1.0), (0.0, 2.5), (0.0, 1.0))
    """
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known:
        return 0.0, 1.0
    low, high = min(known), max(known)
    if not near and unit == "fraction" and low >= 0 and high <= 1:
        return 0.0, 1.0
    if not near and 0 < low < 0.7 * high:
        low = 0.0
    step = _step((high - low) or abs(high) or 1.0, 5)
    return round(math.floor(low / step) * step, 12), round(math.ceil(high / step) * step, 12)


def _step(span: float, target: int) -> float:
    """The round number (1, 2, 2.5 or 5 times a power of ten) that cuts a span into about `target` parts."""
    rough = span / target
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)


def ticks(ends: tuple[float, float], target: int = 4) -> list[float]:
    """Round numbers inside an axis.

    Examples
    --------
    >>> ticks((0, 1)), ticks((0, 2.5), 5)
    ([0.0, 0.25, 0.5, 0.75, 1.0], [0.0, 0.5, 1.0, 1.5, 2.0, 2.5])
    """
    low, high = ends
    if high <= low:
        return [low]
    step = _step(high - low, target)
    first = math.ceil(low / step - 1e-9)
    return [round(index * step, 12) for index in range(first, math.floor(high / step + 1e-9) + 1)]


def at(value: float) -> str:
    """A coordinate to a tenth of a unit, which is less than a pixel; as short as it can be.

    Examples
    --------
    >>> at(12.0), at(3.14159), at(-0.01)
    ('12', '3.1', '0')
    """
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def path(points: Sequence[tuple[float, float]], close: bool = False) -> str:
    """Path data through points.

    Examples
    --------
    >>> path([(0, 0), (1, 2.5)])
    'M0 0L1 2.5'
    """
    data = "M" + "L".join(f"{at(x)} {at(y)}" for x, y in points)
    return data + "Z" if close else data


def frame(
    identity: str,
    title: str,
    description: str,
    size: tuple[int, int],
    body: str,
    look: str = "chart",
    of: Mapping[str, str] | None = None,
) -> Markup:
    """An SVG image with its text alternative.

    Parameters
    ----------
    identity : str
        Unique in the page; title and description are tied to the image through it.
    of : mapping of str to str, optional
        Which of the figures that the page carries are drawn: what columns of their rows hold (see `report.pieces`).
    """
    safe = escape(identity)
    return Markup(
        f'<svg class="{look}" id="{safe}"{drawn_of(of)} viewBox="0 0 {size[0]} {size[1]}" role="img" '
        f'aria-labelledby="{safe}-t {safe}-d"><title id="{safe}-t">{escape(title)}</title>'
        f'<desc id="{safe}-d">{escape(description)}</desc>{body}</svg>'
    )


def drawn_of(of: Mapping[str, str] | None) -> Markup:
    """The attribute that says which figures a chart or table is made from.

    Examples
    --------
    >>> drawn_of({"family": "noise", "metric": "a:b"})
    Markup(' data-of="family=noise&amp;metric=a%3Ab"')
    """
    return Markup(' data-of="{}"').format(urlencode(of)) if of else Markup("")


def text(x: float, y: float, content: str, kind: str = "tick", anchor: str = "middle") -> str:
    """A text element; the content is escaped."""
    return f'<text class="{kind}" x="{at(x)}" y="{at(y)}" text-anchor="{anchor}">{escape(content)}</text>'
