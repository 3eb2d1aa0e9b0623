"""A kind of output from another package, from suite to page, without a change of benchbed.

The package counts the people who speak in a clip: one number per clip, no classes, scored by the mean absolute error.
It brings the kind, a dataset layout, a metric family and three models, and is found by its entry points as installed
packages are.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from benchbed import registry
from benchbed.cli import main
from benchbed.rng import stream

KIND = '''
"""How many people speak: one number per clip."""

from benchbed.errors import AdapterError, ConfigError
from benchbed.outputs.contract import Output, Reading
import numpy as np


class Spoken(Reading):
    def __init__(self, card):
        self.card = card

    def check(self, raw, clips, heard):
        numbers = np.asarray(raw)
        if numbers.shape != (clips,) or numbers.dtype.kind != "f":
            raise AdapterError(f"predict returned {numbers.dtype} {list(numbers.shape)}, expected float [{clips}]")
        return numbers

    def usable(self, raw):
        return np.isfinite(raw)

    def answers(self, raw, heard):
        return np.asarray(raw, np.float64)

    def describe(self):
        return {"model_output": self.card.output}


class Speakers(Output):
    name = "speakers"
    classes = False

    def read(self, card, labels, offered=()):
        if card.output != self.name:
            raise AdapterError(f"{card.name} gives {card.output}; a speakers task needs a number of speakers")
        return Spoken(card)

    def references(self, clips, annotations, labels):
        return clips["speakers"].to_numpy(np.float64)

    def join(self, parts, labels):
        return np.concatenate(parts) if parts else np.zeros(0)

    def gap(self, one, other):
        return np.abs(one - other)

    def pack(self, answers, references, labels):
        import pyarrow as pa

        return {"scores": pa.array(answers, pa.float64())}

    def unpack(self, table, labels):
        return table["scores"].to_numpy(), None

    def foreign(self, path, clips, labels, **options):
        import pandas as pd

        known = pd.read_csv(path).set_index("clip")["speakers"]
        names = [clip.partition("/")[2] for clip in clips["clip_id"]]
        lacking = [name for name in names if name not in known.index]
        if lacking:
            raise ConfigError(f"the table has no row for {lacking[0]}", where=str(path))
        return known[names].to_numpy(np.float64)

    def told(self, answers, references, row, labels):
        return f"{answers[row]:.1f}, is {references[row]:g}"

    def example(self, random, clips, labels):
        return random.random(clips) * 5, random.integers(0, 5, clips).astype(float)


OUTPUT = Speakers()
'''

LAYOUT = '''
"""A folder of clips with a table of how many people speak in each."""

import pandas as pd
from benchbed.data.dataset import Dataset


def read(root):
    table = pd.read_csv(root / "clips.csv")
    clips = pd.DataFrame({"clip_id": "calls/" + table["file"], "path": table["file"], "onset": 0.0,
                          "duration": float("nan"), "label": "", "group": table["call"],
                          "speakers": table["speakers"], "line": table["line"]})
    return Dataset("calls", root, "speakers", (), clips, {"test": tuple(clips["clip_id"])}, licence="CC0-1.0")
'''

METRIC = '''
"""Errors of numbers."""

import numpy as np
from benchbed.metrics.contract import Family, MetricInfo


class Errors(Family):
    output = "speakers"
    metrics = {"mae": MetricInfo("MAE", "mean-absolute-error:1", "speakers", "lower", low=0.0)}
    primary = "mae"

    def statistics(self, scores, target):
        return np.stack([np.abs(scores - target), np.ones(len(target))], axis=1)

    def values(self, sums):
        with np.errstate(invalid="ignore", divide="ignore"):
            return {"mae": sums[..., 0] / sums[..., 1]}


def family(labels):
    return Errors()
'''

MODEL = '''
"""Counts tones by the level of the clip, each as loud as the other."""

import numpy as np
from benchbed.adapter import Adapter, Card


class Counter(Adapter):
    def __init__(self, *, offset: float = 0.0) -> None:
        self.offset = offset
        self.card = Card(name="counter", family="other", output="speakers", labels=(), sample_rate=8000,
                         licence="CC0-1.0")

    def predict(self, batch):
        power = (batch.waveforms.astype(np.float64) ** 2).mean(axis=(1, 2))
        return power / 0.005 + self.offset
'''

SUITE = """
name: calls
version: "1"
task: speakers
data: {layout: calls, splits: [test]}
slices: [{column: line}]
conditions: [clean, {corruption: white_noise, severities: [1, 3]}, {corruption: time_shift, severities: [2]}]
metrics: {family: errors, primary: mae}
statistics: {draws: 100}
"""

RULES = """
name: calls
rules:
  - {name: counts hold, say: The count may not get worse by a tenth., metric: mae, margin: {absolute: 0.1 speakers}}
