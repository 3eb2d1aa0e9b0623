"""One model over commits and dates: which runs stand in one row, what changed, per slice, and how it is shown."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_runs import answers, changed, lucky, made_run, recordings

import benchbed as bb
from benchbed.cli import following, main
from benchbed.compare.over_time import Wished, one_model, over_time
from benchbed.compare.runs import open_run
from benchbed.errors import CannotMeasure, ConfigError
from benchbed.report.over_time import called, history_lines, write_history
from benchbed.results.history import HistoryRecord

TARGET, GROUP = recordings(80, 3)
DEVICE = np.where(np.arange(len(TARGET)) // 3 % 4 == 0, "s4", "a")


def commits(folder, count=10, at=6, fall=0.5, **facts) -> list[Path]:
    """Runs of as many commits; from `at` on, device s4 is heard worse, and nothing else changes."""
    steady = lucky(80, 3, 0.8, 0.3, "steady")
    places = []
    for number in range(count):
        right = steady.copy()
        # Two clips flip from run to run, as after any training.
        flips = (np.array([3, 4]) + 17 * number) % len(right)
        right[flips] = ~right[flips]
        if at is not None and number >= at:
            right &= ~((DEVICE == "s4") & lucky(80, 3, fall, 0.1, "worse"))
        place = made_run(
            folder / f"run{number}", {"clean": answers(right, TARGET)}, TARGET, GROUP, device=DEVICE, **facts
        )

        def dated(raw, number=number):
            raw["provenance"]["created"] = f"2026-11-{number + 1:02d}T10:00:00Z"
            raw["provenance"]["git"] = {"commit": f"{number:02d}abcdef0123", "dirty": number == 2}

        changed(place, dated)
        places.append(place)
    return places


@pytest.fixture(scope="module")
def record(tmp_path_factory) -> HistoryRecord:
    runs = [open_run(place) for place in commits(tmp_path_factory.mktemp("commits"))]
    return over_time(runs[::-1])


def by_group(record: HistoryRecord):
    return {row.group: row for row in record.series}


def test_the_slice_that_changed_is_named_with_the_commit(record):
    rows = by_group(record)
    assert set(rows) == {None, "device=a", "device=s4"}
    [change] = rows["device=s4"].changes
    assert change.at == 6 and not change.better and change.difference < -0.2
    assert change.low < change.difference < change.high < 0
    assert rows["device=a"].changes == [] and rows["device=a"].p > 0.05
    assert [run.short for run in record.runs][:3] == ["00abcdef", "01abcdef", "02abcdef*"]
    assert [run.created for run in record.runs] == sorted(run.created for run in record.runs)


def test_p_values_are_corrected_over_the_figures(record):
    raw = sorted(row.p for row in record.series)
    assert [row.p_adjusted >= row.p for row in record.series] == [True] * 3 and "Holm over 3" in record.corrected
    assert min(row.p_adjusted for row in record.series) == pytest.approx(3 * raw[0])


def test_values_are_those_of_the_records(tmp_path):
    runs = [open_run(place) for place in commits(tmp_path, 4, at=None)]
    found = over_time(runs)
    cells = [run.result.cells[0] for run in runs]
    assert by_group(found)[None].values == pytest.approx([c.metrics["accuracy"].value for c in cells])
    assert by_group(found)["device=s4"].values == pytest.approx(
        [c.groups["device=s4"]["accuracy"].value for c in cells]
    )
    assert by_group(found)[None].lows == [c.metrics["accuracy"].low for c in cells]
    assert not any(row.changes for row in found.series)


def test_runs_that_were_not_measured_alike_are_left_out_and_named(tmp_path):
    places = commits(tmp_path, 5, at=None)
    changed(places[0], lambda raw: raw["suite"].update(version="0"))
    found = over_time([open_run(place) for place in places])
    assert len(found.runs) == 4 and "2026-11-01 is left out: version of the suite: 0 against 1" in found.notes[0]
    bare = replace(open_run(places[1]), statistics=None, lack="only its record was kept")
    assert "only its record" in over_time([bare, *(open_run(p) for p in places[2:])]).notes[0]
    with pytest.raises(CannotMeasure, match=r"is no history \(the run of 2026-11-01"):
        over_time([open_run(place) for place in (places[0], places[4])])


def test_three_runs_are_shown_and_not_judged(tmp_path):
    found = over_time([open_run(place) for place in commits(tmp_path, 3, at=1)])
    assert all(row.p is None and "from 4 runs on" in row.reason for row in found.series)
    assert "3 runs: a change is told from a training's luck from 4 runs on" in "\n".join(history_lines(found))


def test_what_is_asked_for_and_not_there(tmp_path):
    runs = [open_run(place) for place in commits(tmp_path, 4, at=None)]
    assert [row.group for row in over_time(runs, Wished(groups=("class=*",))).series][:2] == [None, "class=bus"]
    with pytest.raises(CannotMeasure, match="no condition like fog"):
        over_time(runs, Wished(conditions=("fog",)))
    with pytest.raises(CannotMeasure, match="no group like device=zz"):
        over_time(runs, Wished(groups=("device=zz",)))
    with pytest.raises(CannotMeasure, match="there is no nothing"):
        over_time(runs, Wished(metric="nothing"))


def test_a_history_is_of_one_model(tmp_path):
    places = [*commits(tmp_path / "a", 4, at=None, name="a"), *commits(tmp_path / "b", 4, at=None, name="b")]
    with pytest.raises(ConfigError, match="runs of 2 models: a, b"):
        one_model([open_run(place) for place in places])
    with pytest.raises(ConfigError, match="runs of 2 models"):
        bb.history([str(p) for p in places])
    assert bb.history(places, model="b").record.model == "b"
    with pytest.raises(ConfigError, match="no run of c"):
        bb.history(places, model="c")


def test_earlier_records_of_a_run_folder_are_part_of_it(tmp_path):
    places = commits(tmp_path, 5, at=None)
    home = places[-1]
    for number, place in enumerate(places[:-1]):
        kept = home / "history" / f"2026110{number}"
        kept.mkdir(parents=True)
        (kept / "record.json").write_bytes((place / "result.json").read_bytes())
        (kept / "statistics.npz").write_bytes((place / "statistics.npz").read_bytes())
    # Where predictions stayed, the record alone was kept.
    (home / "history" / "20261031.json").write_bytes((places[0] / "result.json").read_bytes())
    followed = bb.history(home)
    assert len(followed.record.runs) == 5 and "only its record was kept" in followed.record.notes[0]
    frame = followed.frame()
    assert len(frame) == 15 and frame["change"].isna().all()


def test_the_command_line_says_it_and_writes_a_page(tmp_path, capsys):
    places = [str(place) for place in commits(tmp_path)]
    with pytest.raises(SystemExit) as left:
        main(["history", *places, "--page", str(tmp_path / "h.html")])
    text = capsys.readouterr().out
    assert left.value.code == 0 and following.history.name == "history"
    assert (
        "▼ worse" in text
        and "accuracy" in text.lower()
        and "device s4, from the run of 2026-11-07 10:00 06abcdef on" in text
    )
    assert "no change is shown in" in text and "Holm over 3" in text
    page = (tmp_path / "h.html").read_text("utf-8")
    assert page.count('<svg class="chart over-time"') == 3 and "device s4" in page
    with pytest.raises(SystemExit):
        main(["history", *places, "--json"])
    assert HistoryRecord.model_validate(json.loads(capsys.readouterr().out)).series[0].metric == "accuracy"


def test_hostile_names_stay_text(record, tmp_path):
    evil = record.model_copy(update={"model": "<img src=x>\x1b[2J", "notes": ["<script>x</script>"]})
    text = write_history(evil, tmp_path / "h.html").read_text("utf-8")
    assert "<img src=x>" not in text and "<script>x" not in text
    assert "\x1b" not in "\n".join(history_lines(evil)) and called(evil.series[0], evil) == "Accuracy, clean"
