import threading

import numpy as np
import pytest
from scipy import fft

from benchbed.perturb import filtering, resolve
from benchbed.perturb.contract import Context
from benchbed.perturb.corruptions.low_pass import LowPass
from benchbed.perturb.filters import PADDING_SECONDS, low_pass
from benchbed.perturb.scratch import KEPT_BYTES, scratch
from benchbed.rng import stream

RATE = 16000
FILTERS = ["low_pass", "high_pass", "band_stop", "frequency_mask", "reverb", "device_eq", "channel_mismatch"]


def clip(channels: int = 2, number: int = 0) -> np.ndarray:
    return 0.1 * stream("filtering", number).standard_normal((channels, RATE), dtype=np.float32)


def prepared(name: str, waveform: np.ndarray, severities=None):
    found = resolve(name)
    return found, found.prepare(waveform, RATE, stream(name, 0), Context(severities=severities))


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("name", FILTERS)
def test_severities_made_together_have_the_bits_of_each_alone(name, channels):
    found, state = prepared(name, clip(channels))
    together = [found.apply(state, p).waveform for p in found.parameters]
    for parameter, wave in zip(found.parameters, together):
        _, alone = prepared(name, clip(channels), severities=())
        assert np.array_equal(found.apply(alone, parameter).waveform, wave)


def test_a_low_pass_is_the_product_with_its_magnitude():
    waveform = clip()
    found, state = prepared("low_pass", waveform)
    padded = np.pad(waveform.astype(np.float64), ((0, 0), (0, state.data.size - RATE)))
    assert padded.shape[1] >= RATE * (1 + PADDING_SECONDS)
    for cutoff in (2.0, 4.0):
        magnitude = low_pass(state.data.size, RATE, 1000 * cutoff, 8)
        by_hand = fft.irfft(fft.rfft(padded) * magnitude)[:, :RATE]
        np.testing.assert_allclose(found.apply(state, cutoff).waveform, by_hand, atol=1e-6)


@pytest.mark.parametrize("name", ["low_pass", "device_eq"])
def test_clips_in_turn_do_not_disturb_each_other(name):
    found, first = prepared(name, clip())
    _, second = prepared(name, clip(number=1))
    strongest = found.parameters[-1]
    waves = [found.apply(state, strongest).waveform for state in (first, second, first, second)]
    assert np.array_equal(waves[0], waves[2]) and np.array_equal(waves[1], waves[3])
    assert not np.array_equal(waves[0], waves[1])


def test_what_was_handed_out_is_never_written_to_again():
    found, state = prepared("low_pass", clip())
    first = found.apply(state, 4.0).waveform
    kept = first.copy()
    again = found.apply(state, 4.0).waveform
    again *= 2
    prepared("low_pass", clip(number=1))[0].apply(prepared("low_pass", clip(number=1))[1], 2.0)
    assert np.array_equal(first, kept) and np.array_equal(found.apply(state, 4.0).waveform, kept)


def test_only_what_will_be_asked_for_is_made(monkeypatch):
    counts = []
    original = filtering.filtered
    monkeypatch.setattr(filtering, "filtered", lambda *args: counts.append(len(args[0])) or original(*args))
    # 10 and 8 kHz cannot be shown at 16 kHz.
    for severities, expected in ((None, [3]), ((2.0,), [1, 1]), ((2.0, 4.0, 10.0), [2])):
        counts.clear()
        found, state = prepared("low_pass", clip(1), severities)
        found.apply(state, 2.0)
        found.apply(state, 4.0)
        assert counts == expected, severities


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("name", FILTERS)
def test_clips_side_by_side_have_the_bits_of_each_alone(name, channels):
    clips = [clip(channels, number) for number in range(5)]
    clips[2] = clips[2][:, :-5000]  # another length
    clips[3] = np.zeros_like(clips[3])  # silent
    found = resolve(name)
    states = [prepared(name, wave)[1] for wave in clips]
    found.side_by_side(states)
    made = [[found.apply(state, p) for p in found.parameters] for state in states]
    for wave, together in zip(clips, made, strict=True):
        _, alone = prepared(name, wave)
        for parameter, one in zip(found.parameters, together, strict=True):
            expected = found.apply(alone, parameter)
            assert np.array_equal(one.waveform, expected.waveform)
            assert (one.achieved, one.skipped) == (expected.achieved, expected.skipped)


