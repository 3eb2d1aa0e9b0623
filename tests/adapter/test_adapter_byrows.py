"""Log-mel spectra by frame: those of the front end in double precision up to rounding, or the front end itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchbed.adapter.byrows import log_mels
from benchbed.adapter.frontend import PIECE_SAMPLES, LogMel

FRONTS = {
    "cnn": lambda: LogMel(8000, 16, n_fft=256, hop_length=80, mel_scale="slaney", norm="slaney"),
    "passt": lambda: LogMel(8000, 32, n_fft=256, win_length=200, hop_length=80, preemphasis=0.97, periodic=False),
    "kaldi": lambda: LogMel.kaldi(8000, 24),
    "scaled, in dB": lambda: LogMel(8000, 16, log="db", floor=1e-10, top_db=80.0, scale=32768.0, center=False),
}


def waves(clips=5, channels=1, samples=4000):
    made = np.random.default_rng(1).standard_normal((clips, channels, samples)) * 0.1 ** np.arange(clips)[:, None, None]
    return torch.from_numpy(made.astype(np.float32))


@pytest.mark.parametrize("name", FRONTS)
@pytest.mark.parametrize(("clips", "channels"), [(5, 1), (1, 2), (40, 1)])
def test_they_are_those_of_the_front_end_up_to_rounding(name, clips, channels):
    front, given = FRONTS[name](), waves(clips, channels)
    with torch.inference_mode():
        ours, plain = log_mels(front, given), front(given)
        wanted = front.double()(given.double())
    assert ours.is_contiguous() and ours.dtype == torch.float32 and ours.shape == plain.shape
    assert not torch.equal(ours, plain)  # the other way was gone
    assert (ours - wanted).abs().max() / wanted.abs().max() < 2e-5


def test_a_clip_too_short_for_a_frame_is_padded_as_ever():
    front, given = FRONTS["kaldi"](), waves(3, samples=50)
    with torch.inference_mode():
        torch.testing.assert_close(log_mels(front, given), front(given), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("front", "given"),
    [
        (lambda: LogMel(8000, 16, n_fft=256, hop_length=80, power=1.0), lambda: waves()),
        (FRONTS["cnn"], lambda: waves(2, samples=PIECE_SAMPLES)),
        (FRONTS["cnn"], lambda: waves().double()),
        (FRONTS["cnn"], lambda: waves(0)),
    ],
    ids=["magnitudes", "long", "double precision", "no clips"],
)
def test_where_it_is_not_faster_it_is_the_front_end_itself(front, given):
    front, given = front(), given()
    with torch.inference_mode():
        assert torch.equal(log_mels(front, given), front(given))


def test_gradients_are_those_of_the_front_end():
    front, given = FRONTS["cnn"](), waves(2).requires_grad_()
    log_mels(front, given).sum().backward()
    assert given.grad is not None and bool(given.grad.abs().sum() > 0)
