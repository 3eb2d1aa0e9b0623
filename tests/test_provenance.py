"""What is looked up once for all of a run, beside what the standard library says."""

from __future__ import annotations

import hashlib
import importlib.metadata
from pathlib import Path

import pytest

import benchbed
from benchbed import provenance
from benchbed.provenance import code_hash, hash_files, installed
from benchbed.registry import Registry, _entry_points


def test_the_papers_of_every_installed_package_are_read_as_the_standard_library_reads_them():
    names = sorted({str(papers.metadata["Name"]) for papers in importlib.metadata.distributions()})
    assert len(names) > 20
    for name in names:
        papers = importlib.metadata.distribution(name)
        assert installed(name).version == papers.version
        assert installed(name).requires == tuple(papers.requires or ())


def test_the_readme_of_a_package_is_no_field_of_it(tmp_path, monkeypatch):
    papers = tmp_path / "toykit-1.dist-info"
    papers.mkdir()
    (papers / "METADATA").write_bytes(
        b"Metadata-Version: 2.1\r\nName: toykit\r\nVersion: 1\r\nRequires-Dist: numpy>=2\r\n\r\nVersion: 9\r\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert installed("toykit").version == "1" and installed("toykit").requires == ("numpy>=2",)
    installed.cache_clear()


def test_a_package_that_is_not_there_is_said_to_be_missing():
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        installed("no-such-package")


def test_our_code_is_hashed_in_the_order_of_its_folders():
    root = Path(benchbed.__file__).parent
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(root.rglob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    assert code_hash(".") == digest.hexdigest()
    assert code_hash("audio") == hash_files([root / "audio.py"]) != code_hash("adapter")


def test_a_lock_of_an_editor_is_no_source(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "provenance.py"))
    (tmp_path / "one.py").write_text("one = 1\n")
    before = provenance._source_hash(["."])
    (tmp_path / ".#one.py").symlink_to("somebody@host.1:2")
    assert provenance._source_hash(["."]) == before


def test_what_is_installed_is_looked_through_once_for_all_registries(monkeypatch):
    looked, found = [], importlib.metadata.entry_points
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **group: looked.append(group) or found(**group))
    _entry_points.cache_clear()
    for kind, package in (("dataset", "benchbed.data.layouts"), ("metric", "benchbed.metrics.families")):
        assert Registry(kind, package).names()
    assert len(looked) == 1
