"""GPVAD on real recordings: published weights, published class order, known zero-shot accuracy."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchbed.adapter import Batch
from benchbed.adapter.check import check
from benchbed.adapter.load import load_adapter, start
from benchbed.errors import BenchbedError, CheckpointError, ConfigError
from benchbed.outputs.align import alignment_of
from benchbed.rng import stream

pytestmark = pytest.mark.realdata


@pytest.fixture(scope="module")
def checkpoint(realdata) -> Path:
    return realdata / "tag_gpvad" / "pretrained_models" / "teacher1" / "model.pth"


@pytest.fixture(scope="module")
def loaded(checkpoint, repository):
    options = {"checkpoint": str(checkpoint), "label_map": str(repository / "suites/maps/esc10_audioset.yaml")}
    made = load_adapter(str(repository / "adapters" / "gpvad.py"), options)
    start(made)
    return made


@pytest.fixture(scope="module")
def esc10(realdata, loaded) -> tuple[np.ndarray, list[str]]:
    """Scores of the 200 clips, and their categories."""
    import soundfile
    import soxr
    import torch

    rows = list(csv.DictReader((realdata / "esc10" / "esc10_subset.csv").open()))
    scores, threads = [], torch.get_num_threads()
    torch.set_num_threads(1)
    for row in rows:
        waveform, rate = soundfile.read(realdata / "esc10" / "audio" / row["filename"], dtype="float32")
        waveform = soxr.resample(waveform, rate, 22050, quality="HQ")
        batch = Batch(waveform[None, None], np.array([len(waveform)]), 22050)
        scores.append(loaded.adapter.predict(batch)[0])
    torch.set_num_threads(threads)
    return np.array(scores), [row["category"] for row in rows]


def accuracy(scores, categories, card) -> float:
    labels = sorted(set(categories))
    guesses = alignment_of(card, labels).apply(scores).argmax(1)
    return float(np.mean([labels[guess] == truth for guess, truth in zip(guesses, categories)]))


def test_size_is_the_published_one(loaded):
    assert sum(parameter.numel() for parameter in loaded.adapter.model.parameters()) == 813_937  # SOURCE.md
    assert len(loaded.card.labels) == 527


def test_audioset_s_own_names_are_found_without_a_map(loaded):
    """AudioSet writes commas where this model's classes have none."""
    names = (
        "Dishes, pots, and pans",
        "Electric shaver, electric razor",
        "Roaring cats (lions, tigers)",
        "Speech",
        "Bee, wasp, etc.",
        "Dental drill, dentist's drill",
        "Fire engine, fire truck (siren)",
    )
    matches = alignment_of(replace(loaded.card, label_map={}), names, "tags").matches
    assert [match.how for match in matches] == ["normalised"] * 3 + ["exact"] + ["normalised"] * 3
    assert matches[0].classes == ("Dishes_pots_and_pans",)


def test_class_names_are_alphabetical_and_read_without_unpickling(loaded):
    labels = loaded.card.labels
    assert labels[:3] == ("A_capella", "Accelerating_revving_vroom", "Accordion")
    assert labels[-1] == "Zither"
    assert list(labels) == sorted(labels)


def test_esc10_zero_shot_accuracy_is_the_known_one(loaded, esc10):
    assert accuracy(*esc10, loaded.card) == pytest.approx(0.680, abs=0.01)  # SOURCE.md of esc10


def test_wrong_label_order_is_near_chance(loaded, esc10):
    """SOURCE.md names 0.19 and 0.15 for the orders of YAMNet and of the AudioSet csv; chance is 0.10."""
    labels = np.array(loaded.card.labels)
    orders = [labels[::-1], *(labels[stream("wrong order", draw).permutation(len(labels))] for draw in range(9))]
    found = [accuracy(*esc10, replace(loaded.card, labels=tuple(order.tolist()))) for order in orders]
    assert np.mean(found) < 0.2
    assert max(found) < 0.35


def test_features_are_librosas(loaded):
    librosa = pytest.importorskip("librosa")
    import torch

    wave = (0.1 * np.random.default_rng(0).standard_normal(22050)).astype(np.float32)
    mel = librosa.feature.melspectrogram(y=wave, sr=22050, n_fft=2048, hop_length=441, win_length=882, n_mels=64)
    made = loaded.adapter.model["mel"](torch.from_numpy(wave)[None])[0].T.numpy()
    np.testing.assert_allclose(made, np.log(mel + np.spacing(1)).T, atol=2e-3)


def test_speech_is_heard_where_the_repository_says(checkpoint, realdata, repository):
    """The README of the repository finds speech at 0.28-0.94 s and 1.04-2.22 s of its example."""
    import soundfile
    import soxr

    frames = load_adapter(str(repository / "adapters/gpvad.py"), {"checkpoint": str(checkpoint), "output": "frames"})
    start(frames)
    waveform, rate = soundfile.read(realdata / "tag_gpvad" / "example" / "example.wav", dtype="float32")
    waveform = soxr.resample(waveform, rate, 22050, quality="HQ")
    scores = frames.adapter.predict(Batch(waveform[None, None], np.array([len(waveform)]), 22050))
    assert scores.shape == (1, 1 + len(waveform) // 441, 527)
    speech = scores[0, :, frames.card.labels.index("Speech")]
    times = np.arange(len(speech)) * frames.card.frame_seconds
    inside = ((times > 0.3) & (times < 0.92)) | ((times > 1.06) & (times < 2.2))
    outside = (times < 0.2) | (times > 2.35)
    assert speech[inside].mean() > 4 * speech[outside].mean()


def test_clips_of_several_lengths_in_one_batch(loaded):
    waveforms = 0.1 * np.random.default_rng(0).standard_normal((2, 1, 22050)).astype(np.float32)
    waveforms[1, :, 8000:] = 0
    together = loaded.adapter.predict(Batch(waveforms, np.array([22050, 8000]), 22050))
    alone = loaded.adapter.predict(Batch(waveforms[1:, :, :8000], np.array([8000]), 22050))
    np.testing.assert_allclose(together[1], alone[0], atol=1e-6)


def test_no_check_fails(loaded):
    assert [item for item in check(loaded) if item.status == "fail"] == []


def test_every_file_that_decides_the_scores_is_in_the_cache_key(loaded):
    assert [path.name for path in loaded.adapter.weights()] == ["model.pth", "teacher.pth", "esc10_audioset.yaml"]


def test_faults_of_its_files(checkpoint, repository, tmp_path):
    spec = str(repository / "adapters" / "gpvad.py")
    with pytest.raises(CheckpointError, match="no weights of its own"):
        load_adapter(spec, {})
    with pytest.raises(CheckpointError, match="runs code"):
        load_adapter(spec, {"checkpoint": str(checkpoint.parents[1] / "labelencoders" / "teacher.pth")})
    students = checkpoint.parents[1] / "labelencoders" / "students.pth"
    with pytest.raises(ConfigError, match="2 class names for 527 classes"):
        load_adapter(spec, {"checkpoint": str(checkpoint), "labels": str(students)})
    with pytest.raises(BenchbedError, match="class names"):
        load_adapter(spec, {"checkpoint": str(checkpoint), "labels": str(checkpoint.with_name("none.pth"))})
    broken = tmp_path / "broken.pth"
    broken.write_bytes(b"\x80\x02}.")
    with pytest.raises(BenchbedError, match=r"cannot be read|not a pickled label encoder"):
        load_adapter(spec, {"checkpoint": str(checkpoint), "labels": str(broken)})
