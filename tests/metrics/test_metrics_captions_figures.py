"""Length, repetition, novelty and vocabulary of captions: by hand, and with aac-metrics' way of counting words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import benchbed as bb
from benchbed.errors import DataError
from benchbed.metrics.captions.figures import bigrams, training
from benchbed.metrics.captions.vocabulary import Vocabulary
from benchbed.metrics.families.captions import family

CAPTION = st.lists(st.sampled_from(["a", "dog", "barks", "rain"]), max_size=6).map(tuple)


@pytest.mark.parametrize(
    ("caption", "expected"),
    [("", (0, 0)), ("dog", (0, 0)), ("a dog a dog", (1, 3)), ("a a a a", (2, 3)), ("a dog barks", (0, 2))],
)
def test_repeated_bigrams(caption, expected):
    assert bigrams(tuple(caption.split())) == expected


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "clotho_captions_development.csv"
    rows = [["x.wav", "A dog barks loudly, again.", "Rain."], ["y.wav", "It rains on a roof", ""]]
    pd.DataFrame(rows, columns=["file_name", "caption_1", "caption_2"]).to_csv(path, index=False)
    return path


def test_novelty_against_training_captions(table):
    """Equal words are no news, whatever the marks; of `a dog barks loudly outside` one of two 4-grams is known."""
    known = training(table)
    assert known.novelty(("a", "dog", "barks", "loudly", "again")) == (0, 0, 2)
    assert known.novelty(("a", "dog", "barks", "loudly", "outside")) == (1, 1, 2)
    assert known.novelty(("rain",)) == (0, 0, 0)


def test_novelty_on_a_record(table):
    said = ["a dog barks loudly again", "a dog barks loudly outside", "a cat"]
    figures = bb.evaluate("captions", [["a dog"]] * 3, said, training=str(table))
    assert figures["novel"] == pytest.approx(2 / 3) and figures["novel_4grams"] == pytest.approx(1 / 4)


def test_training_captions_in_a_table_that_has_none(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("file_name,label\nx.wav,dog\n")
    with pytest.raises(DataError, match="no column caption"):
        training(path)
    with pytest.raises(DataError, match="no column caption"):
        bb.evaluate("captions", [["a dog"]] * 2, ["a", "b"], training=str(path))


def test_repetition_pools_bigrams():
    figures = bb.evaluate("captions", [["a dog"]] * 2, ["a dog a dog", "a cat"])
    assert figures["repetition"] == pytest.approx(1 / 4)
    alone = bb.evaluate("captions", [["a dog"]] * 2, ["dog", "cat"]).metrics["repetition"]
    assert alone.value is None and alone.reason == "no caption has two words"


def test_words_as_aac_metrics_counts_them():
    """`vocab.cands` and `vocab.ratio_full` of aac-metrics 0.6.0: distinct words, and by those of references."""
    references = [["A dog barks.", "the dog barks"], ["Rain falls"]]
    figures = bb.evaluate("captions", references, ["a dog barks", "a cat"])
    assert figures["vocabulary"] == 4 and figures["vocabulary_ratio"] == pytest.approx(4 / 6)
    assert figures.metrics["vocabulary"].low is None and "fewer words" in figures.metrics["vocabulary"].reason


@given(st.lists(st.tuples(CAPTION, CAPTION), min_size=1, max_size=6), st.data())
def test_any_choice_of_clips_has_the_words_of_those_clips(clips, data):
    said, truth = [one for one, _ in clips], [[other] for _, other in clips]
    weights = data.draw(st.lists(st.integers(0, 2), min_size=len(clips), max_size=len(clips)))
    found = Vocabulary(said, truth, np.arange(len(clips)), len(clips)).scores(np.array([weights], float))[0]
    chosen = [i for i, weight in enumerate(weights) if weight]
    words, others = ({word for i in chosen for word in side[i]} for side in (said, [t[0] for t in truth]))
    if not chosen:
        assert np.isnan(found["vocabulary"][0])
    else:
        assert found["vocabulary"][0] == len(words)
        ratio = found["vocabulary_ratio"][0]
        assert ratio == pytest.approx(len(words) / len(others)) if others else np.isnan(ratio)


def test_the_record_says_that_weights_stay_and_which_stages_ran():
    said, truth = np.array(["a dog", "rain"], object), np.empty(2, object)
    truth[:] = [("a dog",), ("it rains",)]
    told = family(stages="exact").context(said, truth)
    notes = told.notes(told.statistics(said, truth).sum(axis=0))
    assert "every draw" in notes["cider_d"] and notes["meteor"] == "stages that ran: exact"
