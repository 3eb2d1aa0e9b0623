"""What every registered corruption must keep: shape, purity, determinism, order, silence, times, and its severity."""

from __future__ import annotations

import inspect
import sys

import numpy as np
import pytest
import soundfile

from benchbed.perturb import CORRUPTIONS, resolve
from benchbed.perturb.contract import Context
from benchbed.perturb.level import measured_snr
from benchbed.perturb.selfcheck import Probe, check_all, impulse_stays, severity_monotone
from benchbed.rng import key, stream

GROUPS = {"noise", "room", "bandwidth", "level", "codec", "channel", "device", "time", "event"}
NAMES = CORRUPTIONS.names()
NEEDS_FOLDER = {"room_response", "device_response"}


def clip(name: object, rate: int = 16000, channels: int = 1, seconds: float = 0.5) -> np.ndarray:
    """Broadband noise and a tone under a moving envelope; channels differ in level by 6 dB each."""
    generator = stream("contract", name)
    samples = max(1, round(seconds * rate))
    time = np.arange(samples) / rate
    noise = generator.standard_normal((channels, samples)) + 0.5 * np.sin(2 * np.pi * 440 * time)
    envelope = 0.15 + 0.85 * np.abs(np.sin(2 * np.pi * 2.5 * time + 0.3))
    return (0.08 * noise * envelope * 2.0 ** -np.arange(channels)[:, None]).astype(np.float32)


@pytest.fixture(scope="module")
def responses(tmp_path_factory):
    """A folder with one room-like response: 2 ms of silence, a direct path, a decaying tail."""
    folder = tmp_path_factory.mktemp("responses")
    generator = np.random.default_rng(0)
    response = 0.15 * np.exp(-np.arange(6000) / 1000) * generator.standard_normal(6000)
    response[:32], response[32] = 0, 1
    soundfile.write(folder / "room.wav", 0.5 * response, 16000)
    return folder


@pytest.fixture
def build(responses):
    """Resolve a corruption with a folder where it needs one."""
    return lambda name: resolve(name, options={"folder": str(responses)} if name in NEEDS_FOLDER else None)


def others(rng, n):
    """Stand-in for clips of other classes."""
    return [0.1 * rng.standard_normal((1, 12000), dtype=np.float32) for _ in range(n)]


EVENTS = tuple((0.05 + 0.08 * i, 0.1 + 0.08 * i, "dog") for i in range(5))
CONTEXT = Context(dataset="contract", others=others, events=EVENTS)


def fewest(corruption):
    """Channels of a clip that the corruption can be applied to: one, unless it is about several."""
    alone = corruption.unavailable(corruption.parameters[0], 16000, 1)
    return 4 if corruption.group == "channel" or alone is not None else 1


def prepare(name, corruption, waveform, rate=16000):
    return corruption.prepare(waveform, rate, stream("contract", name), CONTEXT)


@pytest.mark.parametrize("name", NAMES)
def test_says_what_it_is(name, build):
    corruption = build(name)
    assert corruption.group in GROUPS
    assert corruption.unit and corruption.source and inspect.getdoc(type(corruption))
    assert len(corruption.parameters) == 5
    assert len(set(corruption.parameters)) == 5
    key(name, corruption.parameters, corruption.version)  # parameters go into keys, so they must be plain values
    corruption.configure(CONTEXT)
    if not corruption.preserves_time:
        assert "move_events" in vars(type(corruption))
    if not corruption.preserves_space:
        assert "move_directions" in vars(type(corruption))


@pytest.mark.parametrize("channels", [1, 2, 4])
@pytest.mark.parametrize("name", NAMES)
def test_keeps_shape_and_input_and_is_deterministic(name, channels, build):
    corruption = build(name)
    waveform = clip(name, channels=channels)
    before = waveform.copy()
    state = prepare(name, corruption, waveform)
    first = [corruption.apply(state, p) for p in corruption.parameters]
    again = prepare(name, corruption, waveform)
    second = [corruption.apply(again, p) for p in reversed(corruption.parameters)][::-1]
    assert np.array_equal(waveform, before)
    for a, b, parameter in zip(first, second, corruption.parameters):
        assert a.waveform.shape == waveform.shape and a.waveform.dtype == np.float32
        assert a.waveform.flags.c_contiguous and not np.shares_memory(a.waveform, waveform)
        assert np.isfinite(a.waveform).all()
        assert np.array_equal(a.waveform, b.waveform) and a.achieved == b.achieved
        reason = corruption.unavailable(parameter, 16000, channels)
        if reason is not None:
            assert a.skipped == reason
        if a.skipped is not None:
            assert np.array_equal(a.waveform, waveform) and a.achieved is None
        else:
            assert not np.array_equal(a.waveform, waveform)


@pytest.mark.parametrize("name", NAMES)
def test_leaves_silence_alone_and_counts_it(name, build):
    corruption = build(name)
    channels = fewest(corruption)
    silence = np.zeros((channels, 8000), np.float32)
    state = prepare(name, corruption, silence)
    for parameter in corruption.parameters:
        applied = corruption.apply(state, parameter)
        assert applied.skipped
        assert not applied.waveform.any()


