"""Defences against the model without one: differences by hand, ratios of times, and what may not be ranked."""

from __future__ import annotations

import numpy as np
import pytest
from made_runs import answers, changed, made_run, recordings

from benchbed.compare.defences import defence_tables
from benchbed.results.store import read

TARGET, GROUP = recordings(30, 2)


@pytest.fixture
def run(tmp_path):
    """Writes a run of a model that is wrong on the first so many clips."""

    def make(name: str, wrong: int, milliseconds: float | None, *, weights: str = "w", **options):
        right = np.arange(len(TARGET)) >= wrong
        times = {"median": 3 * (milliseconds or 0), "cpu_median": milliseconds}
        timed = {"batch_1": {name: {"value": value, "unit": "ms"} for name, value in times.items()}}
        profile = {} if milliseconds is None else {"latency": timed}
        scores = {"clean": answers(right, TARGET)}
        folder = made_run(tmp_path / name, scores, TARGET, GROUP, name=name, options=options, profile=profile)
        changed(folder, lambda raw: raw["model"].update(weights={"net.safetensors": weights}))
        return folder / "result.json", read(folder)

    return make


def test_a_defence_is_held_against_the_same_weights_without_one(run):
    bare, codec = run("bare", 6, 4.0), run("coded", 12, 10.0, defence="codec")
    (table,) = defence_tables([codec, bare])
    first, second = table.rows
    assert (first.name, first.defence, first.times) == ("bare", "", None)
    assert (second.name, second.defence, second.times) == ("coded", "codec", 2.5)
    # 54 and 48 of 60 clips are right.
    assert (first.clean.value, second.clean.value) == pytest.approx((0.9, 0.8))
    assert second.clean.difference == pytest.approx(-0.1)
    assert second.clean.difference_low < -0.1 < second.clean.difference_high <= 0
    assert first.clean.difference is None and second.robust is None and not second.ranked


def test_without_a_twin_there_is_no_table(run):
    assert defence_tables([run("coded", 12, 10.0, defence="codec")]) == []
    assert defence_tables([run("bare", 6, 4.0)]) == []
    other = run("other", 6, 4.0, weights="v")
    assert defence_tables([other, run("coded", 12, 10.0, defence="codec")]) == []


def test_what_was_not_timed_has_no_ratio(run):
    (table,) = defence_tables([run("bare", 6, None), run("coded", 6, 3.0, defence="codec")])
    row = table.rows[1]
    assert (row.milliseconds, row.times) == (9.0, None)
    assert row.clean.difference == 0 and row.clean.difference_low is None and row.clean.reason


def test_a_record_without_its_sums_says_why_it_has_no_difference(run):
    bare, codec = run("bare", 6, 4.0), run("coded", 12, 10.0, defence="codec")
    (codec[0].parent / "statistics.npz").unlink()
    (table,) = defence_tables([bare, codec])
    row = table.rows[1]
    assert row.clean.value == pytest.approx(0.8) and row.clean.difference is None
    assert row.clean.reason == "the sums of a run are not at hand"


def test_what_failed_a_check_is_shown_and_not_ranked(run):
    from made_records import attacked_runs

    from benchbed.results.record import Check

    bare, coded = attacked_runs({"bare": ("cnn", 0.8), "coded": ("cnn", 0.7)})
    for one, options in ((bare, {}), (coded, {"defence": "noise"})):
        one.model.weights, one.model.options = {"net": "w"}, options
    cell = next(c for c in coded.cells if c.key.endswith("40dB"))
    for one in coded.cells:
        if one.condition.kind == "attack":
            one.ranked = False
    coded.checks.append(Check(name="attack:audit", status="fail", message="no", cell=cell.key))
    coded.checks.append(Check(name="attack:randomness", status="warn", message="so", cell=cell.key))
    from pathlib import Path

    (table,) = defence_tables([(Path("bare"), bare), (Path("coded"), coded)])
    row = table.rows[1]
    assert table.attack.startswith("standard") and row.robust.value is not None
    assert not row.ranked and table.rows[0].ranked
    if cell.key.endswith(table.attack.split(", ")[1].split()[0] + "dB"):
        assert (row.failed, row.warned) == (("audit",), ("randomness",))
