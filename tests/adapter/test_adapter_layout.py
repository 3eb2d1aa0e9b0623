"""Axes of a network's input: what is inferred, what is refused."""

import numpy as np
import pytest

from benchbed.adapter.exported import score_kind
from benchbed.adapter.layout import arrange, check_layout, infer_layout
from benchbed.errors import AdapterError, ConfigError

WAVE = {"channel": 1, "sample": None}
MEL = {"channel": 1, "band": 64, "frame": 101}


@pytest.mark.parametrize(
    ("shape", "sizes", "expected"),
    [
        ((None,), WAVE, "sample"),
        ((None, 16000), WAVE, "clip,sample"),
        ((1, 1, 16000), WAVE, "clip,channel,sample"),
        ((1, 16000, 1), WAVE, "clip,sample,channel"),
        ((None, None, None), WAVE, "clip,channel,sample"),
        ((64, 101), MEL, "band,frame"),
        ((1, 101, 64), MEL, "clip,frame,band"),
        ((None, 1, 64, None), MEL, "clip,channel,band,frame"),
        ((None, 1, None, 64), MEL, "clip,channel,frame,band"),
        ((None, 101, 64, 1), MEL, "clip,frame,band,channel"),
        ((None, 1, 64, None), MEL | {"frame": None}, "clip,channel,band,frame"),
    ],
)
def test_inferred(shape, sizes, expected):
    assert ",".join(infer_layout(shape, sizes)) == expected


@pytest.mark.parametrize(
    ("shape", "sizes"),
    [((None, 1, None, None), MEL), ((None, 1, 40, 101), MEL), ((1, 1, 1, 1, 1), MEL), ((1, 1, 64, 101), WAVE)],
)
def test_unclear(shape, sizes):
    with pytest.raises(ConfigError, match="not clear") as caught:
        infer_layout(shape, sizes)
    assert "input_layout" in caught.value.hint


@pytest.mark.parametrize(
    "layout", ["clip,band", "clip,sample,sample", "sample,clip", "clip,sample,channel", "clip,smaple"]
)
def test_refused(layout):
    with pytest.raises(ConfigError):
        check_layout(layout.split(","), (None, 16000), ("clip", "channel", "sample"), 1)


def test_stereo_needs_a_channel_axis():
    with pytest.raises(ConfigError, match="no channel axis"):
        check_layout(("clip", "sample"), (None, None), ("clip", "channel", "sample"), 2)


def test_arranged():
    array = np.arange(2 * 3 * 4).reshape(2, 1, 3, 4)
    axes = ("clip", "channel", "band", "frame")
    got = arrange(array, axes, ("clip", "frame", "band", "channel"), (None, 4, 3, 1))
    assert got.shape == (2, 4, 3, 1)
    assert got[1, 3, 2, 0] == array[1, 0, 2, 3]
    assert arrange(array, axes, ("band", "frame"), (3, 4)).shape == (2, 3, 4)
    with pytest.raises(AdapterError, match="wants 5 along frame and is given 4"):
        arrange(array, axes, ("clip", "band", "frame"), (None, 3, 5))


def test_score_kind():
    rows = np.array([[0.25, 0.75], [0.5, 0.5]])
    assert score_kind(rows, "scene") == "probabilities"
    assert score_kind(np.log(rows), "scene") == "log_probabilities"
    assert score_kind(rows * 2, "scene") == "logits"
    assert score_kind(rows[:, :1], "tags") == "probabilities"
    assert score_kind(rows - 0.5, "frames") == "logits"
