"""Corruptions where the model runs: numpy's result within the stated tolerance, and nothing that comes back between."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchbed.adapter.moving import ToDevice
from benchbed.perturb import CORRUPTIONS, resolve
from benchbed.perturb.contract import Context
from benchbed.perturb.ondevice import KEPT, Moved
from benchbed.rng import stream

THERE = [name for name in CORRUPTIONS.names() if CORRUPTIONS.get(name).CORRUPTION.device_tolerance is not None]
CONTEXT = Context("there", others=lambda rng, n: [0.1 * rng.standard_normal((1, 12000), dtype=np.float32)])


class Elsewhere(torch.Tensor):
    """A stand-in for a tensor on a GPU: what it takes part in is one, and reading it on the host is an error."""

    def numpy(self, *args, **kwargs):
        raise AssertionError("came back to the host")

    cpu = tolist = item = __array__ = numpy


class Fake:
    """A stand-in for the way to a GPU, which counts what goes there."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, ...]] = []

    def __call__(self, array):
        assert array.dtype == np.float32 and array.flags.c_contiguous
        self.sent.append(array.shape)
        return torch.from_numpy(array.copy()).as_subclass(Elsewhere)


def clip(rate: int, channels: int, seconds: float) -> np.ndarray:
    random = stream("there", rate, channels)
    return (0.2 * random.standard_normal((channels, round(seconds * rate)))).astype(np.float32)


def prepared(name: str, rate: int, channels: int, seconds: float = 0.7):
    made, wave = resolve(name), clip(rate, channels, seconds)
    return made, wave, made.prepare(wave, rate, stream("there", name), CONTEXT)


def cases():
    for name in THERE:
        made = resolve(name)
        for channels in (1, 2, 4):
            if any(made.unavailable(value, 32000, channels) is None for value in made.parameters):
                yield name, channels


def within(name: str, rate: int, channels: int, moved: Moved, back=lambda wave: wave.numpy()) -> float:
    """The largest difference from numpy as a share of the largest sample; fields are compared."""
    made, wave, state = prepared(name, rate, channels)
    worst = 0.0
    for value in made.parameters:
        here, there = made.apply(state, value), made.apply_on_device(state, value, moved)
        assert (here.achieved, here.skipped, here.note) == (there.achieved, there.skipped, there.note)
        assert there.waveform.dtype == torch.float32 and tuple(there.waveform.shape) == wave.shape
        off = np.abs(back(there.waveform) - here.waveform).max() / np.abs(wave).max()
        worst = max(worst, float(off))
    return worst


def test_noises_levels_and_filters_can_be_made_there():
    assert {"white_noise", "background", "gain", "clipping", "bit_depth", "low_pass", "high_pass"} <= set(THERE)


@pytest.mark.parametrize("rate", [8000, 16000, 32000])
@pytest.mark.parametrize(("name", "channels"), list(cases()))
def test_the_result_is_numpys_within_what_is_stated(name, channels, rate):
    worst = within(name, rate, channels, Moved(ToDevice(torch.device("cpu"))))
    assert worst <= resolve(name).device_tolerance


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU that torch can use")
@pytest.mark.parametrize(("name", "channels"), list(cases()))
def test_a_gpu_makes_it_within_what_is_stated(name, channels):
    worst = within(name, 32000, channels, Moved(ToDevice(torch.device("cuda"))), lambda wave: wave.cpu().numpy())
    assert worst <= resolve(name).device_tolerance


@pytest.mark.parametrize("name", THERE)
def test_the_tolerance_would_not_hold_for_another_severity(name):
    """The test above can fail: neighbouring severities lie much further apart than what is stated."""
    channels = 4 if resolve(name).unavailable(resolve(name).parameters[0], 32000, 1) else 1
    made, wave, state = prepared(name, 32000, channels)
    first, second = (made.apply_on_device(state, value, Moved(torch.from_numpy)) for value in made.parameters[3:])
    off = float((first.waveform - second.waveform).abs().max()) / float(np.abs(wave).max())
    assert off > 100 * max(made.device_tolerance, 1e-6)


@pytest.mark.parametrize("name", THERE)
def test_severities_share_what_was_moved_and_nothing_comes_back(name):
    channels = 4 if resolve(name).unavailable(resolve(name).parameters[0], 32000, 1) else 1
    made, _, state = prepared(name, 32000, channels)
    fake = Fake()
    moved = Moved(fake)
    results = [made.apply_on_device(state, value, moved) for value in made.parameters]
    assert all(isinstance(one.waveform, Elsewhere) for one in results)
    first = len(fake.sent)
    assert first <= 1 + len(made.parameters)  # the clip or its spectrum, and its noise or a response for each
    moved.forget()
    for value in made.parameters:
        made.apply_on_device(state, value, moved)
    assert len(fake.sent) - first <= 2  # responses of filters are there already


@pytest.mark.parametrize("name", ["gain", "white_noise", "low_pass"])
def test_silence_stays_and_says_so(name):
    made = resolve(name)
    state = made.prepare(np.zeros((1, 8000), np.float32), 16000, stream("there", name), CONTEXT)
    result = made.apply_on_device(state, made.parameters[2], Moved(torch.from_numpy))
    assert result.skipped == "silent" and result.achieved is None and not result.waveform.any()


def test_what_was_moved_is_not_changed_by_what_is_made_of_it():
    for name in ("gain", "white_noise", "clipping", "bit_depth"):
        made, wave, state = prepared(name, 16000, 1)
        before, moved = wave.copy(), Moved(ToDevice(torch.device("cpu")))
        first = made.apply_on_device(state, made.parameters[4], moved).waveform.clone()
        made.apply_on_device(state, made.parameters[0], moved)
        assert np.array_equal(wave, before)  # on the CPU nothing was copied
        assert torch.equal(first, made.apply_on_device(state, made.parameters[4], moved).waveform)


def test_constant_arrays_that_are_kept_there_are_bounded():
    moved, sent = Moved(fake := Fake()), []
    for number in range(2 * KEPT):
        array = np.full(3, number, np.float32)
        array.flags.writeable = False
        sent.append(array)
        moved(array)
    assert len(fake.sent) == 2 * KEPT
    moved(sent[-1])
    assert len(fake.sent) == 2 * KEPT
    moved(sent[0])
    assert len(fake.sent) == 2 * KEPT + 1


@pytest.mark.parametrize("name", ["mp3", "time_mask"])
def test_what_only_the_host_can_make_says_so(name):
    made, _, state = prepared(name, 32000, 1)
    assert made.device_tolerance is None
    with pytest.raises(NotImplementedError, match="host only"):
        made.apply_on_device(state, made.parameters[0], Moved(torch.from_numpy))
