"""The whole comparison: Holm over the table, wins and losses, seeds and families, matched robustness, ranks."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from made_runs import answers, changed, lucky, made_run, recordings

from benchbed.compare import ranking
from benchbed.compare.answer import Contrast
from benchbed.compare.asked import Wanted
from benchbed.compare.contrast import Procedure
from benchbed.compare.figure import Figure
from benchbed.compare.matched import robustness
from benchbed.compare.places import open_sides
from benchbed.compare.ranking import ranks_of
from benchbed.compare.runs import open_run
from benchbed.compare.show import apart, lines
from benchbed.compare.sides import Side, mixed, spread_of, welch
from benchbed.compare.table import compare
from benchbed.compare.written import row_json
from benchbed.errors import CannotMeasure, ConfigError
from benchbed.metrics.families.classification import family
from benchbed.results.store import read
from benchbed.results.summary import read_summary
from benchbed.rng import stream
from benchbed.stats.paired import holm

QUICK = Procedure(draws=300, swaps=299)
TARGET, GROUP = recordings(80, 3)


def made(tmp_path, name, clean, noisy=None, **facts):
    conditions = {"clean": clean} | ({} if noisy is None else {"white@1": noisy, "white@2": noisy * 0.9})
    # The same recordings are hard for every model and every condition.
    hard = lucky(80, 3, 0.5, 0.01, "noise")
    scores = {}
    for condition, share in conditions.items():
        right = (lucky(80, 3, share, 0.3, name, condition)) | (hard & (share > 0.97))
        scores[condition] = answers(right, TARGET)
    return made_run(tmp_path / name, scores, TARGET, GROUP, name=name, **facts)


def sides(*places):
    return [Side(run.name, (run,)) for run in map(open_run, places)]


def test_wins_ties_and_losses_after_holm(tmp_path):
    base, worse = made(tmp_path, "base", 0.8, 0.6), made(tmp_path, "worse", 0.5, 0.3)
    found = compare(sides(base, worse), procedure=QUICK)
    [pairing] = found.pairings
    assert (pairing.count("win"), pairing.count("tie"), pairing.count("loss")) == (3, 0, 0)
    raw = {str(i): row.contrast.p for i, row in enumerate(pairing.rows)}
    assert [row.p for row in pairing.rows] == list(holm(raw).values())
    text = "\n".join(lines(found))
    assert "accuracy, all clips, conditions: 3 better, 0 not shown to differ, 0 worse" in text
    assert "McNemar" in text and "does not apply" in text


def test_a_minus_b_stands_under_their_names_in_every_part(tmp_path):
    """What is printed for `compare good poor` is good − poor: positive wherever good is better."""
    good, poor = made(tmp_path, "good", 0.9, 0.85), made(tmp_path, "poor", 0.6, 0.4)
    found = compare(sides(good, poor), procedure=QUICK)
    [pairing] = found.pairings
    assert (pairing.a, pairing.b) == ("good", "poor") and pairing.count("win") == 3
    for row in pairing.rows:
        c = row.contrast
        assert c.value == pytest.approx(c.a - c.b) and (c.value > 0) == (c.direction == "higher")
    first = pairing.rows[0].contrast
    recorded = [read(place / "result.json").cells[0].metrics["accuracy"].value for place in (good, poor)]
    assert first.metric == "accuracy" and [first.a, first.b] == pytest.approx(recorded)
    assert all(r.retention[0] > 0 for r in pairing.robustness)
    text = lines(found)
    assert "good − poor" in text and not any("poor − good" in line for line in text)
    head = next(line for line in text if line.split()[:2] == ["condition", "metric"])
    assert head.split()[2:5] == ["good", "poor", "difference"]
    told = found.as_json()["pairings"][0]
    assert (told["a"], told["b"], told["wins"], told["losses"]) == ("good", "poor", 3, 0)


def test_declared_comparisons_do_not_pay_for_the_rest(tmp_path):
    base, other = made(tmp_path, "base", 0.8, 0.6), made(tmp_path, "other", 0.7, 0.4)
    for correction, said in (
        ("holm", "Holm over"),
        ("primary", "Holm over 1 declared primary tests"),
        ("hierarchical", "kinds first"),
        ("fdr", "false discovery rate over"),
        ("none", "uncorrected"),
    ):
        found = compare(sides(base, other), procedure=replace(QUICK, correction=correction))
        rows = found.pairings[0].rows
        clean = next(r for r in rows if r.contrast.figure.condition == "clean" and r.contrast.metric == "accuracy")
        assert all(row.p >= row.contrast.p for row in rows)
        assert (clean.p == clean.contrast.p) or correction in ("holm", "hierarchical", "fdr")
        assert said in found.corrected and found.corrected in "\n".join(lines(found))
        assert found.as_json()["procedure"]["corrected"] == found.corrected
    both = replace(QUICK, correction="primary", primary=("clean/log_loss", "nothing"))
    assert compare(sides(base, other), procedure=both).corrected.startswith("Holm over 1 declared")
    with pytest.raises(ConfigError, match="no comparison is loud"):
        compare(sides(base, other), procedure=replace(QUICK, correction="primary", primary=("loud",)))


def test_an_interval_without_zero_beside_a_test_that_shows_nothing_is_explained(tmp_path):
    """Of six recordings five differ the same way: the bootstrap excludes zero, the rarest swap is one in sixteen."""
    found = Contrast(
        Figure("clean"),
        "accuracy",
        family(("a", "b")).metrics["accuracy"],
        "higher",
        *(0.8, 0.7, 0.1, 0.02, 0.2),
        p=0.33,
        p_bootstrap=0.01,
        p_swap=0.33,
    )
    assert "the interval is of the bootstrap alone" in apart(found, 0.05) and "swaps" in apart(found, 0.05)
    assert apart(replace(found, low=-0.1), 0.05) is None and apart(replace(found, p=0.01), 0.05) is None


def test_the_same_model_ties_with_itself(tmp_path):
    base, copy = made(tmp_path, "base", 0.8, 0.6), tmp_path / "copy"
    copy.mkdir()
    for name in ("result.json", "statistics.npz"):
        (copy / name).write_bytes((base / name).read_bytes())
    [pairing] = compare(sides(base, copy), procedure=QUICK).pairings
    assert {row.verdict for row in pairing.rows} == {"tie"} and {row.p for row in pairing.rows} == {1.0}


def test_json_has_no_nan_and_holds_every_row(tmp_path):
    found = compare(sides(made(tmp_path, "a", 0.8, 0.5), made(tmp_path, "b", 0.7, 0.5)), procedure=QUICK)
    text = json.dumps(found.as_json(), allow_nan=False, default=float)
    held = json.loads(text)
    assert len(held["pairings"][0]["rows"]) == len(found.pairings[0].rows)
    told = [run for side in held["sides"] for run in side["runs"]]
    assert [(run["suite"], run["synthetic"]) for run in told] == [("toy", False)] * 2
    alone = row_json(found.pairings[0].rows[0].contrast)
    assert json.loads(json.dumps(alone, default=float)).items() <= held["pairings"][0]["rows"][0].items()
    assert {"p_adjusted", "mde", "effect", "verdict", "low", "high"} <= set(held["pairings"][0]["rows"][0])


def test_what_is_asked_can_be_narrowed(tmp_path):
    a, b = made(tmp_path, "a", 0.8, 0.5), made(tmp_path, "b", 0.7, 0.5)
    found = compare(sides(a, b), Wanted(("white@*",), ("macro_f1", "f1"), ("class=*",)), QUICK)
    asked = {(r.contrast.figure.condition, r.contrast.figure.group, r.contrast.metric) for r in found.pairings[0].rows}
    assert ("white@2", "class=tram", "f1") in asked and ("white@1", None, "macro_f1") in asked
    assert len(asked) == 2 * 4  # per condition: all clips macro_f1, and three classes in f1
    # As it is printed, a condition may be asked for, too.
    assert [r.contrast.figure.condition for r in compare(sides(a, b), Wanted(("white, 10*",)), QUICK).pairings[0].rows]
    with pytest.raises(CannotMeasure, match="no condition like fog"):
        compare(sides(a, b), Wanted(("fog",)), QUICK)


def test_one_thing_cannot_be_compared(tmp_path):
    with pytest.raises(ConfigError, match="there must be two"):
        compare(sides(made(tmp_path, "a", 0.8)), procedure=QUICK)


def test_runs_that_differ_in_their_seed_are_one_side(tmp_path):
    places = [made(tmp_path, f"net[seed={i},width=8]", 0.7, options={"seed": i, "width": 8}) for i in range(3)]
    places.append(made(tmp_path, "net[width=16]", 0.5, options={"width": 16}))
    found = open_sides([str(p) for p in places])
    assert [(s.name, s.kind, len(s.runs)) for s in found] == [
        ("net[width=8]", "seeds", 3),
        ("net[width=16]", "model", 1),
    ]
    [pairing] = compare(found, procedure=QUICK).pairings
    accuracy = pairing.mixed[0]
    assert accuracy.metric == "accuracy" and len(accuracy.values_a) == 3 and "one model" in accuracy.reason
    assert "± " in "\n".join(lines(compare(found, procedure=QUICK)))


def test_named_sides_and_the_same_run_twice(tmp_path):
    a, b, c = (str(made(tmp_path, n, 0.7)) for n in "abc")
    found = open_sides([f"cnns={a}", f"cnns={b}", c])
    assert [(s.name, len(s.runs)) for s in found] == [("cnns", 2), ("c", 1)]
    with pytest.raises(ConfigError, match="given twice"):
        open_sides([a, a])


def test_families_are_no_bag_of_clips(tmp_path):
    """Three networks against three, each family's models far apart: 240 clips cannot show what six models cannot."""
    spread = (0.5, 0.7, 0.9)
    cnns = [made(tmp_path, f"c{i}", m, model_family="cnn") for i, m in enumerate(spread)]
    transformers = [made(tmp_path, f"t{i}", m + 0.05, model_family="transformer") for i, m in enumerate(spread)]
    found = open_sides([str(p) for p in cnns + transformers], by_family=True)
    assert [s.name for s in found] == ["cnn", "transformer"]
    one = mixed(found[1], found[0], Figure("clean"), "accuracy", QUICK)
    assert one.error_members > 3 * one.error_recordings
    assert one.spread.low < 0 < one.spread.high and one.spread.p > 0.3
    assert one.spread.freedom < 6


