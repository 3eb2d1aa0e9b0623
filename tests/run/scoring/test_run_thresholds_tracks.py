"""Thresholds of a model that localises: chosen on its training recordings, frozen, recorded, used by another run."""

from __future__ import annotations

from pathlib import Path

import pytest

import benchbed as bb
from benchbed.data import synthetic
from benchbed.errors import ConfigError
from benchbed.metrics.families import seld2022
from benchbed.outputs.tracks.classes import STARSS
from benchbed.predictions.store import read_units
from benchbed.seal import unseal
from benchbed.suite.load import load_definition

pytestmark = pytest.mark.filterwarnings("ignore::benchbed.errors.BenchbedWarning")

ADAPTER = '''
import numpy as np
from benchbed.adapter import Adapter, Card
from benchbed.outputs.tracks.classes import STARSS


class Level(Adapter):
    """Every class where the intensity points, the surer the louder: on no scale that 0.5 would fit."""

    def __init__(self):
        self.card = Card(name="level", family="other", output="tracks", labels=STARSS, sample_rate=24000,
                         channels=4, clip_seconds=2.5, frame_seconds=0.1)

    def predict(self, batch):
        w = batch.waveforms.astype(np.float64).reshape(len(batch.waveforms), 4, -1, 2400)
        intensity = np.stack([(w[:, 0] * w[:, c]).mean(axis=-1) for c in (3, 1, 2)], axis=-1)
        units = intensity / np.maximum(np.linalg.norm(intensity, axis=-1, keepdims=True), 1e-12)
        level = 10 * np.log10((w[:, 0] ** 2).mean(axis=-1) + 1e-9)
        sure = np.clip((level + 50) / 100, 0, 1)
        return np.repeat((units * sure[..., None])[:, :, None], len(STARSS), axis=2)
'''
SUITE = {
    "name": "levels",
    "version": "1",
    "task": "tracks",
    "data": {"layout": "starss23", "splits": ["test"]},
    "conditions": ["clean"],
    "metrics": {"family": "seld2022", "primary": "macro_f20"},
    "statistics": {"draws": 0},
    "profile": False,
}
TUNE = {"tune": {"split": "train", "metric": "f20", "per_class": False}}


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("levels")
    (root / "level.py").write_text(ADAPTER)
    return root / "level.py", synthetic.make(root / "set", layout="starss23", size="small")


def run(places: tuple[Path, Path], out: Path, model: Path | None = None, **post_processing: object) -> bb.Run:
    suite = {**SUITE, "post_processing": post_processing} if post_processing else SUITE
    return bb.run(suite, str(model or places[0]), data={"starss23": places[1]}, out=out, report=False)


def test_thresholds_are_chosen_frozen_and_used_again(places: tuple[Path, Path], tmp_path: Path) -> None:
    plain, tuned = run(places, tmp_path / "plain"), run(places, tmp_path / "tuned", **TUNE)
    held = tuned.result.thresholds
    assert held is not None and held.tuned_on.endswith("/train") and held.clips
    assert held.rule.startswith("best-common-f20:grid-0.1-0.95") and held.rule.endswith("unify-15deg")
    assert any("F20° there" in check.message for check in tuned.result.checks if check.name == "thresholds")
    chosen = next(iter(held.thresholds.values()))
    before, after = (made.result.cells[0].metrics["macro_f20"] for made in (plain, tuned))
    assert chosen != 0.5 and after.value > before.value
    assert before.rule.endswith("20deg") and after.rule.endswith(f"20deg:above-{chosen:g}")
    # The figure is that of the stored activities at the written threshold, whoever computes it.
    written, _ = unseal((tuned.path / "thresholds.json").read_bytes(), tuned.path)
    assert set(written["thresholds"].values()) == {chosen} and written["reached"] > 0
    kept = read_units(sorted((tuned.path / "predictions").glob("*.parquet")))
    assert all(one.activity is not None for one in kept.scores if len(one))
    family = seld2022.family(STARSS, threshold=chosen, by="benchbed")
    value = family.values(family.statistics(kept.scores, kept.references).sum(axis=0))["macro_f20"]
    assert after.value == pytest.approx(float(value), abs=1e-6)
    again = run(places, tmp_path / "again", frozen=str(tuned.path / "thresholds.json"))
    assert again.result.cells[0].metrics["macro_f20"].value == after.value
    assert again.result.thresholds.thresholds == held.thresholds and again.result.thresholds.file == "thresholds.json"


def test_a_threshold_of_each_class_and_the_angle_of_unification_may_be_declared(
    places: tuple[Path, Path], tmp_path: Path
) -> None:
    own = {label: 0.12 + 0.01 * i for i, label in enumerate(STARSS)}
    made = run(places, tmp_path, threshold=own, unify_degrees=20.0).result.cells[0].metrics["macro_f20"]
    assert made.rule.endswith("20deg:thresholds-per-class:unify-20deg")
    kept = read_units(sorted(next(tmp_path.rglob("predictions")).glob("*.parquet")))
    family = seld2022.family(STARSS, threshold=list(own.values()), unify_degrees=20.0, by="benchbed")
    value = family.values(family.statistics(kept.scores, kept.references).sum(axis=0))["macro_f20"]
    assert made.value == pytest.approx(float(value), abs=1e-6)


def test_predictions_are_used_again_under_other_thresholds(places: tuple[Path, Path], tmp_path: Path) -> None:
    first = run(places, tmp_path, threshold=0.15)
    units = {path.name: path.stat().st_mtime_ns for path in (first.path / "predictions").glob("*.parquet")}
    other = run(places, tmp_path, threshold=0.2)
    assert {path.name: path.stat().st_mtime_ns for path in (other.path / "predictions").glob("*.parquet")} == units
    assert other.result.cells[0].metrics["er20"].value != first.result.cells[0].metrics["er20"].value


@pytest.mark.parametrize(
    "task, part, match",
    [
        ("tracks", {"median_seconds": 0.4}, "median_seconds decides nothing about a task of tracks"),
        ("tracks", {"tune": {"split": "train", "metric": "event_f1"}}, "cannot be chosen by event_f1"),
        ("tracks", {"tune": {"split": "test", "metric": "f20"}}, "which is scored"),
        ("tracks", {"tune": {"split": "train", "metric": "f20", "options": {"a": 1}}}, "knows no median filter"),
        ("tracks", {"unify_degrees": 200}, "less than or equal to 180"),
        ("frames", {"unify_degrees": 20}, "unify_degrees decides nothing about a task of frames"),
    ],
)
def test_what_decides_nothing_is_an_error(task: str, part: dict, match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        load_definition({**SUITE, "task": task, "post_processing": part})


def test_a_threshold_below_what_is_kept_is_an_error(places: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"a threshold of 0\.05 for tracks"):
        run(places, tmp_path, threshold=0.05)
