"""`--set precision=int8` on any model: a row of its own, calibrated on the training split, counted at its bit width."""

from __future__ import annotations

import json

import numpy as np
import pytest

import benchbed as bb
from benchbed.adapter.load import load_adapter, start
from benchbed.data import synthetic
from benchbed.errors import AdapterError, ConfigError
from benchbed.profile.counts import count
from benchbed.types import Batch


def place(split: str = "train") -> str:
    root = str(synthetic.ensure("tau2022"))
    return json.dumps({"layout": "tau2022", "root": root, "split": split, "options": {}})


def test_a_twin_is_a_row_of_its_own_and_its_drop_is_paired(repository, tmp_path):
    model = str(repository / "adapters" / "cnn.py")
    plain = bb.run("dcase_task1", model=model, limit=40, out=tmp_path, report=False)
    twin = bb.run("dcase_task1", model=model, options={"precision": "int8"}, limit=40, out=tmp_path, report=False)
    assert (plain.result.model.name, twin.result.model.name) == ("cnn", "cnn_int8")
    assert json.loads(twin.result.model.options["calibration"])["split"] == "train"
    memory = [run.result.profile["parameter_memory"]["value"] for run in (plain, twin)]
    assert memory[0] == 2 * memory[1]
    scores = [run.predictions("scene/test/clean").filter(like="score.").to_numpy() for run in (plain, twin)]
    assert 0 < np.abs(scores[0] - scores[1]).max() < 0.2
    told = bb.compare(plain, twin, conditions=["clean"]).frame()
    row = told[told["metric"] == "macro_accuracy"].iloc[0]
    right = [run.result.cells[0].metrics["macro_accuracy"].value for run in (plain, twin)]
    assert row["difference"] == pytest.approx(right[0] - right[1])


def test_the_recipe_makes_the_same_twin_again(repository):
    loaded = load_adapter(
        str(repository / "adapters/cnn.py"), {"precision": "int8", "calibration": place(), "clips": "8"}
    )
    again = load_adapter(*loaded.recipe)
    heard = Batch(np.random.default_rng(0).normal(0, 0.1, (2, 1, 32000)).astype(np.float32), np.full(2, 32000), 32000)
    assert loaded.source is not None and loaded.source.name == "cnn.py" and loaded.spec.endswith("cnn.py")
    np.testing.assert_array_equal(start(loaded).predict(heard), start(again).predict(heard))


def test_options_of_the_model_reach_it(repository):
    loaded = load_adapter(
        str(repository / "adapters/vit_asc.py"), {"precision": "bf16", "arch": "medium_7x4", "weights": "random"}
    )
    assert loaded.card.untrained and loaded.card.name.endswith("_bf16") and loaded.card.weight_bits == 16
    assert loaded.options["arch"] == "medium_7x4"


def test_eight_bits_without_clips_are_counted_and_never_scored(repository, tmp_path):
    loaded = load_adapter(str(repository / "adapters/cnn.py"), {"precision": "int8"})
    figures = count(start(loaded))
    assert figures["parameters"]["value"] == 50_098 and figures["parameter_memory"]["value"] == 50_098
    assert "calibrated on noise" in loaded.card.description and not loaded.card.untrained
    suite = {"name": "bare", "version": "1", "task": "scene", "data": {"layout": "tau2022"}}
    with pytest.raises(AdapterError, match=r"not to be scored: the ranges .* taken from noise") as caught:
        bb.run(suite, str(repository / "adapters/cnn.py"), options={"precision": "int8"}, limit=4, out=tmp_path)
    assert "data.train_split" in str(caught.value.hint)


def test_an_unknown_precision_is_refused(repository):
    with pytest.raises(ConfigError, match="precision"):
        load_adapter(str(repository / "adapters/cnn.py"), {"precision": "int3"})
