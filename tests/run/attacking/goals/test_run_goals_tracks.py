"""Attacks on models that localise: the twin of what is read, success on the recording's own figure, and a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from made_localiser import ADAPTER, recordings

import benchbed as bb
from benchbed.attack.losses import LOSSES
from benchbed.attack.losses import tracks as losses
from benchbed.card import Card
from benchbed.errors import AdapterError, BenchbedError, ConfigError
from benchbed.metrics.families import seld2022
from benchbed.outputs import output_of
from benchbed.outputs.contract import Heard
from benchbed.outputs.tracks.recording import Tracks, tracks
from benchbed.run.attacking.goal import AttackedClip
from benchbed.run.attacking.goals import settle
from benchbed.run.attacking.goals.tracks import TASK
from benchbed.run.job.job import Job
from benchbed.suite.conditions import AttackCondition
from benchbed.suite.load import load_suite

CARD = {"family": "other", "output": "tracks", "sample_rate": 2400, "channels": 2, "name": "toy"}


@pytest.mark.parametrize(
    "window, hop, seconds, shape",
    [
        (1.0, 0.1, 2.5, (10, 3, 3)),
        (1.0, 0.02, 2.0, (50, 2, 3, 4)),
        (1.0, 0.05, 0.7, (20, 3, 5)),
        (None, 0.1, 1.25, (12, 3, 3)),
    ],
)
def test_the_twin_gives_the_numbers_that_are_read(window, hop, seconds, shape):
    """Windows are joined, means over 100 ms taken and classes put in the dataset's order by the same rule."""
    labels = ("a", "b", "c")[: shape[-2]]
    card = Card(**CARD, labels=labels, clip_seconds=window, frame_seconds=hop)
    if shape[-2] == 3:
        card = Card(**CARD, labels=labels, clip_seconds=window, frame_seconds=hop, label_map={"x": ("a", "c")})
    wanted = ("x", "b") if shape[-2] == 3 else ("b", "a")
    reading = output_of("tracks").read(card, wanted)
    samples = round((window or seconds) * 2400) * (
        1 if window is None else -(-round(seconds * 10) // round(window * 10))
    )
    heard = Heard(seconds, samples, window or samples / 2400)
    weight = torch.from_numpy(np.random.default_rng(0).standard_normal((2, *shape[1:])).astype(np.float32))

    def forward(points: torch.Tensor) -> torch.Tensor:
        frames = points[..., : points.shape[2] // shape[0] * shape[0]].unflatten(2, (shape[0], -1)).mean(3)
        return torch.einsum("bcf,c...->bf...", frames, weight)

    points = torch.from_numpy(np.random.default_rng(1).standard_normal((2, 2, samples)).astype(np.float32))
    windows = points.reshape(2, 2, -1, round((window or samples / 2400) * 2400)).transpose(1, 2)
    raw = torch.stack([forward(one) for one in windows]).numpy()
    read, climbed = reading.dense(raw, heard), losses.scores(forward, reading, heard)(points)
    assert read.shape == climbed.shape and read.shape[1] == -(-round(seconds * 1000) // 100)
    assert np.abs(read - climbed.numpy()).max() < 1e-5
    answers = reading.answers(raw, [heard] * 2)
    stored = TASK.stored(reading, read, [seconds] * 2)
    assert output_of("tracks").gap(answers, stored).max() == 0
    assert all(one.frames == read.shape[1] for one in answers)


def goal_of(condition: AttackCondition, labels: tuple[str, ...] = ("a", "b"), declared: dict | None = None):
    facts = settle("tracks", condition, labels, declared or {})
    job = Job.__new__(Job)
    object.__setattr__(job, "labels", labels)
    return TASK(job, condition, facts), facts


def sample(truth: Tracks) -> AttackedClip:
    return AttackedClip(0, None, None, truth, 2.0, 48000)


def test_success_is_the_recordings_own_figure():
    """The score of a recording is what the metric family says of it alone."""
    there = tracks([0, 1, 11], [0, 0, 1], [10.0, 10.0, -40.0], [0.0, 0.0, 0.0], frames=20)
    answer = np.zeros((20, 1, 2, 3))
    answer[:2, 0, 0] = (0.9, 0.1, 0.0)
    answer[11, 0, 1] = (0.0, 0.9, 0.0)
    said = np.empty(1, object)
    said[0] = tracks([0, 1, 11], [0, 0, 1], np.degrees([np.arctan2(0.1, 0.9)] * 2 + [np.pi / 2]), frames=20)
    target = np.empty(1, object)
    target[0] = there
    family = seld2022.family(("a", "b"), by="benchbed")
    known = family.values(family.statistics(said, target).sum(axis=0))
    f20, _ = goal_of(AttackCondition(attack="fast"))
    assert f20.scores(answer[None], [sample(there)], 0.1)[0] == pytest.approx(float(known["micro_f20"]))
    seld, facts = goal_of(AttackCondition(attack="fast", success={"rule": "seld", "worse_by": 0.1}))
    assert seld.scores(answer[None], [sample(there)], 0.1)[0] == pytest.approx(1 - float(known["micro_seld"]))
    assert facts["success"]["clean_above"] == 0.1 and seld.success == "seld-worse-by-0.1"
    one = sample(there)
    seld.read(one, answer, 0.1)
    assert seld.limit(one) == pytest.approx(one.score - 0.1) and one.right
    # A source that is lost and one that is new, in segments of the rule.
    after = answer.copy()
    after[:2, 0, 0], after[15, 0, 0] = 0.0, (0.0, 0.0, 0.9)
    assert seld.flips(one, after, 0.1) == (1, 1)


def test_the_year_of_the_suite_decides():
    there = tracks([0], [0], [0.0], distance=[2.0], frames=10)
    answer = np.zeros((10, 1, 2, 4))
    answer[0, 0, 0] = (0.9, 0.0, 0.0, 9.0)
    near, _ = goal_of(AttackCondition(attack="fast"), declared={"seld2022": {}})
    far, facts = goal_of(AttackCondition(attack="fast"), declared={"seld2024": {"relative_distance": 0.5}})
    assert near.scores(answer[None], [sample(there)], 0.1)[0] == 1.0
    assert far.scores(answer[None], [sample(there)], 0.1)[0] == 0.0
    assert facts["success"]["family"] == "seld2024" and facts["success"]["options"] == {"relative_distance": 0.5}
    with pytest.raises(ConfigError, match="no SELD score"):
        goal_of(AttackCondition(attack="fast", success={"rule": "seld"}), declared={"seld2025": {}})


def test_recordings_without_sources_are_right_when_nothing_is_said():
    goal, _ = goal_of(AttackCondition(attack="fast"))
    silent, loud = np.zeros((20, 1, 2, 3)), np.full((20, 1, 2, 3), 0.5)
    assert goal.scores(np.stack([silent, loud]), [sample(Tracks(frames=20))] * 2, 0.1).tolist() == [1.0, 0.0]
    references = np.empty(2, object)
    references[:] = [Tracks(frames=20), tracks([0], [0], [0.0], frames=20)]
    assert goal.chance(references) == 0.5
    for name, spared in (("everything", None), ("insert", None), ("hide", "nothing to hide"), ("move", "to move")):
        other, _ = goal_of(AttackCondition(attack="fast", goal=name))
        told = other.spared(sample(Tracks(frames=20)))
        assert told is None if spared is None else spared in str(told)
        assert other.spared(sample(references[1])) is None


def test_a_flag_on_the_edge_of_a_direction_or_an_activity_is_near():
    goal, _ = goal_of(AttackCondition(attack="fast"))
    there = tracks([0], [0], [0.0], frames=10)
    for angle, length, near in ((20.0, 0.9, True), (10.0, 0.9, False), (0.0, 0.5001, True)):
        answer = np.zeros((10, 1, 2, 3))
        answer[0, 0, 0] = length * np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle)), 0.0])
        one = sample(there)
        goal.read(one, np.where(answer != 0, np.array([0.9, 0.0, 0.0]), 0.0), 0.1)
        assert goal.verdict(one, [answer], answer, 0.1).near is near, angle


