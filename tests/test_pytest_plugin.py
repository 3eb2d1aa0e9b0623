"""The pytest fixture, in a pytest of its own: a gate that passes, one that fails with its table, and a real run.

The inner pytest is another process. pytest's own `pytester` would do, but it forgets every module that was first
imported while it was in use, and numpy cannot be imported twice.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from made_runs import answers, lucky, made_run, recordings

TARGET, GROUP = recordings(40, 4)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    good, bad = (answers(lucky(40, 4, mean, 0.2, mean), TARGET) for mean in (0.8, 0.4))
    for place, scores in (("runs/good", good), ("runs/bad", bad), ("baselines/main", good)):
        made_run(tmp_path / place, {"clean": scores}, TARGET, GROUP, name=Path(place).name)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return tmp_path


def inner(project: Path, test: str) -> tuple[int, str]:
    """Exit code and output of a pytest in the project."""
    (project / "test_mine.py").write_text(textwrap.dedent(test))
    found = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"], cwd=project, capture_output=True, text=True, timeout=300
    )
    return found.returncode, found.stdout + found.stderr


def test_a_gate_among_the_tests(project):
    code, text = inner(
        project,
        """
        def test_no_regression(benchbed):
            assert benchbed.gate("runs/good", "main").exit_code == 0

        def test_regression(benchbed):
            benchbed.gate("runs/bad", "main", "regression")
        """,
    )
    assert code == 1 and "1 failed, 1 passed" in text and "Traceback" not in text
    assert "no condition gets worse: regressed" in text and "not passed: 2 regressed" in text


def test_a_run_among_the_tests(project):
    import soundfile

    for i in range(12):
        (project / "data" / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        tone = np.sin(np.arange(4000) * (0.1 if i % 2 else 1.0)) * 0.3
        soundfile.write(project / "data" / "ab"[i % 2] / f"{i}.wav", tone, 8000)
    (project / "toy.yaml").write_text(
        "name: toy\nversion: '1'\ntask: scene\ndata: {layout: folder, name: toy, splits: [all]}\nprofile: false\n"
    )
    (project / "mine.py").write_text(
        "import numpy as np\nfrom benchbed.adapter import Adapter, Card\n\n\nclass Mine(Adapter):\n"
        "    card = Card(name='mine', family='other', output='scene', labels=('a', 'b'), sample_rate=8000)\n\n"
        "    def __init__(self, guess: float = 0.0):\n        self.guess = guess\n\n"
        "    def predict(self, batch):\n        rough = np.abs(np.diff(batch.waveforms[:, 0])).mean(1)\n"
        "        fine = (rough > 0.05).astype(np.float32)\n"
        "        return np.stack([fine, 1 - fine], 1) * (1 - self.guess) + self.guess / 2\n"
    )
    test = """
        def test_no_regression(benchbed):
            run = benchbed.run("toy.yaml", "mine.py", data={"toy": "data"})
            unsure = benchbed.run("toy.yaml", "mine.py", data={"toy": "data"}, options={"guess": 0.5})
            assert (run / "result.json").is_file() and run != unsure
            assert benchbed.gate(unsure, run).exit_code == 0
            assert benchbed.run("toy.yaml", "mine.py", data={"toy": "data"}) == run
    """
    code, text = inner(project, test)
    assert code == 0, text
    logs = [log.read_text() for log in (project / ".pytest_cache").rglob("log.jsonl")]
    # The second run of the same model found its predictions in pytest's cache folder.
    assert sum('"reused": 1' in log for log in logs) == 1, logs


def test_what_cannot_be_run_fails_in_its_own_words(project):
    test = """
        def test_model(benchbed):
            benchbed.run("toy.yaml", "mine.py")

        def test_setting(benchbed):
            benchbed.run("toy.yaml", "mine.py", opions={"a": 1})

        def test_baseline(benchbed):
            benchbed.gate("runs/good", "mian")

        def test_rules(benchbed):
            benchbed.gate("runs/good", "main", "no_rules.yaml")
    """
    code, text = inner(project, test)
    assert code == 1 and "4 failed" in text
    for told in ("toy.yaml", "unknown setting 'opions'", "did you mean 'options'", "did you mean 'main'", "no rules"):
        assert told in text
    # The words alone: no line of benchbed's or of the test's code.
    assert "raise ConfigError" not in text and "def test_" not in text and "Traceback" not in text
    assert "another exception" not in text


def test_nothing_heavy_is_imported_at_the_start():
    code = "import benchbed.pytest_plugin, sys; print([m for m in ('numpy', 'torch', 'pydantic') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_no_run_of_pytest_warns_of_an_editable_install(tmp_path):
    (tmp_path / "test_mine.py").write_text("def test_mine():\n    pass\n")
    strict = [sys.executable, "-m", "pytest", "-q", "-W", "error::pytest.PytestAssertRewriteWarning"]
    done = subprocess.run(strict, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and "warning" not in done.stdout, done.stdout + done.stderr
