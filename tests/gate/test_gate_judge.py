"""Three answers per rule and their exit codes: regressions, limits, guards, classes, lost clips, bad baselines."""

from __future__ import annotations

import numpy as np
import pytest
from made_runs import answers, changed, lucky, made_run, recordings, simulated_pair

from benchbed.compare.runs import open_run
from benchbed.errors import ConfigError
from benchbed.gate.judge import judge
from benchbed.gate.load import LoadedRules, load_rules
from benchbed.gate.outputs import LEGEND, mark, terminal
from benchbed.gate.rules import Rule, Rules
from benchbed.gate.verdict import Answer

TARGET, GROUP = recordings(60, 4)


def rules(*each: dict, **facts) -> LoadedRules:
    return LoadedRules(
        Rules(rules=[Rule(**{"name": f"r{i}"} | rule) for i, rule in enumerate(each)], draws=400, **facts)
    )


def made(tmp_path, name, right, noisy=None, **facts):
    conditions = {"clean": right} | ({} if noisy is None else {"white@1": noisy})
    scores = {k: answers(v, TARGET) for k, v in conditions.items()}
    return open_run(made_run(tmp_path / name, scores, TARGET, GROUP, name=name, **facts))


GOOD, SAME, BAD = (lucky(60, 4, m, 0.2, k) for m, k in ((0.8, 1), (0.8, 2), (0.45, 3)))


def test_a_regression_is_shown(tmp_path):
    report = judge(rules({"metric": "accuracy"}), made(tmp_path, "new", BAD), made(tmp_path, "old", GOOD))
    assert report.outcomes[0].answer is Answer.REGRESSED and report.exit_code == 1
    assert "p < 0.001" in report.outcomes[0].findings[0].words


def test_direction_comes_from_the_record(tmp_path):
    """Log loss rises: that is a regression although the number is higher."""
    new, old = made(tmp_path, "new", BAD), made(tmp_path, "old", GOOD)
    assert judge(rules({"metric": "log_loss"}), new, old).exit_code == 1
    assert judge(rules({"metric": "log_loss"}), old, new).exit_code == 0


def test_a_margin_tolerates_a_loss(tmp_path):
    new, old = made(tmp_path, "new", BAD), made(tmp_path, "old", GOOD)
    for margin in ({"absolute": "50 pt"}, {"relative": "60 %"}):
        report = judge(rules({"metric": "accuracy", "margin": margin, "non_inferiority": True}), new, old)
        assert report.exit_code == 0 and report.outcomes[0].conclusive


def test_inconclusive_passes_unless_proof_is_asked_for(tmp_path):
    new, old = made(tmp_path, "new", SAME), made(tmp_path, "old", GOOD)
    small = {"metric": "accuracy", "margin": {"absolute": "0.1 pt"}}
    report = judge(rules(small), new, old)
    assert report.exit_code == 0 and not report.outcomes[0].conclusive
    assert "not ruled out" in report.outcomes[0].findings[0].words
    assert judge(rules(small), new, old, strict=True).exit_code == 4
    assert judge(rules(small | {"non_inferiority": True}), new, old).exit_code == 4


def test_ties_everywhere_pass_and_are_conclusive_within_a_margin(tmp_path):
    new, old = made(tmp_path, "new", GOOD), made(tmp_path, "old", GOOD)
    report = judge(rules({"metric": "accuracy", "margin": {"absolute": "1 pt"}}), new, old, strict=True)
    assert report.exit_code == 0
    assert judge(rules({"metric": "accuracy", "condition": "*"}), new, old, strict=True).exit_code == 0


def test_a_guard_fails_its_rule(tmp_path):
    new = made(tmp_path, "new", GOOD)
    sure = answers(GOOD, TARGET, sure=0.4)
    worse_loss = open_run(made_run(tmp_path / "unsure", {"clean": sure}, TARGET, GROUP, name="unsure"))
    report = judge(rules({"metric": "accuracy", "guards": [{"metric": "log_loss"}]}), worse_loss, new)
    [outcome] = report.outcomes
    assert outcome.answer is Answer.REGRESSED
    assert [(f.guard, f.answer) for f in outcome.findings] == [(False, Answer.PASSED), (True, Answer.REGRESSED)]


