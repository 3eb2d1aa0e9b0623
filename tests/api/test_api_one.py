"""What one process tells another of a run that is on disk."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
from made_runs import answers, made_run, recordings

from benchbed.api.one import OnDisk
from benchbed.api.run import Run
from benchbed.results.store import read, write


def test_a_run_that_was_just_written_is_as_one_that_is_read(tmp_path: Path):
    target, group = recordings(6, 4)
    made_run(tmp_path, {"clean": answers(np.ones(24, bool), target)}, target, group)
    result = read(tmp_path)
    back = write(result.model_copy(update={"primary": "macro_accuracy"}), tmp_path / "result.json")
    assert back == read(tmp_path) and back.digest != result.digest
    run, opened = Run.written(tmp_path / "result.json", back), Run(tmp_path)
    assert vars(run) == vars(opened)
    assert run.page() == opened.page()


def test_an_outcome_travels_and_opens_the_run(tmp_path: Path):
    target, group = recordings(6, 4)
    made_run(tmp_path, {"clean": answers(np.ones(24, bool), target)}, target, group)
    sent = pickle.loads(pickle.dumps(OnDisk("toy", tmp_path / "result.json", (3, 4), ("scene/test/clean: 2 of 24",))))
    run = sent.opened()
    assert run.name == "toy" and run.reused == (3, 4)
    assert run.exceeded and run.over == ("scene/test/clean: 2 of 24",)
