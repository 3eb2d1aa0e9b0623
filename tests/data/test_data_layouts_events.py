"""Official layouts of timed events in miniature: what is read, cut, joined, left out, and where errors are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchbed.data.layouts import (
    audioset_strong,
    dcase2017_task4,
    events,
    idmt_traffic,
    maestro_real,
    mavd_traffic,
    tut_sed_2016,
    tut_sed_2017,
    urban_sed,
)
from benchbed.errors import DataError


def wave(path: Path, seconds: float = 2.0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.full(round(seconds * 8000), 0.1), 8000)


def text(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(line + "\n" for line in lines))


def timed(data) -> list[tuple]:
    return [tuple(row) for row in data.events[["onset", "offset", "label"]].values.tolist()]


def test_urban_sed(tmp_path: Path):
    for split, name in (
        ("train", "soundscape_train_bimodal2"),
        ("train", "soundscape_train_bimodal10"),
        ("test", "soundscape_test_unimodal0"),
    ):
        wave(tmp_path / f"audio/{split}/{name}.wav")
        text(tmp_path / f"annotations/{split}/{name}.txt", "0.5\t1.5\tsiren", "1.0\t9.0\tdog_bark")
    data = urban_sed.read(tmp_path)
    assert [len(data.splits[split]) for split in ("train", "test")] == [2, 1] and "validate" not in data.splits
    assert data.splits["train"][0].endswith("bimodal2.wav"), "in natural order"
    assert timed(data)[:2] == [(0.5, 1.5, "siren"), (1.0, 2.0, "dog_bark")]
    assert data.notes == ("3 events were cut at the end of their recording",)
    text(tmp_path / "annotations/test/soundscape_test_unimodal0.txt", "0.5\t1.5\tsirene")
    with pytest.raises(DataError, match="unknown label 'sirene'") as caught:
        urban_sed.read(tmp_path)
    assert caught.value.where.endswith("unimodal0.txt:1")


def test_mavd_joins_what_a_vehicle_does(tmp_path: Path):
    wave(tmp_path / "audio_test/one.flac")
    text(
        tmp_path / "annotations_test/one.txt",
        "0.0\t1.0\tcar/engine_idling",
        "0.5\t1.5\tcar/engine_accelerating",
        "0.2\t0.4\tbus/brakes",
        "0.1\t0.2\ttruck/engine_idling",
        "0.0\t2.0\tchatter",
    )
    data = mavd_traffic.read(tmp_path)
    assert data.labels == ("bus", "car", "motorcycle") and timed(data) == [(0.0, 1.5, "car"), (0.2, 0.4, "bus")]
    assert data.notes[0] == "2 events of labels that are no classes of this task were left out"
    assert "1 event was merged with an overlapping one of its class" in data.notes
    assert (0.1, 0.2, "truck") in timed(mavd_traffic.read(tmp_path, classes=4))
    assert len(timed(mavd_traffic.read(tmp_path, level="full"))) == 5


def scene(folder: Path, name: str, numbers: list[str], rows: str) -> None:
    for number in numbers:
        wave(folder / f"audio/{name}/{number}.wav")
        text(folder / f"meta/{name}/{number}.ann", *([rows] if rows else []))


def test_tut_2017_with_its_two_forms_of_lists(tmp_path: Path):
    dev, test = (tmp_path / f"TUT-sound-events-2017-{part}" for part in ("development", "evaluation"))
    scene(dev, "street", ["a001", "a010"], "0.5\t1.0\tcar")
    text(dev / "meta/street/a010.ann", "audio/street/a010.wav\tstreet\t0.25\t0.75\tpeople walking\tm\ta010")
    scene(test, "street", ["b001"], "")
    text(dev / "evaluation_setup/street_fold1_test.txt", "audio/street/a010.wav\tstreet\t0.25\t0.75\tpeople walking")
    data = tut_sed_2017.read(tmp_path)
    assert {k: len(v) for k, v in data.splits.items()} == {"dev": 2, "test": 1, "fold1": 1, "not_fold1": 1}
    assert timed(data) == [(0.5, 1.0, "car"), (0.25, 0.75, "people walking")]
    assert data.notes == ("1 of 3 recordings hold no event",)
    assert set(tut_sed_2017.read(dev).splits) == {"dev", "fold1", "not_fold1"}
    text(dev / "evaluation_setup/street_fold2_test.txt", "audio/street/c999.wav\tstreet")
    with pytest.raises(DataError, match=r"'c999\.wav' of a fold is not in the set"):
        tut_sed_2017.read(tmp_path)


def test_tut_2016_by_scene(tmp_path: Path):
    scene(tmp_path, "home", ["h1"], "0.5\t1.0\tcutlery")
    scene(tmp_path, "residential_area", ["r1"], "0.5\t1.0\twind blowing")
    assert timed(tut_sed_2016.read(tmp_path, scene="home")) == [(0.5, 1.0, "cutlery")]
    assert tut_sed_2016.read(tmp_path).labels == tut_sed_2016.LABELS["residential_area"]
    with pytest.raises(DataError, match="no meta/street"):
        tut_sed_2017.read(tmp_path)


def test_maestro_soft_labels(tmp_path: Path):
    wave(tmp_path / "development_audio/city_center/city_center_01.wav", 4)
    wave(tmp_path / "development_audio/metro_station/metro_station_00.wav", 4)
    text(
        tmp_path / "development_annotation/soft_labels_city_center/city_center_01.txt",
        "0\t1\tcar\t0.5",
        "1\t2\tcar\t0.6",
        "2\t3\tcar\t1.0",
        "3\t4\tcar\t0.1",
        "0\t1\tshopping cart\t0.9",
    )
    text(tmp_path / "development_annotation/soft_labels_metro_station/metro_station_00.txt", "0\t1\tfootsteps\t0.2")
    text(tmp_path / "development_folds/fold1_test.csv", "filename", "metro_station/metro_station_00")
    data = maestro_real.read(tmp_path)
    assert timed(data) == [(1.0, 3.0, "car")], "what is above one half, neighbours joined"
    assert data.clips["label"].tolist() == [("car",), ()] and data.clips["scene"].tolist()[1] == "metro_station"
    assert data.splits["fold1"] == (data.clips["clip_id"][1],) and len(data.splits["not_fold1"]) == 1
    assert len(data.labels) == 11 and data.notes[:2] == (
        "1 events of labels that are no classes of this task were left out",
        "2 of 5 soft labels are above 0.5 and count as events",
    )
    soft = maestro_real.read(tmp_path, soft=True, classes="all")
    assert soft.events["confidence"].tolist() == [0.5, 0.9, 0.6, 1.0, 0.1, 0.2] and len(soft.labels) == 17


def test_idmt_traffic(tmp_path: Path):
    stems = [
        "2019-10-22-08-40_Fraunhofer-IDMT_30Kmh_1116695_M_D_CR_SE_CH12",
        "2019-10-22-08-40_Fraunhofer-IDMT_30Kmh_1116695_M_D_CR_ME_CH34",
        "2019-11-12-13-00_Hohenwarte_unknownKmh_12_SE_CH12-BG",
    ]
    for stem in stems:
        wave(tmp_path / f"audio/{stem}.wav")
    text(tmp_path / "annotation/idmt_traffic_all.txt", *(f"{stem}.wav" for stem in stems))
    text(tmp_path / "annotation/eusipco_2021_test.txt", stems[1])
    data = idmt_traffic.read(tmp_path)
    assert data.clips["label"].tolist() == ["car", "car", "none"] and data.kind == "scene"
    assert data.clips["group"][0] == data.clips["group"][1] != data.clips["group"][2]
    assert data.clips["microphone"].tolist() == ["SE", "ME", "SE"] and data.clips["speed"].tolist() == ["30", "30", ""]
    assert data.splits["test"] == (data.clips["clip_id"][1],)
    text(tmp_path / "annotation/eusipco_2021_train.txt", "what_is_this.wav")
    with pytest.raises(DataError, match="not of the form") as caught:
        idmt_traffic.read(tmp_path)
    assert caught.value.where.endswith("eusipco_2021_train.txt:1")


def test_audioset_strong(tmp_path: Path):
    text(tmp_path / "mid_to_display_name.tsv", "/m/1\tBark", "/m/2\tSpeech")
    header = "segment_id\tstart_time_seconds\tend_time_seconds\tlabel"
    text(tmp_path / "audioset_eval_strong.tsv", header, "a_b-c_30000\t0.5\t1.0\t/m/1", "xyz_0\t0.0\t10.0\t/m/2")
    data = audioset_strong.read(tmp_path, audio="{split}/{ytid}_{seconds}.wav")
    assert data.clips["path"].tolist() == ["test/a_b-c_30.000.wav", "test/xyz_0.000.wav"]
    assert data.clips["group"].tolist() == ["a_b-c", "xyz"] and timed(data)[0] == (0.5, 1.0, "Bark")
    wave(tmp_path / "audio/xyz_0.wav")
    part = audioset_strong.read(tmp_path, missing="drop")
    assert part.clips["path"].tolist() == ["audio/xyz_0.wav"] and timed(part) == [(0.0, 10.0, "Speech")]
    assert part.notes == ("1 of 2 segments left out: their audio is not there",)


def test_dcase2017_task4(tmp_path: Path):
    text(
        tmp_path / "groundtruth_strong_label_testing_set.csv",
        "-a_b_30.000_40.000.wav\t0.0\t2.5\tCar alarm",
        "-a_b_30.000_40.000.wav\t1.0\t3.0\tScreaming",
    )
    text(
        tmp_path / "groundtruth_weak_label_training_set.csv",
        "c_30.000_40.000.wav\t30.000\t40.000\tBus",
        "c_30.000_40.000.wav\t30.000\t40.000\tTrain",
    )
    strong = dcase2017_task4.read(tmp_path)
    assert strong.kind == "frames" and len(strong.labels) == 17 and timed(strong)[0] == (0.0, 2.5, "Car alarm")
    assert strong.clips["path"].tolist() == ["testing/Y-a_b_30.000_40.000.wav"]
    assert strong.clips["group"].tolist() == ["-a_b"]
    weak = dcase2017_task4.read(tmp_path, labels="weak")
    assert weak.kind == "tags" and weak.clips["label"].tolist() == [("Bus", "Train")] and weak.events is None


def test_nothing_there_says_what_is_wanted(tmp_path: Path):
    layouts = (
        urban_sed,
        mavd_traffic,
        tut_sed_2016,
        tut_sed_2017,
        maestro_real,
        idmt_traffic,
        audioset_strong,
        dcase2017_task4,
    )
    for layout in layouts:
        with pytest.raises(DataError) as caught:
            layout.read(tmp_path)
        assert caught.value.hint and str(tmp_path) in str(caught.value)
        with pytest.raises(DataError, match="does not exist"):
            layout.read(tmp_path / "nowhere")


def test_recordings_of_ones_own_that_lie_elsewhere_are_told_how_to_say_so(tmp_path: Path):
    wave(tmp_path / "sounds" / "a.wav")
    text(tmp_path / "events.tsv", "filename\tonset\toffset\tevent_label", "a.wav\t0.2\t0.7\tdog")
    with pytest.raises(DataError, match="this is not the folder of dataset mine: it has no audio") as raised:
        events.read(tmp_path, name="mine")
    assert (
        "names the folder of your recordings ('audio' here" in raised.value.hint and "unpacked" not in raised.value.hint
    )
    assert len(events.read(tmp_path, name="mine", audio="sounds").clips) == 1
