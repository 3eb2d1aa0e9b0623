"""Batches on their way to a device: the right numbers, two buffers that take turns, and no copy overwritten."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchbed.adapter.moving import ToDevice


class Slow(ToDevice):
    """A stand-in for a GPU on the CPU: a copy happens only when somebody waits for it, as late as it may."""

    def __init__(self) -> None:
        super().__init__(torch.device("cuda"))
        self.pending, self.locks = [], []

    def __call__(self, batch):
        real, self.moved = torch.Tensor.to, None

        def to(tensor, device, non_blocking=False):
            assert non_blocking and device.type == "cuda"
            target = torch.full_like(tensor, float("nan"))
            self.pending.append((tensor, target))
            return target

        torch.Tensor.to = to
        try:
            return super().__call__(batch)
        finally:
            torch.Tensor.to = real

    def locked(self, count, dtype):
        self.locks.append(count)
        return torch.empty(count, dtype=dtype)

    def event(self):
        return Mark(self)

    def arrive(self, until: int) -> None:
        for source, target in self.pending[:until]:
            target.copy_(source)
        del self.pending[:until]


class Mark:
    """An event of the stand-in: behind all copies that were asked for when it was set."""

    def __init__(self, device: Slow) -> None:
        self.device, self.behind = device, []

    def record(self) -> None:
        self.behind = list(self.device.pending)

    def synchronize(self) -> None:
        left = [one for one in self.device.pending if any(one is each for each in self.behind)]
        self.device.arrive(len(left))


def batches(count: int = 7):
    random = np.random.default_rng(0)
    return [random.standard_normal((4, 1, 50 + 10 * (i % 3))).astype(np.float32) for i in range(count)]


def test_late_copies_are_of_the_batch_they_belong_to():
    device, given = Slow(), batches()
    moved = [device(batch) for batch in given]
    assert len(device.pending) == 2  # two on their way at most: the third waits for the first
    device.arrive(2)
    for one, batch in zip(moved, given, strict=True):
        assert np.array_equal(one.numpy(), batch)


def test_two_buffers_are_made_and_grow_only():
    device = Slow()
    for batch in [*batches(), *batches()]:
        device(batch)
    assert len(device.locks) <= 4 and max(device.locks) == 4 * 70


def test_without_waiting_the_stand_in_would_see_it():
    """The test above can fail: buffers that are filled again too early give other numbers."""
    device = Slow()
    device.event = lambda: type("Careless", (), {"record": lambda self: None, "synchronize": lambda self: None})()
    given = batches()
    moved = [device(batch) for batch in given]
    device.arrive(len(given))
    assert not all(np.array_equal(one.numpy(), batch) for one, batch in zip(moved, given, strict=True))


def test_on_the_cpu_nothing_is_copied():
    batch = batches(1)[0]
    assert np.shares_memory(ToDevice(torch.device("cpu"))(batch).numpy(), batch)
    reversed_rows = ToDevice(torch.device("cpu"))(batch[::-1])
    assert np.array_equal(reversed_rows.numpy(), batch[::-1])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU that torch can use")
def test_a_gpu_gets_what_was_given():
    mover, given = ToDevice(torch.device("cuda")), batches()
    moved = [mover(batch) for batch in given]
    assert all(np.array_equal(one.cpu().numpy(), batch) for one, batch in zip(moved, given, strict=True))
