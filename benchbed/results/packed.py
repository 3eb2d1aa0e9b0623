"""Sums of the cells of a run, kept small: most statistics of a row are zero, and a hundred cells would fill the memory.

Sums are packed as they are stored, so that what comes out is what went in, to the bit, where they are float32 numbers.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from benchbed.results.sparse import dense, sparse

if TYPE_CHECKING:
    from benchbed.results.statistics import CellStatistics


@dataclass(frozen=True)
class PackedCell:
    """One cell whose sums are float32 numbers, packed.

    Attributes
    ----------
    rest : CellStatistics
        The cell without its arrays.
    shape : tuple of int
        Of its sums.
    arrays : dict of str to (bytes, str)
        What was taken out, compressed, with its type.
    """

    rest: CellStatistics
    shape: tuple[int, ...]
    arrays: dict[str, tuple[bytes, str]]

    @classmethod
    def of(cls, cell: CellStatistics) -> PackedCell:
        """Pack a cell."""
        step, value = sparse(cell.rows)
        arrays = {"step": step, "value": value, "group": cell.group, "clips": cell.clips, "marks": cell.marks}
        arrays |= {f"code.{name}": code for name, code in cell.codes.items()}
        nothing = np.zeros(0, np.int64)
        rest = replace(cell, rows=nothing, group=nothing, clips=nothing, codes={}, marks=nothing)
        packed = {name: (zlib.compress(array.tobytes(), 1), str(array.dtype)) for name, array in arrays.items()}
        return cls(rest, cell.rows.shape, packed)

    def cell(self) -> CellStatistics:
        """The cell as it was."""
        arrays = {name: np.frombuffer(zlib.decompress(data), kind) for name, (data, kind) in self.arrays.items()}
        codes = {name.removeprefix("code."): array for name, array in arrays.items() if name.startswith("code.")}
        rows = dense(arrays["step"], arrays["value"], self.shape)
        group, clips, marks = arrays["group"], arrays["clips"], arrays["marks"]
        return replace(self.rest, rows=rows, group=group, clips=clips, marks=marks, codes=codes)


class PackedCells(Mapping[str, "CellStatistics"]):
    """Cells by key, each unpacked when it is asked for.

    Parameters
    ----------
    cells : mapping of str to PackedCell

    Examples
    --------
    >>> from benchbed.results.statistics import CellStatistics
    >>> sums = np.array([[0.0, 2.0], [0.5, 0.0]])
    >>> one = CellStatistics("test", sums, np.array([0, 1]), {}, np.array([2, 1]), np.zeros(2, np.uint64))
    >>> cells = PackedCells({"scene/test/clean": PackedCell.of(one)})
    >>> cells["scene/test/clean"].rows.tolist(), list(cells)
    ([[0.0, 2.0], [0.5, 0.0]], ['scene/test/clean'])
    """

    def __init__(self, cells: Mapping[str, PackedCell]) -> None:
        self._cells = cells

    def __getitem__(self, key: str) -> CellStatistics:
        return self._cells[key].cell()

    def __iter__(self) -> Iterator[str]:
        return iter(self._cells)

    def __len__(self) -> int:
        return len(self._cells)
