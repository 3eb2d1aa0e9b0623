"""Swaps of two models in ranked metrics against every swap made by hand, from predictions on disk."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from made_tags import LABELS, heard, tag_run, tags

from benchbed.compare.answer import BOOTSTRAP, BOTH, Procedure
from benchbed.compare.contrast import contrast
from benchbed.compare.figure import Figure
from benchbed.gate.judge import judge
from benchbed.gate.load import LoadedRules
from benchbed.gate.rules import Rule, Rules
from benchbed.metrics.families.tagging import family as tagging
from benchbed.predictions.index import write_index
from benchbed.predictions.store import UnitPredictions, write_unit
from benchbed.run.scoring.swapping import PredictionSwaps
from benchbed.seal import parquet_digest


def run(tmp_path, name, target, scores, lost=()):
    made = tag_run(tmp_path / name, {"clean": scores}, target, name=name)
    kept = [i for i in range(len(target)) if i not in lost]
    # The order of clips on disk is another in every run.
    kept = kept if name == "a" else kept[::-1]
    columns = {
        "clip_id": [f"tags/{i:04d}.wav" for i in kept],
        "cell": ["tags/test/clean"] * len(kept),
        "draw": [0] * len(kept),
        "group": [f"rec{i // 2:04d}" for i in kept],
        "label": [[label for label, on in zip(LABELS, target[i]) if on] for i in kept],
    }
    for flag in ("padded", "cropped", "resampled", "remixed", "silent"):
        columns[flag] = [False] * len(kept)
    columns |= {"achieved": [None] * len(kept), "skipped": [None] * len(kept), "note": [None] * len(kept)}
    unit = UnitPredictions("u", LABELS, columns, scores[kept].astype(np.float32), kind="tags")
    path = write_unit(unit, made.path.parent / "predictions")
    write_index({"u": parquet_digest(path.read_bytes())}, made.path.parent)
    return made


def test_every_swap_of_few_recordings_by_hand(tmp_path):
    target = tags(14, "few")
    scores = [heard(target, s, n).astype(np.float32).astype(float) for s, n in ((0.4, "x"), (0.1, "y"))]
    a, b = (run(tmp_path, n, target, s) for n, s in zip("ab", scores))
    figure = Figure("clean")
    found = PredictionSwaps()(a, b, figure, figure)
    assert found.exact and len(found.swapped["map"]) == 2**7

    def ap(mixed):
        sample = tagging(LABELS).sample(mixed, target, np.arange(14), 14)
        whole, each = sample.scores(np.ones((1, 14)))
        return whole["map"][0], each["ap"][0, 1]

    differences = []
    for swap in itertools.product((False, True), repeat=7):
        mask = np.repeat(swap, 2)[:, None]
        one, other = np.where(mask, scores[1], scores[0]), np.where(mask, scores[0], scores[1])
        differences.append(np.subtract(ap(one), ap(other)))
    by_hand = np.array(differences)
    assert sorted(found.swapped["map"]) == pytest.approx(sorted(by_hand[:, 0]))
    p = np.mean(np.abs(by_hand[:, 0]) >= abs(by_hand[0, 0]) - 1e-12)
    assert found.p("map") == pytest.approx(p)
    cat = Figure("clean", "class=cat")
    assert sorted(PredictionSwaps()(a, b, cat, cat).swapped["ap"]) == pytest.approx(sorted(by_hand[:, 1]))
    # The comparison takes the larger of the two p-values, as for sums.
    both = contrast(a, b, figure, ["map", "strict_map"], Procedure(swapper=PredictionSwaps()))
    assert both["map"].test == BOTH and both["map"].exact and both["map"].p_swap == pytest.approx(p)
    assert both["map"].p == max(both["map"].p_swap, both["map"].p_bootstrap)
    assert contrast(a, b, figure, ["map"])["map"].test == BOOTSTRAP


def test_a_gate_with_predictions(tmp_path):
    target = tags(120)
    a, b = (run(tmp_path, n, target, heard(target, s, n)) for n, s in (("a", 0.1), ("b", 0.4)))
    loaded = LoadedRules(Rules(rules=[Rule(name="r", metric="map")], draws=200))
    [finding] = judge(loaded, a, b, swapper=PredictionSwaps(draws=99)).outcomes[0].findings
    assert finding.facts["test"] == BOTH and finding.answer == "regressed"
    assert judge(loaded, b, b, swapper=PredictionSwaps(draws=99)).exit_code == 0


def test_without_the_same_predictions_nothing_is_swapped(tmp_path):
    target = tags(40)
    a, b = run(tmp_path, "a", target, heard(target, 0.4)), run(tmp_path, "b", target, heard(target, 0.1), lost=(3,))
    bare = tag_run(tmp_path / "bare", {"clean": heard(target, 0.1)}, target)
    swapper, figure, device = PredictionSwaps(), Figure("clean"), Figure("clean", "device=x")
    assert swapper(a, b, figure, figure) is None and swapper(a, bare, figure, figure) is None
    assert swapper(a, a, device, device) is None
    assert contrast(a, bare, figure, ["map"], Procedure(swapper=swapper))["map"].test == BOOTSTRAP
