"""The contract of every kind of output, on the examples that each of them makes up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbed.card import Card
from benchbed.errors import AdapterError
from benchbed.outputs import OUTPUTS, output_of
from benchbed.outputs.cards import impossible
from benchbed.outputs.contract import Heard
from benchbed.predictions.store import UnitPredictions, own_columns, read_units, write_unit

LABELS = ("dog", "rain", "speech")
HEARD = Heard(1.0, 8000, 1.0)


@pytest.fixture(params=OUTPUTS.names())
def output(request):
    return output_of(request.param)


def unit_of(output, clips: int, seed: int) -> UnitPredictions:
    labels = LABELS if output.classes else ()
    answers, references = output.example(np.random.default_rng(seed), clips, labels)
    columns = {
        "clip_id": [f"{seed}/{number}" for number in range(clips)],
        "cell": ["c"] * clips,
        "draw": [0] * clips,
        "label": ["dog"] * clips,
    }
    kept = references if output.moved_by else None
    return UnitPredictions(f"u{seed}", labels, columns, answers, kind=output.name, references=kept)


@pytest.mark.parametrize("kind", OUTPUTS.names())
@given(sizes=st.lists(st.integers(0, 5), min_size=1, max_size=3))
@settings(max_examples=15, deadline=None)
def test_what_is_read_is_what_was_written(tmp_path_factory, kind, sizes):
    output, folder = output_of(kind), tmp_path_factory.mktemp("units")
    units = [unit_of(output, clips, seed) for seed, clips in enumerate(sizes)]
    read = read_units([write_unit(unit, folder) for unit in units])
    written = output.join([unit.scores for unit in units], read.labels)
    assert read.kind == kind and len(read.scores) == len(written) == sum(sizes)
    assert not output.gap(read.scores, written).any()
    assert not set(output.columns) & set(read.table.columns)
    if output.moved_by:
        assert read.references is not None and len(read.references) == sum(sizes)


def test_answers_are_picked_and_joined(output):
    answers, _ = output.example(np.random.default_rng(0), 6, LABELS)
    order = np.array([4, 0, 5, 2])
    picked = output.take(answers, order)
    again = output.join([output.take(picked, np.array([row])) for row in range(4)], LABELS)
    assert not output.gap(picked, again).any()
    assert not output.gap(picked, output.take(answers, order)).any()
    assert len(output.join([], LABELS)) == 0
    assert output.gap(answers[:1], answers[1:2])[0] > 0, "two examples are two answers"


def test_an_answer_is_told_in_one_line(output):
    answers, references = output.example(np.random.default_rng(1), 4, LABELS)
    for row in range(4):
        line = output.told(answers, references, row, LABELS)
        assert line.strip() and "\n" not in line and len(line) < 400


def test_references_of_no_clip_are_none(output):
    table = pd.DataFrame({"clip_id": [], "label": [], "weak": [], "captions": []})
    references = output.references(table, None, LABELS)
    assert len(references) == 0 and len(output.coarse(references)) == 0


def card_of(output) -> Card:
    needed = dict.fromkeys(output.needs, 0.1)
    return Card("net", "other", output.name, LABELS if output.classes else (), 8000, **needed)


def test_a_card_of_its_own_is_read_and_a_wrong_answer_refused(output):
    card = card_of(output)
    assert not impossible(card)
    reading = output.read(card, LABELS if output.classes else ())
    assert reading.describe()
    for wrong in (np.zeros((3, 2, 2, 2, 2)), np.zeros(0), np.array(["a", "b"])):
        with pytest.raises(AdapterError):
            reading.check(wrong, 7, HEARD)


def test_its_columns_are_kept_from_metadata(output):
    assert set(output.columns) <= own_columns(output)
