"""DCASE 2026 Task 7: lists of clips by domain, the synthetic stand-in, and rows that cannot be right."""

from __future__ import annotations

import pytest

from benchbed.data import synthetic
from benchbed.data.layouts import dcase2026_task7
from benchbed.errors import DataError


def folder(place, *rows, train=()):
    (place / "evaluation_setup").mkdir()
    for name, lines in (("test", rows), ("train", train)):
        if lines:
            (place / "evaluation_setup" / f"development_{name}.txt").write_text("".join(f"{line}\n" for line in lines))
    return place


def test_lists_are_read_as_the_task_writes_them(tmp_path):
    """The rows are those that the README of mulimani/dcase2026_task7_baseline (aa3678f) shows."""
    data = dcase2026_task7.read(
        folder(
            tmp_path,
            "audio/00333.wav\talarm\tD2\t0",
            "audio/07671.wav\tspeech\tD3\t9",
            train=["audio/00334.wav\talarm\tD2\t0"],
        )
    )
    assert {split: len(clips) for split, clips in data.splits.items()} == {"D2": 1, "D3": 1, "train_D2": 1}
    assert data.select("D3")["label"].tolist() == ["speech"] and data.select("D2")["domain"].tolist() == ["D2"]


def test_the_stand_in_has_every_class_in_both_domains(tmp_path):
    data = dcase2026_task7.read(synthetic.make(tmp_path / "made", layout="dcase2026_task7", size="small"))
    assert {split: len(clips) for split, clips in data.splits.items()} == {
        "D2": 10,
        "D3": 10,
        "train_D2": 20,
        "train_D3": 20,
    }


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("audio/1.wav\talarms\tD2\t0", "the class 'alarms' is none of the task"),
        ("audio/1.wav\talarm\tD4\t0", "the domain 'D4' is none of the task"),
        ("audio/1.wav\talarm\tD2\t3", "the class 'alarm' has the number 3, not 0"),
        ("audio/1.wav\talarm\tD2\tx", "'x'"),
        ("audio/1.wav\talarm", "2 fields and the header 4"),
        ("../1.wav\talarm\tD2\t0", "leaves the dataset's folder"),
    ],
)
def test_a_row_that_cannot_be_right_is_one_clear_error(tmp_path, row, said):
    with pytest.raises(DataError, match=said):
        dcase2026_task7.read(folder(tmp_path, "audio/0.wav\tdog\tD2\t2", row))
