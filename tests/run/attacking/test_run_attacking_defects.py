"""Nine defects of published attacks on audio models, each made impossible here.

Found in the notebooks of a thesis on audio event detection (attacks on CNN and transformer taggers); the numbers of the
tests are those of the list that was made of them.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from made_attacks import linear, problem

from benchbed.attack import resolve
from benchbed.attack.attacks.universal import ATTACK as Universal
from benchbed.attack.threat import Threat
from benchbed.errors import CannotMeasure


def test_1_perturbations_are_pure_functions_of_clean_audio(attacked, toy_job):
    """Noise was added in place, so that a later attack started from noisy input."""
    weight, clean, target = linear(3)
    before = clean.clone()
    for name in ("white_noise", "fgsm", "pgd", "apgd", "apgd_t", "square", "torchattacks:PGD"):
        resolve(name).run(problem(lambda x: x.flatten(1) @ weight.T, clean, target, "linf", 0.01))
        assert torch.equal(clean, before), name
        assert clean._version == 0, name
    first, _, _ = attacked({"attack": "fgsm", "budgets": [10], "n": 6})
    again, _, _ = attacked({"attack": "fgsm", "budgets": [10], "n": 6})
    assert first["margin"].tolist() == again["margin"].tolist()


def test_1_an_attack_after_noise_is_the_attack_alone():
    """The order of conditions changes nothing: noise first, or never, the attacked audio is the same bit for bit."""
    weight, clean, target = linear(3)
    forward = lambda x: x.flatten(1) @ weight.T  # noqa: E731
    alone = resolve("pgd", {"steps": 5}).run(problem(forward, clean, target, "linf", 0.01)).points
    asked = problem(forward, clean, target, "linf", 0.01)
    for noise in ("white_noise", "pink_noise"):
        resolve(noise).run(asked)
    assert torch.equal(resolve("pgd", {"steps": 5}).run(asked).points, alone)


def test_1_the_audio_that_an_attack_is_given_cannot_be_written_to(attacked, monkeypatch):
    """What a harness hands out is read-only; a copy is attacked, so other conditions read the clean clip."""
    from benchbed.attack.attacks.fgsm import Fgsm
    from benchbed.attack.contract import Outcome

    def careless(self, made):
        made.ball.clean.add_(0.5)
        return Outcome.start(made)

    before, _, _ = attacked({"attack": "white_noise", "budgets": [10], "n": 6, "keep": 6})
    monkeypatch.setattr(Fgsm, "run", careless)
    after, _, _ = attacked({"attack": "fgsm", "budgets": [10], "n": 6, "keep": 6})
    wanted = before.set_index("clip_id")["audio_clean"].dropna()
    assert len(wanted) and after.set_index("clip_id")["audio_clean"].loc[wanted.index].equals(wanted)


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_2_no_number_of_passes_lets_a_universal_perturbation_outgrow_its_budget(norm):
    """The sum of all steps was clipped to the data's range only."""
    weight, clean, target = linear(3, clips=20)
    budget = 20.0 if norm == "l2" else 0.003
    forward = lambda x: x.flatten(1) @ weight.T  # noqa: E731
    fitting = problem(forward, clean[:10], target[:10], norm, budget)
    attack = resolve("universal", {"passes": 40})
    asked = problem(forward, clean[10:], target[10:], norm, budget, fitted={"universal": attack.fit(fitting)})
    added = (attack.run(asked).points.double() - asked.ball.clean).flatten(1)
    size = added.norm(dim=1) if norm == "l2" else added.abs().amax(1)
    assert bool((size <= asked.ball.radius * (1 + 1e-5) + 1e-8).all())


@pytest.mark.parametrize("name", ["universal", "music"])
def test_2_the_budget_is_audited_after_the_attack(attacked, monkeypatch, name):
    """A perturbation that was summed up and never brought back is found out by the audit of the finished audio."""
    from benchbed.attack.threat import Ball

    grown = {"attack": name, "budgets": [20], "n": 6, "options": {"passes": 1}}
    _, checks, _ = attacked(grown)
    assert checks["budget"].status == "pass"
    monkeypatch.setattr(Ball, "project", lambda self, points: (self.clean + 3 * (points - self.clean)).clamp(-1, 1))
    _, checks, _ = attacked(grown)
    assert checks["budget"].status == "fail"


