"""adapters/onnx.py: against torch, and against the published figure of the Silero voice activity detector."""

import sys

import numpy as np
import pytest
import soundfile
import torch

from benchbed.adapter.load import load_adapter
from benchbed.errors import AdapterError, CheckpointError, ConfigError
from benchbed.rng import preserved_global_state, stream
from benchbed.types import Batch

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")


class Net(torch.nn.Module):
    """Two classes from a waveform: strided convolution, pooling over time, linear."""

    def __init__(self, head=None):
        super().__init__()
        with preserved_global_state(7):
            self.conv, self.out = torch.nn.Conv1d(1, 8, 64, 32), torch.nn.Linear(8, 3)
        self.head = head or torch.nn.Identity()

    def forward(self, waveforms):
        return self.head(self.out(self.conv(waveforms).relu().mean(-1)))


class Frames(Net):
    def forward(self, waveforms):
        return self.out(self.conv(waveforms).relu().transpose(1, 2)).sigmoid()


def export(net, path, example, dynamic=("x", {0: "clip", 2: "sample"})):
    name, axes = dynamic
    torch.onnx.export(
        net.eval(),
        (example,),
        str(path),
        dynamo=False,
        input_names=[name],
        output_names=["scores"],
        dynamic_axes={name: axes, "scores": {0: "clip"}} if axes else None,
    )
    return path


def make_batch(lengths=(8000, 8000, 8000), rate=16000):
    waveforms = np.zeros((len(lengths), 1, max(lengths)), np.float32)
    for row, length in enumerate(lengths):
        waveforms[row, 0, :length] = stream("onnx", row).uniform(-1, 1, length)
    return Batch(waveforms, np.array(lengths), rate)


def open_adapter(repository, path, **options):
    loaded = load_adapter(
        str(repository / "adapters" / "onnx.py"),
        {"model": str(path), "labels": "a,b,c", "sample_rate": "16000"} | options,
    )
    loaded.adapter.load("cpu")
    return loaded.adapter


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("fixed_clips", [None, 1, 2])
def test_agrees_with_torch(repository, tmp_path, fixed_clips):
    net = Net()
    dynamic = ("x", {0: "clip", 2: "sample"}) if fixed_clips is None else ("x", {})
    path = export(net, tmp_path / "net.onnx", torch.zeros(fixed_clips or 1, 1, 8000), dynamic)
    adapter, batch = open_adapter(repository, path), make_batch()
    expected = net(torch.from_numpy(batch.waveforms)).detach().numpy()
    np.testing.assert_allclose(adapter.predict(batch), expected, atol=1e-5)
    assert adapter.card.scores == "logits"
    assert adapter.card.clip_seconds == (None if fixed_clips is None else 0.5)
    assert adapter.inferred == {"input_layout": "clip,channel,sample", "scores": "logits"}
    assert "scores=logits" in adapter.card.description
    assert adapter.weights() == [path]
    (tmp_path / "net.onnx.bak").touch()
    assert adapter.weights() == [path], "a copy beside the model is no part of it"


@pytest.mark.filterwarnings("ignore")
def test_a_clip_alone_equals_the_clip_padded_in_a_batch(repository, tmp_path):
    path = export(Net(), tmp_path / "net.onnx", torch.zeros(1, 1, 8000))
    adapter, batch = open_adapter(repository, path), make_batch((8000, 3000, 8000))
    alone = Batch(batch.waveforms[1:2, :, :3000], np.array([3000]), 16000)
    np.testing.assert_allclose(adapter.predict(batch)[1], adapter.predict(alone)[0], atol=1e-6)


@pytest.mark.filterwarnings("ignore")
def test_what_is_no_number_stays_none_and_stereo_is_refused(repository, tmp_path):
    path = export(Net(), tmp_path / "net.onnx", torch.zeros(1, 1, 8000))
    adapter, batch = open_adapter(repository, path), make_batch()
    clean = adapter.predict(batch)
    batch.waveforms[1, 0, 7] = np.inf
    scores = adapter.predict(batch)
    assert np.isnan(scores[1]).all() and np.array_equal(scores[[0, 2]], clean[[0, 2]])
    stereo = Batch(np.repeat(batch.waveforms, 2, axis=1), batch.lengths, 16000)
    with pytest.raises(AdapterError, match="2 channels came for a model of 1"):
        adapter.predict(stereo)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("head", "kind"),
    [(torch.nn.Softmax(-1), "probabilities"), (torch.nn.LogSoftmax(-1), "log_probabilities"), (None, "logits")],
)
def test_kind_of_scores(repository, tmp_path, head, kind):
    path = export(Net(head), tmp_path / "net.onnx", torch.zeros(1, 1, 8000))
    assert open_adapter(repository, path).card.scores == kind
    told = open_adapter(repository, path, scores="logits")
    assert told.card.scores == "logits" and "scores" not in told.inferred


@pytest.mark.filterwarnings("ignore")
def test_frames(repository, tmp_path):
    net = Frames()
    path = export(net, tmp_path / "net.onnx", torch.zeros(1, 1, 8000))
    adapter, batch = open_adapter(repository, path, output="frames", frame_seconds="0.002"), make_batch((8000, 4000))
    scores = adapter.predict(batch)
    assert scores.shape == (2, 249, 3) and adapter.card.frame_seconds == 0.002
    expected = net(torch.from_numpy(batch.waveforms[1:, :, :4000])).detach().numpy()[0]
    np.testing.assert_allclose(scores[1, : len(expected)], expected, atol=1e-5)
    assert not scores[1, len(expected) :].any()


