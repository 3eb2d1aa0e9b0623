"""Where the names of points go: beside their point, clear of points, lines and each other, and never left out.

The most important name is placed first and gets the place next to its point. One that finds no place close by is led
to by a thin line; one that finds none at all is stood for by a number, which the legend explains. Nothing crosses a
name that was placed: bounding boxes are kept apart from points, from each other and from every line that is drawn.
"""

from __future__ import annotations

import functools
import math
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

#: Left, top, right, bottom.
Box = tuple[float, float, float, float]
#: From one place to another.
Segment = tuple[tuple[float, float], tuple[float, float]]

#: Height above and below the baseline, and width of a letter, of a name in a chart; rather too wide than too narrow.
_ABOVE, _BELOW, _LETTER, _WIDE = 9.0, 3.0, 7.7, 12.5
#: Half the size of a point.
_POINT = 5.0
#: Distances from the point that are tried; from the third on a line leads there.
_DISTANCES = (8.0, 12.0, 20.0, 30.0, 42.0, 56.0, 72.0, 90.0)
_LED = 16.0
_ANGLES = (0, 180, -45, 45, -135, 135, -90, 90, -22, 22, 158, -158, -67, 67, -113, 113)
_WAYS = tuple((math.cos(math.radians(angle)), math.sin(math.radians(angle))) for angle in _ANGLES)
#: How near to each other points of a crowd share a place for their numbers: the least with which all find one.
_SHARED = (3.0, 6.0, 10.0, 16.0, 24.0)
#: Numbers in a line of such a place, and height of a line.
_IN_LINE, _LINE = 4, 12.0
#: Side of the squares that what is in the way is sorted into.
_SQUARE = 24.0
#: Longest name that stands in a drawing, in letters.
_LONGEST = 26


@dataclass(frozen=True)
class PlacedName:
    """One name at its place; `key` is the number that stands for it in the drawing, if one does."""

    text: str
    x: float
    y: float
    key: int | None
    leader: Segment | None


@functools.lru_cache(maxsize=10_000)
def width(text: str) -> float:
    """Width of a name in a chart, in drawing units.

    Examples
    --------
    >>> width("cnn") < width("passt"), width("模型") > width("ab")
    (True, True)
    """
    return max(
        sum(_WIDE if unicodedata.east_asian_width(letter) in "WF" else _LETTER for letter in line)
        for line in text.split("\n")
    )


def place(
    names: Sequence[str], points: Sequence[tuple[float, float]], lines: Sequence[Segment], area: Box
) -> list[PlacedName] | None:
    """A place for each name.

    Parameters
    ----------
    names : sequence of str
        The most important one first.
    points : sequence of (float, float)
        Where the points are, in the same order.
    lines : sequence of Segment
        Lines that must not strike through a name: whiskers, a front.
    area : Box
        Where names may stand.

    Returns
    -------
    list of PlacedName
        One for each name, in the order given; `x` is the left end of the text and `y` its baseline. None where points
        lie so close that the area has no room for the number of one of them: there, `crowd` lets numbers share a place.

    Examples
    --------
    >>> one, two = place(["cnn", "passt"], [(50, 50), (52, 51)], [], (0, 0, 300, 200))
    >>> one.text, two.text, one.key, one.x != two.x or one.y != two.y
    ('cnn', 'passt', None, True)
    """
    obstacles = _Held(area)
    for x, y in points:
        obstacles.add_point((x - _POINT, y - _POINT, x + _POINT, y + _POINT), passed=False)
    for line in lines:
        obstacles.add_line(line)
    labels = []
    keys = 0
    for name, point in zip(names, points, strict=True):
        key = None
        spot = _near(name, point, obstacles) if len(name) <= _LONGEST else None
        if spot is None:
            keys += 1
            key = keys
            spot = _near(str(key), point, obstacles) or _anywhere(str(key), point, obstacles)
            if spot is None:
                return None
        x, y, leader = spot
        obstacles.add_box(_box(name if key is None else str(key), x, y))
        if leader is not None:
            obstacles.add_line(leader)
        labels.append(PlacedName(name if key is None else str(key), x, y, key, leader))
    return labels


