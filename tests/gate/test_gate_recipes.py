"""The recipes for other people's pipelines, run for real: their own steps, in a project made for it.

Actions of others (checkout, cache, upload) and the installation are left out, because nothing is downloaded here; every
line of shell that is left is what a runner would execute.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import soundfile
from ruamel.yaml import YAML

SUITE = "name: mine\nversion: '1'\ntask: scene\ndata: {layout: folder, name: mine, splits: [all]}\nprofile: false\n"

MODEL = """
import numpy as np
from benchbed.adapter import Adapter, Card


class Mine(Adapter):
    card = Card(name="mine", family="other", output="scene", labels=("a", "b"), sample_rate=8000)

    def predict(self, batch):
        fine = (np.abs(np.diff(batch.waveforms[:, 0])).mean(1) > 0.05).astype(np.float32)
        return np.stack([fine, 1 - fine], 1) * 0.8 + 0.1
"""

RULES = """
rules:
  - name: accuracy holds
    say: The product depends on it.
    metric: accuracy
    margin: {absolute: 10 pt}
"""


@pytest.fixture(scope="module")
def examples(repository: Path) -> Path:
    folder = repository / ".github" / "examples"
    if not folder.is_dir():
        pytest.skip("the recipes are no part of a source distribution")
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory, examples) -> Path:
    """A repository with a suite, a model, data, rules and a baseline made by `make baseline`."""
    root = tmp_path_factory.mktemp("project")
    for i in range(24):
        folder = root / "data" / "ab"[i % 2]
        folder.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / f"{i}.wav", np.sin(np.arange(2000) * (0.1 if i % 2 else 1.0)) * 0.3, 8000)
    for name, text in (("suite.yaml", SUITE), ("model.py", MODEL), ("gate.yaml", RULES)):
        (root / name).write_text(text)
    shutil.copy(examples / "Makefile", root / "Makefile")
    code, text = shell(root, "make baseline")
    assert code == 0 and (root / "baselines" / "main" / "statistics.npz").is_file(), text
    return root


def shell(root: Path, line: str, **extra: str) -> tuple[int, str]:
    """Run a line as a GitHub runner does where a step names no shell, with `bash -e`: a pipe hides what fails in it."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    known = {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "CI"))}
    env = known | {"PATH": path, "OMP_NUM_THREADS": "1"} | extra
    words = ["bash", "-e", "-c", line]
    found = subprocess.run(words, cwd=root, env=env, capture_output=True, text=True, timeout=300)
    return found.returncode, found.stdout + found.stderr


def read(path: Path) -> dict:
    return YAML(typ="safe").load(path.read_text())


def act(root: Path, workflow: dict) -> tuple[int, str]:
    """Run the shell steps of a workflow with its environment; stop at the first that fails."""
    env_file, summary = root / "github.env", root / "summary.md"
    for file in (env_file, summary):
        file.write_text("")
    code, log = 0, ""
    for step in workflow["jobs"]["gate"]["steps"]:
        if "run" not in step or step["name"] == "Install":
            continue
        carried = dict(line.split("=", 1) for line in env_file.read_text().splitlines())
        code, text = shell(
            root,
            step["run"],
            **workflow["env"],
            **carried,
            GITHUB_ACTIONS="true",
            GITHUB_ENV=str(env_file),
            GITHUB_STEP_SUMMARY=str(summary),
        )
        log += text
        if code:
            break
    return code, log


def test_github_passes_and_fails(project, examples, tmp_path):
    workflow = read(examples / "github-actions.yml")
    code, log = act(project, workflow)
    assert code == 0, log
    assert "gate passed" in (project / "summary.md").read_text() and "::error" not in log
    assert (project / "gate.md").is_file() and (project / "gate.json").is_file()

    worse = tmp_path / "worse"
    shutil.copytree(project, worse)
    (worse / "model.py").write_text(MODEL.replace("> 0.05", "> 9"))
    code, log = act(worse, workflow)
    assert code == 1, log
    assert "::error file=gate.yaml,line=3,title=accuracy holds%3A regressed::The product depends on it." in log
    assert "not passed: 1 regressed" in (worse / "summary.md").read_text()
    assert ElementTree.parse(worse / "gate.xml").find("testsuite").get("failures") == "1"


def test_a_model_that_cannot_run_stops_where_it_fails(project, examples, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(project, broken, ignore=shutil.ignore_patterns("runs", "gate.*ml", "gate.json"))
    shutil.copy(project / "gate.yaml", broken)
    (broken / "model.py").write_text(MODEL.replace("sample_rate=8000", "sample_rate=oops"))
    code, log = act(broken, read(examples / "github-actions.yml"))
    assert code == 2 and "oops" in log and "no run and no baseline" not in log, log
    assert not (broken / "gate.xml").exists()
    code, text = shell(broken, "make gate")
    assert code != 0 and "oops" in text and "no run and no baseline" not in text
    assert not any((broken / "baselines" / "main").glob("*.part"))
    job = read(examples / "gitlab-ci.yml")["gate"]
    code, text = shell(broken, "\n".join(job["script"]), **job["variables"])
    assert code == 2 and "no run and no baseline" not in text


def test_gitlab(project, examples):
    job = read(examples / "gitlab-ci.yml")["gate"]
    # GitLab joins the lines of a script into one shell.
    code, text = shell(project, "\n".join(job["script"]), **job["variables"])
    assert code == 0 and "passed: 1 holds" in text
    assert ElementTree.parse(project / job["artifacts"]["reports"]["junit"]).find("testsuite").get("failures") == "0"


@pytest.mark.parametrize("damage", ["missing", "pointer", "bit", "record"])
def test_a_damaged_baseline_blocks_every_recipe(project, examples, tmp_path, damage):
    """A worse model against a baseline without its sums passed as 'not shown to regress'."""
    worse = tmp_path / "worse"
    shutil.copytree(project, worse, ignore=shutil.ignore_patterns("gate.xml", "gate.json"))
    shutil.copy(project / "gate.yaml", worse)
    (worse / "model.py").write_text(MODEL.replace("> 0.05", "> 9"))
    sums = worse / "baselines" / "main" / "statistics.npz"
    if damage == "missing":
        sums.unlink()
    elif damage == "pointer":
        sums.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    elif damage == "bit":
        data = bytearray(sums.read_bytes())
        data[len(data) // 2] ^= 1
        sums.write_bytes(data)
    else:
        path = sums.with_name("result.json")
        path.write_text(path.read_text().replace('"value":', '"value": ', 1))
    job = read(examples / "gitlab-ci.yml")["gate"]
    assert "allow_failure" not in job
    code, text = shell(worse, "\n".join(job["script"]), **job["variables"])
    assert code == 2 and "baselines/main" in text, text
    code, _ = shell(worse, "make gate")
    assert code != 0
    assert act(worse, read(examples / "github-actions.yml"))[0] == 2


def test_pre_commit_and_make(project, examples):
    hooks = {hook["id"]: hook for hook in read(examples / "pre-commit-config.yaml")["repos"][0]["hooks"]}
    code, text = shell(project, f"{hooks['benchbed-validate']['entry']} suite.yaml")
    assert code == 0 and "suite.yaml: fine, 1 cells" in text
    code, text = shell(project, f"{hooks['benchbed-validate']['entry']} gate.yaml")
    assert code == 0 and "gate.yaml: fine, 1 rules" in text
    code, text = shell(project, hooks["benchbed-gate"]["entry"])
    assert code == 0 and "passed" in text, text
    code, text = shell(project, "make gate BASELINE=mian")
    assert code != 0 and "did you mean 'main'" in text
