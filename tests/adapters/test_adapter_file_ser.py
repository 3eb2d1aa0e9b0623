"""Emotions by functionals: 600 numbers by hand, an SVM as scikit-learn has it, published sizes, and other corpora."""

from __future__ import annotations

import csv
import importlib.util
import sys

import numpy as np
import pytest
import scipy.stats
import torch
from sklearn.metrics import recall_score
from sklearn.svm import SVC

from benchbed import audio
from benchbed.adapter import Batch
from benchbed.adapter.load import load_adapter
from benchbed.data import LAYOUTS, synthetic
from benchbed.errors import CheckpointError, ConfigError


def loaded(repository, name, place):
    spec = importlib.util.spec_from_file_location(name, repository / place)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def ser(repository):
    return loaded(repository, "tested_ser", "adapters/ser.py")


@pytest.fixture(scope="module")
def script(repository):
    return loaded(repository, "train_emotions", "adapters/training/emotions.py")


def opened(repository, **options):
    adapter = load_adapter(str(repository / "adapters" / "ser.py"), options).adapter
    adapter.load("cpu")
    return adapter


def test_functionals_are_those_of_scipy(ser):
    bands = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 40, 90)))
    found = ser.functionals(bands).numpy()
    x = bands.numpy()
    first, second = np.diff(x), np.diff(x, 2)
    expected = []
    for part, more in ((x, True), (first, False), (second, False)):
        expected += [
            part.mean(-1),
            part.std(-1),
            scipy.stats.skew(part, -1),
            scipy.stats.kurtosis(part, -1, fisher=False),
        ]
        expected += [part.min(-1), part.max(-1), np.ptp(part, -1)] if more else []
    assert found.shape == (2, 600) and found == pytest.approx(np.concatenate(expected, 1), abs=1e-9)


def test_sizes_are_the_published_ones(ser):
    """MARVEL D3.1, 7.6: F 0.70 M, C_L 0.13 M and the critic 0.53 M, as derived there, without batch normalisation."""

    def dense(module):
        layers = [one for one in module.modules() if isinstance(one, torch.nn.Linear)]
        return sum(p.numel() for one in layers for p in one.parameters())

    extractor = ser.Extractor()
    assert (dense(extractor), dense(ser.Labeller(extractor.width, 2)), dense(ser.Critic(extractor.width))) == (
        701_696,
        132_098,
        525_825,
    )


def test_an_svm_is_that_of_scikit_learn(ser, script):
    draw = np.random.default_rng(0)
    x = draw.normal(size=(60, 600)).astype(np.float32)
    y = (x[:, 0] + 0.3 * draw.normal(size=60) > 0).astype(int)
    svm = SVC(class_weight="balanced", C=3.0, gamma=1 / 600).fit(x, y)
    judge = script.as_network(ser, svm, 2)
    given = draw.normal(size=(20, 600)).astype(np.float32)
    scores = judge(torch.from_numpy(given)).numpy()
    assert np.arctanh((scores[:, 1] - scores[:, 0]) / 2) == pytest.approx(svm.decision_function(given), abs=1e-4)
    assert (scores.argmax(1) == svm.predict(given)).all()
    with pytest.raises(ConfigError, match="3 classes"):
        script.as_network(ser, svm, 3)


def test_the_recall_is_that_of_scikit_learn(script):
    draw = np.random.default_rng(1)
    truth, said = draw.integers(0, 2, 50), draw.integers(0, 2, 50)
    assert script.uar(truth, said) == pytest.approx(recall_score(truth, said, average="macro"))
    low, high = script.interval(truth, said, np.repeat(np.arange(10), 5), 0, draws=200)
    assert low < script.uar(truth, said) < high


def test_arousal_of_another_draw_of_the_corpus_is_told(repository, tmp_path):
    root = synthetic.make(tmp_path / "set", layout="emodb", size="small", seed=1)
    data = LAYOUTS.get("emodb").read(root, target="arousal")
    adapter = opened(repository)
    said = []
    for path in data.clips["path"]:
        wave = audio.read(root / path)[0][None]
        said.append(adapter.card.labels[int(adapter.predict(Batch(wave, np.array([wave.shape[2]]), 16000)).argmax())])
    assert recall_score(data.clips["label"], said, average="macro") > 0.65


def test_a_network_is_adapted_and_corpora_are_held_against_each_other(repository, script, tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHBED_CACHE", str(tmp_path / "cache"))
    given = ["--size", "small", "--epochs", "2", "--adapt", "2", "--width", "0.03"]
    file = script.main(["--judge", "wda", *given, "--out", str(tmp_path / "wda.safetensors")])
    adapter = opened(repository, judge="wda", checkpoint=str(file))
    assert adapter.card.name == "ser_wda_emodb_ravdess"
    assert adapter.card.trained_on == ("emodb-synthetic/all", "ravdess-synthetic/all, without labels")
    table = script.main(["--matrix", "emodb,ravdess,fesc", "--size", "small", "--out", str(tmp_path / "matrix.csv")])
    rows = list(csv.DictReader(table.open()))
    # Three by three, and the other two together against each.
    assert len(rows) == 12 and {row["source"] for row in rows if row["tested"] == "fesc"} == {
        "emodb",
        "ravdess",
        "fesc",
        "emodb+ravdess",
    }
    assert all(0 <= float(row["low"]) <= float(row["uar"]) <= float(row["high"]) <= 1 for row in rows)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--source", "emodv"], "no corpus 'emodv'"),
        (["--judge", "wda", "--source", "emodb,fesc", "--size", "small"], "from one corpus to another"),
    ],
)
def test_corpora_that_cannot_be_are_refused(script, tmp_path, monkeypatch, words, said):
    monkeypatch.setenv("BENCHBED_CACHE", str(tmp_path / "cache"))
    with pytest.raises(ConfigError, match=said):
        script.main([*words, "--out", str(tmp_path / "x")])


def test_weights_of_another_judge_are_refused(repository):
    with pytest.raises(CheckpointError, match="holds no 'wda'"):
        opened(repository, judge="wda", checkpoint=str(repository / "adapters/weights/ser_svm.safetensors"))
    with pytest.raises(ConfigError, match="takes no checkpoint"):
        opened(repository, weights="random", checkpoint="x")
