"""HEAR modules and X-ARES encoders: tiny ones of each interface, and every way in which one may not keep it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchbed.adapter.encoder import encoder_of
from benchbed.adapter.load import load_adapter, start
from benchbed.errors import AdapterError, BenchbedError
from benchbed.types import Batch

HEAR = """
import torch

class Model(torch.nn.Module):
    sample_rate = 8000
    scene_embedding_size = 4
    timestamp_embedding_size = 2

    def __init__(self):
        super().__init__()
        self.line = torch.nn.Linear(80, 2)

def load_model(model_file_path=""):
    torch.manual_seed(0)
    return Model()

def get_timestamp_embeddings(audio, model):
    frames = model.line(audio.unfold(1, 80, 80))
    moments = (torch.arange(frames.shape[1]) * 10.0 + 5.0)[None].expand(len(audio), -1)
    return frames, moments

def get_scene_embeddings(audio, model):
    frames, _ = get_timestamp_embeddings(audio, model)
    return torch.cat([frames.mean(1), frames.std(1)], 1)
"""
XARES = """
import torch

class TinyEncoder(torch.nn.Module):
    sampling_rate = 8000
    output_dim = 3
    hop_size_in_ms = 20

    def __init__(self):
        super().__init__()
        self.line = torch.nn.Linear(160, 3)

    def forward(self, audio):
        return self.line(audio.unfold(1, 160, 160))
