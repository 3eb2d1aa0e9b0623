"""Scores of clips beside a run: runs that describe nothing have none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchbed.results.captions import read_clips


def test_that_a_run_kept_no_scores_is_seen_without_what_reads_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)  # a third of a second of imports
    assert read_clips(tmp_path) is None
