"""The closure of imports: what Python runs is in it, what it does not run is not, and a change of any part shows."""

from __future__ import annotations

import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from benchbed import code, ourfiles
from benchbed.run.job.job import Job
from benchbed.run.preparing.units import closure_of, cut
from benchbed.suite.model import Suite
from benchbed.suite.plan import plan_cells

CACHED = (code._closure, code._file, ourfiles.state_of)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Writes a package in the place of ours; returns a function that gives the closure of some of its modules."""
    root = tmp_path / "benchbed"
    monkeypatch.setenv("BENCHBED_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(code, "_PACKAGE", root)
    monkeypatch.setattr(ourfiles, "PACKAGE", root)
    monkeypatch.setattr(code._Parsed, "known", None)
    monkeypatch.setattr(ourfiles.Known, "fresh", False)

    def write(files: dict[str, str], *roots: str, **options):
        for name, text in {"__init__.py": "", **files}.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        for cached in CACHED:
            cached.cache_clear()
        monkeypatch.setattr(ourfiles.Known, "known", None)
        return code.closure(*roots, **options)

    yield write
    for cached in CACHED:
        cached.cache_clear()


def names(made) -> set[str]:
    return {name.removeprefix("benchbed").removeprefix(".") for name in made.modules} - {""}


def test_imports_at_the_head_in_functions_and_relative_ones_are_followed(package):
    made = package(
        {
            "a.py": "import benchbed.b\ndef f():\n    if f:\n        from benchbed import c\n    import numpy.linalg\n",
            "b.py": "try:\n    from . import d\nexcept ImportError:\n    from .sub import e as g\n",
            "c.py": "class K:\n    from .sub.e import x\n",
            "d.py": "",
            "sub/__init__.py": "",
            "sub/e.py": "from ..f import *\nimport os",
            "f.py": "x = lambda: 1\n",
            "unrelated.py": "import benchbed.a",
        },
        "benchbed.a",
    )
    assert names(made) == {"a", "b", "c", "d", "sub", "sub.e", "f"}
    assert made.foreign == {"numpy", "os"}


def test_what_is_for_types_only_is_not_run(package):
    text = "from typing import TYPE_CHECKING\nimport typing\n"
    text += "if TYPE_CHECKING:\n    import benchbed.b\nelse:\n    import benchbed.c\n"
    text += "if typing.TYPE_CHECKING:\n    import benchbed.b\n"
    assert names(package({"a.py": text, "b.py": "", "c.py": ""}, "benchbed.a")) == {"a", "c"}


def test_of_a_package_on_the_way_the_head_counts_and_its_functions_only_if_its_own_names_are_used(package):
    files = {
        "sub/__init__.py": "import benchbed.head\ndef __getattr__(name):\n    import benchbed.lazy\n",
        "sub/e.py": "",
        "head.py": "",
        "lazy.py": "",
        "a.py": "from benchbed.sub import e",
        "b.py": "from benchbed.sub import e, Thing",
    }
    assert names(package(files, "benchbed.a")) == {"a", "sub", "sub.e", "head"}
    assert names(package(files, "benchbed.b")) == {"b", "sub", "sub.e", "head", "lazy"}


def test_a_registry_stands_for_all_its_modules_unless_the_chosen_ones_are_known(package):
    files = {
        "a.py": '"""Says "benchbed.other".\n\n>>> Registry("benchbed.other")\n"""\nR = Registry("benchbed.many")',
        "many/__init__.py": "",
        "many/one.py": "import benchbed.b",
        "many/two.py": "",
        "many/deep/__init__.py": "",
        "other/__init__.py": "",
        "b.py": "",
    }
    files["a.py"] = files["a.py"].replace('Says "benchbed.other".', "Says things.")
    assert names(package(files, "benchbed.a")) == {"a", "b", "many", "many.one", "many.two", "many.deep"}
    chosen = package(files, "benchbed.a", chosen={"benchbed.many": ["two"]})
    assert names(chosen) == {"a", "many", "many.two"}
    assert names(package(files, "benchbed.a", without=["benchbed.many"])) == {"a"}


def test_the_door_for_users_is_no_way_from_our_own_code_to_everything(package):
    files = {
        "__init__.py": '_DOOR = {"run": "benchbed.door"}',
        "door.py": "",
        "a.py": "from benchbed import __version__, b\ndef f():\n    import benchbed",
        "b.py": "",
    }
    made = package(files, "benchbed.a")
    assert names(made) == {"a", "b"} and "benchbed" in made.modules


def test_the_digest_tells_contents_and_names_apart(package):
    first = package({"a.py": "import benchbed.b", "b.py": "x = 1"}, "benchbed.a").digest
    assert package({}, "benchbed.a").digest == first
    assert package({"b.py": "x = 2"}, "benchbed.a").digest != first
    assert package({"b.py": "x = 1"}, "benchbed.a").digest == first


def test_what_was_parsed_is_remembered_by_content(package, monkeypatch):
    package({"a.py": "import benchbed.b", "b.py": ""}, "benchbed.a")
    code._read_source.cache_clear()
    monkeypatch.setattr(code._Parsed, "known", None)
    monkeypatch.setattr(code.ast, "parse", lambda text: pytest.fail("parsed again"))
    assert names(package({}, "benchbed.a")) == {"a", "b"}


def test_a_file_that_is_no_python_has_a_digest(tmp_path):
    path = tmp_path / "a.py"
    path.write_text("import (")
    assert code.read_source(path).imports == () and len(code.read_source(path).digest) == 32


NETWORK = """
import torch
from benchbed.adapter import Card, TorchAdapter

