"""Fixtures that more than one room's tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Times on a shared machine say nothing about an example; a slow first call must not fail a test.
settings.register_profile("benchbed", deadline=None)
settings.load_profile("benchbed")

# What a test puts in the place of a function would not be there in another process; tests/faults asks for them.
os.environ.setdefault("BENCHBED_ISOLATE", "0")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def realdata() -> Path:
    """Folder of real recordings; the test is skipped where it is missing."""
    configured = os.environ.get("BENCHBED_REALDATA")
    folder = Path(configured) if configured else REPOSITORY.parent / "shared" / "realdata"
    if not folder.is_dir():
        pytest.skip(f"no real recordings at {folder} (set BENCHBED_REALDATA)")
    return folder
