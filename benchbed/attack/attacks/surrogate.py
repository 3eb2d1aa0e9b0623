"""A white-box attack on a substitute that is trained on the model's own answers, clip by clip, and asks as it climbs.

See `benchbed.attack.answering`. About half of the queries are spent on small steps around the clean clip, in parts, so
that a clip that falls easily is done early; after each part the substitute is fitted and climbed towards every rival,
and the model is asked along the ways that promise most. The rest goes to the best point so far, a part at each of
several such points: there the substitute learns what it misses, and the climb goes on in small steps. With the exact
gradient by log-mel at the clean clip alone, one of seven borderline clips of the shipped CNN was broken; with that at
three more points, six were.
"""

from __future__ import annotations

from types import MappingProxyType

import torch

from benchbed.attack.answering import HEARINGS, SAMPLES, BandCells, BandEnergies, Substitute, missed
from benchbed.attack.audit import rival
from benchbed.attack.contract import Attack, Cost, Outcome, Problem
from benchbed.attack.threat import norms

#: Share of the queries that each part takes: around the clean clip, and at points that were reached.
AROUND, AFTER = (0.05, 0.09, 0.14, 0.18), (0.11, 0.1, 0.09, 0.08, 0.08, 0.07)
#: Steps of the climb from the clean clip, and from points that were reached, in radii of the ball; the model is asked
#: at the end of every part.
CLIMB = ((0.5,) * 5, (0.3,) * 5, (0.15,) * 5, (0.07,) * 5)
ON = ((0.2,), (0.2,) * 2, (0.1,) * 3, (0.1,) * 2 + (0.05,) * 4)
#: Most rivals of the right class whose scores are learned, and ways that the model is asked along in one part.
RIVALS, WAYS = 7, 3
#: Queries of one part besides those that teach.
TRIED = WAYS * max(len(CLIMB), len(ON))
#: How far a step raises the log-energy of its cell, where answers are fine enough to tell: a tenth, 0.4 dB.
RAISED = 0.1
#: Longer steps in dB below the clip, each along all cells at once: a model whose answers do not move is asked with the
#: next. None of a single cell is longer than the first.
PROBES_DB = (70.0, 50.0, 35.0)
#: Two answers to the same clip that differ by more than this share of their size come from a random model: only the
#: longest steps tell anything of it.
SAME = 1e-4
#: Numbers that a substitute may keep of samples: two thousand queries of a second at 32 kHz. Longer clips go by their
#: bands alone, and of shorter ones no more queries are asked than that, unless bands prove to be enough.
KEPT = 70_000_000
#: Queries with which a substitute on samples has to fit into them.
SAMPLED = 2000
#: Share of the answers to white noise that bands must explain for the next parts to go without it.
EXPLAINED = 0.2
#: How much more a step along bands must move the answers' energy than one of white noise as long, for the next parts to
#: go without the latter: such a model hears bands, and white noise tells little of it.
LOUDER = 2.0
#: Parts whose answers say what a model hears, and numbers of their samples that may be kept for that.
LISTENED, LISTENED_TO = 2, 100_000_000
#: Queries that are asked at once.
AT_ONCE = 32


#: Points that were asked, lengths of the steps to them, and how far each moved the answers over that length.
Asked = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


class Surrogate(Attack):
    """Options: `queries`."""

    access = "scores"
    defaults = MappingProxyType({"queries": 10000})

    def run(self, problem: Problem) -> Outcome:
        outcome = Outcome.start(problem)
        hearings = [BandEnergies(problem.sample_rate, *each) for each in HEARINGS]
        for clip in range(len(problem)):
            row = torch.tensor([clip], device=problem.target.device)
            _Search(self, problem, outcome, row, hearings).run()
        return outcome

    def cost(self, classes: int) -> Cost:
        return Cost(self.options["queries"], 0)


