"""Hashes of files and of sets of clips."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from benchbed import audio
from benchbed.data.index import digests, hash_files, index_hash
from benchbed.data.layouts import tau2022
from benchbed.errors import AudioError, DataError


def test_digests_are_blake2b_of_the_content(tau: Path) -> None:
    dataset = tau2022.read(tau)
    found = digests(dataset)
    assert list(found) == dataset.clips["path"].tolist()
    for path, value in found.items():
        assert value == hashlib.blake2b((tau / path).read_bytes(), digest_size=16).hexdigest()
    some = digests(dataset, dataset.splits["test"])
    assert set(some) == set(dataset.select("test")["path"])


def test_unchanged_files_are_not_read_again(tau: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset, cache = tau2022.read(tau), tmp_path / "cache"
    first = digests(dataset, None, cache)
    read: list[str] = []
    real = audio.digest
    monkeypatch.setattr(audio, "digest", lambda path: read.append(str(path)) or real(path))
    assert digests(dataset, None, cache) == first and read == []
    changed = tau / dataset.clips["path"][0]
    changed.write_bytes(changed.read_bytes() + b"\0")
    assert digests(dataset, None, cache) != first and read == [str(changed)]
    # Same size, new time: read again, and the hash tells that nothing changed.
    read.clear()
    other = tau / dataset.clips["path"][1]
    os.utime(other, ns=(1, 1))
    assert digests(dataset, None, cache)[dataset.clips["path"][1]] == first[dataset.clips["path"][1]]
    assert read == [str(other)]


def test_a_damaged_memory_is_made_anew(tau: Path, tmp_path: Path) -> None:
    dataset, cache = tau2022.read(tau), tmp_path / "cache"
    first = digests(dataset, None, cache)
    store = next((cache / "digests").iterdir())
    for content in ("{broken", "[]", ""):
        store.write_text(content)
        assert digests(dataset, None, cache) == first


def test_missing_file(tau: Path) -> None:
    dataset = tau2022.read(tau)
    (tau / dataset.clips["path"][0]).unlink()
    with pytest.raises(AudioError, match="missing"):
        digests(dataset)
    found, failed = hash_files(tau, dataset.clips["path"].tolist())
    assert len(found) == 8 and list(failed) == [dataset.clips["path"][0]]


def test_index_hash_covers_what_is_measured(tau: Path) -> None:
    dataset = tau2022.read(tau)
    clips, known = dataset.clips, digests(dataset)
    reference = index_hash(clips, known)
    assert index_hash(clips.iloc[::-1], known) == reference
    assert index_hash(clips.iloc[:-1], known) != reference
    for column, value in (("label", "bus"), ("onset", 0.5), ("duration", 1.0), ("group", "other"), ("clip_id", "x")):
        other = clips.copy()
        other.loc[0, column] = value
        assert index_hash(other, known) != reference, column
    assert index_hash(clips.assign(device="z"), known) == reference
    with pytest.raises(DataError, match="no hash is known"):
        index_hash(clips, {})
