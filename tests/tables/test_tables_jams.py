"""JAMS files with several annotations, of which the timed ones count."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchbed.errors import DataError
from benchbed.tables.jams import read_jams


def annotation(namespace: str, *events: tuple, confidence: float | None = 1.0) -> dict:
    data = [{"time": t, "duration": d, "value": v, "confidence": confidence} for t, d, v in events]
    return {"namespace": namespace, "data": data}


def written(folder: Path, *annotations: dict, duration: float = 10) -> Path:
    (folder / "a.jams").write_text(json.dumps({"annotations": annotations, "file_metadata": {"duration": duration}}))
    return folder / "a.jams"


def test_annotators_together_and_tags_apart(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        annotation("tag_open", (0, 10, "dog")),
        annotation("segment_open", (1, 1, "dog")),
        annotation("sound_event", (5, 1, "cat")),
        annotation("beat", (0.5, 0, 1)),
    )
    found = read_jams(file)
    assert found.rows[["onset", "offset", "label"]].values.tolist() == [[1, 2, "dog"], [5, 6, "cat"]]
    assert (found.annotations, found.tags) == (2, 1) and "confidence" not in found.rows
    assert found.rows["where"].iloc[1] == f"{file}: annotation 3, event 1"


def test_timed_tags_alone_are_events_and_tags_of_the_clip_are_not(tmp_path: Path) -> None:
    assert len(read_jams(written(tmp_path, annotation("tag_open", (1, 2, "dog")))).rows) == 1
    with pytest.raises(DataError, match="tags of the whole clip"):
        read_jams(written(tmp_path, annotation("tag_open", (0, 10, "dog"), (0, 10, "cat"))))


def test_confidences_are_read_where_they_differ_from_one(tmp_path: Path) -> None:
    sure, unsure = annotation("segment_open", (1, 1, "dog")), annotation("segment_open", (3, 1, "dog"), confidence=0.4)
    assert read_jams(written(tmp_path, sure, unsure)).rows["confidence"].tolist() == [1.0, 0.4]
    with pytest.raises(DataError, match="some events have a confidence"):
        read_jams(written(tmp_path, annotation("segment_open", (1, 1, "dog"), confidence=None), unsure))
    with pytest.raises(DataError, match=r"confidence of 40 is not between"):
        read_jams(written(tmp_path, annotation("segment_open", (1, 1, "dog"), confidence=40)))


@pytest.mark.parametrize("text", ["{}", "no", '{"annotations": [{"namespace": "scaper"}]}'])
def test_something_else(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.jams").write_text(text)
    with pytest.raises(DataError, match="not a JAMS file"):
        read_jams(tmp_path / "a.jams")
