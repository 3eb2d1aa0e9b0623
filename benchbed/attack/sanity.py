"""Experiments that show whether an attack can be believed on this model, on a few clips, before its figures are.

An attack that fails proves nothing: the gradient may be masked, the loss saturated, the steps too few, the model random
or dead. Each experiment here is one that a sound attack on a sound model passes; what a model does with them says why a
robust accuracy is high.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from benchbed.attack import resolve
from benchbed.attack.contract import Attack, Loss, Outcome, Problem, Victim
from benchbed.attack.losses import Aimed, scene

#: Random points among which the planted one is the farthest.
PLANT_DRAWS = 12
#: The planted class begins at this share of the way to the planted point.
PLANT_SHARE = 0.98
#: How an attack that leaves a part of the clip as it is was asked.
WHOLE = "with all of the clip to use"


@dataclass(frozen=True)
class Experiment:
    """Outcome of one experiment.

    Attributes
    ----------
    check : str
        Name of the check.
    n : int
        Clips it was made on.
    bad : int
        Clips that speak against the attack or the model.
    worst : float
        Size of the worst case, where there is one.
    text : str
        What else is needed to read it.
    """

    check: str
    n: int
    bad: int
    worst: float = 0.0
    text: str = ""


def gradient_health(problem: Problem) -> list[Experiment]:
    """Clips whose margin has no gradient, or one that is not finite, at the clean clip."""
    clean, victim = problem.ball.clean, problem.victim
    through = victim.attack_forward or victim.forward
    leaf = clean.detach().clone().requires_grad_(True)
    with torch.enable_grad(), victim._kernels(leaf):
        # The margin of the loss, not a judge's: success on a metric of events has no gradient by nature.
        value = problem.losses.margin(through(leaf), problem.target).sum()
        slope = torch.autograd.grad(value, leaf, allow_unused=True)[0] if value.requires_grad else None
    flat = torch.zeros_like(clean).flatten(1) if slope is None else slope.flatten(1)
    broken = ~flat.isfinite().all(1)
    zero = ~broken & (flat.abs().amax(1) == 0)
    # Where most samples have no influence, what is left is the gradient of another model than the one that is heard.
    text = "through the adapter's surrogate" if victim.attack_forward is not None else ""
    return [
        Experiment("gradient_zero", len(problem), int(zero.sum()), text=text),
        Experiment("gradient_nonfinite", len(problem), int(broken.sum()), text=text),
    ]


def saturation(problem: Problem, declared: str) -> Experiment:
    """Clips whose curved loss (cross-entropy) has lost its gradient though the straight one (margin) has one, and
    answers that are squashed already although the card calls them logits."""
    clean, victim = problem.ball.clean, problem.victim
    curved, straight = _losses(problem)
    _, scores, slope = victim.gradient(clean, problem.target, curved)
    _, _, other = victim.gradient(clean, problem.target, straight)
    lost = (slope.flatten(1).abs().amax(1) == 0) & (other.flatten(1).abs().amax(1) > 0)
    text = ""
    if declared == "logits":
        text = _squashed(scores) if problem.target.dim() == 1 else _sigmoid_twice(scores)
    return Experiment("saturation", len(problem), int(lost.sum()), text=text)


def _losses(problem: Problem) -> tuple[Loss, Loss]:
    losses = problem.losses
    if isinstance(losses, Aimed):
        return losses.curved, losses.straight
    return losses.LOSSES[losses.DEFAULTS[0]], losses.LOSSES[losses.DEFAULTS[-1]]


def _squashed(scores: torch.Tensor) -> str:
    if scores.shape[1] < 2:
        return ""
    if bool((scores >= 0).all()) and bool(((scores.sum(1) - 1).abs() < 1e-3).all()):
        return "the card says logits, the answers are probabilities"
    if bool((scores.logsumexp(1).abs() < 1e-3).all()):
        return "the card says logits, the answers are logarithms of probabilities"
    return ""


def _sigmoid_twice(scores: torch.Tensor) -> str:
    # Independent logits of many classes are not all between 0 and 1 unless they have been through a sigmoid.
    if scores[0].numel() > 1 and bool(((scores >= 0) & (scores <= 1)).all()):
        return "the card says logits, every answer lies in 0…1: they have been through a sigmoid already"
    return ""


def unbounded(problem: Problem, attack: Attack) -> Experiment:
    """Clips that survive a budget that no model can survive; `problem` has that budget."""
    broken = attack.run(problem).broken
    return Experiment("unbounded", len(problem), int((~broken).sum()), worst=1.0 / _classes(problem))


def own_floor(problem: Problem, attack: Attack, idle: Attack) -> Experiment:
    """Clips that an attack's own random start breaks and the attack does not; `worst` is how many more it breaks."""
    broken, by_chance = attack.run(problem).broken, idle.run(problem).broken
    return Experiment(
        "floor", len(problem), int((by_chance & ~broken).sum()), float(int(broken.sum()) - int(by_chance.sum()))
    )


