"""Threats of every kind from a suite to the record: what is measured, within which budget, and what the tables say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import soundfile

import benchbed as bb
from benchbed.attack.expected import UNSEEN
from benchbed.errors import BenchbedError
from benchbed.metrics.adversarial import quantile_of_attacks
from benchbed.run.attacking.surroundings import folders_of
from benchbed.run.attacking.survival import WAYS
from benchbed.run.scoring.smallest import curve_of_smallest, smallest_of
from benchbed.run.scoring.survival import breaks_left
from benchbed.stats.bootstrap import Bootstrap
from benchbed.suite.conditions import AttackCondition

LEVELS = [50, 40, 30, 20, 10, 0, -10]


@pytest.fixture
def responses(tmp_path):
    """Three rooms, as files."""
    folder = tmp_path / "rooms"
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(3):
        tail = random.standard_normal(800) * 10 ** (-np.arange(800) / 200)
        tail[:40] = 0  # a delay of 5 ms, which is taken off
        tail[40] = 8.0
        soundfile.write(folder / f"{number}.wav", 0.1 * tail, 8000, subtype="FLOAT")
    return folder


def test_every_threat_leaves_figures_within_its_budget(tmp_path, toy_table, adapter_file, responses):
    toy_table.drop(columns="clip_id").to_csv(tmp_path / "data" / "clips.csv", index=False)
    suite = {
        "name": "threats",
        "version": "1",
        "task": "scene",
        "data": {
            "layout": "folder",
            "name": "toy",
            "splits": ["all"],
            "options": {"csv": "clips.csv", "path": "path", "label": "label", "group": "group"},
        },
        "statistics": {"draws": 100},
        "conditions": [
            "clean",
            {"attack": "white_noise", "budgets": [20, 0], "n": 9},
            {"attack": "minimal", "budgets": LEVELS, "n": 9, "steps": 30},
            {"attack": "burst", "budgets": [10, 0], "n": 6, "steps": 6, "options": {"milliseconds": 50}},
            {"attack": "over_air", "budgets": [20, 0], "n": 6, "steps": 6, "options": {"rooms": str(responses)}},
            {"attack": "class_matrix", "budgets": [20, -10], "n": 6, "steps": 8},
            {"attack": "square", "budgets": [10, 0], "n": 6, "options": {"queries": 40}},
            {"attack": "apgd", "budgets": [20, -10], "n": 6, "steps": 8, "band": {"low": 2000}},
        ],
    }
    run = bb.run(suite, str(adapter_file()), data={"toy": tmp_path / "data"}, out=tmp_path / "runs", report=True)
    cells = {cell.key.split("/", 2)[2]: cell for cell in run.result.cells}
    budget = {check.cell: check for check in run.result.checks if check.name == "attack:budget"}
    assert len(budget) == len(cells) - 1 and {check.status for check in budget.values()} == {"pass"}
    assert {check.status for check in run.result.checks if check.name == "attack:agreement"} == {"pass"}

    smallest = cells["minimal@l2:-10dB"].matrices["smallest"]
    shares = [row[0] for row in smallest.values]
    assert shares == sorted(shares) and shares[-1] == 1.0
    for level in LEVELS:
        left = cells[f"minimal@l2:{level}dB"].metrics["robust_accuracy"].value
        broken = max([share for row, share in zip(smallest.rows, shares) if float(row.split()[0]) >= level], default=0)
        right = cells[f"minimal@l2:{level}dB"].metrics["clean_accuracy"].value
        assert left == pytest.approx(right * (1 - broken))
    median = run.result.scores["adversarial:minimal_snr/minimal@l2"]
    tenth, most = (run.result.scores[f"adversarial:minimal_snr_{share}/minimal@l2"] for share in (10, 90))
    assert tenth.value >= median.value >= most.value and median.low is not None

    assert cells["burst@l2:0dB"].metrics["unseen_accuracy"].rule == "accuracy:mean-over-unseen-draws"
    assert "unseen_accuracy" in cells["over_air@l2:0dB"].metrics
    assert cells["over_air@l2:0dB"].condition.facts["surroundings"]["rooms"]["files"] == 3
    rows = run.predictions("scene/all/burst@l2:0dB")
    assert set((rows["unseen_correct"].dropna() * UNSEEN).round(9) % 1) == {0.0}

    names = {(check.name, check.cell.rpartition("/")[2]) for check in run.result.checks if check.cell}
    # Bursts and sounds in rooms are a part of the ball: what is planted, and the floor, are of that part.
    for cell in ("burst@l2:0dB", "over_air@l2:0dB"):
        told = {"gradient_zero", "budget", "planted", "floor", "unbounded"}
        assert {(f"attack:{name}", cell) for name in told} <= names
    # A burst leaves most of the clip as it is: nothing has to fall to any burst, but to one that leaves nothing.
    (loud,) = [c for c in run.result.checks if c.name == "attack:unbounded" and c.cell.endswith("burst@l2:0dB")]
    assert loud.status == "pass" and loud.message.endswith("with all of the clip to use")
    assert ("attack:planted", "minimal@l2:0dB") in names
    assert not any("targets" in cell.matrices for key, cell in cells.items() if "class_matrix" not in key)

    targets = cells["class_matrix@l2:-10dB"].matrices["targets"]
    assert targets.rows == targets.columns == ["high", "low", "middle"]
    assert all(targets.values[i][i] is None for i in range(3))
    queries = cells["square@l2:0dB"].matrices["queries"]
    assert queries.rows == ["1", "3", "10", "30", "40"]
    assert queries.values[-1][0] == pytest.approx(cells["square@l2:0dB"].metrics["attack_success_rate"].value)

    banded = cells["apgd@l2+from2000Hz:-10dB"]
    assert banded.condition.facts["band"] == "from2000Hz"
    assert banded.metrics["robust_accuracy"].value < 1


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"band": {"low": 500, "high": 400}}, "holds nothing"),
        ({"band": {}}, "needs `low` or `high`"),
        ({"band": {"low": 500}, "threat": "linf"}, "goes with an SNR"),
        ({"band": {"low": 500}, "space": "features"}, "no frequencies in Hz"),
    ],
)
def test_a_band_that_makes_no_sense_is_refused(change, match):
    with pytest.raises(ValueError, match=match):
        AttackCondition(attack="apgd", **change)


def test_a_band_above_what_the_model_hears_is_refused_when_it_runs(attacked):
    with pytest.raises(BenchbedError, match="hears up to 4000 Hz"):
        attacked({"attack": "apgd", "budgets": [20], "n": 3, "steps": 2, "band": {"low": 5000}})


def test_what_a_suite_does_not_say_changes_no_hash_of_it():
    assert "band" not in AttackCondition(attack="apgd").model_dump()


def test_a_folder_with_one_room_has_none_to_be_judged_in(responses):
    (responses / "1.wav").unlink()
    (responses / "2.wav").unlink()
    with pytest.raises(BenchbedError, match="held back to be judged in"):
        folders_of(AttackCondition(attack="over_air", options={"rooms": str(responses)}))


def test_quantiles_are_those_of_the_clips_and_their_draws():
    snr = np.arange(100.0)[::-1]
    found = {share: quantile_of_attacks(snr, share, np.arange(100), Bootstrap(100)) for share in (0.1, 0.5, 0.9)}
    assert [found[share].value for share in (0.1, 0.5, 0.9)] == [90.0, 50.0, 10.0]
    # Order statistics: the 95 % interval of a median of 100 lies about ten ranks to each side.
    assert 36 <= found[0.5].low <= 43 and 57 <= found[0.5].high <= 64
    rare = quantile_of_attacks(np.array([70.0, *[-np.inf] * 5]), 0.5, np.arange(6), Bootstrap(6))
    assert rare.value is None and "fewer than 50 %" in rare.reason and rare.note == "1 of 6 clips were broken"


def test_the_smallest_of_a_clip_is_the_largest_snr_at_which_it_fell():
    rows = {"clip_id": ["a", "b", "c"], "clean_correct": [True, True, False], "snr": [41.0, 40.0, None]}
    mild = pd.DataFrame({**rows, "robust": [False, True, False]})
    strong = pd.DataFrame({**rows, "robust": [False, False, False], "snr": [41.0, 22.0, None]})
    assert smallest_of([mild, strong]) == {"a": 41.0, "b": 22.0}
    curve = curve_of_smallest([mild, strong])
    assert curve.rows[0] == "42.5 dB" and curve.rows[-1] == "20 dB" and curve.values[-1, 0] == 1.0


def test_breaks_of_numbers_are_told_from_breaks_of_sound(attacked, adapter_file):
    """A model that hears the last bits of its input falls to what no 16-bit file holds; one of bands not."""
    bits = adapter_file(
        before="steps = torch.round(x * 32768) / 32768; x = x + 200000 * (x - steps)", name="bits", after="pass"
    )
    rows, _, _ = attacked({"attack": "apgd", "budgets": [90], "n": 6, "steps": 10}, adapter=bits)
    broken = rows[rows["clean_correct"] & ~rows["robust"]]
    assert len(broken) and not broken["left:int16"].astype(bool).any()
    rows, _, _ = attacked({"attack": "apgd", "budgets": [-10], "n": 6, "steps": 10})
    broken = rows[rows["clean_correct"] & ~rows["robust"]]
    assert len(broken) and broken["left:int16"].astype(bool).all() and broken["left:shift"].astype(bool).all()
    assert not broken["spoiled:int16"].astype(bool).any()
    # MP3 has no 112 kbit/s at 8 kHz: nothing is told of it.
    assert broken["left:mp3"].isna().all() and broken["left:opus"].notna().all()
    assert rows.loc[rows["robust"], "left:int16"].isna().all()
    assert {f"left:{way}" for way in WAYS} <= set(rows)


def test_the_figures_of_what_is_left_count_breaks():
    rows = pd.DataFrame({"left:mp3": [True, True, False, None], "spoiled:mp3": [True, False, False, None]})
    found = breaks_left(rows, np.arange(4), Bootstrap(4, draws=0))
    assert set(found) == {"left_after_mp3"} and found["left_after_mp3"].n == 3
    assert found["left_after_mp3"].value == pytest.approx(2 / 3)
    assert found["left_after_mp3"].note == "2 of 3 breaks are left; it breaks 1 of these clips without any attack"
