"""Sounds and where they are: broken where the recording's own F20°, or its SELD score, has become worse.

Both are figures of the suite's rules of one year, pooled over the classes of the recording, so that a class that an
attack inserts counts. By default a recording is right when some source is found within 20 degrees, and broken when its
F20° has fallen to half of what it was; one without sources is right when nothing is said, and broken by any source.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchbed.errors import ConfigError
from benchbed.metrics import FAMILIES
from benchbed.metrics.seld.counting import read
from benchbed.metrics.seld.family import Seld
from benchbed.outputs.contract import Heard, Reading
from benchbed.outputs.tracks.reading import TracksReading
from benchbed.outputs.tracks.recording import FRAME_SECONDS, Tracks
from benchbed.outputs.tracks.vectors import undecided
from benchbed.run.attacking.aim import aim_of
from benchbed.run.attacking.goal import ROUNDING, AttackedClip, ScoredTask, Settled, SettledSuccess
from benchbed.run.attacking.success_rule import known_rule, require_known_options
from benchbed.run.job.job import Job
from benchbed.suite.conditions import AttackCondition

if TYPE_CHECKING:
    import torch

#: Rule → figure of the family, and whether less of it is better.
RULES = {"f20": ("micro_f20", False), "seld": ("micro_seld", True)}
#: Families of this name are those of the years; without one the rules of 2022 and 2023 hold.
YEARS, DEFAULT = "seld", "seld2022"
#: Rounding moves activities by this share and directions by as many degrees at most.
SHARE, DEGREES = 1e-3, 0.03


class Localised(ScoredTask):
    """Recordings with sources in directions."""

    output = "tracks"

    def __init__(self, job: Job, condition: AttackCondition, facts: Settled) -> None:
        super().__init__(job, condition, facts)
        family = FAMILIES.get(facts["success"]["family"]).family
        # The rule's figures alone: those of the script beside them would double the work and decide nothing.
        self.family: Seld = family(job.labels, **self.options, by="benchbed")
        self.figure, self.less = RULES[self.rule]

    @classmethod
    def settle(
        cls,
        condition: AttackCondition,
        labels: Sequence[str],
        declared: Mapping[str, Mapping[str, object]],
        where: str | None,
    ) -> Settled:
        aim = aim_of(condition, "tracks", labels, where)
        asked = condition.success
        rule = known_rule(asked.rule, "f20", RULES, "tracks", where)
        name = next((family for family in declared if family.startswith(YEARS)), DEFAULT)
        build = FAMILIES.get(name, where=where).family
        known = set(inspect.signature(build).parameters) - {"labels", "by", "interval"}
        require_known_options(rule, asked.options, known, where)
        if RULES[rule][0] not in build(tuple(labels) or ("a",), by="benchbed").metrics:
            raise ConfigError(f"{name} has no SELD score to succeed by", where=where, hint="success: {rule: f20}")
        options = {k: v for k, v in {**declared.get(name, {}), **asked.options}.items() if k in known}
        above = asked.clean_above if asked.clean_above is not None else asked.worse_by or 0.0
        if asked.worse_by is not None and above < asked.worse_by:
            raise ConfigError(
                f"a clip with a clean score of {above:g} cannot become worse by {asked.worse_by:g}",
                where=where,
                hint=f"clean_above: {asked.worse_by:g}, or leave it out",
            )
        success: SettledSuccess = {
            "rule": rule,
            "family": name,
            "fraction": asked.fraction,
            "clean_above": above,
            "options": options,
        }
        if asked.worse_by is not None:
            success["worse_by"] = asked.worse_by
        if "threshold" not in options and "fixed" in declared:
            success["thresholds"] = str(declared["fixed"]["thresholds"])
        return {"goal": aim.goal, "success": success}

    def truth(self, references: np.ndarray, row: int, seconds: float) -> Tracks:
        held: Tracks = references[row]
        return held

    def target(self, truths: Sequence[object], moments: np.ndarray | None) -> np.ndarray:
        assert moments is not None
        placed = [_places(_tracks(truth), len(moments)) for truth in truths]
        most = max((int(slot.max(initial=-1)) + 1 for _, slot in placed), default=0)
        made = np.zeros((len(truths), len(moments), max(most, 1), len(self.job.labels), 5), np.float32)
        for row, (kept, slot) in enumerate(placed):
            far = np.zeros(len(kept)) if kept.distance is None else np.nan_to_num(kept.distance)
            made[row, kept.frame, slot, kept.label] = np.column_stack([np.ones(len(kept)), kept.vectors, far])
        return made

    def scores(self, answers: np.ndarray, samples: Sequence[AttackedClip], hop: float | None) -> np.ndarray:
        said = _heard(answers)
        there = _objects([_tracks(sample.truth) for sample in samples])
        given = self.family.values(self.family.statistics(said, there))[self.figure]
        score = 1 - given if self.less else given
        # Undefined only where nothing is there: right where nothing was said.
        sounding = self.family.decision.apply(said, len(self.family.labels))
        silent = np.array([float(not len(one)) for one in sounding])
        return np.clip(np.where(np.isnan(score), silent, score), 0.0, 1.0)

    def flips(self, sample: AttackedClip, after: np.ndarray, hop: float | None) -> tuple[int, int]:
        there = _objects([_tracks(sample.truth)] * 2)
        counts = read(self.family.statistics(_heard([sample.clean, after]), there), len(self.family.labels))
        lost = np.maximum(counts.hit[0] - counts.hit[1], 0).sum()
        fresh = np.maximum(counts.false[1] - counts.false[0], 0).sum()
        return int(lost), int(fresh)

    def spared(self, sample: AttackedClip) -> str | None:
        if len(_tracks(sample.truth)) or self.losses.goal in ("everything", "insert"):
            return None
        return f"nothing to {self.losses.goal}: the recording has no source"

    def towards(self, sample: AttackedClip, hop: float | None) -> np.ndarray:
        return np.zeros(0)

    def _near(self, sample: AttackedClip, answer: np.ndarray, hop: float | None) -> bool:
        parts = answer.shape[-1]
        first = 1 if parts == 5 else 0
        moved = []
        for share, turn in ((SHARE, DEGREES), (SHARE, -DEGREES), (-SHARE, DEGREES), (-SHARE, -DEGREES)):
            other = answer.copy()
            x, y = answer[..., first], answer[..., first + 1]
            cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
            other[..., first], other[..., first + 1] = cos * x - sin * y, sin * x + cos * y
            other[..., : 1 if first else 3] *= 1 + share
            moved.append(other)
        held = self.scores(np.stack(moved), [sample] * len(moved), hop) > self.limit(sample) + ROUNDING
        return bool(held.any() and not held.all())

    def answers(self, scores: torch.Tensor, samples: Sequence[AttackedClip]) -> np.ndarray:
        given: np.ndarray = scores.detach().double().cpu().numpy()
        return given

    def chance(self, references: np.ndarray) -> float:
        return float(np.mean([not len(one) for one in references]))

    @classmethod
    def blank(cls, reading: Reading, raw: np.ndarray, heard: Heard) -> np.ndarray:
        return np.full_like(_localising(reading).dense(raw, heard), np.nan)

    @staticmethod
    def dense(reading: Reading, raw: np.ndarray, heard: Heard) -> np.ndarray:
        return _localising(reading).dense(raw, heard)

    @staticmethod
    def stored(reading: Reading, answers: np.ndarray, seconds: Sequence[float]) -> np.ndarray:
        return _heard(answers)

    @staticmethod
    def hop(reading: Reading) -> float:
        return FRAME_SECONDS

    @staticmethod
    def moments(reading: Reading, heard: Heard) -> np.ndarray:
        return (np.arange(_localising(reading).layout(heard).frames) + 0.5) * FRAME_SECONDS


def _localising(reading: Reading) -> TracksReading:
    assert isinstance(reading, TracksReading)
    return reading


def _tracks(truth: object) -> Tracks:
    assert isinstance(truth, Tracks)
    return truth


def _heard(answers: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
    return _objects([undecided(answer, frames=len(answer)) for answer in answers])


def _places(truth: Tracks, frames: int) -> tuple[Tracks, np.ndarray]:
    """Rows inside a recording, and the place of each among those of its frame and class, in the order of sources."""
    kept = truth.only(np.lexsort((truth.source, truth.label, truth.frame)))
    kept = kept.only(kept.frame < frames)
    if not len(kept):
        return kept, np.zeros(0, np.int64)
    first = np.r_[True, (np.diff(kept.frame) != 0) | (np.diff(kept.label) != 0)]
    starts = np.flatnonzero(first)
    return kept, np.arange(len(kept)) - np.repeat(starts, np.diff(np.r_[starts, len(kept)]))


def _objects(values: Sequence[Tracks]) -> np.ndarray:
    made = np.empty(len(values), dtype=object)
    for index, value in enumerate(values):
        made[index] = value
    return made


TASK = Localised