class _Search:
    """One clip."""

    def __init__(
        self, attack: Attack, problem: Problem, outcome: Outcome, row: torch.Tensor, hearings: list[BandEnergies]
    ) -> None:
        self.attack, self.problem, self.outcome, self.row = attack, problem, outcome, row
        self.one = problem.select(row)
        self.hearings, self.features, self.random = hearings, hearings[0], problem.stream(int(row), attack.name)
        self.left = int(attack.options["queries"])
        self.white, self.kept_back = 0.0, 0
        #: Number of the probe: 0 are steps of single cells.
        self.probe = 0
        self.substitute = Substitute(self.features, 0.0)
        self.columns: torch.Tensor | None = None
        self.listened: list[Asked] = []

    def run(self) -> None:
        clean, queries = self.one.ball.clean, self.left
        known = clean.numel() * min(self.left, SAMPLED) <= KEPT
        self.substitute = Substitute(self.features, SAMPLES if known else 0.0)
        self.white = 0.5 if known else 0.0
        twice = self._ask(torch.cat([clean, clean]))
        scores = twice[:1]
        if float((twice[0] - twice[1]).abs().max()) > SAME * float(scores.abs().max()):
            self.probe = len(PROBES_DB)
        self._choose(scores)
        best, point = (clean, scores), clean
        self._arrive(point)
        for part, share in enumerate((*AROUND, *AFTER)):
            spare = self.left - self.kept_back - TRIED
            if spare < 1 or self._done():
                break
            if part >= len(AROUND) and best[0] is not point:
                point, scores = best
                self.substitute.move()
                self._arrive(point)
            if not self._learn(point, scores, min(max(8, int(share * queries) - TRIED), spare)):
                break
            if part + 1 == LISTENED:
                self._hear(point)
            elif part >= LISTENED:
                self.listened = []
            ahead, answers = self._tried(point, scores, CLIMB if point is clean else ON)
            losses = torch.nan_to_num(self._loss(answers), nan=float("-inf"))
            if float(losses.max()) > float(self._loss(best[1])):
                number = int(losses.argmax())
                best = ahead[number : number + 1], answers[number : number + 1]

    def _done(self) -> bool:
        return self.problem.stop and bool(self.outcome.broken[self.row])

    def _arrive(self, point: torch.Tensor) -> None:
        """Begin to ask around a point."""
        self.here = self.features(point)
        self.cells = BandCells(self.features, point)
        self.unasked = torch.nan_to_num(self.cells.slope.double().square(), posinf=0.0).cpu()

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

    def _choose(self, scores: torch.Tensor) -> None:
        """Which scores are learned: the right class's and its rivals', where one class is right."""
        if scores.dim() == 2 and self.one.target.dim() == 1:
            rivals = self.one.losses.others(scores, self.one.target)[0].argsort(descending=True)
            self.columns = torch.cat([self.one.target, rivals[: min(RIVALS, scores.shape[1] - 1)]])

    def _loss(self, scores: torch.Tensor) -> torch.Tensor:
        """What is climbed `[query]`."""
        target = self.one.target.expand(len(scores), *self.one.target.shape[1:])
        if self.columns is not None:
            return -self.one.losses.margin(scores, target)
        return rival(self.one.losses, scores)(scores, target)

    def _answers(self, scores: torch.Tensor) -> torch.Tensor:
        """What the substitute learns `[query, answer]`: scores of classes, or the loss where several may be right."""
        return self._loss(scores)[:, None] if self.columns is None else scores[:, self.columns]

    def _combinations(self, scores: torch.Tensor) -> torch.Tensor:
        """Ways of being wrong, as sums of what the substitute learns `[way, answer]`."""
        if self.columns is None:
            return torch.ones(1, 1, device=scores.device)
        rivals = torch.eye(len(self.columns), device=scores.device)[1:]
        rivals[:, 0] = -1.0
        return rivals

    def _learn(self, point: torch.Tensor, scores: torch.Tensor, count: int) -> bool:
        """Ask small steps around a point; False where the model's answers do not move at any size of a step."""
        base = self._answers(scores)
        while True:
            asked = []
            for directions, lengths in self._directions(point, count):
                ahead = self._allowed(point, lengths * directions)
                asked.append((ahead, lengths, (self._answers(self._ask(ahead)) - base) / lengths[:, 0]))
            moved = torch.cat([answers for _, _, answers in asked])
            if bool((moved.abs().amax(1) > 0).double().mean() > 0.5):
                break
            self.probe += 1
            if self.probe > len(PROBES_DB) or self.left <= count + TRIED:
                return False
        moved = torch.nan_to_num(moved)
        steps = torch.cat([(ahead - point) / lengths for ahead, lengths, _ in asked])
        changes = self._changes(asked)
        if self.white and not self.substitute.answers:
            self._weigh(changes, moved)
            self._settle(point.numel())
        self.substitute.learn(steps, changes, moved)
        self.listened += asked
        return True

    def _allowed(self, point: torch.Tensor, steps: torch.Tensor) -> torch.Tensor:
        """Points ahead, brought into the ball: no answer is taken to one outside, which might break the clip."""
        ball = self.one.ball
        if ball.norm == "l2" and point is ball.clean and ball.limit is None and ball.within is None:
            size = steps.flatten(1).norm(dim=1).max()
            if bool((size < 0.99 * ball.radius).all()):
                # Well inside the ball, so that the box alone can be left.
                return point + steps if ball.bounds is None else (point + steps).clamp(*ball.bounds)
        rows = torch.zeros(len(steps), dtype=torch.int64, device=self.row.device)
        return ball.select(rows).project(point + steps)

    def _changes(self, asked: list[Asked]) -> torch.Tensor:
        return torch.cat([(self.features(ahead) - self.here) / lengths[:, 0] for ahead, lengths, _ in asked])

    def _hear(self, point: torch.Tensor) -> None:
        """Go by the bands that foretell best what has been answered around a point so far."""
        asked, self.listened = self.listened, []
        moved = torch.nan_to_num(torch.cat([answers for _, _, answers in asked]))
        if self.probe or len(moved) * point.numel() > LISTENED_TO:
            return
        found: list[tuple[float, int, torch.Tensor]] = []
        for features in self.hearings:
            self.features, self.here = features, features(point)
            changes = self._changes(asked)
            found.append((missed(changes, moved), len(found), changes))
        _, number, changes = min(found)
        self.features = self.hearings[number]
        self._arrive(point)
        if number:
            steps = torch.cat([(ahead - point) / lengths for ahead, lengths, _ in asked])
            self.substitute = Substitute(self.features, self.substitute.samples)
            self.substitute.learn(steps, changes, moved)

    def _directions(self, point: torch.Tensor, count: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Random directions of unit length `[query, channel, sample]` with the length of a step along each
        `[query, 1, 1]`: of bands, then of white noise."""
        white = int(self.white * count)
        longest = float(self.one.ball.clean.norm()) * 10 ** (-PROBES_DB[max(self.probe - 1, 0)] / 20)
        bands = count - white
        parts: list[tuple[torch.Tensor, torch.Tensor]] = []
        if self.probe == 0:
            # By the square of what a step does to it: as often as it matters, were all cells heard alike.
            known = int((self.unasked > 0).sum())
            order = (self.unasked.log() + torch.from_numpy(self.random.gumbel(size=len(self.unasked)))).argsort(
                descending=True
            )
            chosen = order[: min(bands, known)].to(point.device)
            self.unasked[chosen.cpu()] = 0.0
            bands -= len(chosen)
            # Of a short clip all cells may have been asked before.
            for part in chosen.split(AT_ONCE) if len(chosen) else ():
                lengths = (RAISED / self.cells.slope[part]).clamp(max=longest)[:, None, None]
                parts.append((self.cells.steps(part), lengths.to(point)))
        full = point.new_full((1, 1, 1), longest)
        drawn = torch.from_numpy(self.random.standard_normal((bands, self.here.shape[1]), dtype="float32")).to(point)
        for part in drawn.split(AT_ONCE) if bands else ():
            parts.append((self.features.directions(point, part), full.expand(len(part), 1, 1)))
        if white:
            noise = torch.from_numpy(self.random.standard_normal((white, *point.shape[1:]), dtype="float32")).to(point)
            noise = noise / norms(noise, "l2")[:, None, None]
            parts += [(part, full.expand(len(part), 1, 1)) for part in noise.split(AT_ONCE)]
        return parts

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

    def _tried(
        self, point: torch.Tensor, scores: torch.Tensor, climb: tuple[tuple[float, ...], ...]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Points along the climbs of the substitute that promise most, and the model's answers to them."""
        ways = self._combinations(scores)
        rows = torch.zeros(len(ways), dtype=torch.int64, device=self.row.device)
        ball, moved, stops = self.one.ball.select(rows), point.expand(len(ways), -1, -1), []
        for part in climb:
            for step in part:
                moved = ball.climbed(moved.clone(), self.substitute.slope(moved, ways), step * ball.radius)
            stops.append(moved)
        promised = ((self.substitute.told(moved, point) + self._answers(scores)) * ways).sum(1)
        best = promised.argsort(descending=True)[:WAYS]
        ahead = torch.cat([stop[best] for stop in stops])
        return ahead, self._ask(ahead)


ATTACK = Surrogate
