"""Every way in which a model or an attack can fool its user trips the check that is meant for it."""

from __future__ import annotations

import copy

import pytest
import torch
from made_traps import Trap, write

from benchbed.run.attacking.checks import attack_checks
from benchbed.suite.conditions import AttackCondition
from benchbed.suite.plan import CellPlan

STANDARD = {"attack": "standard", "budgets": [40, 20], "n": 12, "steps": 12}
FAST = {**STANDARD, "attack": "fast"}


def failed(checks):
    return sorted(name for name, check in checks.items() if check.status == "fail")


@pytest.fixture
def sound(attacked):
    return attacked(STANDARD)


def test_a_sound_model_fails_no_check(sound):
    rows, checks, failures = sound
    assert failed(checks) == [] and not failures
    must = {
        "agreement",
        "budget",
        "randomness",
        "gradient_zero",
        "saturation",
        "floor",
        "black_box",
        "steps",
        "planted",
        "unbounded",
        "batch",
        "state",
        "clean",
        "answers",
        "finite_clean",
        "cross_check",
    }
    assert must <= set(checks)
    assert {name for name in must if checks[name].status == "pass"} == must
    assert rows["clean_correct"].all()


def test_a_rounded_input_masks_the_gradient_and_is_not_called_robust(attacked, adapter_file):
    """Rounding to 6 bits has zero gradient everywhere; the black box still finds what the gradient cannot."""
    masked = adapter_file(before="x = (x * 32).round() / 32")
    _, checks, _ = attacked({**STANDARD, "budgets": [20, 10, 5]}, adapter=masked)
    assert checks["gradient_zero"].status == "fail"
    assert "surrogate" in checks["gradient_zero"].message
    assert "planted" in failed(checks) or "unbounded" in failed(checks)


def test_a_straight_through_gradient_opens_a_masked_model(attacked, adapter_file):
    masked = "x = (x * 32).round() / 32"
    budget = {**FAST, "budgets": [0], "steps": 25}
    shut, _, _ = attacked(budget, adapter=adapter_file(before=masked))
    # The model rounds by itself; the stand-in lets the gradient through the rounding.
    through = adapter_file(
        before="x = x if self.calls else (x * 32).round() / 32",
        name="through",
        extra="""
    def surrogate(self, x):
        self.model.calls = 1
        try:
            return self.model(x + ((x * 32).round() / 32 - x).detach())
        finally:
            self.model.calls = 0
""",
    )
    opened, checks, _ = attacked(budget, adapter=through)
    assert checks["gradient_zero"].status == "pass" and "surrogate" in checks["gradient_zero"].message
    assert opened["robust"].sum() < shut["robust"].sum()
    assert checks["agreement"].status == "pass"


def test_a_random_model_is_averaged_and_judged_by_fresh_draws(attacked, adapter_file):
    random = adapter_file(after="scores = scores + 0.5 * torch.randn_like(scores)")
    state = torch.get_rng_state()
    rows, checks, _ = attacked({**FAST, "steps": 4, "budgets": [40]}, adapter=random)
    assert checks["randomness"].status == "warn" and "8" in checks["randomness"].message
    assert "batch" not in checks
    assert set((rows["correct_share"] * 8 % 1).tolist()) == {0.0}
    assert torch.equal(state, torch.get_rng_state())


def test_nan_answers_are_failures_of_the_model_not_successes_of_the_attack(attacked, adapter_file):
    """Finite on what a 16-bit file can hold, NaN on anything else: every attacked point breaks the model."""
    fragile = adapter_file(
        after="off = ((x * 32768) % 1).abs().flatten(1).amax(1) > 0; "
        "scores = torch.where(off[:, None], torch.full_like(scores, float('nan')), scores)"
    )
    rows, checks, _ = attacked(FAST, adapter=fragile)
    assert checks["answers"].status == "fail" and checks["unbounded"].status == "fail"
    assert rows["robust"].all() and (rows["broken_by"].isna()).all()


