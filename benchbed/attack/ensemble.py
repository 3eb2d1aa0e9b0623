"""Several attacks as one: the worst case for every clip, at every budget from the mildest to the strongest.

White-box attacks run first and see every clip that they have not broken. Black-box attacks then see what is left, so
that whatever they break has been missed by the gradient: a sign of a masked one. A clip whose gradient is shown to be
the model's own after the first attack is spared the length of the rest, see `benchbed.attack.presets`. Noise is tried
on every clip, whatever else broke it, so that each attack can be held against its floor. A clip broken at a budget
stays broken at every larger one: the same point lies in the larger ball.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from benchbed import rng
from benchbed.attack import BRIDGED, resolve
from benchbed.attack.audit import VOUCH_DIRECTIONS
from benchbed.attack.contract import Attack, Cost, Outcome, Problem
from benchbed.attack.losses import losses_of_kind
from benchbed.attack.presets import POWER, PRESETS, SHORTER
from benchbed.attack.threat import Threat, per_clip
from benchbed.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from benchbed.attack.threat import FeatureThreat

#: Noise draws of the floor, per colour.
FLOOR_DRAWS = 3
FLOOR = ("white_noise", "pink_noise")

#: Says which clips of a problem have a gradient that is shown to be the model's own: `(problem, what the first attack
#: did to it, the margin that noise left, whether the budget is the mildest) → [clip]`.
Vouches = Callable[[Problem, Outcome, torch.Tensor, bool], torch.Tensor]


@dataclass(frozen=True)
class Ensemble:
    """Which attacks run, in which order.

    Attributes
    ----------
    name : str
        As in the suite.
    attacks : tuple of Attack
        White box first.
    skipped : dict of str to str
        Members that cannot run on this model → why.
    several : bool
        An ensemble by its name: noise counts as one of its attacks; beside a single attack it is only its floor.
    floor : tuple of str
        Noises that attacks are held against.
    short : tuple of Attack
        The same attacks as they run on clips that are vouched for; empty where they run whole on every clip.
    """

    name: str
    attacks: tuple[Attack, ...]
    skipped: dict[str, str] = field(default_factory=dict)
    several: bool = False
    floor: tuple[str, ...] = FLOOR
    short: tuple[Attack, ...] = ()

    @property
    def white_box(self) -> bool:
        """Some attack uses the model's own gradient."""
        return any(attack.access == "gradient" for attack in self.attacks)

    def cost(self, classes: int, budgets: int, clips: int, *, vouched: bool = False) -> Cost:
        """Most model evaluations that all clips can need at all budgets, the noise floor included.

        Parameters
        ----------
        classes, budgets, clips : int
            How much is attacked.
        vouched : bool
            Of clips that are vouched for, on which the ensemble is shorter.

        Examples
        --------
        >>> whole, short = (ensemble("standard").cost(10, 1, 1, vouched=vouched) for vouched in (False, True))
        >>> short.forwards + 2 * short.backwards <= 0.5 * (whole.forwards + 2 * whole.backwards)
        True
        """
        total = Cost(FLOOR_DRAWS * len(self.floor), 0) * budgets
        if self.short:
            # Answer and gradient where the first attack ended, and central differences there.
            total = total + Cost(2 + 2 * (1 + VOUCH_DIRECTIONS), 1) * budgets
        for attack in self.short if vouched and self.short else self.attacks:
            # A search runs once, and every other budget costs an answer.
            own = attack.cost(classes)
            total = total + (own + Cost(budgets, 0) if attack.searches else own * budgets)
        return total * clips


