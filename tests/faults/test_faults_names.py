"""Models that replace what everything is computed, read and written with: their figures are those of a model that does
not, and so are those of the next model, or the command says in one line whose code it was."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from made_faults import SUITE, adapter, command, world

#: What is done to Python and numpy, each of which alone ended a run in an internal error or moved its figures.
REPLACES = (
    "import builtins, io, json, math, pathlib; from numpy import fft as F, random as R\n"
    "{0}def no(*a, **k): return 1 / 0\n"
    "{0}philox, mean, transformed = R.Philox, np.mean, F.rfft\n"
    "{0}R.Philox = lambda *a, **k: philox(key=0)\n"
    "{0}R.default_rng = R.Generator = np.sum = json.dumps = time.monotonic = time.process_time = no\n"
    "{0}np.mean, np.pi, math.pi, os.environ, sys.path = lambda *a, **k: mean(*a, **k) + 1, 3, 3, {{}}, ()\n"
    "{0}io.open = os.open = os.replace = os.fsync = os.getcwd = no\n"
    "{0}pathlib.Path.open = pathlib.Path.exists = pathlib.Path.read_text = no\n"
    "{0}import pickle; pickle.dumps = pickle.load = lambda *a, **k: b''\n"
    "{0}threading.settrace(no); threading.setprofile(no); builtins.open = builtins.print = no"
)
#: What the class of the adapter itself is not made without.
LATER = "\n        builtins.max = builtins.sum = builtins.round = builtins.sorted = os.stat = no"
NOISY = SUITE.replace("[clean]", "[clean, {corruption: white_noise, severities: [5]}, {corruption: time_stretch}]")


def predictions(place: Path, name: str) -> str:
    """Of every clip in every cell, to the last digit."""
    files = sorted((place / "runs" / "toy" / name / "predictions").glob("*.parquet"))
    table = pd.concat([pd.read_parquet(file) for file in files])
    table["scores"] = [scores.tobytes().hex() for scores in table["scores"]]
    return table.sort_values(["cell", "draw", "clip_id"]).to_csv(index=False)


@pytest.mark.parametrize("fork", ["1", "0"], ids=["forked", "anew"])
def test_what_models_replace_reaches_no_figure(tmp_path: Path, fork: str):
    (world(tmp_path) / "toy.yaml").write_text(NOISY)
    within = REPLACES.format(" " * 8) + LATER
    stages = {"at_import": REPLACES.format(""), "at_load": within, "at_predict": within}
    bad = [adapter(tmp_path, stage, **{stage: what}) for stage, what in stages.items()]
    done = command(tmp_path, *bad, adapter(tmp_path, "good"), BENCHBED_FORK=fork)
    assert done.returncode == 0, done.stderr
    usual = command(tmp_path, adapter(tmp_path, "usual"), BENCHBED_FORK=fork)
    assert usual.returncode == 0, usual.stderr
    for name in (*stages, "good"):
        assert predictions(tmp_path, name) == predictions(tmp_path, "usual"), name


@pytest.mark.parametrize(
    "what",
    [
        "sys.addaudithook(lambda event, given: 1 / 0 if event == 'os.rename' else None)",
        "import pyarrow.parquet as q; q.ParquetWriter.write_table = lambda *a, **k: 1 / 0",
    ],
    ids=["a hook", "a class"],
)
def test_what_cannot_be_put_back_is_told_as_the_models(tmp_path: Path, what: str):
    done = command(world(tmp_path), adapter(tmp_path, at_predict=what), adapter(tmp_path, "good"))
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("error:") == 1 and "internal error" not in done.stderr
    assert "code that is not benchbed's raised ZeroDivisionError: division by zero" in done.stderr
    assert f"at: {tmp_path / 'net.py'}:" in done.stderr
    assert (tmp_path / "runs" / "toy" / "good" / "result.json").is_file()
