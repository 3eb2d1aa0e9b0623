"""What one process tells another of a run that is on disk."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
from made_runs import answers, made_run, recordings

from benchbed.api.one import OnDisk


def test_an_outcome_travels_and_opens_the_run(tmp_path: Path):
    target, group = recordings(6, 4)
    made_run(tmp_path, {"clean": answers(np.ones(24, bool), target)}, target, group)
    sent = pickle.loads(pickle.dumps(OnDisk("toy", tmp_path / "result.json", (3, 4), ("scene/test/clean: 2 of 24",))))
    run = sent.opened()
    assert run.name == "toy" and run.reused == (3, 4)
    assert run.exceeded and run.over == ("scene/test/clean: 2 of 24",)