def test_the_mixed_interval_covers_the_difference_of_families():
    """Simulated: models drawn from two families, recordings drawn too; 95 % intervals over 400 data sets."""
    generator, hits = stream("mixed-coverage"), 0
    for _ in range(400):
        models = generator.normal([[0.6], [0.7]], 0.05, (2, 4))
        shared = generator.normal(0, 0.02, 2)
        noise = generator.normal(0, 0.01, (2, 4))
        values = models + shared[:, None] + noise
        recordings_variance = 2 * 0.02**2
        parts = [(recordings_variance, 99)] + [(float(np.var(v, ddof=1)) / 4, 3) for v in values]
        found = spread_of(float(values[0].mean() - values[1].mean()), parts, 0.95)
        hits += found.low <= -0.1 <= found.high
    assert 0.92 <= hits / 400 <= 0.985


def test_welch_on_printed_figures_is_not_significant():
    """Visual against audio-visual, mean absolute error of five runs each: p = .31 (MARVEL D3.1, early exits)."""
    found = welch(15.04, 0.71, 5, 14.58, 0.64, 5)
    assert found.p == pytest.approx(0.31, abs=0.01)
    scipy_stats = pytest.importorskip("scipy.stats")
    oracle = scipy_stats.ttest_ind_from_stats(15.04, 0.71, 5, 14.58, 0.64, 5, equal_var=False)
    assert found.p == pytest.approx(oracle.pvalue)
    # CNN against single-layer ViT at the same exit: p = .0005.
    assert welch(17.00, 0.23, 5, 14.58, 0.64, 5).p == pytest.approx(0.0005, abs=0.0004)
    with pytest.raises(CannotMeasure, match="two on each side"):
        welch(1, 0, 1, 2, 0, 5)


