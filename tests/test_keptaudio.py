"""Audio kept on disk: what is read is what was made, damage is made again, and the folder stays within its bounds."""

from __future__ import annotations

import os
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbed.errors import ConfigError
from benchbed.keptaudio import KeptAudio, KeptSound, kept_audio, name_of


def sounds(seed: int = 0, count: int = 3, samples: int = 500) -> list[KeptSound]:
    random = np.random.default_rng(seed)
    return [
        KeptSound(random.standard_normal((2, samples)).astype(np.float32), {"achieved": i / 3, "note": None})
        for i in range(count)
    ]


def same(one: list[KeptSound], other: list[KeptSound]) -> bool:
    pairs = list(zip(one, other, strict=True))
    return all(a.waveform.tobytes() == b.waveform.tobytes() and a.facts == b.facts for a, b in pairs)


def test_what_is_read_is_what_was_kept_to_the_bit_and_can_be_written_to(tmp_path):
    kept = KeptAudio(tmp_path, 10**7)
    odd = [KeptSound(np.array([[np.nan, np.inf, -0.0, 1e-45]], np.float32), {"skipped": "silent"})]
    for name, given_sounds in (("aa1", sounds()), ("aa2", odd), ("bb3", [])):
        kept.put(name, given_sounds)
        assert same(kept.get(name), given_sounds)
    read = kept.get("aa1")[0].waveform
    read[:] = 0
    assert read.flags.writeable and same(kept.get("aa1"), sounds())


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_damaged_file_is_none(tmp_path_factory, place, flip):
    kept = KeptAudio(tmp_path_factory.mktemp("kept"), 10**7)
    kept.put("ab1", sounds(count=1, samples=40))
    path = kept.folder / "ab" / "1"
    data = bytearray(path.read_bytes())
    data[place % len(data)] ^= flip
    path.write_bytes(bytes(data))
    assert kept.get("ab1") is None and not path.exists()
    path.write_bytes(bytes(data[: place % len(data)]))
    assert kept.get("ab1") is None


def test_a_file_of_another_format_is_none(tmp_path):
    kept = KeptAudio(tmp_path, 10**7)
    kept.put("ab1", [])
    path = tmp_path / "ab" / "1"
    head = b'{"format": 99, "sounds": []}'
    check = zlib.crc32(head, zlib.crc32(b"")).to_bytes(4, "little")
    path.write_bytes(b"benchbed audio\n" + len(head).to_bytes(4, "little") + check + head)
    assert kept.get("ab1") is None


def test_the_folder_stays_within_its_bounds_and_keeps_what_was_wanted_last(tmp_path):
    each = sum(sound.waveform.nbytes for sound in sounds())
    kept = KeptAudio(tmp_path, each * 20)
    for number in range(60):
        kept.put(f"{number:02d}x", sounds(number))
        stamp = 1_000_000 + number
        os.utime(tmp_path / f"{number:02d}" / "x", (stamp, stamp))
        assert same(kept.get("00x"), sounds(0))  # wanted all the time
    size = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    assert size <= each * 24  # the bound, and what is written between two looks at the folder
    assert kept.get("59x") is not None and kept.get("01x") is None


def test_without_room_nothing_is_kept_and_nothing_is_lost(tmp_path):
    made = []
    for kept in (KeptAudio(tmp_path / "off", 0), KeptAudio(tmp_path / "file", 10**7), KeptAudio(tmp_path / "s", 100)):
        (tmp_path / "file").write_text("no folder") if kept.folder.name == "file" else None
        for _ in range(2):
            assert same(kept.once("ab1", lambda: made.append(1) or sounds()), sounds())
    assert len(made) == 6 and not (tmp_path / "off").exists()


def test_what_is_made_is_made_once_and_an_error_is_not_kept(tmp_path):
    kept, made = KeptAudio(tmp_path, 10**7), []
    for _ in range(3):
        kept.once("ab1", lambda: made.append(1) or sounds())
    assert len(made) == 1
    with pytest.raises(ZeroDivisionError):
        kept.once("cd1", lambda: 1 / 0)
    assert kept.get("cd1") is None


def test_a_variable_bounds_it(monkeypatch, tmp_path):
    monkeypatch.setenv("BENCHBED_CACHE", str(tmp_path))
    monkeypatch.setenv("BENCHBED_AUDIO_GB", "0.5")
    assert kept_audio().limit == 2**29 and kept_audio().folder == tmp_path / "audio"
    for wrong in ("much", "-1", "nan"):
        monkeypatch.setenv("BENCHBED_AUDIO_GB", wrong)
        with pytest.raises(ConfigError, match="BENCHBED_AUDIO_GB"):
            kept_audio()


def test_names_differ_by_every_part():
    names = {name_of("a", 1), name_of("a", 1.5), name_of("a", "1"), name_of("a", None), name_of("a", [1]), name_of("a")}
    assert len(names) == 6
