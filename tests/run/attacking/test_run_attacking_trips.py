"""One way to trip each row of the table of sanity checks: a model or an attack that is wrong in exactly that way.

`test_run_attacking_checks.py` has whole models with their symptoms; here every row has a test of its own name.
"""

from __future__ import annotations

import pytest
import torch
from made_attacks import linear, problem

from benchbed.attack import resolve, sanity
from benchbed.attack.attacks.fgsm import Fgsm
from benchbed.attack.attacks.pgd import Pgd
from benchbed.attack.contract import Outcome, Victim
from benchbed.attack.ensemble import ensemble, levels
from benchbed.attack.threat import Ball, Threat
from benchbed.run.attacking.checks import attack_checks
from benchbed.suite.conditions import AttackCondition
from benchbed.suite.model import Suite
from benchbed.suite.plan import plan_cells

FAST = {"attack": "fast", "budgets": [0], "n": 12, "steps": 10}


def verdict(check, n, bad, worst=0.0, attack="standard", beside=(), text=""):
    """The verdict on one noted fact."""
    condition = AttackCondition(attack=attack, budgets=[20.0], n=n)
    cells = plan_cells(Suite(name="s", version="1", task="scene", data={"layout": "folder"}, conditions=[condition]))
    facts = [{"check": name, "n": n, "bad": 0, "worst": 0.0, "cell": None, "text": ""} for name in beside]
    facts.append({"check": check, "n": n, "bad": bad, "worst": worst, "cell": None, "text": text})
    found = attack_checks(condition, cells[-1:], facts, 10)
    return next(each for each in found if each.name == f"attack:{check}").status


def test_clean_agreement_a_plain_path_that_answers_otherwise(attacked, adapter_file):
    """The attack sees a model in another mode than the one that is scored: the defect that read 12 robust for 7."""
    moody = adapter_file(after="scores = scores - 6 * scores if torch.is_grad_enabled() else scores")
    _, checks, _ = attacked({**FAST, "attack": "apgd", "budgets": [20]}, adapter=moody)
    assert checks["agreement"].status == "fail"


@pytest.mark.parametrize("budget", [{"threat": "l2", "budgets": [20]}, {"threat": "linf", "budgets": [0.001]}])
def test_budget_an_attack_that_takes_more_than_it_may(attacked, monkeypatch, budget):
    """As a clamp to 0…1 does to waveforms: L∞ of 0.786 for a budget of 0.0001."""
    monkeypatch.setattr(Ball, "project", lambda self, points: points.clamp(0, 1))
    monkeypatch.setattr(Ball, "into", lambda self, points: points.clamp(0, 1))
    _, checks, _ = attacked({"attack": "fgsm", "n": 6, **budget})
    assert checks["budget"].status == "fail"


def test_budget_an_attack_that_leaves_the_box(attacked, monkeypatch):
    def loud(self, made):
        outcome = Outcome.start(made)
        outcome.points[:, :, 0], outcome.margin[:] = 1.001, -1.0
        return outcome

    monkeypatch.setattr(Fgsm, "run", loud)
    _, checks, _ = attacked({"attack": "fgsm", "n": 6, "threat": "linf", "budgets": [1.5]})
    assert checks["budget"].status == "fail" and "outside" in checks["budget"].message


@pytest.mark.parametrize("name", ["apgd", "pgd", "square", "white_noise"])
def test_monotone_budget_starts_of_one_direction_and_carried_flags(name):
    """Per clip, a larger budget never gives a more robust flag, whatever the attack alone would have said."""
    weight, clean, target = linear(5)

    def forward(x):
        # Wraps round: more is not always worse, so that the attack alone is not monotone.
        return (3 * x.flatten(1) @ weight.T).sin()

    target = forward(clean).argmax(1)
    threats = [Threat("linf", eps) for eps in (0.005, 0.02, 0.1, 0.5)]
    found = levels(lambda t: problem(forward, clean, target, t.norm, t.budget), threats, ensemble(name))
    flags = torch.stack([level.outcome.broken for level in found]).int()
    assert bool((flags.diff(dim=0) >= 0).all()) and int(flags[-1].sum()) > 0
    start = [problem(forward, clean, target, t.norm, t.budget).noise("start", 0) for t in threats]
    assert all(torch.equal(start[0], other) for other in start)