@pytest.mark.filterwarnings("ignore")
def test_mfcc_front_end(repository, tmp_path):
    from benchbed.adapter.mfcc import Mfcc

    class Flat(torch.nn.Module):
        def forward(self, x):
            return x.mean(1)[:, :3]

    path = export(Flat(), tmp_path / "net.onnx", torch.zeros(1, 49, 10), ("x", {0: "clip"}))
    adapter = open_adapter(repository, path, features="mfcc", clip_seconds="1")
    assert adapter.inferred["input_layout"] == "clip,frame,band"
    batch = make_batch((16000, 16000))
    expected = Mfcc()(batch.waveforms[:, 0]).mean(1)[:, :3]
    np.testing.assert_allclose(adapter.predict(batch), expected, atol=1e-4)


@pytest.mark.filterwarnings("ignore")
def test_logmel_front_end(repository, tmp_path):
    frontend = pytest.importorskip("benchbed.adapter.frontend")

    class Flat(torch.nn.Module):
        def forward(self, x):
            return x.mean((1, 3))[:, :3]

    path = export(Flat(), tmp_path / "net.onnx", torch.zeros(1, 1, 64, 9), ("x", {0: "clip", 3: "frame"}))
    adapter = open_adapter(repository, path, features="logmel", feature_options="n_mels=64,hop_length=320")
    assert adapter.inferred["input_layout"] == "clip,channel,band,frame"
    batch = make_batch((16000, 16000))
    mel = frontend.LogMel(sample_rate=16000, n_mels=64, hop_length=320)(torch.from_numpy(batch.waveforms))
    expected = mel.reshape(2, 64, -1).mean(-1)[:, :3].numpy()
    np.testing.assert_allclose(adapter.predict(batch), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"labels": "a,b"}, AdapterError, "there are 2 labels"),
        ({"input_layout": "clip,sample"}, ConfigError, "3 axes"),
        ({"input_layout": "clip,channel,smaple"}, ConfigError, "does not fit"),
        ({"features": "mfcc"}, ConfigError, "not clear"),
        ({"features": "mfcc", "input_layout": "clip,band,frame"}, AdapterError, "wants 1 along band"),
        ({"feature_options": "n_mels=64"}, ConfigError, "features=none"),
        ({"state": "s=h"}, ConfigError, "both state and chunk"),
        ({"constants": "sr"}, ConfigError, "without a value"),
        ({"constants": "sr=16000"}, ConfigError, "no 'sr'"),
        ({"output_name": "score"}, ConfigError, "no 'score'"),
        ({"sample_rate": "0"}, ConfigError, "not a sample rate"),
        ({"scores": "probability"}, ConfigError, "probability"),
        ({"modell": "x"}, ConfigError, "unknown adapter option 'modell'"),
    ],
)
def test_misuse(repository, tmp_path, options, kind, message):
    path = export(Net(), tmp_path / "net.onnx", torch.zeros(1, 1, 8000))
    with pytest.raises(kind, match=message):
        open_adapter(repository, path, **options)


def test_bad_files(repository, tmp_path):
    with pytest.raises(CheckpointError, match="no model file"):
        open_adapter(repository, tmp_path / "none.onnx")
    (tmp_path / "broken.onnx").write_bytes(b"not a graph")
    with pytest.raises(CheckpointError, match="cannot read the file"):
        open_adapter(repository, tmp_path / "broken.onnx")
    (tmp_path / "net.pt").write_bytes(b"")
    with pytest.raises(CheckpointError, match="is needed, not"):
        open_adapter(repository, tmp_path / "net.pt")


@pytest.mark.realdata
def test_silero_finds_the_published_share_of_speech(repository, realdata):
    folder = realdata / "vad_silero"
    adapter = open_adapter(
        repository,
        folder / "src/silero_vad/data/silero_vad_16k_op15.onnx",
        labels="speech",
        output="frames",
        state="stateN=state",
        chunk="512",
        context="64",
        constants="sr=16000",
        scores="probabilities",
    )
    audio, rate = soundfile.read(folder / "tests/data/test.wav", dtype="float32")
    scores = adapter.predict(Batch(audio[None, None], np.array([len(audio)]), rate))
    assert scores.shape == (1, 1875, 1)
    assert adapter.card.frame_seconds == 0.032
    assert round(float((scores > 0.5).mean()), 4) == 0.7744
    # State starts afresh in every clip: a second pass, or a neighbour in the batch, changes nothing.
    short = audio[None, None, :16000]
    pair = adapter.predict(Batch(np.concatenate([short, short[..., ::-1]]), np.array([16000, 16000]), rate))
    np.testing.assert_allclose(pair[0, :31], scores[0, :31], atol=1e-5)


def test_a_missing_package_is_answered_with_its_extra(repository, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(AdapterError, match="cannot be imported") as caught:
        load_adapter(str(repository / "adapters" / "onnx.py"), {})
    assert "benchbed[onnx]" in caught.value.hint
