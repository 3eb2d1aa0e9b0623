"""From arrays of this process to tensors on a device, without waiting for the copy.

A copy to a GPU from ordinary memory goes through a buffer of the driver and blocks. From page-locked memory it runs
beside the host, so that the next batch is stacked while this one is on its way. Two such buffers take turns: one is
filled while the other may still be read. On the CPU nothing is copied.
"""

from __future__ import annotations

import functools
import threading
from typing import Protocol

import numpy as np
import torch


class Event(Protocol):
    """A mark in the order of a device's work, as `torch.cuda.Event` is one."""

    def record(self) -> None:
        """Set the mark behind what was asked for so far."""

    def synchronize(self) -> None:
        """Wait until the device has come to it."""


class ToDevice:
    """Moves batches to one device.

    Parameters
    ----------
    device : torch.device

    Examples
    --------
    >>> moved = ToDevice(torch.device("cpu"))(np.ones((2, 1, 4), np.float32))
    >>> moved.shape, moved.dtype
    (torch.Size([2, 1, 4]), torch.float32)
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._buffers: list[tuple[torch.Tensor, Event]] = []

    def __call__(self, batch: np.ndarray) -> torch.Tensor:
        """The batch on the device; on a GPU the copy may still be under way, in the order of the device's work."""
        array = torch.from_numpy(np.ascontiguousarray(batch))
        if self.device.type != "cuda":
            return array.to(self.device)
        buffer, arrived = self._free(array)
        buffer.copy_(array)
        moved = buffer.to(self.device, non_blocking=True)
        arrived.record()
        return moved

    def _free(self, array: torch.Tensor) -> tuple[torch.Tensor, Event]:
        """A page-locked buffer as large as an array that no copy reads from any more."""
        if len(self._buffers) < 2:
            self._buffers.append((self.locked(array.numel(), array.dtype), self.event()))
        else:
            self._buffers.append(self._buffers.pop(0))
        flat, arrived = self._buffers[-1]
        arrived.synchronize()
        if flat.numel() < array.numel() or flat.dtype != array.dtype:
            flat = self.locked(array.numel(), array.dtype)
            self._buffers[-1] = flat, arrived
        return flat[: array.numel()].view(array.shape), arrived

    def locked(self, count: int, dtype: torch.dtype) -> torch.Tensor:
        """Page-locked memory for so many numbers."""
        return torch.empty(count, dtype=dtype, pin_memory=True)

    def event(self) -> Event:
        """A mark that nothing stands before yet."""
        made: Event = torch.cuda.Event()
        return made


def to_device(batch: np.ndarray | torch.Tensor, device: torch.device) -> torch.Tensor:
    """A batch on a device, or what is a tensor there already.

    Buffers belong to the thread that asks, and to no adapter, whose state they are not.

    Examples
    --------
    >>> to_device(np.zeros((2, 1, 4), np.float32), torch.device("cpu")).shape
    torch.Size([2, 1, 4])
    """
    if isinstance(batch, torch.Tensor):
        return batch.to(device)
    if device.type == "cpu":
        return torch.from_numpy(np.ascontiguousarray(batch))
    return _mover(device, threading.get_ident())(batch)


@functools.lru_cache(maxsize=8)
def _mover(device: torch.device, thread: int) -> ToDevice:
    return ToDevice(device)
