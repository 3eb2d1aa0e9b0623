"""Which runs are one side, what is said about groups of runs, and figures over cells as rows of the table."""

from __future__ import annotations

import json

import numpy as np
import pytest
from made_runs import answers, changed, lucky, made_run, recordings
from made_tags import heard, tag_run, tags

from benchbed.compare.answer import Procedure
from benchbed.compare.asked import Wanted
from benchbed.compare.drawing import like_stored, stored
from benchbed.compare.figure import Figure
from benchbed.compare.matched import robustness, robustness_of_sides
from benchbed.compare.places import open_seeds, open_sides
from benchbed.compare.runs import open_run
from benchbed.compare.show import lines
from benchbed.compare.sides import Side
from benchbed.compare.table import compare
from benchbed.errors import CannotMeasure, ConfigError
from benchbed.report.versus import comparison_page
from benchbed.results.baseline import set_baseline
from benchbed.results.comparison import ComparisonRecord as Shown

QUICK = Procedure(draws=300, swaps=299)
TARGET, GROUP = recordings(80, 3)
THIRD = 1 / 3


def made(place, clean, noisy=None, **facts):
    """A run that gets an exact share of the clips right."""
    shares = {"clean": clean} | ({} if noisy is None else {"white@1": noisy})
    facts.setdefault("name", place.name)
    scores = {k: answers(np.arange(240) % 20 < round(20 * share), TARGET) for k, share in shares.items()}
    return made_run(place, scores, TARGET, GROUP, **facts)


def test_a_model_trained_again_is_no_second_seed(tmp_path):
    """The same adapter without a seed option, run twice: two things to compare, not two draws of one."""
    old, new = (made(tmp_path / when / "net", share, name="net") for when, share in (("old", 0.8), ("new", 0.5)))
    found = open_sides([str(old), str(new)])
    assert [(len(side.runs), side.kind) for side in found] == [(1, "model")] * 2
    assert [side.name for side in found] == ["net (old/net)", "net (new/net)"]
    assert compare(found, procedure=QUICK).pairings[0].count("win") == 1
    with pytest.raises(ConfigError, match="2 models on one side"):
        open_seeds([str(old), str(new)])


def test_two_seeds_of_two_trainings_are_two_sides_of_two(tmp_path):
    places = [
        made(tmp_path / when / f"net{seed}", 0.7, name=f"net[seed={seed}]", options={"seed": seed})
        for when in ("old", "new")
        for seed in (1, 2)
    ]
    found = open_sides([str(p) for p in places])
    assert [[run.path.parent for run in side.runs] for side in found] == [places[:2], places[2:]]
    assert len({side.name for side in found}) == 2


def reseeded(place, seed):
    changed(place, lambda raw: raw["provenance"].update(seed=seed))
    return place


def test_another_seed_of_the_perturbations_is_said(tmp_path):
    a, b = made(tmp_path / "a", 0.8, 0.6), reseeded(made(tmp_path / "b", 0.7, 0.6), 5)
    text = "\n".join(lines(compare(open_sides([str(a), str(b)]), procedure=QUICK)))
    assert "differs without harm: --seed, so perturbations were drawn anew: 5 against 0" not in text
    assert "differs without harm: --seed, so perturbations were drawn anew: 0 against 5" in text


def test_conditions_that_only_one_run_has_are_named(tmp_path):
    a, b = made(tmp_path / "a", 0.8, 0.6), made(tmp_path / "b", 0.7)
    for places, told in (((a, b), "white@1 against none"), ((b, a), "none against white@1")):
        text = "\n".join(lines(compare(open_sides([str(p) for p in places]), procedure=QUICK)))
        assert f"conditions that only one run has, so left out: {told}" in text

    narrow = compare(open_sides([str(a), str(b)]), Wanted(("clean",)), QUICK)
    assert "only one run has" not in "\n".join(lines(narrow))