@pytest.mark.parametrize("samples", [1, 2, 160, 1600])
@pytest.mark.parametrize("name", NAMES)
def test_short_clips_are_perturbed_or_skipped(name, samples, build):
    corruption = build(name)
    channels = fewest(corruption)
    waveform = clip(name, channels=channels)[:, 800 : 800 + samples]
    state = prepare(name, corruption, waveform)
    for parameter in corruption.parameters:
        applied = corruption.apply(state, parameter)
        assert applied.waveform.shape == waveform.shape
        assert np.isfinite(applied.waveform).all()


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000])
@pytest.mark.parametrize("name", NAMES)
def test_every_rate_works_or_says_why_not(name, rate, build):
    corruption = build(name)
    channels = 4 if name == "foa_rotation" else 2
    waveform = clip(name, rate, channels, seconds=0.15)
    state = prepare(name, corruption, waveform, rate)
    for parameter in (corruption.parameters[0], corruption.parameters[-1]):
        applied = corruption.apply(state, parameter)
        assert applied.waveform.shape == waveform.shape
        assert np.isfinite(applied.waveform).all()
        reason = corruption.unavailable(parameter, rate, channels)
        assert reason is None or applied.skipped == reason


@pytest.mark.parametrize("channels", [1, 2, 4])
@pytest.mark.parametrize("name", [n for n in NAMES if resolve(n).unit == "dB SNR, active level"])
def test_snr_is_reached_in_every_channel(name, channels, build):
    corruption = build(name)
    waveform = clip(name, channels=channels)
    state = prepare(name, corruption, waveform)
    for parameter in corruption.parameters:
        applied = corruption.apply(state, parameter)
        assert measured_snr(waveform, applied.waveform, 16000) == pytest.approx([parameter] * channels, abs=0.01)
        assert applied.achieved == pytest.approx(parameter, abs=0.01)


@pytest.mark.parametrize("name", NAMES)
def test_metamorphic_checks_pass(name, build):
    corruption = build(name)
    channels = fewest(corruption)
    probes = [Probe(f"clip{i}", clip(i, 32000, channels, 1.0), 32000) for i in range(2)]
    for outcome in check_all(name, corruption, probes, CONTEXT):
        assert outcome.status in ("pass", "skipped"), outcome
        if outcome.status == "skipped":
            assert not corruption.monotone or not corruption.preserves_time, outcome


@pytest.mark.parametrize("rate", [16000, 44100])
@pytest.mark.parametrize("name", [n for n in NAMES if resolve(n).group in ("noise", "codec", "room", "device")])
def test_monotone_and_in_place_at_other_rates(name, rate, build):
    corruption = build(name)
    channels = fewest(corruption)
    probes = [Probe(f"clip{i}", clip(i, rate, channels, 1.0), rate) for i in range(3)]
    for outcome in (
        severity_monotone(name, corruption, probes, CONTEXT),
        impulse_stays(name, corruption, rate, max(2, channels), CONTEXT),
    ):
        assert outcome.status in ("pass", "skipped"), outcome


@pytest.mark.parametrize("name", [n for n in NAMES if not resolve(n).preserves_time])
def test_events_move_with_the_audio(name, build):
    corruption = build(name)
    rate, seconds = 16000, 10.0
    waveform = np.zeros((1, round(rate * seconds)), np.float32)
    tone = 0.5 * np.sin(2 * np.pi * 500 * np.arange(4000) / rate)
    for start in (0.3, 4.1, 9.6):
        waveform[0, round(start * rate) : round(start * rate) + 4000] = tone
    events = np.array([[start, start + 0.25] for start in (0.3, 4.1, 9.6)])
    state = prepare(name, corruption, waveform)
    for parameter in corruption.parameters:
        applied = corruption.apply(state, parameter)
        assert applied.skipped is None
        placed, rows = corruption.place_events(events, seconds, state, parameter)
        assert set(rows) <= {0, 1, 2} and (placed[:, 1] > placed[:, 0]).all() and placed.max() <= seconds
        # Where the reference says that there is a tone there must be one, and nowhere else, within 25 ms.
        loud = np.convolve(np.abs(applied.waveform[0]), np.ones(160) / 160, "same") > 0.1
        at = np.arange(waveform.shape[1]) / rate
        inside = np.zeros(len(at), bool)
        near = np.zeros(len(at), bool)
        for onset, offset in placed:
            inside |= (at > onset + 0.025) & (at < offset - 0.025)
            near |= (at > onset - 0.025) & (at < offset + 0.025)
        assert (loud[inside]).mean() > 0.98 if inside.any() else True
        assert not (loud & ~near).any()


@pytest.mark.parametrize("package", ["av", "lameenc", "soundfile", "soxr"])
@pytest.mark.parametrize("name", [name for name in NAMES if name not in NEEDS_FOLDER])
def test_says_what_packages_it_is_made_with(name, build, package, monkeypatch):
    corruption = build(name)
    monkeypatch.setitem(sys.modules, package, None)
    waveform = clip(name, channels=fewest(corruption))
    try:
        state = prepare(name, corruption, waveform)
        for parameter in corruption.parameters:
            corruption.apply(state, parameter)
    except ImportError:
        assert package in corruption.packages
