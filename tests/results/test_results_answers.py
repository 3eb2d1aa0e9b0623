"""What runs answer to the questions of the first page: picked by hand from records written by hand."""

from __future__ import annotations

import pytest
from made_records import figure, make_result

from benchbed.results.alike import subjects, tables
from benchbed.results.answers import answers, best_asked, leading, macs, per_mac, ranking_value
from benchbed.results.record import Condition, Result, Value


def asked(*results: Result) -> dict[str, dict[int, float | None]]:
    return {a.question: {place: value.value for place, value in a.values.items()} for a in answers(results)}


def attacked(name: str, kept: dict[float, float], *, attack: str = "standard", ranked: bool = True) -> Result:
    """A run with robust accuracy at each budget."""
    run = make_result(name)
    for budget, value in kept.items():
        what = Condition(kind="attack", name=attack, parameter=budget, unit="dB SNR, whole clip")
        key = f"scene/test/{attack}@l2:{budget:g}dB"
        metrics = {"robust_accuracy": figure(value), "clean_accuracy": figure(0.8), "noise_accuracy": figure(0.7)}
        cell = run.cells[0].model_copy(update={"key": key, "condition": what, "metrics": metrics, "ranked": ranked})
        run.cells.append(cell)
        run.scores[f"adversarial:robust_accuracy/{key.split('/', 2)[2]}"] = figure(value)
    return run


def corrupted(name: str, noise: float, mean: float, mce: float | None = None) -> Result:
    run = make_result(name, conditions=True)
    run.scores["robustness:group/noise"] = figure(noise)
    run.scores["robustness:corruption_mean"] = figure(mean)
    if mce is not None:
        run.scores["robustness:mce"] = Value(value=mce, n=9, direction="lower", unit="ratio", rule="mce:r")
    return run


def test_clean_unseen_devices_and_cost() -> None:
    one = make_result("a", 0.5)
    found = asked(one, make_result("b", 0.6, profile={}))
    assert found["clean"] == {0: 0.5, 1: 0.6}
    assert found["unseen"] == {0: 0.477, 1: 0.477}
    assert found["macs"] == {0: 29_419_156}
    # 50 points less the 10 of the majority, for 29.419156 million MACs; the second has no count.
    assert found["per_mac"] == {0: pytest.approx(40 / 29.419156)}


def test_noise_is_the_mean_over_the_noises_of_the_suite_beside_its_clean_figure() -> None:
    (noise,) = [a for a in answers([corrupted("a", 0.4, 0.45)]) if a.question == "noise"]
    assert noise.values[0].value == 0.4
    assert noise.clean[0].value == 0.573
    assert noise.about == "macro accuracy, mean over 3 noises and their strengths"


def test_attack_is_asked_at_the_middle_budget_or_the_nearest_that_tells_models_apart() -> None:
    one, two = attacked("a", {60: 0.7, 40: 0.3, 20: 0.0}), attacked("b", {60: 0.6, 40: 0.1, 20: 0.0})
    assert asked(one, two)["attack"] == {0: 0.3, 1: 0.1}
    flat = attacked("a", {60: 0.7, 40: 0.0, 20: 0.0}), attacked("b", {60: 0.6, 40: 0.0, 20: 0.0})
    assert asked(*flat)["attack"] == {0: 0.7, 1: 0.6}
    (attack,) = [a for a in answers([one, two]) if a.question == "attack"]
    assert attack.about == "robust accuracy, standard attack, 40 dB SNR, whole clip"
    assert attack.clean[0].value == 0.8


def folded(name: str, attack: tuple[float, float], noise: tuple[float, float]) -> Result:
    """A run of two folds, each with its figures under attack and in noise."""
    run = attacked(name, {40: attack[0]})
    other = attacked(name, {40: attack[1]}).cells[-1]
    twin = other.model_copy(update={"key": other.key.replace("/test/", "/late/"), "split": "late"})
    run.cells.append(twin)
    run.scores["robustness:test:group/noise"], run.scores["robustness:late:group/noise"] = map(figure, noise)
    return run


def test_folds_answer_together() -> None:
    """Means over folds; of 0.2 ± 0.03 and 0.6 ± 0.04 that is 0.4 ± half of 0.05."""
    one, two = folded("a", (0.2, 0.6), (0.1, 0.2)), folded("b", (0.0, 0.2), (0.3, 0.5))
    for cell, half in zip([c for c in one.cells if c.condition.kind == "attack"], (0.03, 0.04)):
        robust = cell.metrics["robust_accuracy"]
        assert robust.value is not None
        wide = {"low": robust.value - half, "high": robust.value + half}
        cell.metrics["robust_accuracy"] = robust.model_copy(update=wide)
    found = {a.question: a for a in answers([one, two])}
    assert {place: value.value for place, value in found["attack"].values.items()} == pytest.approx({0: 0.4, 1: 0.1})
    assert {place: value.value for place, value in found["noise"].values.items()} == pytest.approx({0: 0.15, 1: 0.4})
    whole = found["attack"].values[0]
    assert (whole.low, whole.high) == pytest.approx((0.375, 0.425))
    assert whole.rule.endswith("|mean-over-folds")
    del two.scores["robustness:late:group/noise"]
    assert 1 not in asked(one, two)["noise"], "a fold without the figure is no mean over folds"


@pytest.mark.parametrize("name", ["transfer", "white_noise"])
def test_what_is_no_attack_on_the_model_alone_answers_nothing(name: str) -> None:
    assert "attack" not in asked(attacked("a", {40: 0.3}, attack=name))


def test_an_attack_that_failed_a_check_answers_and_ranks_nothing() -> None:
    failed, sound = attacked("a", {40: 0.9}, ranked=False), attacked("b", {40: 0.1})
    assert asked(failed, sound)["attack"] == {1: 0.1}
    name = leading([failed, sound])
    assert name == "adversarial:robust_accuracy/standard@l2:40dB"
    assert ranking_value(failed, name) is None
    assert ranking_value(sound, name).value == 0.1


def test_a_suite_is_led_by_what_it_is_about() -> None:
    assert leading([make_result()]) == "macro_accuracy"
    assert leading([corrupted("a", 0.4, 0.45)]) == "robustness:corruption_mean"
    assert leading([corrupted("a", 0.4, 0.45, 0.9)]) == "robustness:mce"
    assert ranking_value(make_result("a", 0.5), "macro_accuracy").value == 0.5


def test_no_ratio_without_a_baseline_a_count_or_a_score_that_grows() -> None:
    assert per_mac(make_result(scores={})) is None
    assert per_mac(make_result(profile={"macs": {"reason": "no graph"}})) is None
    assert per_mac(make_result(primary="log_loss")) is None
    assert macs(make_result(profile={"macs": {"value": True, "unit": "MACs"}})) is None


def test_of_several_suites_the_one_with_the_most_models_answers() -> None:
    first = [make_result("a", 0.5, suite__name="one", suite__hash="1")]
    second = [make_result(name, 0.4, suite__name="two", suite__hash="2") for name in ("a", "b")]
    held = tables([*first, *second])
    assert [len(table) for table in held] == [1, 2]
    assert {(place, answer.question) for place, answer in best_asked(held)} >= {(1, "clean"), (1, "unseen")}


def test_subjects_part_tasks_data_and_what_is_synthetic() -> None:
    real = make_result("a", dataset__synthetic=False)
    other = make_result("a", dataset__name="esc50-synthetic")
    assert len(subjects([make_result("a"), make_result("b", suite__hash="other"), real, other])) == 3
    assert [len(table) for table in subjects([make_result("a"), make_result("b", suite__hash="other")])[0]] == [1, 1]
