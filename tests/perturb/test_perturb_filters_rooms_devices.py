"""Filters, rooms, devices and channels against scipy and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from scipy import signal

from benchbed.errors import ConfigError
from benchbed.perturb import resolve
from benchbed.perturb.bounded import ByteCache
from benchbed.perturb.contract import Context
from benchbed.perturb.devices import GRID, impulse, measured, minimum_phase
from benchbed.perturb.filters import band_stop, high_pass, low_pass, mel, mel_gap
from benchbed.perturb.rooms import align, synthetic_response, with_drr
from benchbed.rng import stream


def applied(name, clip, rate, parameter, context=None, **options):
    found = resolve(name, options=options)
    return found.apply(found.prepare(clip, rate, stream("clip"), context or Context()), parameter)


@pytest.mark.parametrize(
    ("response", "design"),
    [
        (lambda: low_pass(8192, 16000, 2000.0, 8), ("low", 8, 2000)),
        (lambda: high_pass(8192, 16000, 400.0, 4), ("high", 4, 400)),
        (lambda: band_stop(8192, 16000, 500.0, 2000.0, 4), ("bandstop", 4, (500, 2000))),
    ],
)
def test_magnitudes_are_butterworth(response, design):
    kind, order, edge = design
    numerator, denominator = signal.butter(order, 2 * np.pi * np.array(edge), kind, analog=True)
    _, expected = signal.freqs(numerator, denominator, 2 * np.pi * np.fft.rfftfreq(8192, 1 / 16000))
    assert np.allclose(response(), np.abs(expected), atol=1e-3)


@pytest.mark.parametrize(("hz", "expected"), [(500, 1.0), (2000, 1 / np.sqrt(2)), (4000, 1 / np.sqrt(1 + 2**16))])
def test_low_pass_on_tones(hz, expected):
    rate = 32000
    tone = np.sin(2 * np.pi * hz * np.arange(rate) / rate, dtype=np.float32)[None]
    out = applied("low_pass", tone, rate, 2.0).waveform[0, 8000:24000]
    assert np.sqrt(2) * out.std() == pytest.approx(expected, abs=1e-3)
    assert out[:100] == pytest.approx(expected * tone[0, 8000:8100], abs=2e-3)  # zero phase: nothing moves


@pytest.mark.parametrize(("low", "high"), [(0.0, 300.0), (500.0, 1500.0), (2500.0, 2840.0230467083183)])
def test_gaps_have_raised_cosines_inside_their_edges(low, high):
    places = mel(np.fft.rfftfreq(4096, 1 / 16000))
    expected = np.ones(len(places))
    for index, place in enumerate(places):
        depth = min(max(min(place - low, high - place) / 40, 0), 1)
        expected[index] = 0.5 + 0.5 * np.cos(np.pi * depth)
    assert mel_gap(4096, 16000, low, high, 40.0) == pytest.approx(expected, abs=1e-5)
    assert (mel_gap(4096, 16000, low, high, 40.0) == 0).any()


@pytest.mark.parametrize(
    ("name", "limits"), [("low_pass", [None, 8, 4, 2, 1]), ("high_pass", [100, 200, 400, 800, 1600])]
)
def test_edges_above_the_rate_are_refused(name, limits):
    found = resolve(name)
    reasons = [found.unavailable(p, 20000, 1) for p in found.parameters]
    assert [r is None for r in reasons] == [v is not None for v in limits]


def test_resampling_removes_what_the_rate_cannot_hold():
    rate = 32000
    time = np.arange(rate) / rate
    clip = (0.3 * np.sin(2 * np.pi * 1000 * time) + 0.3 * np.sin(2 * np.pi * 6000 * time)).astype(np.float32)[None]
    out = applied("resampling", clip, rate, 8.0).waveform
    spectrum = np.abs(np.fft.rfft(out[0])) / (rate / 2)
    assert spectrum[1000] == pytest.approx(0.3, abs=0.003) and spectrum[6000] < 1e-4
    assert applied("resampling", clip, 8000, 8.0).skipped == "8 kHz is not below the 8000 Hz sample rate"


@pytest.mark.parametrize("t60", [0.2, 0.4, 1.0])
def test_reverberation_time_by_schroeder(t60):
    response = synthetic_response(3, 16000, 1, t60, 0.0)[0, 1:]
    decay = 10 * np.log10(np.cumsum(response[::-1] ** 2)[::-1])
    decay -= decay[0]
    time = np.arange(len(decay)) / 16000
    inside = (decay < -5) & (decay > -25)  # T20
    slope = np.polyfit(time[inside], decay[inside], 1)[0]
    assert -60 / slope == pytest.approx(t60, rel=0.1)


@pytest.mark.parametrize("parameter", [(0.2, 10.0), (0.7, 3.0), (1.5, -3.0)])
def test_reverb_is_convolution_with_the_room(parameter):
    rate = 8000
    clip = 0.1 * stream("clip").standard_normal((2, rate), dtype=np.float32)
    found = resolve("reverb")
    state = found.prepare(clip, rate, stream("r"), Context())
    room = state.data[1]
    out = found.apply(state, parameter).waveform
    for channel, response in zip(range(2), synthetic_response(room, rate, 2, *parameter)):
        assert out[channel] == pytest.approx(np.convolve(clip[channel], response)[:rate], abs=1e-5)


def test_synthetic_rooms_have_unit_energy_and_the_ratio_in_every_channel():
    response = synthetic_response(1, 16000, 4, 0.5, -3.0)
    assert (response**2).sum(axis=1) == pytest.approx(np.ones(4))
    assert 10 * np.log10(response[:, 0] ** 2 / (response[:, 1:] ** 2).sum(axis=1)) == pytest.approx([-3] * 4)
    assert abs(np.corrcoef(response[:, 100:])[0, 1]) < 0.1


def test_measured_rooms_are_aligned_and_scaled():
    response = np.array([[0, 0, 0.1, 1.0, 0.5, 0, 0.4, 0.2], [0, 0, 0, 0.8, 0.4, 0, 0.4, 0.1]])
    assert align(response)[0].tolist() == [1.0, 0.5, 0, 0.4, 0.2]
    for drr in (10.0, -3.0):
        scaled = with_drr(align(response), 800, drr)  # 2.5 ms at 800 Hz are two samples
        direct, tail = (scaled[:, :2] ** 2).sum(), (scaled[:, 2:] ** 2).sum()
        assert 10 * np.log10(direct / tail) == pytest.approx(drr)
        assert (scaled**2).sum() == pytest.approx(2)


def test_room_response_from_a_folder(tmp_path):
    response = np.zeros(800)
    response[100], response[500] = 1.0, 0.5
    soundfile.write(tmp_path / "room.wav", 0.9 * response, 8000, subtype="FLOAT")
    clip = np.zeros((1, 4000), np.float32)
    clip[0, 1000] = 0.5
    out = applied("room_response", clip, 8000, 0.0, folder=str(tmp_path))
    expected = np.zeros(4000)
    expected[1000] = expected[1400] = 0.5 / np.sqrt(2)  # DRR 0 dB at unit energy
    assert out.waveform[0] == pytest.approx(expected, abs=1e-6)
    assert out.note is None
    assert applied("room_response", np.repeat(clip, 2, 0), 16000, 0.0, folder=str(tmp_path)).note == (
        "response resampled from 8000 Hz"
    )
    with pytest.raises(ConfigError, match="needs measured"):
        applied("room_response", clip, 8000, 0.0)


def test_minimum_phase_against_scipy():
    taps = signal.firwin(63, 0.4)
    taps = taps + 0.02 * (np.arange(63) == 31)
    linear = np.convolve(taps, taps)  # scipy's homomorphic method wants a squared magnitude
    expected = signal.minimum_phase(linear, method="homomorphic", n_fft=GRID, half=True)
    log_magnitude = 0.5 * np.log(np.abs(np.fft.rfft(linear, GRID)) + 1e-12)
    got = np.fft.irfft(np.exp(minimum_phase(log_magnitude)))[: len(expected)]
    assert got == pytest.approx(expected, abs=2e-3)


def test_a_measured_device_keeps_its_colour_and_loses_its_delay():
    rate = 16000
    taps = np.zeros(600)
    taps[200:] = signal.lfilter([1.0], [1.0, -0.7], np.eye(1, 400)[0])  # one-pole, 200 samples late
    curve = measured(taps)
    response = impulse(curve, 1.0)
    assert int(np.argmax(np.abs(response))) == 0
    _, got = signal.freqz(response, fs=rate, worN=256)
    _, wanted = signal.freqz([1.0], [1.0, -0.7], fs=rate, worN=256)
    difference = 20 * np.log10(np.abs(got) / np.abs(wanted))[10:]
    assert np.abs(difference - difference.mean()).max() < 0.3
    flat = impulse(curve, 0.0)
    assert flat[0] == pytest.approx(1) and np.abs(flat[1:]).max() < 1e-6


def test_device_response_options(tmp_path):
    for name, pole in (("a.wav", 0.5), ("b.wav", -0.5)):
        soundfile.write(tmp_path / name, signal.lfilter([0.5], [1, -pole], np.eye(1, 800)[0]), 16000, subtype="FLOAT")
    clip = 0.1 * stream("clip").standard_normal((1, 16000), dtype=np.float32)
    dark = applied("device_response", clip, 16000, (1.0, 2.0), folder=str(tmp_path), file="a.wav").waveform
    bright = applied("device_response", clip, 16000, (1.0, 2.0), folder=str(tmp_path), file="b.wav").waveform
    assert (np.diff(dark) ** 2).mean() < 0.5 * (np.diff(bright) ** 2).mean()
    assert dark.std() == pytest.approx(clip.std(), rel=0.01)
    with pytest.raises(ConfigError, match=r"no file 'c\.wav'"):
        resolve("device_response", options={"folder": str(tmp_path), "file": "c.wav"}).configure(Context())


def test_device_eq_spread_is_the_severity():
    rate = 32000
    spreads = []
    for draw in range(60):
        found = resolve("device_eq")
        click = np.zeros((1, rate), np.float32)
        click[0, 0] = 0.9
        out = found.apply(found.prepare(click, rate, stream(draw), Context()), 6.0).waveform[0]
        centres = np.geomspace(60, rate / 2, 12)[3:10]
        gains = 20 * np.log10(np.abs(np.fft.rfft(out))[np.round(centres).astype(int)])
        spreads.append(gains)
    spread = np.array(spreads)
    within = np.sqrt(((spread - spread.mean(1, keepdims=True)) ** 2).sum() / (60 * 6))
    assert within == pytest.approx(6.0, rel=0.15)


def test_style_swap_takes_over_mean_levels():
    from benchbed.perturb.devices import band_level, frames

    rate = 16000
    clip = 0.1 * stream("clip").standard_normal((1, 2 * rate), dtype=np.float32)
    other = signal.lfilter([1], [1, -0.9], stream("other").standard_normal(2 * rate)).astype(np.float32)[None] * 0.05
    context = Context(other_devices=lambda rng, n: [other])
    theirs = band_level(frames(other), rate).mean(0)
    before = band_level(frames(clip), rate).mean(0)
    distances = []
    for share in (0.2, 0.6, 1.0):
        now = band_level(frames(applied("style_swap", clip, rate, share, context).waveform), rate).mean(0)
        distances.append(np.std(now - theirs))
    assert distances[0] < np.std(before - theirs) and distances == sorted(distances, reverse=True)
    assert distances[-1] < 1.0  # dB
    assert applied("style_swap", clip, rate, 1.0, Context(others=lambda rng, n: [])).skipped
    with pytest.raises(ConfigError, match="needs recordings"):
        applied("style_swap", clip, rate, 1.0)


def test_foa_rotation_turns_a_plane_wave_and_its_label():
    rate = 8000
    sound = 0.1 * stream("s").standard_normal(rate)
    azimuth, elevation = np.deg2rad(30), np.deg2rad(20)
    encode = [
        1.0,
        np.sin(azimuth) * np.cos(elevation),
        np.sin(elevation),
        np.cos(azimuth) * np.cos(elevation),
    ]  # ACN: W, Y, Z, X
    clip = (np.array(encode)[:, None] * sound).astype(np.float32)
    found = resolve("foa_rotation")
    state = found.prepare(clip, rate, stream("f"), Context())
    for degrees in found.parameters:
        w, y, z, x = found.apply(state, degrees).waveform.astype(float)
        seen = np.rad2deg(np.arctan2((w * y).sum(), (w * x).sum()))
        tilt = np.rad2deg(np.arctan2((w * z).sum(), np.hypot((w * x).sum(), (w * y).sum())))
        moved = found.move_directions(np.array([[30.0, 20.0]]), state, degrees)[0]
        assert [seen, tilt] == pytest.approx(moved, abs=1e-3)
        assert abs(abs(moved[0] - 30) - degrees) < 1e-9
    assert found.move_directions(np.array([[175.0, 0.0], [-175.0, 0.0]]), state, 90.0)[:, 0] == pytest.approx(
        np.array([-95.0, -85.0]) if state.data > 0 else np.array([85.0, 95.0])
    )


@pytest.mark.parametrize("axis", ["pitch", "roll", "any"])
def test_foa_rotation_about_any_axis_turns_the_label_exactly(axis):
    rate = 8000
    sound = 0.1 * stream("s").standard_normal(rate)
    azimuth, elevation = np.deg2rad(-110), np.deg2rad(35)
    level = np.cos(elevation)
    encode = [1.0, np.sin(azimuth) * level, np.sin(elevation), np.cos(azimuth) * level]
    clip = (np.array(encode)[:, None] * sound).astype(np.float32)
    found = resolve("foa_rotation", options={"axis": axis})
    assert found.unit == f"degrees {axis}"
    state = found.prepare(clip, rate, stream("f"), Context())
    for degrees in found.parameters:
        w, y, z, x = found.apply(state, degrees).waveform.astype(float)
        seen = np.rad2deg(np.arctan2((w * y).sum(), (w * x).sum()))
        tilt = np.rad2deg(np.arctan2((w * z).sum(), np.hypot((w * x).sum(), (w * y).sum())))
        assert [seen, tilt] == pytest.approx(
            found.move_directions(np.array([[-110.0, 35.0]]), state, degrees)[0], abs=1e-3
        )
        # Nothing is gained or lost: the first-order channels keep their power.
        assert (y**2 + z**2 + x**2).sum() == pytest.approx((clip[1:].astype(float) ** 2).sum(), rel=1e-5)
    # A quarter turn that lifts the left ear brings what is on the left up.
    if axis == "roll":
        up = found.move_directions(np.array([[90.0, 0.0]]), state, 90.0)[0, 1]
        assert abs(up) == pytest.approx(90.0)


def test_foa_rotation_knows_its_axes():
    with pytest.raises(ConfigError, match="axis"):
        resolve("foa_rotation", options={"axis": "sideways"}).configure(Context())


def test_channel_mismatch_has_gain_and_delay():
    rate = 32000
    clip = np.repeat(0.1 * stream("s").standard_normal((1, rate), dtype=np.float32), 3, axis=0)
    out = applied("channel_mismatch", clip, rate, (6.0, 500.0)).waveform
    assert out[0] == pytest.approx(clip[0], abs=1e-6)
    for channel in out[1:]:
        ratio = channel[1000:-1000].std() / clip[0, 1000:-1000].std()
        assert abs(20 * np.log10(ratio)) == pytest.approx(6.0, abs=0.05)
        correlation = np.fft.irfft(np.fft.rfft(channel, 2 * rate) * np.conj(np.fft.rfft(clip[0], 2 * rate)))
        assert int(np.argmax(correlation)) in (16, 2 * rate - 16)


def test_dead_channel_is_one_channel():
    clip = 0.1 * stream("s").standard_normal((4, 8000), dtype=np.float32)
    out = applied("dead_channel", clip, 8000, 120.0).waveform
    changed = [c for c in range(4) if not np.array_equal(out[c], clip[c])]
    assert len(changed) == 1 and np.abs(out[changed[0]]).max() < 2**-16


def test_byte_cache_stays_within_its_limit():
    cache = ByteCache(1000)
    made = []

    def make(n):
        made.append(n)
        return np.full(50, float(n))  # 400 bytes

    for n in (1, 2, 1, 3, 1, 2):
        assert cache.get(n, lambda n=n: make(n))[0] == n
    assert made == [1, 2, 3, 2]  # 2 was the one used longest ago when 3 came
    with pytest.raises(ValueError, match="read-only"):
        cache.get(1, lambda: make(1))[0] = 5
