"""The front end against librosa, against Kaldi's definition written out in numpy, and against itself dense."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbed.adapter.banded import BandedFilters
from benchbed.adapter.frontend import KALDI_FLOOR, LogMel, window_of
from benchbed.adapter.mel import hz_to_mel, mel_filters, mel_to_hz
from benchbed.errors import ConfigError

librosa = pytest.importorskip("librosa")


def noise(samples: int, clips: int = 1) -> torch.Tensor:
    rng = np.random.Generator(np.random.Philox(7))
    tone = np.sin(2 * np.pi * 0.03 * np.arange(samples))
    return torch.from_numpy((0.1 * rng.standard_normal((clips, samples)) + 0.3 * tone).astype(np.float32))


SETTINGS = [(8000, 256, 80, 40), (16000, 512, 160, 64), (32000, 1024, 320, 128), (44100, 2048, 512, 128)]


@pytest.mark.parametrize("rate, n_fft, hop, n_mels", [*SETTINGS, (32000, 4096, 500, 256)])
@pytest.mark.parametrize("scale, norm", [("htk", None), ("htk", "slaney"), ("slaney", None), ("slaney", "slaney")])
def test_mel_spectrogram_agrees_with_librosa(rate, n_fft, hop, n_mels, scale, norm):
    wave = noise(rate)
    ours = LogMel(rate, n_mels, n_fft=n_fft, hop_length=hop, mel_scale=scale, norm=norm, log=None)(wave)[0].numpy()
    theirs = librosa.feature.melspectrogram(
        y=wave[0].numpy().astype(np.float64),
        sr=rate,
        n_fft=n_fft,
        hop_length=hop,
        n_mels=n_mels,
        htk=scale == "htk",
        norm=norm,
        pad_mode="reflect",
        dtype=np.float64,
    )
    assert ours.shape == theirs.shape
    # 2e-5 of each value: float32 against float64 through a Fourier transform of up to 4096 points.
    np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=1e-9 * theirs.max())


def test_limits_magnitude_short_window_and_zero_padding_agree_with_librosa():
    wave = noise(16000)
    ours = LogMel(
        16000,
        40,
        n_fft=1024,
        win_length=400,
        hop_length=160,
        fmin=50,
        fmax=7000,
        mel_scale="slaney",
        norm="slaney",
        power=1,
        pad_mode="constant",
        log=None,
    )(wave)[0].numpy()
    theirs = librosa.feature.melspectrogram(
        y=wave[0].numpy().astype(np.float64),
        sr=16000,
        n_fft=1024,
        win_length=400,
        hop_length=160,
        fmin=50,
        fmax=7000,
        n_mels=40,
        power=1,
        pad_mode="constant",
        dtype=np.float64,
    )
    np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=1e-8)


def test_decibels_with_reference_and_range_agree_with_librosa():
    wave = noise(16000) * torch.linspace(0, 1, 16000) ** 8
    options = {"n_fft": 512, "hop_length": 160, "mel_scale": "slaney", "norm": "slaney"}
    power = LogMel(16000, 64, log=None, **options)(wave)[0].numpy()
    ours = LogMel(16000, 64, log="db", floor=1e-10, ref=0.5, top_db=60.0, **options)(wave)[0].numpy()
    np.testing.assert_allclose(ours, librosa.power_to_db(power, ref=0.5, top_db=60.0), atol=2e-5)
    assert ours.min() == pytest.approx(ours.max() - 60.0)


def test_filters_agree_with_librosa_to_float32():
    for scale, norm in (("htk", None), ("slaney", "slaney")):
        theirs = librosa.filters.mel(sr=22050, n_fft=2048, n_mels=128, htk=scale == "htk", norm=norm, dtype=np.float64)
        np.testing.assert_allclose(mel_filters(22050, 2048, 128, scale=scale, norm=norm), theirs, rtol=1e-9, atol=1e-12)


def kaldi_reference(wave, rate, n_mels, low, high, window, snip_edges):
    """Kaldi's fbank, one frame at a time, from its definition (feature-window.cc, mel-computations.cc)."""
    frame, shift = int(rate * 0.025), int(rate * 0.010)
    padded = 1 << (frame - 1).bit_length()
    count = 1 + (len(wave) - frame) // shift if snip_edges else (len(wave) + shift // 2) // shift
    mel = lambda f: 1127.0 * math.log(1.0 + f / 700.0)  # noqa: E731
    low_mel, high_mel = mel(low), mel(high if high > 0 else rate / 2 + high)
    step = (high_mel - low_mel) / (n_mels + 1)
    out = np.zeros((count, n_mels))
    for f in range(count):
        start = f * shift if snip_edges else f * shift + shift // 2 - frame // 2
        x = np.zeros(frame)
        for i in range(frame):
            s = start + i
            while s < 0 or s >= len(wave):
                s = -s - 1 if s < 0 else 2 * len(wave) - 1 - s
            x[i] = wave[s]
        x -= x.mean()
        emphasised = x.copy()
        for i in range(frame - 1, 0, -1):
            emphasised[i] -= 0.97 * emphasised[i - 1]
        emphasised[0] -= 0.97 * x[0]
        hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(frame) / (frame - 1))
        emphasised *= hann**0.85 if window == "povey" else hann
        power = np.abs(np.fft.rfft(emphasised, padded)) ** 2
        for b in range(n_mels):
            left, centre, right = (low_mel + (b + j) * step for j in range(3))
            total = 0.0
            for k in range(padded // 2):
                m = mel(k * rate / padded)
                if left < m < right:
                    total += power[k] * (
                        (m - left) / (centre - left) if m <= centre else (right - m) / (right - centre)
                    )
            out[f, b] = math.log(max(total, KALDI_FLOOR))
    return out.T


@pytest.mark.parametrize("snip_edges", [True, False])
@pytest.mark.parametrize("rate, window, high", [(16000, "povey", 0.0), (8000, "hann", -400.0)])
def test_kaldi_option_agrees_with_the_definition(rate, window, high, snip_edges):
    wave = noise(rate // 5)[0]
    ours = LogMel.kaldi(rate, 23, window=window, fmax=high or None, center=not snip_edges)(wave[None])[0].numpy()
    theirs = kaldi_reference(wave.numpy().astype(np.float64), rate, 23, 20.0, high, window, snip_edges)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, atol=2e-4)


def test_pre_emphasis_of_the_waveform_is_the_difference_equation():
    wave = noise(8000)
    by_hand = wave[:, 1:] - 0.97 * wave[:, :-1]
    options = {"n_fft": 512, "hop_length": 160}
    assert torch.equal(LogMel(16000, 32, preemphasis=0.97, **options)(wave), LogMel(16000, 32, **options)(by_hand))


@pytest.mark.parametrize(
    "mel",
    [
        LogMel(32000, 128),
        LogMel(32000, 64, n_fft=1024, hop_length=320, mel_scale="slaney", norm="slaney"),
        LogMel(16000, 40, n_fft=512, win_length=400, hop_length=160, power=1, fmin=50, fmax=7000),
        LogMel(16000, 32, n_fft=511, win_length=400, hop_length=160, pad_mode="constant", preemphasis=0.97),
        LogMel(16000, 32, n_fft=512, hop_length=160, pad_mode="replicate", log="db", top_db=80, floor=1e-10),
        LogMel(16000, 32, n_fft=512, hop_length=160, center=False, log=None),
        LogMel(8000, 128, n_fft=256, hop_length=80),
        LogMel.kaldi(16000, 80),
        LogMel.kaldi(16000, 23, center=True, power=1),
    ],
)
def test_paths_with_and_without_gradients_agree(mel):
    wave = noise(32000, clips=3)
    dense = mel(wave.clone().requires_grad_())
    assert dense.requires_grad
    largest = 1.0 if mel.log else float(dense.detach().abs().max())
    assert (mel(wave) - dense.detach()).abs().max() < 2e-5 * largest


def test_a_long_clip_in_pieces_is_what_its_parts_give():
    wave, mel = noise(32000 * 12, clips=1), LogMel(32000, 64, n_fft=1024, hop_length=320, center=False, log=None)
    whole = mel(wave)
    for frame in (0, 127, 128, 129, 600, whole.shape[-1] - 1):
        alone = mel(wave[:, 320 * frame : 320 * frame + 1024])
        torch.testing.assert_close(alone[0, :, 0], whole[0, :, frame], rtol=2e-6, atol=1e-9)


def test_result_does_not_depend_on_the_batch():
    wave, mel = noise(16000, clips=1).repeat(4, 1) * torch.tensor([1.0, 0.5, 0.1, 0.0])[:, None], LogMel(16000, 64)
    assert torch.equal(mel(wave)[2], mel(wave[2:3])[0])


@pytest.mark.parametrize("samples", [1600, 4000, 16000, 40000])
@pytest.mark.parametrize(
    "mel",
    [
        LogMel(16000, 64, n_fft=512, hop_length=160),
        LogMel(16000, 40, n_fft=400, hop_length=160, power=1.0, center=False),
        LogMel.kaldi(16000, 80),
        LogMel(32000, 64, n_fft=1024, hop_length=320, mel_scale="slaney", norm="slaney"),
    ],
)
def test_clips_of_a_batch_have_the_bits_of_each_alone(mel, samples):
    waves = noise(samples, clips=19) * torch.logspace(-3, 0, 19)[:, None]
    assert torch.equal(mel(waves), torch.cat([mel(wave[None]) for wave in waves]))


def test_clips_go_through_one_by_one_where_a_library_sums_wider_products_otherwise(monkeypatch):
    honest, waves = BandedFilters.into_parts, noise(16000, clips=7)
    alone = torch.cat([LogMel(16000, 64, hop_length=160)(wave[None]) for wave in waves])
    widths = []

    def otherwise(bank, parts, spectra):
        widths.append(len(spectra))
        honest(bank, parts, spectra)
        for part in parts if len(spectra) > 101 else ():
            part.mul_(1 + 2**-20)

    monkeypatch.setattr(BandedFilters, "into_parts", otherwise)
    mel = LogMel(16000, 64, hop_length=160)
    assert torch.equal(mel(waves), alone) and max(widths) > 101
    widths.clear()
    assert torch.equal(mel(waves), alone) and set(widths) == {101}


@pytest.mark.parametrize("make", [LogMel, LogMel.kaldi])
def test_a_default_device_elsewhere_changes_nothing_for_clips_on_the_cpu(make):
    waves = noise(4000, 3)
    expected = make(16000, 32)(waves)
    mel = make(16000, 32)
    with torch.device("meta"):
        found = mel(waves)
    assert torch.equal(found, expected)


def test_how_many_clips_go_together_is_measured_again_where_a_front_end_is_loaded():
    mel, waves = LogMel(16000, 32, n_fft=512, hop_length=160), noise(4000, 3)
    expected = mel(waves)
    measured = set(mel._groups.values())
    mel._groups = dict.fromkeys(mel._groups, -1)  # as another machine may have had it
    loaded = pickle.loads(pickle.dumps(mel))
    assert torch.equal(loaded(waves), expected) and set(loaded._groups.values()) == measured
    # One that was saved before there were groups.
    state = {name: value for name, value in mel.__dict__.items() if name != "_groups"}
    older = LogMel.__new__(LogMel)
    older.__setstate__(state)
    assert torch.equal(older(waves), expected)


@pytest.mark.parametrize("framing", ["stft", "kaldi"])
def test_gradient_agrees_with_finite_differences(framing):
    options = {"n_fft": 64, "hop_length": 32}
    make = LogMel if framing == "stft" else LogMel.kaldi
    mel = make(2000, 6, **(options if framing == "stft" else {})).double()
    wave = noise(160).double().requires_grad_()
    assert torch.autograd.gradcheck(mel, (wave,), eps=1e-6, atol=1e-4)


def test_gradient_of_silence_is_finite():
    for power in (1, 2):
        wave = torch.zeros(1, 4000, requires_grad=True)
        LogMel(16000, 32, n_fft=512, hop_length=160, power=power)(wave).sum().backward()
        assert torch.isfinite(wave.grad).all()


def test_layouts_of_the_input():
    mel, wave = LogMel(16000, 32, n_fft=512, hop_length=160), noise(4000, clips=2)
    assert torch.equal(mel(wave), mel(wave[:, None]))
    stereo = torch.stack([wave, torch.zeros_like(wave)], 1)
    assert torch.allclose(mel(stereo), mel(wave / 2), atol=1e-5)
    assert mel(wave[:0]).shape[:2] == (0, 32)


@pytest.mark.parametrize("make", [LogMel, LogMel.kaldi])
@pytest.mark.parametrize("samples", [1, 100, 513, 1600])
def test_short_clips_give_at_least_one_frame(make, samples):
    out = make(16000, 32)(noise(samples))
    assert out.shape[-1] >= 1 and torch.isfinite(out).all()


def test_survives_copying_and_keeps_nothing_in_a_checkpoint():
    mel, wave = LogMel(16000, 32, n_fft=512, hop_length=160), noise(4000)
    before = mel(wave)
    assert torch.equal(copy.deepcopy(mel)(wave), before)
    assert mel.state_dict() == {}


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 48000), st.sampled_from(["htk", "slaney", "kaldi"]))
def test_mel_and_back(hertz, scale):
    assert float(mel_to_hz(hz_to_mel(np.array(hertz), scale), scale)) == pytest.approx(hertz, abs=1e-6)


@pytest.mark.parametrize(
    "make",
    [
        lambda: mel_filters(16000, 512, 40, scale="slany"),
        lambda: mel_filters(16000, 512, 40, fmax=9000),
        lambda: window_of("han", 400, True),
        lambda: LogMel(16000, win_length=2048),
        lambda: LogMel(16000, log="log2"),
        lambda: LogMel(16000, remove_dc=True),
    ],
)
def test_impossible_options_are_refused(make):
    with pytest.raises(ConfigError):
        make()
