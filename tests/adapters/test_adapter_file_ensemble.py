"""Ensembles: fused answers held against fusing by hand, and costs against sums."""

from __future__ import annotations

import importlib.util
import json
import sys
import tempfile

import numpy as np
import pytest
import torch

from benchbed.adapter.load import load_adapter, start
from benchbed.errors import AdapterError, ConfigError
from benchbed.profile.counts import count
from benchbed.types import Batch


@pytest.fixture(scope="module")
def heard() -> Batch:
    noise = 0.1 * np.random.default_rng(0).standard_normal((3, 1, 32000))
    return Batch(noise.astype(np.float32), np.full(3, 32000), 32000)


def module(repository, name: str):
    spec = importlib.util.spec_from_file_location(f"parts_{name}", repository / "adapters" / f"{name}.py")
    found = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = found
    spec.loader.exec_module(found)
    return found


def written(members: list[dict]) -> str:
    """A YAML file of members."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", delete=False) as file:
        json.dump(members, file)
    return file.name


def made(repository, **options):
    loaded = load_adapter(str(repository / "adapters" / "ensemble.py"), options)
    return start(loaded)


def single(name: str, batch: Batch) -> np.ndarray:
    return torch.from_numpy(start(load_adapter(name)).predict(batch)).softmax(-1).numpy()


def test_the_mean_is_that_of_probabilities(repository, heard):
    both = made(repository, members="cnn,passt").predict(heard)
    one, other = single("cnn", heard), single("passt", heard)
    np.testing.assert_allclose(both, (one + other) / 2, atol=1e-6)
    weighted = made(repository, members="cnn,passt", weights="1,3").predict(heard)
    np.testing.assert_allclose(weighted, 0.25 * one + 0.75 * other, atol=1e-6)
    geometric = made(repository, members="cnn,passt", rule="logits").predict(heard)
    product = np.sqrt(one * other)
    np.testing.assert_allclose(geometric, product / product.sum(1, keepdims=True), atol=1e-5)


def test_costs_are_sums(repository):
    both = made(repository, members="cnn,passt*2")
    parts = [count(start(load_adapter(name))) for name in ("cnn", "passt")]
    whole = count(both)
    for figure in ("parameters", "macs"):
        assert whole[figure]["value"] == parts[0][figure]["value"] + 2 * parts[1][figure]["value"]


def test_members_of_other_rates_hear_their_own(repository, heard):
    """BC-ResNet wants 16 kHz and CP-Mobile 32; each hears what a run would give it."""
    from benchbed import audio

    both = made(repository, members="bc_resnet,cp_mobile")
    assert both.card.sample_rate == 32000 and both.forward is None
    low = np.stack([audio.resample(clip, 32000, 16000) for clip in heard.waveforms])
    alone = (single("bc_resnet", Batch(low, np.full(3, 16000), 16000)), single("cp_mobile", heard))
    np.testing.assert_allclose(both.predict(heard), sum(alone) / 2, atol=1e-5)


def test_forward_is_predict_and_has_a_gradient(repository, heard):
    both = made(repository, members="cnn,passt")
    waveforms = torch.from_numpy(heard.waveforms).requires_grad_()
    scores = both.forward(waveforms)
    np.testing.assert_allclose(scores.detach().numpy(), both.predict(heard), atol=1e-5)
    scores[:, 0].sum().backward()
    assert torch.isfinite(waveforms.grad).all() and waveforms.grad.abs().sum() > 0


def script(repository):
    spec = importlib.util.spec_from_file_location("fuse", repository / "adapters" / "training" / "fuse.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["fuse"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("rule", ["class", "stacked"])
def test_what_is_fitted_on_a_validation_split_is_used(repository, heard, tmp_path, rule):
    import benchbed as bb

    names = ("cnn", "passt")
    models = [str(repository / "adapters" / f"{name}.py") for name in names]
    runs = bb.run("dcase_task1", model=models, limit=300, out=tmp_path, report=False)
    out = tmp_path / "fused.json"
    places = [str(run.path) for run in runs]
    assert script(repository).main([*places, "--rule", rule, "--split", "test", "--out", str(out)]) == 0
    about = json.loads(out.read_text())
    assert about["split"] == "test" and about["members"] == [run.result.model.name for run in runs]
    fused = made(repository, members="cnn,passt", rule=rule, table=str(out))
    assert "fitted on test of" in fused.card.description
    found = fused.predict(heard)
    parts = np.stack([single(name, heard) for name in names], 1)
    if rule == "class":
        weights = np.array(about["weights"])
        wanted = (parts * (weights / weights.sum(0))).sum(1)
        wanted /= wanted.sum(1, keepdims=True)
    else:
        logits = np.log(np.maximum(parts, 1e-12)).reshape(3, -1) @ np.array(about["weights"]).T + about["offset"]
        wanted = np.exp(logits - logits.max(1, keepdims=True))
        wanted /= wanted.sum(1, keepdims=True)
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_a_file_of_members_has_options_and_weights(repository, tmp_path):
    place = tmp_path / "six.yaml"
    place.write_text(
        "- {model: passt, options: {weights: random, arch: tiny, classes: 10}, weight: 2}\n"
        "- {model: vit_asc, options: {weights: random}}\n"
    )
    loaded = load_adapter(str(repository / "adapters/ensemble.py"), {"members": str(place)})
    assert loaded.card.untrained and loaded.adapter.share == pytest.approx([2 / 3, 1 / 3])


def test_six_and_twelve_teachers_cost_their_sum(repository):
    """The teachers of DCASE 2022: six PaSST; counted without making them twelve times over."""
    options = {"members": "passt*6", "settings": json.dumps({"weights": "random", "arch": "tiny"})}
    loaded = load_adapter(str(repository / "adapters/ensemble.py"), options)
    start(loaded)
    one = start(load_adapter("passt", {"weights": "random", "arch": "tiny"}))
    assert count(loaded.adapter)["parameters"]["value"] == 6 * count(one)["parameters"]["value"]


def test_named_teachers_are_six_and_twelve(repository):
    """Parameters on AudioSet's 527 classes: 86,153,758 of each PaSST, which its own test holds against the published
    network, and 3,566,612 or so of each CNN; counted once and multiplied, as networks of half a gigabyte each."""
    teachers = module(repository, "ensemble").TEACHERS
    passt = module(repository, "passt")
    with torch.device("meta"):
        one = sum(p.numel() for p in passt.PaSST(passt.ARCHS["passt_s"], 527).parameters())
    assert one == 86_153_758
    named = module(repository, "ensemble").members_of
    assert [(m.model, m.options, m.weight) for m in named("passt_6")] == [("passt", {"arch": "passt_s"}, 1.0)] * 6
    both = named("passt_6_cnn_6")
    assert [m.model for m in both] == ["passt"] * 6 + ["cp_resnet"] * 6 and set(teachers) == {
        "passt_6",
        "passt_6_cnn_6",
    }
    tiny = {"weights": "random", "classes": "10"}
    small = [("passt", {**tiny, "arch": "tiny"}), ("cp_resnet", {**tiny, "width": "16"})]
    alone = [count(start(load_adapter(name, options))) for name, options in small]
    members = [{"model": name, "options": options} for name, options in small for _ in range(6)]
    whole = count(made(repository, members=written(members)))
    for figure in ("parameters", "macs"):
        assert whole[figure]["value"] == 6 * (alone[0][figure]["value"] + alone[1][figure]["value"])


def test_sight_is_fused_with_hearing(repository, tmp_path):
    """A visual model's table of answers beside an audio model, against fusing by hand; then two tables, unheard."""
    import pandas as pd

    import benchbed as bb

    overrides = {"audio.side_information": ["device", "clip_id"], "statistics.draws": 0}
    settings = {"limit": 30, "out": tmp_path / "runs", "report": False, "overrides": overrides}
    heard = bb.run("dcase_task1", str(repository / "adapters/cnn.py"), **settings)
    table = heard.predictions("scene/test/clean")
    columns = [name for name in table.columns if name.startswith("score.")]
    labels = [name.removeprefix("score.") for name in columns]
    random = np.random.default_rng(1).dirichlet(np.ones(len(labels)), len(table))
    ids = table["clip_id"].astype(str).tolist()
    pd.DataFrame({"clip_id": ids, **dict(zip(labels, random.T))}).to_csv(tmp_path / "seen.csv", index=False)
    sound = table[columns].to_numpy(np.float64)
    pd.DataFrame({"clip_id": ids, **dict(zip(labels, sound.T))}).to_csv(tmp_path / "heard.csv", index=False)
    seen = {"model": "predictions", "options": {"file": str(tmp_path / "seen.csv")}, "weight": 0.2}
    both = [{"model": "cnn", "weight": 0.8}, seen]
    fuser = str(repository / "adapters/ensemble.py")
    run = bb.run("dcase_task1", fuser, options={"members": written(both)}, **settings)
    fused = run.predictions("scene/test/clean")
    assert fused["clip_id"].astype(str).tolist() == ids
    np.testing.assert_allclose(fused[columns].to_numpy(float), 0.8 * sound + 0.2 * random, atol=1e-5)
    profile = run.result.profile
    assert profile["parameters"]["value"] == heard.result.profile["parameters"]["value"]
    assert (
        "costs are without those of stored answers (seen)" in made(repository, members=written(both)).card.description
    )
    stored = [{"model": "predictions", "options": {"file": str(tmp_path / "heard.csv")}}, seen]
    unheard = made(repository, members=written(stored))
    assert unheard.replays and unheard.model is None
    run = bb.run("dcase_task1", fuser, options={"members": written(stored)}, **settings)
    found = run.predictions("scene/test/clean")[columns].to_numpy(float)
    np.testing.assert_allclose(found, (sound + 0.2 * random) / 1.2, atol=1e-5)


