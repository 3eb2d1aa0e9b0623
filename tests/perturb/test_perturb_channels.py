"""Sound of several channels: fields against their closed forms, faults against hand computations, and what no
corruption may do to channels that are copies of each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.signal import csd, welch

from benchbed.data.synthesis.spatial import MICROPHONES, RADIUS, SOUND, direction, encoded
from benchbed.errors import ConfigError
from benchbed.outputs.tracks.files import from_table, read_table, write
from benchbed.outputs.tracks.recording import tracks
from benchbed.outputs.tracks.references import moved
from benchbed.perturb import CORRUPTIONS, arrays, resolve
from benchbed.perturb.contract import Context
from benchbed.perturb.corruptions.diffuse_reverb import diffuse_tail
from benchbed.perturb.level import active_power
from benchbed.rng import stream
from benchbed.run.computing.moves import AppliedMoves

RATE = 24000


def applied(name: str, waveform: np.ndarray, parameter: object, rate: int = RATE, **options: object):
    corruption = resolve(name, options=options)
    corruption.configure(Context(dataset="channels"))
    state = corruption.prepare(waveform, rate, stream("channels", name), Context(dataset="channels"))
    return corruption.apply(state, parameter)


def loud(channels: int, seconds: float = 20.0) -> np.ndarray:
    noise = stream("channels", channels).standard_normal((channels, round(seconds * RATE)))
    return (0.05 * noise).astype(np.float32)


def spectra(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Complex coherence by Welch's method, which falls to nothing where two channels are independent."""
    hertz, cross = csd(one, other, RATE, nperseg=1024)
    return hertz, cross / np.sqrt(welch(one, RATE, nperseg=1024)[1] * welch(other, RATE, nperseg=1024)[1])


def test_a_diffuse_field_is_as_coherent_between_microphones_as_the_sine_over_its_argument():
    """Cook et al. 1955: sin(kd)/(kd) for each of the six pairs, and nothing imaginary."""
    clip = loud(4)
    noise = applied("diffuse_noise", clip, 0.0, array="mic").waveform.astype(np.float64) - clip
    places = RADIUS * np.array([direction(*angles) for angles in MICROPHONES])
    for one in range(4):
        for other in range(one):
            hertz, coherence = spectra(noise[one], noise[other])
            apart = float(np.linalg.norm(places[one] - places[other]))
            law = np.sinc(2 * hertz * apart / SOUND)
            inside = (hertz > 100) & (hertz < 11000)
            assert np.abs(coherence.real - law)[inside].mean() < 0.03, (one, other)
            assert np.abs(coherence.imag[inside]).mean() < 0.03
    powers = (noise**2).mean(axis=1)
    assert powers == pytest.approx([powers.mean()] * 4, rel=0.05)


def test_a_diffuse_field_in_ambisonics_and_in_two_cardioids():
    """SN3D: a third of W's power in each figure of eight, no coherence. Cardioids: (W ± Y)/2, coherence one half."""
    clip = loud(4)
    noise = applied("diffuse_noise", clip, 0.0).waveform.astype(np.float64) - clip
    powers = (noise**2).mean(axis=1)
    assert powers[1:] / powers[0] == pytest.approx([1 / 3] * 3, rel=0.08)
    for one, other in ((0, 1), (1, 2), (2, 3), (0, 3)):
        hertz, coherence = spectra(noise[one], noise[other])
        assert np.abs(coherence[hertz > 100]).mean() < 0.08
    pair = loud(2)
    sides = applied("diffuse_noise", pair, 0.0).waveform.astype(np.float64) - pair
    hertz, coherence = spectra(sides[0], sides[1])
    assert coherence.real[hertz > 100].mean() == pytest.approx(0.5, abs=0.03)


def test_covariances_are_what_the_mixing_makes():
    for array, channels in arrays.ARRAYS.items():
        hertz = np.array([0.0, 777.0, 3000.0, 11000.0])
        weights = arrays.mixing(hertz, array) + np.zeros(4)
        for i, f in enumerate(hertz):
            made = weights[..., i] @ weights[..., i].T
            assert made.shape == (channels, channels)
            assert made == pytest.approx(arrays.covariance(float(f), array), abs=2e-3), (array, f)


