"""Runs on a Ray cluster of three nodes on this machine: the records of a local run, whatever dies on the way."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest

pytest.importorskip("ray", reason="Ray is not installed (pip install 'benchbed[ray]')")

SUITE = """
name: toy
version: "1"
task: scene
data:
  layout: folder
  name: toy
  options: {csv: clips.csv, path: path, label: label, group: group, split: split, labels: [low, high]}
  splits: [test]
conditions:
  - clean
  - {corruption: white_noise, parameters: [30, 10]}
  - {corruption: gain, parameters: [-6]}
  - {corruption: low_pass, parameters: [2]}
  - {corruption: pink_noise, parameters: [20]}
  - {corruption: clipping}
  - {corruption: babble, parameters: [10]}
  - {corruption: dropout}
statistics: {draws: 50}
profile: false
"""
UNITS = 8
#: An answer takes a while, so that there is a middle of the suite to kill something in.
SLOW = "import time; time.sleep(0.12)"
COMMAND = [sys.executable, "-c", "import sys; from benchbed.cli import main; main(sys.argv[1:])"]


@pytest.fixture
def place(tmp_path: Path, toy_table: pd.DataFrame, adapter_file) -> Path:
    """A suite, its data and a slow adapter, in a folder."""
    table = toy_table[["path", "label", "group", "device"]].assign(split="test")
    table.to_csv(tmp_path / "data" / "clips.csv", index=False)
    (tmp_path / "toy.yaml").write_text(SUITE)
    adapter_file(SLOW)
    return tmp_path


def words(place: Path, out: str, *more: str) -> list[str]:
    data = ["--data", f"toy={place / 'data'}", "--batch-size", "4", "--quiet", "--no-report"]
    files = [str(place / "toy.yaml"), "--model", str(place / "toy.py")]
    return [*COMMAND, "run", *files, "--out", str(place / out), *data, *more]


def begun(place: Path, out: str, *more: str) -> subprocess.Popen:
    return subprocess.Popen(words(place, out, *more), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finished(process: subprocess.Popen) -> None:
    _, said = process.communicate(timeout=600)
    assert process.returncode == 0, said


def units(place: Path, out: str) -> set[str]:
    return {path.stem for path in (place / out / "toy" / "toy" / "predictions").glob("*.parquet")}


def until(count: int, place: Path, out: str, process: subprocess.Popen) -> None:
    """Wait until so many units are there."""
    end = time.monotonic() + 600
    while len(units(place, out)) < count:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end
        time.sleep(0.02)


def record(place: Path, out: str) -> dict:
    """A record without its times and what rests on them, and without who computed it."""
    content = json.loads((place / out / "toy" / "toy" / "result.json").read_text())
    provenance = content["provenance"]
    for name in ("created", "cpu_seconds", "reused", "reused_units", "workers"):
        del provenance[name]
    del content["digest"], provenance["artefacts"]["predictions.json"]
    return content


@pytest.fixture
def cluster():
    """A head and two nodes of one CPU each."""
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    for _ in range(2):
        made.add_node(num_cpus=1)
    yield made
    made.shutdown()


def workers_of(node) -> list[psutil.Process]:
    """The processes of a node that compute."""
    raylet = node.all_processes["raylet"][0].process.pid
    return [
        child
        for child in psutil.Process(raylet).children(recursive=True)
        if "UnitWorker" in " ".join(child.cmdline()[:1])
    ]


def test_three_nodes_a_killed_worker_and_a_killed_node_give_the_record_of_one_process(place, cluster):
    finished(begun(place, "local"))
    run = begun(place, "ray", "--engine", "ray", "--address", cluster.address)
    until(1, place, "ray", run)
    nodes = [cluster.head_node, *cluster.worker_nodes]
    (victim, *_) = workers_of(nodes[0])
    victim.send_signal(signal.SIGKILL)
    until(3, place, "ray", run)
    lost = next(node for node in nodes[1:] if workers_of(node))
    cluster.remove_node(lost, allow_graceful=False)
    finished(run)
    assert units(place, "ray") == units(place, "local") and len(units(place, "ray")) == UNITS
    assert record(place, "ray") == record(place, "local")


def test_a_restarted_head_costs_what_was_on_its_way(place):
    from ray.cluster_utils import Cluster

    finished(begun(place, "local"))
    head = {"num_cpus": 2, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    host, port = cluster.address.split(":")
    run = begun(place, "ray", "--engine", "ray", "--address", cluster.address)
    try:
        until(2, place, "ray", run)
        cluster.remove_node(cluster.head_node, allow_graceful=False)
        there = units(place, "ray")
        assert len(there) < UNITS
        cluster.shutdown()
        cluster = Cluster(
            initialize_head=True, head_node_args={**head, "node_ip_address": host, "gcs_server_port": int(port)}
        )
        assert cluster.address == f"{host}:{port}"
        finished(run)
    finally:
        run.kill()
        cluster.shutdown()
    assert there <= units(place, "ray")
    assert record(place, "ray") == record(place, "local")


def test_the_limits_of_a_run_hold_on_a_cluster_too(place, adapter_file):
    adapter_file("import time; time.sleep(600)")
    began = time.monotonic()
    run = begun(place, "ray", "--engine", "ray", "--workers", "1", "--call-seconds", "2")
    _, said = run.communicate(timeout=240)
    assert run.returncode == 3 and "did not come back within 2 s from predict" in said, said
    assert "--call-seconds" in said and "toy.py" in said and time.monotonic() - began < 200


def test_a_cluster_that_ray_start_made_is_reached_with_its_token(place):
    """Ray 2.60 asks for a token that a driver does not show by itself."""
    finished(begun(place, "local"))
    with socket.socket() as free:
        free.bind(("", 0))
        port = free.getsockname()[1]
    words = ["start", "--head", "--block", f"--port={port}", "--num-cpus=2", "--include-dashboard=false"]
    # Told to end, a head asks itself for half a minute whether it may, where its own services ended first.
    variables = {**os.environ, "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0"}
    command = [sys.executable, "-m", "ray.scripts.scripts", *words]
    head = subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 90
        while not listening(port):
            assert head.poll() is None and time.monotonic() < end
            time.sleep(0.5)
        finished(begun(place, "ray", "--engine", "ray", "--address", f"127.0.0.1:{port}"))
    finally:
        head.terminate()  # its processes end with it
        head.wait(60)
    assert record(place, "ray") == record(place, "local")


def test_clips_that_do_not_fit_into_the_store_are_spilled_and_arrive_whole(place, tmp_path, toy_table, monkeypatch):
    """Shipped clips of 200 MB go through a store of 80 MB: Ray keeps what does not fit on disk."""
    import numpy as np
    import soundfile
    from ray.cluster_utils import Cluster

    table = toy_table[["path", "label", "group", "device"]].assign(split="test", onset=0.5, length=0.25)
    for number, name in enumerate(table["path"]):
        noise = np.random.Generator(np.random.Philox(number)).integers(-9000, 9000, 2_500_000, dtype=np.int16)
        soundfile.write(place / "data" / name, noise, 8000, subtype="PCM_16")
    table.to_csv(place / "data" / "clips.csv", index=False)
    text = SUITE.replace("path: path,", "path: path, onset: onset, duration: length,")
    (place / "toy.yaml").write_text(text)
    spilled = tmp_path / "spilled"
    spilled.mkdir()
    monkeypatch.setenv("BENCHBED_CACHE", str(tmp_path / "cache"))
    finished(begun(place, "local"))
    store = {"object_store_memory": 80 * 2**20, "object_spilling_directory": str(spilled)}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False, **store})
    seen = 0
    run = begun(place, "ray", "--engine", "ray", "--address", cluster.address, "--ship", "always", "--workers", "1")
    try:
        while run.poll() is None:
            seen = max(seen, sum(path.stat().st_size for path in spilled.rglob("*") if path.is_file()))
            time.sleep(0.05)
        finished(run)
    finally:
        run.kill()
        cluster.shutdown()
    assert seen > 60 * 2**20, "some of the pieces went through the disk"
    assert record(place, "ray") == record(place, "local")
    (shipped,) = (tmp_path / "cache" / "shipped").glob("*/.whole")
    for name in table["path"]:
        assert (shipped.parent / name).read_bytes() == (place / "data" / name).read_bytes()


def listening(port: int) -> bool:
    """Whether somebody answers at a port of this machine."""
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0
