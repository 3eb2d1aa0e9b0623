"""Sound events in time: broken where the recording's F1 over events, or over segments, has fallen.

Threshold, median filter and collars are the suite's, so that success is what the suite scores. By default a recording
is right when some event of it is found, and broken when its F1 has fallen to half of what it was; one without events is
right when nothing is said, and broken by a false alarm.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from types import ModuleType

import numpy as np

from benchbed.metrics import clip_scores
from benchbed.metrics.families import sed_event, sed_segment
from benchbed.outputs.contract import Heard, Reading
from benchbed.outputs.frames import recording
from benchbed.outputs.frames.hardened import SURE, certain
from benchbed.outputs.frames.reading import FrameReading
from benchbed.outputs.frames.references import Timed, placed
from benchbed.run.attacking.aim import aim_of
from benchbed.run.attacking.goal import AttackedClip, ScoredTask, Settled, SettledSuccess
from benchbed.run.attacking.success_rule import known_rule, require_known_options
from benchbed.run.job.job import Job
from benchbed.suite.conditions import AttackCondition

#: Rule → metric family.
RULES: dict[str, ModuleType] = {"event_f1": sed_event, "segment_f1": sed_segment}

#: The families behind them.
Counting = sed_event.EventBased | sed_segment.SegmentBased


class FramesGoal(ScoredTask):
    """Recordings with timed events."""

    output = "frames"

    def __init__(self, job: Job, condition: AttackCondition, facts: Settled) -> None:
        super().__init__(job, condition, facts)
        self.family: Counting = RULES[self.rule].family(job.labels, **self.options)
        # Flips are about events with collars, whatever the rule.
        options = self.options if self.rule == "event_f1" else facts["success"].get("events", {})
        self.events: sed_event.EventBased = RULES["event_f1"].family(job.labels, **options)

    @classmethod
    def settle(
        cls,
        condition: AttackCondition,
        labels: Sequence[str],
        declared: Mapping[str, Mapping[str, object]],
        where: str | None,
    ) -> Settled:
        aim = aim_of(condition, "frames", labels, where)
        asked = condition.success
        rule = known_rule(asked.rule, "event_f1", RULES, "frames", where)
        known = _options_of(RULES[rule])
        require_known_options(rule, asked.options, known, where)
        name = "sed_event" if rule == "event_f1" else "sed_segment"
        options = {k: v for k, v in {**declared.get(name, {}), **asked.options}.items() if k in known}
        fixed = "threshold" not in options and "fixed" in declared
        options.setdefault("threshold", 0.5)
        above = 0.0 if asked.clean_above is None else asked.clean_above
        success: SettledSuccess = {"rule": rule, "fraction": asked.fraction, "clean_above": above, "options": options}
        if fixed:
            success["thresholds"] = str(declared["fixed"]["thresholds"])
        if rule != "event_f1":
            allowed = _options_of(sed_event)
            success["events"] = {k: v for k, v in declared.get("sed_event", {}).items() if k in allowed}
        return {"goal": aim.goal, "success": success}

    def truth(self, references: np.ndarray, row: int, seconds: float) -> recording.Events:
        return certain(placed(references[row], seconds))

    def target(self, truths: Sequence[object], moments: np.ndarray | None) -> np.ndarray:
        assert moments is not None
        return np.stack([_active(_events(truth), moments, len(self.job.labels)) for truth in truths])

    def scores(self, answers: np.ndarray, samples: Sequence[AttackedClip], hop: float | None) -> np.ndarray:
        return clip_scores.timed_f1(self.family, _outputs(answers, samples, hop), _objects([s.truth for s in samples]))

    def flips(self, sample: AttackedClip, after: np.ndarray, hop: float | None) -> tuple[int, int]:
        before, now = (_outputs(answer[None], [sample], hop) for answer in (sample.clean, after))
        missed, inserted = clip_scores.event_flips(self.events, before, now, _objects([sample.truth]))[0]
        return int(missed), int(inserted)

    def spared(self, sample: AttackedClip) -> str | None:
        if self.losses.goal == "missed" and not len(_events(sample.truth)):
            return "nothing to miss: the recording has no event"
        return None

    def towards(self, sample: AttackedClip, hop: float | None) -> np.ndarray:
        assert hop is not None
        moments = np.minimum((np.arange(len(sample.clean)) + 0.5) * hop, sample.seconds)
        return _active(_events(sample.truth), moments, len(self.job.labels))

    def chance(self, references: np.ndarray) -> float:
        return float(np.mean([not _sure(timed) for timed in references]))

    @staticmethod
    def shape(reading: Reading, heard: Heard) -> tuple[int, ...]:
        timed = _timed(reading)
        return len(timed.moments(heard)), len(timed.alignment.columns)

    @staticmethod
    def dense(reading: Reading, raw: np.ndarray, heard: Heard) -> np.ndarray:
        return _timed(reading).dense(raw, heard)

    @staticmethod
    def stored(reading: Reading, answers: np.ndarray, seconds: Sequence[float]) -> np.ndarray:
        hop, pairs = _timed(reading).hop, zip(answers, seconds, strict=True)
        return _objects([recording.frame_scores(answer, hop, length) for answer, length in pairs])

    @staticmethod
    def hop(reading: Reading) -> float:
        return _timed(reading).hop

    @staticmethod
    def moments(reading: Reading, heard: Heard) -> np.ndarray:
        return _timed(reading).moments(heard)


def _timed(reading: Reading) -> FrameReading:
    assert isinstance(reading, FrameReading)
    return reading


def _events(truth: object) -> recording.Events:
    assert isinstance(truth, recording.Events)
    return truth


def _sure(timed: Timed) -> bool:
    return bool(len(timed.times) if timed.confidence is None else (timed.confidence > SURE).any())


def _options_of(module: ModuleType) -> set[str]:
    # The rules of other packages define figures over sets of recordings; a single one has the plain F1.
    return set(inspect.signature(module.family).parameters) - {"labels", "rule"}


def _active(truth: recording.Events, moments: np.ndarray, classes: int) -> np.ndarray:
    active = np.zeros((len(moments), classes), np.float32)
    at = recording.microseconds(moments)
    for onset, offset, label in zip(truth.onset, truth.offset, truth.label):
        active[(at >= onset) & (at < offset), label] = 1.0
    return active


def _outputs(answers: np.ndarray, samples: Sequence[AttackedClip], hop: float | None) -> np.ndarray:
    assert hop is not None
    return _objects([recording.frame_scores(a, hop, s.seconds) for a, s in zip(answers, samples)])


def _objects(values: Sequence[object]) -> np.ndarray:
    held = np.empty(len(values), dtype=object)
    for index, value in enumerate(values):
        held[index] = value
    return held


TASK = FramesGoal
