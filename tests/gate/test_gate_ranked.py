"""Gates on metrics that no sum gives and on figures over cells: caught, passed, not measured, and why."""

from __future__ import annotations

import json

import numpy as np
import pytest
from made_runs import resummed
from made_tags import downgraded, heard, tag_run, tags

from benchbed.errors import ConfigError
from benchbed.gate.judge import judge
from benchbed.gate.load import LoadedRules, load_rules
from benchbed.gate.outputs import github_annotations, junit, markdown, terminal
from benchbed.gate.rules import Rule, Rules
from benchbed.gate.verdict import Answer
from benchbed.results.baseline import set_baseline
from benchbed.results.statistics import read_statistics, write_statistics

TARGET = tags(120)


def rules(*each: dict, **facts) -> LoadedRules:
    made = [Rule(**{"name": f"r{i}"} | rule) for i, rule in enumerate(each)]
    return LoadedRules(Rules(rules=made, draws=300, **facts))


def made(tmp_path, name, strength, **facts):
    scores = {"clean": heard(TARGET, strength, name), "white@1": heard(TARGET, strength / 2, name, 1)}
    return tag_run(tmp_path / name, scores, TARGET, name=name, **facts)


def answers(report):
    return [[f.answer for f in o.findings] for o in report.outcomes]


def test_a_loss_is_caught_and_equal_runs_pass(tmp_path):
    old, bad = made(tmp_path, "old", 0.35), made(tmp_path, "bad", 0.1)
    every = rules(
        {"metric": "map", "condition": "*"},
        {"metric": "primary", "group": "class=*"},
        {"metric": "strict_micro_f1"},
        {"metric": "robustness:corruption_mean"},
    )
    report = judge(every, bad, old)
    assert report.exit_code == 1 and report.outcomes[0].answer is Answer.REGRESSED
    assert all(answer is Answer.REGRESSED for answer in answers(report)[0] + answers(report)[3])
    assert len(report.outcomes[1].findings) == 3  # a class each
    assert judge(every, old, old, strict=True).exit_code == 0
    assert judge(every, old, bad).exit_code == 0


def test_margins_absolute_and_relative_and_non_inferiority(tmp_path):
    old, bad = made(tmp_path, "old", 0.35), made(tmp_path, "bad", 0.1)
    cases = [
        ({"absolute": "60 pt"}, Answer.PASSED),
        ({"relative": "90 %"}, Answer.PASSED),
        ({"absolute": "1 pt"}, Answer.REGRESSED),
        ({"relative": "1 %"}, Answer.REGRESSED),
    ]
    for margin, answer in cases:
        [outcome] = judge(rules({"metric": "map", "margin": margin}), bad, old).outcomes
        assert outcome.answer is answer and outcome.conclusive, margin
    near = made(tmp_path, "near", 0.36)
    proof = {"metric": "map", "margin": {"absolute": "0.01 pt"}, "non_inferiority": True}
    assert judge(rules(proof), near, old).exit_code in (1, 4)
    assert judge(rules(proof | {"margin": {"absolute": "30 pt"}}), near, old).exit_code == 0


def test_limits_relations_and_means_over_figures(tmp_path):
    old, bad = made(tmp_path, "old", 0.35), made(tmp_path, "bad", 0.1)
    gain = {"metric": "map", "relation": "relative_gain", "at_least": "5 %"}
    limits = rules(
        {"metric": "map", "at_least": "30 %"},
        {"metric": "map", "at_least": "99.9 %"},
        gain,
        gain | {"over": [{"metric": "micro_f1"}]},
    )
    assert [o.answer for o in judge(limits, old, bad).outcomes] == [
        Answer.PASSED,
        Answer.REGRESSED,
        Answer.PASSED,
        Answer.PASSED,
    ]
    assert [o.answer for o in judge(limits, bad, old).outcomes][2:] == [Answer.REGRESSED] * 2
    drop = {"metric": "map", "condition": "white@1", "against": "clean", "margin": {"absolute": "1 pt"}}
    assert judge(rules(drop), old).exit_code == 1


