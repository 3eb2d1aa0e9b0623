"""How the driver connects to a cluster, and leaves it: with a stand-in for Ray."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from types import ModuleType, SimpleNamespace

import pytest

from benchbed.errors import CannotMeasure
from benchbed.run.executing import ray_driver
from benchbed.run.executing.ray_driver import _asks, _connected, _has_token
from benchbed.run.job.cluster import ClusterAsked


class StandIn(ModuleType):
    """As much of Ray as connecting takes."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__("ray")
        self.error, self.asked, self.ended = error, [], 0

    def init(self, **asked: object) -> None:
        self.asked.append(asked)
        if self.error is not None:
            raise self.error

    def shutdown(self) -> None:
        self.ended += 1


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    made = StandIn()
    monkeypatch.setitem(sys.modules, "ray", made)
    # What the driver sets is taken back after the test.
    for name in ("RAY_USAGE_STATS_ENABLED", "RAY_gcs_rpc_server_reconnect_timeout_s", "RAY_AUTH_MODE"):
        monkeypatch.setenv(name, "before")
        monkeypatch.delenv(name)
    return made


def environment() -> dict[str, str]:
    import os

    return dict(os.environ)


def test_without_an_address_a_cluster_is_started_here_with_room_for_the_workers(ray):
    with _connected(ClusterAsked(cpus=2.0), 3) as made:
        assert made is ray and environment()["RAY_USAGE_STATS_ENABLED"] == "0"
    (asked,) = ray.asked
    assert asked["address"] == "local" and asked["include_dashboard"] is False and asked["num_cpus"] == 6
    assert ray.ended == 1
    with _connected(ClusterAsked(), 0):
        pass
    assert "num_cpus" not in ray.asked[1], "as many as the machine has"


def test_the_connection_ends_however_the_work_ended(ray):
    with pytest.raises(KeyError), _connected(ClusterAsked(), 1):
        raise KeyError("inside")
    assert ray.ended == 1


@pytest.mark.parametrize("error", [ConnectionError, ValueError, RuntimeError, TimeoutError])
def test_a_cluster_that_cannot_be_reached_is_one_clear_error(ray, monkeypatch, error):
    ray.error = error("no route\nand a long story")
    monkeypatch.setattr(ray_driver, "_asks", lambda address: False)
    with (
        pytest.raises(CannotMeasure, match="cannot be reached: no route") as raised,
        _connected(ClusterAsked("h:1"), 1),
    ):
        pytest.fail("not connected")
    assert raised.value.where == "h:1" and "long story" not in str(raised.value) and "auth_token" in str(raised.value)
    assert ray.ended == 0


@pytest.mark.parametrize(
    ("token", "asks", "mode", "shown"),
    [
        (True, True, None, "token"),
        (True, False, None, None),  # a token at home of another cluster breaks one without
        (False, True, None, None),
        (True, True, "disabled", "disabled"),  # whoever has said it knows it
    ],
)
def test_a_token_is_shown_only_to_a_cluster_that_asks(ray, monkeypatch, token, asks, mode, shown):
    monkeypatch.setattr(ray_driver, "_has_token", lambda: token)
    monkeypatch.setattr(ray_driver, "_asks", lambda address: asks)
    if mode:
        monkeypatch.setenv("RAY_AUTH_MODE", mode)
    with _connected(ClusterAsked("h:1"), 1):
        assert environment().get("RAY_AUTH_MODE") == shown


def test_where_a_token_may_lie(tmp_path, monkeypatch):
    assert not _has_token()
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "mine"))
    assert not _has_token()
    (tmp_path / "mine").write_text("t")
    assert _has_token()
    monkeypatch.delenv("RAY_AUTH_TOKEN_PATH")
    (tmp_path / "home" / ".ray").mkdir()
    (tmp_path / "home" / ".ray" / "auth_token").write_text("t")
    assert _has_token()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert not _has_token()
    monkeypatch.setenv("RAY_AUTH_TOKEN", "t")
    assert _has_token()


@pytest.mark.parametrize(("code", "asks"), [(0, False), (1, True)])
def test_another_process_finds_out_whether_a_cluster_asks(monkeypatch, code, asks):
    seen = {}

    def run(words, **more):
        seen.update(words=words, env=more["env"])
        return SimpleNamespace(returncode=code)

    monkeypatch.setattr(subprocess, "run", run)
    assert _asks("h:1") is asks
    assert seen["words"][-1] == "h:1" and seen["env"]["RAY_AUTH_MODE"] == "disabled"
    compile(seen["words"][2], "question", "exec")


def test_a_cluster_that_says_nothing_in_time_is_taken_for_one_that_asks(monkeypatch):
    def run(words, **more):
        raise subprocess.TimeoutExpired(words, more["timeout"])

    monkeypatch.setattr(subprocess, "run", run)
    assert _asks("h:1")


def test_a_driver_leaves_when_the_run_is_gone(monkeypatch):
    left = []
    monkeypatch.setattr("os._exit", left.append)

    class Closed:
        def recv_bytes(self):
            raise EOFError

    with contextlib.suppress(EOFError):
        ray_driver._leave_with(Closed())
    assert left == [1]


@pytest.mark.parametrize("version, services", [("2.60.0", "left out"), ("2.61.0", "started"), (None, "started")])
def test_a_cluster_of_one_run_starts_without_what_it_has_no_use_for(ray, monkeypatch, version, services):
    class Node:
        def start_monitor(self) -> str:
            return "started"

        start_log_monitor = start_api_server = start_gcs_server = start_monitor

    private = ModuleType("ray._private.node")
    private.Node = Node
    monkeypatch.setitem(sys.modules, "ray._private", ModuleType("ray._private"))
    monkeypatch.setitem(sys.modules, "ray._private.node", private)
    if version is not None:
        ray.__version__ = version
    seen = []
    ray.init = lambda **_: seen.append((Node().start_monitor() or "left out", Node().start_gcs_server()))
    with _connected(ClusterAsked(), 1):
        assert Node().start_monitor() == "started", "what else starts a cluster in this process starts it whole"
    with _connected(ClusterAsked(address="somewhere:6379"), 1):
        pass
    assert seen == [(services, "started"), ("started", "started")]


def test_a_ray_that_is_built_otherwise_starts_as_it_does(ray, monkeypatch):
    ray.__version__ = "2.60.9"
    for inside in (ModuleType("ray._private.node"), None):
        monkeypatch.setitem(sys.modules, "ray._private", ModuleType("ray._private"))
        monkeypatch.setitem(sys.modules, "ray._private.node", inside)
        with _connected(ClusterAsked(), 1):
            pass
    assert len(ray.asked) == 2
