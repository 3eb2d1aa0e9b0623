"""The shorter ensemble runs on clips whose gradient is shown to be the model's own, and on no others."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from made_traps import TRAPS, Trap, write

from benchbed.attack.ensemble import SHORTER, ensemble
from benchbed.run.attacking import auditing
from benchbed.run.attacking.vouching import voucher_of

#: A budget at which the network itself stands, so that all members run.
MILD = 55
CONDITION = {"attack": "standard", "budgets": [MILD], "n": 6, "steps": 12}
WHOLE = "apgd:ce 12, apgd:margin 12, apgd_t 12, square 300"
SHORT = "apgd:ce 12, apgd:margin 6, apgd_t 6, square 30"


def test_a_sound_network_meets_the_shorter_ensemble_and_the_record_says_so(attacked, tmp_path):
    rows, checks, _ = attacked(CONDITION, adapter=write(tmp_path, "plain", Trap()))
    standing = rows[rows["robust"]]
    assert len(standing) and set(standing["members"]) == {SHORT}
    # Floor, first attack, what vouches, second, one answer and two targets, black box: a gradient counts as three.
    assert set(standing["passes"]) == {6 + 37 + (1 + 3 + 8) + 19 + 1 + 2 * 19 + 30}
    assert checks["shortened"].status == "pass" and f"{len(standing)} of {len(standing)}" in checks["shortened"].message
    assert checks["audit"].status == "pass"


def test_shorter_and_whole_break_the_same_clips_of_a_sound_network(attacked, tmp_path, monkeypatch):
    condition = {**CONDITION, "budgets": [45, 35, 30]}
    short, _, _ = attacked(condition, adapter=write(tmp_path, "plain", Trap()))
    monkeypatch.setattr("benchbed.attack.ensemble.SHORTER", {})
    whole, _, _ = attacked(condition, adapter=write(tmp_path, "plain", Trap()))
    assert whole["robust"].tolist() == short["robust"].tolist()
    assert whole["robust"].any() and not whole["robust"].all()


@pytest.mark.parametrize("name", ["sparse_gradient", "reversed_gradient", "shattered", "gated_gradient", "rounding"])
def test_a_masked_gradient_meets_everything(attacked, tmp_path, name):
    rows, checks, _ = attacked(CONDITION, adapter=write(tmp_path, name, TRAPS[name]))
    standing = rows[rows["robust"]]
    assert len(standing) and set(standing["members"]) == {WHOLE}
    assert checks["audit"].status == "fail"


def test_what_a_random_model_or_a_lone_attack_meets_is_not_cut(attacked, tmp_path):
    random = write(tmp_path, "noisy", Trap("x = x + 0.01 * torch.randn_like(x)"))
    rows, checks, _ = attacked({**CONDITION, "steps": 2}, adapter=random)
    assert {text for text in rows["members"] if text} == {"apgd:ce 2, apgd:margin 2, apgd_t 2, square 300"}
    assert "shortened" not in checks
    for name, eot in (("fast", 1), ("full", 1), ("standard", 8)):
        assert voucher_of(SimpleNamespace(ensemble=ensemble(name), work=SimpleNamespace(eot=eot))) is None
    assert not ensemble("apgd").short and not ensemble("fast").short and not ensemble("standard", powered=True).short
    assert ensemble("standard", differentiable=False).short == ()
    assert [attack.options.get("steps") for attack in ensemble("standard").short] == [50, 25, 25, None, 50]
    assert set(SHORTER) == {"standard"}


def test_what_was_vouched_for_is_asked_of_a_new_instance(attacked, tmp_path):
    """Its flags are those of the instance that was attacked, and its slopes are a tenth: it is another model."""
    asleep = Trap(after="scores = scores * (1.0 if self.calls > 14 else 0.1)")
    rows, checks, _ = attacked(CONDITION, adapter=write(tmp_path, "sleeper", asleep))
    assert SHORT in set(rows["members"])
    assert checks["audit"].status == "fail"


def test_vouching_and_confirming_cost_at_most_a_twentieth_of_the_ensemble(attacked, tmp_path, monkeypatch):
    """Of a clip that stands at one budget: what vouches is told by `cost`, what confirms is counted."""
    asked, before = [], auditing.slope

    def counted(told, rows, points, direction, reach):
        asked.append(2 * len(points))
        return before(told, rows, points, direction, reach)

    monkeypatch.setattr(auditing, "slope", counted)
    rows, _, _ = attacked({**CONDITION, "steps": 50}, adapter=write(tmp_path, "plain", Trap()))
    standing = rows[rows["robust"]]
    assert sum(asked) == 2 * len(standing) > 0
    short = ensemble("standard", sources=False).cost(10, 1, 1, vouched=True)
    passes = short.forwards + 2 * short.backwards
    share = (1 + 3 + 8 + 2) / (passes + 2)
    assert share <= 0.05