def test_3_all_models_get_one_budget_in_units_of_the_waveform(attacked, adapter_file):
    """Budgets were in units of each model's own normalised features, and differed."""
    plain, _, _ = attacked({"attack": "fgsm", "budgets": [20], "n": 6})
    scaled, _, _ = attacked(
        {"attack": "fgsm", "budgets": [20], "n": 6}, adapter=adapter_file(before="x = 50 * x", name="scaled")
    )
    for rows in (plain, scaled):
        assert rows.loc[rows["attacked"], "snr"].to_numpy() == pytest.approx(20.0, abs=0.01)


def test_3_a_budget_in_units_of_features_is_never_one_of_waveforms():
    from benchbed.attack.threat import FeatureThreat

    sound, feature = Threat("linf", 0.1), FeatureThreat("linf", 0.1)
    assert str(sound) != str(feature) and sound.unit != feature.unit and not feature.realizable


def test_4_nan_is_never_success():
    """A run with a loss of NaN was reported as the strongest attack."""
    weight, clean, target = linear(3)

    def forward(x):
        scores = x.flatten(1) @ weight.T
        off = (x.flatten(1)[:, None] - clean.flatten(1)[None]).abs().amax(2).amin(1) > 0
        return scores.masked_fill(off[:, None], float("nan"))

    for name in ("fgsm", "pgd", "apgd", "square", "white_noise"):
        asked = problem(forward, clean, target, "linf", 0.01)
        assert not bool(resolve(name).run(asked).broken.any()), name
        assert asked.victim.unanswered > 0


def test_5_a_score_that_ranks_well_overall_and_badly_by_class_is_not_alone(attacked):
    """One mean hid classes that were worse than chance: accuracy of every class stands beside the total."""
    from benchbed.metrics.cell import score_cell
    from benchbed.metrics.families.classification import family

    scores = np.array([[0.9, 0.1, 0.0]] * 9 + [[0.9, 0.05, 0.05]])
    target = np.array([0] * 9 + [2])
    found = score_cell(family(("a", "b", "c")), scores, target, np.arange(10))
    assert found.metrics["accuracy"].value == pytest.approx(0.9)
    assert found.groups["class=c"]["recall"].value == 0.0
    assert found.metrics["macro_accuracy"].value < 0.9


def test_5_tags_with_a_good_map_and_broken_areas_show_both():
    """A mAP of .411 stood beside a mean AUC of .837, some classes below .5: several rank metrics, and each class."""
    from benchbed.metrics.cell import score_cell
    from benchbed.metrics.families.tagging import family

    # By hand. a: positives at ranks 1 of 6 and 6 of 6, AP (1 + 2/6)/2 = 2/3, AUC (4 + 0)/8 = 1/2.
    # b: positives at ranks 1, 5, 6 of 6, AP (1 + 2/5 + 3/6)/3 = 19/30 above its share of 1/2, AUC 3/9 below chance.
    scores = np.stack([np.linspace(0.9, 0.1, 6)] * 2, 1)
    target = np.array([[1, 1], [0, 0], [0, 0], [0, 0], [0, 1], [1, 1]], float)
    found = score_cell(family(("a", "b")), scores, target, np.arange(6))
    assert found.metrics["map"].value == pytest.approx((2 / 3 + 19 / 30) / 2)
    assert found.metrics["mauc"].value == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert found.metrics["d_prime"].value < 0
    assert found.groups["class=b"]["ap"].value > 0.5 > found.groups["class=b"]["auc"].value == pytest.approx(1 / 3)


def test_6_every_prediction_is_named_by_model_clips_attack_and_code(toy_job, adapter_file):
    """Two checkpoints carried identical outputs, so that some cells belonged to nobody knows which."""
    from benchbed.run.preparing.units import cut
    from benchbed.suite.model import Suite
    from benchbed.suite.plan import plan_cells

    def ids(condition, model="a", clips=slice(None)):
        suite = Suite(name="s", version="1", task="scene", data={"layout": "folder"}, conditions=[condition])
        job = toy_job(condition)
        job.clips["test"] = job.clips["test"].iloc[clips]
        return {u.id for u in cut(job, plan_cells(suite), {"test": 9.0}, {}, {"test": {"weights": model}})}

    base = {"attack": "apgd", "budgets": [20], "n": 6}
    variants = [
        ids(base),
        ids(base, model="b"),
        ids({**base, "steps": 3}),
        ids({**base, "budgets": [21]}),
        ids(base, clips=slice(0, 12)),
        ids({**base, "threat": "linf", "budgets": [0.1]}),
    ]
    assert ids(base) == variants[0]
    assert sum(len(v) for v in variants) == len(set().union(*variants))