@pytest.mark.parametrize("name", ["diffuse_noise", "directional_noise"])
@pytest.mark.parametrize("array, channels", list(arrays.ARRAYS.items()))
def test_the_snr_of_a_field_is_over_all_channels_together(name: str, array: str, channels: int):
    clip = loud(channels, 4.0) * np.array([1.0, 0.5, 0.25, 0.1])[:channels, None].astype(np.float32)
    for parameter in (20.0, 0.0):
        out = applied(name, clip, parameter, array=array)
        added = out.waveform.astype(np.float64) - clip
        levels = active_power(clip, RATE).mean(), active_power(added.astype(np.float32), RATE).mean()
        assert 10 * np.log10(levels[0] / levels[1]) == pytest.approx(parameter, abs=0.05)
        assert out.achieved == pytest.approx(parameter, abs=0.01)
    assert resolve(name).unit == "dB SNR, active level, all channels"
    assert resolve(name, options={"measure": "whole"}).unit == "dB SNR, whole clip, all channels"


def test_noise_from_a_direction_comes_from_it():
    """Intensity points there; microphones hear it earlier by their places along it over the speed of sound."""
    vector = direction(130.0, 25.0)
    clip = loud(4, 4.0)
    noise = applied("directional_noise", clip, 0.0, azimuth=130, elevation=25).waveform.astype(np.float64) - clip
    intensity = np.array([(noise[0] * noise[c]).mean() for c in (3, 1, 2)])
    assert intensity / np.linalg.norm(intensity) == pytest.approx(vector, abs=1e-3)
    assert noise[1:] / noise[0] == pytest.approx(encoded(vector[None])[1:] + 0 * noise[1:], abs=0.05)
    heard = applied("directional_noise", clip, 0.0, array="mic", azimuth=130, elevation=25).waveform - clip.astype(
        float
    )
    hertz, cross = csd(heard[0], heard[3], RATE, nperseg=1024)
    low = (hertz > 200) & (hertz < 1500)
    places = RADIUS * np.array([direction(*angles) for angles in MICROPHONES])
    earlier = (places[3] - places[0]) @ vector / SOUND
    # csd is conj(first) · second: a second channel that is early leads in phase.
    assert np.angle(cross[low]) / (2 * np.pi * hertz[low]) == pytest.approx(np.full(low.sum(), earlier), abs=2e-6)


def test_directions_of_noise_are_drawn_evenly_over_the_sphere():
    clip, rises = loud(4, 0.2), []
    for i in range(60):
        corruption = resolve("directional_noise")
        state = corruption.prepare(clip, RATE, stream("channels", i), Context())
        noise = corruption.apply(state, -20.0).waveform.astype(np.float64) - clip
        rises.append((noise[0] * noise[2]).mean() / (noise[0] ** 2).mean())
    assert abs(np.mean(rises)) < 0.2 and np.std(rises) == pytest.approx(3**-0.5, abs=0.12)


@pytest.mark.parametrize("array, channels", list(arrays.ARRAYS.items()))
def test_a_room_around_an_array_keeps_direction_energy_decay_and_ratio(array: str, channels: int):
    """The direct sound stays as it is; W's tail has the energy that the ratio leaves it and falls by 60 dB in T60."""
    clip = np.zeros((channels, 2 * RATE), np.float32)
    shares = np.array([1.0, 0.6, 0.0, -0.8])[:channels] if array != "mic" else np.ones(channels)
    clip[:, 0] = shares
    out = applied("diffuse_reverb", clip, (0.7, 3.0), array=array).waveform.astype(np.float64)
    factor = 1 / np.sqrt(1 + 10**-0.3)
    assert out[:, 0] == pytest.approx(shares * factor, abs=2e-3)
    centre = {"foa": out[0], "stereo": out.sum(axis=0)}.get(array, out.mean(axis=0))
    if array == "mic":
        return
    direct, tail = centre[:40], centre[60:]
    assert 10 * np.log10((direct**2).sum() / (tail**2).sum()) == pytest.approx(3.0, abs=0.7)
    decay = 10 * np.log10(np.cumsum(tail[::-1] ** 2)[::-1] / (tail**2).sum())
    at = [np.flatnonzero(decay < level)[0] for level in (-5.0, -35.0)]
    assert 2 * (at[1] - at[0]) / RATE == pytest.approx(0.7, rel=0.15)


def test_tails_of_microphones_are_of_one_field():
    tail = np.concatenate([diffuse_tail(room, RATE, "mic", 1.5) for room in range(12)], axis=1)
    places = RADIUS * np.array([direction(*angles) for angles in MICROPHONES])
    hertz, coherence = spectra(tail[0], tail[1])
    apart = float(np.linalg.norm(places[0] - places[1]))
    inside = (hertz > 150) & (hertz < 9000)
    assert np.abs(coherence.real - np.sinc(2 * hertz * apart / SOUND))[inside].mean() < 0.12