def ensemble(
    name: str,
    options: Mapping[str, Any] | None = None,
    *,
    losses: Sequence[str] = ("ce", "margin"),
    known: Sequence[str] | None = None,
    output: str = "scene",
    steps: int | None = None,
    restarts: int | None = None,
    differentiable: bool = True,
    sources: bool = True,
    powered: bool = False,
    refusal: Callable[[Attack], str | None] | None = None,
    floor: tuple[str, ...] = FLOOR,
    where: str | None = None,
) -> Ensemble:
    """The attacks of a preset, or the single attack of that name.

    Parameters
    ----------
    name : str
        `fast`, `standard`, `full`, or an attack.
    options : mapping, optional
        Options of a single attack.
    losses : sequence of str
        Losses that an ensemble climbs; the first is a single attack's own, the last that of a transfer's source.
    known : sequence of str, optional
        All losses of the output kind; those climbed by default.
    output : str
        Output kind; attacks whose loss means nothing for it are left out.
    steps, restarts : int, optional
        In the place of the members' own.
    differentiable : bool
        False leaves out white-box members.
    sources : bool
        False leaves out transfer.
    powered : bool
        Adds black boxes with some thousand queries.
    refusal : callable, optional
        Attack → why it means nothing in the space of the condition, or None.
    floor : tuple of str
        Noises that attacks are held against.
    where : str, optional
        Place in the suite, for error messages.

    Examples
    --------
    >>> [attack.name for attack in ensemble("standard").attacks]
    ['apgd', 'apgd', 'apgd_t', 'square', 'transfer']
    """
    if name in PRESETS:
        if options:
            raise ConfigError(
                f"the ensemble '{name}' takes no options", where=where, hint="steps, restarts, or an attack"
            )
        wanted = [(member, dict(own)) for member, own in (*PRESETS[name], *(POWER.get(name, ()) if powered else ()))]
    else:
        wanted = [(name, dict(options or {}))]
    exclusive: bool = getattr(losses_of_kind(output, where), "EXCLUSIVE", False)
    attacks: list[Attack] = []
    skipped: dict[str, str] = {}
    for member, own in wanted:
        for each in _each(own, losses):
            attack = resolve(member, each, where=where)
            _give_loss(attack, each, losses, known or losses, output, exclusive, where)
            for option, value in (("steps", steps), ("restarts", restarts)):
                if value is not None and option in attack.options:
                    attack.options[option] = value
            reason = refusal(attack) if refusal is not None else None
            if not exclusive:
                reason = reason or _meaningless(attack, output)
            reason = reason or _unavailable(attack, differentiable, sources)
            if reason is None:
                attacks.append(attack)
            else:
                skipped[member] = reason
    attacks.sort(key=lambda attack: attack.access != "gradient")
    return Ensemble(name, tuple(attacks), skipped, name in PRESETS, floor, () if powered else _shorter(name, attacks))


def _shorter(name: str, attacks: Sequence[Attack]) -> tuple[Attack, ...]:
    """The attacks as they run on clips that are vouched for, which takes an attack by gradients to begin with."""
    cut = SHORTER.get(name)
    if cut is None or not attacks or attacks[0].access != "gradient":
        return ()
    made = [attacks[0]]
    for attack in attacks[1:]:
        own = dict(attack.options)
        if attack.access == "gradient" and "steps" in own:
            own["steps"] = math.ceil(cut.steps * own["steps"])
        if attack.access == "scores" and "queries" in own:
            own["queries"] = min(cut.queries, own["queries"])
        made.append(resolve(attack.name, own))
    return tuple(made)


def _each(options: dict[str, Any], losses: Sequence[str]) -> list[dict[str, Any]]:
    if options.get("loss") != "each":
        return [options]
    return [{**options, "loss": loss} for loss in losses]


def _give_loss(
    attack: Attack,
    given: Mapping[str, Any],
    losses: Sequence[str],
    known: Sequence[str],
    output: str,
    exclusive: bool,
    where: str | None,
) -> None:
    if "loss" not in attack.options:
        return
    if "loss" not in given and not exclusive:
        # The attacks' own defaults are losses of clips with one class.
        attack.options["loss"] = losses[-1] if attack.access == "transfer" else losses[0]
    loss = attack.options["loss"]
    if loss not in known:
        hint = did_you_mean(str(loss), known) or f"losses: {', '.join(known)}"
        raise ConfigError(f"an attack on {output} has no loss '{loss}'", where=where, hint=hint)


