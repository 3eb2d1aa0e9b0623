"""An error that code of the user's raised where nobody called it is told as that code's; no other one is."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from benchbed.adapter.astray import astray
from benchbed.audio import resample
from benchbed.errors import did_you_mean


def caught(call) -> BaseException:
    with pytest.raises(BaseException) as raised:
        call()
    return raised.value


def test_what_the_users_code_raises_below_ours_is_its_own(tmp_path: Path):
    (tmp_path / "net.py").write_text("def words():\n    yield 'y'\n    raise KeyError('x')\n")
    spec = importlib.util.spec_from_file_location("net", tmp_path / "net.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    told = astray(caught(lambda: did_you_mean("x", module.words())))
    assert told is not None and told.where == f"{tmp_path / 'net.py'}:3" and "KeyError: 'x'" in told.what
    assert astray(caught(lambda: list(module.words()))) is None, "nobody of ours was at work"


def test_what_others_raise_is_not():
    made = {}
    exec(compile("def of_no_file(): return 1 / 0", "<string>", "exec"), made)
    for call in (
        lambda: json.loads("{"),
        lambda: resample(None, 8000, 16000),  # type: ignore[arg-type]
        made["of_no_file"],
    ):
        assert astray(caught(call)) is None
    assert astray(KeyError("never raised")) is None


def test_what_means_to_end_the_process_stays_what_it_is():
    def leave() -> None:
        raise SystemExit(3)

    assert astray(caught(leave)) is None
