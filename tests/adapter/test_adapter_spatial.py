"""Front ends for several channels: the official extraction of each year, geometry, and gradients.

`spatial_official.json` holds figures of the official code, run with librosa 0.11 in float64 on `signal()`:
sharathadavanne/seld-dcase2020 at 384ad9b, -2021 at f8e09db, -2022 at c8adb1d, -2023 at 24d14c9,
partha2409/DCASE2024_seld_baseline at 0b07887 (2022 to 2024 are equal to the last bit), DCASE2025_seld_baseline at
42a48b6, and thomeou/SALSA at 30bc6b8 (`authors`, in float32, with librosa's older padding). On four seconds of a
synthetic scene the whole of the maps differed by at most

    log-mel        4.8e-7 dB in float64 (weights of the filters are rounded elsewhere), 5.1e-5 dB in float32
    intensity      2.8e-9 and 1.1e-6
    GCC-PHAT       5.1e-15 and 2.2e-6
    SALSA-Lite     2.3e-11 dB and 2.5e-14 m; 4.7e-3 dB and 9.7e-6 m
    2025, stereo   1.1e-4 dB: librosa.feature.melspectrogram rounds to float32
    the authors'   6.6e-4 from frame 2 on, in their float32; the mirrored first frame has phases of 0 or π, whose sign
                   is that of a rounding error
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbed.adapter.spatial import FEATURES, SpatialFeatures
from benchbed.adapter.spatial.channel_mels import ChannelMels
from benchbed.adapter.spatial.gcc_phat import GccPhat
from benchbed.adapter.spatial.intensity import IntensityVectors
from benchbed.adapter.spatial.salsa_lite import SOUND, SalsaLite
from benchbed.adapter.spatial.spectra import channel_spectra, decibels, power
from benchbed.errors import ConfigError

OFFICIAL = json.loads((Path(__file__).parent / "spatial_official.json").read_text())
#: What is official → options of the front end.
OPTIONS = {
    "logmel_iv 2020": {"norm": "intensity", "order": "xyz"},
    "logmel_gcc 2020": {},
    "logmel_iv 2021": {"norm": "half", "order": "xyz"},
    "logmel_gcc 2021": {},
    "logmel_iv 2022-2024": {},
    "logmel_gcc 2022-2024": {},
    "salsa_lite 2022-2024": {},
    "logmel 2025": {"channels": 2, "together": True, "trimmed": False},
    "salsa_lite authors": {
        "n_fft": 512,
        "win_length": 512,
        "hop_length": 300,
        "pad_mode": "reflect",
        "trimmed": False,
    },
}


def signal(dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Four channels of 0.4 s: one noise, two samples later from channel to channel, beside noises of their own."""
    rng = np.random.Generator(np.random.Philox(11))
    shared, own = rng.standard_normal(9700), rng.standard_normal((4, 9600))
    waves = np.stack([0.1 * shared[50 + 2 * c : 9650 + 2 * c] + 0.03 * own[c] for c in range(4)])
    return torch.from_numpy(np.rint(waves * 32768) / 32768).to(dtype)[None]


def scrambled_2020(maps: np.ndarray) -> np.ndarray:
    """The layout of 2020 by hand: both parts band by band, read as one list of 64 bands."""
    listed = np.concatenate([part.transpose(1, 2, 0).reshape(part.shape[1], -1) for part in (maps[:4], maps[4:])], 1)
    return listed.reshape(maps.shape[1], 64, -1).transpose(2, 0, 1)


@pytest.mark.parametrize("name", OPTIONS)
def test_maps_are_those_of_the_official_extraction(name):
    front = SpatialFeatures(name.split()[0], **OPTIONS[name])
    waves = signal()[:, : front.channels]
    made = front(waves)[0].numpy()
    if name.endswith("2020"):
        made = scrambled_2020(made)
    official = OFFICIAL[name]
    chosen = made[:, official["frames"]][:, :, official["bands"]]
    rounded = "2025" in name or "authors" in name
    np.testing.assert_allclose(chosen, official["values"], rtol=0, atol=7e-4 if rounded else 1e-6)
    assert (front.maps, front.bands) == (made.shape[0], made.shape[2])


@pytest.mark.parametrize("name", FEATURES)
def test_single_precision_is_enough(name):
    front = SpatialFeatures(name)
    double, single = front(signal()), front(signal(torch.float32))
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), double, rtol=0, atol=6e-3)


def test_log_mel_of_a_channel_is_that_of_the_front_end_for_one():
    from benchbed.adapter.frontend import LogMel

    one = LogMel(
        24000,
        64,
        n_fft=1024,
        win_length=960,
        hop_length=480,
        mel_scale="slaney",
        norm="slaney",
        log="db",
        floor=1e-10,
        top_db=80.0,
        pad_mode="constant",
    )
    waves = signal()
    theirs = torch.stack([one(waves[:, c]).transpose(1, 2)[:, :20] for c in range(4)], 1)
    torch.testing.assert_close(SpatialFeatures("logmel")(waves), theirs, rtol=0, atol=1e-5)


