"""Attacks on models of tags, against what can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from made_taggers import LABELS, RATE, SAMPLES, weights

from benchbed.rng import stream


def failed(checks):
    return sorted(name for name, check in checks.items() if check.status == "fail")


def logits(world, clips, classes=3):
    return np.stack([weights(classes) @ soundfile.read(world.root / p, dtype="float32")[0] for p in clips["path"]])


@pytest.mark.parametrize("attack", ["pgd", "apgd", "fgsm"])
def test_one_class_of_a_linear_tagger_falls_exactly_where_the_closed_form_says(world, attack):
    """Under L∞ the logit of a class moves by at most ε‖w‖₁, and there is a point where it does."""
    clips = world.table(3)
    budgets = [0.0003, 0.001, 0.003]
    rows, checks, _ = world(
        {"attack": attack, "threat": "linf", "budgets": budgets, "n": 12, "goal": "class", "target_class": "b"},
        clips,
        world.tagger(),
    )
    assert rows["clean_correct"].all() and checks["agreement"].status == "pass"
    reach = np.abs(weights(3)[1]).sum()
    distance = dict(zip(clips["clip_id"], np.abs(logits(world, clips)[:, 1])))
    turned = 0
    for row in rows.itertuples():
        budget = float(row.cell.rpartition(":")[2])
        assert row.robust == (distance[row.clip_id] > budget * reach), row.cell
        turned += not row.robust
    assert 3 < turned < len(rows) - 3


def test_a_set_of_labels_changes_exactly_where_the_nearest_class_is_in_reach(world):
    clips = world.table(3)
    rows, checks, _ = world(
        {
            "attack": "fast",
            "threat": "linf",
            "budgets": [0.0003, 0.001],
            "n": 12,
            "steps": 20,
            "success": {"rule": "label_set"},
        },
        clips,
        world.tagger(),
    )
    nearest = (np.abs(logits(world, clips)) / np.abs(weights(3)).sum(1)).min(1)
    distance = dict(zip(clips["clip_id"], nearest))
    for row in rows.itertuples():
        assert row.robust == (distance[row.clip_id] > float(row.cell.rpartition(":")[2])), row.cell
    assert set(rows["score_attacked"]) == {0.0, 1.0} and failed(checks) == []
    broken = rows[~rows["robust"]]
    assert (broken["missed"] + broken["inserted"] >= 1).all()


def test_average_precision_of_a_clip_is_that_of_the_reference_package(world):
    from sklearn.metrics import label_ranking_average_precision_score as lrap

    clips = world.table(3)
    rows, checks, _ = world({"attack": "standard", "budgets": [30, 10], "n": 12, "steps": 10}, clips, world.tagger())
    assert failed(checks) == [] and checks["cross_check"].status == "skipped"
    for row in rows.itertuples():
        truth = np.array([[name in row.label for name in LABELS]])
        if truth.any():
            assert row.score_attacked == pytest.approx(lrap(truth, row.answer[None]))
        else:
            assert row.score_attacked == float((row.answer < 0.5).all())
        assert row.robust == (row.clean_correct and row.score_attacked > 0.5 * row.score_clean)
        # A clip whose classes are all there cannot be ranked wrongly.
        assert truth.all() == ("every label" in str(row.skipped)) == (not row.attacked and row.clean_correct)


def test_goals_go_where_they_are_sent_and_spare_what_they_cannot_touch(world):
    none = 0.01 * stream("none").standard_normal(SAMPLES) - 0.05 * np.sign(weights(3)).sum(0)
    clips = world.table(3, extra=(("none.wav", none, ()), ("still.wav", np.zeros(SAMPLES), ())))
    assert (logits(world, clips)[12] < 0).all(), "the model rightly hears nothing in the clip without labels"
    base = {
        "attack": "fast",
        "threat": "linf",
        "budgets": [0.005],
        "n": 14,
        "steps": 15,
        "success": {"rule": "label_f1", "fraction": 0.0},
    }
    hidden, _, _ = world({**base, "goal": "hide"}, clips, world.tagger())
    added, _, _ = world({**base, "goal": "insert"}, clips, world.tagger())
    tried = hidden[hidden["attacked"]]
    assert tried["missed"].sum() > 5 * max(1, tried["inserted"].sum())
    assert added.loc[added["attacked"], "inserted"].sum() > 5 * max(1, added.loc[added["attacked"], "missed"].sum())
    spared = hidden.set_index("clip_id")["skipped"].dropna()
    assert "no label" in spared["toy/none.wav"]
    every = {f"toy/{p}" for p, there in zip(clips["path"], (logits(world, clips) > 0).all(1)) if there}
    assert every == set(added.loc[added["skipped"].astype(str).str.contains("every label"), "clip_id"])


def test_a_silent_clip_without_labels_is_kept_apart(world):
    clips = world.table(3, extra=(("still.wav", np.zeros(SAMPLES), ()),))
    rows, _, _ = world(
        {"attack": "fast", "budgets": [20], "n": 13, "steps": 5}, clips, world.tagger(after="scores = scores - 1e-3")
    )
    still = rows.set_index("clip_id").loc["toy/still.wav"]
    assert still["clean_correct"] and not still["attacked"] and still["robust"]
    assert "silent" in still["skipped"] and still["score_clean"] == 1.0


def test_five_hundred_classes(world):
    labels = tuple(f"k{i:03d}" for i in range(527))
    clips = world.table(527, 8)
    rows, checks, _ = world(
        {"attack": "fast", "budgets": [40, 0], "n": 8, "steps": 10}, clips, world.tagger(labels=labels), labels=labels
    )
    assert rows["clean_correct"].all() and rows["score_clean"].eq(1.0).all()
    assert failed(checks) == []
    first, last = (rows[rows["cell"].str.endswith(end)] for end in (":40dB", ":0dB"))
    assert first["robust"].mean() > last["robust"].mean() == 0.0


def test_probabilities_and_logits_of_one_model_fall_alike(world):
    clips = world.table(3)
    condition = {"attack": "apgd", "budgets": [30, 20], "n": 12, "steps": 10, "options": {"loss": "ranking"}}
    plain, _, _ = world(condition, clips, world.tagger())
    squashed, checks, _ = world(
        condition, clips, world.tagger(after="scores = torch.sigmoid(scores)", scores="probabilities", name="squashed")
    )
    assert plain["robust"].tolist() == squashed["robust"].tolist() and failed(checks) == []


@pytest.mark.parametrize(
    ("broken", "check", "status"),
    [
        ({"before": "x = (x * 16).round() / 16"}, "gradient_zero", "fail"),
        ({"after": "scores = torch.sigmoid(1e4 * scores)", "scores": "probabilities"}, "gradient_zero", "fail"),
        ({"after": "scores = scores * 0 - 1"}, "clean", "fail"),
        ({"after": "scores = torch.sigmoid(scores)"}, "saturation", "warn"),
        ({"after": "scores = scores + 0.01 * torch.randn_like(scores)"}, "randomness", "warn"),
        (
            {
                "after": "off = ((x * 32768) % 1).abs().flatten(1).amax(1) > 0; "
                "scores = torch.where(off[:, None], scores + float('nan'), scores)"
            },
            "answers",
            "fail",
        ),
    ],
)
def test_a_broken_tagger_trips_the_right_check(world, broken, check, status):
    clips = world.table(3)
    if check == "answers":  # clean clips that a 16-bit file can hold are answered, everything else is not
        for path in clips["path"]:
            wave = soundfile.read(world.root / path)[0]
            soundfile.write(world.root / path, (wave * 32768).round() / 32768, RATE, subtype="FLOAT")
    rows, checks, _ = world({"attack": "fast", "budgets": [20], "n": 12, "steps": 5}, clips, world.tagger(**broken))
    assert checks[check].status == status, checks[check].message
    if check == "answers":
        assert rows.loc[rows["clean_correct"], "robust"].all() and rows["clean_correct"].any()


def test_transfer_and_universal_perturbations_of_taggers(world):
    clips = world.table(3, 24)
    other = world.tagger(before="x = x * 1.01", name="other")
    condition = {"attack": "transfer", "budgets": [10], "n": 8, "options": {"steps": 10}, "sources": [str(other)]}
    rows, checks, _ = world(condition, clips, world.tagger())
    assert set(rows.loc[~rows["robust"] & rows["attacked"], "broken_by"]) == {"transfer:other"}
    assert checks["budget"].status == "pass"
    for attack in ("universal", "music"):
        rows, checks, _ = world(
            {"attack": attack, "budgets": [0], "n": 8, "options": {"passes": 3}}, clips, world.tagger()
        )
        assert checks["budget"].status == checks["agreement"].status == "pass"
        assert rows.loc[rows["attacked"], "shifted_correct"].between(0, 1).all()
