"""A run of a captioner from clips to figures: clean, in noise of several draws, and under attack."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

import benchbed as bb
from benchbed.data import synthetic

SUITE = """
name: captions_run
version: "1"
title: captions of a few clips
task: caption
data: {layout: clotho, splits: [evaluation]}
metrics: {family: captions, primary: cider_d}
statistics: {draws: 50}
profile: false
conditions:
  - clean
  - {corruption: white_noise, parameters: [5], draws: 3}
  - {attack: fgsm, budgets: [40], n: 3, goal: force, target_text: a dog barks in a park}
  - {attack: apgd, budgets: [40], n: 3, steps: 3}
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory, repository):
    folder = tmp_path_factory.mktemp("captions")
    root = synthetic.make(folder / "set", layout="clotho", size="small")
    (folder / "captions_run.yaml").write_text(SUITE)
    model = str(repository / "adapters" / "captioner.py")
    return bb.run(str(folder / "captions_run.yaml"), model=model, data={"clotho": root}, out=folder / "runs")


def test_captions_that_change_between_draws_are_flips(finished):
    cell = next(cell for cell in finished.result.cells if cell.condition.draws == 3)
    flips = finished.result.scores[f"flip_rate:{cell.key}"]
    assert flips.rule == "flip-rate:pairs-of-draws:caption-not-the-same"
    table = finished.predictions(cell.key)
    said = table.sort_values(["clip_id", "draw"], kind="stable")["answer"].to_numpy().reshape(-1, 3)
    pairs = [[one[a] != one[b] for a, b in combinations(range(3), 2)] for one in said]
    assert flips.value == pytest.approx(np.mean(pairs))


def test_noise_costs_captions_their_score(finished):
    by_name = {cell.condition.name: cell for cell in finished.result.cells if cell.condition.kind != "attack"}
    clean, noisy = by_name["clean"].metrics["cider_d"].value, by_name["white_noise"].metrics["cider_d"].value
    assert noisy < clean


def test_an_attack_is_judged_by_the_clips_own_score_and_checked(finished):
    cells = [cell for cell in finished.result.cells if cell.condition.kind == "attack"]
    rules = {cell.metrics["robust_accuracy"].rule for cell in cells}
    assert any("cider_d-at-most-0.5-of-clean" in rule for rule in rules)
    assert any("exact-at-most-0.5-of-clean" in rule for rule in rules)
    checks = {(check.name, check.status) for check in finished.result.checks if check.name.startswith("attack:")}
    for name in ("agreement", "budget", "gradient_zero", "gradient_nonfinite", "state", "randomness"):
        assert (f"attack:{name}", "pass") in checks and (f"attack:{name}", "fail") not in checks