def crowd(
    names: Sequence[str],
    keys: Sequence[int],
    points: Sequence[tuple[float, float]],
    lines: Sequence[Segment],
    area: Box,
    named: int,
    *,
    anyhow: bool = False,
) -> list[PlacedName] | None:
    """Places for the names of more models than a chart has room for: the first by name, the others by their number.

    Parameters
    ----------
    names : sequence of str
        The most important one first.
    keys : sequence of int
        The number of each model in the legend.
    points, lines, area
        As in `place`.
    named : int
        How many of the first stand there by name, where there is room.
    anyhow : bool
        Never give up: numbers that find no room close by stand in the nearest free place of the area, and those that
        find none at all on their points.

    Returns
    -------
    list of PlacedName
        Of points that lie on each other, one for all: its text has the numbers of all of them, in lines; `key` is the
        first. All numbers together are each of `keys` once, but for those of models that stand there by name. None
        where the area has no room for all of them.

    Examples
    --------
    >>> [one.text for one in crowd(["a", "b", "c"], [1, 2, 3], [(50, 50), (90, 90), (90, 90)], [], (0, 0, 200, 200), 1)]
    ['a', '2–3']
    """
    empty = _Held(area)
    for x, y in points:
        empty.add_point((x - _POINT, y - _POINT, x + _POINT, y + _POINT), passed=True)
    for line in lines:
        empty.add_line(line)
    for near in _SHARED:
        obstacles = empty.again()
        placed = []
        rest = list(range(len(names)))
        for first in range(min(named, len(names))):
            spot = _near(names[first], points[first], obstacles) if len(names[first]) <= _LONGEST else None
            if spot is not None:
                placed.append(_kept(names[first], None, spot, obstacles))
                rest.remove(first)
        for together in _together([(points[one], one) for one in rest], near):
            numbers = sorted(keys[one] for _, one in together)
            point = together[0][0]
            spot = _near(_numbers(numbers), point, obstacles)
            if spot is None and anyhow and near == _SHARED[-1]:
                # A crowd beyond all room: what it stands on is hidden behind the letters' own edge.
                spot = _anywhere(_numbers(numbers), point, obstacles) or (point[0] + _POINT, point[1] - _POINT, None)
            if spot is None:
                break
            placed.append(_kept(_numbers(numbers), numbers[0], spot, obstacles))
        else:
            return placed
    return None


def _kept(text: str, key: int | None, spot: tuple[float, float, Segment | None], obstacles: _Held) -> PlacedName:
    x, y, leader = spot
    obstacles.add_box(_box(text, x, y))
    if leader is not None:
        obstacles.add_line(leader)
    return PlacedName(text, x, y, key, leader)


