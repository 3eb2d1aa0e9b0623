"""What a worker of a cluster does, and what is refused before or on the way: without Ray."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchbed.errors import AdapterError, BenchbedError, ConfigError, DamagedError
from benchbed.predictions.store import read_units
from benchbed.provenance import versions
from benchbed.run.executing import ray_driver, ray_engine
from benchbed.run.executing.choosing import executor_of
from benchbed.run.executing.local import execute
from benchbed.run.executing.ray_engine import OnCluster
from benchbed.run.executing.ray_worker import Returned, UnitWorker, _threads
from benchbed.run.executing.shipping import files_of, pieces, signature
from benchbed.run.job.cluster import ClusterAsked, bytes_of
from benchbed.run.job.job import Job, Unit
from benchbed.run.job.limits import Limits
from benchbed.run.job.settings import Settings
from benchbed.suite.plan import CellPlan

CELLS = (CellPlan("scene/test/clean", "scene", "test", "clean", "clean", None, 0),)
UNIT = Unit("mine", "", "test", 0, 0, 12, CELLS)


@pytest.fixture
def worker() -> Iterator[Callable[[Job, Path], UnitWorker]]:
    """Makes workers, and ends what they started."""
    made = []

    def begun(job: Job, folder: Path) -> UnitWorker:
        made.append(UnitWorker(job, str(folder)))
        return made[-1]

    here = os.getcwd()
    yield begun
    os.chdir(here)
    for one in made:
        one.close()


def test_a_worker_hands_back_the_file_that_a_local_run_writes(toy_job, tmp_path, worker):
    job = toy_job()
    (done,) = execute(job, [UNIT], tmp_path / "local", {}, 1)
    returned = worker(job, tmp_path).compute(UNIT)
    (tmp_path / "mine.parquet").write_bytes(returned.content)
    there, here = read_units([tmp_path / "mine.parquet"]), read_units([tmp_path / "local" / "mine.parquet"])
    assert np.array_equal(there.scores, here.scores) and there.table.equals(here.table)
    assert returned.failures == done.failures == 0 and returned.cpu_seconds > 0


@pytest.mark.parametrize(
    ("inject", "told"), [("import sys; sys.exit(3)", "sys.exit"), ("return np.zeros((1, 7))", "returned")]
)
def test_what_no_other_worker_could_mend_comes_home_as_an_error(toy_job, tmp_path, worker, inject, told):
    returned = worker(toy_job(inject), tmp_path).compute(UNIT)
    assert isinstance(returned.error, BenchbedError) and told in str(returned.error) and not returned.content
    assert not returned.lost


@pytest.mark.skipif(os.name != "posix", reason="no signals, and no descriptors that are passed on")
@pytest.mark.parametrize(
    ("inject", "limits", "told", "lost"),
    [
        ("time.sleep(300)", Limits(seconds=1), "did not come back within 1 s from predict", False),
        ("[b'1' * 2**30, time.sleep(60)]", Limits(memory=700 * 2**20), "700 MiB are allowed", False),
        ("os.kill(os.getpid(), 9)", Limits(), "was killed, most likely since memory ran out", True),
        ("os.kill(os.getpid(), 11)", Limits(), "segmentation fault", True),
    ],
    ids=["a hang", "a leak", "a kill", "a crash"],
)
def test_the_limits_of_a_run_hold_in_a_worker_and_the_worker_lives(
    toy_job, tmp_path, worker, inject, limits, told, lost
):
    """A lost process may be the machine's fault, and another worker tries; over its limit it would be anywhere."""
    once = str(tmp_path / "once")
    text = f"import os, time; os.path.isdir({once!r}) or (os.mkdir({once!r}), {inject})"
    job = replace(toy_job(text), limits=limits)
    mine = worker(job, tmp_path)
    first = mine.compute(UNIT)
    assert told in str(first.error) and first.lost is lost and not first.content
    again = mine.compute(UNIT)
    assert again.error is None and again.content


