"""What was drawn of single runs is read again to the bit, and a file that is not as it was written is none."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from benchbed.compare import shelf
from benchbed.compare.shelf import DrawnRun, Shelf

DRAWN = np.random.default_rng(0).normal(size=(4, 50))


def entry(place: int) -> DrawnRun:
    return DrawnRun(
        {"seed": place}, {"clean": (float(DRAWN[place, 0]), DRAWN[place]), "score a": (0.1, DRAWN[place] / 3)}
    )


def filled(place: Path, names: str = "abc") -> Shelf:
    made = Shelf(place)
    for name in names:
        made[name] = entry("abcd".index(name))
    made.keep()
    return made


def test_figures_come_back_to_the_bit(tmp_path: Path):
    filled(tmp_path / "x.drawn")
    again = Shelf(tmp_path / "x.drawn")
    for number, name in enumerate("abc"):
        found = again.get(name)
        assert found is not None and found.about == {"seed": number}
        assert found.drawn["clean"][0] == DRAWN[number, 0]
        assert found.drawn["clean"][1].tobytes() == DRAWN[number].tobytes()
        assert found.drawn["score a"][1].tobytes() == (DRAWN[number] / 3).tobytes()
    assert again.get("d") is None


def test_every_file_that_is_not_as_it_was_written_is_none(tmp_path: Path):
    place = tmp_path / "x.drawn"
    filled(place)
    good = place.read_bytes()
    for at in [*range(0, 40), *range(40, len(good), 97), len(good) - 1]:
        place.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        assert Shelf(place).get("a") is None, at
    for length in (0, 5, 16, 20, 24, 100, len(good) - 8, len(good) - 1):
        place.write_bytes(good[:length])
        assert Shelf(place).get("a") is None, length
    place.unlink()
    place.mkdir()
    assert Shelf(place).get("a") is None


def test_a_file_that_was_copied_to_the_place_of_another_is_none(tmp_path: Path):
    filled(tmp_path / "x.drawn")
    (tmp_path / "y.drawn").write_bytes((tmp_path / "x.drawn").read_bytes())
    assert Shelf(tmp_path / "y.drawn").get("a") is None
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "x.drawn").rename(tmp_path / "elsewhere" / "x.drawn")
    assert Shelf(tmp_path / "elsewhere" / "x.drawn").get("a") is not None


def test_what_is_not_new_is_not_written_and_a_new_figure_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    place = tmp_path / "x.drawn"
    filled(place)
    written = []
    monkeypatch.setattr(shelf, "write_whole", lambda path, data: written.append(path))
    again = Shelf(place)
    held = again.get("a")
    again.keep()
    assert held is not None and not written
    held.drawn["another"] = 0.5, DRAWN[3]
    again.keep()
    assert written == [place]


def test_runs_of_earlier_boards_are_dropped_beyond_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shelf, "EARLIER", 1)
    place = tmp_path / "x.drawn"
    filled(place, "abc")
    filled(place, "d")
    assert [name for name in "abcd" if Shelf(place).get(name)] == ["a", "d"]


def test_old_files_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shelf, "FILES", 2)
    for number in range(4):
        filled(tmp_path / f"{number}.drawn")
    assert len(list(tmp_path.glob("*.drawn"))) == 2 and not list(tmp_path.glob(".*"))


def test_a_folder_that_cannot_be_written_costs_nothing(tmp_path: Path):
    (tmp_path / "file").write_text("")
    filled(tmp_path / "file" / "x.drawn")


def _many(place: Path) -> bool:
    """Write again and again, and read what others wrote."""
    for _ in range(20):
        for found in (Shelf(place).get("a"), Shelf(place).get("c")):
            if found is not None and found.drawn["clean"][1].tobytes() != DRAWN[found.about["seed"]].tobytes():
                return False
        place.unlink(missing_ok=True)
        filled(place, "abc")
    return True


def test_processes_that_write_at_once_never_read_half_a_file(tmp_path: Path):
    with ProcessPoolExecutor(3, mp_context=get_context("fork")) as pool:
        assert all(pool.map(_many, [tmp_path / "x.drawn"] * 3))
