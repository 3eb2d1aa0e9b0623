"""What a stored graph costs: parameters and multiply-accumulates of networks that are no torch modules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class GraphCount:
    """Counts over the nodes of a graph.

    Attributes
    ----------
    parameters : int
        Constant weights and biases of the path that ran.
    nonzero : int
        Those that are not zero (quantised ones: differ from their zero point).
    bytes_by_type : dict
        Number format → bytes of those constants.
    macs : int
        Multiply-accumulates of one inference.
    by_type : dict
        Kind of node → its part.
    nodes : list of tuple
        Name, kind and multiply-accumulates of every node that multiplies.
    uncounted : tuple of str
        Kinds of nodes that should have had a formula and have none.
    notes : tuple of str
        What else is needed to read the counts.
    """

    parameters: int
    nonzero: int
    bytes_by_type: dict[str, int]
    macs: int
    by_type: dict[str, int]
    nodes: list[tuple[str, str, int]] = field(default_factory=list)
    uncounted: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def held_bits(self) -> float | None:
        """Mean bits per parameter as stored.

        Examples
        --------
        >>> GraphCount(10, 10, {"int8": 6, "int32": 16}, 0, {}).held_bits
        17.6
        """
        return 8 * sum(self.bytes_by_type.values()) / self.parameters if self.parameters else None


def summed(nodes: Iterable[tuple[str, str, int]]) -> dict[str, int]:
    """Multiply-accumulates by kind of node, the largest first.

    Examples
    --------
    >>> summed([("a", "Conv", 2), ("b", "Gemm", 5), ("c", "Conv", 1)])
    {'Gemm': 5, 'Conv': 3}
    """
    found: defaultdict[str, int] = defaultdict(int)
    for _, kind, macs in nodes:
        found[kind] += macs
    return dict(sorted(found.items(), key=lambda item: -item[1]))