def test_clips_side_by_side_go_through_one_transform(monkeypatch):
    counts = []
    original = filtering.filtered
    monkeypatch.setattr(filtering, "filtered", lambda *args: counts.append(len(args[0])) or original(*args))
    clips = [clip(1, number) for number in range(6)]
    clips[1] = np.zeros_like(clips[1])
    clips[3] = clips[3][:, :-5000]
    found = resolve("high_pass")
    states = [prepared("high_pass", wave)[1] for wave in clips]
    found.side_by_side(states)
    for state in states:
        for parameter in found.parameters:
            found.apply(state, parameter)
    assert counts == [10, 5, 10], "a silent clip is not made, and one of another length is made between the others"
    found.apply(states[0], found.parameters[0])
    assert counts == [10, 5, 10, 1], "whose memory other clips have taken"


def test_a_clip_whose_filter_cannot_be_made_spoils_none_beside_it():
    class Choosy(LowPass):
        def response(self, state, parameter):
            if state.waveform.max() > 1:
                raise ValueError("too loud")
            return super().response(state, parameter)

    found, clips = Choosy(), [clip(1, number) for number in range(4)]
    clips[2] *= 30
    states = [found.prepare(wave, RATE, stream("choosy"), Context()) for wave in clips]
    found.side_by_side(states)
    for state, wave in zip(states, clips, strict=True):
        if wave is clips[2]:
            with pytest.raises(ValueError, match="too loud"):
                found.apply(state, 2.0)
        else:
            assert np.array_equal(
                found.apply(state, 2.0).waveform, found.apply(prepared("low_pass", wave)[1], 2.0).waveform
            )


def test_clips_side_by_side_have_room_in_the_working_memory(monkeypatch):
    counts = []
    original = filtering.filtered
    monkeypatch.setattr(filtering, "filtered", lambda *args: counts.append(len(args[0])) or original(*args))
    found = resolve("high_pass")
    states = [prepared("high_pass", clip(1, number))[1] for number in range(4)]
    monkeypatch.setattr(filtering, "KEPT_BYTES", 2 * 10 * states[0].data.nbytes)
    assert states[0].data.nbytes == states[0].data.values.nbytes
    found.side_by_side(states)
    for state in states:
        found.apply(state, found.parameters[0])
    assert counts == [10, 10]


def test_clips_too_long_for_the_working_memory_go_through_one_by_one(monkeypatch):
    counts = []
    original = filtering.filtered
    monkeypatch.setattr(filtering, "filtered", lambda *args: counts.append(len(args[0])) or original(*args))
    found, whole = prepared("high_pass", clip(1))
    expected = [found.apply(whole, p).waveform for p in found.parameters]
    monkeypatch.setattr(filtering, "KEPT_BYTES", 1000)
    found, state = prepared("high_pass", clip(1))
    assert all(np.array_equal(found.apply(state, p).waveform, wave) for p, wave in zip(found.parameters, expected))
    assert counts == [5, 1, 1, 1, 1, 1]


def test_working_memory_is_bounded_and_belongs_to_one_thread():
    here = scratch("test", (100,), np.float32)
    assert np.shares_memory(here, scratch("test", (7, 3), np.float64))
    large = scratch("test", (KEPT_BYTES + 1,), np.uint8)
    assert not np.shares_memory(large, scratch("test", (KEPT_BYTES + 1,), np.uint8))
    seen = []
    worker = threading.Thread(target=lambda: seen.append(np.shares_memory(here, scratch("test", (100,), np.float32))))
    worker.start()
    worker.join()
    assert seen == [False]
