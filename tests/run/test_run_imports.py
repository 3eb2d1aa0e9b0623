"""What a command loads before it is used: nothing heavy where it only supervises, attacks where a suite has some."""

from __future__ import annotations

import subprocess
import sys

import pytest

#: What supervises a run, as the command line loads it, and what computes and scores one.
SUPERVISES = (
    "import benchbed.api.several, benchbed.run.isolating.process, benchbed.run.job.settings, benchbed.suite.load"
)
RUNS = "import benchbed.run.session"
HEAVY = ("torch", "pandas", "pyarrow", "scipy", "sklearn", "jinja2", "soundfile", "rich")
BESIDE = ("torchattacks", "audiomentations", "codecarbon", "transformers", "matplotlib", "benchbed.attack.contract")


@pytest.mark.parametrize(
    ("code", "absent"),
    [(SUPERVISES, (*HEAVY, "numpy", *BESIDE)), (RUNS, (*HEAVY, *BESIDE))],
    ids=["supervises", "runs"],
)
def test_nothing_is_loaded_before_it_is_used(code, absent):
    said = f"{code}; import sys; print(*[name for name in {absent} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_what_is_loaded_is_seen():
    said = f"{RUNS}; import pandas; import sys; print(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert "pandas" in done.stdout.split()


def test_answers_are_ranked_without_what_takes_a_second_to_load():
    said = (
        "import sys, numpy as np; from benchbed.run.doubts.seen import Seen; none = np.zeros(2, int);"
        "print(Seen(('a',), np.array([[0.5], [0.1]]), np.ones((2, 1), bool), none, none, False).credit.tolist(),"
        "'scipy.stats' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[[0.75],", "[0.25]]", "False"]


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("from benchbed.cache import cache_folder; cache_folder()", ("pooch", "numpy")),
        ("from benchbed.provenance import versions; versions()", ("numpy", "torch", "pandas")),
    ],
    ids=["cache", "versions"],
)
def test_what_every_run_asks_first_loads_no_more_than_it_needs(code, absent):
    said = f"{code}; import sys; print(*[name for name in {absent} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