def _meaningless(attack: Attack, output: str) -> str | None:
    if attack.name.startswith(BRIDGED):
        return f"torchattacks takes the labels of {output} for soft ones of a softmax, whose loss means nothing here"
    if attack.exclusive:
        return f"it aims at wrong classes of clips that have one class each, not at {output}"
    return None


def _unavailable(attack: Attack, differentiable: bool, sources: bool) -> str | None:
    if attack.access == "gradient" and not differentiable:
        return "the model has no differentiable forward"
    if attack.access == "transfer" and "loss" in attack.options and not sources:
        return "there is no other model to transfer from"
    return None


@dataclass
class Level:
    """What one budget did to the clips of a batch.

    Attributes
    ----------
    threat : Threat
    outcome : Outcome
        The strongest points over all members; carried clips have those of the milder budget.
    carried : Tensor [shape=(clip,), bool]
        Broken at a milder budget already.
    noise : Tensor [shape=(clip,), bool]
        Broken by a noise of this budget.
    white : Tensor [shape=(clip,), bool]
        Broken by a white-box attack, at this budget or a milder one.
    black : Tensor [shape=(clip,), bool]
        Broken by a black-box attack after every white-box attack had failed.
    worst_noise : Tensor [shape=(clip, …)], optional
        The strongest of the noises of this budget.
    climbed, attacked : int
        Clips whose loss rose, of those on which a loss was climbed.
    vouched : Tensor [shape=(clip,), bool]
        Attacked by the shorter ensemble, since the gradient was shown to be the model's own.
    doubted : Tensor [shape=(clip,), bool]
        Asked for that and not vouched for.
    """

    threat: Threat | FeatureThreat
    outcome: Outcome
    carried: torch.Tensor
    noise: torch.Tensor
    white: torch.Tensor
    black: torch.Tensor
    worst_noise: torch.Tensor | None = None
    climbed: int = 0
    attacked: int = 0
    vouched: torch.Tensor = field(init=False)
    doubted: torch.Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.vouched, self.doubted = torch.zeros_like(self.carried), torch.zeros_like(self.carried)


def levels(
    made: Callable[[Any], Problem],
    threats: Sequence[Threat] | Sequence[FeatureThreat],
    ensemble: Ensemble,
    *,
    alone: bool = False,
    vouches: Vouches | None = None,
    seeds: Callable[[Threat | FeatureThreat], int] | None = None,
) -> list[Level]:
    """Run all attacks of an ensemble on one batch at every budget.

    Parameters
    ----------
    made : callable
        Threat → the problem of the batch at that budget.
    threats : sequence of Threat or FeatureThreat
        Budgets, mildest first.
    ensemble : Ensemble
        The attacks.
    alone : bool, default=False
        Begin anew at every budget, in the place of carrying on what fell at a milder one.
    vouches : callable, optional
        Says which clips the shorter ensemble will do for.
    seeds : callable, optional
        Threat → seed of global random state while it is attacked: what a random model draws at one budget then does not
        depend on which others there are.
    """
    if any(attack.searches for attack in ensemble.attacks):
        return _searched(made, threats, ensemble)
    found: list[Level] = []
    for threat in threats:
        problem = made(threat)
        before = found[-1] if found and not alone else None
        with rng.preserved_global_state(None if seeds is None else seeds(threat)):
            found.append(_level(problem, threat, ensemble, before, vouches, mildest=not found))
    return found