def test_figures_over_cells_are_paired_or_say_that_they_are_not(tmp_path):
    old, bad = made(tmp_path, "old", 0.35), made(tmp_path, "bad", 0.1)
    rule = rules({"metric": "robustness:corruption_mean"})
    [finding] = judge(rule, bad, old).outcomes[0].findings
    assert finding.facts["test"] == "paired bootstrap" and finding.subject == "robustness:corruption_mean"
    other = made(tmp_path, "other", 0.1, seed=3)
    report = judge(rule, other, old)
    [finding] = report.outcomes[0].findings
    assert (
        finding.facts["test"] == "unpaired intervals of the record" and "other bootstrap draws" in finding.facts["how"]
    )
    texts = ["\n".join(terminal(report)), markdown(report), junit(report), json.dumps(report.as_json())]
    texts += github_annotations(report) if report.exit_code else []
    assert all("unpaired" in text for text in texts)


def test_a_pattern_of_figures_over_cells_asks_each_of_them(tmp_path):
    old, bad = made(tmp_path, "old", 0.35), made(tmp_path, "bad", 0.1)
    [outcome] = judge(rules({"metric": "robustness:*"}), bad, old).outcomes
    asked = {finding.subject for finding in outcome.findings}
    assert asked == {name for name in old.result.scores if name.startswith("robustness:")} and len(asked) > 1
    assert outcome.answer is Answer.REGRESSED
    for name, told in (
        ("robustness:corruption_men", "did you mean 'robustness:corruption_mean'"),
        ("adversarial:*", "there are: robustness:*"),
    ):
        [finding] = judge(rules({"metric": name}), bad, old).outcomes[0].findings
        assert finding.answer is Answer.UNMEASURED and f"no score '{name}'" in finding.words and told in finding.words


def test_a_condition_that_is_missing_names_the_side_that_lacks_it(tmp_path):
    whole = made(tmp_path, "whole", 0.35)
    clean = tag_run(tmp_path / "short", {"clean": heard(TARGET, 0.35, "short")}, TARGET, name="short")
    for run, base, side in ((whole, clean, "the baseline"), (clean, whole, "the run")):
        report = judge(rules({"metric": "map", "condition": "*"}), run, base)
        words = {finding.subject: finding.words for finding in report.outcomes[0].findings}
        assert report.exit_code == 3
        assert words["map · white, 10"] == f"there is no condition 'white@1' in {side}, short (it has: clean)"


def test_every_output_names_the_test_of_a_ranked_metric(tmp_path):
    report = judge(rules({"metric": "map"}), made(tmp_path, "bad", 0.1), made(tmp_path, "old", 0.35))
    for text in ("\n".join(terminal(report)), markdown(report), junit(report), *github_annotations(report)):
        assert "by paired bootstrap" in text
    assert report.as_json()["rules"][0]["findings"][0]["test"] == "paired bootstrap"


def test_other_draws_cannot_be_measured(tmp_path):
    report = judge(rules({"metric": "map"}), made(tmp_path, "bad", 0.1, draws=100), made(tmp_path, "old", 0.35))
    assert report.exit_code == 3
    assert "100 draws with seed 0 and 200 draws with seed 0" in report.outcomes[0].findings[0].words


def test_a_baseline_of_layout_1_lacks_draws_and_says_so(tmp_path):
    old, bad = made(tmp_path, "old", 0.35), made(tmp_path, "bad", 0.1)
    report = judge(
        rules(
            {"metric": "map"},
            {"metric": "micro_f1"},
            {"metric": "strict_micro_f1"},
            {"metric": "map", "at_least": "20 %"},
        ),
        bad,
        downgraded(old),
    )
    assert [o.answer for o in report.outcomes] == [
        Answer.UNMEASURED,
        Answer.REGRESSED,
        Answer.UNMEASURED,
        Answer.PASSED,
    ]
    assert "layout 1" in report.outcomes[0].findings[0].words
    assert "no sums of strict" in report.outcomes[2].findings[0].words