def test_a_worker_computes_from_shipped_clips_as_from_the_originals(toy_job, tmp_path, worker, monkeypatch):
    monkeypatch.setenv("BENCHBED_CACHE", str(tmp_path / "cache"))
    job = toy_job()
    files = files_of(job)
    far = worker(replace(job, root=tmp_path / "nowhere"), tmp_path)
    name = signature(job.root, files)
    assert far.surroundings(True).clips != name
    root = far.receive(name, list(pieces(job.root, files)))
    assert far.surroundings(True).clips == name and root.startswith(str(tmp_path / "cache"))
    shipped, local = far.compute(UNIT), worker(job, tmp_path).compute(UNIT)
    for folder, returned in (("a", shipped), ("b", local)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.parquet").write_bytes(returned.content)
    one, other = read_units([tmp_path / "a" / "mine.parquet"]), read_units([tmp_path / "b" / "mine.parquet"])
    assert np.array_equal(one.scores, other.scores)


def test_a_cluster_is_asked_for_and_ray_must_be_there(toy_job, tmp_path, monkeypatch):
    executor = executor_of(Settings(cluster=ClusterAsked("auto")))
    assert executor == OnCluster(ClusterAsked("auto"))
    monkeypatch.setattr(ray_engine, "_installed", lambda: False)
    with pytest.raises(ConfigError, match=r"needs the package ray[\s\S]*benchbed\[ray\]"):
        list(executor(toy_job(), [UNIT], tmp_path, {}, 0))
    monkeypatch.setattr(ray_engine, "_installed", lambda: True)
    with pytest.raises(ConfigError, match="live model"):
        list(executor(replace(toy_job(), recipe=("live:net", {})), [UNIT], tmp_path, {}, 0))


def test_a_driver_that_dies_is_started_again_and_what_came_stays(toy_job, tmp_path, worker, monkeypatch):
    """The process that speaks with Ray may be ended by Ray itself: here it ends after each unit."""
    job, units = toy_job(), [replace(UNIT, id=name) for name in ("a", "b", "c")]
    content = worker(job, tmp_path).compute(UNIT).content
    asked = []

    def one_driver(job, left, cluster, workers):
        asked.append([unit.id for unit in left])
        yield content, ray_engine.Done(left[0], 0, 0.1)

    monkeypatch.setattr(ray_engine, "_one_driver", one_driver)
    monkeypatch.setattr(ray_engine, "PAUSE", 0.0)
    monkeypatch.setattr(ray_engine, "_installed", lambda: True)
    done = list(OnCluster(ClusterAsked())(job, units, tmp_path / "out", {}, 0))
    assert asked == [["a", "b", "c"], ["b", "c"], ["c"]] and [one.unit.id for one in done] == ["a", "b", "c"]
    monkeypatch.setattr(ray_engine, "_one_driver", lambda *_: iter(()))
    with pytest.raises(BenchbedError, match="was lost 5 times; 3 of 3 units are left"):
        list(OnCluster(ClusterAsked())(job, units, tmp_path / "none", {}, 0))
    monkeypatch.setattr(ray_engine, "_one_driver", lambda *_: iter([(content[:-9], ray_engine.Done(UNIT, 0, 0.1))]))
    with pytest.raises(DamagedError, match="did not arrive"):
        list(OnCluster(ClusterAsked())(job, [UNIT], tmp_path / "bad", {}, 0))
    assert not list((tmp_path / "bad").glob("*"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"code": "other"}, "another benchbed"),
        ({"versions": {**versions(), "torch": "1.0"}}, r"has torch 1.0 \(here"),
        ({"versions": {**versions(), "pyarrow": "1.0"}}, r"has pyarrow 1.0 \(here"),
        ({"versions": {k: v for k, v in versions().items() if k != "numpy"}}, r"has numpy None \(here"),
        ({"adapter": False}, "does not see the model"),
    ],
)
def test_a_node_that_could_answer_otherwise_is_refused(toy_job, tmp_path, change, told):
    """A unit's name covers the code and versions of the process that named it, and no other's."""
    job = toy_job()
    here = UnitWorker(job, str(tmp_path)).surroundings(True)
    drive = SimpleNamespace(code=here.code, versions=here.versions, job=job)
    ray_driver._Drive._fits(drive, here)
    with pytest.raises(ConfigError, match=told):
        ray_driver._Drive._fits(drive, replace(here, **change))
    assert here.process == os.getpid()


def test_sizes_are_read_and_nonsense_is_refused():
    assert bytes_of("4GiB", "--worker-memory") == 4 * 2**30
    for text in ("", "4X", "-1G", "1e9"):
        with pytest.raises(ConfigError, match="--worker-memory"):
            bytes_of(text, "--worker-memory")


def test_an_error_of_an_adapter_crosses_processes():
    import pickle

    sent = Returned("a", error=AdapterError("broken", where="x.py", hint="mend it"))
    assert str(pickle.loads(pickle.dumps(sent)).error) == str(sent.error)


def test_a_worker_computes_with_the_threads_of_the_run_and_leaves_the_node_as_it_is(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    with _threads(2):
        assert os.environ["OMP_NUM_THREADS"] == os.environ["MKL_NUM_THREADS"] == "2"
    assert os.environ["OMP_NUM_THREADS"] == "7" and "MKL_NUM_THREADS" not in os.environ
