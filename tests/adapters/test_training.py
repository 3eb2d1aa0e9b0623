"""The training script on tiny data: it learns, repeats itself bit for bit, and writes weights the adapter loads."""

from __future__ import annotations

import importlib.util
import json
import sys

import numpy as np
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score

from benchbed.adapter import Batch
from benchbed.adapter.checkpoint import read_metadata
from benchbed.adapter.load import load_adapter
from benchbed.data import synthetic
from benchbed.errors import AdapterError, ConfigError


@pytest.fixture(scope="module")
def script(repository):
    spec = importlib.util.spec_from_file_location(
        "benchbed_training_script", repository / "adapters" / "training" / "train.py"
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def esc(tmp_path_factory):
    return synthetic.make(tmp_path_factory.mktemp("training") / "set", layout="esc50", size="small")


@pytest.fixture(autouse=True)
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def command(repository, esc, out, *more):
    model = str(repository / "adapters" / "cnn.py")
    reader = ["--layout", "esc50", "--data", str(esc), "--layout-set", "subset=esc10"]
    splits = ["--train-splits", "fold1,fold2", "--test-splits", "fold5"]
    effort = ["--epochs", "2", "--batch", "8", "--set", "channels=8,8,8"]
    return ["--model", model, *reader, *splits, *effort, "--out", str(out), *more]


def test_same_command_same_weights_and_the_adapter_loads_them(script, repository, esc, tmp_path):
    results = [
        script.main(command(repository, esc, tmp_path / f"{run}.safetensors", "--mixstyle", "0.5")) for run in "ab"
    ]
    first, second = (script_weights(tmp_path / f"{run}.safetensors") for run in "ab")
    assert results[0] == results[1]
    assert first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)
    adapter = load_adapter(
        str(repository / "adapters" / "cnn.py"), {"checkpoint": str(tmp_path / "a.safetensors")}
    ).adapter
    adapter.load("cpu")
    assert len(adapter.card.labels) == 10 and "dog" in adapter.card.labels
    assert adapter.predict(Batch(np.zeros((1, 1, 32000), np.float32), np.array([32000]), 32000)).shape == (1, 10)
    about = read_metadata(tmp_path / "a.safetensors")
    assert json.loads(about["options"])["channels"] == [8, 8, 8]
    assert json.loads(about["training_data"])["clips"] == 20
    assert json.loads(about["trained_on"]) == ["esc10-synthetic", "esc10-synthetic/fold1", "esc10-synthetic/fold2"]
    assert str(esc.parent) not in (tmp_path / "a.md").read_text(), "cards must not tell where data lay"
    assert "macro accuracy" in (tmp_path / "a.md").read_text()


def script_weights(path):
    from safetensors.torch import load_file

    return load_file(path)


def test_training_lowers_the_loss(script, repository, esc, tmp_path):
    losses = []
    for epochs in ("1", "10"):
        out = tmp_path / f"{epochs}.safetensors"
        script.main(command(repository, esc, out, "--epochs", epochs, "--mixup", "0", "--roll", "0", "--lr", "0.02"))
        losses.append(float(read_metadata(out)["train_loss"]))
    assert losses[1] < 0.8 * losses[0]


def test_training_moves_no_global_random_state(script, repository, esc, tmp_path):
    before = torch.get_rng_state()
    script.main(command(repository, esc, tmp_path / "x.safetensors", "--epochs", "1"))
    assert torch.equal(torch.get_rng_state(), before)


def test_macro_accuracy_is_scikit_learns_balanced_accuracy(script):
    rng = np.random.Generator(np.random.Philox(5))
    truth, found = rng.integers(0, 4, 50), rng.integers(0, 4, 50)
    ours = script.macro_accuracy(torch.from_numpy(found), torch.from_numpy(truth))
    assert ours == pytest.approx(balanced_accuracy_score(truth, found))


def test_mixstyle_moves_band_statistics_and_nothing_else(script):
    x = torch.randn(4, 8, 50, generator=torch.Generator().manual_seed(0))
    order, keep = torch.tensor([1, 2, 3, 0]), torch.ones(4, 1, 1)
    torch.testing.assert_close(script.mixstyle(x, order, keep), x)
    swapped = script.mixstyle(x, order, 0 * keep)
    torch.testing.assert_close(swapped.mean(-1), x[order].mean(-1))
    torch.testing.assert_close(swapped.std(-1), x[order].std(-1), rtol=1e-3, atol=1e-4)


def test_adapters_that_cannot_be_trained_are_named(script, tmp_path):
    (tmp_path / "plain.py").write_text("from benchbed.adapter import TorchAdapter\nclass Plain(TorchAdapter): ...\n")
    with pytest.raises(AdapterError, match="0 classes"):
        script.adapter_class(tmp_path / "plain.py")
    with pytest.raises(AdapterError, match="no such"):
        script.adapter_class(tmp_path / "nowhere.py")
    with pytest.raises(ConfigError, match="KEY=VALUE"):
        script.pairs(["channels"])


def test_a_detector_learns_scenes_and_answers_them(script, repository, esc, tmp_path):
    out = tmp_path / "crnn.safetensors"
    words = ["--model", str(repository / "adapters" / "crnn.py"), "--layout", "esc50", "--data", str(esc)]
    words += ["--layout-set", "subset=esc10", "--train-splits", "fold1,fold2", "--rate", "16000", "--epochs", "1"]
    script.main([*words, "--batch", "8", "--set", "output=scene", "--out", str(out)])
    file, given = str(repository / "adapters" / "crnn.py"), {"checkpoint": str(out)}
    adapter = load_adapter(file, given | {"output": "scene"}).adapter
    adapter.load("cpu")
    waves = 0.1 * torch.randn(3, 1, 16000, generator=torch.Generator().manual_seed(0))
    scores = adapter.predict(Batch(waves.numpy(), np.full(3, 16000), 16000))
    assert adapter.card.scores == "logits" and scores.shape == (3, 10)
    # The answer of a scene is the mean over frames of what the network says of each.
    with torch.no_grad():
        frames = adapter.model.weigh(adapter.model.features(waves))[0]
    np.testing.assert_allclose(scores, frames.mean(1).numpy(), atol=1e-5)
    with pytest.raises(ConfigError, match="learnt one class a clip"):
        load_adapter(file, given)
    with pytest.raises(ConfigError, match="learnt frames"):
        load_adapter(file, {"output": "scene"})


def test_a_transformer_hears_as_many_seconds_as_it_learnt(script, repository, esc, tmp_path):
    out = tmp_path / "vit.safetensors"
    words = ["--model", str(repository / "adapters" / "vit_asc.py"), "--layout", "esc50", "--data", str(esc)]
    words += ["--layout-set", "subset=esc10", "--train-splits", "fold1", "--epochs", "1", "--batch", "8"]
    script.main([*words, "--seconds", "2", "--set", "seconds=2", "--set", "patch=32x20", "--out", str(out)])
    adapter = load_adapter(str(repository / "adapters" / "vit_asc.py"), {"checkpoint": str(out)}).adapter
    adapter.load("cpu")
    waves = 0.1 * torch.randn(1, 1, 64000, generator=torch.Generator().manual_seed(0))
    late = waves.clone()
    late[..., 48000:] = 0
    with torch.no_grad():
        assert adapter.card.clip_seconds == 2 and adapter.model.grid == (4, 10)
        assert (adapter.forward(waves) - adapter.forward(late)).abs().max() > 1e-4
