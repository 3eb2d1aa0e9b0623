"""Conditions that this machine cannot make, refused before anything is computed."""

from __future__ import annotations

import sys

import pytest

from benchbed.errors import PackageError
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


def test_only_what_is_still_to_be_made_counts(coded, monkeypatch):
    monkeypatch.setitem(sys.modules, "lameenc", None)
    refuse_unmade(coded, [0, 1, 1])
    with pytest.raises(PackageError):
        refuse_unmade(coded, [2])
