"""The record and the page of every year say by how much the official script's figure differs from the rule's."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pytest

import benchbed as bb
from benchbed.metrics import FAMILIES
from benchbed.metrics.seld.examples import random_tracks
from benchbed.outputs.tracks.classes import CLASSES
from benchbed.outputs.tracks.files import write
from benchbed.outputs.tracks.recording import Tracks, tracks
from benchbed.report.folding import unfolded

#: Suite → its layout, the year of its files, the year of its script, a folder and a name of a test recording.
SUITES = {
    "dcase_task3_2020": ("tau_nigens2020", 2020, 2020, "", "fold1_room1_mix{:03}_ov1"),
    "dcase_task3_2021": ("tau_nigens2021", 2021, 2021, "dev-test", "fold6_room1_mix{:03}"),
    "dcase_task3_2022": ("starss22", 2022, 2022, "dev-test-tau", "fold4_room2_mix{:03}"),
    "dcase_task3": ("starss23", 2023, 2022, "dev-test-tau", "fold4_room2_mix{:03}"),
    "dcase_task3_2024": ("starss23", 2024, 2024, "dev-test-tau", "fold4_room2_mix{:03}"),
    "dcase_task3_2025": ("stereo_seld2025", 2025, 2025, "dev-test-tau", "fold4_room2_mix{:03}_deg030_start10"),
}


def whole(held: Tracks) -> Tracks:
    """As files hold them."""
    return replace(
        held,
        azimuth=np.rint(held.azimuth),
        elevation=np.rint(held.elevation),
        distance=np.rint(np.asarray(held.distance) * 100) / 100,
    )


@pytest.mark.parametrize("suite", SUITES)
def test_the_difference_stands_in_record_and_page(suite: str, tmp_path: Path) -> None:
    layout, form, script, folder, name = SUITES[suite]
    classes = len(CLASSES[form])
    said, there = random_tracks(np.random.default_rng(form), 8, classes, frames=60)
    for place in (tmp_path / "metadata_dev" / folder, tmp_path / "system"):
        place.mkdir(parents=True)
    for i in range(8):
        write(tmp_path / "metadata_dev" / folder / f"{name.format(i)}.csv", whole(there[i]), form)
        write(tmp_path / "system" / f"{name.format(i)}.csv", whole(said[i]), form)
    run = bb.score(
        suite,
        tmp_path / "system",
        name="mine",
        data={layout: tmp_path},
        options={"beyond": "drop", "empty": "empty", "most": 0},
        overrides={"statistics.draws": 40},
        out=tmp_path / "runs",
    )
    (cell,) = run.result.cells
    text = re.sub(r"\s+", " ", unescape(unfolded((run.path / "report.html").read_text())))
    twins = [key.removeprefix("official_") for key in cell.metrics if key.startswith("official_")]
    assert twins and any(cell.metrics[f"official_{key}"].value != cell.metrics[key].value for key in twins)
    for key in twins:
        value, twin = cell.metrics[key], cell.metrics[f"official_{key}"]
        difference = twin.value - value.value
        far = f"{abs(difference):.4g} {'more' if difference > 0 else 'less'}"
        expected = f"the official script of {script} gives {twin.value:.4g}"
        expected += f", {far}" if abs(difference) > 1e-9 else " too"
        assert expected in (value.note or ""), (key, value.note)
        assert expected in text, key
    # Averages that no script of the year has say nothing about one.
    for key in set(cell.metrics) - set(twins):
        assert key.startswith("official_") or "official script" not in (cell.metrics[key].note or ""), key


@pytest.mark.parametrize(
    "name, stops", [("seld2020", False), ("seld2022", True), ("seld2024", True), ("seld2025", False)]
)
def test_where_the_script_has_no_figure_the_record_says_why(name: str, stops: bool) -> None:
    # A recording in which nothing is annotated stops the scripts of 2022 to 2024.
    family = FAMILIES.get(name).family(("dog",))
    there, said = np.empty(2, object), np.empty(2, object)
    there[:] = [
        tracks([0, 5], [0, 0], [0.0, 0.0], distance=[1.0, 1.0], onscreen=[True, True], frames=10),
        Tracks(frames=10),
    ]
    said[:] = [
        tracks([0, 5], [0, 0], [1.0, 1.0], distance=[1.0, 1.0], onscreen=[True, True], frames=10),
        Tracks(frames=10),
    ]
    notes = family.notes(family.statistics(said, there).sum(axis=0))
    assert ("gives none: the official script of" in notes["micro_f20"]) == stops
    assert ("stops at 1 of the recordings" in notes["micro_f20"]) == stops