def test_the_condition_or_the_class_is_missing_in_the_baseline(tmp_path):
    bad = made(tmp_path, "bad", 0.1)
    old = tag_run(tmp_path / "old", {"clean": heard(TARGET, 0.35, "old")}, TARGET, name="old")
    report = judge(rules({"metric": "map", "condition": "*"}, {"metric": "robustness:corruption_mean"}), bad, old)
    assert answers(report) == [[Answer.REGRESSED, Answer.UNMEASURED], [Answer.UNMEASURED]]
    assert "there is no condition" in report.outcomes[0].findings[1].words
    # A baseline keeps draws of classes on clean audio unless it is told otherwise.
    whole = made(tmp_path, "whole", 0.35)
    noisy = rules({"metric": "ap", "group": "class=cat", "condition": "white@1"})
    for parts, code in ((("clean",), 3), (("*",), None)):
        short = set_baseline("main", whole.path, tmp_path / "baselines", parts=parts).path
        report = judge(noisy, bad, opened(short))
        assert report.exit_code == 3 if code else report.exit_code in (0, 1)
    assert "baseline set --parts" in judge(noisy, bad, opened(cut(tmp_path, whole))).outcomes[0].findings[0].words


def cut(tmp_path, run):
    return set_baseline("short", run.path, tmp_path / "baselines").path


def opened(path):
    from benchbed.compare.runs import open_run

    return open_run(path)


def test_zero_clips_in_a_group(tmp_path):
    target = TARGET.copy()
    target[:, 2] = 0
    runs = [tag_run(tmp_path / n, {"clean": heard(target, s, n)}, target, name=n) for n, s in (("a", 0.1), ("b", 0.35))]
    report = judge(rules({"metric": "ap", "group": "class=*"}), *runs)
    told = {f.subject: f for f in report.outcomes[0].findings}
    empty = told["ap · clean · class=rain"]
    assert empty.answer is Answer.UNMEASURED and "no positive clips" in empty.words


def test_all_clips_of_a_condition_failed(tmp_path):
    old = made(tmp_path, "old", 0.35)
    new = made(tmp_path, "new", 0.35, lost={"white@1": np.ones(120, bool)})
    report = judge(rules({"metric": "map", "condition": "*"}), new, old)
    assert answers(report) == [[Answer.PASSED, Answer.UNMEASURED]] and report.exit_code == 3


def test_lost_clips_never_pass_silently(tmp_path):
    lost = np.arange(120) == 7
    old, new = made(tmp_path, "old", 0.35), made(tmp_path, "new", 0.35, lost={"clean": lost})
    report = judge(rules({"metric": "map", "allow_failures": "1 clips"}), new, old)
    words = report.outcomes[0].findings[0].words
    assert report.exit_code == 3 and "1 recordings were not scored alike" in words
    assert "1 of 120 clips" in words and "`allow_failures` cannot leave recordings out of it" in words
    # Both lost the same one, or no other run is needed: the figures are made from the same clips, and the loss is said.
    both = made(tmp_path, "both", 0.35, lost={"clean": lost})
    for report in (
        judge(rules({"metric": "map", "allow_failures": "1 clips"}), new, both),
        judge(rules({"metric": "map", "at_least": "10 %", "allow_failures": "1 clips"}), new),
    ):
        assert report.exit_code == 0
        assert "clips are missing, as the rule allows: new: 1 of 120" in report.outcomes[0].findings[0].words


def test_nan_in_the_draws_is_no_test(tmp_path):
    """A metric that is undefined in many draws has no honest interval, and the gate has no answer."""
    old, bad = made(tmp_path, "old", 0.35), made(tmp_path, "bad", 0.1)
    sums = read_statistics(bad.path.parent)
    for cell in sums.cells.values():
        cell.drawn.replicates[[name == ("", "map") for name in cell.drawn.names], ::4] = np.nan
    write_statistics(sums, bad.path.parent)
    resummed(bad.path.parent)
    report = judge(rules({"metric": "map"}), opened(bad.path), old)
    assert report.exit_code == 3 and "undefined in 50 of 200 draws" in report.outcomes[0].findings[0].words


def seeds(tmp_path, name, strength, count, **facts):
    return [
        tag_run(
            tmp_path / f"{name}{i}",
            {"clean": heard(TARGET, strength, name, i), "white@1": heard(TARGET, strength / 2, name, i, 1)},
            TARGET,
            name=f"{name}[seed={i}]",
            options={"seed": i},
            **facts,
        )
        for i in range(count)
    ]


