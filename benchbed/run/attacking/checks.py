"""Sanity checks of attacks: the experiments of the first unit of a condition, and the verdict on all that was noted.

The facts are kept with the predictions, so that a run that is continued, or scored again, has the same checks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from benchbed.attack import resolve, sanity
from benchbed.attack.contract import Attack, Problem
from benchbed.attack.features import LABEL
from benchbed.attack.jumps import jumps
from benchbed.attack.losses import LOSSES
from benchbed.attack.torchattacks_bridge import Bridged
from benchbed.errors import PackageError
from benchbed.results.record import Check
from benchbed.run.attacking import believed
from benchbed.run.attacking.auditing import audited
from benchbed.run.attacking.believed import Status
from benchbed.run.attacking.ensembles import threats
from benchbed.run.attacking.noted import FactSum, Noted
from benchbed.run.attacking.subset import subset
from benchbed.suite.conditions import AttackCondition
from benchbed.suite.plan import CellPlan

if TYPE_CHECKING:
    from benchbed.attack.threat import FeatureThreat, Threat
    from benchbed.run.attacking.setting import Setting
    from benchbed.run.attacking.work import Work

#: Clips on which the costly experiments run, at most and at least, and one in how many of those that are attacked:
#: what they cost then shrinks with a run that is only a first look.
PROBES, FEWEST, ONE_IN = 8, 2, 6
#: Budgets and clips on which an attack of another library runs whole: it neither stops nor shrinks with its clips.
CROSSED = 2
#: Share of clips whose loss must rise.
PROGRESS_SHARE = 0.95


def probed_clips(attacked: int) -> int:
    """Clips on which the costly experiments of a condition that attacks so many run.

    Examples
    --------
    >>> probed_clips(200), probed_clips(24), probed_clips(3)
    (8, 4, 2)
    """
    return min(PROBES, max(FEWEST, attacked // ONE_IN))


def probe(work: Work, setting: Setting) -> None:
    """Run the experiments once per condition, on the first clips of its first unit."""
    import torch

    if any(fact["check"] in ("planted", "probes") for fact in work.facts):
        return
    attacked = len(subset(work.engine.job, work.unit.split, work.condition))
    probes = min(probed_clips(attacked), len(setting.loud))
    work.note("probes", probes)
    attack = _main(setting.ensemble.attacks)
    if attack is None:
        return
    budgets = threats(work.condition)
    rows = torch.arange(probes, device=setting.clean.device)

    def problem(threat: Threat | FeatureThreat, limited: bool = True) -> Problem:
        return setting.problem(threat, limited=limited).select(rows)

    mild, middle = problem(budgets[0]), problem(budgets[len(budgets) // 2])
    findings = []
    once = attack.run(mild) if attack.access == "gradient" or work.eot == 1 else None
    if attack.access == "gradient" and once is not None:
        findings += sanity.gradient_health(mild)
        # Only scores of classes can be squashed already.
        declared = work.engine.card.scores if work.engine.job.output.class_scores else ""
        findings.append(sanity.saturation(mild, declared))
        findings.append(sanity.more_steps(mild, once, _longer(attack, 2.0)))
    findings.append(sanity.planted(middle, attack))
    # What is random, or has the gradient of a stand-in (a defence passed straight through), has none of its own.
    own = setting.victim.attack_forward is None and work.engine.adapter.undefended is None
    if audited(setting) and work.eot == 1 and own:
        findings.append(sanity.Experiment("jumps", len(mild), int(jumps(mild).sum())))
    if attack.restricted:
        findings.append(sanity.own_floor(middle, attack, resolve(attack.name, {**attack.options, "steps": 0})))
    # What may not be heard is bounded still: a clip whose every sound is faint would rightly survive. What a burst
    # leaves as it is may rightly keep an answer, however loud the burst: one as long as the clip leaves nothing.
    if not getattr(LOSSES.get(work.view.output), "STILL", False):
        loud = problem(budgets[0].unbounded, limited=False)
        findings.append(replace(sanity.unbounded(loud, attack.unsparing()), text=sanity.WHOLE if attack.spares else ""))
    if work.eot == 1 and once is not None:
        findings.append(sanity.alone(mild, attack, once))
    if attack.access == "gradient" and work.condition.attack in ("standard", "full"):
        condition = work.condition
        if work.task.scored or condition.space == "features" or condition.channels == "each":
            what = "features, which have no box" if condition.space == "features" else work.task.output
            what = "channels that are bounded each by itself" if condition.channels == "each" else what
            findings.append(sanity.Experiment("cross_check", 0, 0, text=f"torchattacks has no attack on {what}"))
        else:
            try:
                findings.append(_cross_check(problem, budgets, attack))
            except PackageError:  # the attack is made, and only a second opinion is lacking
                lacking = "the package 'torchattacks' cannot be imported"
                findings.append(sanity.Experiment("cross_check", 0, 0, text=lacking))
    for finding in findings:
        work.note(finding.check, finding.n, finding.bad, finding.worst, text=finding.text)


def _cross_check(
    problem: Callable[[Threat | FeatureThreat], Problem], budgets: Sequence[Threat | FeatureThreat], attack: Attack
) -> sanity.Experiment:
    """Probes that Auto-PGD of ours leaves, before that of torchattacks, with one loss and as many steps.

    At the strongest budgets at which ours leaves any: where it leaves none there is nothing to hold against it, and at
    milder ones there is less to be found.
    """
    steps = attack.options.get("steps", 50)
    ours, theirs = resolve("apgd", {"loss": "ce", "steps": steps}), resolve("torchattacks:APGD", {"steps": steps})
    counts, weaker, clips = [], 0, 0
    for threat in reversed(budgets):
        asked = problem(threat)
        left = (~ours.run(asked).broken).nonzero()[:, 0]
        if not len(left):
            continue
        asked = asked.select(left[: max(1, PROBES // 2)])
        theirs.run(asked)
        flags = theirs.returned if isinstance(theirs, Bridged) else None
        other = len(asked) if flags is None else int((~flags).sum())
        counts.append(f"{threat} {len(asked)}/{other}")
        weaker, clips = weaker + len(asked) - other, clips + len(asked)
        if len(counts) == CROSSED:
            break
    if not counts:
        return sanity.Experiment("cross_check", len(problem(budgets[0])), 0, text="ours breaks every probe everywhere")
    return sanity.Experiment("cross_check", clips, weaker, text=f"robust with ours/theirs: {', '.join(counts)}")


def _main(attacks: Sequence[Attack]) -> Attack | None:
    wanted = [a for a in attacks if a.access == "gradient"] or [a for a in attacks if a.access == "scores"]
    # The margin survives saturated scores; of several losses it is the fairer one to hold a model to.
    return next((a for a in wanted if a.options.get("loss") == "margin"), wanted[0] if wanted else None)


def _longer(attack: Attack, times: float) -> Attack:
    options = dict(attack.options)
    if "steps" in options:
        options["steps"] = max(1, round(options["steps"] * times))
    return resolve(attack.name, options)


def attack_checks(
    condition: AttackCondition,
    cells: Sequence[CellPlan],
    facts: Iterable[Noted],
    classes: int,
    chance: float | None = None,
) -> list[Check]:
    """The verdicts on one condition, for every cell of it.

    Parameters
    ----------
    condition : AttackCondition
        As in the suite.
    cells : sequence of CellPlan
        Its cells in one split, mildest first.
    facts : iterable of Noted
        What the units noted.
    classes : int
        Classes of the dataset.
    chance : float, optional
        Share of clips that are right by chance; one over the classes by default.

    Returns
    -------
    list of Check
        `attack:NAME` with the cell's key. What was found on probes counts for every cell of the condition.
    """
    whole: dict[str, list[Noted]] = {}
    per_cell: dict[tuple[str, str], list[Noted]] = {}
    for fact in facts:
        if fact["cell"] is None:
            whole.setdefault(fact["check"], []).append(fact)
        else:
            per_cell.setdefault((fact["cell"], fact["check"]), []).append(fact)
    shared = {name: _sum(found) for name, found in whole.items()}
    checks: list[Check] = []
    for cell in cells:
        own = {name: _sum(found) for (key, name), found in per_cell.items() if key == cell.key}
        for name, status, message in _verdicts({**shared, **own}, condition, 1 / classes if chance is None else chance):
            checks.append(Check(name=f"attack:{name}", status=status, message=message, cell=cell.key))
    return checks


def _sum(facts: Sequence[Noted]) -> FactSum:
    texts = list(dict.fromkeys(fact["text"] for fact in facts if fact["text"]))
    return FactSum(
        sum(f["n"] for f in facts),
        sum(f["bad"] for f in facts),
        max(f["worst"] for f in facts),
        "; ".join(texts[:3]),
        max(f["n"] for f in facts),
    )


def _verdicts(facts: believed.Facts, condition: AttackCondition, chance: float) -> Iterable[tuple[str, Status, str]]:
    for name, judge in _JUDGES.items():
        if name in facts:
            status, message = judge(facts[name], facts, condition, chance)
            yield name, status, message


def _budget(fact: FactSum, facts: believed.Facts, condition: AttackCondition, *_: object) -> tuple[Status, str]:
    sound = condition.space == "waveform"
    unit = "in feature units" if not sound else "dB" if condition.threat == "l2" else ""
    unit += " in some channel" if condition.channels == "each" else ""
    if fact.bad:
        return "fail", f"{fact.bad} of {fact.n} clips break the budget, by up to {fact.worst:.3g} {unit}; {fact.text}"
    box = ", all in the box" if sound else "; features have no box"
    return "pass", f"{fact.n} clips within the budget (worst excess {max(fact.worst, 0.0):.2g} {unit}){box}"


def _cut(fact: FactSum, *_: object) -> tuple[Status, str]:
    return "pass", f"attacked is the output of {fact.text}: {LABEL}"


def _finite_clean(fact: FactSum, *_: object) -> tuple[Status, str]:
    if fact.bad:
        return "fail", f"the model answers {fact.bad} of {fact.n} clean clips with NaN: a broken model, not a weak one"
    return "pass", f"finite answers to all {fact.n} clean clips"


def _answers(fact: FactSum, *_: object) -> tuple[Status, str]:
    if fact.bad:
        return (
            "fail",
            f"the model answered {fact.bad} of {fact.n} attacked points with NaN: none counts as broken",
        )
    return "pass", f"no answer to {fact.n} attacked points is NaN"


def _clean(fact: FactSum, facts: believed.Facts, condition: AttackCondition, chance: float) -> tuple[Status, str]:
    right = fact.n - fact.bad
    if right <= fact.n * chance:
        return "fail", f"{right} of {fact.n} clean clips are right, no more than by chance: there is nothing to attack"
    return "pass", f"{right} of {fact.n} clean clips are right and were attacked"


def _gradient_nonfinite(fact: FactSum, *_: object) -> tuple[Status, str]:
    if fact.bad:
        return "fail", f"{fact.bad} of {fact.n} clips have a gradient with NaN or infinity"
    return "pass", f"gradients of {fact.n} clips are finite"


def _saturation(fact: FactSum, *_: object) -> tuple[Status, str]:
    if fact.bad or fact.text:
        lost = f"{fact.bad} of {fact.n} clips have lost the gradient of the cross-entropy" if fact.bad else ""
        return "warn", "; ".join(part for part in (lost, fact.text, "the margin loss is used beside it") if part)
    return "pass", f"the cross-entropy of {fact.n} clips has a gradient"


def _progress(fact: FactSum, *_: object) -> tuple[Status, str]:
    if not fact.n:
        return "skipped", "no clip was left to climb on"
    risen = fact.n - fact.bad
    said = f"the loss rose on {risen} of {fact.n} paths"
    if risen >= PROGRESS_SHARE * fact.n:
        return "pass", said
    if fact.bad == 1 < fact.n:
        # One path of a few is more than the share that is allowed and no evidence: a sound model may lose one.
        return "warn", f"{said}: of so few, one says little; attack more clips"
    return "fail", f"{said}: the gradient does not lead up (masked, gated or rough)"


def _floor(fact: FactSum, facts: believed.Facts, condition: AttackCondition, *_: object) -> tuple[Status, str]:
    if "gradient_zero" not in facts:
        return "skipped", "no white-box attack to hold against noise"
    if fact.bad and fact.worst < 0:
        return "fail", f"noise of the same budget breaks more clips than the gradient; {fact.bad} only noise breaks"
    if fact.bad:
        return "warn", f"{fact.bad} of {fact.n} clips are broken by noise and not by the gradient"
    return "pass", f"no noise of the same budget breaks one of {fact.n} clips that the gradient does not"


def _unbounded(fact: FactSum, facts: believed.Facts, condition: AttackCondition, chance: float) -> tuple[Status, str]:
    status: Status = "pass" if fact.bad <= fact.n * chance else "fail"
    how = f", {fact.text}" if fact.text else ""
    return status, f"{fact.bad} of {fact.n} clips survive a budget that nothing can survive{how}"


def _steps(fact: FactSum, *_: object) -> tuple[Status, str]:
    if fact.bad > max(1, 0.1 * fact.n):
        return "fail", f"with twice the steps {fact.bad} of {fact.n} clips more are robust"
    if fact.bad or fact.worst > 0.1 * fact.n:
        return "warn", f"twice the steps break {fact.worst:.0f} more of {fact.n} clips and lose {fact.bad}"
    return "pass", f"twice the steps break {fact.worst:.0f} more of {fact.n} clips"


def _planted(fact: FactSum, facts: believed.Facts, *_: object) -> tuple[Status, str]:
    if not fact.n:
        return "skipped", fact.text or "nothing could be planted"
    found = f"the attack finds {fact.n - fact.bad} of {fact.n} planted adversarial points"
    if fact.bad and fact.bad < fact.n and "gradient_zero" not in facts:
        # A search by so many answers finds some of what is there and not all: its figure is an upper bound by nature.
        return "warn", f"{found} by answers alone: what it leaves is an upper bound of robustness"
    return ("pass" if not fact.bad else ("warn" if fact.bad == 1 and fact.n >= 8 else "fail")), found


def _batch(fact: FactSum, *_: object) -> tuple[Status, str]:
    if not fact.bad:
        return "pass", f"{fact.n} clips get the same flag alone as in a batch"
    # Rounding of another batch size may turn a clip on the boundary; a clip far from it must not turn.
    status: Status = "warn" if fact.bad == 1 or fact.worst < 1e-2 else "fail"
    return status, f"{fact.bad} of {fact.n} clips get another flag alone (margin up to {fact.worst:.2g})"


def _cross(fact: FactSum, *_: object) -> tuple[Status, str]:
    """One clip of difference may be a matter of random starts."""
    if not fact.n:
        return "skipped", fact.text
    status: Status = "pass" if fact.bad <= 1 else "warn"
    return status, f"Auto-PGD against that of torchattacks on probes, {fact.text}"


def _state(fact: FactSum, *_: object) -> tuple[Status, str]:
    if fact.bad:
        return "fail", f"the model was changed by the attack: {fact.text}"
    return "pass", "weights, running means, training flags and gradients are as before"


#: Check → its verdict, from its own facts, those of all checks, the condition and the share that is right by chance.
_JUDGES: dict[str, Callable[[FactSum, Mapping[str, FactSum], AttackCondition, float], tuple[Status, str]]] = {
    "space": _cut,
    "closed": believed.closed,
    "finite_clean": _finite_clean,
    "answers": _answers,
    "clean": _clean,
    "agreement": believed.agreement,
    "fresh": believed.fresh,
    "budget": _budget,
    "randomness": believed.randomness,
    "gradient_zero": believed.gradient_zero,
    "audit": believed.gradient_audit,
    "jumps": believed.jumps,
    "gradient_nonfinite": _gradient_nonfinite,
    "saturation": _saturation,
    "progress": _progress,
    "floor": _floor,
    "black_box": believed.black_box,
    "shortened": believed.shortened,
    "steps": _steps,
    "planted": _planted,
    "unbounded": _unbounded,
    "batch": _batch,
    "cross_check": _cross,
    "certificate": believed.certificate,
    "state": _state,
}
