"""The shipped detectors of anomalous machines: better than chance on the stand-in, made again by the same command."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from benchbed import audio
from benchbed.adapter import Batch
from benchbed.adapter.load import load_adapter
from benchbed.data import synthetic
from benchbed.data.layouts import dcase2023_task2
from benchbed.errors import CheckpointError, ConfigError

NAMES = ("anomaly_autoencoder", "anomaly_knn")


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Waveforms, machines, and what is known of the test clips of a small stand-in."""
    root = synthetic.make(tmp_path_factory.mktemp("set") / "set", layout="dcase2023_task2", size="small")
    table = dcase2023_task2.read(root).select("test")
    return np.stack([audio.read(root / path)[0] for path in table["path"]]), table


def batch(waveforms, machines=None):
    side = {} if machines is None else {"machine": tuple(machines)}
    return Batch(waveforms, np.full(len(waveforms), waveforms.shape[2]), 16000, side)


def opened(repository, name, **options):
    adapter = load_adapter(str(repository / "adapters" / f"{name}.py"), options).adapter
    adapter.load("cpu")
    return adapter


@pytest.mark.parametrize("name", NAMES)
def test_faults_of_the_source_domain_are_told(repository, clips, name):
    waveforms, table = clips
    answers = opened(repository, name).predict(batch(waveforms, table["machine"]))
    assert answers.shape == (48, 2) and np.isin(answers[:, 1], (0, 1)).all() and 0 < answers[:, 1].mean() < 1
    areas = []
    for machine in ("fan", "slider", "valve"):
        rows = ((table["machine"] == machine) & (table["domain"] == "source")).to_numpy()
        areas.append(roc_auc_score(table["state"][rows] == "anomaly", answers[rows, 0]))
    assert np.mean(areas) >= 0.75


@pytest.mark.parametrize("name", NAMES)
def test_a_machine_that_was_never_shown_is_scored_and_nothing_decided(repository, clips, name):
    adapter, waveforms = opened(repository, name), clips[0][:4]
    strange = adapter.predict(batch(waveforms, ["pump"] * 4))
    assert strange.shape == (4,) and np.isfinite(strange).all()
    some = adapter.predict(batch(waveforms, ["pump", "fan", "fan", "fan"]))
    assert np.isnan(some[0, 1]) and not np.isnan(some[1:, 1]).any() and some[0, 0] == strange[0]
    each = [adapter.predict(batch(waveforms, [machine] * 4))[:, 0] for machine in adapter.machines]
    assert strange == pytest.approx(np.min(each, axis=0), rel=1e-5)
    # A clip is heard to its own end, whatever stands beside it.
    padded = np.concatenate([waveforms, np.zeros((4, 1, 8000), np.float32)], 2)
    alone = adapter.predict(Batch(padded, np.full(4, waveforms.shape[2]), 16000, {}))
    assert alone == pytest.approx(strange, rel=1e-5)


def test_of_two_microphones_the_first_is_heard(repository, clips):
    waveforms = np.repeat(clips[0][:3], 2, axis=1)
    waveforms[:, 1] = 0.1
    two = opened(repository, "anomaly_knn", channels=2)
    expected = opened(repository, "anomaly_knn").predict(batch(waveforms[:, :1]))
    assert two.card.channels == 2 and np.array_equal(two.predict(batch(waveforms)), expected)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"neighbours": 0}, ConfigError, "at least one"),
        ({"neighbours": 500}, CheckpointError, "500 neighbours are wanted"),
    ],
)
def test_a_bank_without_enough_neighbours_is_refused(repository, options, error, said):
    with pytest.raises(error, match=said):
        opened(repository, "anomaly_knn", **options)


@pytest.mark.parametrize("model", ["autoencoder", "knn"])
def test_training_gives_the_same_weights_again(repository, tmp_path, monkeypatch, model):
    monkeypatch.setenv("BENCHBED_CACHE", str(tmp_path / "cache"))
    spec = importlib.util.spec_from_file_location("train_machines", repository / "adapters/training/machines.py")
    script = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, script)
    spec.loader.exec_module(script)
    given = ["--model", model, "--size", "small", "--epochs", "1"]
    one, other = (script.main([*given, "--out", str(tmp_path / f"{n}.safetensors")]) for n in "ab")
    from safetensors.torch import load_file

    first, second = load_file(one), load_file(other)
    assert first.keys() == second.keys() and all(bool((first[key] == second[key]).all()) for key in first)
    adapter = opened(repository, f"anomaly_{model}", checkpoint=one)
    assert adapter.machines == ("fan", "slider", "valve")
    assert adapter.card.trained_on == ("dcase2022_task2-synthetic/train", "dcase2023_task2-synthetic/train")
