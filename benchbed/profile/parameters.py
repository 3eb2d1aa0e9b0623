"""Parameters of a network and the memory they take at their declared precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Parameters:
    """Counts over `parameters()`; buffers (batch-norm statistics) stand apart, as the DCASE rule leaves them out.

    Attributes
    ----------
    total, trainable, nonzero, buffers : int
        Numbers of values.
    stored_bytes : int
        Bytes of the parameters at the precision they are held in.
    """

    total: int
    trainable: int
    nonzero: int
    buffers: int
    stored_bytes: int

    def bytes_at(self, bits: int, *, nonzero_only: bool = False) -> float:
        """Parameter memory at a declared number of bits per weight.

        Examples
        --------
        >>> Parameters(61148, 61148, 61148, 0, 244592).bytes_at(16)
        122296.0
        """
        return (self.nonzero if nonzero_only else self.total) * bits / 8


def count_parameters(model: torch.nn.Module) -> Parameters:
    """Count the parameters of a network; a parameter shared by several layers counts once.

    Examples
    --------
    >>> import torch
    >>> count_parameters(torch.nn.Linear(3, 2)).total
    8
    """
    parameters = list(model.parameters())
    return Parameters(
        total=sum(p.numel() for p in parameters),
        trainable=sum(p.numel() for p in parameters if p.requires_grad),
        nonzero=sum(int(p.count_nonzero()) for p in parameters),
        buffers=sum(b.numel() for b in model.buffers() if b.is_floating_point()),
        stored_bytes=sum(p.numel() * p.element_size() for p in parameters),
    )
