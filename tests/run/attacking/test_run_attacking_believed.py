"""What makes a robust accuracy believable: audited gradients, fresh instances, means of random answers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from made_attacks import problem
from made_traps import TRAPS, Trap, write

from benchbed.attack.audit import MASKED, SOUND, audit, rival
from benchbed.attack.contract import Victim
from benchbed.attack.ensemble import ensemble
from benchbed.attack.expectation import steady_draws
from benchbed.attack.losses import scene
from benchbed.rng import stream
from benchbed.run.attacking.believed import fresh, gradient_audit, randomness
from benchbed.run.attacking.fresh import second_instance
from benchbed.run.attacking.noted import FactSum


def plane(clips: int = 6, samples: int = 300):
    random = stream("audit-plane")
    weight = torch.from_numpy(random.standard_normal((3, samples)).astype(np.float32)) / samples**0.5
    clean = torch.from_numpy(random.standard_normal((clips, 1, samples)).astype(np.float32))
    return weight, clean, [torch.from_numpy(random.standard_normal(clean.shape).astype(np.float32)) for _ in range(64)]


@pytest.mark.parametrize("size", [1.0, 1e-3, 1e3])
def test_a_ratio_is_the_cosine_to_the_true_gradient_whatever_its_size(size):
    """Of a plane the cosine is known: 1 for its own gradient, sqrt(share) where a share of the samples is left."""
    weight, clean, directions = plane()
    told = lambda x, rows: x[:, 0] @ weight[0]  # noqa: E731
    true = weight[0].expand_as(clean)
    kept = true * (torch.arange(300) < 60)
    sizes = clean.flatten(1).norm(dim=1)
    for gradient, wanted in ((true, 1.0), (-true, -1.0), (kept, float(kept[0].norm() / true[0].norm()))):
        found = audit(told, clean, size * gradient, directions, sizes, steps=(40.0,))
        assert found.ratio.mean().item() == pytest.approx(wanted, abs=0.1)
        assert found.queries == 2 * 65 * 6


def test_a_gradient_of_nothing_has_a_ratio_of_zero_and_a_flat_model_none():
    weight, clean, directions = plane()
    sizes = clean.flatten(1).norm(dim=1)
    blind = audit(lambda x, rows: x[:, 0] @ weight[0], clean, torch.zeros_like(clean), directions, sizes)
    assert blind.ratio.tolist() == [0.0] * 6
    dead = audit(lambda x, rows: torch.ones(len(x)), clean, clean, directions, sizes)
    assert dead.ratio.isnan().all()


def test_only_what_is_not_sound_yet_is_asked_with_larger_steps():
    """A rounded input is flat below its step; with a straight-through gradient it is sound above it."""
    weight, clean, directions = plane()
    told = lambda x, rows: ((x * 8).round() / 8)[:, 0] @ weight[0]  # noqa: E731
    found = audit(told, clean, weight[0].expand_as(clean), directions, clean.flatten(1).norm(dim=1))
    assert (found.ratio > 0.6).all() and found.queries > 2 * 65 * 6


def test_a_rival_class_is_kept_while_a_clip_is_moved():
    target, scores = torch.tensor([0, 1]), torch.tensor([[3.0, 1.0, 2.0], [0.0, 3.0, 1.0]])
    loss = rival(scene, scores)
    assert loss(scores, target).tolist() == [-1.0, -2.0]
    moved = torch.tensor([[3.0, 9.0, 2.0], [9.0, 3.0, 1.0]])
    assert loss(moved, target).tolist() == [-1.0, -2.0]
    assert loss.select(torch.tensor([1]))(moved[1:], target[1:]).tolist() == [-2.0]


def test_the_verdict_on_gradients_follows_the_thresholds():
    def said(bad, unsure, middle, n=40):
        facts = {"audit_unsure": FactSum(n, unsure, middle, "")}
        return gradient_audit(FactSum(n, bad, 0.0, ""), facts)[0]

    assert (MASKED, SOUND) == (0.27, 0.78)
    assert [said(0, 4, 1.0), said(1, 4, 1.0), said(0, 30, 0.6), said(3, 3, 1.0)] == ["pass", "warn", "warn", "fail"]
    assert gradient_audit(FactSum(0, 0, 0.0, ""), {})[0] == "skipped"


def test_an_audit_costs_at_most_a_twentieth_of_the_standard_ensemble(attacked, tmp_path):
    """Of clips that stand everywhere and were not vouched for; a gradient counts as three answers."""
    robust = write(tmp_path, "plain", Trap())
    made = []
    from benchbed.run.attacking import auditing

    before = auditing.audit
    try:
        auditing.audit = lambda *args, **named: made.append(before(*args, **named)) or made[-1]
        attacked({"attack": "fast", "budgets": [90], "n": 6, "steps": 2}, adapter=robust)
    finally:
        auditing.audit = before
    cost = ensemble("standard").cost(3, 1, 1, vouched=True)
    queries = sum(one.queries for one in made) / sum(len(one.ratio) for one in made)
    assert 0 < queries + 3 <= 0.05 * (cost.forwards + 2 * cost.backwards)


def test_a_black_box_has_no_gradient_to_audit(attacked, tmp_path):
    _, checks, _ = attacked(
        {"attack": "square", "budgets": [40], "n": 4, "options": {"queries": 3}},
        adapter=write(tmp_path, "closed", TRAPS["numpy_front_end"]),
    )
    assert "audit" not in checks and checks["closed"].status == "warn"


def test_masking_at_one_budget_marks_all_budgets(attacked, toy_job, tmp_path):
    """What is found on one budget's clips is no matter of that budget."""
    from benchbed.run.attacking.checks import attack_checks
    from benchbed.suite.model import Suite
    from benchbed.suite.plan import plan_cells

    condition = {"attack": "fast", "budgets": [40, 25], "n": 4, "steps": 4}
    job = toy_job(condition)
    cells = plan_cells(Suite(name="s", version="1", task="scene", data={"layout": "folder"}, conditions=[condition]))
    noted = [
        {"check": "audit", "n": 4, "bad": 4, "worst": 0.0, "cell": None, "text": ""},
        {"check": "audit_unsure", "n": 4, "bad": 4, "worst": 0.1, "cell": None, "text": ""},
    ]
    found = [c for c in attack_checks(job.conditions[0], cells, noted, 3) if c.name == "attack:audit"]
    assert {c.cell for c in found} == {cell.key for cell in cells} and {c.status for c in found} == {"fail"}


