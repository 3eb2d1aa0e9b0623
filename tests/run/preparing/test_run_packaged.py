"""Conditions that this machine cannot make, refused before anything is computed."""

from __future__ import annotations

import sys
import threading
import time
from types import SimpleNamespace

import pytest

from benchbed.errors import PackageError
from benchbed.perturb import lame, packets
from benchbed.run.preparing.packaged import refuse_unmade
from benchbed.suite.load import load_suite

SUITE = """
name: coded
version: "1"
extends: [dcase_task1]
conditions:
  - clean
  - {corruption: opus, parameters: [16]}
  - {corruption: mp3, parameters: [48]}
"""


@pytest.fixture
def coded(tmp_path):
    (tmp_path / "coded.yaml").write_text(SUITE)
    return load_suite(str(tmp_path / "coded.yaml"))


@pytest.mark.parametrize(("package", "condition", "line"), [("av", "opus", 7), ("lameenc", "mp3", 8)])
def test_a_condition_is_named_with_its_package_and_line(coded, monkeypatch, package, condition, line):
    refuse_unmade(coded)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(PackageError, match=rf"^{condition} cannot be made here: the package '{package}'") as raised:
        refuse_unmade(coded)
    assert f"coded.yaml:{line}:" in raised.value.where and raised.value.hint == f"pip install {package}"


def broken(*given: object, **named: object) -> object:
    raise RuntimeError("no such codec")


@pytest.mark.parametrize(
    ("place", "condition", "line", "told", "hint"),
    [
        ("ctypes.CDLL", "opus", 7, "PyAV [0-9.]+ has no libopus that can be called", "install PyAV from its wheel"),
        ("av.CodecContext", "mp3", 8, "RuntimeError: no such codec", "pip install --force-reinstall av lameenc"),
        ("lameenc.Encoder", "mp3", 8, "RuntimeError: no such codec", "pip install --force-reinstall av lameenc"),
    ],
)
def test_a_coder_that_is_there_and_does_not_work_is_named_before(
    coded, monkeypatch, place, condition, line, told, hint
):
    owner, name = place.split(".")
    module = __import__(owner)
    lacking = SimpleNamespace(create=broken) if name == "CodecContext" else broken
    if owner == "ctypes":

        def lacking(path: str) -> object:
            raise OSError(f"{path}: undefined symbol")

        packets._libopus.cache_clear()
    monkeypatch.setattr(lame, "_held", threading.local())
    monkeypatch.setattr(module, name, lacking)
    with pytest.raises(PackageError, match=rf"^{condition} cannot be made here: {told}") as raised:
        refuse_unmade(coded)
    assert f"coded.yaml:{line}:" in raised.value.where and hint in raised.value.hint


def test_all_coders_are_tried_in_no_time():
    suite = load_suite("robustness_asc")
    refuse_unmade(suite)
    began = time.process_time()
    refuse_unmade(suite)
    assert time.process_time() - began < 0.5


def test_only_what_is_still_to_be_made_counts(coded, monkeypatch):
    monkeypatch.setitem(sys.modules, "lameenc", None)
    refuse_unmade(coded, [0, 1, 1])
    with pytest.raises(PackageError):
        refuse_unmade(coded, [2])