def _together(
    points: Sequence[tuple[tuple[float, float], int]], near: float
) -> list[list[tuple[tuple[float, float], int]]]:
    """Points in groups: each with those that lie in the same square of a grid, in the order of their first ones."""
    groups: dict[tuple[int, int], list[tuple[tuple[float, float], int]]] = {}
    for (x, y), one in points:
        groups.setdefault((int(x // near), int(y // near)), []).append(((x, y), one))
    return list(groups.values())


def _numbers(numbers: Sequence[int]) -> str:
    """Numbers as a reader writes them, a few to a line.

    Examples
    --------
    >>> _numbers([3]), _numbers([1, 2, 3, 7]), _numbers([1, 3, 5, 7, 9])
    ('3', '1–3 7', '1 3 5 7\\n9')
    """
    spans: list[list[int]] = []
    for number in numbers:
        if spans and spans[-1][-1] == number - 1:
            spans[-1][1:] = [number]
        else:
            spans.append([number])
    told = ["–".join(str(end) for end in span) for span in spans]
    return "\n".join(" ".join(told[start : start + _IN_LINE]) for start in range(0, len(told), _IN_LINE))


class _Held:
    """What is in the way, sorted into squares so that a crowd of a thousand points is looked through in no time."""

    def __init__(self, area: Box) -> None:
        self.area = area
        self._boxes: dict[tuple[int, int], list[Box]] = {}
        self._lines: dict[tuple[int, int], list[tuple[Box, Segment]]] = {}
        self._points: set[Box] = set()
        self._passed: set[Box] = set()
        self._free: dict[tuple[float, int], list[tuple[float, float]]] = {}

    def again(self) -> _Held:
        """The same things in the way, to which others are added."""
        made = _Held(self.area)
        made._boxes = {square: held.copy() for square, held in self._boxes.items()}
        made._lines = {square: held.copy() for square, held in self._lines.items()}
        made._points, made._passed = self._points.copy(), self._passed.copy()
        return made

    def add_point(self, box: Box, *, passed: bool) -> None:
        """A point: no name stands on it; `passed` of a crowd, lines that lead to other points go past it."""
        self._points.add(box)
        if passed:
            self._passed.add(box)
        self.add_box(box)

    def add_box(self, box: Box) -> None:
        for square in _squares(box):
            self._boxes.setdefault(square, []).append(box)

    def add_line(self, line: Segment) -> None:
        around = _around(line)
        for square in _squares(around):
            self._lines.setdefault(square, []).append((around, line))

    def free(self, box: Box) -> bool:
        """The box lies in the area and nothing lies in it."""
        left, top, right, bottom = box
        area = self.area
        if left < area[0] or top < area[1] or right > area[2] or bottom > area[3]:
            return False
        # Asked of a hundred places for each of a thousand names: written out, it takes a third of the time.
        for square in _squares(box):
            for other in self._boxes.get(square, ()):
                if left < other[2] and other[0] < right and top < other[3] and other[1] < bottom:
                    return False
            for other, line in self._lines.get(square, ()):
                if left < other[2] and other[0] < right and top < other[3] and other[1] < bottom and strikes(line, box):
                    return False
        return True

    def clear(self, line: Segment, own: Box, struck: list[Box]) -> bool:
        """The line runs through no box but its own point's, and those of points that lie on that one.

        `struck` are boxes that lines from the same point ran into, the last first: the next line mostly does, too.
        """
        for place, box in enumerate(struck):
            if strikes(line, box):
                struck.insert(0, struck.pop(place))
                return False
        around = _around(line)
        left, top, right, bottom = around
        for square in _squares(around):
            for other in self._boxes.get(square, ()):
                if (
                    left < other[2]
                    and other[0] < right
                    and top < other[3]
                    and other[1] < bottom
                    and strikes(line, other)
                    and other != own
                    and other not in self._passed
                    and not (other in self._points and overlap(other, own))
                ):
                    struck.insert(0, other)
                    return False
        return True

    def free_spots(self, text: str) -> list[tuple[float, float]]:
        """Left ends and baselines of a grid over the whole area where a text of this size would stand on nothing.

        What is in the way stays there, so that only places that were free are looked at again.
        """
        left, top, right, bottom = self.area
        wide, more = width(text), text.count("\n")
        high = _ABOVE + _BELOW + _LINE * more
        spots = self._free.get((wide, more))
        if spots is None:
            spots = [
                (left + column * (wide + 2) + 1, top + row * (high + 1) + _ABOVE + 1)
                for row in range(int((bottom - top) // (high + 1)))
                for column in range(int((right - left) // (wide + 2)))
            ]
        spots = [spot for spot in spots if self.free(_box(text, *spot))]
        self._free[wide, more] = spots
        return spots


def _around(line: Segment) -> Box:
    (x, y), (x_end, y_end) = line
    return min(x, x_end), min(y, y_end), max(x, x_end), max(y, y_end)


def _squares(box: Box) -> list[tuple[int, int]]:
    rows = range(int(box[1] // _SQUARE), int(box[3] // _SQUARE) + 1)
    return [(column, row) for column in range(int(box[0] // _SQUARE), int(box[2] // _SQUARE) + 1) for row in rows]


def _near(text: str, point: tuple[float, float], held: _Held) -> tuple[float, float, Segment | None] | None:
    struck: list[Box] = []
    for x, y, distance in _beside(text, point):
        if held.free(box := _box(text, x, y)):
            if distance < _LED:
                return x, y, None
            if (leader := _leader(box, point, held, struck)) is not None:
                return x, y, leader
    return None


def _beside(text: str, point: tuple[float, float]) -> Iterator[tuple[float, float, float]]:
    """Left ends and baselines around a point, the nearest first."""
    px, py = point
    wide, middle, more = width(text), (_ABOVE - _BELOW) / 2, _LINE * text.count("\n")
    for distance in _DISTANCES:
        for dx, dy in _WAYS:
            # The text grows away from its point.
            left = px + distance * dx - (wide if dx < -0.3 else wide / 2 if abs(dx) <= 0.3 else 0.0)
            up = more if dy < -0.3 else 0.0 if dy > 0.3 else more / 2
            yield left, py + distance * dy + middle + (2 * dy) - up, distance


def _anywhere(text: str, point: tuple[float, float], held: _Held) -> tuple[float, float, Segment | None] | None:
    """The free place of a grid over the whole area that is nearest to the point."""
    high, wide = _ABOVE + _BELOW + _LINE * text.count("\n"), width(text)
    struck: list[Box] = []
    spots = held.free_spots(text)
    for x, y in sorted(spots, key=lambda spot: math.dist((spot[0] + wide / 2, spot[1] - high / 2), point)):
        if (leader := _leader(_box(text, x, y), point, held, struck)) is not None:
            return x, y, leader
    return None


def _leader(box: Box, point: tuple[float, float], held: _Held, struck: list[Box]) -> Segment | None:
    """The line from a point to the box of its name; None where it would run through something."""
    end = (min(max(point[0], box[0]), box[2]), min(max(point[1], box[1]), box[3]))
    share = min(1.0, _POINT / (math.dist(point, end) or 1.0))
    start = point[0] + (end[0] - point[0]) * share, point[1] + (end[1] - point[1]) * share
    own = (point[0] - _POINT, point[1] - _POINT, point[0] + _POINT, point[1] + _POINT)
    return (start, end) if held.clear((start, end), own, struck) else None


def _box(text: str, x: float, y: float) -> Box:
    # Two names on one line are parted by the width of a space.
    return x, y - _ABOVE, x + width(text) + 3.0, y + _BELOW + _LINE * text.count("\n")


def overlap(a: Box, b: Box) -> bool:
    """Two boxes share some area.

    Examples
    --------
    >>> overlap((0, 0, 2, 2), (1, 1, 3, 3)), overlap((0, 0, 1, 1), (1, 0, 2, 1))
    (True, False)
    """
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def strikes(line: Segment, box: Box) -> bool:
    """A line runs through a box (Liang and Barsky, 1984: the stretch of the line inside all four edges).

    Examples
    --------
    >>> strikes(((0, 5), (10, 5)), (2, 0, 4, 9)), strikes(((0, 5), (1, 5)), (2, 0, 4, 9))
    (True, False)
    """
    (x, y), (x_end, y_end) = line
    enter, leave = 0.0, 1.0
    for start, step, low, high in ((x, x_end - x, box[0], box[2]), (y, y_end - y, box[1], box[3])):
        if step == 0:
            if not low < start < high:
                return False
            continue
        ends = sorted(((low - start) / step, (high - start) / step))
        enter, leave = max(enter, ends[0]), min(leave, ends[1])
    return enter < leave
