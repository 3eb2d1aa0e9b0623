"""Which stored units may be used again, and who computes the others."""

from __future__ import annotations

import numpy as np
import pytest

from benchbed.predictions.store import UnitPredictions, write_unit
from benchbed.run.executing.choosing import executor_of
from benchbed.run.executing.local import execute
from benchbed.run.job.job import Unit
from benchbed.run.job.policy import Reuse
from benchbed.run.job.settings import Settings
from benchbed.run.working import UnitsOfJob, stored_units


@pytest.fixture
def stored(tmp_path):
    """A folder with one unit, whose loose name is `loose`."""
    made = UnitPredictions("strict", ("a", "b"), {"clip_id": ["x"]}, np.array([[0.1, 0.9]], np.float32))
    made.info.update(loose="loose", read={})
    write_unit(made, tmp_path / "units")
    return tmp_path / "units"


@pytest.mark.parametrize(
    ("reuse", "same", "other_code"),
    [(Reuse.MISSING, True, False), (Reuse.ALWAYS, True, True), (Reuse.ONLY, True, True), (Reuse.NEVER, False, False)],
)
def test_a_unit_is_used_by_its_name_and_one_of_other_code_only_where_that_was_asked(stored, reuse, same, other_code):
    mine, edited = Unit("strict", "loose", "test", 0, 0, 1), Unit("new", "loose", "test", 0, 0, 1)
    assert ("strict" in stored_units(stored, [mine], reuse, stored)) is same
    assert ("new" in stored_units(stored, [edited], reuse, stored)) is other_code


def test_a_damaged_unit_is_missing(stored):
    unit = Unit("strict", "loose", "test", 0, 0, 1)
    (path,) = stored.glob("*.parquet")
    path.write_bytes(path.read_bytes()[:-5])
    work = UnitsOfJob(None, [unit], stored, stored_units(stored, [unit], Reuse.MISSING, stored))
    assert work.missing == [unit] and not work.have


def test_without_a_cluster_this_process_and_its_workers_compute():
    assert executor_of(Settings(workers=4)) is execute
