"""What strangers send: audio that claims too much or never ends, names that are more than names, records, archives."""

from __future__ import annotations

import io
import json
import os
import re
import struct
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from made_runs import answers, made_run, recordings

from benchbed import audio
from benchbed.cli import main
from benchbed.data.fetch import unpack
from benchbed.errors import AudioError, BenchbedError
from benchbed.results.store import read, write


def wav(frames: int, data: bytes = b"\0" * 64, channels: int = 1, bits: int = 16, rate: int = 8000) -> bytes:
    """A wav file whose header promises so many frames."""
    block = channels * bits // 8
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate, (rate * block) % 2**32, block % 2**16, bits)
    size = min(frames * block, 2**32 - 1)
    return (
        b"RIFF"
        + struct.pack("<I", min(size + 36, 2**32 - 1))
        + b"WAVE"
        + form
        + struct.pack("<4sI", b"data", size)
        + data
    )


def flac_of(samples: int) -> bytes:
    """A FLAC file that promises so many samples: 36 bits of its first block."""
    held = io.BytesIO()
    soundfile.write(held, np.zeros(4096), 8000, format="FLAC")
    data = bytearray(held.getvalue())
    packed = int.from_bytes(data[18:26], "big") & ~((1 << 36) - 1) | samples
    data[18:26] = packed.to_bytes(8, "big")
    return bytes(data)


def w64_of(frames: int) -> bytes:
    held = io.BytesIO()
    soundfile.write(held, np.zeros(64), 8000, format="W64", subtype="PCM_16")
    data = bytearray(held.getvalue())
    place = data.index(b"data\xf3\xac")
    data[place + 16 : place + 24] = struct.pack("<Q", frames * 2 + 24)
    return bytes(data)


CLAIMS = {
    "wav": wav(10**9),
    "wav of many channels": wav(2**20, channels=60000),
    "wav of no channels": wav(100, channels=0),
    "wav without a rate": wav(100, rate=0),
    "flac of 6e10": flac_of(2**36 - 1),
    "w64 of 1e11": w64_of(10**11),
    "aiff of five bytes": b"FORM\0",
    "aiff of nothing": b"FORM\0\0\0\4AIFF",
    "aiff that claims": b"FORM\xff\xff\xff\xffAIFFCOMM\xff\xff\xff\xff",
    "ogg of nothing": b"OggS" + b"\0" * 24,
    "mp3 of nothing": b"ID3\4\0\0\x7f\x7f\x7f\x7f",
    "caf of nothing": b"caff\0\1\0\0data" + b"\xff" * 8,
    "text": b"this is no audio\n" * 10,
    "page": b"<!DOCTYPE html><html></html>",
    "archive": b"PK\3\4" + b"\0" * 60,
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_audio_that_claims_what_it_has_not_costs_nothing(tmp_path: Path, claim: str):
    path = tmp_path / "a.wav"
    path.write_bytes(CLAIMS[claim])
    began = time.process_time()
    for reads in (audio.read, audio.info, lambda p: audio.read(p, 1.0, 2.0)):
        with pytest.raises(AudioError) as refused:
            reads(path)
        assert str(path) in str(refused.value) and len(str(refused.value)) < 1000
    assert time.process_time() - began < 5


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders")
@pytest.mark.parametrize("what", ["pipe", "device", "folder", "socket", "link to itself", "link to a device"])
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, what: str):
    import socket

    path = tmp_path / "a.wav"
    if what == "pipe":
        os.mkfifo(path)
    elif what == "device":
        path = Path("/dev/zero")
    elif what == "folder":
        path.mkdir()
    elif what == "socket":
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(path))
    else:
        path.symlink_to("a.wav" if what == "link to itself" else "/dev/zero")
    for reads in (audio.read, audio.info, audio.digest):
        with pytest.raises(AudioError):
            reads(path)


#: Names that are more than names, for labels, models, columns, files: each is text that everybody may write.
NAMES = {
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "quotes": "\"'`--><!--",
    "a formula": '=HYPERLINK("http://x","y")',
    "another formula": "@SUM(1+1)*cmd|' /C calc'!A0",
    "control": "a\x1b[31mred\x07\x00b",
    "lines": "a\nb\r\nc\u2028d",
    "from right to left": "\u202egnp.exe\u2066x",
    "separators": "../../etc/passwd",
    "a template": "{{7*7}}{% raw %}${x}",
    "wide": "\U0001f600" * 50,
    "long": "n" * 3000,
    "markdown": "[x](javascript:alert(1)) | **b** |",
    "a workflow": "\n::error::x\n::set-output name=a::b",
}