@pytest.mark.parametrize(
    "condition, match",
    [
        ({"goal": "hyde"}, "no goal 'hyde'"),
        ({"success": {"rule": "event_f1"}}, "no rule of success for tracks"),
        ({"success": {"options": {"degres": 20}}}, "no option 'degres'"),
        ({"success": {"worse_by": 0.3, "clean_above": 0.1}}, "cannot become worse by 0.3"),
    ],
)
def test_what_cannot_be_asked_is_one_clear_error(condition: dict, match: str):
    with pytest.raises(ConfigError, match=match):
        goal_of(AttackCondition(attack="fast", **condition))


def test_a_share_and_an_amount_are_not_asked_together():
    with pytest.raises(ValueError, match="not both"):
        AttackCondition(attack="fast", success={"fraction": 0.3, "worse_by": 0.2})
    with pytest.raises(ValueError, match="about an SNR"):
        AttackCondition(attack="fast", threat="linf", channels="each")
    said = AttackCondition(attack="fast").model_dump()
    assert "channels" not in said and "worse_by" not in said["success"]


SUITE = {
    "name": "attacked",
    "version": "1",
    "task": "tracks",
    "data": {"layout": "starss23", "splits": ["test"]},
    "metrics": {"family": "seld2022", "primary": "macro_seld"},
    "statistics": {"draws": 20},
    "profile": False,
}


