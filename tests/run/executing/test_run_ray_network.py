"""A Ray cluster of two machines with networks and disks of their own: clips are sent, and a cut cable costs a node.

Two network namespaces stand for the machines; they reach each other over one virtual cable and nothing else. What lies
in the folder of the clips is hidden from the second one.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile

from benchbed.predictions.store import read_units

pytest.importorskip("ray", reason="Ray is not installed (pip install 'benchbed[ray]')")

HERE, THERE = f"bb{os.getpid()}a", f"bb{os.getpid()}b"
ADDRESS = "10.213.77."
UNITS = 8
COMMAND = "import sys; from benchbed.cli import main; main(sys.argv[1:])"
SUITE = """
name: toy
version: "1"
task: scene
data:
  layout: folder
  name: toy
  options: {csv: clips.csv, path: path, label: label, split: split, labels: [low, high]}
  splits: [test]
conditions:
  - clean
  - {corruption: gain, parameters: [-6]}
  - {corruption: white_noise, parameters: [10]}
  - {corruption: pink_noise, parameters: [20]}
  - {corruption: low_pass, parameters: [2]}
  - {corruption: clipping, severities: [3]}
  - {corruption: dropout, severities: [3]}
  - {corruption: bit_depth, severities: [3]}
statistics: {draws: 20}
profile: false
"""
ADAPTER = """
import os
import time
import numpy as np
from benchbed.adapter import Adapter, Card

class Toy(Adapter):
    card = Card(name="toy", family="other", output="scene", labels=("low", "high"), sample_rate=8000)

    def predict(self, batch):
        time.sleep(float(os.environ.get("SECONDS_OF_A_BATCH", "0")))
        return np.stack([batch.waveforms.std((1, 2)), np.abs(batch.waveforms).mean((1, 2))], 1)
"""


def ip(*words: str) -> bool:
    """Whether `ip` did what it was told."""
    return subprocess.run(["ip", *words], capture_output=True).returncode == 0


@pytest.fixture
def cable():
    """Two machines and the cable between them."""
    if shutil.which("ip") is None or not ip("netns", "add", HERE):
        pytest.skip("network namespaces are not permitted here")
    try:
        assert ip("netns", "add", THERE)
        assert ip("link", "add", "cable", "netns", HERE, "type", "veth", "peer", "name", "cable", "netns", THERE)
        for number, space in ((1, HERE), (2, THERE)):
            for device in ("lo", "cable"):
                assert ip("-n", space, "link", "set", device, "up")
            assert ip("-n", space, "address", "add", f"{ADDRESS}{number}/24", "dev", "cable")
        yield
    finally:
        ip("netns", "del", THERE)
        ip("netns", "del", HERE)


@contextlib.contextmanager
def ray_node(space: str, number: int, cache: Path, hidden: Path | None, token: Path, *words: str) -> Iterator[None]:
    """A node of a cluster in one of the namespaces, with a cache of its own, and perhaps an empty folder of clips."""
    # Paths of sockets may not be long.
    with tempfile.TemporaryDirectory(prefix="bbray") as scratch:
        command = ["ip", "netns", "exec", space]
        if hidden is not None:
            # Mounts that are made in a network namespace of `ip` are seen there only.
            command += ["sh", "-c", f'mount -t tmpfs none "{hidden}" && exec "$@"', "sh"]
        command += [sys.executable, "-m", "ray.scripts.scripts", "start", "--block"]
        command += [f"--node-ip-address={ADDRESS}{number}", "--object-store-memory=100000000", *words]
        variables = {"BENCHBED_CACHE": str(cache), "RAY_USAGE_STATS_ENABLED": "0", "RAY_TMPDIR": scratch}
        # Answers take a while on the nodes only, so that there is a middle of the suite to cut a cable in.
        variables |= {"SECONDS_OF_A_BATCH": "0.4"}
        variables |= {"RAY_health_check_period_ms": "1000", "RAY_health_check_timeout_ms": "3000"}
        environment = {**os.environ, **variables, **secret(token)}
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        try:
            yield
        finally:
            with contextlib.suppress(psutil.Error):
                mine = [process.pid, *(child.pid for child in psutil.Process(process.pid).children(recursive=True))]
                for one in reversed(mine):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(one, signal.SIGKILL)
            process.wait()


def secret(token: Path) -> dict[str, str]:
    """How a node or a question of ours shows the cluster's token."""
    return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}


