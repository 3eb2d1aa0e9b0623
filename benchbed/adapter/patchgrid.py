"""How a transformer cuts a spectrogram into patches: what is needed to draw its attention on the spectrogram."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class PatchGrid:
    """Patches of a network, bands and frames.

    Attributes
    ----------
    bands : int
        Bands of the spectrogram.
    patch, stride : tuple of (int, int)
        Bands and frames of a patch, and from one to the next.
    frame_seconds : float
        From one frame to the next.
    tokens : int
        Tokens that stand before those of the patches.
    rows : {"bands", "time"}
        Along which axis the rows of the tokens lie: the first patches are of the lowest bands, or of the first frames.
    decides : {"tokens", "patches"}
        What the head hears: the mean of the first tokens, or of the patches.
    kept : tuple of int, optional
        Numbers of the patches that stay, in order, where some are left out.
    columns : int, optional
        Columns of the grid, where they do not follow from the number of tokens.

    Examples
    --------
    >>> grid = PatchGrid(128, (16, 16), (10, 10), 0.01, 2)
    >>> grid.shape(2 + 12 * 9)
    (12, 9)
    """

    bands: int
    patch: tuple[int, int]
    stride: tuple[int, int]
    frame_seconds: float
    tokens: int
    rows: Literal["bands", "time"] = "bands"
    decides: Literal["tokens", "patches"] = "tokens"
    kept: tuple[int, ...] | None = None
    columns: int | None = None

    def shape(self, tokens: int) -> tuple[int, int]:
        """Rows (along the bands) and columns (along time) of the grid of so many tokens; `columns` says the latter
        where patches are left out."""
        rows = (self.bands - self.patch[0]) // self.stride[0] + 1
        return rows, self.columns or (tokens - self.tokens) // rows
