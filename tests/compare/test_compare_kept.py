"""What was found about many runs is believed only where it was put, and as it was written."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from made_runs import answers, lucky, made_run, recordings

from benchbed.cache import remember
from benchbed.compare.answer import Procedure
from benchbed.compare.boards import board_comparisons
from benchbed.compare.kept import keep, kept
from benchbed.compare.ranking import ranks_of
from benchbed.results.store import read

QUICK = Procedure(draws=100, swaps=99)


def test_an_answer_is_one_of_its_own_name_and_kind(tmp_path: Path):
    place = tmp_path / "ranks" / "ab.json"
    keep(place, {"of": "mine", "n": 1})
    assert kept(place) == {"of": "mine", "n": 1}
    for other in (tmp_path / "ranks" / "cd.json", tmp_path / "headings" / "ab.json"):
        other.parent.mkdir(exist_ok=True)
        shutil.copy(place, other)
        assert kept(other) == {}
    # The cache folder itself may be moved.
    (tmp_path / "ranks").rename(tmp_path / "moved")
    (tmp_path / "moved").rename(tmp_path / "ranks")
    assert kept(place) == {"of": "mine", "n": 1}
    for held in ({"n": 1}, {"of": "ranks/ab.json"}, {"of": "ranks/ab.json", "found": [1]}):
        remember(place, held)
        assert kept(place) == {}


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Three runs, and an empty cache."""
    monkeypatch.setenv("BENCHBED_CACHE", str(tmp_path / "cache"))
    target, group = recordings(45, 1)
    scores = {name: {"clean": answers(lucky(45, 1, share, 0.3, name), target)} for name, share in
              (("a", 0.9), ("b", 0.6), ("c", 0.5))}  # fmt: skip
    return [made_run(tmp_path / name, held, target, group, name=name) for name, held in scores.items()]


def copied(folder: Path, before: set[Path]) -> None:
    """Put the file that is not one of those before into the places of those before."""
    [new] = {*folder.iterdir()} - before
    for path in before:
        shutil.copy(new, path)


@pytest.mark.parametrize(("kind", "other"), [("comparisons", {"seed": 1}), ("ranks", {"level": 0.1})])
def test_an_answer_to_another_question_under_the_name_of_this_one_changes_no_figure(
    places: list[Path], tmp_path: Path, kind: str, other: dict[str, float]
):
    runs = [(place / "result.json", read(place / "result.json")) for place in places]

    def told(procedure: Procedure) -> object:
        if kind == "comparisons":
            return [one.read().model_dump_json() for one in board_comparisons(runs, procedure)[0]]
        return ranks_of(runs, procedure)

    right = told(QUICK)
    folder = tmp_path / "cache" / kind
    before = {*folder.iterdir()}
    assert told(replace(QUICK, **other)) != right
    copied(folder, before)
    assert told(QUICK) == right


@pytest.mark.parametrize("by_record", [True, False])
def test_what_was_found_with_sums_that_are_gone_is_found_anew(places: list[Path], by_record: bool):
    runs = [(place / "result.json" if by_record else place, read(place)) for place in places]

    def told() -> object:
        compared = board_comparisons(runs, QUICK)[0]
        return ranks_of(runs, QUICK), [one.read().model_dump_json() for one in compared]

    whole = told()
    sums = places[1] / "statistics.npz"
    content = sums.read_bytes()
    sums.unlink()
    without = told()
    assert runs[1][0] in whole[0] and runs[1][0] not in without[0]
    assert whole[1] != without[1]
    shutil.rmtree(Path(os.environ["BENCHBED_CACHE"]))
    assert told() == without
    sums.write_bytes(content)
    assert told() == whole
