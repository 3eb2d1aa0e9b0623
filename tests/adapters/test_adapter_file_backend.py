"""`--set backend=onnx` on any torch model: a row of its own with the plain model's figures, never mixed with it."""

from __future__ import annotations

import builtins

import numpy as np
import pytest
import torch

import benchbed as bb
from benchbed.adapter.load import load_adapter, start
from benchbed.errors import AdapterError, ConfigError
from benchbed.types import Batch


def noise(clips: int = 5) -> Batch:
    made = np.random.default_rng(0).normal(0, 0.1, (clips, 1, 32000)).astype(np.float32)
    return Batch(made, np.full(clips, 32000), 32000)


@pytest.fixture(scope="module")
def runs(repository, tmp_path_factory):
    out, model = tmp_path_factory.mktemp("backends"), str(repository / "adapters" / "cnn.py")
    asked = {"cnn": {}, "folded": {"backend": "folded"}, "onnx": {"backend": "onnx"}, "eager": {"backend": "eager"}}
    return {
        name: bb.run("dcase_task1", model=model, options=options, limit=40, out=out) for name, options in asked.items()
    }


def test_each_backend_is_a_row_of_its_own_with_the_same_figures(runs):
    assert [run.result.model.name for run in runs.values()] == ["cnn", "cnn_folded", "cnn_onnx", "cnn"]
    scores = {n: run.predictions("scene/test/clean").filter(like="score.").to_numpy() for n, run in runs.items()}
    for name in ("folded", "onnx"):
        assert 0 < np.abs(scores[name] - scores["cnn"]).max() < 1e-4
        ours, plain = (runs[each].result.cells[0].metrics["macro_accuracy"] for each in (name, "cnn"))
        assert (ours.value, ours.low, ours.high) == (plain.value, plain.low, plain.high)
    np.testing.assert_array_equal(scores["eager"], scores["cnn"])


def test_the_record_and_the_page_say_which(runs):
    page = (runs["onnx"].path / "report.html").read_text(encoding="utf-8")
    assert "cnn_onnx" in page
    model = runs["onnx"].result.model
    assert model.options["backend"] == "onnx" and model.options["tolerance"] == 1e-4
    assert model.description.endswith("on the backend onnx: what lies behind the front end")
    assert runs["folded"].result.model.description.endswith("4 batch norms folded")
    assert model.fingerprint != runs["cnn"].result.model.fingerprint


def test_the_backend_eager_is_the_model_itself(runs):
    """The same folder, the same predictions, and nothing computed twice."""
    assert runs["eager"].path == runs["cnn"].path
    assert runs["eager"].reused == (1, 1)


def test_nothing_of_one_backend_is_used_for_another(repository, tmp_path):
    model = str(repository / "adapters" / "cnn.py")
    used = []
    for options in ({}, {"backend": "folded"}, {"backend": "onnx"}, {"backend": "onnx"}):
        run = bb.run("dcase_task1", model={"mine": model}, options=options, limit=8, out=tmp_path, report=False)
        used.append(run[0].reused)
    assert used == [(0, 1), (0, 1), (0, 1), (1, 1)]


def test_the_recipe_makes_the_same_twin_again(repository):
    loaded = load_adapter(str(repository / "adapters/cnn.py"), {"backend": "folded"})
    again = load_adapter(*loaded.recipe)
    assert loaded.source is not None and loaded.source.name == "cnn.py"
    np.testing.assert_array_equal(start(loaded).predict(noise()), start(again).predict(noise()))


@pytest.mark.parametrize("backend", ["folded", "onnx"])
def test_gradients_are_those_of_the_plain_model(repository, backend):
    plain = start(load_adapter(str(repository / "adapters/cnn.py")))
    twin = start(load_adapter(str(repository / "adapters/cnn.py"), {"backend": backend}))
    slopes = []
    for model in (plain, twin):
        given = torch.from_numpy(noise(2).waveforms).requires_grad_()
        model.forward(given)[:, 0].sum().backward()
        slopes.append(given.grad)
    torch.testing.assert_close(slopes[1], slopes[0], rtol=1e-3, atol=1e-4 * float(slopes[0].abs().max()))


def test_a_model_with_a_predict_of_its_own_answers_by_the_backend_too(repository):
    path = str(repository / "adapters/passt.py")
    plain, twin = start(load_adapter(path)), start(load_adapter(path, {"backend": "onnx"}))
    ours, theirs = twin.predict(noise()), plain.predict(noise())
    assert 0 < np.abs(ours - theirs).max() < 1e-4 * max(1, np.abs(theirs).max())


def test_what_cannot_be_is_one_clear_error(repository):
    cnn, vit = str(repository / "adapters/cnn.py"), str(repository / "adapters/vit_asc.py")
    with pytest.raises(ConfigError, match="backend"):
        load_adapter(cnn, {"backend": "tensorrt"})
    with pytest.raises(ConfigError, match="never agree to the last bit"):
        load_adapter(cnn, {"backend": "onnx", "tolerance": "0"})
    with pytest.raises(AdapterError, match="nothing can be folded: the network has no batch norms"):
        start(load_adapter(vit, {"backend": "folded"}))
    with pytest.raises(AdapterError, match="no torch model of audio alone"):
        start(load_adapter(cnn, {"backend": "onnx", "precision": "bf16"}))
    with pytest.raises(AdapterError, match=r"on onnx answers otherwise|graph answers otherwise"):
        start(load_adapter(cnn, {"backend": "onnx", "tolerance": "1e-12"}))
    with pytest.raises(AdapterError, match="scores and no embeddings"):
        start(load_adapter(cnn, {"backend": "onnx"})).embed(noise())


def test_onnxruntime_that_is_missing_names_its_extra(repository, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.partition(".")[0] == "onnxruntime":
            raise ModuleNotFoundError("No module named 'onnxruntime'", name="onnxruntime")
        return real(name, *args, **kwargs)

    loaded = load_adapter(str(repository / "adapters/cnn.py"), {"backend": "onnx"})
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(AdapterError, match="onnxruntime") as caught:
        start(loaded)
    assert caught.value.hint == "pip install 'benchbed[onnx]'"


@pytest.mark.parametrize("backend", ["folded", "onnx"])
def test_noise_is_added_in_the_spectrum_in_front_of_a_backend(repository, tmp_path, backend):
    suite = {
        "extends": ["dcase_task1"],
        "name": "few",
        "version": "1",
        "audio": {"sample_rate": 32000},
        "conditions": [{"corruption": "white_noise", "parameters": [20, 0]}],
    }
    model, cell = str(repository / "adapters" / "cnn.py"), "scene/test/white_noise@2"
    plain = bb.run(suite, model, limit=8, out=tmp_path, report=False)
    twin = bb.run(
        suite, model, options={"backend": backend}, corruptions="spectrum", limit=8, out=tmp_path, report=False
    )
    assert twin.result.model.name == f"cnn_{backend}[corruptions=spectrum]"
    assert twin.result.provenance.corruptions == "spectrum"
    ours, theirs = (run.predictions(cell).filter(like="score.").to_numpy() for run in (twin, plain))
    assert ours.shape == (8, 10) and 0 < np.abs(ours - theirs).max() < 1e-5
