"""Retrieval and moments from suite to page: a run, a limit, reuse, noise, attacks, comparison, gate, board."""

from __future__ import annotations

from pathlib import Path

import pytest

import benchbed as bb
from benchbed.data import synthetic
from benchbed.errors import BenchbedError

MODEL = '''
import zlib
import torch
from benchbed.adapter import Card
from benchbed.adapter.dual import DualEncoder


class Bands(DualEncoder):
    """Energies of sixteen bands against random directions of words."""

    def __init__(self, *, output: str = "similarity", turn: int = 0):
        self.slides, self.turn = output == "moments", turn
        self.card = Card("bands", "other", output, (), 16000)

    def build(self):
        return torch.nn.Identity()

    def sound(self, waveforms):
        power = torch.fft.rfft(waveforms.mean(1)).abs().square() + 1e-9
        bands = torch.stack([part.mean(1) for part in power.tensor_split(16, 1)], 1).log()
        return bands - bands.mean(1, keepdim=True)

    def text(self, texts):
        numbers = [zlib.crc32(f"{self.turn}{text}".encode()) for text in texts]
        return torch.stack([torch.randn(16, generator=torch.Generator().manual_seed(n)) for n in numbers])
'''
SUITE = """
name: small
version: "1"
extends: [{parent}]
conditions:
{conditions}
statistics: {{draws: 100}}
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "bands.py"
    path.write_text(MODEL)
    return str(path)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    return {name: synthetic.make(root / name, layout=name, size="small") for name in ("clotho", "castella")}


def suite(folder: Path, parent: str, *conditions: str) -> Path:
    path = folder / f"small_{parent}.yaml"
    path.write_text(SUITE.format(parent=parent, conditions="\n".join(f"  - {one}" for one in conditions)))
    return path


NOISE = "{corruption: white_noise, parameters: [20, 0], draws: 2}"


def test_retrieval_runs_from_suite_to_board(tmp_path, model, data):
    attack = "{attack: pgd, budgets: [20], n: 4, steps: 3, options: {restarts: 1}}"
    path = suite(tmp_path, "dcase_task6_retrieval", "clean", NOISE, attack)
    options = {"data": data, "out": tmp_path / "runs"}
    one = bb.run(path, model=model, options={"turn": 0}, **options)
    other = bb.run(path, model=model, options={"turn": 1}, **options)
    clean = one.result.cells[0]
    assert clean.counts.scored == 8 and clean.metrics["t2a_map_at_10"].n == 8
    assert "gallery=fixed" in clean.metrics["t2a_map_at_10"].rule and "ties=behind" in clean.metrics["t2a_mrr"].rule
    assert clean.metrics["t2a_median_rank"].value >= 1
    kinds = [cell.condition.kind for cell in one.result.cells]
    assert kinds == ["clean", "corruption", "corruption", "attack"]
    attacked = one.result.cells[-1]
    assert attacked.counts.scored == 4 and 0 <= attacked.metrics["robust_accuracy"].value <= 1
    # Stored answers are used again, also where fewer clips are scored.
    again = bb.run(path, model=model, options={"turn": 0}, **options)
    assert again.result.cells[0].metrics == clean.metrics
    compared = bb.compare(one, other).frame()
    assert {"t2a_map_at_10", "a2t_median_rank"} <= set(compared["metric"])
    assert bb.gate(one, one).passed
    site = bb.leaderboard([one, other], tmp_path / "site")
    assert "bands" in Path(site).read_text(encoding="utf-8")
    page = (one.path / "report.html").read_text(encoding="utf-8")
    assert 'id="lists"' in page and "First right one at place" in page


def test_a_limit_makes_the_gallery_smaller_and_asks_the_same(tmp_path, model, data):
    path = suite(tmp_path, "dcase_task6_retrieval", "clean")
    options = {"data": data, "out": tmp_path / "runs"}
    few = bb.run(path, model=model, limit=3, **options)
    assert few.result.cells[0].counts.scored == 3
    answers = few.predictions("similarity/evaluation/clean")
    assert [len(row) for row in answers["answer"]] == [40] * 3
    assert few.result.cells[0].metrics["t2a_recall_at_5"].value == 1.0
    assert few.result.cells[0].metrics["a2t_recall_at_5"].value < 1.0


def test_moments_run_and_move_with_the_sound(tmp_path, model, data):
    path = suite(tmp_path, "dcase2026_task6_moments", "clean", "{corruption: time_shift, parameters: [500]}")
    run = bb.run(path, model=model, options={"output": "moments"}, data=data, out=tmp_path / "runs")
    clean, shifted = run.result.cells
    assert clean.counts.scored == 5 and 0 <= clean.metrics["map"].value <= 1
    assert shifted.counts.scored == 5
    page = (run.path / "report.html").read_text(encoding="utf-8")
    assert "mAP@0.5" in page and ">Moments<" in page


def test_files_of_systems_are_scored_without_audio(tmp_path, data):
    clips = 8
    names = [f"evaluation_{n:04d}.wav" for n in range(clips)]
    table = (data["clotho"] / "clotho_captions_evaluation.csv").read_text().splitlines()[1:]
    import csv

    rows = list(csv.reader(table))
    lines = [["query", *names]]
    for number, row in enumerate(rows):
        lines += [[text, *(str(float(other == number)) for other in range(clips))] for text in row[1:]]
    file = tmp_path / "system.csv"
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows(lines)
    path = suite(tmp_path, "dcase_task6_retrieval", "clean")
    run = bb.score(path, file, data=data, out=tmp_path / "runs")
    metrics = run.result.cells[0].metrics
    assert metrics["t2a_recall_at_1"].value == 1.0 and metrics["a2t_map_at_10"].value == 1.0
    file.write_text(file.read_text().replace("evaluation_0007.wav", "nothing.wav"))
    with pytest.raises(BenchbedError, match="evaluation_0007"):
        bb.score(path, file, data=data, out=tmp_path / "other")