def _level(
    problem: Problem,
    threat: Threat | FeatureThreat,
    ensemble: Ensemble,
    before: Level | None,
    vouches: Vouches | None,
    *,
    mildest: bool,
) -> Level:
    count, device = len(problem), problem.target.device
    none = torch.zeros(count, dtype=torch.bool, device=device)
    outcome = Outcome.start(problem)
    if before is not None:
        old = before.outcome
        kept = {name: list(values) for name, values in old.columns.items()}
        outcome = Outcome(old.points.clone(), old.margin.clone(), old.step.clone(), by=list(old.by), columns=kept)
    carried = outcome.broken.clone()
    level = Level(threat, outcome, carried, none.clone(), none.clone(), none.clone())
    if before is not None:
        level.white, level.black = before.white.clone(), before.black.clone()
    floor = [_noise(problem, name) for name in ensemble.floor]
    for noise in floor:
        level.noise |= noise.broken
    level.worst_noise = _strongest(floor)
    spent = Spent(count, floor)
    for number, attack in enumerate(ensemble.attacks):
        # Noise must not hide a clip from the gradient: it would pass for an attack that was never tried.
        # Of a random model the strongest point counts, not the first that a few draws call broken.
        left = ~outcome.broken if problem.stop else torch.ones_like(outcome.broken)
        if not bool(left.any()):
            break
        short = ensemble.short[number] if ensemble.short else attack
        for chosen, mask in ((attack, left & ~level.vouched), (short, left & level.vouched)):
            rows = mask.nonzero()[:, 0]
            if not len(rows):
                continue
            done = chosen.run(problem.select(rows))
            if attack.access == "gradient":
                level.white[rows] |= done.broken
                _count(level, done)
            elif attack.access in ("scores", "transfer"):
                level.black[rows] |= done.broken
            _take(outcome, rows, done, attack.name)
            if vouches is not None and ensemble.short and number == 0:
                _vouch(level, problem, rows, done, floor, vouches, mildest)
            spent.take(rows, chosen, done)
    if ensemble.several:
        every = torch.arange(count, device=device)
        for name, noise in zip(ensemble.floor, floor):
            rows = every[noise.broken & ~outcome.broken]
            _take(outcome, rows, _rows(noise, rows), name)
        outcome.columns |= spent.columns()
    return level


def _vouch(
    level: Level,
    problem: Problem,
    rows: torch.Tensor,
    done: Outcome,
    floor: Sequence[Outcome],
    vouches: Vouches,
    mildest: bool,
) -> None:
    """Let what stands after the first attack be vouched for; clip by clip, whatever stands beside it."""
    stands = (~done.broken).nonzero()[:, 0]
    if not len(stands):
        return
    noise = torch.stack([each.margin for each in floor]).amin(0)[rows[stands]]
    part = Outcome(
        done.points[stands],
        done.margin[stands],
        done.step[stands],
        None if done.first is None else done.first[stands],
        None if done.last is None else done.last[stands],
        passes=None if done.passes is None else done.passes[stands],
    )
    found = vouches(problem.select(rows[stands]), part, noise, mildest)
    level.vouched[rows[stands]], level.doubted[rows[stands]] = found, ~found
    if done.passes is not None and part.passes is not None:
        done.passes[stands] = part.passes


class Spent:
    """What was run on each clip at one budget, and how many passes of the model it took."""

    def __init__(self, clips: int, floor: Sequence[Outcome]) -> None:
        self.passes = [0] * clips
        self.members: list[list[str]] = [[] for _ in range(clips)]
        for noise in floor:
            if noise.passes is not None:
                self.add(torch.arange(clips), noise.passes.tolist())

    def add(self, rows: torch.Tensor, passes: Sequence[int]) -> None:
        """What each of some of the clips took."""
        for row, number in zip(rows.tolist(), passes):
            self.passes[row] += number

    def take(self, rows: torch.Tensor, attack: Attack, done: Outcome) -> None:
        """A member was run on some of the clips."""
        if done.passes is not None:
            self.add(rows, done.passes.tolist())
        for row in rows.tolist():
            self.members[row].append(member(attack))

    def columns(self) -> dict[str, list[Any]]:
        """Passes and members, as columns of the clips' rows."""
        return {"passes": list(self.passes), "members": [", ".join(each) or None for each in self.members]}


def member(attack: Attack) -> str:
    """An attack in a few words: its name, its loss, and how long it goes on.

    Examples
    --------
    >>> member(resolve("apgd", {"steps": 25})), member(resolve("square"))
    ('apgd:ce 25', 'square 300')
    """
    loss = f":{attack.options['loss']}" if "loss" in attack.options else ""
    length = next((f" {attack.options[key]}" for key in ("steps", "queries") if key in attack.options), "")
    return f"{attack.name}{loss}{length}"


