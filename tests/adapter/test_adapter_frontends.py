"""Front ends by name, each held against an independent implementation: librosa, Kaldi, sums over time."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch

from benchbed.adapter.front import NamedFrontEnd
from benchbed.adapter.frontends import FRONT_ENDS
from benchbed.adapter.frontends.mfcc_deltas import regression
from benchbed.errors import ConfigError


def sound(samples: int, channels: int = 1, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    tone = 0.3 * np.sin(np.arange(samples) * 0.05)
    return (tone + 0.05 * generator.standard_normal((channels, samples))).astype(np.float32)


def made(kind: str, signal: np.ndarray, **options) -> np.ndarray:
    return NamedFrontEnd(kind, options).build()(torch.from_numpy(signal)[None])[0].detach().numpy()


@pytest.mark.parametrize(("scale", "norm"), [("htk", None), ("slaney", "slaney")])
def test_mel_variants_are_those_of_librosa(scale, norm):
    signal = sound(32000)
    ours = made("log_mel", signal, sample_rate=32000, n_mels=64, mel_scale=scale, norm=norm, log="db", floor=1e-10)
    theirs = librosa.power_to_db(
        librosa.feature.melspectrogram(
            y=signal[0],
            sr=32000,
            n_fft=1024,
            hop_length=320,
            n_mels=64,
            htk=scale == "htk",
            norm=norm,
            pad_mode="reflect",
        ),
        top_db=None,
    )
    np.testing.assert_allclose(ours, theirs, atol=2e-3)


def test_kaldi_filter_banks_are_its_definition():
    """Frames, pre-emphasis, Povey's window and triangles straight over mel, written out from Kaldi's feature-window.cc
    and mel-computations.cc."""
    signal = sound(8000)
    frames = np.lib.stride_tricks.sliding_window_view(signal[0].astype(np.float64), 400)[::160]
    frames = frames - frames.mean(1, keepdims=True)
    frames = frames - 0.97 * np.concatenate([frames[:, :1], frames[:, :-1]], 1)
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 399)) ** 0.85
    power = np.abs(np.fft.rfft(frames * window, 512)) ** 2
    mel = 1127 * np.log1p(np.arange(257) * 16000 / 512 / 700)
    edges = np.linspace(1127 * np.log1p(20 / 700), 1127 * np.log1p(8000 / 700), 82)
    bank = np.array(
        [
            np.maximum(0, np.minimum((mel - low) / (mid - low), (high - mel) / (high - mid)))
            for low, mid, high in zip(edges, edges[1:], edges[2:])
        ]
    )
    bank[:, -1] = 0
    wanted = np.log(np.maximum(bank @ power.T, np.finfo(np.float32).eps))
    np.testing.assert_allclose(made("kaldi_fbank", signal, sample_rate=16000, n_mels=80), wanted, atol=2e-3)


def test_61_cepstra_and_differences_are_those_of_librosa():
    signal = sound(44100)
    ours = made("mfcc_deltas", signal)
    assert ours.shape == (61, 51)
    win = 882
    mel = librosa.feature.melspectrogram(
        y=signal[0], sr=44100, n_fft=1024, win_length=win, hop_length=win, n_mels=40, pad_mode="constant"
    )
    cepstra = librosa.feature.mfcc(S=librosa.power_to_db(mel, top_db=None), n_mfcc=24)
    first = librosa.feature.delta(cepstra[:20], width=3, order=1, mode="nearest")
    second = librosa.feature.delta(first, width=3, order=1, mode="nearest")
    np.testing.assert_allclose(ours[:23], cepstra[1:], atol=2e-3)
    np.testing.assert_allclose(ours[23:41], first[:18], atol=2e-3)
    np.testing.assert_allclose(ours[41:], second[:20], atol=2e-3)


def test_a_regression_over_two_frames_is_that_of_the_htk_book():
    values = torch.tensor([[[0.0, 1.0, 4.0, 9.0, 16.0]]])
    # By hand, at the middle: (1·(9 − 1) + 2·(16 − 0)) / (2·(1 + 4)); at the start with the first frame repeated.
    found = regression(values, 2)[0, 0].tolist()
    assert found[2] == pytest.approx(4.0) and found[0] == pytest.approx((1 - 0 + 2 * (4 - 0)) / 10)


def test_zeroth_coefficient_in_the_place_of_the_last():
    signal = sound(44100)
    with_zeroth, without = made("mfcc_deltas", signal, zeroth=True), made("mfcc_deltas", signal)
    np.testing.assert_array_equal(with_zeroth[1:23], without[:22])
    np.testing.assert_array_equal(with_zeroth[23:], without[23:])


def test_binaural_is_left_right_and_difference():
    signal = sound(16000, 2)
    ours = made("binaural", signal, inner="log_mel", sample_rate=16000, n_mels=40, log="db", floor=1e-10)
    for image, part in zip(ours, (signal[0], signal[1], signal[0] - signal[1])):
        theirs = librosa.feature.melspectrogram(
            y=part, sr=16000, n_fft=1024, hop_length=320, n_mels=40, htk=True, norm=None, pad_mode="reflect"
        )
        np.testing.assert_allclose(image, librosa.power_to_db(theirs, top_db=None), atol=5e-3)


def test_binaural_of_one_channel_is_refused():
    with pytest.raises(ConfigError, match="binaural features of waveforms"):
        made("binaural", sound(8000))


def test_scalogram_is_the_sum_over_time():
    """|Σ x(t) ψ*((t − τ)/s)| of Morlet's wavelet written out in time, at three frequencies."""
    rate = 4000
    signal = sound(3000, seed=2)
    module = NamedFrontEnd(
        "scalogram",
        {"sample_rate": rate, "fmin": 200.0, "fmax": 1000.0, "per_octave": 4, "bands": 0, "frames": 0, "log": False},
    ).build()
    ours = module(torch.from_numpy(signal)[None].double())[0].numpy()
    for number in (0, 4, len(ours) - 1):
        scale = 6.0 * rate / (2 * np.pi * 200 * 2 ** (number / 4))
        time = np.arange(-int(6 * scale), int(6 * scale) + 1)
        wavelet = np.exp(1j * 6.0 * time / scale - 0.5 * (time / scale) ** 2) * np.sqrt(2 / np.pi) / scale
        theirs = np.abs(np.convolve(signal[0].astype(np.float64), wavelet, mode="full"))[len(time) // 2 :][:3000]
        np.testing.assert_allclose(ours[number], theirs, atol=1e-6)


def test_a_sine_of_amplitude_one_gives_one_at_its_frequency():
    rate, tone = 8000, 50 * 2 ** (40 / 16)
    signal = np.sin(2 * np.pi * tone * np.arange(rate) / rate).astype(np.float32)[None]
    image = made("scalogram", signal, sample_rate=rate, bands=0, frames=0, log=False)
    middle = image[:, rate // 2]
    assert middle.argmax() == 40 and middle[40] == pytest.approx(1.0, abs=1e-4)
    # Off its frequency by the closed form exp(−½ (ω f/f₀ − ω)²).
    assert middle[41] == pytest.approx(np.exp(-0.5 * (6 / 2 ** (1 / 16) - 6) ** 2), abs=1e-4)


def test_the_end_of_a_clip_does_not_reach_its_start():
    signal = np.zeros((1, 8000), np.float32)
    signal[0, -10:] = 1
    image = made("scalogram", signal, sample_rate=8000, bands=0, frames=0, log=False)
    assert image[:, :200].max() < 1e-6 < image[:, -10:].max()


def test_a_scalogram_has_the_size_of_the_image():
    assert made("scalogram", sound(32000)).shape == (128, 100)
    assert made("scalogram", sound(32000), bands=70, frames=50).shape == (70, 50)


def test_learned_filters_are_products_with_frames():
    torch.manual_seed(0)
    module = NamedFrontEnd("learned", {"filters": 8, "norm": False}).build()
    signal = torch.from_numpy(sound(800))[None]
    frames = torch.nn.functional.pad(signal[0, 0], (38, 38)).unfold(0, 80, 4)
    wanted = (frames @ module[0].weight[:, 0].T + module[0].bias).clamp_min(0).T
    torch.testing.assert_close(module(signal)[0], wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("level", ["peak", "standard"])
def test_a_levelled_waveform_does_not_depend_on_its_level(level):
    signal = sound(800)
    np.testing.assert_allclose(
        made("waveform", 3 * signal, level=level), made("waveform", signal, level=level), atol=1e-5
    )
    assert np.isfinite(made("waveform", 0 * signal, level=level)).all()


@pytest.mark.parametrize("kind", [name for name in FRONT_ENDS.names() if name != "integer_mel"])
def test_every_front_end_has_a_gradient(kind):
    channels = 2 if kind == "binaural" else 1
    waveforms = torch.from_numpy(sound(12000, channels))[None].requires_grad_()
    NamedFrontEnd(kind).build()(waveforms).square().mean().backward()
    assert torch.isfinite(waveforms.grad).all() and waveforms.grad.abs().sum() > 0


@pytest.mark.parametrize("kind", FRONT_ENDS.names())
def test_a_clip_does_not_hear_its_neighbours(kind):
    channels = 2 if kind == "binaural" else 1
    both = torch.stack([torch.from_numpy(sound(12000, channels, seed)) for seed in (0, 1)])
    module = NamedFrontEnd(kind).build().eval()
    torch.testing.assert_close(module(both)[1:], module(both[1:]), atol=1e-5, rtol=1e-5)


def test_words_of_a_front_end_name_what_was_asked():
    inner = NamedFrontEnd("binaural", {"inner": "mfcc_deltas", "win_seconds": 0.04})
    assert inner.text == "binaural(inner=mfcc_deltas, win_seconds=0.04)"


def test_a_wrong_name_or_option_is_one_clear_error():
    with pytest.raises(ConfigError, match="unknown front end 'logmel'") as caught:
        NamedFrontEnd("logmel")
    assert "log_mel" in str(caught.value)
    with pytest.raises(ConfigError, match="no option 'filter'") as caught:
        NamedFrontEnd("learned", {"filter": 3})
    assert "filters" in str(caught.value)
    for kind, options in (
        ("mfcc_deltas", {"n_mels": 10}),
        ("scalogram", {"fmin": 0.0}),
        ("learned", {"stride": 100}),
        ("waveform", {"level": "loud"}),
        ("integer_mel", {"window": 1000}),
    ):
        with pytest.raises(ConfigError):
            NamedFrontEnd(kind, options).build()
