"""Sets of sound event localisation in miniature: folders, forms and units by year, splits, lengths, odd files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchbed.data import LAYOUTS
from benchbed.errors import DataError
from benchbed.outputs import output_of
from benchbed.outputs.tracks.classes import NIGENS_2021, STARSS, TAU_2019

DIRECTIONS = "0,1,0,30,10\n1,1,0,31,10\n1,1,1,-60,0\n"
DISTANCES = "0,1,0,30,10,180\n1,1,0,31,10,200\n1,1,1,-60,0,220\n"
STEREO = "frame,class,source,azimuth,distance,onscreen\n0,1,0,30,180,1\n1,1,0,31,200,0\n1,1,1,-60,220,0\n"
EVENTS = "sound_event_recording,start_time,end_time,ele,azi,dist\nknock,0.04,0.16,20,-150,2\ndrawer,0.06,0.2,-10,40,1\n"


def tree(root: Path, files: dict[str, str], sound: str = "", seconds: float = 1.95) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if sound:
            audio = root / sound / Path(name).relative_to("metadata_dev").with_suffix(".wav")
            audio.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(audio, np.zeros((round(seconds * 8000), 4)), 8000)
    return root


@pytest.mark.parametrize(
    "layout, text, names, splits",
    [
        (
            "tau_nigens2020",
            DIRECTIONS,
            {"": ("fold1_room1_mix001_ov1", "fold2_room1_mix002_ov2", "fold3_room2_mix001_ov1")},
            {"train": 1, "validation": 1, "test": 1},
        ),
        (
            "tau_nigens2021",
            DIRECTIONS,
            {"dev-test/": ("fold6_room1_mix001",), "dev-train/": ("fold1_room1_mix001",)},
            {"train": 1, "test": 1},
        ),
        (
            "starss22",
            DIRECTIONS,
            {
                "dev-test-sony/": ("fold4_room23_mix001",),
                "dev-test-tau/": ("fold4_room2_mix001",),
                "dev-train-tau/": ("fold3_room4_mix001",),
            },
            {"train": 1, "test": 2},
        ),
        ("starss23", DISTANCES, {"dev-test-tau/": ("fold4_room2_mix001",)}, {"test": 1}),
        (
            "stereo_seld2025",
            STEREO,
            {
                "dev-test-tau/": ("fold4_room2_mix001_deg030_start10", "fold4_room2_mix001_deg090_start20"),
                "dev-train-tau/": ("fold3_room2_mix007_deg000_start00",),
            },
            {"train": 1, "test": 2},
        ),
        ("tau_sse2019", EVENTS, {"": ("split1_ir0_ov1_1", "split2_ir0_ov1_1")}, {"split1": 1, "split2": 1}),
    ],
)
def test_each_set_is_read(layout: str, text: str, names: dict, splits: dict, tmp_path: Path) -> None:
    files = {f"metadata_dev/{folder}{name}.csv": text for folder, held in names.items() for name in held}
    root = tree(tmp_path, files, "stereo_dev" if layout == "stereo_seld2025" else "foa_dev")
    dataset = LAYOUTS.get(layout).read(root)
    assert {split: len(ids) for split, ids in dataset.splits.items()} == splits
    assert dataset.kind == "tracks" and not dataset.notes
    assert set(dataset.clips["frames"]) == {20}
    made = output_of("tracks").references(dataset.clips, dataset.events, dataset.labels)
    one = made[0]
    if layout == "tau_sse2019":
        assert dataset.labels == TAU_2019
        # 0.04–0.16 s covers the middle of the first frame and of the second; 0.06–0.2 s that of the second alone.
        assert sorted(zip(one.frame.tolist(), one.label.tolist())) == [(0, 0), (1, 0), (1, 1)]
        return
    assert one.frame.tolist() == [0, 1, 1] and one.azimuth.tolist() == [30.0, 31.0, -60.0]
    assert one.label.tolist() == [1, 1, 1] and one.source.tolist() == [0, 0, 1]
    assert dataset.clips["overlap"].tolist()[0] == "2"
    if layout in ("starss23", "stereo_seld2025"):
        assert one.distance.tolist() == [1.8, 2.0, 2.2]
    if layout == "stereo_seld2025":
        assert one.onscreen.tolist() == [True, False, False]
        assert dataset.clips["group"].nunique() == 2


def test_annotations_alone_end_with_the_last_annotated_frame(tmp_path: Path) -> None:
    dataset = LAYOUTS.get("starss22").read(
        tree(tmp_path, {"metadata_dev/dev-test-tau/fold4_room2_mix001.csv": DIRECTIONS})
    )
    assert dataset.clips["frames"].tolist() == [2]
    assert dataset.clips["duration"].tolist() == [0.2]
    assert "1 recordings have no audio here" in dataset.notes[0]


def test_rows_beyond_the_audio_are_left_out_and_counted(tmp_path: Path) -> None:
    text = DIRECTIONS + "20,1,0,30,10\n25,1,0,30,10\n"
    root = tree(tmp_path, {"metadata_dev/dev-test-tau/fold4_room2_mix001.csv": text}, "mic_dev")
    dataset = LAYOUTS.get("starss22").read(root, audio="mic")
    assert len(dataset.events) == 3 and "2 annotated rows beyond the end" in dataset.notes[0]
    assert dataset.clips["path"].tolist() == ["mic_dev/dev-test-tau/fold4_room2_mix001.wav"]


def test_a_recording_in_which_nothing_sounds(tmp_path: Path) -> None:
    files = {"metadata_dev/fold6_room1_mix001.csv": "", "metadata_dev/fold6_room1_mix002.csv": DIRECTIONS}
    dataset = LAYOUTS.get("tau_nigens2021").read(tree(tmp_path, files, "foa_dev"))
    assert dataset.labels == NIGENS_2021 and "1 of 2 recordings hold no event" in dataset.notes
    made = output_of("tracks").references(dataset.clips, dataset.events, dataset.labels)
    assert [len(one) for one in made] == [0, 3]


@pytest.mark.parametrize(
    "layout, text, match",
    [
        ("starss22", STEREO, "a file of another year: .*2025"),
        ("starss23", DISTANCES.replace("180", "1.8").replace("200", "2").replace("220", "2.2"), "are they in m"),
        ("starss22", DIRECTIONS.replace("1,1,0", "1,13,0"), "class 13 in frame 1"),
        ("starss22", DIRECTIONS.replace("-60", "-600"), "an azimuth of -600 degrees"),
        ("tau_sse2019", EVENTS.replace("knock", "bang"), "unknown class 'bang'"),
    ],
)
def test_annotations_that_do_not_fit_are_named(layout: str, text: str, match: str, tmp_path: Path) -> None:
    name = "split1_ir0_ov1_1" if layout == "tau_sse2019" else "fold4_room2_mix001"
    with pytest.raises(DataError, match=match) as error:
        LAYOUTS.get(layout).read(tree(tmp_path, {f"metadata_dev/{name}.csv": text}))
    assert name in str(error.value.where)


def test_a_folder_without_annotations(tmp_path: Path) -> None:
    (tmp_path / "metadata_dev").mkdir()
    with pytest.raises(DataError, match="no file of annotations"):
        LAYOUTS.get("starss23").read(tmp_path)
    with pytest.raises(DataError, match="it has no metadata_dev"):
        LAYOUTS.get("starss23").read(tmp_path / "metadata_dev")


def test_classes_stand_in_the_order_of_their_numbers() -> None:
    assert STARSS[0] == "female speech" and STARSS[12] == "knock" and len(STARSS) == 13
    assert len(NIGENS_2021) == 12 and len(TAU_2019) == 11