def test_tags_are_weighed_by_class_and_stacked(repository):
    fuse = script(repository)
    target = fuse.references([("a",), ("a", "b"), (), ("b",)] * 10, ["a", "b"])
    np.testing.assert_array_equal(target[:4], [[1, 0], [1, 1], [0, 0], [0, 1]])
    hearing, sight = np.where(target > 0, 0.9, 0.1), np.where(target > 0, 0.9, 0.1)
    hearing[:, 1], sight[:, 0] = 0.3, 0.7
    weights = fuse.class_weights(np.stack([hearing, sight]), target)
    # Sight says the first class always: 20 hits, 20 false alarms.
    np.testing.assert_allclose(weights, [[1.0, 0.01], [2 * 20 / (40 + 20), 1.0]])
    np.testing.assert_allclose(fuse.class_weights(np.stack([hearing, sight]), target, 0.8), [[0.8, 0.2], [0.2, 0.8]])
    matrix, offset = fuse.stacked(np.stack([hearing, sight]), target, 1.0)
    assert matrix.shape == (2, 4) and offset.shape == (2,)
    flat = np.log(np.stack([hearing, sight])).transpose(1, 0, 2).reshape(40, -1)
    assert ((flat @ matrix.T + offset > 0) == target).all()
    with pytest.raises(ConfigError, match="in every clip of the split, or in none"):
        fuse.stacked(np.stack([hearing, sight]), np.zeros_like(target), 1.0)


def test_wrong_members_are_one_clear_error(repository, tmp_path):
    adapter = str(repository / "adapters/ensemble.py")
    for options, error, said in (
        ({"members": "cnn"}, ConfigError, "an ensemble of 1 members"),
        ({"members": "cnn,passt*x"}, ConfigError, "is no member"),
        ({"members": "cnn,crnn"}, AdapterError, "answers frames and cnn scene"),
        ({"members": "cnn,passt", "weights": "1"}, ConfigError, "of 2 members"),
        ({"members": "cnn,passt", "rule": "stacked"}, ConfigError, "needs what was fitted"),
        ({"members": str(tmp_path / "no.yaml")}, ConfigError, "no file of members"),
    ):
        with pytest.raises(error, match=said.replace(".", r"\.")):
            load_adapter(adapter, options)