def answers(folder: Path):
    return read_units(sorted(folder.rglob("predictions/*.parquet")))


def test_clips_are_sent_to_a_machine_that_does_not_see_them_and_a_cut_cable_costs_a_node(tmp_path, cable):
    (tmp_path / "data").mkdir()
    rows = ["path,label,split"]
    for number in range(24):
        wave = 0.2 * np.sin(np.arange(4000) * (0.1 + number % 2)) * np.linspace(0, 1, 4000)
        soundfile.write(tmp_path / "data" / f"{number}.wav", wave, 8000)
        rows.append(f"{number}.wav,{('low', 'high')[number % 2]},test")
    (tmp_path / "data" / "clips.csv").write_text("\n".join(rows))
    (tmp_path / "toy.yaml").write_text(SUITE)
    (tmp_path / "toy.py").write_text(ADAPTER)
    words = [sys.executable, "-c", COMMAND, "run", str(tmp_path / "toy.yaml"), "--model", str(tmp_path / "toy.py")]
    words += ["--data", f"toy={tmp_path / 'data'}", "--batch-size", "4", "--quiet", "--no-report"]
    local = subprocess.run([*words, "--out", str(tmp_path / "local")], capture_output=True, text=True)
    assert local.returncode == 0, local.stderr
    token = tmp_path / "token"
    token.write_text(secrets.token_hex(32))
    head = ("--head", "--port=6411", "--include-dashboard=false", "--num-cpus=1")
    with (
        ray_node(HERE, 1, tmp_path / "cache1", None, token, *head),
        ray_node(THERE, 2, tmp_path / "cache2", tmp_path / "data", token, f"--address={ADDRESS}1:6411", "--num-cpus=2"),
    ):
        cluster = ["--engine", "ray", "--address", f"{ADDRESS}1:6411", "--workers", "3", "--ship", "always"]
        command = ["ip", "netns", "exec", HERE, *words, "--out", str(tmp_path / "out"), *cluster]
        end = time.monotonic() + 120
        while not _alive(2, token):
            assert time.monotonic() < end, "the cluster did not come up"
            time.sleep(1)
        # A run is told where the token lies, and nothing else about it.
        environment = {**os.environ, "RAY_AUTH_TOKEN_PATH": str(token)}
        run = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            while not list((tmp_path / "cache2").glob("shipped/*/.whole")) or _units(tmp_path / "out") < 2:
                assert run.poll() is None, run.stderr.read()
                assert time.monotonic() < end + 120
                time.sleep(0.05)
            assert _units(tmp_path / "out") < UNITS
            assert ip("-n", THERE, "link", "set", "cable", "down")
            _, said = run.communicate(timeout=300)
        finally:
            run.kill()
    assert run.returncode == 0, said
    there, here = answers(tmp_path / "out"), answers(tmp_path / "local")
    assert len(list((tmp_path / "out").rglob("predictions/*.parquet"))) == UNITS
    assert there.scores.tobytes() == here.scores.tobytes() and there.table.equals(here.table)
    # One copy on each machine, for all of its workers.
    for cache in ("cache1", "cache2"):
        assert len(list((tmp_path / cache).glob("shipped/*/.whole"))) == 1


def _units(out: Path) -> int:
    return len(list(out.rglob("predictions/*.parquet")))


def _alive(nodes: int, token: Path) -> bool:
    """Whether the cluster has so many nodes."""
    ask = f"import ray; ray.init('{ADDRESS}1:6411', log_to_driver=False); print(sum(n['Alive'] for n in ray.nodes()))"
    command = ["ip", "netns", "exec", HERE, sys.executable, "-c", ask]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **secret(token)})
    return done.stdout.strip() == str(nodes)
