"""Tracks as a kind of output: what is stored, moved, joined, and what is odd about a folder of files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from benchbed.card import Card
from benchbed.errors import AdapterError, ConfigError, DataError
from benchbed.outputs import output_of
from benchbed.outputs.contract import Heard
from benchbed.outputs.tracks.folder import OddFiles, TracksFolder
from benchbed.outputs.tracks.recording import Tracks, tracks
from benchbed.outputs.tracks.references import moved

LABELS = ("alarm", "dog", "piano")
OUTPUT = output_of("tracks")


def card(**fields: object) -> Card:
    return Card(
        **{
            "name": "net",
            "family": "crnn",
            "output": "tracks",
            "labels": LABELS,
            "sample_rate": 24000,
            "frame_seconds": 0.1,
            **fields,
        }
    )  # type: ignore[arg-type]


def same(one: Tracks, other: Tracks) -> None:
    for name in ("frame", "label", "source", "azimuth", "elevation", "distance", "onscreen"):
        a, b = getattr(one, name), getattr(other, name)
        assert (a is None) == (b is None), name
        if a is not None:
            np.testing.assert_array_equal(a, b, err_msg=name)
    assert (one.frames, one.answered) == (other.frames, other.answered)


def test_what_is_packed_is_unpacked() -> None:
    answers, references = OUTPUT.example(np.random.default_rng(0), 8, LABELS)
    references[0] = replace(references[0], frames=None)
    answers[1] = Tracks(frames=references[1].frames, answered=False)
    answers[2] = replace(answers[2], distance=None, onscreen=None)
    columns = OUTPUT.pack(answers, references, LABELS)
    assert set(columns) == set(OUTPUT.columns)
    found, beside = OUTPUT.unpack(pa.table(columns), LABELS)
    for i in range(8):
        same(beside[i], references[i])
        same(found[i], replace(answers[i], frames=references[i].frames))
    with pytest.raises(DataError, match="the class 'dog', which the file's labels lack"):
        OUTPUT.unpack(pa.table(columns), ("alarm", "cat", "piano"))


def test_references_come_from_a_table_of_rows() -> None:
    rows = pd.DataFrame(
        {
            "clip_id": ["b", "b"],
            "frame": [4, 5],
            "label": ["dog", "dog"],
            "source": [1, 1],
            "azimuth": [10.0, 12.0],
            "elevation": [0.0, 0.0],
            "distance": [1.5, 1.5],
        }
    )
    made = OUTPUT.references(pd.DataFrame({"clip_id": ["a", "b"], "frames": [600, 40]}), rows, LABELS)
    assert len(made[0]) == 0 and made[0].frames == 600
    assert made[1].label.tolist() == [1, 1] and made[1].distance.tolist() == [1.5, 1.5] and made[1].frames == 40
    assert OUTPUT.identity(made, 1) != OUTPUT.identity(made, 0)
    assert OUTPUT.told(made, made, 1, LABELS) == "dog in 0.2 s at 11°, is dog in 0.2 s at 11°"
    assert OUTPUT.gap(made, made).tolist() == [0.0, 0.0]
    assert OUTPUT.gap(made[:1], made[1:]).tolist() == [np.inf]


class Shift:
    """Half a second later, and a quarter turn to the left."""

    def events(self, times: np.ndarray, seconds: float) -> tuple[np.ndarray, np.ndarray]:
        later = times + 0.5
        rows = np.flatnonzero(later[:, 0] < seconds)
        return np.minimum(later[rows], seconds), rows

    def directions(self, degrees: np.ndarray) -> np.ndarray:
        return np.stack([(degrees[:, 0] + 90 + 180) % 360 - 180, degrees[:, 1]], axis=1)


class Stretch(Shift):
    """Twice as slow."""

    def events(self, times: np.ndarray, seconds: float) -> tuple[np.ndarray, np.ndarray]:
        return 2 * times, np.arange(len(times))

    def directions(self, degrees: np.ndarray) -> np.ndarray:
        return degrees


def test_a_perturbation_moves_the_reference() -> None:
    made = tracks([0, 1, 7], [0, 0, 1], [0.0, 100.0, -170.0], [5.0, 5.0, 0.0], frames=10)
    turned = moved(made, Shift(), 1.0)
    assert turned.frame.tolist() == [5, 6] and turned.azimuth.tolist() == [90.0, -170.0]
    slow = moved(made, Stretch(), 1.0)
    assert slow.frame.tolist() == [0, 1, 2, 3] and slow.azimuth.tolist() == [0.0, 0.0, 100.0, 100.0]
    assert OUTPUT.placed(np.array([made], object), 0, 1.0, None) is made


def test_windows_are_joined_in_time_and_classes_by_name() -> None:
    reading = OUTPUT.read(card(labels=("piano", "noise", "dog", "alarm")), LABELS)
    assert reading.describe() == {"classes": 3, "left out": ["noise"], "activities above": 0.1}
    parts = np.empty((1, 2), object)
    parts[0, 0] = tracks([0, 49], [0, 1], [1.0, 2.0], frames=50)
    parts[0, 1] = tracks([3, 45], [2, 3], [3.0, 4.0], frames=50)
    [made] = reading.answers(parts, [Heard(seconds=9.4, samples=240_000, window=5.0)])
    assert made.frame.tolist() == [0, 53] and made.label.tolist() == [2, 1] and made.frames == 94
    with pytest.raises(AdapterError, match="overlapping windows"):
        reading.answers(parts, [Heard(9.4, 240_000, 5.0, 1.0)])
    with pytest.raises(AdapterError, match="no whole number of frames"):
        reading.answers(parts, [Heard(9.4, 240_000, 4.97)])


def test_models_that_cannot_be_read_are_refused() -> None:
    with pytest.raises(AdapterError, match="needs a model whose output is tracks"):
        OUTPUT.read(card(output="frames"), LABELS, ("frames", "tracks"))
    with pytest.raises(AdapterError, match="no class that means 'piano'"):
        OUTPUT.read(card(labels=("alarm", "dog")), LABELS)
    reading = OUTPUT.read(card(), LABELS)
    with pytest.raises(AdapterError, match="1 answers of type ndarray"):
        reading.check([np.zeros(3)], 1, Heard(1.0, 24000))
    with pytest.raises(AdapterError, match="classes outside 0…2"):
        reading.check([tracks([0], [3], [0.0])], 1, Heard(1.0, 24000))
    lost = Tracks(np.array([0]), np.array([0]), np.array([0]), np.array([np.nan]), np.array([0.0]))
    held = reading.check([lost, tracks([0], [0], [0.0])], 2, Heard(1.0, 24000))
    assert reading.usable(held).tolist() == [False, True]


def folder(root: Path, **files: str) -> Path:
    root.mkdir()
    for name, text in files.items():
        path = root / f"{name}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return root


def test_a_folder_of_files_is_read(tmp_path: Path) -> None:
    held = TracksFolder.open(folder(tmp_path / "a", x="0,1,0,30,10\n5,1,0,31,10\n", y="0,2,0,0,0\n"), 2022)
    assert held.answer("x", 10).azimuth.tolist() == [30.0, 31.0] and held.unknown(["x"]) == ["y"]


@pytest.mark.parametrize(
    "files, policy, name, match",
    [
        ({"x": "0,1,0,30,10\n"}, {}, "z", "there is no file for z"),
        ({"x": ""}, {}, "x", "the file is empty"),
        ({"x": "0,1,0,30,10\n11,1,0,30,10\n"}, {}, "x", "1 of 2 rows lie beyond the recording, the first in frame 11"),
        ({"x": "0,3,0,30,10\n"}, {}, "x", "class 3 in frame 0"),
        ({"x": "0,1,0,300,10\n"}, {}, "x", "an azimuth of 300 degrees"),
        ({"x": "0,1,0,30,10\n" * 4}, {"most": 3}, "x", "4 sources of class 1 in frame 0"),
    ],
)
def test_what_is_odd_about_a_file_is_named(files: dict, policy: dict, name: str, match: str, tmp_path: Path) -> None:
    held = TracksFolder.open(folder(tmp_path / "a", **files), 2022, OddFiles(**policy))
    with pytest.raises(DataError, match=match) as error:
        held.answer(name, 10, classes=3)
    assert error.value.where and error.value.hint


def test_what_is_odd_can_be_declared(tmp_path: Path) -> None:
    held = TracksFolder.open(
        folder(tmp_path / "a", x="", y="0,1,0,30,10\n11,1,0,30,10\n"),
        2022,
        OddFiles(missing="empty", empty="empty", beyond="drop"),
    )
    assert not held.answer("z", 10).answered
    assert held.answer("x", 10).answered and len(held.answer("x", 10)) == 0
    # Rows beyond are kept for the official script, which reads some; the rule leaves them out and counts them.
    assert len(held.answer("y", 10)) == 2


def test_two_files_of_a_recording(tmp_path: Path) -> None:
    root = folder(tmp_path / "a", **{"x": "0,1,0,30,10\n", "other/x": "0,1,0,30,10\n"})
    with pytest.raises(DataError, match="two files are about the recording x"):
        TracksFolder.open(root, 2022)


def test_files_of_another_year_and_unit(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a file of another year"):
        TracksFolder.open(
            folder(tmp_path / "a", x="frame,class,source,azimuth,distance,onscreen\n0,1,0,30,200,1\n"), 2023
        )
    metres = folder(tmp_path / "b", x="0,1,0,30,10,2.5\n", y="0,1,0,30,10,1.5\n")
    assert TracksFolder.open(metres, 2024).unit == "m"
    assert TracksFolder.open(metres, 2024).answer("x", 10).distance.tolist() == [2.5]
    with pytest.raises(DataError, match="distances are read in cm, and the middle one is 2: are they in m"):
        TracksFolder.open(metres, 2024, OddFiles(unit="cm"))
    centimetres = folder(tmp_path / "c", x="0,1,0,30,10,250\n")
    assert TracksFolder.open(centimetres, 2024).answer("x", 10).distance.tolist() == [2.5]
    with pytest.raises(DataError, match="are they in cm"):
        TracksFolder.open(centimetres, 2024, OddFiles(unit="m"))


def test_no_folder_and_no_policy(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no output file is there"):
        TracksFolder.open(folder(tmp_path / "a"), 2022)
    with pytest.raises(ConfigError, match="missing=skip"):
        OddFiles(missing="skip")  # type: ignore[arg-type]


def at(azimuth: float, length: float = 1.0) -> list[float]:
    turn = np.radians(azimuth)
    return [length * float(np.cos(turn)), length * float(np.sin(turn)), 0.0]


def test_vectors_become_tracks() -> None:
    from benchbed.outputs.tracks.vectors import at_frames, decoded

    one = decoded(np.array([[at(30, 0.6), at(0, 0.5)], [at(40, 0.9), at(-90, 0.8)]]))
    assert one.frame.tolist() == [0, 1, 1] and one.label.tolist() == [0, 0, 1] and one.distance is None
    np.testing.assert_allclose(one.azimuth, [30, 40, -90])
    # Two branches: how sure a model is does not lie in the vector, and a distance below nothing is none.
    two = decoded(
        np.array([[[0.9, *at(60, 0.1), 2.5], [0.4, *at(0), 1.0]], [[0.7, *at(61), -1.0], [0.0, *at(0), 1.0]]])
    )
    assert two.label.tolist() == [0, 0] and two.distance.tolist() == [2.5, 0.0]
    np.testing.assert_allclose(two.azimuth, [60, 61])
    assert at_frames(np.zeros((13, 2, 3)), 0.02).shape == (3, 2, 3)
    with pytest.raises(AdapterError, match="do not fill"):
        at_frames(np.zeros((13, 2, 3)), 0.03)
    with pytest.raises(AdapterError, match="tracks of shape"):
        decoded(np.zeros((4, 2)))


def test_near_vectors_of_several_tracks_are_one_source() -> None:
    from benchbed.outputs.tracks.vectors import decoded

    def sources(*azimuths: float) -> list[float]:
        # One frame, three tracks, one class.
        vectors = [[at(azimuth) if azimuth is not None else [0.0, 0.0, 0.0]] for azimuth in azimuths]
        return sorted(np.round(decoded(np.array([vectors])).azimuth, 6).tolist())

    assert sources(0, 60, 120) == [0.0, 60.0, 120.0]
    assert sources(0, 10, 120) == [5.0, 120.0]
    assert sources(120, 0, 10) == [5.0, 120.0]
    # The first and the last are 24 degrees apart, and both are near the one between.
    assert sources(0, 12, 24) == [12.0]
    assert sources(0, 10, None) == [5.0]
    assert sources(0, 16, None) == [0.0, 16.0]


def test_a_model_may_give_vectors() -> None:
    reading = OUTPUT.read(card(), LABELS)
    raw = np.zeros((2, 50, 3, 3), np.float32)
    raw[0, 7, 1] = at(45)
    raw[1, 3, 2, 0] = np.nan
    held = reading.check(raw, 2, Heard(5.0, 120_000))
    assert reading.usable(held[:, None]).tolist() == [True, False]
    [made] = reading.answers(held[:1, None], [Heard(5.0, 120_000, 5.0)])
    assert made.frame.tolist() == [7] and made.label.tolist() == [1]
    np.testing.assert_allclose(made.azimuth, [45], atol=1e-5)
    with pytest.raises(AdapterError, match=r"expected \[window, frame, class, part\]"):
        reading.check(raw[..., :2], 2, Heard(5.0, 120_000))
    with pytest.raises(AdapterError, match=r"50 frames of 0\.1 s, 5 s in all, for 10 s"):
        reading.check(raw, 2, Heard(10.0, 240_000))


def test_activities_are_stored_and_compared() -> None:
    from benchbed.outputs.tracks.vectors import undecided

    output = np.random.default_rng(1).normal(0, 0.3, (30, 3, 3, 3))
    one = undecided(output, frames=30)
    arrays = np.empty(3, object), np.empty(3, object)
    arrays[0][:] = [one, Tracks(frames=30, activity=np.zeros(0)), one.only(one.label == 1)]
    arrays[1][:] = [Tracks(frames=30)] * 3
    found, _ = OUTPUT.unpack(pa.table(OUTPUT.pack(*arrays, LABELS)), LABELS)
    np.testing.assert_array_equal(found[0].activity, one.activity)
    assert found[1].activity is None and (found[2].label == 1).all()
    # What lies just above the floor on one side and just below on the other is no gap; a turned vector is one.
    nearly, turned = np.empty(1, object), np.empty(1, object)
    nearly[0], turned[0] = undecided(output * (1 + 1e-7), frames=30), undecided(output[..., ::-1], frames=30)
    assert OUTPUT.gap(found[:1], nearly).max() < 1e-6 and OUTPUT.gap(found[:1], found[:1]).tolist() == [0.0]
    assert OUTPUT.gap(found[:1], turned).max() > 0.1
    listed = np.empty(2, object)
    listed[:] = [tracks([0], [0], [179.99]), tracks([0], [0], [-179.99])]
    assert OUTPUT.gap(listed[:1], listed[1:]).max() == pytest.approx(0.02)
    assert OUTPUT.gap(found[:1], listed[:1]).tolist() == [np.inf]


def test_hidden_files_and_folders_are_no_outputs(tmp_path: Path) -> None:
    root = folder(tmp_path / "a", x="0,1,0,30,10\n")
    (root / "__MACOSX").mkdir()
    (root / "__MACOSX" / "._x.csv").write_bytes(b"\x00\x05\x16\x07\xff")
    (root / "a.csv").mkdir()
    assert list(TracksFolder.open(root, 2022).tables) == ["x"]


def test_angles_that_look_like_radians(tmp_path: Path) -> None:
    degrees = [(-170.0, 10.0), (-60.0, -20.0), (0.0, 0.0), (40.0, 5.0), (100.0, 30.0), (175.0, -5.0)] * 2

    def looks(name: str, factor: float) -> bool:
        rows = "".join(f"{i},1,0,{a * factor!r},{e * factor!r}\n" for i, (a, e) in enumerate(degrees))
        return TracksFolder.open(folder(tmp_path / name, x=rows), 2022).in_radians()

    assert looks("radians", np.pi / 180)
    assert not looks("degrees", 1.0)
    assert not looks("front", 0.001)  # everything within a degree of the front
