"""Parameters of a network and the memory they take: as stored, at their declared precision, and on disk.

The three differ, and challenges mean the second. A file also holds names, buffers and padding; a network stored in 16
bits can keep a limit by its parameters and break it by its file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
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
    bytes_by_type : mapping of str to int
        Number format (`float32`, `int8`, …) → bytes of the parameters held in it.
    buffer_bytes : int
        Bytes of the buffers.
    packed : int
        Those of `total` that are packed into quantised layers, which torch does not list as parameters.
    """

    total: int
    trainable: int
    nonzero: int
    buffers: int
    stored_bytes: int
    bytes_by_type: Mapping[str, int] = field(default_factory=dict)
    buffer_bytes: int = 0
    packed: int = 0

    def bytes_at(self, bits: float, *, nonzero_only: bool = False) -> float:
        """Parameter memory at a declared number of bits per weight.

        Examples
        --------
        >>> Parameters(61148, 61148, 61148, 0, 244592).bytes_at(16)
        122296.0
        """
        return (self.nonzero if nonzero_only else self.total) * bits / 8

    @property
    def held_bits(self) -> float | None:
        """Mean bits per parameter as held in memory; None for a network without parameters.

        Examples
        --------
        >>> Parameters(4, 4, 4, 0, 10, {"float32": 8, "int8": 2}).held_bits
        20.0
        """
        return 8 * self.stored_bytes / self.total if self.total else None


def count_parameters(model: torch.nn.Module) -> Parameters:
    """Count the parameters of a network; a parameter shared by several layers counts once.

    Weights that dynamic or static quantisation packed away are unpacked and counted.

    Examples
    --------
    >>> import torch
    >>> counted = count_parameters(torch.nn.Linear(3, 2))
    >>> counted.total, dict(counted.bytes_by_type)
    (8, {'float32': 32})
    """
    parameters, packed = list(model.parameters()), _packed(model)
    by_type: dict[str, int] = {}
    for value in (*parameters, *packed):
        name = str(value.dtype).removeprefix("torch.")
        by_type[name] = by_type.get(name, 0) + value.numel() * value.element_size()
    buffers = [value for value in model.buffers() if value.is_floating_point()]
    return Parameters(
        total=sum(value.numel() for value in (*parameters, *packed)),
        trainable=sum(value.numel() for value in parameters if value.requires_grad),
        nonzero=sum(int(value.count_nonzero()) for value in parameters) + sum(_nonzero(value) for value in packed),
        buffers=sum(value.numel() for value in buffers),
        stored_bytes=sum(by_type.values()),
        bytes_by_type=by_type,
        buffer_bytes=sum(value.numel() * value.element_size() for value in buffers),
        packed=sum(value.numel() for value in packed),
    )


def file_sizes(paths: Iterable[Path]) -> dict[str, int]:
    """Bytes on disk of every file that weights come from, by file name.

    Examples
    --------
    >>> file_sizes([])
    {}
    """
    return {path.name: path.stat().st_size for path in map(Path, paths) if path.is_file()}


def _packed(model: torch.nn.Module) -> list[torch.Tensor]:
    """Weights and biases that a quantised module keeps where `parameters()` does not look."""
    import torch

    found: list[torch.Tensor] = []
    for module in model.modules():
        if "quantized" not in type(module).__module__ or any(True for _ in module.parameters(recurse=False)):
            continue
        for name in ("weight", "bias"):
            value = getattr(module, name, None)
            value = value() if callable(value) else value
            if isinstance(value, torch.Tensor):
                found.append(value)
    return found


def _nonzero(value: torch.Tensor) -> int:
    return int(
        (
            value.int_repr() - value.q_zero_point()
            if value.is_quantized and not _per_channel(value)
            else value.dequantize()
            if value.is_quantized
            else value
        ).count_nonzero()
    )


def _per_channel(value: torch.Tensor) -> bool:
    import torch

    return value.qscheme() in (torch.per_channel_affine, torch.per_channel_symmetric)
