"""A white-box attack on a substitute that is trained on the model's own answers, clip by clip, and asks as it climbs.

See `benchbed.attack.answering`. Each round asks small steps along random directions in the space of band energies at
the best point so far, fits the substitute to all answers, and tries steps along its gradient of several lengths.
"""

from __future__ import annotations

from types import MappingProxyType

import torch

from benchbed.attack.answering import SAMPLES, BandEnergies, Substitute
from benchbed.attack.audit import rival
from benchbed.attack.contract import Attack, Cost, Outcome, Problem
from benchbed.attack.threat import norms

#: Lengths of the steps that are tried, in radii of the ball.
STEPS = (2.0, 1.0, 0.5, 0.25, 0.1)
#: Steps of a climb on the substitute alone, in radii; the model is asked at every fourth point.
CLIMB = (0.6, 0.5, 0.4, 0.4, 0.3, 0.3, 0.2, 0.2, 0.15, 0.1, 0.1, 0.05)
#: Queries of one round besides those that teach.
TRIED = len(STEPS) + 2 * (len(CLIMB) // 4)
#: Probing steps in dB below the clip, the smallest first: a model whose answers do not move is asked with the next.
PROBES_DB = (70.0, 50.0, 35.0)
#: Numbers that a substitute may keep of samples: two thousand queries of a second at 32 kHz. Longer clips go by their
#: bands alone, and of shorter ones no more queries are asked than that, unless bands prove to be enough.
KEPT = 70_000_000
#: Queries with which a substitute on samples has to fit into them.
SAMPLED = 2000
#: Share of the answers to white noise that bands must explain for the next rounds to go without it.
EXPLAINED = 0.2
#: How much more a step along bands must move the answers' energy than one of white noise as long, for the next rounds
#: to go without the latter: such a model hears bands, and white noise tells little of it.
LOUDER = 2.0
#: Queries that are asked at once.
AT_ONCE = 32


class Surrogate(Attack):
    """Options: `queries`, `rounds`."""

    access = "scores"
    defaults = MappingProxyType({"queries": 2000, "rounds": 12})

    def run(self, problem: Problem) -> Outcome:
        outcome = Outcome.start(problem)
        features = BandEnergies(problem.sample_rate)
        for clip in range(len(problem)):
            row = torch.tensor([clip], device=problem.target.device)
            _Search(self, problem, outcome, row, features).run()
        return outcome

    def cost(self, classes: int) -> Cost:
        return Cost(self.options["queries"], 0)


class _Search:
    """One clip."""

    def __init__(
        self, attack: Attack, problem: Problem, outcome: Outcome, row: torch.Tensor, features: BandEnergies
    ) -> None:
        self.attack, self.problem, self.outcome, self.row = attack, problem, outcome, row
        self.one = problem.select(row)
        self.features, self.random = features, problem.stream(int(row), attack.name)
        self.left = int(attack.options["queries"])
        self.probe, self.white, self.kept_back = 0, 0.0, 0
        self.substitute = Substitute(features, 0.0)

    def run(self) -> None:
        rounds = int(self.attack.options["rounds"])
        each = max(8, self.left // rounds - TRIED)
        point = self.one.ball.clean
        known = point.numel() * min(self.left, SAMPLED) <= KEPT
        self.substitute = Substitute(self.features, SAMPLES if known else 0.0)
        self.white = 0.5 if known else 0.0
        scores = self._ask(point)
        while self.left - self.kept_back > TRIED and not self._done():
            if not self._learn(point, scores, min(each, self.left - self.kept_back - TRIED)):
                break
            ahead = self._tried(point, scores)
            better = self._loss(ahead[1]) > self._loss(scores)
            if bool(better.any()):
                best = int(self._loss(ahead[1]).argmax())
                point, scores = ahead[0][best : best + 1], ahead[1][best : best + 1]

    def _done(self) -> bool:
        return self.problem.stop and bool(self.outcome.broken[self.row])

    def _ask(self, points: torch.Tensor) -> torch.Tensor:
        found = []
        for part in points.split(AT_ONCE):
            answers = self.one.victim.scores(part)
            found.append(answers)
            self.left -= len(part)
            rows = torch.zeros(len(part), dtype=torch.int64, device=self.row.device)
            margin = self.one.select(rows).margin(answers)
            best = int(torch.nan_to_num(margin, nan=float("inf")).argmin())
            step = int(self.attack.options["queries"]) - self.left
            self.outcome.offer(self.row, part[best : best + 1], margin[best : best + 1], step, self.attack.name)
        return torch.cat(found)

    def _single(self, scores: torch.Tensor) -> bool:
        return scores.dim() == 2 and self.one.target.dim() == 1

    def _loss(self, scores: torch.Tensor) -> torch.Tensor:
        """What is climbed `[query]`."""
        target = self.one.target.expand(len(scores), *self.one.target.shape[1:])
        if self._single(scores):
            return -self.one.losses.margin(scores, target)
        return rival(self.one.losses, scores)(scores, target)

    def _answers(self, scores: torch.Tensor) -> torch.Tensor:
        """What the substitute learns `[query, answer]`: every class's score, or the loss where there are more."""
        return scores if self._single(scores) else self._loss(scores)[:, None]

    def _combination(self, scores: torch.Tensor) -> torch.Tensor:
        if not self._single(scores):
            return torch.ones(1, device=scores.device)
        target = self.one.target
        sign = torch.zeros(scores.shape[1], device=scores.device)
        sign[int(self.one.losses.others(scores, target).argmax())] = 1.0
        sign[int(target)] = -1.0
        return sign

    def _learn(self, point: torch.Tensor, scores: torch.Tensor, count: int) -> bool:
        """Ask small steps around a point; False where the model's answers do not move at any size of a step."""
        here = self.features(point)
        while self.probe < len(PROBES_DB):
            reach = self.one.ball.clean.norm() * 10 ** (-PROBES_DB[self.probe] / 20)
            asked = []
            for part in self._directions(point, here, count).split(AT_ONCE):
                # No answer is taken to a point that is not allowed: it might be the one that breaks the clip.
                ahead = self.one.select(torch.zeros(len(part), dtype=torch.int64, device=self.row.device)).ball.project(
                    point + reach * part
                )
                answers = self._answers(self._ask(ahead)) - self._answers(scores)
                asked.append(((ahead - point) / reach, (self.features(ahead) - here) / reach, answers / reach))
            steps, changes, moved = (torch.cat(parts) for parts in zip(*asked))
            if bool((moved.abs().amax(1) > 0).double().mean() > 0.5):
                moved = torch.nan_to_num(moved)
                if self.white and not self.substitute.answers:
                    self._weigh(changes, moved)
                    self._settle(point.numel())
                self.substitute.learn(steps, changes, moved)
                return True
            self.probe += 1
            if self.left <= count + TRIED:
                return False
        return False

    def _directions(self, point: torch.Tensor, here: torch.Tensor, count: int) -> torch.Tensor:
        """Random directions of unit length `[query, channel, sample]`: of bands, then of white noise."""
        white = int(self.white * count)
        drawn = torch.from_numpy(self.random.standard_normal((count - white, here.shape[1]), dtype="float32")).to(here)
        made = [self.features.directions(point, wanted) for wanted in drawn.split(AT_ONCE)]
        if white:
            shape = (white, *point.shape[1:])
            noise = torch.from_numpy(self.random.standard_normal(shape, dtype="float32")).to(point)
            made.append(noise / norms(noise, "l2")[:, None, None])
        return torch.cat(made)

    def _weigh(self, changes: torch.Tensor, moved: torch.Tensor) -> None:
        """Go without white noise from now on, if steps along bands move the answers more, or explain those to it."""
        bands = len(changes) - int(self.white * len(changes))
        energy = [float(part.double().square().mean()) for part in (moved[:bands], moved[bands:])]
        if energy[0] > LOUDER * energy[1]:
            self.white = 0.0
            return
        model = Substitute(self.features, 0.0)
        model.learn(changes[:bands], changes[:bands], moved[:bands])
        truth, told = moved[bands:].double(), (changes[bands:] @ model.on_bands).double()
        together = (truth * told).sum() / (truth.norm() * told.norm()).clamp_min(1e-30)
        if float(together) ** 2 > EXPLAINED:
            self.white = 0.0

    def _settle(self, samples: int) -> None:
        """Keep no samples, or ask less, where all queries' samples are too many to be kept."""
        most = KEPT // samples
        if self.left <= most:
            return
        if self.white:
            self.kept_back = int(self.attack.options["queries"]) - most
        else:
            self.substitute = Substitute(self.features, 0.0)

    def _tried(self, point: torch.Tensor, scores: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        combination, ball = self._combination(scores), self.one.ball
        ahead = []
        slope = self.substitute.slope(point, combination)
        ahead += [ball.climbed(point.clone(), slope, step * ball.radius) for step in STEPS]
        # Bands answer to sound by its logarithm: where the clip is soft, a straight line soon leads nowhere.
        for start in (ball.clean, point):
            moved = start
            for number, step in enumerate(CLIMB):
                slope = self.substitute.slope(moved, combination)
                moved = ball.climbed(moved.clone(), slope, step * ball.radius)
                if number % 4 == 3:
                    ahead.append(moved)
        return torch.cat(ahead), self._ask(torch.cat(ahead))


ATTACK = Surrogate