def test_a_model_that_is_nan_on_clean_clips_has_no_predictions(attacked, adapter_file):
    rows, checks, failures = attacked(FAST, adapter=adapter_file(after="scores = scores * float('nan')"))
    assert len(rows) == 0 and {failure["stage"] for failure in failures} == {"predict"}
    assert checks["finite_clean"].status == "fail"


def test_a_dead_model_has_nothing_to_attack(attacked, adapter_file):
    dead = adapter_file(after="scores = 0 * scores + torch.tensor([1.0, 0.0, 0.0])")
    _, checks, _ = attacked(FAST, adapter=dead)
    assert {"clean", "gradient_zero", "unbounded"} <= set(failed(checks))
    assert checks["planted"].status == "skipped"


@pytest.mark.parametrize(
    ("after", "says"),
    [
        ("scores = scores.log_softmax(1)", "logarithms"),
        ("scores = scores.softmax(1)", "probabilities"),
    ],
)
def test_normalised_answers_under_the_name_of_logits_are_noticed(attacked, adapter_file, after, says):
    _, checks, _ = attacked(FAST, adapter=adapter_file(after=after))
    assert checks["saturation"].status == "warn" and says in checks["saturation"].message


def test_a_saturated_cross_entropy_is_noticed_and_the_margin_breaks_it(attacked, adapter_file):
    steep = adapter_file(after="scores = 2000 * scores")
    rows, checks, _ = attacked({**FAST, "budgets": [0], "steps": 40}, adapter=steep)
    assert checks["saturation"].status == "warn" and "margin" in checks["saturation"].message
    assert set(rows.loc[~rows["robust"], "broken_by"]) & {"apgd:margin"}


def test_a_model_that_counts_its_batch_is_noticed(attacked, adapter_file):
    """Answers that depend on the other clips of a batch make every flag a matter of batching."""
    social = adapter_file(after="scores = scores - (3 * scores.mean(0) if len(x) > 1 else 0)")
    _, checks, _ = attacked(FAST, adapter=social)
    assert {"batch", "agreement"} & set(failed(checks))


def test_a_model_that_changes_while_it_is_attacked_is_noticed(attacked, adapter_file):
    drifting = adapter_file(before="self.norm.running_mean += 1e-4")
    _, checks, _ = attacked(FAST, adapter=drifting)
    assert checks["state"].status == "fail" and "running_mean" in checks["state"].message


def test_training_mode_and_gradients_are_as_before(toy_job, adapter_file):
    from benchbed.adapter.load import load_adapter, start
    from benchbed.run.computing.engine import Engine
    from benchbed.run.executing.unit import compute
    from benchbed.run.preparing.units import cut
    from benchbed.suite.model import Suite
    from benchbed.suite.plan import plan_cells

    adapter = start(load_adapter(str(adapter_file())))
    adapter.model.norm.weight.grad = torch.full((3,), 7.0)
    adapter.model.norm.bias.requires_grad_(False)
    job = toy_job(FAST)
    cells = plan_cells(Suite(name="s", version="1", task="scene", data={"layout": "folder"}, conditions=[FAST]))
    compute(Engine(job, {"test": adapter}), cut(job, cells, {"test": 9.0}, {}, {"test": {}})[0])
    assert not any(module.training for module in adapter.model.modules())
    assert adapter.model.norm.weight.grad.tolist() == [7.0] * 3 and adapter.model.norm.weight.requires_grad
    assert not adapter.model.norm.bias.requires_grad


def test_a_model_without_gradient_gets_black_boxes_only_and_says_so(attacked, tmp_path, adapter_file):
    closed = adapter_file(
        extra="""
    forward = None
    def predict(self, batch):
        with torch.no_grad():
            return self.model(torch.from_numpy(batch.waveforms)).numpy()
"""
    )
    _, checks, _ = attacked({**STANDARD, "budgets": [20]}, adapter=closed)
    assert checks["black_box"].status == "warn" and "upper bound" in checks["black_box"].message
    assert checks["floor"].status == "skipped"


