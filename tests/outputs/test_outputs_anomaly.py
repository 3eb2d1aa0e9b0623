"""Anomaly scores as answers, and the folders of files that systems of DCASE Task 2 submit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchbed.card import Card
from benchbed.errors import AdapterError, ConfigError, DataError
from benchbed.outputs import output_of
from benchbed.outputs.anomaly.files import answers_of, read_folder, unused
from benchbed.outputs.contract import Heard

ANOMALY = output_of("anomaly")
HEARD = Heard(1.0, 16000)


def folder(place, **files):
    """A folder of csv files, by the part of their names behind `anomaly_score_` or with it."""
    place.mkdir(exist_ok=True)
    for name, rows in files.items():
        whole = name if name.startswith(("anomaly", "decision")) else f"anomaly_score_{name}"
        (place / f"{whole}.csv").write_text("".join(f"{clip},{value}\n" for clip, value in rows))
    return place


def clips(*names):
    return pd.DataFrame({"clip_id": [f"dcase2023_task2/eval_data/{name}" for name in names]})


ONE = clips("fan/test/section_00_0000.wav", "fan/test/section_00_0001.wav")
SCORES = [("section_00_0001.wav", 2.5), ("section_00_0000.wav", -1)]


def test_rows_count_for_the_clip_that_they_name_in_any_order(tmp_path):
    given = folder(
        tmp_path / "a",
        fan_section_00_test=SCORES,
        decision_result_fan_section_00_test=[("section_00_0000.wav", 0), ("section_00_0001.wav", 1)],
    )
    assert answers_of(given, ONE).tolist() == [[-1.0, 0.0], [2.5, 1.0]]
    assert np.isnan(answers_of(folder(tmp_path / "b", fan_section_00_test=SCORES), ONE)[:, 1]).all()


@pytest.mark.parametrize(
    ("name", "clip"),
    [
        ("ToyCar_id_01", "ToyCar/test/normal_id_01_00000000.wav"),
        ("fan_section_03_source_test", "fan/source_test/section_03_source_test_0000.wav"),
        ("DCASE2023T2fan_section_00_test_seed13711_id(0_)_Eval", "fan/test/section_00_0000.wav"),
    ],
)
def test_names_of_every_year_are_read(tmp_path, name, clip):
    given = folder(tmp_path / "a", **{name: [(clip.rpartition("/")[2].removesuffix(".wav"), 0.5)]})
    assert answers_of(given, clips(clip))[0, 0] == 0.5


@pytest.mark.parametrize(
    ("files", "said", "place"),
    [
        ({"fan_section_00_test": SCORES[:1]}, "no score for the clip 'section_00_0000.wav' of fan", ""),
        ({"valve_section_00_test": SCORES}, "no file of scores for fan section_00", ""),
        ({"fan_section_01_test": [("section_01_0000.wav", 1)]}, "no file of scores for fan section_00", ""),
        ({"fan_id_00": [("id_00_00000000.wav", 1)]}, "files of 2020", ""),
        ({"fan_section_00_test": [*SCORES, SCORES[0]]}, "stands twice", ":3"),
        ({"fan_section_00_test": [("section_00_0000.wav", "nan")]}, "nan", ":1"),
        ({"fan_section_00_test": [("section_00_0000.wav", "")]}, "nan", ":1"),
        ({"fan_section_00_test": [("section_00_0000.wav", "high")]}, "high", ":1"),
        ({"fan_section_00_test": [("section_01_0000.wav", 1)]}, "is no clip of section_00", ":1"),
        (
            {"fan_section_00_test": SCORES, "decision_result_fan_section_00_test": [("section_00_0000.wav", 2)]},
            "the decision is 2",
            ":1",
        ),
        (
            {"fan_section_00_test": SCORES, "decision_result_fan_section_00_test": [("section_00_0000.wav", 1)]},
            "none about 'section_00_0001.wav'",
            "",
        ),
    ],
)
def test_a_folder_that_cannot_be_right_is_one_clear_error(tmp_path, files, said, place):
    with pytest.raises(DataError) as caught:
        answers_of(folder(tmp_path / "a", **files), ONE)
    assert said in caught.value.what and (caught.value.where or "").endswith(place)


def test_what_is_no_folder_of_scores_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="a folder, not a file"):
        read_folder(tmp_path / "nothing")
    (tmp_path / "scores.csv").write_text("a,1\n")
    with pytest.raises(ConfigError, match="no file of anomaly scores"):
        read_folder(tmp_path)


def test_rows_about_no_clip_are_said(tmp_path):
    given = folder(tmp_path / "a", fan_section_00_test=[*SCORES, ("section_00_0009.wav", 1)])
    [said] = unused(given, ONE)
    assert said.startswith("1 of 3 scores are about no clip") and said.endswith("test.csv:3")
    assert unused(folder(tmp_path / "b", fan_section_00_test=SCORES), ONE) == []


def test_models_give_scores_with_or_without_decisions():
    reading = ANOMALY.read(Card("net", "mlp", "anomaly", (), 16000), ())
    alone = reading.check(np.array([1.0, np.nan, 3.0]), 3, HEARD)
    assert reading.usable(alone).tolist() == [True, False, True] and np.isnan(alone[:, 1]).all()
    assert reading.check(np.array([[1.0, 0.0], [2.0, 1.0]]), 2, HEARD)[:, 1].tolist() == [0.0, 1.0]
    with pytest.raises(AdapterError, match=r"the decision 0\.7"):
        reading.check(np.array([[1.0, 0.7]]), 1, HEARD)
    with pytest.raises(AdapterError, match="gives scene"):
        ANOMALY.read(Card("net", "cnn", "scene", ("a", "b"), 16000), ())


def test_an_undecided_answer_is_another_than_a_decision():
    one, other = np.array([[1.0, np.nan], [1.0, 0.0]]), np.array([[1.0, np.nan], [1.0, np.nan]])
    assert ANOMALY.gap(one, other).tolist() == [0.0, np.inf]
