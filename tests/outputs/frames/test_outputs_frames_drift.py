"""Card, number of frames and length of the audio: what agrees, what is said, what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchbed.card import Card
from benchbed.errors import AdapterError
from benchbed.outputs import output_of
from benchbed.outputs.contract import Heard
from benchbed.outputs.frames.grid import drift
from benchbed.run.scoring.heard import HeardClips, cropped, remarks


def reading(**card):
    card = Card("f", "crnn", "frames", ("a",), 16000, frame_seconds=0.02, clip_seconds=10.0, **card)
    return output_of("frames").read(card, ("a",))


def answers(frames: int) -> np.ndarray:
    return np.zeros((2, frames, 1), np.float32)


@pytest.mark.parametrize("frames", [495, 498, 500, 501, 502, 505])
def test_edges_are_nothing_to_speak_of(frames):
    assert drift(frames, 0.02, 10.0) == (None, False)


@pytest.mark.parametrize(("frames", "side"), [(494, "early"), (480, "early"), (506, "late"), (520, "late")])
def test_more_than_a_hundredth_is_said(frames, side):
    heard = Heard(10.0, 160_000)
    raw = reading().check(answers(frames), 2, heard)
    said = reading().remark(raw[:, None], Heard(10.0, 160_000, 10.0))
    assert side in said and f"{10 / frames:g} s would fit" in said


@pytest.mark.parametrize("frames", [250, 470, 530, 1000, 0])
def test_more_than_a_twentieth_is_refused(frames):
    with pytest.raises(AdapterError, match="would fit") as caught:
        reading().check(answers(frames), 2, Heard(10.0, 160_000))
    assert "frame_seconds" in caught.value.hint


def test_a_record_says_it_once_for_all_conditions():
    first = pd.DataFrame({"clip_id": ["a", "b"], "remark": ["early", None], "order": [0, 1]})
    parts = [HeardClips(first, first.dropna()), HeardClips(first, first.dropna())]
    heard = HeardClips.joined(parts)
    (told,) = remarks(heard.remarks, len(heard.clips))
    assert (told.name, told.status, told.message) == ("frames", "warn", "1 of 2 clips: early")
    assert remarks(heard.remarks.iloc[:0], 2) == []


def test_a_record_says_where_a_model_hears_a_part_of_its_clips():
    table = pd.DataFrame({"clip_id": ["a", "b", "c"], "unheard": [0.8, 0.01, 0.6]})
    (told,) = cropped(table)
    assert "of 2 of 3 clips the model hears a part (30% at the median)" in told.message
    assert cropped(table.assign(unheard=0.02)) == []