"""


def heard(samples: int = 8000, seed: int = 0) -> Batch:
    noise = np.random.default_rng(seed).normal(0, 0.1, (2, 1, samples)).astype(np.float32)
    return Batch(noise, np.full(2, samples), 8000)


def hear(tmp_path, *changes):
    text = HEAR
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    (tmp_path / "mine.py").write_text(text)
    return {"module": str(tmp_path / "mine.py")}


def xares(tmp_path, *changes):
    text = XARES
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    (tmp_path / "mine.py").write_text(text)
    return {"encoder": str(tmp_path / "mine.py")}


def test_a_hear_module_is_an_encoder(tmp_path):
    adapter = start(load_adapter("hear", hear(tmp_path)))
    assert adapter.card.output == "embedding" and adapter.card.sample_rate == 8000
    assert adapter.card.frame_seconds == pytest.approx(0.01) and adapter.forward is not None
    frames = adapter.model.line(torch.from_numpy(heard().waveforms[:, 0]).unfold(1, 80, 80))
    scene = torch.cat([frames.mean(1), frames.std(1)], 1).detach().numpy()
    np.testing.assert_allclose(adapter.predict(heard()), scene, atol=1e-6)
    over_time = encoder_of(adapter, over_time=True)
    np.testing.assert_allclose(over_time.hear(heard()), frames.detach().numpy(), atol=1e-6)
    assert (over_time.width, over_time.hop) == (2, pytest.approx(0.01)) and encoder_of(adapter).width == 4


def test_an_x_ares_encoder_is_one_and_its_clips_are_means_over_frames(tmp_path):
    adapter = start(load_adapter("xares", xares(tmp_path)))
    over_time = encoder_of(adapter, over_time=True)
    frames = over_time.hear(heard())
    assert frames.shape == (2, 50, 3) and over_time.hop == 0.02
    np.testing.assert_allclose(adapter.predict(heard()), frames.mean(1), atol=1e-6)
    assert load_adapter("xares", {"encoder": f"{tmp_path / 'mine.py'}:TinyEncoder"}).card.name == "xares_TinyEncoder"


def test_a_hop_that_is_not_the_encoder_s_matters_for_events_alone(tmp_path):
    """Of Whisper, X-ARES (161f0ef) states the 10 ms of its input, a frame is 20 ms: clips are means all the same."""
    options = xares(tmp_path, ("hop_size_in_ms = 20", "hop_size_in_ms = 10"))
    adapter = start(load_adapter("xares", options))
    assert adapter.predict(heard()).shape == (2, 3)
    with pytest.raises(AdapterError, match=r"gave 50 frames for 100\.0 steps of its hop of 10 ms") as caught:
        encoder_of(adapter, over_time=True).hear(heard())
    assert "hop_ms" in caught.value.hint
    over_time = encoder_of(start(load_adapter("xares", {**options, "hop_ms": 20})), over_time=True)
    assert over_time.hear(heard()).shape == (2, 50, 3) and over_time.hop == 0.02


def test_encoders_that_hide_their_gradient_are_heard_without_one(tmp_path):
    inside = ("        return self.line(", "        with torch.inference_mode():\n            return self.line(")
    adapter = start(load_adapter("xares", xares(tmp_path, inside)))
    assert adapter.forward is None and encoder_of(adapter).path is None
    assert adapter.predict(heard()).shape == (2, 3)


LATER = ("    return torch.cat([frames.mean(1), frames.std(1)], 1)", "    return frames[:, 0]")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([("def get_scene_embeddings", "def scene")], "lacks get_scene_embeddings"),
        ([("def load_model", "def load")], "lacks load_model"),
        ([("    sample_rate = 8000\n", "")], "lacks sample_rate"),
        ([("scene_embedding_size = 4", "scene_embedding_size = 0")], "scene_embedding_size of the model"),
        ([("    return Model()", "    return None")], "gave NoneType, not a torch module"),
        ([LATER], "expected float [1, 4]"),
        ([("    return frames, moments", "    return frames")], "gave Tensor"),
        ([("* 10.0 + 5.0", "* -10.0")], "timestamps do not rise"),
        ([("* 10.0 + 5.0", "** 2.0")], "ms apart"),
        ([("timestamp_embedding_size = 2", "timestamp_embedding_size = 3")], "expected float [1, any, 3]"),
        ([("import torch\n", "import torch\nimport no_such_package\n")], "cannot be imported"),
    ],
)
def test_modules_that_do_not_keep_the_interface_say_what_is_wrong(tmp_path, changes, said):
    with pytest.raises(BenchbedError) as caught:
        start(load_adapter("hear", hear(tmp_path, *changes)))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([("    output_dim = 3\n", "")], "TinyEncoder lacks output_dim"),
        ([("hop_size_in_ms = 20", "hop_size_in_ms = None")], "hop_size_in_ms of TinyEncoder is None"),
        ([("class TinyEncoder", "class Tiny")], "has 0 classes called …Encoder"),
        ([("output_dim = 3", "output_dim = 5")], "expected float [1, any, 5]"),
        ([("return self.line(", "return list(")], "returned list"),
    ],
)
def test_encoders_that_do_not_keep_the_interface_say_what_is_wrong(tmp_path, changes, said):
    with pytest.raises(BenchbedError) as caught:
        start(load_adapter("xares", xares(tmp_path, *changes)))
    assert said in str(caught.value)


def test_a_width_that_depends_on_the_clip_is_refused(tmp_path):
    grows = ("        return self.line(", "        self.output = len(audio[0]) // 4000\n        return self.line(")
    cut = ("(audio.unfold(1, 160, 160))", "(audio.unfold(1, 160, 160))[..., : 5 - self.output]")
    adapter = start(load_adapter("xares", xares(tmp_path, grows, cut)))
    assert adapter.predict(heard(8000)).shape == (2, 3)
    with pytest.raises(AdapterError, match="the width of its embeddings must be the one that it states"):
        adapter.predict(heard(16000))


@pytest.mark.parametrize(
    ("adapter", "options", "said"),
    [
        ("hear", {}, "no encoder is named"),
        ("hear", {"module": "no_such_module"}, "no module 'no_such_module'"),
        ("hear", {"module": "missing.py"}, "there is no file missing.py"),
        ("xares", {"encoder": "json:JSONEncoder"}, "has no torch module 'JSONEncoder'"),
    ],
)
def test_encoders_that_are_not_there(adapter, options, said):
    with pytest.raises(BenchbedError) as caught:
        load_adapter(adapter, options)
    assert said in str(caught.value) and caught.value.hint