def more_steps(problem: Problem, once: Outcome, longer: Attack) -> Experiment:
    """Robust clips after more steps, against those that the attack left with its own, `once`: `worst` is how many more
    broke."""
    before, after = int((~once.broken).sum()), int((~longer.run(problem).broken).sum())
    return Experiment("steps", len(problem), max(after - before, 0), float(max(before - after, 0)))


def alone(problem: Problem, attack: Attack, together: Outcome) -> Experiment:
    """Clips whose flag is not the one that they got together when they are attacked alone; `worst` is the largest
    margin among them."""
    changed, worst = 0, 0.0
    for clip in range(len(problem)):
        row = torch.tensor([clip], device=problem.target.device)
        single = attack.run(problem.select(row))
        if bool(single.broken[0]) != bool(together.broken[clip]):
            changed += 1
            robust = single if not bool(single.broken[0]) else together
            worst = max(worst, float(robust.margin[0 if robust is single else clip]))
    return Experiment("batch", len(problem), changed, worst)


def planted(problem: Problem, attack: Attack) -> Experiment:
    """Clips whose planted adversarial point the attack does not find.

    A head is put on the model's scores that answers `planted` on the far side of a plane through a random point of the
    ball, the farthest of several from their mean. That point is adversarial by construction; the attack must find one.
    Of an attack that may use a part of the ball, such as bursts that fall anywhere, the point is a perturbation of that
    part, and adversarial wherever it is judged. From an attack that only climbs away from the clean answer a distance
    from that answer is asked, along the way to the planted point.

    Zimmermann, Brendel, Tramèr and Carlini, Increasing confidence in adversarial robustness evaluations, NeurIPS 2022,
    plant with a new last layer on the features; scores serve here because any model has them.
    """
    missed = tried = 0
    for clip in range(len(problem)):
        one = problem.select(torch.tensor([clip], device=problem.target.device))
        head = _plant(one, attack)
        if head is None:
            continue
        tried += 1
        inner, aside = problem.victim, one.victim.attack_forward
        victim = replace(inner, forward=head(inner.forward), attack_forward=head(aside) if aside else None)
        target = torch.zeros(1, dtype=torch.int64, device=one.target.device)
        modified = replace(one, victim=victim, target=target, losses=scene, judge=None)
        missed += int(not bool(_of_scene(attack).run(modified).broken[0]))
    text = "" if tried else "no random point moves the scores: there is nothing to plant"
    return Experiment("planted", tried, missed, text=text)


def _of_scene(attack: Attack) -> Attack:
    """The attack with a loss of the two classes of the planted head."""
    if attack.options.get("loss", "margin") in scene.LOSSES:
        return attack
    return resolve(attack.name, {**attack.options, "loss": "margin"})


def _plant(one: Problem, attack: Attack) -> Callable[[Callable], Callable] | None:
    victim: Victim = one.victim
    reached = [victim.scores(attack.reached(one, i)) for i in range(PLANT_DRAWS)]
    draws = torch.stack([scores.double().flatten(1) for scores in reached])
    middle = draws.mean((0, 1))
    apart = draws - middle
    if attack.aimless:
        # Across the way from the clean answer to the middle, which any noise goes: by chance nothing lies far out here.
        common = middle - victim.scores(one.ball.clean).double().flatten()
        common = common / common.norm().clamp_min(1e-300)
        apart = apart - (apart @ common)[..., None] * common
    ways = apart.mean(1)
    directions = ways / ways.norm(dim=1, keepdim=True).clamp_min(1e-300)
    # How far each goes in the worst of the places that it has to work in.
    size = (apart * directions[:, None]).sum(2).amin(1)
    best = int(size.argmax())
    if not bool(size[best] > 1e-6 * max(1.0, float(middle.norm()))):
        return None
    direction, edge = directions[best], PLANT_SHARE * size[best]

    def head(forward: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[torch.Tensor], torch.Tensor]:
        def scores(points: torch.Tensor) -> torch.Tensor:
            given = forward(points).flatten(1).double()
            far = (given - middle) @ direction / edge
            if attack.aimless:
                # A direction that turns with the distance, either way, and by 45 degrees at the planted point.
                angle = 0.5 * torch.pi * far**2 / (1 + far**2)
                return torch.stack([angle.cos(), angle.sin()], 1)
            reached = far - 1
            return torch.stack([torch.zeros_like(reached), reached], 1)

        return scores

    return head


def _classes(problem: Problem) -> int:
    with torch.no_grad():
        return int(problem.victim.forward(problem.ball.clean[:1]).shape[-1])
