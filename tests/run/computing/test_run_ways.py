"""Every way of hearing a clip keeps the one contract: what is given is heard, and answered with a row a clip."""

from __future__ import annotations

import numpy as np
import pytest

from benchbed.adapter import Adapter, Card
from benchbed.outputs import output_of
from benchbed.run.computing.at_once import Whole
from benchbed.run.computing.ways import Hearing
from benchbed.run.computing.windows import InWindows, Joined

RATE = 8000


class Loud(Adapter):
    """Says how loud what it hears is, as two scores."""

    def __init__(self, output: str) -> None:
        self.card = Card("loud", "other", output, ("a", "b"), RATE, clip_seconds=1.0, frame_seconds=0.1)

    def predict(self, batch):
        frames = np.abs(batch.waveforms[:, 0]).reshape(len(batch), -1, 800).mean(2)
        scores = np.stack([frames, -frames], 2).astype(np.float32)
        return scores if self.card.output == "frames" else scores.mean(1)


@pytest.mark.parametrize(
    ("output", "make", "seconds"),
    [
        ("scene", lambda card: Whole(card, 4), 1.0),
        ("scene", lambda card: Joined(card, 4, 1.0, 0.5, "mean", "a test"), 2.5),
        ("frames", lambda card: InWindows(card, 4), 2.5),
    ],
)
def test_a_way_of_hearing(output, make, seconds):
    adapter = Loud(output)
    way = make(adapter.card)
    assert isinstance(way, Hearing)
    wave = np.full((1, round(seconds * RATE)), 0.25, np.float32)
    given = [way.given(gain * wave, RATE) for gain in (1.0, 0.5)]
    inputs = np.stack([one.waveform for one in given])
    reading = output_of(output).read(adapter.card, ("a", "b"))
    answers = way.ask(adapter, reading, inputs, {})
    assert len(answers) == 2 and np.isfinite(answers).all()
    assert way.inputs(inputs.shape[2]) >= 1 and way.describe()
    assert way.heard(inputs.shape[2], seconds).seconds == seconds
    assert reading.usable(answers).all()
    # A clip alone is answered as it is beside another.
    assert np.array_equal(way.ask(adapter, reading, inputs[:1], {})[0], answers[0])
