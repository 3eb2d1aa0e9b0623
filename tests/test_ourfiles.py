from pathlib import Path

import pytest

from benchbed import ourfiles
from benchbed.ourfiles import keep_known, of_our_files


@pytest.fixture
def package(tmp_path, monkeypatch) -> Path:
    """A package in the place of ours, and a cache folder of its own."""
    root = tmp_path / "package"
    (root / "sub" / "__pycache__").mkdir(parents=True)
    for name in ("a.py", "sub/b.py"):
        (root / name).write_text("one = 1\n")
    monkeypatch.setenv("BENCHBED_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(ourfiles, "PACKAGE", root)
    monkeypatch.setattr(ourfiles.Known, "fresh", False)
    anew(monkeypatch)
    yield root
    ourfiles.state_of.cache_clear()


def anew(monkeypatch) -> None:
    """As in another process."""
    ourfiles.state_of.cache_clear()
    monkeypatch.setattr(ourfiles.Known, "known", None)


def test_what_was_found_is_kept_for_the_next_process(package, monkeypatch):
    assert of_our_files("count", lambda: [2]) == [2] and of_our_files("count", lambda: [3]) == [2]
    keep_known()
    anew(monkeypatch)
    assert of_our_files("count", lambda: pytest.fail("it was made again")) == [2]


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "sub" / "b.py").write_text("two = 2\n"),
        lambda root: (root / "sub" / "c.py").write_text(""),
        lambda root: (root / "a.py").unlink(),
        lambda root: (root / "a.py").rename(root / "d.py"),
    ],
)
def test_any_change_of_a_file_has_it_made_again(package, monkeypatch, change):
    of_our_files("count", lambda: 2)
    keep_known()
    change(package)
    anew(monkeypatch)
    assert of_our_files("count", lambda: 3) == 3


def test_a_folder_that_is_a_link_is_looked_into_and_one_in_a_circle_once(package, monkeypatch, tmp_path):
    (package / "sub").rename(tmp_path / "elsewhere")
    (package / "sub").symlink_to(tmp_path / "elsewhere")
    (package / "sub" / "round").symlink_to(package)
    of_our_files("count", lambda: 2)
    keep_known()
    (tmp_path / "elsewhere" / "b.py").write_text("two = 2\n")
    anew(monkeypatch)
    assert of_our_files("count", lambda: 3) == 3


def test_a_link_to_nowhere_is_no_file(package):
    (package / "sub" / ".#b.py").symlink_to("somebody@host.1:2")
    assert ourfiles.state_of(package)


def test_what_is_compiled_has_no_part_in_it(package, monkeypatch):
    before = ourfiles.state_of(package)
    (package / "sub" / "__pycache__" / "b.py").write_text("")
    (package / "notes.txt").write_text("")
    anew(monkeypatch)
    assert ourfiles.state_of(package) == before


def test_a_damaged_table_is_made_again(package, monkeypatch):
    of_our_files("count", lambda: 2)
    keep_known()
    (held,) = ourfiles.Known.place().parent.glob("closures-*.json")
    held.write_text(held.read_text().replace('"count":2', '"count":4'))
    anew(monkeypatch)
    assert of_our_files("count", lambda: 3) == 3
