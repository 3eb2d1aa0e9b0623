"""Labels of stored answers that the data set does not have: the file, row and clip that name them, what was meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchbed.adapter.load import load_adapter
from benchbed.errors import AdapterError
from benchbed.outputs import output_of
from benchbed.run.preparing.misnamed import misnamed, read_as_written

LABELS = ("dog bark", "metro", "tram")


@pytest.fixture
def stored(repository: Path, tmp_path: Path):
    """An adapter of the shipped ones over a file with this text."""

    def made(text: str, kind: str = "predictions", **options: str):
        (tmp_path / "said.csv").write_text(text)
        file = str(repository / "adapters" / f"{kind}.py")
        return load_adapter(file, {"file": str(tmp_path / "said.csv"), **options}).adapter

    return made


DECIDED = "filename,label\na.wav,tram\nb.wav,metroo\nc.wav,metroo\nd.wav,Dog_Bark\n"
SCORED = "filename,dog bark,metroo,tram\na.wav,0,1,0\n"
LISTED = "filename,onset,offset,label\na.wav,0,1,tram\nb.wav,0,1,metroo\nb.wav,1,2,dog bark\n"


@pytest.mark.parametrize(
    ("text", "kind", "task", "where", "rows"),
    [
        (DECIDED, "predictions", "scene", "said.csv:3, of b.wav", ", in 2 rows"),
        (SCORED, "predictions", "scene", "said.csv:1", ""),
        (LISTED, "detections", "frames", "said.csv:3, of b.wav", ""),
    ],
)
def test_a_label_that_nothing_names_is_an_error_at_the_row_that_meant_it(stored, text, kind, task, where, rows):
    with pytest.raises(AdapterError) as raised:
        read_as_written(output_of(task), stored(text, kind), LABELS, None, ())
    assert raised.value.what == f"'metroo' is no class of the data set{rows}, and no answer names 'metro'"
    assert raised.value.where.endswith(where) and raised.value.hint.startswith("did you mean 'metro'? mend the file")
    read_as_written(output_of(task), stored(text, kind), LABELS, {"metro": ["metroo"]}, ())


def test_a_label_like_no_other_keeps_the_error_of_the_card_with_its_row(stored):
    with pytest.raises(AdapterError, match="has no class for 1 of 3 labels: metro") as raised:
        read_as_written(output_of("scene"), stored(DECIDED.replace("metroo", "car")), LABELS, None, ())
    assert raised.value.where.endswith("said.csv:3, of b.wav")


def test_a_label_that_other_rows_name_is_not_said_to_lack_answers(stored):
    text = "filename,label\na.wav,tram\nb.wav,metroo\nc.wav,metro\n"
    with pytest.raises(AdapterError, match="has no class for 1 of 3 labels: dog bark") as raised:
        read_as_written(output_of("scene"), stored(text), LABELS, None, ())
    assert raised.value.where.endswith("said.csv:3, of b.wav")


def test_a_label_with_an_apostrophe_is_meant_as_a_whole(stored):
    text = DECIDED.replace("Dog_Bark", "dogs' barks")
    with pytest.raises(AdapterError) as raised:
        read_as_written(output_of("scene"), stored(text), ("dog's bark", "metroo", "tram"), None, ())
    assert raised.value.what == "'dogs' barks' is no class of the data set, and no answer names 'dog's bark'"


def test_rows_that_name_another_class_beside_all_labels_are_told(stored):
    adapter = stored(DECIDED + "e.wav,metro\nf.wav,car\n")
    read_as_written(output_of("scene"), adapter, LABELS, None, ())
    (said,) = misnamed(output_of("scene"), adapter, LABELS, None)
    assert said.startswith("3 rows name classes that the data set does not have: 'metroo' in 2 (first ")
    assert "said.csv:3, of b.wav; did you mean 'metro'?), 'car' in 1 (first" in said and "said.csv:7, of f.wav)" in said
    assert misnamed(output_of("scene"), adapter, (*LABELS, "car"), {"metro": ["metro", "metroo"]}) == []


def test_columns_of_other_classes_are_no_misnamed_rows(stored):
    adapter = stored("filename,dog bark,metro,tram,car\na.wav,0,1,0,0\n")
    assert misnamed(output_of("scene"), adapter, LABELS, None) == []


def test_a_decision_that_is_none_of_the_labels_given_names_its_clip(stored):
    with pytest.raises(AdapterError, match="'metroo' is not one of the labels") as raised:
        stored(DECIDED, labels="tram,metro,Dog_Bark")
    assert raised.value.where.endswith("said.csv:3, of b.wav") and raised.value.hint == "did you mean 'metro'?"
    with pytest.raises(AdapterError, match="'metroo' is not one of the labels") as raised:
        stored(LISTED, "detections", labels="tram,metro,dog bark")
    assert raised.value.where.endswith("said.csv:3, of b.wav")
