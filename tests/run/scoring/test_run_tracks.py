"""A folder of a challenge's output files from the command to the record: figures, bad folders, comparing, gating."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import benchbed as bb
from benchbed.cli import main
from benchbed.errors import BenchbedError
from benchbed.metrics.families import seld2022
from benchbed.metrics.seld.examples import random_tracks
from benchbed.outputs.tracks.classes import STARSS
from benchbed.outputs.tracks.files import write
from benchbed.outputs.tracks.recording import Tracks

RECORDINGS = 12


def rounded(held: Tracks) -> Tracks:
    return replace(
        held,
        azimuth=np.rint(held.azimuth),
        elevation=np.rint(held.elevation),
        distance=np.rint(np.asarray(held.distance) * 100) / 100,
    )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Tracks], list[Tracks]]:
    """Annotations of twelve recordings in two rooms, and what a system says about them, in the form of 2023."""
    root = tmp_path_factory.mktemp("tracks")
    said, there = random_tracks(np.random.default_rng(9), RECORDINGS, len(STARSS), frames=60)
    (root / "metadata_dev" / "dev-test-tau").mkdir(parents=True)
    (root / "system").mkdir()
    for i in range(RECORDINGS):
        name = f"fold4_room{2 + i % 2}_mix{i:03}.csv"
        there[i] = replace(rounded(there[i]), frames=int(there[i].frame.max()) + 1)
        said[i] = rounded(said[i])
        write(root / "metadata_dev" / "dev-test-tau" / name, there[i], 2023)
        write(root / "system" / name, said[i], 2023, form="cartesian-7", unit="m")
    return root, list(said), list(there)


def scored(
    world: tuple, out: Path, answers: Path | None = None, suite: str = "dcase_task3", **options: object
) -> bb.Run:
    root = world[0]
    return bb.score(
        suite,
        answers or root / "system",
        name="mine",
        data={"starss23": root},
        options={"beyond": "drop", "empty": "empty", **options},
        overrides={"statistics.draws": 40},
        out=out,
        report=False,
    )


def other(world: tuple, folder: Path, chosen: slice = slice(None)) -> Path:
    """The system's files in another folder."""
    folder.mkdir()
    for path in sorted((world[0] / "system").iterdir())[chosen]:
        (folder / path.name).write_text(path.read_text())
    return folder


def cell(run: bb.Run) -> dict:
    return run.result.cells[0].metrics


def test_a_folder_is_scored_by_the_rules_and_the_script(world: tuple, tmp_path: Path) -> None:
    found = cell(scored(world, tmp_path))
    _, said, there = world
    order = sorted(range(RECORDINGS), key=lambda i: f"fold4_room{2 + i % 2}_mix{i:03}")
    arrays = [np.empty(RECORDINGS, object), np.empty(RECORDINGS, object)]
    for side, held in zip(arrays, (said, there)):
        side[:] = [held[i] for i in order]
    family = seld2022.family(STARSS)
    values = family.values(family.statistics(*arrays).sum(axis=0))
    for name, value in values.items():
        assert found[name].value == pytest.approx(float(value), abs=1e-6), name
    assert found["er20"].n == RECORDINGS
    assert "the official script of 2022 gives" in (found["macro_f20"].note or "")
    assert (found["official_macro_f20"].interval or "").startswith("jackknife")


def test_rooms_and_classes_are_slices(world: tuple, tmp_path: Path) -> None:
    groups = scored(world, tmp_path).result.cells[0].groups
    assert {"room=2", "room=3", "overlap=3", "class=female speech"} <= set(groups)
    assert groups["room=2"]["er20"].n == RECORDINGS // 2


def test_distances_are_scored_by_the_rules_of_2024(world: tuple, tmp_path: Path) -> None:
    found = cell(scored(world, tmp_path, suite="dcase_task3_2024"))
    assert 0 < found["macro_relative_distance_error"].value < 1
    assert found["official_macro_f20"].value != found["macro_f20"].value