"""


def package_digest(repository: Path) -> str:
    files = sorted((repository / "benchbed").rglob("*.py"))
    return hashlib.blake2b(b"".join(path.read_bytes() for path in files)).hexdigest()


@pytest.fixture
def outside(tmp_path: Path, monkeypatch) -> Path:
    """A folder with an installed package, data and a suite."""
    site = tmp_path / "site"
    package, about = site / "callkit", site / "callkit-1.0.dist-info"
    package.mkdir(parents=True)
    about.mkdir()
    for name, text in {"__init__": "", "kind": KIND, "layout": LAYOUT, "metric": METRIC}.items():
        (package / f"{name}.py").write_text(text)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: callkit\nVersion: 1.0\n")
    points = {"benchbed.output": "speakers = callkit.kind", "benchbed.layout": "calls = callkit.layout"}
    points["benchbed.metric"] = "errors = callkit.metric"
    (about / "entry_points.txt").write_text("".join(f"[{group}]\n{line}\n" for group, line in points.items()))
    data, rows = tmp_path / "data", []
    data.mkdir()
    time = np.arange(4000) / 8000
    for number in range(12):
        speakers = number % 4
        pitch = 200 * (1 + np.arange(speakers))[:, None]
        wave = 0.1 * np.sin(2 * np.pi * pitch * time).sum(axis=0) if speakers else np.zeros(4000)
        wave = wave + 1e-4 * stream("speakers", number).standard_normal(4000)
        soundfile.write(data / f"{number}.wav", wave, 8000, subtype="FLOAT")
        rows.append({"file": f"{number}.wav", "call": number // 2, "speakers": speakers, "line": "ab"[number % 2]})
    pd.DataFrame(rows).to_csv(data / "clips.csv", index=False)
    (tmp_path / "counter.py").write_text(MODEL)
    (tmp_path / "calls.yaml").write_text(textwrap.dedent(SUITE))
    (tmp_path / "rules.yaml").write_text(textwrap.dedent(RULES))
    monkeypatch.syspath_prepend(site)
    registry._entry_points.cache_clear()
    yield tmp_path
    registry._entry_points.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "callkit"]:
        del sys.modules[name]


def benchbed(*words: object) -> int:
    with pytest.raises(SystemExit) as left:
        main([str(word) for word in words])
    return int(left.value.code or 0)


def run(outside: Path, *more: object, out: str = "runs") -> tuple[int, Path]:
    words = ["run", outside / "calls.yaml", "--model", outside / "counter.py", "--data", f"calls={outside / 'data'}"]
    code = benchbed(*words, "--out", outside / out, "--quiet", *more)
    return code, next((outside / out).rglob("result.json"))


def figures(path: Path) -> dict[str, float]:
    return {cell["key"]: cell["metrics"]["mae"]["value"] for cell in json.loads(path.read_text())["cells"]}


def test_a_kind_from_another_package_goes_from_suite_to_page(outside, repository, capsys):
    before = package_digest(repository)
    code, path = run(outside)
    assert code == 0
    record = json.loads(path.read_text())
    waves = [soundfile.read(outside / "data" / f"{number}.wav")[0] for number in range(12)]
    by_hand = np.mean([abs((wave**2).mean() / 0.005 - number % 4) for number, wave in enumerate(waves)])
    assert figures(path)["speakers/test/clean"] == pytest.approx(by_hand, rel=1e-5) and by_hand < 1e-3
    assert figures(path)["speakers/test/white_noise@3"] > figures(path)["speakers/test/white_noise@1"] > 1e-3
    clean = record["cells"][0]
    assert clean["counts"]["scored"] == 12 and set(clean["groups"]) >= {"line=a", "line=b"}
    value = clean["metrics"]["mae"]
    assert value["low"] <= value["value"] <= value["high"] and value["direction"] == "lower"
    assert record["model"]["output"] == "speakers" and record["model"]["labels"] == []
    page = path.with_name("report.html").read_text()
    assert "mae" in page.lower() and "white noise" in page.replace("_", " ")
    # A run that lost half its predictions goes on, and ends with the same figures.
    units = sorted((path.parent / "predictions").glob("*.parquet"))
    for unit in units[::2]:
        unit.unlink()
    kept, known = {unit: unit.stat().st_mtime_ns for unit in units[1::2]}, figures(path)
    code, path = run(outside)
    assert code == 0 and figures(path) == known
    assert {unit: unit.stat().st_mtime_ns for unit in kept} == kept, "what was there is not computed again"
    assert package_digest(repository) == before
    # Its code is part of every key, though it is none of benchbed's.
    (outside / "site" / "callkit" / "kind.py").write_text(KIND + "# another rule\n")
    run(outside)
    assert not {unit.name for unit in units} & {unit.name for unit in (path.parent / "predictions").glob("*.parquet")}


def test_its_models_are_scored_compared_and_gated(outside, capsys):
    _, good = run(outside)
    code, worse = run(outside, "--set", "offset=1.0", out="worse")
    assert code == 0 and figures(worse)["speakers/test/clean"] == pytest.approx(1.0, abs=1e-3)
    table = outside / "answers.csv"
    pd.DataFrame(
        {"clip": [f"{i}.wav" for i in range(12)], "speakers": [i % 4 + 0.5 * (i < 6) for i in range(12)]}
    ).to_csv(table, index=False)
    words = ["--data", f"calls={outside / 'data'}", "--out", outside / "scored", "--quiet"]
    clean = ["--set", "suite.conditions=[clean]"]
    assert benchbed("score", outside / "calls.yaml", table, *words, *clean) == 0
    scored = next((outside / "scored").rglob("result.json"))
    assert figures(scored) == {"speakers/test/clean": pytest.approx(0.25)}
    capsys.readouterr()
    assert benchbed("compare", good, worse, "--json") == 0
    told = capsys.readouterr().out
    assert "mae" in told and "counter" in told
    rules = ["--rules", outside / "rules.yaml"]
    assert benchbed("gate", good, "--baseline", good, *rules) == 0
    assert benchbed("gate", worse, "--baseline", good, *rules) == 1, "one speaker too many everywhere is a regression"
    assert "speakers" in capsys.readouterr().out
    assert benchbed("validate", outside / "rules.yaml") == 0
    # Another unit than the figure's is refused, and so is one that no metric has.
    for wrong, why in (("2 pt", "the figure is in speakers"), ("0.1 speakrs", "unknown unit 'speakrs'")):
        (outside / "wrong.yaml").write_text((outside / "rules.yaml").read_text().replace("0.1 speakers", wrong))
        assert benchbed("gate", worse, "--baseline", good, "--rules", outside / "wrong.yaml") == 2
        assert why in capsys.readouterr().err


def test_what_a_kind_lacks_is_refused_by_what_is_not_there(outside, capsys):
    broken = outside / "attacked.yaml"
    broken.write_text(
        (outside / "calls.yaml").read_text().replace("severities: [2]}", "severities: [2]}, {attack: pgd}")
    )
    words = ["run", broken, "--model", outside / "counter.py", "--data", f"calls={outside / 'data'}"]
    assert benchbed(*words, "--out", outside / "x") == 2
    said = capsys.readouterr().err
    assert "speakers" in said and "internal error" not in said


def test_it_is_listed_and_a_misspelt_one_is_refused(outside, capsys):
    (outside / "typo.yaml").write_text((outside / "calls.yaml").read_text().replace("task: speakers", "task: speaker"))
    assert benchbed("validate", outside / "typo.yaml") == 2
    said = capsys.readouterr().err
    assert "'speaker' is not one of" in said and "did you mean 'speakers'?" in said
    from benchbed.outputs import OUTPUTS

    assert "speakers" in OUTPUTS.names() and "scene" in OUTPUTS.names()


def test_worker_processes_find_it(outside):
    """Spawned processes look up the entry point anew; nothing of the kind travels with the job."""
    words = [
        sys.executable,
        "-m",
        "benchbed",
        "run",
        str(outside / "calls.yaml"),
        "--model",
        str(outside / "counter.py"),
    ]
    words += ["--data", f"calls={outside / 'data'}", "--out", str(outside / "w"), "--workers", "2", "--quiet"]
    done = subprocess.run(
        [*words, "--set", "suite.data.splits=[test]"],
        capture_output=True,
        text=True,
        env={**__import__("os").environ, "PYTHONPATH": str(outside / "site")},
    )
    assert done.returncode == 0, done.stderr
    assert figures(outside / done.stdout.split()[-1])["speakers/test/clean"] < 1e-3
