"""The shipped captioner: better than any constant caption on clips it has not heard, and made again by its script."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest
import torch

from benchbed import audio
from benchbed.adapter.checkpoint import read_metadata
from benchbed.adapter.load import load_adapter, start
from benchbed.data import LAYOUTS, synthetic
from benchbed.errors import CheckpointError, ConfigError
from benchbed.metrics.families.captions import family
from benchbed.types import Batch


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = synthetic.make(tmp_path_factory.mktemp("captions") / "set", layout="clotho", size="small")
    return LAYOUTS.get("clotho").read(root)


@pytest.fixture(scope="module")
def waves(data):
    return [audio.read(data.root / path)[0] for path in data.select("evaluation")["path"]]


def opened(repository, **options):
    return start(load_adapter(str(repository / "adapters" / "captioner.py"), options), "cpu")


def said(adapter, waves) -> np.ndarray:
    captions = np.empty(len(waves), object)
    for row, wave in enumerate(waves):
        captions[row] = adapter.predict(Batch(wave[None], np.array([wave.shape[1]]), 16000))[0]
    return captions


def test_it_beats_every_constant_caption_on_unheard_clips(repository, data, waves):
    truth = np.empty(len(waves), object)
    truth[:] = list(data.select("evaluation")["captions"])
    scorer = family().context(said(opened(repository), waves), truth)

    def cider(captions):
        return float(scorer.values(scorer.statistics(captions, truth).sum(0))["cider_d"])

    every = sorted({text for clip in truth for text in clip})
    constant = max(cider(np.full(len(waves), text, object)) for text in every)
    for options in ({}, {"decode": "beam", "beam": 3}):
        assert cider(said(opened(repository, **options), waves)) > constant + 0.3


def test_padding_is_never_heard(repository, waves):
    adapter = opened(repository)
    alone = said(adapter, waves[:3])
    longest = max(wave.shape[1] for wave in waves[:3])
    padded = np.zeros((3, 1, longest), np.float32)
    for row, wave in enumerate(waves[:3]):
        padded[row, :, : wave.shape[1]] = wave
    together = adapter.predict(Batch(padded, np.array([wave.shape[1] for wave in waves[:3]]), 16000))
    assert together.tolist() == alone.tolist()


def test_its_options_are_on_the_card_and_wrong_ones_are_refused(repository, tmp_path):
    assert "greedy" in opened(repository).card.description
    assert "beam of 5" in opened(repository, decode="beam", beam=5).card.description
    with pytest.raises(ConfigError):
        opened(repository, decode="sampling")
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(CheckpointError, match="which words it knows"):
        opened(repository, checkpoint=str(tmp_path / "other.safetensors"))


def test_the_same_command_gives_the_same_weights_and_the_adapter_loads_them(repository, data, tmp_path):
    spec = importlib.util.spec_from_file_location(
        "benchbed_caption_training", repository / "adapters" / "training" / "captions.py"
    )
    script = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = script
    spec.loader.exec_module(script)
    threads = torch.get_num_threads()
    try:
        for name in "ab":
            script.main(
                ["--data", str(data.root), "--epochs", "1", "--batch", "8", "--width", "32", "--layers", "1"]
                + ["--train-splits", "development", "--test-splits", "", "--out", str(tmp_path / f"{name}.safetensors")]
            )
    finally:
        torch.set_num_threads(threads)
    assert (tmp_path / "a.safetensors").read_bytes().endswith((tmp_path / "b.safetensors").read_bytes()[-1000:])
    about = read_metadata(tmp_path / "a.safetensors")
    assert str(data.root) not in about["command"]
    adapter = opened(repository, checkpoint=str(tmp_path / "a.safetensors"))
    assert adapter.card.trained_on[0] == "clotho-synthetic"
    assert adapter.vocabulary[:3] == ("<sos>", "<eos>", "<unk>") and "dog" in adapter.vocabulary
    # Trained further, it keeps its words.
    script.main(
        ["--data", str(data.root), "--epochs", "1", "--start-from", str(tmp_path / "a.safetensors")]
        + ["--train-splits", "validation", "--test-splits", "", "--out", str(tmp_path / "c.safetensors")]
    )
    assert opened(repository, checkpoint=str(tmp_path / "c.safetensors")).vocabulary == adapter.vocabulary
