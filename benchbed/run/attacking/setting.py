"""One batch of clips with its victim, from which a problem is made for every budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchbed.attack.ensemble import Ensemble, Level
from benchbed.attack.threat import FeatureThreat, Threat
from benchbed.run.attacking.goal import AttackedClip
from benchbed.run.attacking.offered import offered_of
from benchbed.run.attacking.sources import SourceModel, fitted_of
from benchbed.run.attacking.surroundings import surroundings_of
from benchbed.run.attacking.work import Work

if TYPE_CHECKING:
    import torch

    from benchbed.attack.contract import Problem, Victim
    from benchbed.attack.threat import Limit

#: Random shifts at which a universal perturbation is also scored.
SHIFTS = 3


@dataclass
class Setting:
    """One batch of clips of one length.

    Attributes
    ----------
    work : Work
        The unit.
    loud : list of AttackedClip
        Clips that are attacked.
    clean : Tensor [shape=(clip, channel, sample)]
        Their audio, or their features `[clip, …]`.
    victim : Victim
        The model.
    sources : mapping
        Models to transfer from.
    ensemble : Ensemble
        The attacks.
    """

    work: Work
    loud: list[AttackedClip]
    clean: torch.Tensor
    victim: Victim
    sources: Mapping[str, SourceModel]
    ensemble: Ensemble

    @property
    def alone(self) -> bool:
        """Every budget is attacked anew: asked for, or because the model is random.

        A clip that a random model got wrong at a milder budget is no clip that is wrong: its answer there was a draw.
        """
        return self.work.condition.alone or self.work.eot > 1

    def seed(self, threat: Threat | FeatureThreat) -> int:
        """Seed of global random state at one budget."""
        return self.work.seed("budget", str(threat))

    def problem(self, threat: Threat | FeatureThreat, *, limited: bool = True) -> Problem:
        """The batch at one budget; `limited` as inaudible as the condition asks for."""
        from benchbed.attack.contract import Problem
        from benchbed.attack.frequency import band_pass
        from benchbed.attack.threat import Ball

        engine, view = self.work.engine, self.work.view
        samples, seconds = self.loud[0].samples, self.loud[0].seconds
        truths = [s.truth for s in self.loud]
        task = self.work.task.taught(view.adapter, truths)
        target = view.target(task, truths, samples, seconds).to(self.clean.device)
        ids = [engine.shard.clip_id(s.index) for s in self.loud]
        band = self.work.condition.band if limited else None
        within = None if band is None else band_pass(band.low, band.high, engine.card.sample_rate)
        ball = Ball.of(threat, self.clean, self.limit() if limited else None, within)
        heard = dict(zip(ids, self.loud))
        crafts = {name: source.craft(threat, heard, self.work.task) for name, source in self.sources.items()}
        unit = self.work.unit
        fitted = fitted_of(engine, unit, self.ensemble, threat, self.work.task, view, self.work.eot)
        return Problem(
            self.victim,
            ball,
            target,
            task.losses,
            ids,
            engine.job.seed,
            engine.card.sample_rate,
            stop=self.work.eot == 1,
            sources=crafts,
            fitted=fitted,
            judge=task.judge(self.loud, view.hop),
            surroundings=surroundings_of(engine, self.work.condition),
            offered=offered_of(engine, self.work.condition, view, self.loud),
        )

    def limit(self) -> Limit | None:
        """Projection below the masking threshold, if the condition asks for it."""
        audible = self.work.condition.audibility
        if audible is None:
            return None
        from benchbed.attack.audibility import masked

        return masked(self.clean, self.work.engine.card.sample_rate, audible.max_nmr, audible.full_scale_spl)

    def shifted(self, level: Level) -> list[float] | None:
        """Share of random circular shifts of a universal perturbation at which each clip is still right."""
        names = [attack.name for attack in self.ensemble.attacks if attack.access == "universal"]
        if not names:
            return None
        import torch

        from benchbed.attack.universal import placed

        problem = self.problem(level.threat)
        pattern = problem.fitted[names[0]]
        right = torch.zeros(len(problem), dtype=torch.float64, device=problem.target.device)
        for shift in range(SHIFTS):
            moves = [int(problem.stream(i, "shift", shift).integers(pattern.shape[-1])) for i in range(len(problem))]
            patterns = torch.stack([pattern.roll(move, -1) for move in moves])
            right = right + (problem.margin(problem.victim.scores(placed(problem.ball, patterns))) >= 0).double()
        return (right / SHIFTS).tolist()

    def costs(self) -> None:
        """Count what the attack took."""
        cost = self.victim.cost
        self.work.note("answers", cost.forwards, self.victim.unanswered)
        self.work.note("cost", len(self.loud), 0, text=f"{cost.forwards}/{cost.backwards}")
