"""Compiled templates that are kept: a file that was damaged is compiled again, and nothing of it is run."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import BytecodeCache, DictLoader, Environment

from benchbed.report.compiled import CompiledTemplates

TEXT = "the figure of {{ name }} is higher"


def rendered(cache: BytecodeCache) -> str:
    environment = Environment(loader=DictLoader({"page": TEXT}), bytecode_cache=cache)
    return environment.get_template("page").render(name="cnn")


def test_every_flipped_bit_and_every_cut_gives_the_same_page(tmp_path: Path) -> None:
    expected = rendered(CompiledTemplates(tmp_path))
    (kept,) = tmp_path.iterdir()
    whole = kept.read_bytes()
    for place in range(0, len(whole), 7):
        for damaged in (whole[:place], whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]):
            kept.write_bytes(damaged)
            assert rendered(CompiledTemplates(tmp_path)) == expected
            assert kept.read_bytes() == whole


def test_a_template_that_is_kept_is_not_compiled_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = rendered(CompiledTemplates(tmp_path))
    monkeypatch.setattr(Environment, "_compile", None)
    assert rendered(CompiledTemplates(tmp_path)) == expected


def test_a_folder_that_cannot_be_written_only_costs_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert rendered(CompiledTemplates(tmp_path / "file")) == "the figure of cnn is higher"
