"""adapters/dcase2025.py: a small submission that follows the official interface, and submissions that do not."""

import itertools
import sys

import numpy as np
import pytest
import torch

from benchbed.adapter.load import load_adapter
from benchbed.errors import AdapterError, BenchbedError, CheckpointError, ConfigError
from benchbed.types import Batch

SCENES = [
    "airport",
    "bus",
    "metro",
    "metro_station",
    "park",
    "public_square",
    "shopping_mall",
    "street_pedestrian",
    "street_traffic",
    "tram",
]
NUMBERS = itertools.count()

#: Written after the published interface: predict loads the model, prepares inputs, and runs one submodel per device.
MODULE = """
import random
from pathlib import Path

import soundfile
import torch
from PACKAGE.models.net import Bank

calls = []


def load_model(model_file_path=None):
    calls.append(model_file_path)
    bank = Bank()
    path = model_file_path or Path(__file__).parent / "ckpts" / "default.ckpt"
    bank.load_state_dict(torch.load(path, weights_only=True))
    return bank


def load_inputs(file_paths, device_ids, model):
    inputs = []
    for path in file_paths:
        audio, rate = soundfile.read(path, dtype="float32")
        assert rate == 44100
        inputs.append(torch.tensor([[abs(audio).mean(), audio.max()]]).half())
    return inputs


def get_model_for_device(model, device_id):
    return model.by_device[device_id] if device_id in model.by_device else model.general


def predict(file_paths, device_ids, model_file_path=None, use_cuda=True, batch_size=64):
    assert len(file_paths) == len(device_ids)
    print("Loading files")
    model = load_model(model_file_path)
    random.random()
    logits = []
    for tensor, device in zip(load_inputs(file_paths, device_ids, model), device_ids):
        with torch.no_grad():
            logits.append(get_model_for_device(model, device).half()(tensor)[0])
    return logits, ["tram"] + SCENES[:-1]


SCENES = "airport bus metro metro_station park public_square shopping_mall street_pedestrian street_traffic".split()
SCENES.append("tram")
"""
NET = """
import torch


class Bank(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.general = torch.nn.Linear(2, 10)
        self.by_device = torch.nn.ModuleDict({"a": torch.nn.Linear(2, 10), "s1": torch.nn.Linear(2, 10)})
"""


def weights(seed):
    generator = torch.Generator().manual_seed(seed)
    shapes = {
        f"{part}.{leaf}": shape
        for part in ("general", "by_device.a", "by_device.s1")
        for leaf, shape in (("weight", (10, 2)), ("bias", (10,)))
    }
    return {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}


@pytest.fixture
def submission(tmp_path):
    """Folder of a package with a name of its own, because Python keeps what was imported."""
    label = f"Tester_BB_task1x{next(NUMBERS)}"
    folder = tmp_path / "repository" / label
    (folder / "ckpts").mkdir(parents=True)
    (folder / "models").mkdir()
    (folder / "__init__.py").touch()
    (folder / "models" / "net.py").write_text(NET)
    (folder / f"{label}_1.py").write_text(MODULE.replace("PACKAGE", label))
    torch.save(weights(1), folder / "ckpts" / "default.ckpt")
    path = list(sys.path)
    yield folder
    sys.path[:] = path
    for name in [name for name in sys.modules if name.startswith(label)]:
        del sys.modules[name]


def open_adapter(repository, package, **options):
    loaded = load_adapter(str(repository / "adapters" / "dcase2025.py"), {"package": str(package)} | options)
    loaded.adapter.load("cpu")
    return loaded.adapter


def make_batch(devices=("a", "s1", "s7", "a")):
    time = np.arange(44100) / 44100
    clips = [level * np.sin(2 * np.pi * 440 * time) for level in (0.1, 0.3, 0.5, 0.7)][: len(devices)]
    waveforms = np.array(clips, np.float32)[:, None]
    return Batch(waveforms, np.full(len(clips), 44100), 44100, {"device": tuple(devices)})


def by_hand(batch, state):
    rows = []
    for clip, device in zip(batch.waveforms[:, 0], batch.side["device"]):
        part = f"by_device.{device}" if device in ("a", "s1") else "general"
        features = torch.tensor([np.abs(clip).mean(), clip.max()]).half()
        logits = torch.nn.functional.linear(features, state[f"{part}.weight"].half(), state[f"{part}.bias"].half())
        rows.append(np.roll(logits.float().numpy(), -1))  # the submission names tram first
    return np.array(rows)


