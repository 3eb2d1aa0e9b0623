"""One allocator for Arrow and numpy, and what is given back."""

from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
import pyarrow
from benchbed.run.preparing.allocating import give_back, one_allocator
before = pyarrow.default_memory_pool().backend_name
one_allocator()
give_back()
print(before, pyarrow.default_memory_pool().backend_name)
"""


@pytest.mark.parametrize("asked", [None, "system"])
def test_arrow_takes_memory_where_numpy_does(asked: str | None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("ARROW_DEFAULT_MEMORY_POOL", raising=False)
    if asked is not None:
        monkeypatch.setenv("ARROW_DEFAULT_MEMORY_POOL", asked)
    said = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True).stdout.split()
    assert said[1] == "system"
    assert asked is None or said[0] == asked


def test_an_allocator_that_is_asked_for_stays(monkeypatch: pytest.MonkeyPatch):
    import pyarrow

    if "mimalloc" not in pyarrow.supported_memory_backends():
        pytest.skip("this build of Arrow has no other allocator")
    monkeypatch.setenv("ARROW_DEFAULT_MEMORY_POOL", "mimalloc")
    said = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True).stdout.split()
    assert said == ["mimalloc", "mimalloc"]
