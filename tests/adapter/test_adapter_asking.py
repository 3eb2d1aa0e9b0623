"""Asking a model: answers are kept, what is lent comes back as it was, and an exit ends nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchbed.adapter.asking import ask
from benchbed.adapter.check import check
from benchbed.adapter.contract import Adapter, Card
from benchbed.adapter.load import LoadedAdapter, load_adapter, start
from benchbed.errors import AdapterError
from benchbed.types import Batch

CARD = Card(name="net", family="other", output="scene", labels=("a", "b", "c"), sample_rate=8000)
SOURCE = """
import sys
import numpy as np
from benchbed.adapter import Adapter, Card
{at_import}

class Net(Adapter):
    card = Card(name="net", family="other", output="scene", labels=("a", "b"), sample_rate=8000)

    def __init__(self):
        {at_construction}

    def load(self, device="cpu"):
        {at_load}

    def predict(self, batch):
        {at_predict}
        return np.zeros((len(batch), 2), np.float32)
"""


def batch(seed: int = 0, clips: int = 2) -> Batch:
    noise = np.random.Generator(np.random.Philox(key=seed)).standard_normal((clips, 1, 80)).astype(np.float32)
    return Batch(noise, np.full(clips, 80), 8000)


class Buffered(Adapter):
    """Answers in the same array every time."""

    card = CARD

    def __init__(self) -> None:
        self.buffer = np.zeros((64, 3), np.float32)

    def predict(self, batch: Batch) -> np.ndarray:
        self.buffer[: len(batch)] = np.abs(batch.waveforms[:, 0, :3]) + self.noise()
        return self.buffer[: len(batch)]

    def noise(self) -> np.ndarray:
        return np.zeros(3)


class Shaky(Buffered):
    """Answers otherwise every time, in the same array."""

    calls = 0

    def noise(self) -> np.ndarray:
        self.calls += 1
        return self.calls * np.arange(3.0)


class Scaling(Buffered):
    """Writes into what it was given."""

    def predict(self, batch: Batch) -> np.ndarray:
        batch.waveforms[:] *= 0.5
        batch.lengths[:] = 0
        return super().predict(batch)


def test_an_answer_stays_what_it_was():
    model = Buffered()
    first = ask(model, batch(1))
    kept = first.copy()
    ask(model, batch(2))
    assert np.array_equal(first, kept)


def test_what_is_lent_comes_back_as_it_was():
    given = batch()
    waveforms, lengths = given.waveforms.copy(), given.lengths.copy()
    ask(Scaling(), given, lent=True)
    assert np.array_equal(given.waveforms, waveforms)
    assert np.array_equal(given.lengths, lengths)


def test_check_does_not_compare_a_buffer_with_itself():
    outcomes = {o.name: o for o in check(LoadedAdapter(Shaky(), "", "", None, "", {}))}
    assert outcomes["determinism"].status == "fail"
    outcomes = {o.name: o for o in check(LoadedAdapter(Buffered(), "", "", None, "", {}))}
    assert outcomes["determinism"].status == "pass"
    assert outcomes["batch_invariance"].status == "pass"


def test_a_tensor_with_a_gradient_is_one_error():
    class Grads(Buffered):
        def predict(self, batch):
            return torch.zeros(len(batch), 3, requires_grad=True)

    with pytest.raises(AdapterError, match="Tensor, which is no array of numbers"):
        ask(Grads(), batch())


def test_ragged_rows_are_one_error():
    class Ragged(Buffered):
        def predict(self, batch):
            return [[1.0, 2.0], [3.0]]

    with pytest.raises(AdapterError, match="no array of numbers"):
        ask(Ragged(), batch())


@pytest.mark.parametrize("stage", ["at_import", "at_construction", "at_load", "at_predict"])
@pytest.mark.parametrize("code", ["0", "3", "'no weights'", ""])
def test_an_exit_is_an_error_with_its_line(tmp_path, stage, code):
    stages = dict.fromkeys(("at_import", "at_construction", "at_load", "at_predict"), "pass") | {
        stage: f"sys.exit({code})"
    }
    text = SOURCE
    for name, line in stages.items():
        text = text.replace("{" + name + "}", line)
    path = tmp_path / "net.py"
    path.write_text(text)
    with pytest.raises(AdapterError, match=r"called sys\.exit") as caught:
        ask(start(load_adapter(str(path))), batch())
    line = next(i for i, row in enumerate(text.splitlines(), 1) if "sys.exit" in row)
    assert caught.value.where == f"{path}:{line}"
