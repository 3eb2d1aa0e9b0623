"""Votes under noise: an honest one passes the audit of its gradient, and nothing that only says it votes does."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from made_traps import TRAPS, Trap, write
from scipy.stats import binom

from benchbed.attack.contract import PAIRED, Victim
from benchbed.run.attacking.averaging import NOISES, RULED_OUT, average_of
from benchbed.run.attacking.believed import gradient_audit
from benchbed.run.attacking.noted import FactSum

SMOOTHED = """
import numpy as np
import torch
from benchbed.adapter.load import load_adapter
from benchbed.types import Batch

Defended = load_adapter("defended", {{"model": {inner!r}, "defence": "smoothing"}}).adapter.__class__


class Smoothed(Defended):
    def __init__(self):
        super().__init__({inner!r}, "smoothing", {sigma}, votes=4)
{extra}

ADAPTER = Smoothed
"""


@pytest.fixture
def smoothed(attacked, tmp_path):
    """Attacks a smoothed network, or a copy of one that is wrong in one way; gives rows and checks."""

    def run(trap: Trap | None = None, *, budget: float = 70, sigma: float = 0.01, extra: str = ""):
        inner = write(tmp_path, "inner", trap or Trap())
        path = tmp_path / "smoothed.py"
        path.write_text(SMOOTHED.format(inner=str(inner), sigma=sigma, extra=extra))
        rows, checks, failures = attacked({"attack": "fast", "budgets": [budget], "n": 3, "steps": 5}, adapter=path)
        assert not failures
        print(rows[["correct_share", "broken_by"]], {n: f"{c.status}: {c.message}" for n, c in checks.items()})
        return rows, checks

    return run


def test_an_honest_vote_passes(smoothed):
    rows, checks = smoothed()
    assert rows["correct_share"].mean() > 0.5
    assert checks["audit"].status == "pass", checks["audit"].message
    assert "what `predict` votes on, a mean under noise of 0.01," in checks["audit"].message
    assert checks["progress"].status == "pass", checks["progress"].message
    # It is a random model, which is said, however unanimous it is.
    assert checks["randomness"].status in ("pass", "warn")


def test_a_vote_that_is_unanimous_on_clean_clips_is_random_all_the_same(smoothed):
    rows, checks = smoothed(sigma=0.001)
    assert rows["clean_share"].notna().all() and checks["audit"].status == "pass"
    assert checks["progress"].status == "pass", checks["progress"].message


@pytest.mark.parametrize("name", ["reversed_gradient", "sparse_gradient"])
def test_a_trap_behind_a_vote_stays_a_trap(smoothed, name):
    rows, checks = smoothed(TRAPS[name], budget=50)
    assert rows["correct_share"].mean() > 0.35, "nothing stands that could deceive"
    assert checks["audit"].status == "fail", checks["audit"].message
    # Under noise that is the same every time a path that leads down is seen not to rise.
    assert name != "reversed_gradient" or checks["progress"].status == "fail", checks["progress"].message


@pytest.mark.parametrize(
    ("trap", "status"),
    [(Trap("x = x + 0.02 * torch.randn_like(x)"), "pass"), (TRAPS["reversed_noise"], "fail")],
    ids=["honest noise", "reversed behind noise"],
)
def test_noise_rises_under_the_same_numbers_if_its_gradient_leads_up(attacked, tmp_path, trap, status):
    condition = {"attack": "fast", "budgets": [45], "n": 6, "steps": 8}
    _, checks, failures = attacked(condition, adapter=write(tmp_path, "noisy", trap))
    assert not failures and checks["randomness"].status == "warn"
    assert checks["progress"].status == status, checks["progress"].message


def test_paired_draws_tell_points_apart_that_noise_hides():
    """By hand: the mean of x + 10 N rises by 0.01 where x does, exactly, however few the draws."""
    victim = Victim(lambda x: x.sum((1, 2))[:, None] + 10 * torch.randn(len(x), 1), eot=8)
    here, there = torch.zeros(2, 1, 1), torch.full((2, 1, 1), 0.01)
    low, high = victim.paired((here, there), torch.zeros(2).long(), lambda scores, target: scores[:, 0])
    assert (high - low).tolist() == pytest.approx([0.01, 0.01], abs=1e-6)
    assert victim.cost.forwards == 2 * 2 * PAIRED


REVERSED = """
    def load(self, device="cpu"):
        super().load(device)
        votes = self.surrogate
        self.surrogate = lambda x: votes(2 * x.detach() - x)
"""
SOFTER = """
    def predict(self, batch):
        part = np.fft.rfft(batch.waveforms)
        loud = np.abs(part) > 0.3 * np.abs(part).max(-1, keepdims=True)
        heard = np.fft.irfft(part * loud, batch.waveforms.shape[-1]).astype(np.float32)
        return super().predict(Batch(heard, batch.lengths, batch.sample_rate, batch.side))
"""


@pytest.mark.parametrize("extra", [REVERSED, SOFTER], ids=["reversed surrogate", "another model than votes"])
def test_who_only_says_that_it_votes_fails(smoothed, extra):
    rows, checks = smoothed(budget=25, extra=extra)
    assert rows["correct_share"].mean() > 0.35, "nothing stands that could deceive"
    assert checks["audit"].status == "fail", checks["audit"].message


def test_the_verdict_says_whose_gradient_it_is():
    facts = {"audit_unsure": FactSum(8, 8, 0.0, ""), "audit_vote": FactSum(8, 5, 0.0, "noise of 0.01")}
    status, text = gradient_audit(FactSum(8, 5, 0.0, ""), facts)
    assert status == "fail" and "the answer is no such vote on 5" in text


def test_votes_rule_out_what_they_never_give_and_not_what_they_give_at_times():
    assert binom.cdf(0, NOISES, 0.5) < RULED_OUT < binom.cdf(NOISES * 3 // 8, NOISES, 0.5)


def test_only_who_states_a_vote_has_an_average():
    plain = SimpleNamespace(adapter=SimpleNamespace(smoothing=None, undefended=None))
    assert average_of(None, plain, 100, 0.1) is None


def test_a_random_model_keeps_its_figure_whatever_other_budgets_stand_beside_it(attacked, tmp_path):
    path = write(tmp_path, "dropout", TRAPS["dropout"])
    asked = {"attack": "fast", "n": 12, "steps": 2}
    alone, beside = (attacked({**asked, "budgets": budgets}, adapter=path)[0] for budgets in ([40], [40, 20]))
    beside = beside[beside["cell"].str.endswith(":40dB")]
    shares = [rows.set_index("clip_id")["correct_share"].sort_index().tolist() for rows in (alone, beside)]
    assert shares[0] == shares[1] and 0 < sum(shares[0]) < 12