def test_a_second_instance_has_heard_nothing(toy_job, tmp_path):
    from benchbed.run.computing.engine import Engine

    engine = Engine(toy_job({"attack": "fgsm", "budgets": [20], "n": 4}, adapter=write(tmp_path, "one", Trap())))
    engine.take("test", [0, 1])
    engine.adapter.forward(torch.zeros(1, 1, 2000))
    with second_instance(engine) as second:
        assert second.own and not second.differs and second.how == "newly loaded"
        assert second.adapter is not engine.adapter and second.adapter.model.calls == 0


@pytest.mark.parametrize("asked", [True, False], ids=["keeps what it was asked", "other weights"])
def test_what_a_model_keeps_when_it_is_asked_is_no_weight(toy_job, tmp_path, asked):
    """An encoder keeps the embeddings of the texts that it was asked last; its newly loaded twin was asked nothing."""
    from dataclasses import replace

    from benchbed.adapter.digests import digest_of
    from benchbed.adapter.state import state_of
    from benchbed.run.computing.engine import Engine

    engine = Engine(toy_job({"attack": "fgsm", "budgets": [20], "n": 4}, adapter=write(tmp_path, "one", Trap())))
    engine.take("test", [0, 1])
    loaded = digest_of(state_of(engine.adapter)) if asked else "of other weights"
    engine.job = replace(engine.job, states={"test": loaded})
    engine.adapter.kept = torch.ones(3)
    with second_instance(engine) as second:
        assert second.how == "newly loaded" and second.differs is not asked