def test_one_class_regresses_while_the_mean_rises(tmp_path):
    """Bus falls from 80 to 0 % and the others rise: the macro accuracy does not show it, the class rule does."""
    new = np.where(TARGET == 0, False, True)
    old = np.where(TARGET == 0, np.arange(240) % 5 > 0, np.arange(240) % 2 == 0)
    a, b = made(tmp_path, "new", new), made(tmp_path, "old", old)
    report = judge(rules({"metric": "macro_accuracy"}, {"metric": "recall", "group": "class=*"}), a, b)
    assert [o.answer for o in report.outcomes] == [Answer.PASSED, Answer.REGRESSED]
    told = {f.subject: f.answer for f in report.outcomes[1].findings}
    assert told["recall · clean · class=bus"] is Answer.REGRESSED
    assert told["recall · clean · class=tram"] is Answer.PASSED


def test_limits_on_the_figure_itself(tmp_path):
    run = made(tmp_path, "run", GOOD)
    report = judge(
        rules(
            {"metric": "accuracy", "at_least": "95 %"},
            {"metric": "accuracy", "at_least": "50 %"},
            {"metric": "ece", "at_most": "90 %"},
        ),
        run,
    )
    assert [o.answer for o in report.outcomes] == [Answer.REGRESSED, Answer.PASSED, Answer.PASSED]


def test_by_value_makes_no_test(tmp_path):
    new, old = made(tmp_path, "new", lucky(60, 4, 0.79, 0.2, 9)), made(tmp_path, "old", GOOD)
    lower = new.result.cells[0].metrics["accuracy"].value < old.result.cells[0].metrics["accuracy"].value
    worse, better = (new, old) if lower else (old, new)
    report = judge(rules({"metric": "accuracy", "by": "value"}, {"metric": "accuracy"}), worse, better)
    assert [o.answer for o in report.outcomes] == [Answer.REGRESSED, Answer.PASSED]
    assert report.over == "Holm over 1 tests"


def test_a_drop_within_one_run(tmp_path):
    """What noise costs, held against clean audio of the same run and not against a baseline."""
    run = made(tmp_path, "run", GOOD, BAD)
    rule = {"metric": "accuracy", "condition": "white@1", "against": "clean", "margin": {"absolute": "5 pt"}}
    assert judge(rules(rule), run).exit_code == 1
    assert judge(rules(rule | {"margin": {"absolute": "60 pt"}}), run).exit_code == 0


def test_lost_clips_never_pass_silently(tmp_path):
    lost = np.zeros(240, bool)
    lost[:2] = True
    old = made(tmp_path, "old", GOOD)
    new = made(tmp_path, "new", GOOD, lost={"clean": lost})
    report = judge(rules({"metric": "accuracy", "margin": {"absolute": "10 pt"}}), new, old)
    assert report.exit_code == 3 and "2 of 240 clips" in report.outcomes[0].findings[0].words
    for allowed in ("2 clips", "1 %"):
        rule = {"metric": "accuracy", "margin": {"absolute": "10 pt"}, "allow_failures": allowed}
        report = judge(rules(rule), new, old)
        assert report.exit_code == 0
        assert "clips are missing, as the rule allows: new: 2 of 240" in report.outcomes[0].findings[0].words
    assert judge(rules({"metric": "accuracy", "at_least": "10 %"}), new, old).exit_code == 3
    # The baseline's failures count as well, and a regression is still a regression.
    assert judge(rules({"metric": "accuracy"}), old, new).exit_code == 3
    bad = made(tmp_path, "bad", BAD, lost={"clean": lost})
    report = judge(rules({"metric": "accuracy"}), bad, old)
    assert report.exit_code == 1 and "clips are missing" in report.outcomes[0].findings[0].words


def test_all_clips_of_a_condition_lost(tmp_path):
    lost = np.ones(240, bool)
    old = made(tmp_path, "old", GOOD, GOOD)
    new = made(tmp_path, "new", GOOD, GOOD, lost={"white@1": lost})
    report = judge(rules({"metric": "accuracy", "condition": "*"}), new, old)
    assert [f.answer for f in report.outcomes[0].findings] == [Answer.PASSED, Answer.UNMEASURED]
    assert report.exit_code == 3


def test_a_baseline_without_the_condition(tmp_path):
    new, old = made(tmp_path, "new", GOOD, BAD), made(tmp_path, "old", GOOD)
    report = judge(rules({"metric": "accuracy", "condition": "*"}), new, old)
    [clean, noisy] = report.outcomes[0].findings
    assert clean.answer is Answer.PASSED and noisy.answer is Answer.UNMEASURED
    assert (report.exit_code == 3 and "no condition 'white@1'" in noisy.words) or "has no cell" in noisy.words
    # A condition that the run no longer measures is asked about as well.
    assert judge(rules({"metric": "accuracy", "condition": "*"}), old, new).exit_code == 3