@pytest.mark.parametrize("where", ["package", "repository", "module"])
def test_runs_through_the_interface(repository, submission, where, capsys):
    given = {"package": submission, "repository": submission.parent, "module": submission / f"{submission.name}_1.py"}
    adapter, batch = open_adapter(repository, given[where]), make_batch()
    scores = adapter.predict(batch)
    np.testing.assert_allclose(scores, by_hand(batch, weights(1)), atol=5e-3)
    assert scores.dtype == np.float32 and np.array_equal(adapter.predict(batch), scores)
    card = adapter.card
    assert list(card.labels) == SCENES and card.side_information == ("device",) and card.scores == "logits"
    assert (card.name, card.sample_rate, card.clip_seconds) == (f"{submission.name}_1", 44100, 1.0)
    names = {path.name for path in adapter.weights()}
    assert {"default.ckpt", "net.py", f"{submission.name}_1.py"} <= names
    assert capsys.readouterr() == ("", "")


def test_the_device_decides_and_unknown_ones_get_the_general_model(repository, submission):
    adapter = open_adapter(repository, submission)
    same = make_batch(("a", "a", "a", "a"))
    other = Batch(same.waveforms, same.lengths, 44100, {"device": ("a", "s1", "s9", "unknown")})
    first, second = adapter.predict(same), adapter.predict(other)
    assert np.array_equal(first[0], second[0]) and np.abs(first[1:] - second[1:]).max(1).min() > 0.01
    np.testing.assert_allclose(second, by_hand(other, weights(1)), atol=5e-3)


def test_another_checkpoint_and_a_kept_model(repository, submission, tmp_path):
    torch.save(weights(2), tmp_path / "mine.ckpt")
    options = {"model_file_path": str(tmp_path / "mine.ckpt"), "keep_model": "true"}
    adapter, batch = open_adapter(repository, submission, **options), make_batch()
    first, second = adapter.predict(batch), adapter.predict(batch)
    np.testing.assert_allclose(first, by_hand(batch, weights(2)), atol=5e-3)
    assert np.array_equal(first, second)
    assert sys.modules[f"{submission.name}.{submission.name}_1"].calls == [str(tmp_path / "mine.ckpt")]
    assert tmp_path / "mine.ckpt" in adapter.weights()
    with pytest.raises(CheckpointError, match="no checkpoint"):
        open_adapter(repository, submission, model_file_path=str(tmp_path / "none.ckpt"))


def test_global_random_state_is_put_back(repository, submission):
    import random

    adapter, before = open_adapter(repository, submission), random.getstate()
    adapter.predict(make_batch())
    assert random.getstate() == before


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("def predict(", "def prediction(", "no function predict"),
        ("import random", "import package_that_nobody_has", "cannot be imported: ModuleNotFoundError"),
        ("import random", "raise OSError('libcudart.so.13')", "cannot be imported: OSError: libcudart"),
        ("assert len", "raise RuntimeError('out of memory') #", "predict failed: RuntimeError: out of memory"),
        ("return logits, [", "return logits #", "must return"),
        ('["tram"] + SCENES[:-1]', "SCENES[:-1]", "ten scenes once each: tram"),
        ('["tram"] + SCENES[:-1]', '["Tram"] + SCENES[:-1]', "ten scenes once each: Tram, tram"),
        ("return logits,", "return logits[1:],", r"shape \[3, 10\] for 4 clips"),
        ("return logits,", "return [row[:9] for row in logits],", r"shape \[4, 9\]"),
    ],
)
def test_submissions_that_break_the_interface(repository, submission, old, new, message):
    module = submission / f"{submission.name}_1.py"
    text = module.read_text()
    assert old in text
    module.write_text(text.replace(old, new, 1))
    with pytest.raises(AdapterError, match=message):
        open_adapter(repository, submission).predict(make_batch())


def test_a_predict_without_use_cuda(repository, submission):
    module = submission / f"{submission.name}_1.py"
    module.write_text(module.read_text().replace(", use_cuda=True, batch_size=64", ""))
    assert open_adapter(repository, submission).predict(make_batch()).shape == (4, 10)


def test_no_device_no_package(repository, submission, tmp_path):
    batch = make_batch()
    with pytest.raises(AdapterError, match="batch carries none"):
        open_adapter(repository, submission).predict(Batch(batch.waveforms, batch.lengths, 44100))
    for package, message in (
        (tmp_path / "nowhere" / "x", "no such package"),
        ("package_that_nobody_has", "is installed"),
        (tmp_path, "no single submission"),
    ):
        with pytest.raises(ConfigError, match=message):
            open_adapter(repository, package)
    with pytest.raises(BenchbedError, match="no single submission"):
        open_adapter(repository, submission, index="2")


def test_two_packages_of_one_name(repository, submission, tmp_path):
    open_adapter(repository, submission)
    twin = tmp_path / "twin" / submission.name
    twin.mkdir(parents=True)
    (twin / f"{submission.name}_1.py").write_text("def predict(*a, **k): ...\n")
    with pytest.raises(AdapterError, match="another package of that name"):
        open_adapter(repository, twin)
