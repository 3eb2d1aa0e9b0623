"""Verdicts on whether a robust accuracy can be believed: who attacked, whether its gradient was the model's, and
whether the audio that it finished fools an instance that has heard nothing of the attack.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from benchbed.attack.audit import MASKED, SOUND
from benchbed.attack.expectation import STABLE
from benchbed.run.attacking.noted import FactSum
from benchbed.run.attacking.work import JUDGED_DRAWS
from benchbed.suite.conditions import AttackCondition

Status = Literal["pass", "warn", "fail", "skipped"]
#: Facts of all checks.
Facts = Mapping[str, FactSum]

#: A black box may break one clip more than the gradient by chance; above this share of clips and above one it may not.
BLACK_BOX_SHARE = 0.002
#: Share of clips without gradient that is still put down to the clips.
ZERO_SHARE = 0.05


def space_of(condition: AttackCondition) -> str:
    """What is attacked, in a word."""
    return "audio" if condition.space == "waveform" else "features"


def agreement(fact: FactSum, facts: Facts, condition: AttackCondition, *_: object) -> tuple[Status, str]:
    """The attacked instance's own plain pass against what the attack believed."""
    near = facts["agreement_near"].bad
    if fact.bad:
        return "fail", f"{fact.bad} of {fact.n} clips: the plain forward pass does not confirm the attack's flag"
    if near:
        return (
            "warn",
            f"{near} of {fact.n} flags differ within a thousandth of the model's usual margin; the plain forward pass "
            "counts",
        )
    return "pass", f"a plain forward pass on the finished {space_of(condition)} confirms all {fact.n} flags"


def fresh(fact: FactSum, facts: Facts, *_: object) -> tuple[Status, str]:
    """Finished audio, judged by an instance that heard nothing of the attack, in another order and other batches."""
    if not fact.n:
        return "skipped", fact.text
    how = facts.get("fresh_how")
    if how is not None and how.worst:
        return "fail", "a newly loaded instance has other weights: fix the seed that they are drawn with"
    if fact.bad:
        return "fail", (
            f"{fact.bad} of {fact.n} finished clips get another answer from the instance that was attacked than from a "
            "new one, in another order: its answers rest on what it heard before or beside them; the new one counts"
        )
    return "pass", f"a second instance ({how.text if how else 'newly loaded'}) gives the same {fact.n} flags"


def closed(fact: FactSum, *_: object) -> tuple[Status, str]:
    """A path that is there and cannot be differentiated."""
    return "warn", (
        f"the model's forward cannot be differentiated ({fact.text}): only black boxes attacked it; give the adapter "
        "a `surrogate`"
    )


def gradient_zero(fact: FactSum, facts: Facts, *_: object) -> tuple[Status, str]:
    """Clean clips without any gradient."""
    through = f" ({fact.text})" if fact.text else ""
    if fact.bad > max(ZERO_SHARE * fact.n, 0):
        return "fail", (
            f"{fact.bad} of {fact.n} clips have a zero gradient{through}: a white-box attack is blind here; give the "
            "adapter a `surrogate`"
        )
    return ("warn" if fact.bad else "pass"), f"{fact.bad} of {fact.n} clips have a zero gradient{through}"


def gradient_audit(fact: FactSum, facts: Facts, *_: object) -> tuple[Status, str]:
    """Gradients against finite differences through `predict`."""
    if not fact.n:
        return "skipped", "no clip stands whose gradient could be held against anything"
    middle, unsure = facts["audit_unsure"].worst, facts["audit_unsure"].bad
    rest = f"; {fact.text}" if fact.text else ""
    vote, whose, which = facts.get("audit_vote"), "`predict`", "standing"
    if vote is not None:
        whose = f"what `predict` votes on, a mean under {vote.text},"
        rest += f"; the answer is no such vote on {vote.bad}" if vote.bad else ""
        which = "attacked"
    what = f"the gradient is not that of {whose} on {fact.bad} of {fact.n} {which} clips (finite differences along it"
    if fact.bad > max(1, ZERO_SHARE * fact.n) or fact.bad == fact.n:
        return "fail", (
            f"{what} give {MASKED:g} or less of the model's slope{rest}): masked at every budget; give the adapter a "
            "`surrogate`"
        )
    if fact.bad or 2 * unsure > fact.n:
        return "warn", f"{what} give {MASKED:g} or less; {unsure} less than {SOUND:g}{rest}): attacks may be too weak"
    return "pass", f"the gradient is that of {whose} on {fact.n} {which} clips (median ratio {middle:.2f})"