def test_a_group_without_clips(tmp_path):
    device = np.where(np.arange(240) % 2, "s1", "s2")
    facts = {"device": device, "sets": {"unseen": ["s9"]}}
    new, old = made(tmp_path, "new", GOOD, **facts), made(tmp_path, "old", GOOD, **facts)
    report = judge(rules({"metric": "accuracy", "group": "devices=unseen"}), new, old)
    assert report.exit_code == 3 and "no clips" in report.outcomes[0].findings[0].words
    report = judge(rules({"metric": "accuracy", "group": "device=s3"}), new, old)
    assert report.exit_code == 3 and "no group 'device=s3'" in report.outcomes[0].findings[0].words


def test_an_undefined_metric_could_not_be_measured(tmp_path):
    improper = answers(GOOD, TARGET) * 3
    runs = [open_run(made_run(tmp_path / n, {"clean": improper}, TARGET, GROUP, name=n)) for n in ("new", "old")]
    report = judge(rules({"metric": "log_loss"}, {"metric": "log_loss", "at_most": "9 nats"}), *runs)
    assert [o.answer for o in report.outcomes] == [Answer.UNMEASURED] * 2
    report = judge(rules({"metric": "acuracy"}), *runs)
    assert "did you mean 'accuracy'" in report.outcomes[0].findings[0].words


def test_a_figure_without_a_value_could_not_be_measured(tmp_path):
    new, old = made(tmp_path, "new", GOOD, statistics=False), made(tmp_path, "old", GOOD)
    changed(new.path.parent, lambda raw: raw["cells"][0]["metrics"]["accuracy"].update(value=None))
    report = judge(rules({"metric": "accuracy"}, {"metric": "accuracy", "by": "value"}), open_run(new.path), old)
    assert [o.answer for o in report.outcomes] == [Answer.UNMEASURED] * 2


def test_runs_that_were_not_measured_alike(tmp_path):
    new, old = made(tmp_path, "new", GOOD), made(tmp_path, "old", GOOD, synthetic=True)
    report = judge(rules({"metric": "accuracy"}, {"metric": "accuracy", "at_least": "50 %"}), new, old)
    assert [o.answer for o in report.outcomes] == [Answer.UNMEASURED, Answer.PASSED]
    assert "synthetic" in report.outcomes[0].findings[0].words and report.exit_code == 3


def test_a_record_without_sums_is_compared_unpaired(tmp_path):
    new, old = made(tmp_path, "new", BAD), made(tmp_path, "old", GOOD, statistics=False)
    report = judge(rules({"metric": "accuracy"}), new, old)
    assert report.exit_code == 1 and report.outcomes[0].findings[0].facts["how"].startswith("unpaired")
    assert any("find less" in note for note in report.notes)
    bare = made(tmp_path, "bare", GOOD, statistics=False, draws=0)
    report = judge(rules({"metric": "accuracy"}), new, bare)
    assert report.exit_code == 3 and "no interval on the record" in report.outcomes[0].findings[0].words


def test_rules_for_another_suite_and_rules_without_a_baseline(tmp_path):
    run = made(tmp_path, "run", GOOD)
    with pytest.raises(ConfigError, match="for the suite esc50"):
        judge(rules({"metric": "accuracy"}, suite="esc50"), run, run)
    with pytest.raises(ConfigError, match="needs a baseline"):
        judge(rules({"metric": "accuracy"}), run)


def test_the_default_rules_ask_about_every_condition(tmp_path):
    new, old = made(tmp_path, "new", GOOD, BAD), made(tmp_path, "old", GOOD, GOOD)
    report = judge(load_rules(None), new, old)
    assert [f.answer for f in report.outcomes[0].findings] == [Answer.PASSED, Answer.REGRESSED]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"metric": "accuracy", "margin": {"absolute": "2 ms"}}, "the margin is 2 ms, the figure is in per cent"),
        ({"metric": "log_loss", "margin": {"absolute": "2 pt"}}, "the margin is 2 pt, the figure is in nats"),
        ({"metric": "accuracy", "at_least": "0.5 nats"}, "the limit is 0.5 nats, the figure is in per cent"),
        ({"metric": "accuracy", "relation": "relative_gain", "at_least": "2 x"}, "the limit is 2 x"),
        ({"metric": "accuracy", "margin": {"relative": "100 %"}}, "so that the rule is off"),
    ],
)
def test_a_unit_that_is_not_the_figures_is_refused(tmp_path, rule, words):
    new, old = made(tmp_path, "new", BAD), made(tmp_path, "old", GOOD)
    with pytest.raises(ConfigError, match="the rule 'r0'") as caught:
        judge(rules(rule), new, old)
    assert words in caught.value.what