def foa(azimuth: float, elevation: float, samples: int = 9600) -> torch.Tensor:
    """Noise from one direction, ACN and SN3D."""
    a, e = math.radians(azimuth), math.radians(elevation)
    weights = [1.0, math.sin(a) * math.cos(e), math.sin(e), math.cos(a) * math.cos(e)]
    noise = np.random.Generator(np.random.Philox(3)).standard_normal(samples)
    return torch.tensor(weights, dtype=torch.float64)[None, :, None] * 0.1 * torch.from_numpy(noise)


@settings(max_examples=20, deadline=None)
@given(st.floats(-180, 180), st.floats(-80, 80), st.sampled_from(["energy", "half", "intensity"]))
def test_intensity_points_to_the_source(azimuth, elevation, norm):
    flow = SpatialFeatures("logmel_iv", norm=norm, order="xyz")(foa(azimuth, elevation))[0, 4:]
    x, y, z = flow.sum((1, 2)).numpy()
    assert math.degrees(math.atan2(z, math.hypot(x, y))) == pytest.approx(elevation, abs=1e-4)
    assert math.cos(math.atan2(y, x) - math.radians(azimuth)) == pytest.approx(1, abs=1e-9)


def test_the_norms_of_a_plane_wave_by_hand():
    """|W| = |X|, nothing else: I = |W|², so that I/E is 3/4 by energy, 1 by half, 1 by the intensity."""
    spectra = torch.ones(1, 1, 1, 513, dtype=torch.complex128) * 3
    front = torch.cat([spectra, 0 * spectra, 0 * spectra, spectra], 1)
    filters = ChannelMels(24000, 1024, 4).filters.double().sum(1)
    for norm, share in (("energy", 0.75), ("half", 1.0), ("intensity", 1.0)):
        made = IntensityVectors(24000, 1024, 4, norm=norm, order="xyz")(front)[0, :, 0]
        torch.testing.assert_close(made[0], share * filters, rtol=1e-7, atol=0)
        assert (made[1:] == 0).all()


@pytest.mark.parametrize("lag", [-9, 0, 4])
def test_correlation_peaks_at_the_delay_between_microphones(lag):
    noise = torch.from_numpy(np.random.Generator(np.random.Philox(4)).standard_normal(9600))
    pair = torch.stack([noise, noise.roll(lag)])[None]
    spectra = channel_spectra(pair, torch.hann_window(960), n_fft=1024, hop_length=480)
    made = GccPhat(64)(spectra)
    assert made.shape == (1, 1, 20, 64)
    assert set((made[0, 0, 2:-2].argmax(-1) - 32).tolist()) == {lag}


def test_pairs_are_listed_first_by_first():
    front = SpatialFeatures("logmel_gcc")
    peaks = front(signal())[0, 4:, 5:15].mean(1).argmax(-1) - 32
    # Each channel hears the noise two samples before the one below.
    assert peaks.tolist() == [-2, -4, -6, -2, -4, -2]


def test_salsa_lite_tells_metres_between_microphones():
    """A tone of 1 kHz that reaches the second microphone 5 cm of way later lags by 2π · 1000 · 0.05 / 343."""
    time = torch.arange(9600, dtype=torch.float64) / 24000
    late = 0.05 / SOUND
    waves = torch.stack([torch.sin(2 * math.pi * 1000 * (time - delay)) for delay in (0.0, late)])[None]
    front = SpatialFeatures("salsa_lite", channels=2)
    made = front(waves)
    place = round(1000 * 1024 / 24000) - 2
    assert made.shape == (1, 3, 20, 382)
    shift = -2 * math.pi * 1000 * late / (2 * math.pi * 24000 / (1024 * SOUND) * (place + 2))
    torch.testing.assert_close(
        made[0, 2, 5:15, place], torch.full((10,), shift, dtype=torch.float64), rtol=1e-3, atol=0
    )


def test_salsa_lite_zeroes_phases_where_the_baselines_do_or_where_the_paper_does():
    official, exact = SalsaLite(24000, 1024), SalsaLite(24000, 1024, exact=True)
    hertz = (np.arange(382) + 2) * 24000 / 1024
    assert hertz[official.metres.numpy() != 0].max() == pytest.approx(2015.625)
    assert hertz[exact.metres.numpy() != 0].max() == pytest.approx(1968.75)


