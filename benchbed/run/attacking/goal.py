"""The contract of a task under attack, and the judge that tells an attack whether a clip is broken.

An attack and the plain path must mean the same by "broken": both ask the same function of probabilities, with median
filters, thresholds and collars, which have no gradient. The losses only say which way to go.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, NotRequired, TypedDict

import numpy as np

from benchbed.outputs.align import Alignment
from benchbed.outputs.contract import Heard, Reading
from benchbed.run.attacking.aim import aim_of
from benchbed.suite.conditions import AttackCondition

if TYPE_CHECKING:
    import torch

    from benchbed.adapter.contract import Adapter
    from benchbed.attack.losses import Aimed
    from benchbed.protocols import Losses
    from benchbed.run.computing.whole import Clip, ModelInput
    from benchbed.run.job.job import Job

#: Weight of the loss in a judge's margin: between points of one score, the one further up the loss is the stronger.
WEIGHT = 1e-3
#: A loss of this size is half-way to the end of its weight.
SCALE = 5.0
#: Scores that differ by rounding are one score.
ROUNDING = 1e-9
#: A flag that probabilities moved by this could turn is near its boundary.
NEAR = 5e-4


class SettledSuccess(TypedDict):
    """When a clip with a score of its own counts as broken.

    Attributes
    ----------
    rule : str
        What its score is.
    fraction : float
        Broken where the score has fallen to this share of the clean one.
    clean_above : float
        A clip is right when clean if its score lies above this.
    options : dict
        Of the metric family behind the rule.
    events : dict
        Of the family that says which events were missed, where that is another one.
    thresholds : str
        Why the thresholds are not the suite's, where they are not.
    family : str
        The metric family behind the rule, where a task has several.
    worse_by : float
        Broken where the score has fallen by this much, in the place of a share.
    """

    rule: str
    fraction: float
    clean_above: float
    options: dict[str, object]
    thresholds: NotRequired[str]
    family: NotRequired[str]
    worse_by: NotRequired[float]
    events: NotRequired[dict[str, object]]


class Settled(TypedDict, total=False):
    """What a condition leaves open, settled for a task; empty where a wrong answer is success and nothing else."""

    goal: str
    success: SettledSuccess


@dataclass
class AttackedClip:
    """One clip on its way through an attack.

    Attributes
    ----------
    index : int
        Number in the shard.
    clip, made : Clip, ModelInput
        As it was read, and as the model hears it.
    truth : object
        Reference, as the task reads it.
    seconds : float
        Length of the recording.
    samples : int
        Of the model's input; where features are attacked, of the input they were made from.
    right, finite : bool
        Whether the clean answer is right, and whether there is one.
    clean : np.ndarray
        The clean answer; empty until the model has given it.
    score : float
        Its score.
    spared : str or None
        Why the attack has nothing to do here.
    share : float or None
        Of a model that answers differently every time: the share of its clean answers that are right.
    """

    index: int
    clip: Clip
    made: ModelInput
    truth: object
    seconds: float
    samples: int
    right: bool = False
    finite: bool = True
    clean: np.ndarray = field(default_factory=lambda: np.zeros(0))
    score: float = 1.0
    spared: str | None = None
    share: float | None = None


@dataclass(frozen=True)
class Verdict:
    """What the plain path says about the finished audio of one clip.

    Attributes
    ----------
    correct : bool
        The clip withstood; of several answers, in half of them.
    share : float
        Share of answers in which it did.
    margin : float
        Distance to the flip, on the scale of the task's scores.
    near : bool
        Rounding could turn the flag.
    facts : mapping
        Further columns of the row.
    """

    correct: bool
    share: float
    margin: float
    near: bool
    facts: Mapping[str, object] = field(default_factory=dict)


class Task(ABC):
    """One task under one attack condition.

    Attributes
    ----------
    output : str
        Output kind, which is also the name of the losses.
    scored : bool
        Clips have scores of their own, and success is a fall of them.
    losses : module or Aimed
        What is climbed.
    scale : float
        How far the model's clean answers lie from what would turn them, as a median over clips: what is near is near
        beside that. A model that says everything with one millionth of a probability is as sure as any other.
    """

    output: ClassVar[str]
    scored: ClassVar[bool] = True
    losses: Losses
    scale: float = 1.0

    def __init__(self, job: Job, condition: AttackCondition, facts: Settled) -> None:
        self.job, self.condition, self.facts = job, condition, facts

    @classmethod
    @abstractmethod
    def settle(
        cls,
        condition: AttackCondition,
        labels: Sequence[str],
        declared: Mapping[str, Mapping[str, object]],
        where: str | None,
    ) -> Settled:
        """See `benchbed.run.attacking.goals.settle`."""

    @abstractmethod
    def truth(self, references: np.ndarray, row: int, seconds: float) -> object:
        """Reference of one of several clips, as it lies in its audio."""

    @abstractmethod
    def target(self, truths: Sequence[object], moments: np.ndarray | None) -> np.ndarray:
        """References of clips as the losses want them; `moments` are the frames' centres in seconds."""

    def judge(self, samples: Sequence[AttackedClip], hop: float | None) -> ScoreJudge | None:
        """What decides success inside an attack; None where the losses' own margin does."""
        return None

    @abstractmethod
    def read(self, sample: AttackedClip, answer: np.ndarray, hop: float | None) -> None:
        """Take in the clean answer of a clip."""

    @abstractmethod
    def verdict(
        self, sample: AttackedClip, draws: Sequence[np.ndarray], mean: np.ndarray, hop: float | None
    ) -> Verdict:
        """Judge the finished audio of a clip from the plain path's answers and their mean."""

    @abstractmethod
    def chance(self, references: np.ndarray) -> float:
        """Share of clips with these references that a model gets right that hears nothing."""

    def taught(self, adapter: Adapter, truths: Sequence[object]) -> Task:
        """The task for one model and some clips, where losses and judge must ask the model itself: a decoder that is
        told what `scores` are. By default scores are answers, and the task is the same for every model.

        Parameters
        ----------
        adapter : Adapter
            The model whose scores are climbed.
        truths : sequence
            References of the clips, in the order that `target` was given.
        """
        return self

    @classmethod
    def blank(cls, reading: Reading, raw: np.ndarray, heard: Heard) -> np.ndarray:
        """No answer to any of the clips that `raw` is about, in the shape of `dense`."""
        return np.full((len(raw), *cls.shape(reading, heard)), np.nan)

    @staticmethod
    def joined(draws: Sequence[np.ndarray]) -> np.ndarray:
        """Several answers to each clip as one."""
        mean: np.ndarray = np.mean(draws, axis=0)
        return mean

    def answers(self, scores: torch.Tensor, samples: Sequence[AttackedClip]) -> np.ndarray:
        """Answers, as `dense` gives them, that finite scores of clips stand for."""
        return probabilities(scores.detach().double().cpu().numpy())

    @staticmethod
    def shape(reading: Reading, heard: Heard) -> tuple[int, ...]:
        """Shape of one clip in `dense`."""
        assert isinstance(reading, Alignment)
        return (len(reading.columns),)

    @staticmethod
    def dense(reading: Reading, raw: np.ndarray, heard: Heard) -> np.ndarray:
        """Answers of clips of one length as numbers `[clip, …, class]`, of which means can be taken."""
        return reading.answers(raw, [heard] * len(raw))

    @staticmethod
    def stored(reading: Reading, answers: np.ndarray, seconds: Sequence[float]) -> np.ndarray:
        """Answers as predictions are stored, from `dense`; `seconds` are the lengths of the clips."""
        return answers

    @staticmethod
    def hop(reading: Reading) -> float | None:
        """Seconds from one frame of `dense` to the next, where it has frames."""
        return None

    @staticmethod
    def moments(reading: Reading, heard: Heard) -> np.ndarray | None:
        """Centres of the frames of `dense` in seconds, where it has frames."""
        return None

    def distance(self, sample: AttackedClip) -> float:
        """How far the clean answer of a clip lies from what would turn it, 1 at most; the median of it is `scale`."""
        return 1.0

    @property
    def success(self) -> str:
        """The rule of success in one line, for the rules of figures; empty where it is the answer."""
        return ""