class Toy(TorchAdapter):
    card = Card(name="toy", family="cnn", output="{output}", labels=("low", "high"), sample_rate=8000{more})

    def build(self):
        torch.manual_seed(0)
        return torch.nn.Linear(80, 2)

    def forward(self, waveforms):
        frames = self.model(waveforms.flatten(1).unfold(1, 80, 80))
        return frames if "{output}" == "frames" else frames.mean(1)
"""

WORKER = """
import pickle, sys
from pathlib import Path
from benchbed.run.executing import local
job, units, folder = pickle.loads(Path(sys.argv[1]).read_bytes())
local.begin(job, folder)
assert [done.failures for done in local.work(units)] == [0] * len(units)
print(*sorted(name for name in sys.modules if name.split(".")[0] == "benchbed"))
"""


def job_of(folder: Path, task: str, conditions: list) -> Job:
    folder.mkdir()
    rows = []
    for number in range(6):
        path = f"{number}.wav"
        wave = 0.1 * np.random.Generator(np.random.Philox(number)).standard_normal(4000)
        soundfile.write(folder / path, wave, 8000)
        label = ("low", "high")[number % 2]
        row = {"clip_id": path, "path": path, "onset": 0.0, "duration": 0.5, "group": path}
        rows.append({**row, "label": label if task == "scene" else (label,)})
    adapter = folder / "net.py"
    adapter.write_text(NETWORK.format(output=task, more=", frame_seconds=0.01" if task == "frames" else ""))
    suite = Suite(name="s", version="1", task=task, data={"layout": "folder"}, conditions=conditions)
    table = pd.DataFrame(rows)
    events = [{"clip_id": row["clip_id"], "onset": 0.1, "offset": 0.3, "label": "low"} for row in rows]
    return Job(
        recipe=(str(adapter), {}),
        device="cpu",
        dataset="toy",
        root=folder,
        labels=("low", "high"),
        label_map=None,
        clips={"test": table},
        pools={"test": table},
        conditions=suite.conditions,
        task=task,
        annotations=pd.DataFrame(events) if task == "frames" else None,
        facts=tuple({} for _ in conditions),
    )


BRIDGE = {"corruption": "audiomentations:Gain", "parameters": {"min_gain_db": [-3], "max_gain_db": [-3]}}
ATTACK = {"attack": "fgsm", "budgets": [20], "n": 4, "steps": 2}


@pytest.mark.parametrize(
    ("task", "condition"),
    [
        ("scene", "clean"),
        ("frames", {"corruption": "reverb", "severities": [1]}),
        ("scene", {**BRIDGE, "severities": [1]}),
        ("scene", ATTACK),
        ("frames", ATTACK),
    ],
    ids=["clean", "corruption", "bridge", "attack", "attack on frames"],
)
def test_whatever_a_fresh_worker_imports_is_in_the_closure_of_its_units(tmp_path, task, condition):
    job = job_of(tmp_path / "data", task, [condition])
    suite = Suite(name="s", version="1", task=task, data={"layout": "folder"}, conditions=[condition])
    units = cut(job, plan_cells(suite), {"test": 3.0}, {}, {"test": {}})
    (tmp_path / "work").write_bytes(pickle.dumps((job, tuple(units), tmp_path / "out")))
    command = [sys.executable, "-c", WORKER, str(tmp_path / "work")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    known = closure_of(units[0].cells, job.conditions[0]).modules
    # The modules that an adapter imports belong to the fingerprint of the adapter.
    adapter = code.closure("benchbed.adapter.torch_adapter").modules
    assert set(done.stdout.split()) <= {*known, *adapter}
    assert "benchbed.run.computing.perturbed" in known and "benchbed.types" in known


def test_touching_any_module_of_the_closure_changes_the_name_of_a_unit(tmp_path, monkeypatch):
    root = tmp_path / "benchbed"
    shutil.copytree(code._PACKAGE, root, ignore=shutil.ignore_patterns("__pycache__", "_shipped"))
    monkeypatch.setattr(code, "_PACKAGE", root)
    monkeypatch.setattr(ourfiles, "PACKAGE", root)
    job = job_of(tmp_path / "data", "scene", [{"corruption": "reverb"}])
    suite = Suite(name="s", version="1", task="scene", data={"layout": "folder"}, conditions=[{"corruption": "reverb"}])

    def name() -> str:
        for cached in CACHED:
            cached.cache_clear()
        monkeypatch.setattr(ourfiles.Known, "known", None)
        return cut(job, plan_cells(suite), {"test": 3.0}, {}, {"test": {}})[0].id

    try:
        before = name()
        assert name() == before
        known = sorted(closure_of(plan_cells(suite), job.conditions[0]).modules)
        assert {"benchbed.types", "benchbed.outputs.scene", "benchbed.perturb.corruptions.reverb"} <= set(known)
        for module in known:
            path = code._file(module)
            text = path.read_text()
            path.write_text(text + "\n# changed\n")
            assert name() != before, module
            path.write_text(text)
            assert name() == before, module
        other = root / "perturb" / "corruptions" / "white_noise.py"
        other.write_text(other.read_text() + "\n# changed\n")
        assert name() == before, "another corruption than the one that is asked for has no part in it"
    finally:
        for cached in CACHED:
            cached.cache_clear()


def test_closures_are_kept_until_a_file_changes(package, monkeypatch, tmp_path):
    files = {"a.py": "from benchbed import b\nimport numpy\n", "b.py": ""}
    made = package(files, "benchbed.a")
    ourfiles.keep_known()

    def again() -> code.Closure:
        for cached in CACHED:
            cached.cache_clear()
        monkeypatch.setattr(ourfiles.Known, "known", None)
        return code.closure("benchbed.a")

    with monkeypatch.context() as patch:
        patch.setattr(code, "_followed", lambda *_: pytest.fail("it was followed again"))
        known = again()
        assert known == made and known.digest == made.digest
    (tmp_path / "benchbed" / "b.py").write_text("import benchbed.c\n")
    (tmp_path / "benchbed" / "c.py").write_text("")
    assert names(again()) == {"a", "b", "c"}
    ourfiles.keep_known()
    (held,) = (tmp_path / "cache").glob("closures-*.json")
    held.write_text(held.read_text().replace('"numpy"', '"other"'))
    assert again().foreign == {"numpy"}


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(package, tmp_path):
    (tmp_path / "cache").write_text("no folder")
    assert names(package({"a.py": ""}, "benchbed.a")) == {"a"}
    ourfiles.keep_known()