def test_a_live_model_is_judged_by_a_copy(toy_job, tmp_path):
    from dataclasses import replace

    from benchbed.adapter.load import load_adapter, start
    from benchbed.run.computing.engine import Engine

    adapter = start(load_adapter(str(write(tmp_path, "one", Trap()))))
    job = replace(toy_job({"attack": "fgsm", "budgets": [20], "n": 4}), recipe=("live:one", {}))
    engine = Engine(job, {"test": adapter})
    engine.take("test", [0])
    with second_instance(engine) as second:
        assert second.own and second.adapter is not adapter and "copy" in second.how


def test_weights_drawn_without_a_seed_are_another_model():
    assert fresh(FactSum(4, 0, 0.0, ""), {"fresh_how": FactSum(1, 0, 1.0, "newly loaded")})[0] == "fail"
    assert fresh(FactSum(0, 0, 0.0, "it cannot be copied"), {}) == ("skipped", "it cannot be copied")


def test_gradients_are_averaged_until_two_means_agree():
    """Of k draws two means agree to a cosine of 1 / (1 + (noise / slope)² / k)."""
    weight, clean, _ = plane()
    needed = []
    for noise in (0.1, 1.5, 50.0):
        torch.manual_seed(0)
        forward = lambda x, s=noise: (x + 0 * x).flatten(1) @ (weight + s * torch.randn_like(weight) / 300**0.5).T  # noqa: E731
        asked = problem(forward, clean, torch.zeros(6).long(), victim=Victim(forward, eot=8))
        needed.append(steady_draws(asked)[0])
    assert needed[0] == 8 and needed[1] in (8, 16) and needed[2] == 32


NOISY = Trap("x = x + 0.3 * torch.randn_like(x)", scale=1.0)


def test_a_random_model_is_as_accurate_at_one_budget_whatever_else_the_suite_lists(attacked, tmp_path):
    path = write(tmp_path, "noisy", NOISY)
    found = []
    for budgets in ([25], [45, 35, 25]):
        rows, checks, _ = attacked({"attack": "apgd", "budgets": budgets, "n": 6, "steps": 4}, adapter=path)
        last = rows[rows["cell"].str.endswith("25dB")]
        assert checks["randomness"].status == "warn" and "64 fresh" in checks["randomness"].message
        assert not last["carried"].any() and ((last["correct_share"] * 64) % 1 == 0).all()
        found.append(last["correct_share"].mean())
    assert found[0] == pytest.approx(found[1], abs=0.02)


def test_the_accuracy_of_a_random_model_is_the_mean_of_its_answers(attacked, tmp_path):
    import pandas as pd

    from benchbed.metrics.adversarial import cell_figures
    from benchbed.run.scoring.attacks import flags_of
    from benchbed.stats.bootstrap import Bootstrap

    rows, _, _ = attacked({"attack": "white_noise", "budgets": [30], "n": 6}, adapter=write(tmp_path, "n", NOISY))
    flags = flags_of(pd.DataFrame(rows), np.arange(6), np.arange(6), Bootstrap(6, draws=0))
    figures = cell_figures(flags)
    assert figures["robust_accuracy"].value == pytest.approx(rows["correct_share"].mean())
    assert figures["clean_accuracy"].value == pytest.approx(rows["clean_share"].mean())
    assert 0 < rows["clean_share"].mean() < 1


def test_random_figures_say_how_many_answers_they_are_made_of():
    status, message = randomness(FactSum(4, 4, 1.0, ""), {"expectation": FactSum(32, 1, -0.4, "", 32)})
    assert status == "warn" and "up to 32 draws (not stable" in message
