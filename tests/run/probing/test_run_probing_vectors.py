"""Embeddings of a training split, as scored clips are heard, and what is trained on them; and what names its clip."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import soundfile

from benchbed.adapter import Adapter, Card
from benchbed.adapter.encoder import Encoder, encoder_of
from benchbed.adapter.heads import kept_head
from benchbed.errors import AdapterError, ConfigError, DataError
from benchbed.run.probing.teach import AskedProbe, Lesson, teach
from benchbed.run.probing.vectors import vectors_of


class Level(Adapter):
    card = Card(name="level", family="other", output="embedding", labels=(), sample_rate=8000)

    def embed(self, batch):
        wave = batch.waveforms[:, 0]
        return np.stack([wave.mean(1), wave.std(1), np.full(len(wave), wave.shape[1])], 1)

    def predict(self, batch):
        return self.embed(batch)


def clips(folder, count: int = 4, seconds: float = 1.0) -> pd.DataFrame:
    for number in range(count):
        wave = np.full(round(seconds * 8000), 0.1 * (number + 1), np.float32)
        soundfile.write(folder / f"{number}.wav", wave, 8000, subtype="FLOAT")
    names = [f"{number}.wav" for number in range(count)]
    columns = {"clip_id": names, "path": names, "onset": 0.0, "duration": np.nan, "group": names}
    return pd.DataFrame(columns)


def made(adapter, encoder, table, folder, overlapping=None, key="k"):
    digests = dict.fromkeys(table["path"], key)
    words = {"audio_rate": None, "overlapping": overlapping, "identity": {"model": key}, "digests": digests}
    return vectors_of(adapter, encoder, table, folder, **words)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHBED_CACHE", str(tmp_path / "cache"))


def test_vectors_are_made_once_and_unreadable_clips_are_said(tmp_path):
    table = clips(tmp_path)
    (tmp_path / "2.wav").write_bytes(b"nothing")
    adapter = Level()
    found = made(adapter, encoder_of(adapter), table, tmp_path)
    assert found.clip.tolist() == [0, 1, 3] and found.skipped[0].startswith("2.wav: ")
    np.testing.assert_allclose(found.values[:, 0], [0.1, 0.2, 0.4], atol=1e-6)
    silent = replace(encoder_of(adapter), hear=lambda batch: pytest.fail("heard again"))
    again = made(adapter, silent, table, tmp_path)
    assert np.array_equal(again.values, found.values) and again.skipped == found.skipped
    for path in (tmp_path / "cache" / "probes").glob("*.npz"):
        path.write_bytes(b"damaged")
    assert np.array_equal(made(adapter, encoder_of(adapter), table, tmp_path).values, found.values)


def test_windows_are_examples_of_their_own_as_they_are_heard_when_scored(tmp_path):
    adapter, table = Level(), clips(tmp_path, 2, 2.0)
    windows = made(adapter, encoder_of(adapter), table, tmp_path, (1.0, 0.5))
    assert windows.clip.tolist() == [0, 0, 0, 1, 1, 1] and set(windows.values[:, 2]) == {8000}
    adapter.card = replace(adapter.card, clip_seconds=1.0)
    assert made(adapter, encoder_of(adapter), table, tmp_path, key="cut").clip.tolist() == [0, 1]
    adapter.card = replace(adapter.card, window_hop=1.0)
    assert made(adapter, encoder_of(adapter), table, tmp_path, key="hop").clip.tolist() == [0, 0, 1, 1]
    over_time = Encoder(lambda batch: np.ones((len(batch), 4, 2), np.float32), None, 2, 0.25, "frames")
    timed = made(adapter, over_time, table, tmp_path, key="time")
    assert timed.moment[:8].tolist() == [0.125, 0.375, 0.625, 0.875, 1.125, 1.375, 1.625, 1.875]


@pytest.mark.parametrize(
    ("hear", "error", "said"),
    [
        (lambda batch: np.ones((len(batch), 2), np.float32), AdapterError, "in 2 features"),
        (lambda batch: np.full((len(batch), 3), np.nan, np.float32), AdapterError, "is not finite"),
        (lambda batch: np.ones((len(batch) + 1, 3), np.float32), AdapterError, "2 embeddings of 1 inputs"),
        (lambda batch: [1 / 0], AdapterError, "raised ZeroDivisionError: division by zero at the embedding of"),
    ],
)
def test_vectors_that_cannot_be_used_name_the_clip(tmp_path, hear, error, said):
    adapter = Level()
    with pytest.raises(error) as caught:
        made(adapter, replace(encoder_of(adapter), hear=hear), clips(tmp_path), tmp_path)
    assert said in str(caught.value) and "0.wav" in str(caught.value)


def test_a_split_without_a_readable_clip_is_said(tmp_path):
    table = clips(tmp_path, 1)
    (tmp_path / "0.wav").write_bytes(b"nothing")
    adapter = Level()
    with pytest.raises(DataError, match="no clip of the training split could be embedded"):
        made(adapter, encoder_of(adapter), table, tmp_path)


def lesson(tmp_path, count: int = 12) -> tuple[Lesson, Encoder]:
    adapter = Level()
    encoder = encoder_of(adapter)
    table = clips(tmp_path, count)
    vectors = made(adapter, encoder, table, tmp_path)
    targets = np.eye(2)[(np.arange(count) >= count // 2).astype(int)]
    return Lesson(table, vectors, targets, None, "train"), encoder


def test_a_probe_says_what_it_was_trained_on_and_what_was_tried(tmp_path):
    given, encoder = lesson(tmp_path)
    words = {"exclusive": True, "about": {"dataset": "toy", "output": "scene", "model": "level"}}
    path = teach(AskedProbe(), given, None, ("soft", "loud"), encoder, **words)
    assert teach(AskedProbe(), given, None, ("soft", "loud"), encoder, **words) == path
    _, told = kept_head(path)
    assert (told["clips"], told["of"], told["recordings"], told["absent"]) == (12, 12, 12, [])
    assert told["scores"] == "logits" and len(told["tried"]) >= 11
    other = teach(AskedProbe(draw=1), given, None, ("soft", "loud"), encoder, **words)
    assert other != path
    mlp = teach(AskedProbe("mlp", grid_points=1, fraction=0.5), given, None, ("soft", "loud"), encoder, **words)
    head, told = kept_head(mlp)
    assert told["tried"][0]["layers"] == told["options"]["layers"] and told["clips"] == 6
    assert head is not None and told["published"] == "hearbenchmark/hear-eval-kit 8559649"
    xares = kept_head(teach(AskedProbe("xares"), given, None, ("soft", "loud"), encoder, **words))[1]
    assert 1 <= xares["chosen"]["epochs"] <= 10


def test_probes_that_mean_nothing_are_refused(tmp_path):
    given, encoder = lesson(tmp_path)
    words = {"exclusive": True, "about": {}}
    with pytest.raises(ConfigError, match="neighbours=0"):
        teach(AskedProbe("knn", neighbours=0), given, None, ("a", "b"), encoder, **words)
    with pytest.raises(ConfigError, match="shares 12 recordings with 'train'"):
        teach(AskedProbe(), given, given, ("a", "b"), encoder, **words)
    timed = replace(given, over_time=given.targets)
    with pytest.raises(ConfigError, match="asked about clips"):
        teach(AskedProbe("knn"), timed, None, ("a", "b"), encoder, **words)
