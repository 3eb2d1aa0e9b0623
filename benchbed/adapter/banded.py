"""A filter bank as a few dense blocks: fast where each filter covers a short band, as in mel spectrograms.

A bank of triangles is some two per cent non-zero, so the dense product is nearly all in vain; a sparse one multiplies
number by number. Neighbouring filters share most of their band, so products of small dense blocks come out fastest.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch

#: What the call of a product costs, in multiply-adds per spectrum: cutting finer than this gains nothing.
CALL = 450


class BandedFilters:
    """Filters, cut into blocks of neighbours.

    Parameters
    ----------
    filters : torch.Tensor [shape=(filter, bin)]
    repeated : int
        How often each bin stands in the spectra that come: 2 for real and imaginary part side by side.

    Examples
    --------
    >>> bank = BandedFilters(torch.eye(3).repeat_interleave(2, 1))
    >>> bank.into(torch.empty(3, 1), torch.arange(6.0)[None]).T
    tensor([[1., 5., 9.]])
    """

    def __init__(self, filters: torch.Tensor, repeated: int = 1) -> None:
        self.width = filters.shape[1] * repeated
        self.blocks = [
            (
                first,
                last,
                low * repeated,
                high * repeated,
                filters[first:last, low:high].repeat_interleave(repeated, 1).contiguous(),
            )
            for first, last, low, high in cut(filters)
        ]

    def into(self, out: torch.Tensor, spectra: torch.Tensor) -> torch.Tensor:
        """Write the filtered spectra into `out` and return it.

        Parameters
        ----------
        out : torch.Tensor [shape=(filter, spectrum)]
        spectra : torch.Tensor [shape=(spectrum, bin · repeated)]
        """
        self.into_parts(self.parts(out), spectra)
        return out

    def parts(self, out: torch.Tensor) -> list[torch.Tensor]:
        """The rows of `out` [shape=(filter, spectrum)] that each block writes, for `into_parts` again and again."""
        return [out[first:last] for first, last, _, _, _ in self.blocks]

    def into_parts(self, parts: Sequence[torch.Tensor], spectra: torch.Tensor) -> None:
        """Write the filtered spectra [shape=(spectrum, bin · repeated)] to where `parts` found room for them."""
        columns = spectra.T
        for part, (_, _, low, high, block) in zip(parts, self.blocks, strict=True):
            torch.mm(block, columns.narrow(0, low, high - low), out=part)

    def rows(self, spectra: torch.Tensor) -> torch.Tensor:
        """The filtered spectra, one after the other: `into` transposed, up to the order in which products are summed.

        Parameters
        ----------
        spectra : torch.Tensor [shape=(spectrum, bin · repeated)]
            On the CPU, each in one piece.

        Returns
        -------
        torch.Tensor [shape=(spectrum, filter)]

        Examples
        --------
        >>> bank = BandedFilters(torch.eye(3).repeat_interleave(2, 1))
        >>> bank.rows(torch.arange(6.0)[None])
        tensor([[1., 5., 9.]])
        """
        given = spectra.numpy()
        out = np.empty((len(given), self.blocks[-1][1]), given.dtype)
        # Numpy's library reads rows where they lie; torch's copies them together first, which takes as long again.
        for first, last, low, high, block in self._standing:
            np.matmul(given[:, low:high], block, out=out[:, first:last])
        return torch.from_numpy(out)

    @cached_property
    def _standing(self) -> list[tuple[int, int, int, int, np.ndarray]]:
        return [(*place, np.ascontiguousarray(block.numpy().T)) for *place, block in self.blocks]  # type: ignore[misc]

    def back(self, gradient: torch.Tensor) -> torch.Tensor:
        """The gradient of spectra `[spectrum, bin · repeated]` from that of what they were filtered to.

        Parameters
        ----------
        gradient : torch.Tensor [shape=(filter, spectrum)]
        """
        out = gradient.new_zeros(gradient.shape[1], self.width)
        for first, last, low, high, block in self.blocks:
            out[:, low:high].addmm_(gradient[first:last].T, block)
        return out


def cut(filters: torch.Tensor) -> list[tuple[int, int, int, int]]:
    """First and end filter, first and end bin of each block, such that all products together are cheapest.

    Examples
    --------
    >>> cut(torch.eye(1000).repeat_interleave(2, 0)[:4])
    [(0, 4, 0, 2)]
    """
    present = filters != 0
    bins = present.shape[1]
    low = [int(row.nonzero()[0]) if row.any() else bins for row in present]
    high = [int(row.nonzero()[-1]) + 1 if row.any() else 0 for row in present]
    best, start = [0.0], [0]
    for end in range(1, len(low) + 1):
        below, above, pieces = bins, 0, []
        for first in range(end - 1, -1, -1):
            below, above = min(below, low[first]), max(above, high[first])
            pieces.append((best[first] + CALL + (end - first) * max(0, above - below), first))
        cost, first = min(pieces)
        best.append(cost)
        start.append(first)
    blocks: list[tuple[int, int, int, int]] = []
    end = len(low)
    while end:
        first = start[end]
        below, above = min(low[first:end]), max(high[first:end])
        # A filter without any weight, as below the lowest bin, still needs its row of zeros.
        blocks.append((first, end, below, above) if above > below else (first, end, 0, 1))
        end = first
    return blocks[::-1]