def test_a_model_that_lost_clips_is_no_more_robust_for_it(tmp_path):
    """Both answer alike, and one gave NaN on clips that it would have got wrong: it was 14.8 points more robust."""
    clean, noisy = (answers(np.arange(240) % 10 < right, TARGET) for right in (9, 6))
    wrong = np.flatnonzero(np.arange(240) % 10 >= 6)[::9]
    lost = {"white@1": np.isin(np.arange(240), wrong)}
    a, b = (
        open_run(made_run(tmp_path / n, {"clean": clean, "white@1": noisy}, TARGET, GROUP, name=n, lost=gone))
        for n, gone in (("a", lost), ("b", None))
    )
    assert a.result.cells[1].metrics["accuracy"].value > b.result.cells[1].metrics["accuracy"].value + 0.02
    for rows in (
        robustness(a, b, "accuracy", QUICK),
        compare([Side("b", (b,)), Side("a", (a,))]).pairings[0].robustness,
    ):
        for row in rows:
            assert row.retention[0] == 0 and row.matched[0] == 0
            assert "left out of both, because a model lost clips of theirs" in row.note and "white@1" in row.note
    assert any("left out of both" in line for line in lines(compare([Side("b", (b,)), Side("a", (a,))])))


def test_robustness_at_matched_clean_score(tmp_path):
    """b starts at 80 % and keeps 60 %; a starts at 60 % and keeps 50 %: a loses less log odds."""
    exact = {}
    for name, clean, noisy in (("a", 0.6, 0.5), ("b", 0.8, 0.6)):
        scores = {
            k: answers(np.arange(240) % 10 < 10 * share, TARGET) for k, share in (("clean", clean), ("white@1", noisy))
        }
        exact[name] = open_run(made_run(tmp_path / name, scores, TARGET, GROUP, name=name))
    whole, single = robustness(exact["a"], exact["b"], "accuracy", QUICK)
    assert whole.name == "all corruptions" and single.retention == whole.retention
    third = 1 / 3
    retention = (0.5 - third) / (0.6 - third) - (0.6 - third) / (0.8 - third)
    assert whole.retention[0] == pytest.approx(retention)
    # logit(.8) + logit(.5) − logit(.6), by hand: odds 4 · 1 / 1.5 = 2.667 → .7273; b keeps .6.
    assert whole.matched[0] == pytest.approx(0.72727 - 0.6, abs=1e-4)
    [refused] = robustness(exact["a"], exact["b"], "log_loss", QUICK)
    assert "no score in 0…1" in refused.reason


