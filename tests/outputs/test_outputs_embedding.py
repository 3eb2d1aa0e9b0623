"""Embeddings as answers: shapes that are refused, widths that change, and what other programs' cards say."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import benchbed as bb
from benchbed.card import Card
from benchbed.errors import AdapterError, ConfigError, DataError
from benchbed.outputs import output_of
from benchbed.outputs.contract import Heard
from benchbed.outputs.embedding.files import of_clips, read_embeddings

CARD = Card(name="net", family="ssl", output="embedding", labels=(), sample_rate=8000)
HEARD = Heard(1.0, 8000)
OUTPUT = output_of("embedding")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (np.zeros((2, 3), int), "int64 [2, 3]"),
        (np.zeros((3, 3)), "float64 [3, 3]"),
        (np.zeros((2, 3, 4)), "[2, 3, 4]"),
        ([[1.0]], "list"),
    ],
)
def test_what_is_no_embedding_is_refused(raw, said):
    with pytest.raises(AdapterError) as caught:
        OUTPUT.read(CARD, ()).check(raw, 2, HEARD)
    assert said in str(caught.value) and "[clip, feature]" in str(caught.value)


def test_widths_do_not_change_and_what_is_not_finite_is_a_failed_clip():
    reading = OUTPUT.read(CARD, ())
    raw = np.ones((2, 3), np.float32)
    raw[1, 0] = np.nan
    assert reading.usable(reading.check(raw, 2, HEARD)).tolist() == [True, False]
    with pytest.raises(AdapterError, match="4 features, and 3 for clips before"):
        reading.check(np.ones((2, 4), np.float32), 2, HEARD)
    with pytest.raises(DataError, match="embeddings of 2 and 3 features"):
        OUTPUT.join([np.ones((1, 2)), np.ones((1, 3))], ())


def test_a_classifier_is_told_how_to_give_its_embeddings():
    card = Card(name="cnn", family="cnn", output="scene", labels=("a", "b"), sample_rate=8000)
    with pytest.raises(AdapterError) as caught:
        OUTPUT.read(card, ())
    assert "probe=none" in str(caught.value)
    with pytest.raises(AdapterError) as caught:
        output_of("scene").read(CARD, ("a", "b"))
    assert "probe=linear" in str(caught.value)


def test_references_say_classes_and_recordings():
    clips = pd.DataFrame({"clip_id": ["x", "y"], "label": ["dog", ("dog", "rain")], "group": ["r", "s"]})
    one, two = OUTPUT.references(clips, None, ("dog", "rain"))
    assert (one.labels, one.group, two.labels, str(two)) == (("dog",), "r", ("dog", "rain"), "dog, rain")


@pytest.mark.parametrize(
    ("estimates", "said"),
    [
        ({"a": [1.0], "b": [1.0, 2.0]}, "embeddings of 1 and of 2 features"),
        ({"a": [1.0]}, "'b' has no estimate"),
        ({"a": [1.0], "b": [float("nan")]}, "the embedding of 'b' is not finite"),
    ],
)
def test_what_cannot_be_evaluated(estimates, said):
    with pytest.raises(ConfigError, match=said):
        bb.evaluate("embedding", {"a": "dog", "b": "dog"}, estimates)


def test_features_of_another_program_are_scored_without_audio(tmp_path):
    """A set of features alone, as Melon is: tracks with tags, and no sound anywhere."""
    rows = ["path,label,artist"]
    features = {"a1": [1.0, 0.0], "a2": [0.9, 0.1], "b1": [0.0, 1.0], "b2": [0.6, 0.4]}
    rows += [f"{name}.wav,{name[0]},{name}" for name in features]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "tracks.csv").write_text("\n".join(rows) + "\n")
    np.savez(tmp_path / "f.npz", clips=np.array(list(features)), embeddings=np.array(list(features.values()), "f4"))
    (tmp_path / "melon.yaml").write_text(
        """
name: melon
version: "1"
task: embedding
data:
  layout: folder
  name: melon
  options: {csv: tracks.csv, path: path, label: label, group: artist}
  splits: [all]
metrics: {family: embedding, primary: ndcg_at_100}
statistics: {draws: 0}
profile: false
"""
    )
    made = bb.score(
        tmp_path / "melon.yaml",
        tmp_path / "f.npz",
        data={"melon": tmp_path / "data"},
        out=tmp_path / "runs",
        report=False,
    )
    figures = made.result.cells[0].metrics
    # The figures of tests/golden/embedding/four_clips.yaml.
    assert figures["ndcg_at_100"].value == pytest.approx(0.875)
    assert figures["random_ndcg_at_100"].value == pytest.approx(0.7103099)


def test_melons_songs_are_scored_by_the_recipe_of_the_readme(tmp_path, repository, monkeypatch):
    words = (repository / "README.md").read_text(encoding="utf-8")
    recipe, suite = (
        part.partition("```")[0] for part in words.partition("Melon Playlist Dataset")[2].split("```")[1:4:2]
    )
    songs = {1999: ["GN0100"], 2000: ["GN0100", "GN0900"], 2001: ["GN0900"], 2002: []}
    entries = [{"id": n, "song_gn_gnr_basket": g, "artist_id_basket": [n] if g else []} for n, g in songs.items()]
    (tmp_path / "song_meta.json").write_text(json.dumps(entries))
    monkeypatch.chdir(tmp_path)
    exec(recipe.removeprefix("python"), {})
    assert "arena_mel/1/1999.npy,GN0100,1999" in (tmp_path / "songs.csv").read_text()
    (tmp_path / "melon.yaml").write_text(suite.removeprefix("yaml") + "statistics: {draws: 0}\n")
    vectors = np.array([[1.0, 0.0], [0.9, 0.2], [0.6, 0.8], [0.0, 1.0]], "f4")
    np.savez(tmp_path / "f.npz", clips=[str(n) for n in songs], embeddings=vectors)
    made = bb.score(
        tmp_path / "melon.yaml", tmp_path / "f.npz", data={"melon": tmp_path}, out=tmp_path / "runs", report=False
    )
    figures = made.result.cells[0].metrics
    # Of 1999 the first neighbour shares a genre; of 2000 both others do, at ranks 1 and 2; of 2001 it is at rank 2,
    # behind 2002, which has none: (1 + 1 + 1 / log2(3)) / 3.
    assert figures["ndcg_at_100"].value == pytest.approx((2 + 1 / np.log2(3)) / 3)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"clips": ["a"]}, "has no 'embeddings'"),
        ({"clips": ["a"], "embeddings": [[1.0], [2.0]]}, "[2, 1] for 1 clips"),
        ({"clips": ["a", "a"], "embeddings": [[1.0], [2.0]]}, "'a' comes twice"),
        ({"clips": ["a", "b"], "embeddings": [[1.0], [np.nan]]}, "the embedding of 'b' is not finite"),
    ],
)
def test_archives_that_cannot_be_used_are_named(tmp_path, arrays, said):
    path = tmp_path / "f.npz"
    np.savez(path, **{name: np.array(value) for name, value in arrays.items()})
    with pytest.raises(DataError) as caught:
        read_embeddings(path)
    assert said in str(caught.value)


def test_a_clip_without_an_embedding_and_a_file_that_is_none(tmp_path):
    with pytest.raises(DataError, match=r"no embedding of esc50/audio/x\.wav"):
        of_clips(tmp_path, {"y": np.ones(2)}, ["esc50/audio/x.wav"])
    (tmp_path / "f.npz").write_text("nothing")
    with pytest.raises(DataError, match="cannot be read"):
        read_embeddings(tmp_path / "f.npz")
