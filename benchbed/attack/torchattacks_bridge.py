"""Attacks of the library torchattacks on waveforms, each with its known faults kept away from the figures.

The library works on images in 0…1 and clamps to them, so waveforms are mapped there and laid out as (1, 1, 1, samples).
Clips are attacked one by one, because budgets are per clip and the library's random starts depend on the batch. Scores
are shifted to be positive, which changes no answer and mends losses that mask with zeros. Global random state is put
back. What the library returns is brought into the budget and judged again; where it failed it returns the clean clip,
so the strongest point that it tried is kept instead.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import torch

from benchbed import rng
from benchbed.attack.contract import Attack, Cost, Outcome, Problem
from benchbed.attack.foreign import ALLOWED, REFUSED
from benchbed.attack.threat import Ball
from benchbed.errors import ConfigError, did_you_mean
from benchbed.packages import need

#: Above so many classes FAB's gradients of all classes do not fit.
FAB_CLASSES = 64


def bridged(name: str, options: dict[str, Any], *, where: str | None = None) -> Bridged:
    """The bridged attack of that name.

    Raises
    ------
    ConfigError
        Refused (with the reason), unknown, an option that the attack does not have, or a budget among the options.
    PackageError
        The library cannot be imported.
    """
    if name in REFUSED:
        raise ConfigError(f"torchattacks:{name} is refused: {REFUSED[name]}", where=where)
    if name not in ALLOWED:
        hint = did_you_mean(name, ALLOWED) or f"known: {', '.join(sorted(ALLOWED))}"
        raise ConfigError(
            f"torchattacks has no attack '{name}' that is known to work on waveforms", where=where, hint=hint
        )
    need(("torchattacks",), f"torchattacks:{name}", where)
    known = _parameters(name)
    for option in options:
        if option in ("eps", "norm", "seed", "n_classes", "verbose"):
            raise ConfigError(f"torchattacks:{name}: '{option}' follows from the suite's budget", where=where)
        if option not in known:
            hint = did_you_mean(option, known) or f"its options: {', '.join(known)}"
            raise ConfigError(f"torchattacks:{name} has no option '{option}'", where=where, hint=hint)
    return Bridged(f"torchattacks:{name}", options)


def _parameters(name: str) -> dict[str, Any]:
    import torchattacks

    found = inspect.signature(getattr(torchattacks, name).__init__).parameters
    return {n: p.default for n, p in found.items() if n not in ("self", "model")}


class Bridged(Attack):
    """One attack of torchattacks; `options` are its constructor's, without the budget."""

    defaults: ClassVar[Mapping[str, Any]] = MappingProxyType({})

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        super().__init__(name, options)
        self.library_name = name.partition(":")[2]
        if "steps" in _parameters(self.library_name):
            self.options.setdefault("steps", _parameters(self.library_name)["steps"])
        #: Of the last run: which clips the audio that the library itself returned breaks.
        self.returned: torch.Tensor | None = None

    def run(self, problem: Problem) -> Outcome:
        if problem.target.dim() != 1:
            raise ConfigError(
                f"{self.name} takes several labels for soft ones of a single class",
                hint="take an attack of benchbed for tags and frames",
            )
        if problem.ball.norm not in ALLOWED[self.library_name]:
            raise ConfigError(
                f"{self.name} has no {problem.ball.norm} form",
                hint=f"threat: {' or '.join(ALLOWED[self.library_name])}",
            )
        outcome = Outcome.start(problem)
        self.returned = torch.zeros(len(problem), dtype=torch.bool)
        leaves = _leaves(problem.select(torch.zeros(1, dtype=torch.long, device=problem.target.device)))
        for clip in range(len(problem)):
            row = torch.tensor([clip], device=problem.target.device)
            self._one(problem.select(row), outcome, row, leaves)
        return outcome

    def _one(self, one: Problem, outcome: Outcome, row: torch.Tensor, leaves: list[torch.Tensor]) -> None:
        if float(one.ball.radius[0]) == 0.0:
            return
        image = _Image(one)
        seed = rng.key("torchattacks", self.library_name, one.ids[0], one.seed)
        devices = [one.target.device] if one.target.is_cuda else []
        # Some attacks call `backward`, which adds to the gradients of the model's own parameters, too.
        gradients = [(leaf, leaf.grad) for leaf in leaves]
        for leaf, _ in gradients:
            leaf.grad = None
        with rng.preserved_global_state(seed), torch.random.fork_rng(devices=devices):
            attack = self._made(image, one)
            try:
                result = attack(image.inside(one.ball.clean), one.target)
            finally:
                for leaf, gradient in gradients:
                    leaf.grad = gradient
        points = one.ball.project(image.outside(result.detach()))
        margin = one.margin(one.victim.scores(points))
        assert self.returned is not None
        self.returned[row] = (margin < 0).cpu()
        outcome.offer(row, points, margin, self.options.get("steps", 1), self.name)
        if image.best is not None:
            outcome.offer(row, image.best, image.margin, image.step, f"{self.name}:iterate")

    def _made(self, image: _Image, one: Problem) -> Any:
        import torchattacks

        known, given = _parameters(self.library_name), dict(self.options)
        # Half the radius: the image's range 0…1 is half as wide as −1…1.
        radius = float(one.ball.radius[0]) / 2
        if "eps" in known:
            given["eps"] = radius
        if "alpha" in known and "alpha" not in given:
            given["alpha"] = 2.5 * radius / given["steps"] if "steps" in given else 1.25 * radius
        if "norm" in known:
            given["norm"] = {"linf": "Linf", "l2": "L2"}[one.ball.norm]
        if "seed" in known:
            given["seed"] = one.seed
        if "n_classes" in known:
            given["n_classes"] = image.classes
            if image.classes < 4 and self.library_name == "APGDT":
                raise ConfigError(f"{self.name} needs four classes, there are {image.classes}", hint="take apgd_t")
            if image.classes > FAB_CLASSES and self.library_name == "FAB":
                raise ConfigError(
                    f"{self.name} keeps a gradient for each of {image.classes} classes",
                    hint=f"at most {FAB_CLASSES}; take apgd_t",
                )
        return getattr(torchattacks, self.library_name)(image, **given)

    def cost(self, classes: int) -> Cost:
        steps = int(self.options.get("steps", 1))
        targets = min(9, classes - 1) if self.library_name in ("APGDT", "FAB") else 1
        return Cost((steps + 1) * targets + 1, steps * targets)


