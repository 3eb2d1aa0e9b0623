"""Every transform that is offered, on every shape of clip: what it promises, or the reason why it cannot."""

from __future__ import annotations

import importlib.util
import random

import numpy as np
import pytest
import soundfile

from benchbed.perturb.audiomentations_bridge import corruption, names, offered
from benchbed.perturb.audiomentations_facts import MEASURES, MOVES_EVENTS, POLICY
from benchbed.perturb.contract import Context
from benchbed.perturb.selfcheck import bursts, lag
from benchbed.rng import stream

CONTEXT = Context()
NEEDS = {
    "RoomSimulator": "pyroomacoustics",
    "Mp3Compression": "fast_mp3_augment",
    "Limiter": "numpy_audio_limiter",
    "LoudnessNormalization": "loudness",
}
#: Parameters with which each transform is tried, and the number that it must reach on them, with its slack.
TRIED = {
    "AddBackgroundNoise": ({"snr_db": 10}, 10, 1.0),
    "AddColorNoise": ({"snr_db": 10, "f_decay": -3}, 10, 1.0),
    "AddGaussianNoise": ({"amplitude": 0.01}, 20, 0.2),  # a clip of 0.1 against noise of 0.01
    "AddGaussianSNR": ({"snr_db": 10}, 10, 0.3),
    "AddShortNoises": ({"snr_db": 5}, None, None),
    "AirAbsorption": ({"distance": 50}, None, None),
    "Aliasing": ({"sample_rate": 4000}, None, None),
    "BandPassFilter": ({"center_freq": 1000, "bandwidth_fraction": 1.0, "rolloff": 12}, 1000, 150),
    "BandStopFilter": ({"center_freq": 1000, "bandwidth_fraction": 1.0, "rolloff": 12}, 1000, 150),
    "BitCrush": ({"bit_depth": 6}, 6, 0.1),
    "Clip": ({"a_min": -0.1, "a_max": 0.1}, 31.7, 2.0),  # of a normal distribution beyond one deviation
    "ClippingDistortion": ({"percentile_threshold": 10}, 10, 0.5),
    "Gain": ({"gain_db": -6}, -6, 0.01),
    "GainTransition": ({"gain_db": -12}, -12, 0.01),
    "HighPassFilter": ({"cutoff_freq": 500, "rolloff": 12}, 500, 10),
    "HighShelfFilter": ({"center_freq": 1000, "gain_db": -12, "q": 0.7}, -12, 0.3),
    "Limiter": ({"threshold_db": -12, "attack": 0.001, "release": 0.1}, -12, 3.0),
    "LoudnessNormalization": ({"lufs": -23}, None, None),
    "LowPassFilter": ({"cutoff_freq": 1000, "rolloff": 12}, 1000, 20),
    "LowShelfFilter": ({"center_freq": 500, "gain_db": 6, "q": 0.7}, 6, 0.3),
    "Mp3Compression": ({"bitrate": 32}, None, None),
    "Normalize": ({}, None, None),
    "Padding": ({"fraction": 0.2}, 20, 0.1),
    "PeakingFilter": ({"center_freq": 1000, "gain_db": 12, "q": 1.0}, 12, 0.1),
    "PitchShift": ({"semitones": 2}, None, None),
    "PolarityInversion": ({}, None, None),
    "RepeatPart": ({"repeats": 1, "part_duration": 0.25}, None, None),
    "Resample": ({"sample_rate": 4000}, 1900, 200),
    "Reverse": ({}, None, None),
    "RoomSimulator": ({"calculation_mode": "absorption", "absorption_value": 0.2}, None, None),
    "SevenBandParametricEQ": ({"gain_db": 6}, None, None),
    "Shift": ({"shift": 0.25}, 0.25, 0.01),
    "TanhDistortion": ({"distortion": 0.3}, None, None),
    "TimeMask": ({"band_part": 0.2}, 20, 1.0),
    "TimeStretch": ({"rate": 1.1}, None, None),
    "Trim": ({}, None, None),
}
#: Clips of every shape: seconds, channels, sample rate.
CLIPS = {
    "one channel": (1.0, 1, 16000),
    "two channels": (1.0, 2, 16000),
    "short": (0.05, 1, 16000),
    "one sample": (1 / 16000, 1, 16000),
    "long": (20.0, 1, 16000),
    "8 kHz": (1.0, 1, 8000),
}


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sounds")
    soundfile.write(folder / "noise.wav", stream("file").standard_normal(3 * 16000) * 0.1, 16000)
    return str(folder)


def made(name: str, sounds: str):
    if name in NEEDS:
        pytest.importorskip(NEEDS[name], reason=f"{name} needs {NEEDS[name]}")
    parameters = dict(TRIED[name][0])
    if name in ("AddBackgroundNoise", "AddShortNoises"):
        parameters["sounds_path"] = sounds
    return corruption(name, parameters)


def noise(seconds: float, channels: int, rate: int) -> np.ndarray:
    return (0.1 * stream("contract").standard_normal((channels, max(1, round(seconds * rate))))).astype(np.float32)


def test_every_transform_of_the_library_is_offered_with_its_measure_or_refused_with_its_reason():
    refused = {name for name, policy in POLICY.items() if policy.action == "refuse"}
    assert set(names()) == set(MEASURES) | refused and not set(MEASURES) & refused
    assert set(TRIED) == set(MEASURES)
    said = offered()
    assert set(said) == set(names()) and all(text.split(":")[0].split(" in ")[0] for text in said.values())


