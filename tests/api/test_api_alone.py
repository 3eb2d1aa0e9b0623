"""Metrics and corruptions alone on arrays, held against outside values."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

import benchbed as bb
from benchbed.errors import CannotMeasure, ConfigError, DataError
from benchbed.perturb import CORRUPTIONS, resolve

RATE = 16000
TONE = (0.3 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)).astype(np.float32)


def test_classification_as_scikit_learn_has_it():
    random = np.random.default_rng(0)
    truth, scores = random.integers(0, 3, 50), random.dirichlet(np.ones(3), 50)
    figures = bb.evaluate("classification", truth, scores, labels=("a", "b", "c"))
    assert figures["accuracy"] == pytest.approx(sklearn_metrics.accuracy_score(truth, scores.argmax(1)))
    assert figures["macro_accuracy"] == pytest.approx(sklearn_metrics.balanced_accuracy_score(truth, scores.argmax(1)))
    assert figures["log_loss"] == pytest.approx(sklearn_metrics.log_loss(truth, scores))
    frame = figures.frame()
    assert set(frame["group"].dropna()) == {"class=a", "class=b", "class=c"}


def test_tags_as_scikit_learn_has_them():
    random = np.random.default_rng(1)
    truth, scores = random.integers(0, 2, (40, 3)), random.random((40, 3))
    figures = bb.evaluate("tagging", truth, scores, labels=("a", "b", "c"), draws=50)
    expected = np.mean([sklearn_metrics.average_precision_score(truth[:, i], scores[:, i]) for i in range(3)])
    assert figures["map"] == pytest.approx(expected)
    assert figures.metrics["map"].low < figures["map"] < figures.metrics["map"].high


def test_events_from_tables_and_from_frames():
    # Two of three reference events are found within 0.2 s, one output is a false alarm: F1 = 2 · 2 / (3 + 3).
    reference = pd.DataFrame(
        {"filename": ["a", "a", "b"], "onset": [0.0, 2.0, 1.0], "offset": [1.0, 3.0, 2.0], "event_label": ["x"] * 3}
    )
    estimate = {"a": [(0.1, 1.1, "x"), (2.9, 3.9, "x")], "b": [(1.0, 2.0, "x")]}
    figures = bb.evaluate("sed_event", reference, estimate, labels=["x"], onset_collar=0.2)
    assert figures["micro_f1"] == pytest.approx(2 / 3)
    scores = np.zeros((40, 1))
    scores[0:10] = 0.9
    framed = bb.evaluate("sed_segment", {"a": [(0.0, 1.0, "x")]}, {"a": (scores, 0.1)}, labels=["x"])
    assert framed["micro_f1"] == 1.0


@pytest.mark.parametrize(
    ("family", "references", "estimates", "extra", "words"),
    [
        ("classification", ["bus"], ["tram", "bus"], {}, "estimates of shape"),
        ("classification", [0], [[0.1, 0.9]], {}, "without `labels`"),
        ("classification", ["bsu"], ["bus"], {"labels": ("bus", "tram")}, "did you mean 'bus'"),
        ("classification", [7], [[0.1, 0.9]], {"labels": ("bus", "tram")}, "class number 7 of 2"),
        ("tagging", [["dog"]], [[0.5]], {}, "no names"),
        ("tagging", [["dgo"]], [[0.5]], {"labels": ("dog",)}, "did you mean 'dog'"),
        ("sed_event", {"a": []}, {"b": []}, {"labels": ["x"]}, "has no reference"),
        ("sed_event", {"a": [], "b": []}, {"a": []}, {"labels": ["x"]}, "no estimate for 1 of 2"),
        ("sed_event", {"a": [(0, 1)]}, {"a": []}, {"labels": ["x"]}, "rows of 2 values"),
        ("sed_event", 5, {"a": []}, {"labels": ["x"]}, "neither a mapping"),
        ("classification", ["bus"], ["bus"], {"colour": 1, "labels": ("bus", "tram")}, "does not take"),
        ("classificatoin", ["bus"], ["bus"], {}, "did you mean 'classification'"),
    ],
)
def test_what_does_not_fit_is_said(family, references, estimates, extra, words):
    with pytest.raises(ConfigError, match=words):
        bb.evaluate(family, references, estimates, **extra)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("ab")), min_size=1, max_size=30))
def test_accuracy_of_any_pairs(pairs):
    truth, output = [a for a, _ in pairs], [b for _, b in pairs]
    figure = bb.evaluate("classification", truth, output, labels=("a", "b"))["accuracy"]
    assert figure == pytest.approx(np.mean([a == b for a, b in pairs]))


def test_sources_with_directions_by_hand():
    # Second 1 of DCASE 2022: dog is found 10° off, cat 60° off, which is a false and a missed source at once.
    heard = {"a": [(0, "dog", 30.0, 0.0), (0, "cat", -90.0, 0.0)], "b": []}
    said = {"a": [(0, "dog", 40.0, 0.0), (0, "cat", -30.0, 0.0)], "b": []}
    found = bb.evaluate("seld2022", heard, said)
    assert found["er20"] == pytest.approx(1 / 2) and found["macro_f20"] == pytest.approx(1 / 2)
    assert found["macro_le_cd"] == pytest.approx((10 + 60) / 2) and found["macro_lr_cd"] == 1.0
    perfect = bb.evaluate("seld2022", heard, heard, draws=20)
    assert (perfect["er20"], perfect["macro_f20"], perfect["macro_le_cd"]) == (0.0, 1.0, 0.0)
    mirrored = {clip: [(frame, label, -a, e) for frame, label, a, e in rows] for clip, rows in heard.items()}
    assert bb.evaluate("seld2022", heard, mirrored)["macro_f20"] == 0.0


def test_silence_has_no_localisation_error():
    for said in ([], [(3, "dog", 20.0)]):
        silent = bb.evaluate("seld2022", {"a": []}, {"a": said}, labels=["dog"])
        assert np.isnan(silent["micro_le_cd"]) and np.isnan(silent["er20"]) and np.isnan(silent["micro_seld"])
    missed = bb.evaluate("seld2022", {"a": [(3, "dog", 20.0)]}, {"a": []}, labels=["dog"])
    assert missed["micro_le_cd"] == missed["macro_le_cd"] == 180.0


def test_sources_from_tables_and_from_tracks():
    from benchbed.outputs.tracks.recording import tracks

    rows = {"filename": ["a", "a", "b"], "frame": [0, 1, 0], "label": ["dog", "cat", None], "azimuth": [3.0, 70.0, 0.0]}
    table = pd.DataFrame({**rows, "distance": [1.0, 2.0, 0.0]})
    held = {"a": tracks([0, 1], [1, 0], [3.0, 70.0], distance=[1.0, 2.0]), "b": tracks([], [], [])}
    for given_as in (table, held):
        found = bb.evaluate("seld2024", table, given_as, labels=["cat", "dog"])
        assert found.clips == 2 and found["macro_f20"] == 1.0 and found["macro_relative_distance_error"] == 0.0
    # What was said after the end of a recording counts only where the recording is known to be longer.
    late = {"a": [(0, "dog", 3.0), (50, "dog", 3.0)]}
    longer, unknown = {"tracks": [(0, "dog", 3.0)], "frames": 10}, [(0, "dog", 3.0)]
    assert bb.evaluate("seld2022", {"a": longer}, late)["er20"] == 0.0
    assert bb.evaluate("seld2022", {"a": unknown}, late)["er20"] == 1.0


@pytest.mark.parametrize(
    "references, estimates, labels, words",
    [
        ({}, {}, ["x"], "no clips"),
        ({"a": [], "b": []}, {"a": []}, ["x"], "no estimate for 1 of 2 recordings, e.g. 'b'"),
        ({"a": []}, {"a": [], "c": []}, ["x"], "estimates for 'c', which has no reference"),
        ({"a": [(0, "y", 3.0)]}, {"a": []}, ["x"], "'y' is no class"),
        ({"a": [(0, "x")]}, {"a": []}, ["x"], "a row that is none"),
        ({"a": [(0, "x", 3.0), (0, "x", 3.0, 1.0)]}, {"a": []}, ["x"], "rows of different lengths"),
        ({"a": {"tracks": []}}, {"a": []}, ["x"], "a recording with the keys"),
        ([1], {"a": []}, ["x"], "neither a mapping"),
        ({"a": [(0, "x", 300.0)]}, {"a": []}, ["x"], "an azimuth of 300 degrees"),
        (pd.DataFrame({"filename": ["a"], "frame": [0]}), {"a": []}, ["x"], "no column 'label'"),
    ],
)
def test_sources_that_do_not_fit(references, estimates, labels, words):
    with pytest.raises((ConfigError, DataError), match=words):
        bb.evaluate("seld2022", references, estimates, labels=labels)


def test_noise_has_the_snr_that_was_asked_for():
    noisy = bb.corrupt(TONE, RATE, "white_noise", snr=10)
    noise = noisy.astype(float) - TONE
    assert 10 * np.log10(np.mean(TONE.astype(float) ** 2) / np.mean(noise**2)) == pytest.approx(10, abs=0.1)
    told = bb.corrupt(np.stack([TONE, TONE]), RATE, "white_noise", 10, details=True)
    assert told.achieved == pytest.approx(10, abs=0.1) and told.waveform.shape == (2, RATE)


def test_a_corruption_is_the_same_wherever_it_is_drawn():
    first, again = (bb.corrupt(TONE, RATE, "babble", snr=5) for _ in range(2))
    assert (first == again).all()
    assert (first != bb.corrupt(TONE, RATE, "babble", snr=5, seed=1)).any()
    assert (bb.corrupt(TONE, RATE, "babble", severity=4) == bb.corrupt(TONE, RATE, "babble", snr=5)).all()


@pytest.mark.parametrize("name", CORRUPTIONS.names())
def test_every_corruption_has_a_word_for_each_part_of_its_parameter(name):
    corruption = resolve(name)
    first = corruption.parameters[0]
    assert len(corruption.keywords) == (len(first) if isinstance(first, tuple) else 1)


def test_the_audio_that_was_given_stays_as_it_is():
    kept = TONE.copy()
    bb.corrupt(TONE, RATE, "clipping", threshold=1.0)
    assert (kept == TONE).all()


@pytest.mark.parametrize(
    ("audio", "arguments", "words"),
    [
        (TONE, {"corruption": "babbel", "snr": 3}, "did you mean 'babble'"),
        (TONE, {"corruption": "babble", "sn": 3}, "did you mean 'snr'"),
        (TONE, {"corruption": "babble"}, "say once how strong"),
        (TONE, {"corruption": "babble", "snr": 3, "severity": 2}, "say once how strong"),
        (TONE, {"corruption": "babble", "severity": 9}, "severities 1 … 5"),
        (TONE, {"corruption": "reverb", "t60": 0.4}, "wants t60=… and drr=…"),
        ((TONE * 32767).astype(np.int16), {"corruption": "babble", "snr": 3}, "32768"),
        (np.full(100, np.nan, np.float32), {"corruption": "babble", "snr": 3}, "not finite"),
        (np.zeros((2, 3, 4), np.float32), {"corruption": "babble", "snr": 3}, "shape"),
    ],
)
def test_a_call_that_cannot_be_meant_is_refused(audio, arguments, words):
    with pytest.raises(ConfigError, match=words):
        bb.corrupt(audio, RATE, **arguments)


def test_audio_that_a_corruption_cannot_change():
    with pytest.raises(CannotMeasure, match="cannot be applied"):
        bb.corrupt(np.zeros(RATE, np.float32), RATE, "white_noise", snr=10)
    assert bb.corrupt(np.zeros(RATE, np.float32), RATE, "white_noise", snr=10, details=True).skipped