def test_a_front_end_in_numpy_is_an_answer_and_no_crash(attacked, adapter_file):
    """A forward that cannot be differentiated is attacked as a black box, and the checks say why."""
    adapter = adapter_file(before="x = torch.from_numpy(x.numpy().copy())", name="outside")
    rows, checks, failures = attacked({**STANDARD, "n": 3, "budgets": [20]}, adapter=adapter)
    assert len(rows) == 3 and not failures
    assert checks["closed"].status == "warn" and "requires grad" in checks["closed"].message
    assert checks["black_box"].status == "warn" and "only black-box" in checks["black_box"].message
    assert "gradient_zero" not in checks


def test_a_forward_that_does_not_even_answer_says_its_own_error(attacked, adapter_file):
    adapter = adapter_file(before="assert not torch.is_tensor(x), 'no tensors here'", name="refusing")
    with pytest.raises(Exception, match="no tensors here"):
        attacked({**STANDARD, "n": 2, "budgets": [20]}, adapter=adapter)


def test_what_the_probe_costs_shrinks_with_the_run(attacked, tmp_path, monkeypatch):
    """Of twelve clips two are probed and of twenty-four four: no greater a share of the run's passes on the shorter."""
    from benchbed.run.attacking import checks as made

    probe, shares = made.probe, []

    def counted(work, setting):
        before = copy.copy(setting.victim.cost)
        probe(work, setting)
        after = setting.victim.cost
        spent = after.forwards - before.forwards + 2 * (after.backwards - before.backwards)
        shares.append((work.facts, spent))

    monkeypatch.setattr(made, "probe", counted)
    found = {}
    for clips in (12, 24):
        rows, _, _ = attacked(
            {"attack": "standard", "budgets": [55, 45], "n": clips}, adapter=write(tmp_path, "plain", Trap())
        )
        facts, spent = shares[0]
        (probes,) = (fact["n"] for fact in facts if fact["check"] == "probes")
        found[clips] = probes, spent / (spent + rows["passes"].dropna().sum())
        shares.clear()
    assert [probes for probes, _ in found.values()] == [2, 4]
    assert found[12][1] <= 1.2 * found[24][1] and found[12][1] < 0.2, found


def judged(name, n, bad, **others):
    """The verdict on one check from counts alone; `others` are facts that were noted beside it."""
    noted = {name: (n, bad)} | dict.fromkeys(others, (n, 0))
    facts = [
        {"check": check, "n": clips, "bad": wrong, "worst": 0.0, "cell": None, "text": ""}
        for check, (clips, wrong) in noted.items()
    ]
    cell = CellPlan("scene/test/pgd@l2:20dB", "scene", "test", "attack", "pgd", None, 0)
    found = attack_checks(AttackCondition(attack="pgd", budgets=[20]), [cell], facts, 10)
    return next(check.status for check in found if check.name == f"attack:{name}")


def test_one_path_of_a_few_that_does_not_rise_is_a_warning():
    """One path in twenty may stay where it is: among three a single one is no evidence, among forty three are."""
    counts = [(3, 0), (3, 1), (1, 1), (3, 2), (40, 1), (40, 2), (40, 3)]
    found = [judged("progress", n, bad, gradient_zero=True) for n, bad in counts]
    assert found == ["pass", "warn", "fail", "fail", "pass", "pass", "fail"]


def test_a_search_by_answers_need_not_find_all_that_is_planted():
    """With a gradient a planted point that is missed is a failure; by answers alone only one that finds nothing is."""
    counts = [(2, 0), (2, 1), (2, 2), (8, 1)]
    assert [judged("planted", n, bad) for n, bad in counts] == ["pass", "warn", "fail", "warn"]
    found = [judged("planted", n, bad, gradient_zero=True) for n, bad in counts]
    assert found == ["pass", "fail", "fail", "warn"]
