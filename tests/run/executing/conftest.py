"""A home of its own for whatever Ray writes: a token, logs, sockets."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def home_of_its_own(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray keeps a cluster's token below the home of whoever starts it, where it would stay for all later clusters."""
    if "test_run_ray" in request.module.__name__:
        home = tmp_path / "home"
        home.mkdir()
        monkeypatch.setenv("HOME", str(home))
        for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_AUTH_MODE", "RAY_ADDRESS"):
            monkeypatch.delenv(name, raising=False)