def test_ranks_have_tie_groups(tmp_path):
    places = [made(tmp_path, n, m) for n, m in (("good", 0.9), ("same1", 0.6), ("same2", 0.6), ("bad", 0.2))]
    alone = made(tmp_path, "alone", 0.9, version="2")
    found = ranks_of([(p / "result.json", read(p)) for p in (*places, alone)], QUICK)
    assert found[places[0] / "result.json"] == (1, 1, 1) and found[places[3] / "result.json"] == (4, 4, 4)
    middle = [found[p / "result.json"] for p in places[1:3]]
    assert sorted(rank for rank, _, _ in middle) == [2, 3] and all((low, high) == (2, 3) for _, low, high in middle)
    assert alone / "result.json" not in found


def test_ranks_of_the_same_runs_are_not_drawn_again(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHBED_CACHE", str(tmp_path / "cache"))
    opened = [(p / "result.json", read(p)) for p in (made(tmp_path, n, m) for n, m in (("a", 0.9), ("b", 0.3)))]
    first = ranks_of(opened, QUICK)
    assert first == {opened[0][0]: (1, 1, 1), opened[1][0]: (2, 2, 2)}
    with monkeypatch.context() as patched:
        patched.setattr(ranking, "_ranked", lambda *_: pytest.fail("drawn again"))
        assert ranks_of(opened, QUICK) == first
        with pytest.raises(pytest.fail.Exception):
            ranks_of(opened[::-1], QUICK)
    assert ranks_of(opened[:1], QUICK) == {} == ranks_of(opened[:1], QUICK)


def test_of_a_board_with_one_new_run_the_others_are_not_drawn_again(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHBED_CACHE", str(tmp_path / "cache"))
    chances = (("a", 0.9), ("b", 0.6), ("c", 0.62), ("d", 0.61))
    opened = [(p / "result.json", read(p)) for p in (made(tmp_path, n, m) for n, m in chances)]
    ranks_of(opened[:3], QUICK)
    drawn = []
    whole = ranking.replicates
    monkeypatch.setattr(ranking, "replicates", lambda run, *more: drawn.append(run.name) or whole(run, *more))
    found = ranks_of(opened, QUICK)
    assert drawn == ["d"]
    monkeypatch.setenv("BENCHBED_CACHE", str(tmp_path / "another"))
    assert ranks_of(opened, QUICK) == found and len(drawn) == 5


@pytest.mark.parametrize("harm", ["cut", "flipped", "another run's"])
def test_ranks_are_right_whatever_was_done_to_what_was_drawn(tmp_path, monkeypatch, harm):
    monkeypatch.setenv("BENCHBED_CACHE", str(tmp_path / "cache"))
    chances = (("a", 0.2), ("b", 0.6), ("c", 0.62))
    opened = [(p / "result.json", read(p)) for p in (made(tmp_path, n, m) for n, m in chances)]
    first = ranks_of(opened, QUICK)
    [kept] = (tmp_path / "cache" / "ranked").glob("*.drawn")
    data = kept.read_bytes()
    if harm == "another run's":
        # The record changed since: what was drawn of the earlier one is of no use.
        made(tmp_path, "a", 0.95)
        opened = [(p, read(p)) for p, _ in opened]
        assert ranks_of(opened, QUICK)[opened[0][0]] == (1, 1, 1) != first[opened[0][0]]
        return
    kept.write_bytes(data[:-9] if harm == "cut" else data[:-9] + bytes([data[-9] ^ 64]) + data[-8:])
    for path in (tmp_path / "cache" / "ranks").iterdir():
        path.unlink()
    assert ranks_of(opened, QUICK) == first
    assert kept.read_bytes() == data


def test_sums_that_were_damaged_since_rank_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHBED_CACHE", str(tmp_path / "cache"))
    places = [made(tmp_path, n, m) for n, m in (("a", 0.9), ("b", 0.3), ("c", 0.5))]
    opened = [(p / "result.json", read(p)) for p in places]
    assert len(ranks_of(opened, QUICK)) == 3
    for path in (tmp_path / "cache" / "ranks").iterdir():
        path.unlink()
    sums = places[0] / "statistics.npz"
    sums.write_bytes(sums.read_bytes() + b"x")
    assert set(ranks_of(opened, QUICK)) == {path for path, _ in opened[1:]}


def test_ranks_need_the_clean_cells_and_what_ranks_alone(tmp_path):
    places = [made(tmp_path, n, m, 0.4) for n, m in (("a", 0.9), ("b", 0.3))]
    short = [(p / "result.json", read_summary(p / "result.json")) for p in places]
    whole = [(p / "result.json", read(p)) for p in places]
    assert ranks_of(short, QUICK) == ranking._ranked(whole, QUICK) != {}
    used = ranking._usable(*short[0])
    assert list(used.sums.cells) == ["scene/test/clean"]


def test_ranks_leave_out_runs_without_sums_or_with_failures(tmp_path):
    a, b, c = (made(tmp_path, n, 0.6) for n in "abc")
    (c / "statistics.npz").unlink()
    lost = np.zeros(240, bool)
    lost[0] = True
    d = made(tmp_path, "d", 0.6, lost={"clean": lost})
    found = ranks_of([(p, read(p)) for p in (a, b, c, d)], QUICK)
    assert set(found) == {a, b}


def test_runs_that_lost_clips_are_compared_without_ranks(tmp_path):
    lost = np.zeros(240, bool)
    lost[0] = True
    a, b = made(tmp_path, "a", 0.8), made(tmp_path, "b", 0.7, lost={"clean": lost})
    found = compare(sides(a, b), procedure=QUICK)
    assert found.ranks == {} and found.as_json()["no_ranks"] == "no ranks: b lost clips of clean audio"
    assert "no ranks: b lost clips" in "\n".join(lines(found))


def test_the_first_of_three_models_is_compared_with_each_other(tmp_path):
    found = compare(sides(*(made(tmp_path, n, m) for n, m in (("a", 0.8), ("b", 0.7), ("c", 0.3)))), procedure=QUICK)
    assert [(p.a, p.b) for p in found.pairings] == [("a", "b"), ("a", "c")]
    assert found.ranks["c"] == (3, 3, 3)
    ps = [row.p for p in found.pairings for row in p.rows]
    raws = [row.contrast.p for p in found.pairings for row in p.rows]
    assert all(p >= raw for p, raw in zip(ps, raws))
    ordered = [p for _, p in sorted(zip(raws, ps))]
    assert all(x <= y for x, y in pairwise(ordered))


def test_hostile_names_stay_text(tmp_path):
    a, b = made(tmp_path, "a", 0.8), made(tmp_path, "b", 0.7)
    changed(b, lambda raw: raw["model"].update(name="evil\x1b[2J\nname"))
    text = "\n".join(lines(compare(sides(a, b), procedure=QUICK)))
    assert "\x1b" not in text and "evil�[2J�name" in text
