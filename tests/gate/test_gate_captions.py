"""Gates on captions: the rules of Task 6, and one rule for every figure of the family."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import benchbed as bb

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "metrics" / "golden" / "captions_pycocoevalcap_1.2.json").read_text("utf-8")
)
CORPUS = next(one for one in GOLDEN["corpora"] if one["id"] == "random-30")
#: Metric → a margin in its unit.
MARGINS = {
    **dict.fromkeys(("cider_d", "rouge_l", "bleu_1", "bleu_2", "bleu_3", "bleu_4", "meteor"), "0.01 score"),
    **dict.fromkeys(("empty", "repetition"), "1 pt"),
    **{"words": "0.5 words", "vocabulary": "1 words", "vocabulary_ratio": "0.02 ratio"},
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[bb.Run, bb.Run]:
    """The first reference of every clip, and its first word said twice over."""
    root = tmp_path_factory.mktemp("clotho")
    names = [f"clip {i}.wav" for i in range(30)]
    columns = {f"caption_{k + 1}": [held[k] for held in CORPUS["references"]] for k in range(5)}
    pd.DataFrame({"file_name": names, **columns}).to_csv(root / "clotho_captions_evaluation.csv", index=False)
    good = [held[0] for held in CORPUS["references"]]
    poor = [" ".join([text.split()[0]] * 4) if i else "" for i, text in enumerate(good)]
    made = [
        bb.score(
            "dcase_task6_captioning",
            pd.DataFrame({"file_name": names, "caption": said}),
            data={"clotho": root},
            out=root / "runs",
            name=name,
        )
        for name, said in (("good", good), ("poor", poor))
    ]
    return made[0], made[1]


def test_the_rules_of_task_6(runs):
    good, poor = runs
    assert bb.gate(good, good, "dcase_task6").passed
    verdict = bb.gate(poor, good, "dcase_task6")
    assert not verdict.passed and verdict.exit_code == 1


@pytest.mark.parametrize("metric", MARGINS)
def test_every_figure_can_be_held(runs, tmp_path, metric):
    good, poor = runs
    rules = tmp_path / "rules.yaml"
    rules.write_text(
        "name: one\nsuite: dcase_task6_captioning\nalpha: 0.05\nrules:\n"
        f"  - {{name: one, say: one, metric: {metric}, margin: {{absolute: {MARGINS[metric]}}}}}\n"
    )
    assert bb.gate(good, good, rules).passed
    verdict = bb.gate(poor, good, rules)
    # One empty caption of thirty is not enough to show a regression, and one is as good as measured.
    assert verdict.exit_code == 1 or metric == "empty"


@pytest.mark.parametrize("metric", ["spice", "fense", "clap_sim"])
def test_what_could_not_be_measured_is_no_pass(runs, tmp_path, metric):
    rules = tmp_path / "rules.yaml"
    rules.write_text(
        "name: one\nsuite: dcase_task6_captioning\nalpha: 0.05\nrules:\n"
        f"  - {{name: one, say: one, metric: {metric}, margin: {{absolute: 0.01 score}}}}\n"
    )
    verdict = bb.gate(runs[0], runs[0], rules)
    assert not verdict.passed and verdict.exit_code == 3


def test_a_comparison_has_every_figure(runs):
    frame = bb.compare(*runs).frame()
    tested = frame[frame["p"].notna()]["metric"].tolist()
    assert set(MARGINS) <= set(frame["metric"]) and {"cider_d", "meteor", "words", "vocabulary"} <= set(tested)