def test_seeds_of_either_side_are_one_model(tmp_path):
    old, bad = seeds(tmp_path, "old", 0.35, 3), seeds(tmp_path, "bad", 0.1, 3)
    every = rules(
        {"metric": "map", "margin": {"absolute": "1 pt"}},
        {"metric": "micro_f1", "margin": {"relative": "2 %"}},
        {"metric": "robustness:corruption_mean"},
        {"metric": "map", "at_least": "20 %"},
        {"metric": "map", "relation": "relative_gain", "at_least": "1 %"},
        {"metric": "map", "condition": "white@1", "against": "clean"},
    )
    report = judge(every, bad, old)
    assert [o.answer for o in report.outcomes] == [Answer.REGRESSED] * 3 + [Answer.PASSED] + [Answer.REGRESSED] * 2
    first = report.outcomes[0].findings[0]
    assert first.facts["seeds"] == [3, 3] and "t over recordings and seeds" in first.words
    own = [run.result.cells[0].metrics["map"].value for run in bad]
    assert first.facts["value"] == pytest.approx(np.mean(own)) and first.facts["values"] == pytest.approx(own)
    # By hand: the sample variance of three seeds over three, of both sides.
    theirs = [run.result.cells[0].metrics["map"].value for run in old]
    error = np.sqrt(np.var(own, ddof=1) / 3 + np.var(theirs, ddof=1) / 3)
    assert first.facts["error_seeds"] == pytest.approx(error, rel=1e-6)
    assert judge(every, old, bad).outcomes[0].answer is Answer.PASSED
    assert report.run == "bad[seed=0] and 2 more seeds"


def test_the_spread_of_the_seeds_keeps_a_lucky_one_from_counting(tmp_path):
    """Seeds as far apart as the models: one pair of runs shows a loss that the two models do not have."""
    strengths = (0.1, 0.2, 0.3, 0.4)
    old = [
        tag_run(tmp_path / f"o{i}", {"clean": heard(TARGET, s, "o", i)}, TARGET, options={"seed": i})
        for i, s in enumerate(strengths)
    ]
    new = [
        tag_run(tmp_path / f"n{i}", {"clean": heard(TARGET, s - 0.05, "n", i)}, TARGET, options={"seed": i})
        for i, s in enumerate(strengths)
    ]
    assert judge(rules({"metric": "map"}), new[0], old[3]).exit_code == 1
    report = judge(rules({"metric": "map"}), new, old)
    assert report.exit_code == 0 and not report.outcomes[0].conclusive
    assert report.outcomes[0].findings[0].facts["mde"] > 0.1


def test_one_seed_on_a_side_is_noted(tmp_path):
    old, bad = seeds(tmp_path, "old", 0.35, 1), seeds(tmp_path, "bad", 0.1, 3)
    report = judge(rules({"metric": "map"}), bad, old)
    assert report.exit_code == 1 and any("the baseline is one seed" in note for note in report.notes)


def test_equal_seeds_pass(tmp_path):
    old = seeds(tmp_path, "old", 0.35, 2)
    report = judge(rules({"metric": "map", "margin": {"absolute": "50 pt"}}), old, old)
    assert report.exit_code == 0


def test_models_are_not_seeds(tmp_path):
    from benchbed.compare.places import open_seeds

    for run in seeds(tmp_path, "a", 0.3, 2) + seeds(tmp_path, "b", 0.3, 1):
        assert run.path.exists()
    assert len(open_seeds([str(tmp_path / "a*")])) == 2
    with pytest.raises(ConfigError, match="runs of 2 models on one side"):
        open_seeds([str(tmp_path / "a0"), str(tmp_path / "b0")])
    with pytest.raises(ConfigError, match="no run and no baseline like"):
        open_seeds([str(tmp_path / "z*")])
    with pytest.raises(ConfigError, match="given twice"):
        open_seeds([str(tmp_path / "a*"), str(tmp_path / "a1")])


def test_the_rules_for_detectors_can_be_read():
    assert load_rules("dcase_task4").rules.suite == "dcase_task4"