def jumps(fact: FactSum, *_: object) -> tuple[Status, str]:
    """Clips near which the loss jumps, so that gradients say nothing of what lies behind."""
    if not fact.bad:
        return "pass", f"the mean gradient under noise of the budget is that of the mean loss on {fact.n} clips"
    status: Status = "fail" if fact.bad == fact.n else "warn"
    return status, (
        f"near {fact.bad} of {fact.n} clips the loss jumps (a gate, a threshold, a switch): under noise of the budget "
        "its mean rises where no gradient says so, and an attack by gradients is blind to that"
    )


def randomness(fact: FactSum, facts: Facts, *_: object) -> tuple[Status, str]:
    """Two answers to one clip."""
    if not fact.bad:
        return "pass", f"two passes agree within {fact.worst:.1g} on {fact.n} clips"
    found = facts.get("expectation")
    gradients = ""
    if found is not None:
        steady = "stable" if not found.bad else f"not stable: two means agree to a cosine under {STABLE:g}"
        gradients = f"gradients are means of up to {found.most} draws ({steady}), "
    return "warn", (
        f"{fact.bad} of {fact.n} clips get another answer the second time (by up to {fact.worst:.2g}): {gradients}"
        f"every budget is attacked anew, and accuracy is the mean of {JUDGED_DRAWS} fresh answers"
    )


def black_box(fact: FactSum, facts: Facts, condition: AttackCondition, *_: object) -> tuple[Status, str]:
    """What only attacks without a gradient break."""
    if condition.attack not in ("standard", "full") or condition.space == "features":
        return "skipped", "no black-box attack beside the gradient"
    if "gradient_zero" not in facts:
        return "warn", "only black-box attacks can run: the figures are an upper bound of robustness"
    if fact.bad > max(1, BLACK_BOX_SHARE * fact.n):
        return "fail", f"{fact.bad} of {fact.n} clips fall to a black box but not to the gradient: it is masked"
    if fact.bad:
        return "warn", f"{fact.bad} of {fact.n} clips fall to a black box but not to the gradient"
    return "pass", f"no black box breaks one of {fact.n} clips that the gradient does not"


def shortened(fact: FactSum, *_: object) -> tuple[Status, str]:
    """On how many clips the ensemble was shorter, since their gradient was shown to be the model's own."""
    if fact.bad == fact.n:
        return "pass", f"the whole ensemble ran on all {fact.n} clips that stood after its first attack"
    rest = f"; it ran whole on the other {fact.bad}" if fact.bad else ""
    return "pass", (
        f"{fact.n - fact.bad} of {fact.n} clips that stood after the first attack have a gradient that is shown to be "
        f"the model's own: the rest of the ensemble was shorter on them (columns `members`, `passes`){rest}"
    )


def certificate(fact: FactSum, facts: Facts, *_: object) -> tuple[Status, str]:
    """Clips that are certain at a budget and fell at it all the same: one of the two figures is wrong."""
    about = facts["certificate_of"]
    how = f"({about.text}; it abstains on {about.bad} of {about.n} clips)"
    if fact.bad:
        return "fail", f"{fact.bad} of {fact.n} certified clips were broken at this budget: no certificate {how}"
    return "pass", f"no attack broke one of {fact.n} certified clips {how}"
