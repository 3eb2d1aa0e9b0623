"""Every registered family of localisation is compared and gated on every metric that it has, its scripts' included."""

from __future__ import annotations

from dataclasses import replace

import made_worlds
import numpy as np
import pytest
from made_worlds import World, runs

from benchbed.compare.contrast import Procedure, contrast
from benchbed.compare.figure import Figure
from benchbed.compare.runs import OpenRun
from benchbed.gate.judge import judge
from benchbed.gate.load import LoadedRules
from benchbed.gate.rules import Rule, Rules
from benchbed.gate.verdict import Answer
from benchbed.metrics import FAMILIES
from benchbed.metrics.contract import Family
from benchbed.outputs.tracks.recording import Tracks

LOCALISING = [name for name in FAMILIES.names() if name.startswith("seld")]
RECORDINGS = 60


def worse(one: Tracks, generator: np.random.Generator) -> Tracks:
    """Turned by forty degrees or more, much too far away, wrong about being seen, with classes and rows lost."""
    heard = generator.random(3) < 0.7
    kept = one.only(heard[one.label] & (generator.random(len(one)) < 0.8))
    turned = kept.azimuth + generator.uniform(40, 80, len(kept))
    return replace(
        kept,
        azimuth=(turned + 180) % 360 - 180,
        distance=None if kept.distance is None else kept.distance * 4,
        onscreen=None if kept.onscreen is None else ~kept.onscreen,
    )


@pytest.fixture(scope="module", params=LOCALISING)
def pair(request: pytest.FixtureRequest) -> tuple[Family, OpenRun, OpenRun]:
    """A family with two runs that were never written: a bad model, and a good one."""
    family, good, target = FAMILIES.get(request.param).example(np.random.default_rng(3), RECORDINGS)
    bad = np.empty(len(good), object)
    bad[:] = [worse(one, np.random.default_rng(i)) for i, one in enumerate(good)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(made_worlds.FAMILIES, request.param, request.param)
        made = World(request.param, family, tuple(family.metrics), (bad, good), target, 1)
        return family, *runs(made, np.arange(RECORDINGS), request.param)


def test_every_registered_family_of_tracks_is_held_to_this() -> None:
    rng = np.random.default_rng(0)
    assert {n for n in FAMILIES.names() if FAMILIES.get(n).example(rng, 3)[0].output == "tracks"} == set(LOCALISING)


def test_every_metric_is_compared(pair: tuple[Family, OpenRun, OpenRun]) -> None:
    family, bad, good = pair
    found = contrast(bad, good, Figure("clean"), family.metrics, Procedure(draws=200, swaps=199))
    assert set(found) == set(family.metrics)
    for name, one in found.items():
        assert one.value is not None and one.low is not None and one.p is not None, name
        loss = one.value if family.metrics[name].direction == "lower" else -one.value
        assert loss > 0 and one.p < 0.05, (name, one.value, one.p)
        assert one.low <= one.value <= one.high, name


def test_a_model_does_not_differ_from_itself(pair: tuple[Family, OpenRun, OpenRun]) -> None:
    family, _, good = pair
    for name, one in contrast(good, good, Figure("clean"), family.metrics, Procedure(draws=100, swaps=99)).items():
        assert one.value == 0 and (one.p is None or one.p >= 0.99), name


def test_every_metric_is_gated(pair: tuple[Family, OpenRun, OpenRun]) -> None:
    family, bad, good = pair
    every = [Rule(name=f"r{i}", metric=name) for i, name in enumerate(family.metrics)]
    loaded = LoadedRules(Rules(rules=every, draws=200))
    caught = judge(loaded, bad, good)
    answers = {rule.metric: outcome.answer for rule, outcome in zip(every, caught.outcomes)}
    assert set(answers.values()) == {Answer.REGRESSED}, answers
    assert caught.exit_code == 1 and judge(loaded, good, good, strict=True).exit_code == 0
    assert judge(loaded, good, bad).exit_code == 0


def test_every_figure_of_a_class_is_compared(pair: tuple[Family, OpenRun, OpenRun]) -> None:
    family, bad, good = pair
    for label in family.labels:
        figure = Figure("clean", group=f"class={label}")
        found = contrast(bad, good, figure, family.class_metrics, Procedure(draws=100, swaps=99))
        assert set(found) == set(family.class_metrics)
        assert found["f20"].value is not None and found["f20"].value < 0 and found["f20"].p < 0.05, label