def test_a_tick_is_only_for_what_is_shown_to_hold(tmp_path):
    """Without proof that a loss beyond the margin is ruled out there is none, however fine the figure looks."""
    new, old = made(tmp_path, "new", GOOD), made(tmp_path, "old", BAD)
    report = judge(rules({"metric": "accuracy", "margin": {"absolute": "1 pt"}}), new, old)
    assert report.outcomes[0].holds and mark(report.outcomes[0]) == "✓"
    swapped = GOOD.copy()
    swapped[[np.flatnonzero(GOOD)[0], np.flatnonzero(~GOOD)[-1]]] ^= True
    held = rules({"metric": "accuracy"}, {"metric": "accuracy", "at_least": "1 %"})
    near = judge(held, made(tmp_path, "near", swapped), new)
    assert [mark(outcome) for outcome in near.outcomes] == ["~", "✓"]
    assert LEGEND in terminal(near) and near.headline == "passed: 1 holds, 1 not shown to regress"


def test_interval_and_test_say_the_same(tmp_path):
    """The interval excludes no loss where the one-sided test at the same level shows one, before any correction."""
    for name, mean in (("a", 0.72), ("b", 0.75), ("c", 0.6)):
        new, old = made(tmp_path, name, lucky(40, 6, mean, 0.2, name)), made(tmp_path, f"old {name}", GOOD)
        report = judge(rules({"metric": "accuracy"}, correction="none"), new, old)
        facts = report.outcomes[0].findings[0].facts
        assert report.level == 0.9 and (facts["high"] < 0) == (facts["p_bootstrap"] < 0.05)


def test_a_correction_is_told_beside_the_p_value_that_it_changed(tmp_path):
    new, old = made(tmp_path, "new", BAD), made(tmp_path, "old", GOOD)
    many = [{"metric": "accuracy"}, *({"metric": "log_loss", "split": "test"} for _ in range(3))]
    for correction, words in (("holm", "after Holm"), ("fdr", "after Benjamini and Hochberg")):
        report = judge(rules(*many, correction=correction), new, old)
        told = report.outcomes[0].findings[0]
        assert told.facts["p_adjusted"] >= told.facts["p"]
        assert (words in told.words) == (told.facts["p_adjusted"] != told.facts["p"])
        assert report.over in terminal(report)[-2] and report.as_json()["corrected"] == report.over


def test_declared_primary_rules_are_corrected_by_themselves(tmp_path):
    new, old = made(tmp_path, "new", BAD), made(tmp_path, "old", GOOD)
    first = {"metric": "accuracy", "primary": True}
    report = judge(rules(first, *({"metric": "log_loss"} for _ in range(9)), correction="primary"), new, old)
    facts = report.outcomes[0].findings[0].facts
    assert facts["p_adjusted"] == facts["p"]
    assert report.over == "Holm over 1 declared primary tests, and over the 9 others by themselves"


def test_holm_keeps_the_level_for_the_file_as_a_whole(tmp_path):
    new, old = made(tmp_path, "new", SAME), made(tmp_path, "old", GOOD)
    each = [{"metric": m} for m in ("accuracy", "macro_f1", "log_loss", "brier")]
    one = judge(rules(*each, correction="none"), new, old)
    all_ = judge(rules(*each), new, old)
    for raw, corrected in zip(one.outcomes, all_.outcomes):
        assert corrected.findings[0].facts["p_adjusted"] >= raw.findings[0].facts["p_adjusted"]


def test_false_alarms_and_power_on_grouped_clips():
    """150 pairs of equal models: alarms at most 5 % (bound at 4 standard errors); plain losses are found."""
    alarms = found = 0
    for number in range(150):
        rule = rules({"metric": "accuracy"})
        alarms += judge(rule, *simulated_pair(40, 5, 0.0, "alarm", number)).exit_code == 1
        found += judge(rule, *simulated_pair(40, 5, -1.2, "power", number)).exit_code == 1
    assert alarms <= 150 * 0.05 + 4 * np.sqrt(150 * 0.05 * 0.95)
    assert found >= 0.9 * 150


def test_the_interval_of_a_difference_covers():
    """200 pairs: 95 % intervals hold zero, with bounds of 4 standard errors."""
    from benchbed.compare.contrast import Procedure, contrast
    from benchbed.compare.figure import Figure

    how, hits = Procedure(draws=400, swaps=99), 0
    for number in range(200):
        pair = simulated_pair(40, 5, 0.0, "cover", number)
        one = contrast(*pair, Figure("clean"), ["macro_f1"], how)["macro_f1"]
        hits += one.low <= 0 <= one.high
    assert abs(hits / 200 - 0.95) <= 4 * np.sqrt(0.95 * 0.05 / 200)
