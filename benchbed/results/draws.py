"""Figures in every bootstrap draw, as they are kept on disk.

A draw is chance, so four significant figures of it are plenty: each value keeps 16 bits of its 24, and the bytes are
stored plane by plane, which takes two bytes a draw after compression.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

#: Group (empty for all clips) and metric of a figure.
Name = tuple[str, str]

#: Bits of a float32's fraction that are left out.
_DROPPED = 7


@dataclass(frozen=True)
class Drawn:
    """Figures with their replicates.

    Attributes
    ----------
    names : tuple of (str, str)
        Group and metric of each figure.
    values : np.ndarray [shape=(figure,)]
        The figures themselves; NaN where undefined.
    replicates : np.ndarray [shape=(figure, draw), float32]
        The figures in every draw.

    Examples
    --------
    >>> made = drawn({("", "map"): (0.5, np.array([0.4, 0.6]))})
    >>> value, replicates = made[("", "map")]
    >>> value, replicates.round(3).tolist()
    (0.5, [0.4, 0.6])
    >>> ("class=dog", "ap") in made
    False
    """

    names: tuple[Name, ...] = ()
    values: np.ndarray = field(default_factory=lambda: np.zeros(0))
    replicates: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    _place: dict[Name, int] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._place.update({name: i for i, name in enumerate(self.names)})

    def __contains__(self, name: Name) -> bool:
        return name in self._place

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, name: Name) -> tuple[float, np.ndarray]:
        """A figure, and its replicates `[draw]` float64."""
        place = self._place[name]
        return float(self.values[place]), self.replicates[place].astype(np.float64)

    def only(self, wanted: Callable[[Name], bool]) -> Drawn:
        """The figures whose name is wanted."""
        kept = [i for i, name in enumerate(self.names) if wanted(name)]
        return Drawn(tuple(self.names[i] for i in kept), self.values[kept], self.replicates[kept])

    def joined(self, other: Drawn) -> Drawn:
        """These figures and those of another; both must have the same number of draws."""
        if not self.names or not other.names:
            return other if not self.names else self
        replicates = np.concatenate([self.replicates, other.replicates])
        return Drawn(self.names + other.names, np.concatenate([self.values, other.values]), replicates)


def drawn(figures: Mapping[Name, tuple[float | None, np.ndarray]]) -> Drawn:
    """Figures and their replicates, rounded as they are stored; all must have the same number of draws."""
    if not figures:
        return Drawn()
    values = np.array([np.nan if value is None else value for value, _ in figures.values()])
    return Drawn(tuple(figures), values, rounded(np.stack([replicates for _, replicates in figures.values()])))


def rounded(replicates: np.ndarray) -> np.ndarray:
    """Float32 with 16 significant bits; NaN and infinity stay.

    Examples
    --------
    >>> float(abs(rounded(np.array([0.3]))[0] - 0.3)) < 0.3 * 2**-16
    True
    """
    made = np.ascontiguousarray(replicates, np.float32)
    bits = made.view(np.uint32)
    half = np.uint32(1 << (_DROPPED - 1))
    near = ((bits + half) >> np.uint32(_DROPPED) << np.uint32(_DROPPED)).view(np.float32)
    return np.where(np.isfinite(made), near, made)


def pack(figures: Drawn) -> tuple[dict[str, np.ndarray], list[list[str]]]:
    """Arrays to store, and the names of the figures for the file's table of contents."""
    if not figures.names:
        return {}, []
    # Bytes of equal weight stand together: those of the exponent repeat, those dropped are zero.
    bytes_of = np.ascontiguousarray(figures.replicates, "<f4").view(np.uint8).reshape(*figures.replicates.shape, 4)
    planes = np.ascontiguousarray(np.moveaxis(bytes_of, 2, 0))
    held: dict[str, np.ndarray] = {"point": figures.values.astype(np.float64), "planes": planes}
    return held, [list(name) for name in figures.names]


def unpack(stored: Mapping[str, np.ndarray], prefix: str, names: Sequence[Sequence[str]]) -> Drawn:
    """Figures as `pack` stored them.

    Raises
    ------
    ValueError
        Another number of names than of figures.
    """
    if not names:
        return Drawn()
    planes = np.ascontiguousarray(np.moveaxis(stored[f"{prefix}.planes"], 0, 2))
    values = stored[f"{prefix}.point"]
    if not len(names) == len(values) == len(planes):
        raise ValueError(f"{len(names)} names of {len(values)} figures")
    return Drawn(tuple((name[0], name[1]) for name in names), values, planes.view("<f4")[..., 0].astype(np.float32))