def _searched(
    problem_at: Callable[[Any], Problem], threats: Sequence[Threat] | Sequence[FeatureThreat], ensemble: Ensemble
) -> list[Level]:
    """Levels of a search for the smallest perturbation: it runs once, and every budget asks what lies within it.

    The passes of the search stand at the strongest budget, in whose ball it ran, those of a question at its own.
    """
    problem, (attack, *_) = problem_at(threats[-1]), ensemble.attacks
    done = attack.run(problem)
    reached: list[Level] = []
    for threat in threats:
        here = problem_at(threat)
        before = reached[-1].outcome.broken if reached else torch.zeros_like(done.broken)
        size = here.ball.sizes(done.points - here.ball.clean)
        inside = (size <= here.ball.radius * (1 + 1e-6)).view(len(here), -1).all(1)
        outcome = Outcome(done.points.clone(), done.margin.clone(), done.step.clone(), by=list(done.by))
        outcome.columns = {name: list(values) for name, values in done.columns.items()}
        floor = [_noise(here, name) for name in ensemble.floor]
        spent = Spent(len(here), floor)
        far = (~inside).nonzero()[:, 0]
        if len(far):
            # Along the line to the clean clip the model may have been broken earlier still: it is asked, not assumed.
            part = here.select(far)
            points = part.ball.project(done.points[far])
            margin = torch.nan_to_num(part.margin(part.victim.scores(points)).to(done.margin), nan=float("inf"))
            spent.add(far, [part.victim.passes[0]] * len(far))
            outcome.points[far], outcome.margin[far] = points, margin
            outcome.step[far[margin >= 0]] = -1
            sooner = far[margin < 0]
            # What breaks within this budget breaks within every larger one.
            done.points[sooner], done.margin[sooner] = outcome.points[sooner], outcome.margin[sooner]
        if threat is threats[-1] and done.passes is not None:
            spent.add(torch.arange(len(here)), done.passes.tolist())
        outcome.columns["passes"] = spent.passes
        noise = torch.stack([each.broken for each in floor]).any(0)
        none = torch.zeros_like(before)
        level = Level(threat, outcome, before, noise, outcome.broken.clone(), none, _strongest(floor))
        _count(level, done)
        reached.append(level)
    return reached


def _noise(problem: Problem, name: str) -> Outcome:
    return resolve(name, {"draws": FLOOR_DRAWS}).run(problem)


def _strongest(noises: Sequence[Outcome]) -> torch.Tensor:
    points, margin = noises[0].points, noises[0].margin
    for other in noises[1:]:
        points = torch.where(per_clip(other.margin < margin, points), other.points, points)
        margin = torch.minimum(margin, other.margin)
    return points


def _take(outcome: Outcome, rows: torch.Tensor, done: Outcome, name: str) -> None:
    stronger = done.margin < outcome.margin[rows]
    newly = done.broken & ~outcome.broken[rows]
    outcome.points[rows[stronger]] = done.points[stronger]
    outcome.margin[rows[stronger]] = done.margin[stronger]
    outcome.step[rows[newly]] = done.step[newly]
    for position, row in enumerate(rows.tolist()):
        if stronger[position]:
            outcome.by[row] = done.by[position] or name
    for column, values in done.columns.items():
        whole = outcome.columns.setdefault(column, [None] * len(outcome.margin))
        for row, value in zip(rows.tolist(), values):
            whole[row] = value


def _rows(outcome: Outcome, rows: torch.Tensor) -> Outcome:
    return Outcome(outcome.points[rows], outcome.margin[rows], outcome.step[rows], by=[outcome.by[i] for i in rows])


def _count(level: Level, done: Outcome) -> None:
    if done.first is None or done.last is None:
        return
    tried = ~done.first.isnan()
    level.attacked += int(tried.sum())
    level.climbed += int((tried & ((done.last > done.first) | (done.step == 0))).sum())