@pytest.mark.parametrize(
    "change, match",
    [
        (lambda f: f[0].unlink(), "there is no file for fold4_room2_mix000"),
        (
            lambda f: (
                (f[0].parent / "again").mkdir() or (f[0].parent / "again" / f[0].name).write_text(f[0].read_text())
            ),
            "two files are about the recording",
        ),
        (lambda f: f[0].write_text("0,1,0,0.9,0.1,0.1,2\n0,1,0,0.9\n"), "a row that does not fit"),
        (lambda f: f[0].write_text("frame,class,source,azimuth,distance,onscreen\n0,1,0,30,200,1\n"), "another year"),
        (lambda f: f[0].write_text("0,13,0,0.9,0.1,0.1,2\n"), "class 13 in frame 0"),
        (lambda f: f[0].write_text("0,1,0,200,10,300\n"), "an azimuth of 200 degrees"),
    ],
)
def test_a_folder_that_is_odd_is_one_clear_error(change: object, match: str, world: tuple, tmp_path: Path) -> None:
    folder = other(world, tmp_path / "system")
    change(sorted(folder.iterdir()))  # type: ignore[operator]
    with pytest.raises(BenchbedError, match=match):
        scored(world, tmp_path / "runs", folder)


def test_rows_beyond_the_recording_are_an_error_unless_declared(world: tuple, tmp_path: Path) -> None:
    folder = other(world, tmp_path / "system")
    late = sorted(folder.iterdir())[0]
    late.write_text(late.read_text() + "900,1,0,0.9,0.1,0.1,2\n")
    with pytest.raises(BenchbedError, match="lie beyond the recording"):
        scored(world, tmp_path / "runs", folder, beyond="error")
    found, whole = cell(scored(world, tmp_path / "runs", folder)), cell(scored(world, tmp_path / "whole"))
    assert "1 rows of outputs after the end of their recording were left out" in (found["er20"].note or "")
    assert found["er20"].value == whole["er20"].value


def test_empty_files_are_an_error_unless_declared(world: tuple, tmp_path: Path) -> None:
    folder = other(world, tmp_path / "system")
    sorted(folder.iterdir())[0].write_text("")
    with pytest.raises(BenchbedError, match="the file is empty"):
        scored(world, tmp_path / "runs", folder, empty="error")
    assert cell(scored(world, tmp_path / "runs", folder))["er20"].value is not None


def test_too_many_sources_and_the_wrong_unit(world: tuple, tmp_path: Path) -> None:
    folder = other(world, tmp_path / "system")
    first = sorted(folder.iterdir())[0]
    first.write_text("".join(f"0,1,{i},0.9,0.{i}1,0.1,2\n" for i in range(5)))
    with pytest.raises(BenchbedError, match="5 sources of class 1 in frame 0"):
        scored(world, tmp_path / "runs", folder, most=3)
    with pytest.raises(BenchbedError, match="are they in m"):
        scored(world, tmp_path / "runs", suite="dcase_task3_2024", unit="cm")


def test_missing_files_are_empty_only_where_it_is_said(world: tuple, tmp_path: Path) -> None:
    folder = other(world, tmp_path / "system", slice(2, None))
    found = cell(scored(world, tmp_path / "runs", folder, missing="empty"))
    whole = cell(scored(world, tmp_path / "runs2"))
    assert "2 recordings without an answer count as empty" in (found["macro_f20"].note or "")
    assert found["micro_lr_cd"].value < whole["micro_lr_cd"].value
    # The script passes over them, so the interval of its jackknife is of ten recordings.
    assert found["official_er20"].interval == "jackknife 95 %, Student's t, 10 groups"


def command(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as left:
        main(list(words))
    shown = capsys.readouterr()
    return int(left.value.code or 0), shown.out + shown.err


def test_every_metric_is_compared_and_gated(world: tuple, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = scored(world, tmp_path / "good")
    turned = tmp_path / "turned"
    turned.mkdir()
    for i, held in enumerate(world[1]):
        worse = replace(held, azimuth=(held.azimuth + 45 + 180) % 360 - 180)
        write(turned / f"fold4_room{2 + i % 2}_mix{i:03}.csv", worse, 2023, form="cartesian-7", unit="m")
    bad = scored(world, tmp_path / "bad", turned)
    assert cell(bad)["macro_le_cd"].value > cell(good)["macro_le_cd"].value + 15
    compared = command(capsys, "compare", str(bad.path), str(good.path), "--json")
    assert compared[0] == 0, compared[1]
    for name in cell(good):
        assert f'"{name}"' in compared[1], name
    rules = tmp_path / "rules.yaml"
    rules.write_text(
        "name: all\nalpha: 0.05\nrules:\n"
        + "".join(
            f"  - name: {name}\n    say: It holds.\n    metric: {name}\n    margin: {{absolute: 0.01 {value.unit}}}\n"
            for name, value in cell(good).items()
        )
    )
    places = str(good.path), "--baseline", str(good.path)
    assert command(capsys, "gate", *places, "--rules", str(rules))[0] == 0
    places = str(bad.path), "--baseline", str(good.path)
    assert command(capsys, "gate", *places, "--rules", "dcase_task3")[0] == 1