@pytest.mark.parametrize("ppm", [5.0, 100.0])
def test_clocks_drift_apart_by_their_ratio(ppm: float):
    """A channel is the same sound read at t · (1 ± ppm/10⁶): sines are known there in closed form."""
    time = np.arange(10 * RATE) / RATE
    tones = [(440.0, 0.3), (5300.0, 1.1), (9000.0, 2.0)]
    clip = np.stack([sum(0.1 * np.sin(2 * np.pi * f * time + p) for f, p in tones)] * 3).astype(np.float32)
    out = applied("clock_drift", clip, ppm).waveform
    assert np.array_equal(out[0], clip[0])
    inner = slice(RATE // 2, -RATE // 2)
    for channel in (1, 2):
        errors = []
        for sign in (1, -1):
            read = time * (1 + sign * ppm * 1e-6)
            known = sum(0.1 * np.sin(2 * np.pi * f * read + p) for f, p in tones)
            errors.append(np.abs(out[channel] - known)[inner].max())
        assert min(errors) < 2e-4 < max(errors)


def test_swapped_channels_are_the_other_ones_from_some_point_on():
    clip = loud(4, 1.0)
    out = applied("channel_swap", clip, 25.0, channels=[1, 3])
    cut = RATE - RATE // 4
    assert np.array_equal(out.waveform[:, :cut], clip[:, :cut])
    assert np.array_equal(out.waveform[:, cut:], clip[[0, 3, 2, 1], cut:]) and out.achieved == 25.0
    assert np.array_equal(applied("channel_swap", clip, 100.0, channels=[1, 3]).waveform, clip[[0, 3, 2, 1]])
    assert "has no channel 3" in str(applied("channel_swap", clip[:2], 100.0, channels=[1, 3]).skipped)
    assert "the same" in str(applied("channel_swap", np.stack([clip[0]] * 2), 100.0).skipped)


@pytest.mark.parametrize(
    "name, options, match",
    [
        ("channel_swap", {"channels": [1, 1]}, "numbers of two channels"),
        ("channel_swap", {"channels": 3}, "numbers of two channels"),
        ("diffuse_noise", {"array": "square"}, "one of foa, mic, stereo"),
        ("directional_noise", {"azimuth": 200}, "degrees in −180…180"),
        ("diffuse_reverb", {"array": "square"}, "one of foa, mic, stereo"),
    ],
)
def test_options_that_cannot_be_are_one_clear_error(name: str, options: dict, match: str):
    with pytest.raises(ConfigError, match=match):
        applied(name, loud(4, 0.2), 10.0, **options)


SPATIAL = ["channel_mismatch", "channel_swap", "clock_drift", "dead_channel", "diffuse_noise", "diffuse_reverb"]


@pytest.mark.parametrize("name", [*SPATIAL, "directional_noise", "foa_rotation"])
def test_one_channel_is_left_alone_and_the_reason_said(name: str):
    corruption = resolve(name)
    for parameter in corruption.parameters:
        out = applied(name, loud(1, 0.5), parameter)
        assert out.skipped and "not 1" in out.skipped, name


#: The same linear (or gated) change for every channel: copies stay copies, in level and phase; largest error, of the
#: largest sample. `gain` rounds to 16 bits; the vocoders lock phases to within rounding.
ALIKE = dict.fromkeys(
    [
        "band_stop",
        "compression",
        "device_eq",
        "device_response",
        "dropout",
        "frequency_mask",
        "high_pass",
        "low_pass",
        "occlusion_interleaved",
        "occlusion_spliced",
        "packet_loss",
        "polarity",
        "resampling",
        "room_response",
        "style_swap",
        "time_mask",
        "time_shift",
    ],
    1e-5,
) | {"time_stretch": 1e-3, "pitch_shift": 1e-2, "gain": 0.1}
#: One SNR for each channel by itself.
OWN_SNR = {"babble", "background", "brown_noise", "hum", "pink_noise", "white_noise", "wind"}
#: One ceiling, step or offset in absolute units for all channels: a soft channel suffers more or less than a loud one.
ABSOLUTE = {"bit_depth", "clipping", "dc_offset", "mu_law"}
#: Coders, which keep levels between channels at their mildest.
CODED = {"adpcm", "gsm", "mp3", "opus", "vorbis"}
#: What is about channels, or a field; `reverb` gives each channel a tail of its own.
ABOUT = {*SPATIAL, "directional_noise", "foa_rotation", "reverb"}
#: What puts an event in or takes annotated ones out: the same sound, or the same gap, in every channel; both have tests
#: of their own, since they need a folder or an annotation.
EVENTS = {"event_injection", "silence_events"}


def test_every_corruption_says_what_it_does_to_several_channels():
    groups = [set(ALIKE), OWN_SNR, ABSOLUTE, CODED, ABOUT, EVENTS]
    assert set().union(*groups) == set(CORRUPTIONS.names())
    assert sum(map(len, groups)) == len(CORRUPTIONS.names())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    place = tmp_path_factory.mktemp("responses")
    response = np.exp(-np.arange(3000) / 500) * np.random.default_rng(0).standard_normal(3000)
    soundfile.write(place / "room.wav", 0.1 * response, 16000)
    return str(place)


def copies(channels: int) -> tuple[np.ndarray, np.ndarray]:
    gains = np.array([1.0, 0.5, -0.25, 0.125], np.float32)[:channels, None]
    time = np.arange(16000) / 16000
    noise = stream("copies").standard_normal(16000) + 0.5 * np.sin(2 * np.pi * 440 * time)
    wave = 0.08 * noise * (0.15 + 0.85 * np.abs(np.sin(2 * np.pi * 2.5 * time)))
    return gains * wave.astype(np.float32), gains


def others(random: np.random.Generator, count: int) -> list[np.ndarray]:
    return [0.1 * random.standard_normal((1, 12000), dtype=np.float32) for _ in range(count)]


def changed(name: str, clip: np.ndarray, folder: str):
    corruption = resolve(name, options={"folder": folder} if name in ("room_response", "device_response") else None)
    state = corruption.prepare(clip, 16000, stream("copies", name), Context(dataset="copies", others=others))
    for parameter in corruption.parameters:
        out = corruption.apply(state, parameter)
        if out.skipped is None:
            yield parameter, out.waveform


@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize("name", ALIKE)
def test_copies_stay_copies(name: str, channels: int, folder: str):
    clip, gains = copies(channels)
    seen = 0
    for parameter, out in changed(name, clip, folder):
        apart = np.abs(out / gains - out[0]).max() / np.abs(out[0]).max()
        assert apart <= ALIKE[name], (parameter, apart)
        seen += 1
    assert seen


@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize("name", sorted(OWN_SNR))
def test_noise_has_one_snr_in_every_channel_and_says_by_which_rule(name: str, channels: int, folder: str):
    clip, _ = copies(channels)
    for parameter, out in changed(name, clip, folder):
        added = (out.astype(np.float64) - clip).astype(np.float32)
        ratio = 10 * np.log10(active_power(clip, 16000) / active_power(added, 16000))
        assert ratio == pytest.approx([parameter] * channels, abs=0.05)
    assert resolve(name).unit == "dB SNR, active level"


@pytest.mark.parametrize("name", sorted(CODED))
def test_coders_keep_levels_between_channels_at_their_mildest(name: str, folder: str):
    clip, _ = copies(2)
    for _, out in list(changed(name, clip, folder))[:1]:
        levels = np.sqrt((out.astype(np.float64) ** 2).mean(axis=1))
        assert 20 * np.log10(levels[1] / levels[0]) == pytest.approx(20 * np.log10(0.5), abs=1.0)


@pytest.mark.parametrize("axis", ["yaw", "pitch", "roll", "any"])
@pytest.mark.parametrize("year", [2020, 2021, 2022, 2023, 2024])
def test_a_turn_moves_the_reference_of_every_year_as_it_moves_the_sound(axis: str, year: int, tmp_path: Path):
    """A plane wave from a reference's direction is, after the turn, one from where the reference is moved to."""
    random = np.random.default_rng(year)
    there = tracks(
        np.arange(12),
        np.zeros(12, int),
        np.rint(random.uniform(-180, 179, 12)),
        np.rint(random.uniform(-80, 80, 12)),
        source=np.zeros(12, int),
        distance=np.rint(random.uniform(50, 400, 12)) / 100 if year >= 2023 else None,
    )
    write(tmp_path / "one.csv", there, year)
    read = from_table(read_table(tmp_path / "one.csv", year), {2024: "cm", 2023: "cm"}.get(year, "m"), classes=13)
    corruption = resolve("foa_rotation", options={"axis": axis})
    for i in range(len(read)):
        clip = (encoded(read.vectors[i : i + 1]) * np.sin(np.arange(2400) * 0.3)).astype(np.float32)
        state = corruption.prepare(clip, RATE, stream("turn", year, axis), Context(options={"axis": axis}))
        for parameter in corruption.parameters:
            out = corruption.apply(state, parameter).waveform.astype(np.float64)
            turned = moved(read, AppliedMoves(corruption, state, parameter), 1.2)
            heard = np.array([(out[0] * out[c]).sum() for c in (3, 1, 2)]) / (out[0] ** 2).sum()
            assert heard == pytest.approx(turned.vectors[i], abs=1e-5)
            assert np.array_equal(turned.frame, read.frame) and np.array_equal(turned.source, read.source)
            if year >= 2023:
                assert turned.distance == pytest.approx(np.asarray(there.distance))