def test_7_interleaved_and_spliced_loss_are_two_conditions():
    """The same content, cut with gaps or spliced, was worth 0.015 or 0.281: what hurts are the edges."""
    from benchbed.perturb import resolve as corruption
    from benchbed.perturb.contract import Context
    from benchbed.rng import stream

    clip = 0.1 * stream("lost").standard_normal((1, 16000), dtype=np.float32)
    heard, edges = {}, {}
    for form in ("interleaved", "spliced"):
        made = corruption(f"occlusion_{form}")
        out = made.apply(made.prepare(clip, 8000, stream("lost"), Context()), 0.125).waveform
        heard[form] = out[out != 0]
        edges[form] = int((np.diff((out[0] != 0).astype(int)) != 0).sum())
    assert np.array_equal(heard["interleaved"], heard["spliced"]) and len(heard["spliced"]) == 8000
    assert edges == {"interleaved": 15, "spliced": 1}


def test_8_a_universal_perturbation_is_never_scored_on_what_it_was_fitted_on(toy_job, attacked):
    """The attacker saw the test set it was scored on."""
    from benchbed.run.attacking.sources import fitting_clips
    from benchbed.run.attacking.subset import attacked_rows

    job = toy_job({"attack": "universal", "budgets": [10], "n": 9})
    table = job.clips["test"]
    scored = table.iloc[attacked_rows(table, 9)]
    learned = fitting_clips(job, "test", set(scored["clip_id"]))
    assert learned and not {row["group"] for row in learned} & set(scored["group"])
    with pytest.raises(CannotMeasure, match="nothing left to fit"):
        fitting_clips(job, "test", set(table["clip_id"]))
    weight, clean, target = linear(3)
    with pytest.raises(CannotMeasure, match="not fitted"):
        Universal("universal", Universal.defaults).run(problem(lambda x: x.flatten(1) @ weight.T, clean, target))


def test_9_passes_are_counted_where_they_are_made():
    """The count is that of the calls the model received, not of a table."""
    from benchbed.attack.contract import Victim

    weight, clean, target = linear(3)
    for name in ("fgsm", "pgd", "apgd", "apgd_t", "square", "pink_noise", "torchattacks:PGD"):
        calls = []

        def forward(x, calls=calls):
            calls.append((len(x), torch.is_grad_enabled()))
            return x.flatten(1) @ weight.T

        victim = Victim(forward)
        resolve(name).run(problem(None, clean, target, "linf", 1e-4, victim=victim))
        assert victim.cost.forwards == sum(n for n, _ in calls), name
        assert victim.cost.backwards == sum(n for n, differentiated in calls if differentiated), name


def test_9_a_time_is_taken_after_the_device_has_finished(monkeypatch):
    from benchbed.profile.clock import clock_for

    waited = []
    monkeypatch.setattr(torch.cuda, "synchronize", waited.append)
    clock_for("cuda:0").now()
    assert waited == ["cuda:0"]


def test_9_the_cost_of_an_attack_is_counted_not_timed(attacked):
    """Times were taken around an asynchronous call; the price of an attack is a count of passes."""
    from benchbed.attack.ensemble import ensemble

    price = ensemble("full").cost(10, budgets=4, clips=200)
    # noise 6; APGD 2 losses × 5 restarts × (101, 100); targeted 9 × (101, 100) + 1; square 1000; transfer 102, 100
    assert price.forwards == 4 * 200 * (6 + 10 * 101 + 9 * 101 + 1 + 1000 + 102)
    assert price.backwards == 4 * 200 * (10 * 100 + 9 * 100 + 100)
    assert Threat("l2", 20.0).milder_than(Threat("l2", 10.0))