def ran(tmp_path: Path, conditions: list, adapter: str = ADAPTER, **options: object) -> bb.Run:
    (tmp_path / "localiser.py").write_text(adapter)
    root = tmp_path / "set"
    if not root.exists():
        recordings(root)
    return bb.run(
        {**SUITE, "conditions": conditions},
        str(tmp_path / "localiser.py"),
        options=options,
        data={"starss23": root},
        out=tmp_path / "runs",
        report=False,
    )


def test_a_suite_of_tracks_says_what_is_left_when_clean_in_noise_and_attacked(tmp_path: Path):
    budgets = {"threat": "linf", "n": 4}
    made = ran(
        tmp_path,
        [
            "clean",
            {"attack": "white_noise", "budgets": [0.002, 0.02], "options": {"draws": 1}, **budgets},
            {"attack": "fast", "budgets": [0.002, 0.02], "steps": 8, **budgets},
            {"attack": "apgd", "channels": "each", "budgets": [40], "steps": 3, "n": 2, "goal": "hide"},
        ],
    ).result
    cells = {cell.key.split("/", 2)[2]: cell for cell in made.cells}
    mild, strong = (cells[f"fast@linf:{budget}"].metrics for budget in (0.002, 0.02))
    assert mild["clean_accuracy"].value == 1.0 and mild["robust_accuracy"].value == 1.0
    assert strong["robust_accuracy"].value == 0.0 and strong["noise_accuracy"].value == 1.0
    assert strong["clip_score"].value < 0.5 * strong["clean_clip_score"].value
    assert strong["robust_accuracy"].rule.endswith("f20-at-most-0.5-of-clean:or-at-0.002")
    assert strong["clean_macro_seld"].value == pytest.approx(cells["clean"].metrics["macro_seld"].value)
    assert strong["noise_macro_seld"].value == cells["white_noise@linf:0.02"].metrics["macro_seld"].value
    assert strong["macro_seld"].value > strong["clean_macro_seld"].value
    facts = cells["fast@linf:0.02"].condition.facts
    assert facts["goal"] == "everything" and facts["success"]["family"] == "seld2022"
    each = cells["apgd+hide@l2-each:40dB"]
    assert each.condition.unit == "dB SNR, every channel" and "each" in each.condition.facts["channels"]
    assert each.condition.achieved["min"] == pytest.approx(40, abs=0.01)
    statuses = {(c.name, c.cell): c for c in made.checks if c.name.startswith("attack:")}
    assert not [check.message for check in statuses.values() if check.status == "fail"]
    names = {name for name, _ in statuses}
    assert {f"attack:{name}" for name in ("agreement", "budget", "planted", "batch", "floor", "monotone")} <= names


@pytest.mark.parametrize("form", ["multi", "two"])
def test_other_forms_of_output_are_attacked_too(tmp_path: Path, form: str):
    given = {"attack": "apgd", "threat": "linf", "budgets": [0.02], "steps": 6, "n": 3}
    made = ran(tmp_path, ["clean", given], form=form).result
    assert made.cells[1].metrics["robust_accuracy"].value < 1.0
    assert not [c.message for c in made.checks if c.name.startswith("attack:") and c.status == "fail"]


FINISHED = """
import numpy as np
from benchbed.adapter import Adapter, Card
from benchbed.outputs.tracks.classes import STARSS
from benchbed.outputs.tracks.recording import tracks


class Finished(Adapter):
    card = Card(name="finished", family="other", output="tracks", labels=STARSS, sample_rate=24000, channels=4,
                frame_seconds=0.1)

    def predict(self, batch):
        return [tracks([0], [0], [0.0]) for _ in batch.waveforms]
"""


def test_a_model_of_finished_tracks_cannot_be_attacked(tmp_path: Path):
    with pytest.raises(BenchbedError, match="finished tracks, and no vectors") as refused:
        ran(tmp_path, ["clean", {"attack": "square", "budgets": [20], "n": 2}], FINISHED)
    assert isinstance(refused.value, AdapterError)


def test_the_shipped_suite_stands():
    loaded = load_suite("dcase_task3_attacks")
    assert loaded.suite.task in LOSSES.names()
    each = [one for one in loaded.suite.conditions if isinstance(one, AttackCondition) and one.channels == "each"]
    assert each and all(one.threat == "l2" for one in each)