@pytest.mark.parametrize("name", FEATURES)
@pytest.mark.parametrize("kind", ["noise", "silence", "dead", "tone"])
def test_gradients_are_numbers(name, kind):
    waves = signal(torch.float32)
    if kind == "silence":
        waves = torch.zeros_like(waves)
    elif kind == "dead":
        waves[:, 1:3] = 0
    elif kind == "tone":
        waves = torch.sin(torch.arange(9600.0) / 5).expand(1, 4, -1).clone()
    waves.requires_grad_()
    made = SpatialFeatures(name)(waves)
    assert made.isfinite().all()
    made.square().sum().backward()
    assert waves.grad is not None and waves.grad.isfinite().all()
    assert kind == "silence" or bool((waves.grad != 0).any())


@pytest.mark.parametrize("name", FEATURES)
def test_gradient_is_that_of_a_finite_difference(name):
    front = SpatialFeatures(name, n_fft=64, win_length=48, hop_length=24, n_mels=8, top_db=None)
    waves = signal()[..., :240].clone().requires_grad_()
    weights = torch.from_numpy(np.random.Generator(np.random.Philox(5)).standard_normal(front(waves).shape))
    way = torch.from_numpy(np.random.Generator(np.random.Philox(6)).standard_normal(waves.shape))
    (slope,) = torch.autograd.grad((front(waves) * weights).sum(), waves)
    step = 1e-7
    with torch.no_grad():
        ahead, behind = ((front(waves + side * step * way) * weights).sum() for side in (1, -1))
    assert ((ahead - behind) / (2 * step)).item() == pytest.approx((slope * way).sum().item(), rel=1e-4)


@pytest.mark.parametrize("name", FEATURES)
def test_clips_do_not_see_each_other(name):
    waves = torch.cat([signal(), 0.01 * signal().flip(1)])
    front = SpatialFeatures(name)
    torch.testing.assert_close(front(waves)[1:], front(waves[1:]), rtol=0, atol=1e-9)


def test_loudest_moment_is_that_of_a_channel_or_of_all():
    spectra = torch.full((1, 2, 2, 513), 1e-3, dtype=torch.complex128)
    spectra[:, 0, 0] = 1e3
    apart = ChannelMels(24000, 1024, 4)(spectra)
    together = ChannelMels(24000, 1024, 4, together=True)(spectra)
    assert (apart[0, 0, 1] > apart[0, 1, 1]).any(), "raised to 80 dB below the loudest of its own channel"
    assert (together[0, 0, 1] == together[0, 1, 1]).all()
    free = ChannelMels(24000, 1024, 4, top_db=None)(spectra)
    torch.testing.assert_close(free[0, 0, 1], free[0, 1, 1])


def test_a_clip_shorter_than_a_frame_has_one():
    assert SpatialFeatures("logmel_gcc")(torch.zeros(1, 4, 10)).shape == (1, 10, 1, 64)
    assert SpatialFeatures("salsa_lite", pad_mode="reflect")(torch.zeros(1, 4, 10)).shape[2] == 1


def test_small_units():
    assert power(torch.tensor([3 - 4j])).item() == 25
    assert decibels(torch.tensor([10.0, 1e-20])).tolist() == [10.0, -100.0]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: SpatialFeatures("logmel_ivs"), "unknown features"),
        (lambda: SpatialFeatures("logmel_iv", channels=2), "4 channels"),
        (lambda: SpatialFeatures("logmel", win_length=2048), "no STFT"),
        (lambda: SpatialFeatures("logmel", pad_mode="wrap"), "unknown padding"),
        (lambda: SpatialFeatures("logmel")(torch.zeros(1, 2, 9600)), "waveforms of shape"),
        (lambda: SpatialFeatures("logmel")(torch.zeros(4, 9600)), "waveforms of shape"),
        (lambda: channel_spectra(torch.zeros(4, 99), torch.ones(8), n_fft=8, hop_length=4), "waveforms of shape"),
        (lambda: GccPhat(7), "7 lags"),
        (lambda: GccPhat(64)(torch.ones(1, 1, 1, 513)), "at least 2"),
        (lambda: GccPhat(64)(torch.ones(1, 2, 1, 17)), "transform of 32"),
        (lambda: IntensityVectors(24000, 1024, 8, norm="loud"), "unknown norm"),
        (lambda: IntensityVectors(24000, 1024, 8, order="zyx"), "unknown order"),
        (lambda: IntensityVectors(24000, 1024, 8)(torch.ones(1, 3, 1, 513)), "4 channels"),
        (lambda: SalsaLite(24000, 1024, low=3000), "low < high"),
        (lambda: SalsaLite(24000, 1024)(torch.ones(1, 1, 1, 513)), "at least 2"),
        (lambda: ChannelMels(24000, 1024, 8, top_db=0.0), "top_db"),
    ],
)
def test_bad_settings_say_what_is_wrong(make, said):
    with pytest.raises(ConfigError, match=said):
        make()
