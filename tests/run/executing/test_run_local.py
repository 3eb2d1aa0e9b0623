"""Local workers share the cores of a machine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchbed.run.executing import local


@pytest.mark.parametrize(
    ("cores", "workers", "threads", "readers"), [(2, 2, 1, 0), (4, 2, 1, 3), (4, 2, 2, 0), (1, 2, 1, 0)]
)
def test_workers_that_keep_all_cores_busy_read_nothing_ahead(monkeypatch, toy_job, cores, workers, threads, readers):
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(cores)), raising=False)
    job = replace(toy_job(), readers=3, threads=threads)
    assert local.beside(job, workers).readers == readers