@dataclass(frozen=True)
class ScoreJudge:
    """Success on the task's own metric for the clips of one problem.

    Attributes
    ----------
    task : ScoredTask
        Scores answers.
    samples : sequence of AttackedClip
        The clips.
    hop : float or None
        Seconds per frame.
    """

    task: ScoredTask
    samples: tuple[AttackedClip, ...]
    hop: float | None

    def select(self, rows: torch.Tensor) -> ScoreJudge:
        """The judge of some of the clips."""
        return replace(self, samples=tuple(self.samples[row] for row in rows.tolist()))

    def margin(self, scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Distance to success `[clip]` from what losses climb; between points of one score the loss decides."""
        import torch

        finite = (~scores.detach().isnan().flatten(1).any(1)).cpu().numpy()
        over = np.full(len(finite), np.nan)
        if finite.any():
            chosen = [sample for sample, ok in zip(self.samples, finite) if ok]
            found = self.task.scores(self.task.answers(scores.detach()[finite], chosen), chosen, self.hop)
            over[finite] = [score - self.task.limit(sample) for score, sample in zip(found, chosen)]
        with torch.no_grad():
            climbed = self.task.losses.straight(scores.detach(), target).double().cpu().numpy()
        left = WEIGHT * (0.5 - np.arctan(climbed / SCALE) / np.pi)
        margin = np.where(over > ROUNDING, over + left, np.minimum(over, 0.0) - WEIGHT)
        return torch.from_numpy(margin).to(scores.device)


class ScoredTask(Task):
    """A task whose clips have scores of their own: broken where the score falls to a share of the clean one."""

    losses: Aimed

    def __init__(self, job: Job, condition: AttackCondition, facts: Settled) -> None:
        super().__init__(job, condition, facts)
        self.losses = aim_of(condition, self.output, job.labels)
        success = facts["success"]
        self.rule = str(success["rule"])
        self.fraction = float(success["fraction"])
        self.worse_by = success.get("worse_by")
        self.above = float(success["clean_above"])
        self.options = dict(success["options"])

    @abstractmethod
    def scores(self, answers: np.ndarray, samples: Sequence[AttackedClip], hop: float | None) -> np.ndarray:
        """Score of each clip `[clip]` from probabilities `[clip, …, class]`, NaN-free."""

    @abstractmethod
    def flips(self, sample: AttackedClip, after: np.ndarray, hop: float | None) -> tuple[int, int]:
        """What was right before and is lost, and what is wrong and new."""

    @abstractmethod
    def spared(self, sample: AttackedClip) -> str | None:
        """Why the goal leaves nothing to do on a clip."""

    @abstractmethod
    def towards(self, sample: AttackedClip, hop: float | None) -> np.ndarray:
        """Where the reference is active, as the answers are shaped, to see how near a flag is to turning."""

    def distance(self, sample: AttackedClip) -> float:
        # Answers in words have no scale of their own but that of their score, 0 to 1.
        numbers = isinstance(sample.clean, np.ndarray) and sample.clean.dtype.kind == "f"
        if not numbers or not sample.clean.size:
            return 1.0
        # Answers that all lie within a hair of each other leave no room for a flag that is far from turning.
        return float(min(1.0, np.ptp(sample.clean)))

    def judge(self, samples: Sequence[AttackedClip], hop: float | None) -> ScoreJudge:
        return ScoreJudge(self, tuple(samples), hop)

    def limit(self, sample: AttackedClip) -> float:
        """The score at which a clip is broken."""
        return self.fraction * sample.score if self.worse_by is None else sample.score - self.worse_by

    def read(self, sample: AttackedClip, answer: np.ndarray, hop: float | None) -> None:
        sample.clean = answer
        sample.score = float(self.scores(_rows([answer]), [sample], hop)[0])
        sample.right = sample.score > self.above + ROUNDING
        sample.spared = self.spared(sample)

    def verdict(
        self, sample: AttackedClip, draws: Sequence[np.ndarray], mean: np.ndarray, hop: float | None
    ) -> Verdict:
        limit = self.limit(sample)
        every = self.scores(_rows(draws), [sample] * len(draws), hop)
        held = every > limit + ROUNDING if sample.right else every > self.above + ROUNDING
        score = float(self.scores(_rows([mean]), [sample], hop)[0])
        missed, inserted = self.flips(sample, mean, hop)
        facts = {"score_clean": sample.score, "score_attacked": score, "missed": missed, "inserted": inserted}
        return Verdict(
            bool(held.mean() >= 0.5), float(held.mean()), score - limit, self._near(sample, mean, hop), facts
        )

    def _near(self, sample: AttackedClip, answer: np.ndarray, hop: float | None) -> bool:
        active = self.towards(sample, hop) > 0.5
        moved = [
            np.clip(answer + NEAR * self.scale * shift, 0, 1)
            for shift in (1.0, -1.0, np.where(active, 1.0, -1.0), np.where(active, -1.0, 1.0))
        ]
        held = self.scores(np.stack(moved), [sample] * len(moved), hop) > self.limit(sample) + ROUNDING
        return bool(held.any() and not held.all())

    @property
    def success(self) -> str:
        if self.worse_by is not None:
            return f"{self.rule}-worse-by-{self.worse_by:g}"
        return f"{self.rule}-at-most-{self.fraction:g}-of-clean"


def _rows(answers: Sequence[object]) -> np.ndarray:
    """Answers to several clips as one array: numbers are stacked, anything else is an object each."""
    arrays = [answer for answer in answers if isinstance(answer, np.ndarray)]
    if len(arrays) == len(answers):
        return np.stack(arrays)
    rows = np.empty(len(answers), dtype=object)
    rows[:] = answers
    return rows


def probabilities(odds: np.ndarray) -> np.ndarray:
    """Probabilities from log-odds, in the arithmetic of the plain path.

    Examples
    --------
    >>> probabilities(np.array([0.0])).tolist()
    [0.5]
    """
    return np.exp(-np.logaddexp(0.0, -odds))