@pytest.mark.parametrize("kind", CLIPS)
@pytest.mark.parametrize("name", sorted(TRIED))
def test_every_clip_comes_back_whole_or_with_a_reason(name, kind, sounds):
    found = made(name, sounds)
    clip = noise(*CLIPS[kind])
    copy = clip.copy()
    state_before = random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002
    state = found.prepare(clip, CLIPS[kind][2], stream("clip"), CONTEXT)
    out = found.apply(state, found.parameters[0])
    again = found.apply(found.prepare(clip, CLIPS[kind][2], stream("clip"), CONTEXT), found.parameters[0])
    assert out.waveform.shape == clip.shape and out.waveform.dtype == np.float32
    assert np.isfinite(out.waveform).all() and np.abs(out.waveform).max() < 10
    assert np.array_equal(clip, copy) and np.array_equal(out.waveform, again.waveform)
    assert random.getstate() == state_before[0]
    assert np.array_equal(np.random.get_state()[1], state_before[1])  # noqa: NPY002
    if out.skipped is not None:
        assert np.array_equal(out.waveform, clip) and out.achieved is None
    # Trim finds nothing to cut off, a second is too short for sounds seconds apart, and RepeatPart raises where
    # its part lies at the very end.
    if kind in ("one channel", "two channels", "long") and name not in ("Trim", "AddShortNoises", "RepeatPart"):
        assert out.skipped is None
        assert (out.achieved is None) == isinstance(MEASURES[name], str)


@pytest.mark.parametrize(("channels", "rate"), [(1, 16000), (2, 16000), (1, 8000)])
@pytest.mark.parametrize("name", sorted(TRIED))
def test_silence_is_left_alone(name, channels, rate, sounds):
    found = made(name, sounds)
    clip = np.zeros((channels, rate), np.float32)
    out = found.apply(found.prepare(clip, rate, stream("clip"), CONTEXT), found.parameters[0])
    assert out.skipped == "silent" and np.array_equal(out.waveform, clip)


@pytest.mark.parametrize("name", [name for name, (_, number, _) in TRIED.items() if number is not None])
@pytest.mark.parametrize("kind", ["one channel", "two channels", "long", "8 kHz"])
def test_what_was_asked_for_is_measured(name, kind, sounds):
    _, number, slack = TRIED[name]
    found = made(name, sounds)
    rate = CLIPS[kind][2]
    out = found.apply(found.prepare(noise(*CLIPS[kind]), rate, stream("clip"), CONTEXT), found.parameters[0])
    assert out.achieved == pytest.approx(number, abs=slack), found.unit
    assert found.unit == MEASURES[name].unit and not found.unmeasured


@pytest.mark.parametrize("name", sorted(set(TRIED) - MOVES_EVENTS - {"AddShortNoises"}))
@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (16000, 1), (16000, 2)])
def test_the_reference_lies_where_the_sound_lies(name, rate, channels, sounds):
    """The lag of bursts against the lag of their events, in the last channel."""
    found = made(name, sounds)
    clip = np.repeat(bursts(rate, 1, 1.0).waveform, channels, 0)
    state = found.prepare(clip, rate, stream("clip"), CONTEXT)
    parameter = found.parameters[0]
    out = found.apply(state, parameter)
    if out.skipped is not None:
        pytest.skip(out.skipped)
    heard = lag(clip[-1], out.waveform[-1], rate)
    if heard is None:
        pytest.skip("the bursts cannot be recognised")
    events = np.array([[0.13, 0.14], [0.66, 0.67]])
    moved = found.move_events(events, 1.0, state, parameter)
    assert moved - events == pytest.approx(np.full((2, 2), heard / rate), abs=found.time_slack + 1e-9)


def test_mp3_with_its_delay_moves_the_reference():
    if importlib.util.find_spec("fast_mp3_augment") is None:
        pytest.skip("Mp3Compression needs fast_mp3_augment")
    found = corruption("Mp3Compression", {"bitrate": 32, "preserve_delay": True})
    clip = bursts(16000, 1, 2.0).waveform
    state = found.prepare(clip, 16000, stream("clip"), CONTEXT)
    ((onset, _),) = found.move_events(np.array([[0.26, 0.30]]), 2.0, state, found.parameters[0])
    # 1105 samples of LAME and any decoder at 16 kHz: 69 ms.
    assert onset - 0.26 == pytest.approx(1105 / 16000, abs=0.001)
    assert lag(clip[0], found.apply(state, found.parameters[0]).waveform[0], 16000) == pytest.approx(1105, abs=16)
    assert found.configure(CONTEXT)["delay_seconds"][0] == pytest.approx(0.069, abs=0.001)


def test_a_room_that_does_not_reach_its_reverberation_time_is_refused():
    pytest.importorskip("pyroomacoustics", reason="RoomSimulator needs pyroomacoustics")
    from benchbed.errors import ConfigError

    found = corruption("RoomSimulator", {"calculation_mode": "rt60", "target_rt60": [0.2, 0.5, 0.8]})
    with pytest.raises(ConfigError, match=r"0.2 s RT60 was asked for and 0.0\d+ came out") as caught:
        found.configure(CONTEXT)
    assert "reverb" in caught.value.hint