def test_monotone_steps_an_attack_that_forgets_its_best_point():
    weight, clean, target = linear(3)
    asked = problem(lambda x: x.flatten(1) @ weight.T, clean, target, "linf", 0.004)
    once, forgetful = resolve("apgd", {"steps": 20}).run(asked), resolve("white_noise", {"draws": 1})
    finding = sanity.more_steps(asked, once, forgetful)
    assert finding.bad > 2 and verdict("steps", finding.n, finding.bad) == "fail"
    kept = sanity.more_steps(asked, resolve("pgd", {"steps": 10}).run(asked), resolve("pgd", {"steps": 20}))
    assert kept.bad == 0 and verdict("steps", kept.n, kept.bad, kept.worst) in ("pass", "warn")


def test_unbounded_budget_a_model_that_never_moves():
    asked = problem(
        lambda x: 0 * x.sum((1, 2))[:, None] + torch.tensor([[1.0, 0.0]]),
        torch.ones(8, 1, 9) / 9,
        torch.zeros(8, dtype=torch.int64),
        "l2",
        -20.0,
    )
    finding = sanity.unbounded(asked, resolve("apgd", {"steps": 5}))
    assert finding.bad == 8 and verdict("unbounded", 8, finding.bad) == "fail"
    weight, clean, target = linear(2)
    open_one = problem(lambda x: x.flatten(1) @ weight.T, clean, target, "l2", -20.0)
    assert sanity.unbounded(open_one, resolve("apgd", {"steps": 5})).bad == 0


def test_noise_floor_a_gradient_that_leads_the_wrong_way(attacked, adapter_file):
    backwards = adapter_file(
        extra="""
    def attack_forward(self, x):
        return -self.model(x)
"""
    )
    condition = {"attack": "pgd", "budgets": [-5, -15], "n": 12, "options": {"steps": 5, "loss": "margin"}}
    _, checks, _ = attacked(condition, adapter=backwards)
    assert checks["floor"].status == "fail"
    _, checks, _ = attacked(condition)
    assert checks["floor"].status == "pass"


@pytest.mark.parametrize(
    ("before", "check"),
    [
        ("x = (x * 128).round() / 128", "gradient_zero"),
        ("x = x + 0 * (0 * x).abs().sqrt()", "gradient_nonfinite"),
    ],
)
def test_gradient_health_zero_and_not_finite(attacked, adapter_file, before, check):
    _, checks, _ = attacked(FAST, adapter=adapter_file(before=before))
    assert checks[check].status == "fail"


def test_gradient_health_silence_is_counted_apart(attacked, toy_table, tmp_path):
    import numpy as np
    import soundfile

    soundfile.write(tmp_path / "data" / "00.wav", np.zeros(2000), 8000)
    rows, checks, _ = attacked({**FAST, "n": 36})
    assert rows.loc[rows["clip_id"] == "toy/00.wav", "silent"].all()
    assert checks["gradient_zero"].status == "pass" and not rows.loc[~rows["silent"], "skipped"].notna().any()


def test_black_box_that_beats_the_gradient(attacked, adapter_file):
    """Rounding hides the gradient and little else: what breaks is broken from outside."""
    masked = adapter_file(before="x = (x * 32).round() / 32")
    _, checks, _ = attacked({**FAST, "attack": "standard", "budgets": [5, 0]}, adapter=masked)
    assert checks["black_box"].status == "fail" and "masked" in checks["black_box"].message
    assert verdict("black_box", 1000, 2, beside=["gradient_zero"]) == "warn"  # at most 0.2 % of the clips
    assert verdict("black_box", 1000, 3, beside=["gradient_zero"]) == "fail"


def test_randomness_one_lucky_draw_is_not_a_break(attacked, adapter_file):
    """A defence by noise: the attack met some wrong draw, fresh draws of the same audio are nearly all right."""
    noisy = adapter_file(after="scores = scores + 2.0 * torch.randn_like(scores)", name="noisy")
    rows, checks, _ = attacked({**FAST, "budgets": [60], "steps": 20}, adapter=noisy)
    assert checks["randomness"].status == "warn"
    judged = rows[rows["attacked"]]
    assert (judged["robust"] == (judged["correct_share"] > 0.5)).mean() > 0.8
    assert judged["correct_share"].mean() > 0.8