def test_a_baseline_that_keeps_sums_of_clean_audio_alone_is_drawn_like_the_rest(tmp_path):
    """Where other conditions are draws alone, figures of clean audio come from sums in the very draws the run made."""
    target = tags(60)
    scores = {"clean": heard(target, 0.35, "a"), "white@1": heard(target, 0.2, "a", 1)}
    whole = tag_run(tmp_path / "a", scores, target, name="a")
    set_baseline("lean", whole.path.parent, tmp_path, sums=("clean",))
    lean = open_run(tmp_path / "lean")
    with pytest.raises(CannotMeasure, match="keeps no draws"):
        stored(lean, Figure("clean"), "micro_f1")
    for condition in ("clean", "white@1"):
        value, drawn = stored(whole, Figure(condition), "micro_f1")
        found, again = like_stored(lean, Figure(condition), "micro_f1", QUICK)
        # Draws are kept to a 16-bit share of their value.
        assert found == pytest.approx(value) and again == pytest.approx(drawn, rel=2**-16)


def families(tmp_path, shares):
    return [
        Side(
            kind,
            tuple(open_run(made(tmp_path / f"{kind}{i}", *share, model_family=kind)) for i, share in enumerate(held)),
            "family",
        )
        for kind, held in shares.items()
    ]


def test_groups_win_tie_and_lose_with_effect_and_detectable_difference(tmp_path):
    sides = families(tmp_path, {"cnn": [(0.5, 0.4), (0.55, 0.4), (0.6, 0.4)], "transformer": [(0.9, 0.4), (0.95, 0.4)]})
    found = compare(sides, Wanted(metrics=("accuracy",)), QUICK)
    [pairing] = found.pairings
    clean = pairing.mixed[0]
    # Means .925 and .55; squared deviations .00125 and .005 over 3 degrees of freedom.
    assert clean.effect == pytest.approx(-0.375 / np.sqrt(0.00625 / 3))
    stats = pytest.importorskip("scipy.stats")
    reach = stats.t.ppf(0.975, clean.spread.freedom) + stats.t.ppf(0.8, clean.spread.freedom)
    assert clean.mde == pytest.approx(reach * clean.spread.error)
    assert (pairing.count("win"), pairing.count("tie"), pairing.count("loss")) == (0, 1, 1)
    told = found.as_json()["pairings"][0]
    assert (told["wins"], told["ties"], told["losses"]) == (0, 1, 1) and told["mixed"][0]["verdict"] == "loss"
    text = "\n".join(lines(found))
    assert "accuracy, all clips, conditions: 0 better, 1 not shown to differ, 1 worse" in text
    assert "t-test of means over models and recordings" in text and "swap test" not in text
    page = comparison_page(Shown.model_validate(json.loads(json.dumps(found.as_json(), default=float))), {})
    branch = page.versus[0].forests[0].branches[0]
    assert (branch.verdict, branch.a, branch.effect) == ("worse", pytest.approx(0.55), clean.effect)
    assert page.versus[0].counted and "t-test" in page.tests and "swap" not in page.tests


def test_equal_groups_tie(tmp_path):
    sides = families(tmp_path, {"cnn": [(0.6,), (0.6,)], "transformer": [(0.6,)]})
    [pairing] = compare(sides, Wanted(metrics=("accuracy",)), QUICK).pairings
    assert pairing.mixed_verdicts == ["tie"] and pairing.mixed_p == [1.0]


def test_robustness_of_one_against_one_is_that_of_two_runs(tmp_path):
    a, b = open_run(made(tmp_path / "a", 0.6, 0.5)), open_run(made(tmp_path / "b", 0.8, 0.6))
    for several, single in zip(robustness_of_sides([a], [b], "accuracy", QUICK), robustness(a, b, "accuracy", QUICK)):
        assert several.name == single.name
        assert several.retention[0] == pytest.approx(single.retention[0])
        assert several.matched[0] == pytest.approx(single.matched[0])


def test_robustness_of_groups_is_that_of_their_means_with_the_spread_of_the_models(tmp_path):
    shares = {"cnn": [(0.75, 0.55), (0.85, 0.65)], "transformer": [(0.55, 0.5), (0.65, 0.5)]}
    sides = families(tmp_path, shares)
    whole, white = robustness_of_sides(sides[1].runs, sides[0].runs, "accuracy", QUICK)
    assert (whole.name, white.name) == ("all corruptions", "white")
    # Means .6 → .5 and .8 → .6, as by hand in `test_robustness_at_matched_clean_score`.
    retention = (0.5 - THIRD) / (0.6 - THIRD) - (0.6 - THIRD) / (0.8 - THIRD)
    assert whole.retention[0] == pytest.approx(retention)
    assert whole.matched[0] == pytest.approx(0.72727 - 0.6, abs=1e-4)
    alone = families(tmp_path / "still", {"cnn": [(0.8, 0.6)] * 2, "transformer": [(0.6, 0.5)] * 2})
    [still, _] = robustness_of_sides(alone[1].runs, alone[0].runs, "accuracy", QUICK)
    assert still.retention[0] == pytest.approx(retention)
    # Two models that differ leave a degree of freedom a side: the interval must be far wider.
    assert np.ptp(whole.retention[1:]) > 2 * np.ptp(still.retention[1:])
    [pairing] = compare(sides[::-1], procedure=QUICK).pairings
    assert pairing.robustness[0].retention == pytest.approx(whole.retention)
    assert "matched clean" in "\n".join(lines(compare(sides, procedure=QUICK)))


