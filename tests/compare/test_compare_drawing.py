"""Metrics that no sum gives, compared by the draws that both runs kept: the same draws, so the same answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_tags import FURTHER, LABELS, downgraded, heard, tag_run, tags

from benchbed.compare.answer import BOOTSTRAP, BOTH, Procedure
from benchbed.compare.contrast import contrast, contrast_score
from benchbed.compare.drawing import replicates
from benchbed.compare.figure import Figure
from benchbed.compare.runs import open_run
from benchbed.compare.show import lines
from benchbed.compare.sides import Side, mixed
from benchbed.compare.table import compare
from benchbed.errors import CannotMeasure
from benchbed.metrics.cell import group_codes
from benchbed.metrics.families.tagging import family as tagging
from benchbed.results.baseline import set_baseline
from benchbed.stats.bootstrap import Bootstrap, degrees_of_freedom
from benchbed.stats.paired import paired_difference
from benchbed.stats.swaps import bootstrap_tail

TARGET = tags(120)
GOOD, WEAK = heard(TARGET, 0.35, "good"), heard(TARGET, 0.1, "weak")
QUICK = Procedure(draws=300, swaps=99)


def two(tmp_path, a=GOOD, b=WEAK, **facts):
    own = [{k: v[i] if isinstance(v, tuple) and k != "further" else v for k, v in facts.items()} for i in (0, 1)]
    return [tag_run(tmp_path / n, {"clean": s}, TARGET, name=n, **f) for n, s, f in zip("ab", (a, b), own)]


def test_the_difference_is_that_of_a_paired_bootstrap_with_the_clips_at_hand(tmp_path):
    """The clips scored again in every draw of their recordings, without anything that was stored."""
    a, b = two(tmp_path)
    found = contrast(a, b, Figure("clean"), ["map"], QUICK)["map"]
    codes, _ = group_codes([f"rec{i // 2:04d}" for i in range(120)])
    boot = Bootstrap(60, draws=200, name=f"{a.sums.index_hash}/test")
    weights = np.concatenate(list(boot.weights()))[:, codes].astype(float)
    maps = []
    for scores in (GOOD, WEAK):
        sample = tagging(LABELS).sample(scores, TARGET, np.arange(120), 120)
        maps.append((sample.scores(np.ones((1, 120)))[0]["map"][0], sample.scores(weights)[0]["map"]))
    by_hand = paired_difference(maps[0][0], maps[1][0], maps[0][1], maps[1][1], boot)
    assert found.value == pytest.approx(by_hand.value, abs=1e-12)
    # A draw is kept in sixteen bits.
    assert (found.low, found.high) == pytest.approx((by_hand.interval.low, by_hand.interval.high), abs=2**-15)
    assert found.error == pytest.approx(by_hand.error, rel=1e-3)
    drawn = maps[0][1] - maps[1][1]
    freedom = degrees_of_freedom([boot], drawn, 60)
    tail = bootstrap_tail(drawn, 0.0, 60, "greater", value=by_hand.value, freedom=freedom)
    assert found.freedom == pytest.approx(freedom, rel=1e-3)
    assert np.log(found.p) == pytest.approx(np.log(2 * tail), rel=1e-2) and found.p < 0.01
    assert found.low > 0 and found.p_worse() > 0.9 and found.p_too_bad(0.02) < 0.01
    assert (found.test, found.p_swap, found.differing) == (BOOTSTRAP, None, None)
    assert (found.groups, found.clips) == (60, 120) and found.mde > 0 and found.effect > 0


def test_sums_of_further_families_are_compared_with_swaps(tmp_path):
    a, b = two(tmp_path)
    found = contrast(a, b, Figure("clean"), procedure=QUICK)
    for run, side in ((a, "a"), (b, "b")):
        for name, value in run.result.cells[0].metrics.items():
            held = getattr(found[name], side)
            assert held == pytest.approx(value.value, rel=1e-6) if value.value is not None else held is None, name
    assert found["strict_micro_f1"].test == BOTH and found["strict_map"].test == BOOTSTRAP
    assert found["strict_micro_f1"].a != found["micro_f1"].a


def test_classes_and_slices(tmp_path):
    device = np.tile(["x", "x", "y", "y"], 30)
    a, b = two(tmp_path, device=device)
    held = a.result.cells[0].groups
    for group in ("class=cat", "device=x", "devices_mean=all"):
        metric = "ap" if group.startswith("class") else "map"
        found = contrast(a, b, Figure("clean", group), [metric], QUICK)[metric]
        assert found.a == held[group][metric].value and found.p is not None, group
        assert found.low < found.value < found.high
    # Half of the recordings are of a device, and a class is in fewer than all.
    assert contrast(a, b, Figure("clean", "device=x"), ["map"], QUICK)["map"].groups == 30
    with pytest.raises(CannotMeasure, match="no paired comparison"):
        contrast(a, b, Figure("clean", "devices_worst=all"), ["map"], QUICK)


def test_ties_everywhere(tmp_path):
    a, b = two(tmp_path, GOOD, GOOD)
    found = contrast(a, b, Figure("clean"), ["map", "strict_map", "d_prime"], QUICK)
    for one in found.values():
        assert (one.value, one.p, one.error, one.mde, one.p_worse(), one.p_too_bad(0.01)) == (
            0,
            1.0,
            0.0,
            None,
            1.0,
            0.0,
        )
        assert one.reason == "no difference in any draw"
    flat = np.full_like(GOOD, 0.5)
    same = contrast(*two(tmp_path / "flat", flat, flat), Figure("clean"), ["map", "mauc"], QUICK)
    assert same["map"].value == 0 and same["mauc"].a == 0.5


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"draws": (200, 100)}, "200 draws with seed 0 and 100 draws with seed 0"),
        ({"seed": (0, 5)}, "200 draws with seed 0 and 200 draws with seed 5"),
    ],
)
def test_other_draws_are_said_and_nothing_is_tested(tmp_path, facts, told):
    a, b = two(tmp_path, **facts)
    found = contrast(a, b, Figure("clean"), ["map", "micro_f1"], QUICK)
    assert found["map"].value is None and told in found["map"].reason and "statistics.draws" in found["map"].reason
    assert found["micro_f1"].p is not None  # sums are drawn anew
    [pairing] = compare([Side("a", (a,)), Side("b", (b,))], procedure=QUICK).pairings
    assert {row.contrast.metric: row.verdict for row in pairing.rows}["map"] == "unmeasured"
    with pytest.raises(CannotMeasure, match="other bootstrap draws"):
        mixed(Side("a", (a,)), Side("b", (b,)), Figure("clean"), "map", QUICK)


def test_no_draws_at_all(tmp_path):
    a, b = two(tmp_path, draws=0)
    found = contrast(a, b, Figure("clean"), ["map"], QUICK)["map"]
    assert found.value is None and "`statistics.draws: 0`" in found.reason


def test_lost_clips_cannot_be_left_out_of_a_rank(tmp_path):
    gone = np.zeros(120, bool)
    gone[10] = True
    a, b = two(tmp_path, lost=({"clean": gone}, None))
    found = contrast(a, b, Figure("clean"), ["map", "micro_f1"], QUICK)
    assert found["map"].value is None and "1 recordings were not scored alike" in found["map"].reason
    assert found["micro_f1"].dropped == 1 and found["micro_f1"].p is not None
    assert "1 of 120 clips" in found["map"].incomplete
    # The same clips lost in both are the same clips left.
    a, b = two(tmp_path / "both", lost=({"clean": gone}, {"clean": gone}))
    assert contrast(a, b, Figure("clean"), ["map"], QUICK)["map"].p < 0.05


def test_a_class_without_clips_is_undefined_for_its_reason(tmp_path):
    target = TARGET.copy()
    target[:, 2] = 0
    runs = [tag_run(tmp_path / n, {"clean": s}, target, name=n) for n, s in (("a", GOOD), ("b", WEAK))]
    found = contrast(*runs, Figure("clean", "class=rain"), ["ap"], QUICK)["ap"]
    assert found.value is None and "no positive clips" in found.reason
    assert contrast(*runs, Figure("clean"), ["map"], QUICK)["map"].p is not None


def test_folds_are_averaged_draw_by_draw(tmp_path):
    splits = np.repeat(["fold1", "fold2"], [40, 80])
    a, b = two(tmp_path, splits=splits)
    found = contrast(a, b, Figure("clean"), ["map"], QUICK)["map"]
    assert found.a == pytest.approx(np.mean([c.metrics["map"].value for c in a.result.cells])) and found.p < 0.05
    drawn = [cell.drawn["", "map"][1] for cell in a.sums.cells.values()]
    np.testing.assert_allclose(replicates(a, Figure("clean"), QUICK)[1]["map"], np.mean(drawn, axis=0))


def test_a_baseline_of_layout_1_serves_for_what_it_holds(tmp_path):
    a, b = two(tmp_path)
    whole = contrast(a, b, Figure("clean"), procedure=QUICK)
    old = downgraded(b)
    found = contrast(a, old, Figure("clean"), ["map", "micro_f1"], QUICK)
    assert found["micro_f1"].value == pytest.approx(whole["micro_f1"].value)
    assert found["micro_f1"].p == pytest.approx(whole["micro_f1"].p)
    assert found["map"].value is None and "layout 1" in found["map"].reason
    assert "run the suite again" in found["map"].reason
    with pytest.raises(CannotMeasure, match="strict_micro_f1") as caught:
        contrast(a, old, Figure("clean"), ["strict_micro_f1"], QUICK)
    assert "b has no sums of strict" in caught.value.hint


def test_a_further_family_with_other_options_is_left_out(tmp_path):
    other = (FURTHER[0].__class__("strict", "tagging", {"threshold": 0.9}),)
    a = tag_run(tmp_path / "a", {"clean": GOOD}, TARGET, name="a")
    b = tag_run(tmp_path / "b", {"clean": WEAK}, TARGET, name="b", further=other)
    assert "strict_micro_f1" not in contrast(a, b, Figure("clean"), procedure=QUICK)
    with pytest.raises(CannotMeasure) as caught:
        contrast(a, b, Figure("clean"), ["strict_micro_f1"], QUICK)
    assert "the options of strict differ" in caught.value.hint


def noisy(tmp_path, strength, name, **facts):
    worse = {f"white@{s}": heard(TARGET, strength * k, name, s) for s, k in ((1, 0.7), (3, 0.3))}
    return tag_run(tmp_path / name, {"clean": heard(TARGET, strength, name)} | worse, TARGET, name=name, **facts)


def test_figures_over_cells_are_paired_by_their_draws(tmp_path):
    a, b = noisy(tmp_path, 0.5, "a"), noisy(tmp_path, 0.2, "b")
    found = contrast_score(a, b, "robustness:corruption_mean", QUICK)
    # By hand: the mean over the two severities, draw by draw.
    drawn = [
        np.mean([run.sums.cells[f"tags/test/white@{s}"].drawn["", "map"][1] for s in (1, 3)], axis=0) for run in (a, b)
    ]
    assert found.value == pytest.approx(
        a.result.scores["robustness:corruption_mean"].value - b.result.scores["robustness:corruption_mean"].value
    )
    assert found.error == pytest.approx((drawn[0] - drawn[1]).std(ddof=1), rel=1e-3)
    spread = [(a.result.scores[found.metric].high - a.result.scores[found.metric].low) for _ in (0, 1)]
    assert found.p < 0.01 and found.test == BOOTSTRAP and found.error < np.hypot(*spread)
    with pytest.raises(CannotMeasure, match=r"no paired comparison: b keeps no draws .*layout 1"):
        contrast_score(a, downgraded(b), "robustness:corruption_mean", QUICK)
    with pytest.raises(CannotMeasure, match=r"no paired comparison.*other bootstrap draws"):
        contrast_score(a, noisy(tmp_path, 0.2, "c", draws=100), "robustness:corruption_mean", QUICK)


def test_robustness_at_matched_clean_score_needs_a_chance_value_that_map_lacks(tmp_path):
    a, b = noisy(tmp_path, 0.5, "a"), noisy(tmp_path, 0.2, "b")
    [pairing] = compare([Side("a", (a,)), Side("b", (b,))], procedure=QUICK).pairings
    assert "no score in 0…1 with a known chance value" in pairing.robustness[0].reason


def test_every_output_names_the_test(tmp_path):
    a, b = two(tmp_path)
    made = compare([Side("a", (a,)), Side("b", (b,))], procedure=QUICK)
    rows = {row["metric"]: row["test"] for row in made.as_json()["pairings"][0]["rows"]}
    assert rows["map"] == BOOTSTRAP and rows["micro_f1"] == BOTH
    text = lines(made)
    [row] = [line for line in text if line.split()[1:2] == ["map"]]
    assert "¹" in row and text[-1].startswith("¹ paired bootstrap alone")
    assert made.ranks["a"][0] == 1 and made.ranks["b"][0] == 2


def test_families_of_models_are_compared_in_ranked_metrics(tmp_path):
    sides = [
        Side(
            f,
            tuple(
                tag_run(tmp_path / f"{f}{i}", {"clean": heard(TARGET, s, f, i)}, TARGET, name=f"{f}{i}")
                for i in range(3)
            ),
            "family",
        )
        for f, s in (("cnn", 0.5), ("transformer", 0.15))
    ]
    found = mixed(*sides, Figure("clean"), "map", QUICK)
    assert found.spread.value > 0 and found.spread.p < 0.05 and found.error_members > 0
    own = [run.result.cells[0].metrics["map"].value for run in sides[0].runs]
    assert found.values_a == pytest.approx(own)


def short(run, tmp_path, **facts):
    return open_run(set_baseline("short", run.path, tmp_path / "baselines", **facts).path)


def test_a_baseline_without_sums_serves_by_its_draws(tmp_path):
    a, b = noisy(tmp_path, 0.5, "a"), noisy(tmp_path, 0.2, "b")
    lean = short(b, tmp_path, sums=["clean"])
    assert lean.sums.cells["tags/test/white@1"].rows.size == 0 and not lean.sums.cells["tags/test/clean"].lean
    whole, drawn = (contrast(a, other, Figure("white@1"), ["map", "micro_f1"], QUICK) for other in (b, lean))
    assert (drawn["map"].value, drawn["map"].p) == (whole["map"].value, whole["map"].p)
    found = drawn["micro_f1"]
    assert found.test == BOOTSTRAP and found.value == pytest.approx(whole["micro_f1"].value)
    assert (found.clips, found.groups) == (120, 60) and found.error == pytest.approx(whole["micro_f1"].error, rel=0.2)
    assert contrast(a, lean, Figure("clean"), ["micro_f1"], QUICK)["micro_f1"].test == BOTH
    # Neither side has sums: the record and the marks say how many clips there are.
    both = contrast(short(a, tmp_path / "a", sums=["clean"]), lean, Figure("white@1"), ["micro_f1"], QUICK)["micro_f1"]
    assert (both.clips, both.groups, both.p) == (120, 60, found.p)
    table = compare([Side("a", (a,)), Side("b", (lean,))], procedure=QUICK)
    assert {row.verdict for row in table.pairings[0].rows if row.contrast.metric == "map"} == {"win"}
    with pytest.raises(CannotMeasure, match="no run keeps the sums"):
        contrast(lean, lean, Figure("white@1", "class=cat"), ["ap"], QUICK)


def test_lost_clips_show_without_sums(tmp_path):
    gone = np.arange(120) == 10
    a, b = noisy(tmp_path, 0.5, "a", lost={"white@1": gone}), noisy(tmp_path, 0.2, "b")
    found = contrast(a, short(b, tmp_path, sums=["clean"]), Figure("white@1"), ["micro_f1"], QUICK)["micro_f1"]
    assert found.value is None and "1 recordings were not scored alike" in found.reason


def test_a_figure_without_a_value_leaves_the_table_of_seeds_standing(tmp_path):
    """d′ of a class that is ranked without a mistake is infinite: in the record, or in most draws."""
    perfect = TARGET * 0.9 + 0.05
    sides = [
        Side(
            name,
            tuple(
                tag_run(tmp_path / f"{name}{i}", {"clean": s}, TARGET, name=name, options={"seed": i})
                for i, s in enumerate(scores)
            ),
            "seeds",
        )
        for name, scores in (("a", (GOOD, heard(TARGET, 0.35, "more"))), ("b", (perfect, perfect)))
    ]
    [pairing] = compare(sides, procedure=QUICK).pairings
    found = {m.metric: m for m in pairing.mixed}
    assert found["d_prime"].spread is None and "infinite" in found["d_prime"].reason
    assert found["map"].spread.p < 0.01
    assert "nan" not in "".join(lines(compare(sides, procedure=QUICK))).lower().replace("d_prime", "")


def test_mcnemar_is_about_scenes(tmp_path):
    a, b = two(tmp_path)
    assert all(c.mcnemar is None for c in contrast(a, b, Figure("clean"), procedure=QUICK).values())


def test_a_condition_of_several_draws_is_held_against_one_of_a_single_draw(tmp_path):
    """Three draws of the noise against clean audio: every clip is there, three times as often."""
    run = noisy(tmp_path, 0.3, "a")
    key = "tags/test/white@1"
    cell = run.sums.cells[key]
    thrice = replace(cell, rows=3 * cell.rows, clips=3 * cell.clips, marks=cell.marks * np.uint64(3))
    result = run.result.model_copy(deep=True)
    next(c for c in result.cells if c.key == key).condition.draws = 3
    many = replace(run, result=result, statistics=replace(run.sums, cells={**run.sums.cells, key: thrice}))
    once, found = (
        contrast(x, x, Figure("white@1"), ["micro_f1", "map"], QUICK, against=Figure("clean")) for x in (run, many)
    )
    for metric in ("micro_f1", "map"):
        assert found[metric].dropped == 0 and (found[metric].clips, found[metric].groups) == (120, 60)
        assert found[metric].value == pytest.approx(once[metric].value)
        assert found[metric].p == pytest.approx(once[metric].p) and found[metric].p < 0.05


def test_a_seed_of_an_older_layout_says_what_it_lacks(tmp_path):
    a = [tag_run(tmp_path / f"a{i}", {"clean": GOOD}, TARGET, options={"seed": i}, name=f"a{i}") for i in range(2)]
    b = tag_run(tmp_path / "b", {"clean": WEAK}, TARGET, name="b")
    sides = Side("a", (a[0], downgraded(a[1]))), Side("b", (b,))
    with pytest.raises(CannotMeasure, match="a1 has no sums of strict_micro_f1"):
        mixed(*sides, Figure("clean"), "strict_micro_f1", QUICK)
    with pytest.raises(CannotMeasure, match="a1 keeps no draws of map for clean: statistics of layout 1"):
        mixed(*sides, Figure("clean"), "map", QUICK)
    assert mixed(*sides, Figure("clean"), "micro_f1", QUICK).spread is not None


def test_a_group_that_lies_in_one_split_alone_is_compared_there():
    """Two data sets as two splits, and the groups that are one of them each."""
    from benchbed.compare.figure import Recipe, evaluate
    from benchbed.metrics.families.captions import family

    said, truth = np.array(["a dog barks", "rain"], object), np.empty(2, object)
    truth[:] = [("a dog barks",), ("rain falls",)]
    scorer = family().context(said, truth)
    sums = scorer.statistics(said, truth).sum(0)
    whole = Recipe((), (1.0,))
    alone = evaluate(scorer, whole, [sums[None], np.zeros_like(sums)[None]], "mean")
    assert float(alone["rouge_l"]) == pytest.approx(float(scorer.values(sums)["rouge_l"]))
    assert np.isnan(evaluate(scorer, whole, [np.zeros_like(sums)[None]], "mean")["rouge_l"])
