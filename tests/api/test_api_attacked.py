"""Adversarial sounds that go round: written by a run, scored from a folder, and shown on a board with their source."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import soundfile
import yaml

import benchbed as bb
from benchbed.api.attacked import attacked_overrides
from benchbed.attack.folder import key_of, open_attacked
from benchbed.cli import main
from benchbed.errors import BenchbedError
from benchbed.report import best_known
from benchbed.results.stood import count, stood_of
from benchbed.results.store import read
from benchbed.rng import stream
from benchbed.run.attacking.offered import folder_of
from benchbed.suite.conditions import AttackCondition
from benchbed.suite.load import load_definition

TONES = {"low": 250, "middle": 1000, "high": 3000}
MODEL = """
import torch
from benchbed.adapter import Card, TorchAdapter

class Bands(torch.nn.Module):
    def forward(self, x):
        power = torch.fft.rfft(x[:, 0]).abs().square() + 1e-3
        n = power.shape[1]
        edges = [0, n * 500 // 4000, n * 2000 // 4000, n]
        return torch.stack([power[:, a:b].sum(1).log() for a, b in zip(edges, edges[1:])], 1)

class Toy(TorchAdapter):
    card = Card(name="toy", family="other", output="scene", labels=("low", "middle", "high"), sample_rate=8000)

    def build(self):
        return Bands()
"""
SUITE = """
name: toy_attacks
version: "1"
task: scene
data:
  layout: folder
  name: toy
  splits: [all]
  options: {csv: clips.csv, path: path, label: label, group: group}
statistics: {draws: 100}
conditions:
  - clean
  - {attack: white_noise, budgets: [20, 0], n: 9}
  - {attack: apgd, budgets: [10, -5], n: 9, steps: 6}
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A toy data set, model and suite, and the run that attacked it and kept the sounds."""
    root = tmp_path_factory.mktemp("attacked")
    rows = []
    (root / "data" / "audio").mkdir(parents=True)
    for i in range(12):
        label = list(TONES)[i % 3]
        time = np.arange(2000) / 8000
        wave = 0.2 * np.sin(2 * np.pi * TONES[label] * time) + 0.02 * stream("t", i).standard_normal(2000)
        soundfile.write(root / "data" / "audio" / f"{i}.wav", wave, 8000)
        rows.append({"path": f"audio/{i}.wav", "label": label, "group": f"g{i}"})
    pd.DataFrame(rows).to_csv(root / "data" / "clips.csv", index=False)
    (root / "toy.py").write_text(MODEL)
    (root / "suite.yaml").write_text(SUITE)
    done = call(root, "run", "--keep-attacked")
    assert done.exit_code == 0, done.output
    return root


def spoken(words: list[str]) -> SimpleNamespace:
    """What the command line says, and how it ends."""
    output, code = io.StringIO(), 0
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        try:
            main(words)
        except SystemExit as end:
            code = int(end.code or 0)
    return SimpleNamespace(exit_code=code, output=output.getvalue())


def call(root: Path, verb: str, *more: str):
    where = ["--data", f"toy={root / 'data'}", "--out", str(root / "runs"), "--quiet"]
    words = [verb, str(root / "suite.yaml"), "--model", str(root / "toy.py"), *where, *more]
    return spoken(words)


def robust(record: Path) -> dict[str, float]:
    result = read(record)
    return {
        cell.key.rpartition("@")[2]: cell.metrics["robust_accuracy"].value
        for cell in result.cells
        if cell.condition.kind == "attack" and "noise" not in cell.key
    }


def test_what_a_run_writes_breaks_the_same_clips_from_the_folder(world):
    run = world / "runs" / "toy_attacks" / "toy"
    folder = open_attacked(run / "attacked")
    assert folder.source.startswith("benchbed ") and folder.about["sample_rate"] == "8000"
    assert len(folder.files) > 0
    done = call(world, "score", "--attacked", str(run / "attacked"))
    assert done.exit_code == 0, done.output
    again = Path(done.output.strip().splitlines()[-1])
    assert robust(again) == robust(run / "result.json")
    checks = {check.name: check for check in read(again).checks}
    assert checks["attack:budget"].status == "pass" and checks["attack:agreement"].status == "pass"
    # The run of the model stays where it is.
    assert "attacked-by-benchbed" in str(again) and (run / "result.json").exists()


def test_sounds_of_a_run_with_a_limit_are_scored_on_its_clips(world):
    """Without the limit other clips would be attacked, of which the folder has no sounds."""
    first = ["--limit", "6", "--out", str(world / "limited")]
    done = call(world, "run", "--keep-attacked", *first)
    assert done.exit_code == 0, done.output
    run = world / "limited" / "toy_attacks" / "toy"
    done = call(world, "score", "--attacked", str(run / "attacked"), *first)
    assert done.exit_code == 0, done.output
    again = Path(done.output.strip().splitlines()[-1])
    assert robust(again) == robust(run / "result.json")
    counted = [cell.metrics["robust_accuracy"].n for cell in read(again).cells if cell.condition.kind == "attack"]
    assert counted == [6] * len(counted)
    done = spoken(["score", str(world / "suite.yaml"), str(world / "data" / "clips.csv"), "--limit", "6"])
    assert done.exit_code != 0 and "--limit go with --attacked" in done.output


def test_a_stronger_attack_of_somebody_else_lowers_the_row_and_says_whose_it_is(world):
    theirs = world / "alice"
    clips = pd.read_csv(world / "data" / "clips.csv")
    for path, label in zip(clips["path"], clips["label"]):
        clean, _ = soundfile.read(world / "data" / path, dtype="float32")
        other = next(tone for name, tone in TONES.items() if name != label)
        added = np.sin(2 * np.pi * other * np.arange(2000) / 8000 + 0.3)
        # At 1 dB SNR: over the budget of 10 dB, within that of −5 dB.
        added *= np.linalg.norm(clean) / np.linalg.norm(added) * 10 ** (-1 / 20)
        wave = clean + added - 2 * np.fft.irfft(_band(np.fft.rfft(clean), TONES[label]), 2000) * 0.45
        target = theirs / "anything" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(target, np.clip(wave, -1, 1), 8000, subtype="FLOAT")
    (theirs / "attacked.yaml").write_text("source: Alice\nurl: https://example.org\n")
    done = call(world, "score", "--attacked", str(theirs))
    assert done.exit_code == 0, done.output
    record = Path(done.output.strip().splitlines()[-1])
    told = {check.cell.rpartition(":")[2]: check for check in read(record).checks if check.name == "attack:foreign"}
    assert told["10dB"].status == "warn" and "over it: 9" in told["10dB"].message
    assert robust(record)["l2:10dB"] == 1.0  # over the budget: not broken
    assert robust(record)["l2:-5dB"] < 1.0

    own = read(world / "runs" / "toy_attacks" / "toy" / "result.json")
    weaker = own.model_copy(deep=True)
    for cell in weaker.cells:
        if "robust_accuracy" in cell.metrics:
            cell.metrics["robust_accuracy"].value = 1.0
    known = {one.budget: one for one in best_known.best_known(weaker, [read(record)])}
    assert known[-5.0].by == "Alice" and known[-5.0].foreign
    assert known[-5.0].value.value == robust(record)["l2:-5dB"] and known[-5.0].value.note == "found by Alice"
    assert not known[10.0].foreign
    placed = best_known.sort([(Path("a"), own), (Path("b"), read(record))])
    assert [path for path, _ in placed.own] == [Path("a")] and len(placed.foreign[Path("a")]) == 1
    # Alone, it is a run like any other.
    assert len(best_known.sort([(Path("b"), read(record))]).own) == 1

    site = world / "site"
    bb.leaderboard([world / "runs"], site)
    page = next((site / "suites").glob("*.html")).read_text(encoding="utf-8")
    assert "Best known attacks" in page and page.count("<tr id=") == 1


def _band(spectrum: np.ndarray, hertz: float) -> np.ndarray:
    kept = np.zeros_like(spectrum)
    centre = round(hertz * 2000 / 8000)
    kept[centre - 2 : centre + 3] = spectrum[centre - 2 : centre + 3]
    return kept


def test_budgets_are_those_of_the_suite():
    loaded = load_definition(yaml.safe_load(SUITE), {})
    folder = Path(__file__).parent
    with pytest.raises(BenchbedError, match="no wav or flac"):
        attacked_overrides(loaded, folder)


def test_conditions_of_one_threat_are_joined(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(10), 8000)
    made = json.loads(attacked_overrides(load_definition(yaml.safe_load(SUITE), {}), tmp_path, "Bob")["conditions"])
    assert made[0] == "clean" and len(made) == 2
    assert made[1]["budgets"] == [-5.0, 10.0] and made[1]["options"]["source"] == "Bob"


@pytest.mark.parametrize(
    ("text", "match"), [("[1, 2]", "says something else"), ("a: [", "is no YAML"), ("secret: 1", "says something else")]
)
def test_a_folder_that_says_nonsense_is_refused(tmp_path, text, match):
    soundfile.write(tmp_path / "a.wav", np.zeros(10), 8000)
    (tmp_path / "attacked.yaml").write_text(text)
    with pytest.raises(BenchbedError, match=match):
        open_attacked(tmp_path)


def test_score_wants_one_thing(world):
    assert "nothing to score" in spoken(["score", str(world / "suite.yaml")]).output
    done = spoken(["score", str(world / "suite.yaml"), "--attacked", str(world)])
    assert "--attacked scores the sounds of a folder on a model" in done.output


def test_an_attack_from_a_folder_needs_one(tmp_path):
    with pytest.raises(BenchbedError, match="needs adversarial sounds"):
        folder_of(AttackCondition(attack="from_folder"))
    assert folder_of(AttackCondition(attack="apgd")) is None


def test_names_of_clips_have_no_extension_and_no_data_set():
    assert key_of("toy/audio/1.wav") == "audio/1"


def test_attacks_are_joined_clip_by_clip_and_each_is_named(world):
    """Alice breaks fewer clips than the run did, but one that it left: together they leave less than either."""
    own = read(world / "runs" / "toy_attacks" / "toy" / "result.json")
    (cell,) = [one for one in own.cells if one.key.endswith("apgd@l2:10dB")]
    ids = [f"c{i}" for i in range(9)]

    def left(result, robust, name, **facts):
        made = result.model_copy(deep=True)
        one = next(each for each in made.cells if each.key == cell.key)
        one.metrics["robust_accuracy"].value = sum(robust) / 9
        one.stood, one.condition.name = stood_of(dict(zip(ids, map(bool, robust)))), name
        one.condition.facts |= facts
        return made

    mine = left(own, [1, 1, 1, 1, 0, 0, 0, 0, 0], "apgd")
    hers = left(own, [0, 1, 1, 1, 1, 1, 1, 1, 0], "from_folder", foreign={"source": "Alice"})
    his = left(own, [1, 1, 1, 1, 0, 1, 1, 1, 1], "from_folder", foreign={"source": "Bob"})
    (known,) = [one for one in best_known.best_known(mine, [hers, his]) if one.budget == 10.0]
    assert known.value.value == 3 / 9 and known.value.low is None and "joined clip by clip" in known.value.reason
    assert known.by.endswith("; Alice (1 more)") and known.value.note == f"by {known.by}"
    # Bob broke nothing that the others had not.
    assert known.others == ("Alice",) and known.foreign
    (alone,) = [one for one in best_known.best_known(mine, [his]) if one.budget == 10.0]
    assert alone.value.value == 4 / 9 and not alone.foreign and alone.others == ()
    # On other clips nothing can be joined: the stronger one counts.
    hers.cells[[one.key for one in hers.cells].index(cell.key)].stood = stood_of({"x": True})
    (apart,) = [one for one in best_known.best_known(mine, [hers]) if one.budget == 10.0]
    assert apart.value.value == 4 / 9


def test_a_record_keeps_which_clips_stood(world):
    own = read(world / "runs" / "toy_attacks" / "toy" / "result.json")
    for cell in own.cells:
        if cell.condition.kind == "attack":
            assert cell.stood is not None and cell.stood.n == 9
            assert count(cell.stood) / 9 == pytest.approx(cell.metrics["robust_accuracy"].value)