def test_robustness_of_groups_says_why_there_is_none(tmp_path):
    chance = families(tmp_path, {"cnn": [(0.3, 0.3), (0.35, 0.3)], "transformer": [(0.8, 0.6), (0.7, 0.6)]})
    [first, _] = robustness_of_sides(chance[1].runs, chance[0].runs, "accuracy", QUICK)
    assert "not better than chance" in first.reason and first.retention is None
    near = families(tmp_path / "near", {"cnn": [(0.3, 0.3), (0.45, 0.3)], "transformer": [(0.8, 0.6), (0.7, 0.6)]})
    [first, _] = robustness_of_sides(near[1].runs, near[0].runs, "accuracy", QUICK)
    assert "without one of the models" in first.reason
    lost = np.zeros(240, bool)
    lost[3] = True
    whole = open_run(made(tmp_path / "whole", 0.8, 0.6))
    holed = [open_run(made(tmp_path / f"holed{i}", 0.8, 0.6, lost={"white@1": lost})) for i in range(2)]
    [refused] = robustness_of_sides(holed, [whole], "accuracy", QUICK)
    assert "not scored the same clips" in refused.reason


def test_figures_over_cells_are_rows_where_they_are_asked_for(tmp_path):
    target = tags(120)
    runs = []
    for name, strength in (("good", 0.35), ("bad", 0.02)):
        scores = {"clean": heard(target, strength, name), "white@1": heard(target, strength / 2, name, 1)}
        runs.append(tag_run(tmp_path / name, scores, target, name=name).path.parent)
    raw = json.loads((runs[1] / "result.json").read_text())
    some = next(name for name in raw["scores"] if name.startswith("robustness:") and name != "robustness:retention")
    raw["scores"][some] |= {"value": None, "low": None, "high": None, "reason": "made so"}
    changed(runs[1], lambda old: old.update(scores=raw["scores"]))
    sides = open_sides([str(run) for run in runs])
    rows = {row.contrast.metric: row for row in compare(sides, Wanted(metrics=("robustness:*",))).pairings[0].rows}
    assert rows[some].verdict == "unmeasured" and "made so" in rows[some].contrast.reason
    mean = Wanted(metrics=("robustness:corruption_mean",))
    [row] = compare(sides, mean).pairings[0].rows
    assert row.verdict == "win" and row.contrast.test == "paired bootstrap"
    with pytest.raises(CannotMeasure) as caught:
        compare(sides, Wanted(metrics=("robustnes:retention",)))
    assert "robustness:" in caught.value.hint
    pair = [Side("x", sides[0].runs, "family"), Side("y", sides[1].runs, "family")]
    several = compare(pair, Wanted(metrics=("robustness:*",))).pairings[0]
    known = dict(zip([m.metric for m in several.mixed], several.mixed_verdicts))
    assert known[some] == "unmeasured"
    assert compare(pair, mean).pairings[0].mixed_verdicts == ["win"]


def test_lucky_seeds_share_their_recordings(tmp_path):
    """Runs of one model under several seeds, each with luck of its own: the spread stands beside every mean."""
    places = []
    for seed in range(3):
        right = lucky(80, 3, 0.7, 0.2, "net", seed)
        facts = {"name": f"net[seed={seed}]", "options": {"seed": seed}}
        places.append(made_run(tmp_path / f"n{seed}", {"clean": answers(right, TARGET)}, TARGET, GROUP, **facts))
    places.append(made(tmp_path / "other", 0.4))
    found = open_sides([str(p) for p in places])
    assert [len(side.runs) for side in found] == [3, 1]
    assert "(n=3)" in "\n".join(lines(compare(found, procedure=QUICK)))
