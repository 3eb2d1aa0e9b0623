"""Machine sounds of DCASE Task 2 as each year lays them out, ground truth of evaluators, and what is wrong there."""

from __future__ import annotations

import importlib

import pytest
import soundfile

from benchbed.data import synthetic
from benchbed.data.check import check
from benchbed.data.machines import Season, machine_sounds
from benchbed.errors import DataError
from benchbed.outputs import output_of

YEARS = range(2020, 2027)


def layout(year):
    return importlib.import_module(f"benchbed.data.layouts.dcase{year}_task2")


def tree(root, *paths, **files):
    """Empty clips, and files of lines."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    for path, lines in files.items():
        place = root / path.replace("__", "/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.with_name(f"{place.name}.csv").write_text("".join(f"{line}\n" for line in lines))
    return root


def stated(name="fan_section_00_test", states=("section_00_0000.wav,1",), domains=("section_00_0000.wav,0",)):
    return {f"ground_truth_data__ground_truth_{name}": states} | (
        {f"ground_truth_domain__ground_truth_{name}": domains} if domains else {}
    )


@pytest.mark.parametrize("year", YEARS)
def test_the_stand_in_of_a_year_is_read(year, tmp_path):
    root = synthetic.make(tmp_path / "set", layout=f"dcase{year}_task2", size="small")
    data = layout(year).read(root)
    assert data.kind == "anomaly" and data.synthetic and set(data.splits) == {"train", "test"}
    assert [len(data.splits[name]) for name in ("train", "test")] == [24, 48] and len(data.labels) == 3
    test = data.select("test")
    assert set(data.select("train")["state"]) == {"normal"} and sorted(test["state"].value_counts()) == [24, 24]
    assert set(test["domain"]) == ({""} if year == 2020 else {"source", "target"})
    references = output_of("anomaly").references(test, None, data.labels)
    assert references[0].section == test["label"].iloc[0] and references[0].anomalous == (
        test["state"].iloc[0] != "normal"
    )
    sound, rate = soundfile.read(root / test["path"].iloc[0])
    assert rate == 16000 and sound.shape == ((32000, 2) if year == 2026 else (32000,)) and 0.02 < sound.std() < 0.1
    assert check(data, decode=False).ok


def test_evaluation_clips_get_state_and_domain_from_the_evaluator(tmp_path):
    clips = ["eval_data/fan/test/section_00_0000.wav", "eval_data/fan/test/section_00_0001.wav"]
    train = "eval_data/fan/train/section_00_source_train_normal_0000_m-n_W.wav"
    truth = stated(
        states=("section_00_0001.wav,0", "section_00_0000.wav,1"),
        domains=("section_00_0000.wav,0", "section_00_0001.wav,1"),
    )
    data = layout(2023).read(tree(tmp_path, *clips, train, **truth))
    assert {split: len(ids) for split, ids in data.splits.items()} == {"eval_train": 1, "eval_test": 2}
    test = data.select("eval_test")
    assert test["state"].tolist() == ["anomaly", "normal"] and test["domain"].tolist() == ["source", "target"]
    assert data.select("eval_train")["attributes"].tolist() == ["m-n_W"] and data.labels == ("fan section_00",)


def test_ground_truth_alone_is_enough_for_stored_scores(tmp_path):
    data = layout(2023).read(tree(tmp_path, **stated()))
    assert data.splits == {"eval_test": ("dcase2023_task2/eval_data/fan/test/section_00_0000.wav",)}
    (tmp_path / "old").mkdir()
    old = tree(tmp_path / "old", eval_data_list=("fan", "id_01_00000000.wav,normal_id_01_00000000.wav,0", "pump"))
    data = layout(2020).read(old)
    assert data.clips[["label", "state", "domain"]].values.tolist() == [["fan id_01", "normal", ""]]
    assert "1 test clips, all of them normal" in data.notes[0]
    own = stated("fan_section_03_source_test", ("section_03_source_test_0000.wav,1",), ())
    data = layout(2021).read(tree(tmp_path / "third", **own))
    assert data.clips["domain"].tolist() == ["source"] and "/source_test/" in data.clips["path"].iloc[0]


DEV = "dev_data/fan/test/section_00_source_test_normal_0000.wav"


@pytest.mark.parametrize(
    ("year", "paths", "files", "said"),
    [
        (2023, [], {}, "no machine has a folder"),
        (2020, [DEV], {}, "a recording of 2021 or later, not of 2020"),
        (2023, ["fan/test/normal_id_00_00000000.wav"], {}, "a recording of 2020, not of 2023"),
        (2023, ["x/fan/source_test/section_00_source_test_normal_0000.wav"], {}, "none of 2023"),
        (2021, [DEV], {}, "the folder test is none of 2021"),
        (2023, ["d/pump/test/section_00_source_test_normal_0000.wav"], {}, "2023 has no machine 'pump'"),
        (2023, [DEV.replace("section_00", "section_02")], {}, "no section 02 of fan"),
        (2022, [DEV.replace("section_00", "section_07")], {}, "no section 07 of fan"),
        (2020, ["d/fan/test/normal_id_09_00000000.wav"], {}, "no id 09 of fan"),
        (2023, ["d/fan/test/clip.wav"], {}, "'clip.wav' says nothing"),
        (2023, ["d/fan/train/section_00_source_train_anomaly_0000.wav"], {}, "a training clip is an anomaly"),
        (2023, ["d/fan/test/section_00_normal_0000.wav"], {}, "says no domain"),
        (2023, ["d/fan/test/section_00_0000.wav"], {}, "nobody states whether"),
        (2023, [], stated(domains=()), "nobody states the domain"),
        (2023, [], stated(states=("section_00_0000.wav,2",)), "the value is 2"),
        (2023, [], stated(domains=("section_00_0000.wav,x",)), "x"),
        (2023, [], stated("fan_section_00_source_test"), "ground truth of 2021, not of 2023"),
        (2021, [], stated("fan_section_03_test"), "ground truth of 2022 or later, not of 2021"),
        (2023, [], stated(states=("clip.wav,1",)), "'clip.wav' says nothing"),
        (2023, [], stated("fan"), "the file's name says nothing"),
        (2020, [], {"eval_data_list": ("id_01_00000000.wav,x,1",)}, "before any machine"),
        (2020, [], {"eval_data_list": ("fan", "id_01_00000000.wav,x,yes")}, "the value is yes"),
    ],
)
def test_what_cannot_be_right_is_one_clear_error(tmp_path, year, paths, files, said):
    with pytest.raises(DataError) as caught:
        layout(year).read(tree(tmp_path, *paths, **files))
    assert said in caught.value.what and caught.value.where


def test_a_year_without_a_list_takes_any_machine(tmp_path):
    root = tree(tmp_path, "dev_data/press/test/section_05_target_test_anomaly_0001.wav")
    assert machine_sounds(root, Season(2026, layout(2026).FACTS)).labels == ("press section_05",)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        layout(2023).read(tmp_path / "nothing")