def test_loss_progress_a_path_that_never_rises():
    flat = problem(
        lambda x: x[:, 0, :2].round() + torch.tensor([1.0, 0.0]),
        torch.zeros(6, 1, 9),
        torch.zeros(6, dtype=torch.int64),
        "linf",
        0.01,
    )
    found = levels(lambda t: flat, [Threat("linf", 0.01)], ensemble("apgd"))[0]
    assert (found.attacked, found.climbed) == (6, 0)
    assert verdict("progress", found.attacked, found.attacked - found.climbed) == "fail"
    weight, clean, target = linear(3)
    asked = problem(lambda x: x.flatten(1) @ weight.T, clean, target, "linf", 1e-5)
    found = levels(lambda t: asked, [Threat("linf", 1e-5)], ensemble("apgd"))[0]
    assert found.climbed == found.attacked == len(clean)
    assert verdict("progress", 100, 5) == "pass" and verdict("progress", 100, 6) == "fail"


def test_planted_adversarial_an_attack_that_does_not_find_it():
    weight, clean, target = linear(5, clips=8)
    asked = problem(lambda x: x.flatten(1) @ weight.T, clean, target, "l2", 20.0)
    found = sanity.planted(asked, resolve("apgd", {"loss": "margin", "steps": 30}))
    assert (found.n, found.bad) == (8, 0) and verdict("planted", 8, found.bad) == "pass"

    class Idle(Pgd):
        """Looks at the first point only."""

        def run(self, made):
            outcome = Outcome.start(made)
            every = torch.arange(len(made))
            outcome.offer(every, made.ball.clean, made.margin(made.victim.scores(made.ball.clean)), 0)
            return outcome

    missed = sanity.planted(asked, Idle("pgd", Pgd.defaults))
    assert missed.bad == missed.n == 8 and verdict("planted", 8, missed.bad) == "fail"


def test_batch_invariance_an_attack_that_draws_for_the_whole_batch():
    """Random starts drawn per batch: half of the adversarials changed with the batch."""

    class Drawn(Pgd):
        def run(self, made):
            outcome = Outcome.start(made)
            every = torch.arange(len(made))
            noise = torch.randn(made.ball.clean.shape, generator=torch.Generator().manual_seed(len(made)))
            points = made.ball.spread(noise)
            outcome.offer(every, points, made.margin(made.victim.scores(points)), 0)
            return outcome

    weight, clean, target = linear(10, clips=12)
    asked = problem(lambda x: x.flatten(1) @ weight.T, clean, target, "l2", 0.0)
    drawn = Drawn("pgd", Pgd.defaults)
    finding = sanity.alone(asked, drawn, drawn.run(asked))
    assert finding.bad >= 2 and verdict("batch", finding.n, finding.bad, finding.worst) == "fail"
    for sound in (resolve("white_noise"), resolve("pgd", {"steps": 5})):
        assert sanity.alone(asked, sound, sound.run(asked)).bad == 0


def test_cross_check_an_attack_that_is_weaker_than_the_librarys():
    assert verdict("cross_check", 8, 1) == "pass"
    assert verdict("cross_check", 8, 2) == "warn"


def test_softmax_an_underflow_of_the_cross_entropy():
    """Scores that are 2000 times too large: exp underflows, the loss is exactly zero and has no gradient."""
    weight, clean, target = linear(3)
    asked = problem(lambda x: 5000 * x.flatten(1) @ weight.T, clean, target, "linf", 0.001)
    finding = sanity.saturation(asked, "logits")
    assert finding.bad > 0 and verdict("saturation", finding.n, finding.bad) == "warn"
    sound = problem(lambda x: x.flatten(1) @ weight.T, clean, target, "linf", 0.001)
    assert sanity.saturation(sound, "logits").bad == 0


@pytest.mark.parametrize("classes", [2, 3, 10, 527])
def test_every_attack_runs_on_any_class_count(classes):
    weight, clean, target = linear(classes, clips=3)
    for name in ("fgsm", "pgd", "apgd", "apgd_t", "square", "white_noise", "pink_noise"):
        found = resolve(name).run(problem(lambda x: x.flatten(1) @ weight.T, clean, target, "l2", 0.0))
        assert bool(found.margin.isfinite().all()), name


def test_a_model_without_gradient_anywhere_is_not_climbed_but_still_answered():
    victim = Victim(lambda x: x.detach()[:, 0, :3])
    loss, scores, slope = victim.gradient(torch.ones(2, 1, 5), torch.tensor([0, 1]), lambda s, y: s[:, 0])
    assert not bool(slope.any()) and scores.shape == (2, 3) and loss.tolist() == [1.0, 1.0]