@pytest.fixture
def named(tmp_path: Path):
    """Two runs whose model and suite are called something."""

    def made(name: str) -> tuple[Path, Path]:
        target, group = recordings(6, 4)
        for number, folder in enumerate(("one", "two")):
            right = np.arange(24) % (3 + number) > 0
            made_run(tmp_path / "runs" / folder, {"clean": answers(right, target)}, target, group, draws=20)
            path = tmp_path / "runs" / folder / "result.json"
            result = read(path)
            model = result.model.model_copy(
                update={
                    "name": f"{name}{number}",
                    "family": name,
                    "description": name,
                    "citation": name,
                    "licence": name,
                }
            )
            suite = result.suite.model_copy(update={"title": name})
            write(result.model_copy(update={"model": model, "suite": suite}), path)
        return tmp_path / "runs" / "one", tmp_path / "runs" / "two"

    return made


def said(capfd: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    out, err = capfd.readouterr()
    assert "internal error" not in err and "Traceback" not in err, err
    return int(ended.value.code or 0), out, err


@pytest.mark.parametrize("kind", NAMES)
def test_names_of_strangers_stay_names(named, tmp_path: Path, capfd: pytest.CaptureFixture[str], kind: str):
    one, two = named(NAMES[kind])
    site = tmp_path / "site"
    code, _, err = said(capfd, "leaderboard", tmp_path / "runs", "--out", site)
    assert code in (0, 2, 3), err
    outputs = [path for path in site.rglob("*") if path.is_file()] if site.exists() else []
    assert code != 0 or any(path.suffix == ".html" for path in outputs)
    assert all(path.resolve().is_relative_to(site.resolve()) for path in outputs)
    for words in (["compare", one, two], ["gate", one, "--baseline", two], ["compare", one, two, "--json"]):
        code, out, err = said(capfd, *words)
        assert code in (0, 1, 2, 3, 4)
        assert "\x1b[31m" not in out + err and "\x07" not in out + err, "a terminal is told nothing"
        assert not re.search(r"^::(error|set-output)", out + err, flags=re.M), "nor a runner of workflows"
    for page in (path for path in outputs if path.suffix == ".html"):
        text = page.read_text(encoding="utf-8")
        assert "<img src=x" not in text and "<script>alert" not in text
    for table in (path for path in outputs if path.suffix in (".csv", ".tsv")):
        assert not re.search(r"(^|[,\t])\"?[=@]", table.read_text(encoding="utf-8"), flags=re.M)


#: Records that are none, or whose parts are not what they should be.
RECORDS = {
    "a list": "[]",
    "a number": "3",
    "text": '"x"',
    "null": "null",
    "nothing": "",
    "binary": "\x00\x01",
    "another program's": '{"accuracy": 0.9}',
    "a version": '{"schema_version": 2}',
    "many": '{"schema_version": 2, "cells": [' + ",".join(["{}"] * 1000) + "]}",
    "twice": '{"schema_version": 1, "schema_version": 2}',
    "huge": '{"schema_version": ' + "9" * 5000 + "}",
}


@pytest.mark.parametrize("kind", RECORDS)
def test_records_of_strangers_are_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str], kind: str):
    target, group = recordings(6, 4)
    made_run(tmp_path / "mine", {"clean": answers(np.ones(24, bool), target)}, target, group, draws=20)
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "result.json").write_text(RECORDS[kind])
    for words in (
        ["compare", tmp_path / "mine", tmp_path / "theirs"],
        ["gate", tmp_path / "theirs", "--baseline", tmp_path / "mine"],
        ["leaderboard", tmp_path / "theirs", "--out", tmp_path / "site"],
    ):
        code, _, err = said(capfd, *words)
        assert code == 2 and str(tmp_path / "theirs") in err and len(err) < 4000


@pytest.mark.parametrize("field", ["cells", "scores", "checks", "failures", "profile", "model", "suite", "dataset"])
@pytest.mark.parametrize("value", [None, 3, "x", [], {}, [None], {"a": None}, [[]], True])
def test_no_part_of_a_record_may_be_anything(tmp_path: Path, field: str, value: object):
    target, group = recordings(6, 4)
    made_run(tmp_path, {"clean": answers(np.ones(24, bool), target)}, target, group, draws=0, statistics=False)
    raw = json.loads((tmp_path / "result.json").read_text())
    raw["schema_version"] = 1  # the version that needs no digest
    del raw["digest"]
    raw[field] = value
    (tmp_path / "result.json").write_text(json.dumps(raw))
    try:
        read(tmp_path)
    except BenchbedError as error:
        assert len(str(error)) < 2000


@pytest.mark.parametrize(
    "name", ["../out.txt", "/tmp/out-of-an-archive.txt", "a/../../out.txt", "..\\out.txt", "C:\\out.txt"]
)
def test_archives_unpack_below_their_folder(tmp_path: Path, name: str):
    archive, folder = tmp_path / "a.zip", tmp_path / "in" / "deep"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr(name, "x")
    folder.mkdir(parents=True)
    try:
        unpack(archive, folder)
    except BenchbedError as error:
        assert "archive" in str(error) or str(archive) in str(error)
    inside = {path for path in tmp_path.rglob("*") if path.is_file()} - {archive}
    assert all(path.is_relative_to(folder) for path in inside) and not Path("/tmp/out-of-an-archive.txt").exists()