class _Image(torch.nn.Module):
    """A victim as a model of images: (n, 1, 1, samples) in 0…1; remembers the strongest point within the budget.

    The victim is held in a tuple, not registered, so that the library, which switches training modes, cannot reach it.
    """

    def __init__(self, one: Problem) -> None:
        super().__init__()
        # The library asks the first parameter for the device.
        self.anchor = torch.nn.Parameter(torch.zeros(1, device=one.target.device), requires_grad=False)
        self._held = (one,)
        self.shape = one.ball.clean.shape[1:]
        self.classes = int(one.victim.scores(one.ball.clean).shape[1])
        self.best: torch.Tensor | None = None
        self.margin = torch.full((1,), float("inf"), device=one.target.device)
        self.step = self.calls = 0
        self.eval()

    def inside(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Waveforms as images."""
        return ((waveforms.clamp(-1, 1) + 1) / 2).reshape(len(waveforms), 1, 1, -1)

    def outside(self, images: torch.Tensor) -> torch.Tensor:
        """Images as waveforms."""
        return (2 * images - 1).reshape(len(images), *self.shape)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        (one,) = self._held
        waveforms = self.outside(images)
        one.victim.cost.forwards += len(images)
        # Every call is differentiated by some attacks and by others not; the dearer case is counted.
        one.victim.cost.backwards += len(images) if torch.is_grad_enabled() else 0
        scores = (one.victim.attack_forward or one.victim.forward)(waveforms)
        self._remember(one, waveforms.detach(), scores.detach())
        return scores - scores.detach().amin(1, keepdim=True) + 1

    def _remember(self, one: Problem, waveforms: torch.Tensor, scores: torch.Tensor) -> None:
        self.calls += 1
        if len(waveforms) != 1:
            return
        margin = torch.nan_to_num(one.margin(scores), nan=float("inf"))
        if bool(margin < self.margin) and _inside(one.ball, waveforms):
            self.best, self.margin, self.step = waveforms.clone(), margin, self.calls


def _leaves(one: Problem) -> list[torch.Tensor]:
    """Parameters of the model that a backward pass reaches: they are not known by name, so the graph is walked."""
    one.victim.cost.forwards += len(one)
    one.victim.cost.backwards += len(one)  # as dear as a call that is differentiated
    with torch.enable_grad():
        through = one.victim.attack_forward or one.victim.forward
        answer = through(one.ball.clean.detach().clone().requires_grad_(True))
    leaves: dict[int, torch.Tensor] = {}
    waiting, seen = [answer.grad_fn], set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        variable = getattr(node, "variable", None)
        if variable is not None:
            leaves[id(variable)] = variable
        waiting += [following for following, _ in node.next_functions]
    return list(leaves.values())


def _inside(ball: Ball, points: torch.Tensor) -> bool:
    difference = points - ball.clean
    return bool((ball.sizes(difference) <= ball.radius * (1 + 1e-5) + 1e-7).all())
