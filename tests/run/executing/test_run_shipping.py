"""Clips for machines that do not see them: packed, unpacked once, told apart."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pandas as pd
import pytest

from benchbed.errors import DataError
from benchbed.run.executing import shipping


@pytest.fixture
def clips(tmp_path, monkeypatch):
    """A folder of clips, and a cache of this test's own."""
    monkeypatch.setenv("BENCHBED_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "data"
    for number in range(7):
        path = root / "audio" / f"{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes([number]) * 1000)
    return root, [f"audio/{number}.wav" for number in range(7)]


def test_what_arrives_is_what_was_sent(clips, monkeypatch):
    root, files = clips
    monkeypatch.setattr(shipping, "PIECE", 2500)
    sent = list(shipping.pieces(root, [*files, "audio/missing.wav"]))
    assert len(sent) == 3
    place = shipping.unpack(shipping.signature(root, files), sent)
    assert {name: (place / name).read_bytes() for name in files} == {n: (root / n).read_bytes() for n in files}
    assert shipping.signature(place, files) == shipping.signature(root, files)


def test_a_node_unpacks_once_for_all_its_workers(clips):
    root, files = clips
    taken = []

    def received():
        taken.append(1)
        yield from shipping.pieces(root, files)

    with ThreadPoolExecutor(4) as pool:
        places = list(pool.map(lambda _: shipping.unpack("name", received()), range(4)))
    assert len(set(places)) == 1 and len(taken) == 1
    # A copy that is not whole is made again.
    (places[0] / shipping.WHOLE).unlink()
    shipping.unpack("name", received())
    assert len(taken) == 2


def test_another_folder_has_another_signature(clips):
    root, files = clips
    before = shipping.signature(root, files)
    (root / files[3]).write_bytes(b"\7" * 1000)
    assert shipping.signature(root, files) != before
    (root / files[3]).unlink()
    assert shipping.signature(root, files) != before


@pytest.mark.parametrize("name", ["../outside.wav", "/etc/passwd"])
def test_no_path_leaves_the_copy(clips, name):
    with pytest.raises(DataError, match="leaves"):
        shipping.unpack("name", [[(name, b"x")]])


def test_a_job_ships_what_it_scores_and_what_corruptions_draw_from():
    table = pd.DataFrame({"path": ["b.wav", "a.wav", "a.wav"]})
    pool = pd.DataFrame({"path": ["c.wav"]})
    job = SimpleNamespace(clips={"test": table}, pools={"test": pool})
    assert shipping.files_of(job) == ["a.wav", "b.wav", "c.wav"]
