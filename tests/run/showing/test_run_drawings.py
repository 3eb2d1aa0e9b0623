"""What a run keeps for its page, from suite to files: the record's own figures, again bit for bit, and never stale."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchbed.report import drawings as shown
from benchbed.report import listening
from benchbed.report.page import report_html
from benchbed.results import curves, timelines
from benchbed.results.listening import read_listening
from benchbed.results.record import Cell, Condition, Counts, Result, Value
from benchbed.run import session
from benchbed.run.job.policy import Reuse
from benchbed.run.showing.drawings import Drawings, _hardest, write_drawings
from benchbed.run.showing.kinds.frames import recordings
from benchbed.run.showing.listening import keep
from benchbed.suite.load import load_suite

FIGURES = ("f1", "precision", "recall")


def run(repository: Path, out: Path, suite: str, model: str, limit: int, **settings) -> session.Finished:
    loaded = load_suite(str(repository / "suites" / f"{suite}.yaml"), {"profile": "false", "statistics.draws": "20"})
    made = session.Settings(out=out, limit=limit, quiet=True, **settings)
    return session.run(session.prepare(loaded, str(repository / "adapters" / f"{model}.py"), {}, made), made, {})


@pytest.fixture(scope="module")
def detector(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> session.Finished:
    """The shipped CRNN on a few recordings of the embedded set."""
    return run(repository, tmp_path_factory.mktemp("runs"), "dcase_task4", "crnn", 12)


def test_the_curves_hold_the_figures_of_the_record(detector):
    (cell,) = detector.result.cells
    kept = curves.read_curves(detector.path)
    assert kept is not None and [one.cell for one in kept.cells] == [cell.key]
    (held,) = kept.cells
    assert [one.metric for one in held.rocs] == ["psds1", "psds2"]
    for one in held.rocs:
        for line in one.lines:
            of = cell.metrics if line.name == "all" else cell.groups[f"class={line.name}"]
            assert line.area == pytest.approx(of[one.metric].value, abs=1e-12)
            stored = (np.array(line.ratios) * np.diff(np.append(line.rates, one.max_rate))).sum() / one.max_rate
            assert stored == pytest.approx(of[one.metric].value, abs=5e-6)
    marks = [[part.prefix for part in one.declared] for one in held.thresholds]
    # Metrics that differ in their thresholds only share their curves.
    assert marks == [["event_", "event_tuned_"], ["intersection_"], ["segment_", "segment_tuned_"]]
    compared = drawn = 0
    for one in held.thresholds:
        for line in one.lines:
            mean = line.name in ("macro", "micro")
            of = cell.metrics if mean else cell.groups[f"class={line.name}"]
            for part, at in zip(one.declared, line.at, strict=True):
                for name in FIGURES:
                    value = of.get(f"{part.prefix}{line.name}_{name}" if mean else f"{part.prefix}{name}")
                    if value is None:
                        continue
                    compared += 1
                    assert getattr(at, name) == pytest.approx(value.value, abs=1e-12)
                    if at.threshold in one.thresholds:
                        drawn += 1
                        place = one.thresholds.index(at.threshold)
                        assert getattr(line, name)[place] == pytest.approx(value.value, abs=6e-6)
    assert compared > 120 and drawn > 60
    tuned = detector.result.thresholds.thresholds
    assert {line.name: line.at[1].threshold for line in held.thresholds[0].lines[2:]}.items() <= tuned.items()


def test_the_timelines_are_of_the_worstrecordings(detector):
    kept = timelines.read_timelines(detector.path)
    assert kept is not None
    (cell,) = kept.cells
    # The thresholds of the suite are those that the run chose.
    assert cell.rule == detector.result.cells[0].metrics["event_tuned_micro_f1"].rule and cell.per == "event"
    worst = [one.f1 for one in cell.timelines if one.why == "worst"]
    assert len(worst) == 4 and worst == sorted(worst) and worst[-1] < 1
    assert {one.why for one in cell.timelines} == {"worst", "typical"} and len(cell.timelines) == 7
    assert all(one.clip_id.startswith("desed-synthetic/") for one in cell.timelines)
    for one in cell.timelines:
        wrong = [sum(getattr(track, side) for track in one.tracks) for side in ("missed", "false")]
        total = [sum(len(getattr(track, side)) for track in one.tracks) for side in ("reference", "output")]
        # Hits on either side are the same pairs, and give the recording's own F1.
        assert total[0] - wrong[0] == total[1] - wrong[1]
        assert one.f1 == pytest.approx(2 * (total[0] - wrong[0]) / sum(total))


def test_the_page_draws_every_one_of_them(detector):
    text = report_html(detector.result, drawn=shown.read(detector.path))
    classes = len({name for name in detector.result.cells[0].groups if name.startswith("class=")})
    assert text.count('class="recording"') == 7 and text.count('class="chart broad"') == 2
    sweeps = curves.read_curves(detector.path).cells[0].thresholds
    assert text.count('<circle class="spot') == sum(
        sum(mark.threshold is not None and mark.f1 is not None for line in one.lines for mark in line.at)
        + len(one.declared)
        for one in sweeps
    )
    assert text.count("data-choice=") >= 20 and classes >= 8 and 'id="lacking"' not in text


def test_the_recordings_can_be_heard_beside_their_timelines(repository, tmp_path):
    made = session.Settings(out=tmp_path, limit=6, quiet=True)
    loaded = load_suite(str(repository / "suites" / "sed_segments.yaml"), {"profile": "false", "statistics.draws": "0"})
    prepared = session.prepare(loaded, str(repository / "adapters" / "crnn.py"), {}, made)
    done = session.run(prepared, made, {})
    assert keep(prepared, done.result, 3) is None
    cell, _ = timelines.read_timelines(done.path).cells
    found = read_listening(done.path)
    assert [(one.why, one.clip_id, one.cell) for one in found.clips] == [
        (one.why, one.clip_id, cell.cell) for one in cell.timelines[:3]
    ]
    clips = prepared.job.clips["validation"].set_index("clip_id")
    for one in found.clips:
        (sound,) = one.sounds
        heard, rate = soundfile.read(done.path.parent / "listen" / sound.audio)
        original, original_rate = soundfile.read(prepared.job.root / clips.loc[one.clip_id, "path"])
        assert (one.start, sound.kind, sound.output) == (0, "clean", None) and rate == one.sample_rate == 44100
        assert len(heard) / rate == pytest.approx(len(original) / original_rate, abs=0.1)
        # An encoder delays a sound; what lasts from one tenth of a second to the next does not notice.
        loud = [np.array([np.abs(part).mean() for part in np.array_split(wave, 50)]) for wave in (heard, original)]
        assert np.corrcoef(*loud)[0, 1] > 0.98
    text = report_html(done.result, clips=listening.read(done.path), drawn=shown.read(done.path))
    assert text.count("<audio") == 3 and text.count('alt="Spectrogram, 0 to 22.05 kHz, from 0 s"') == 3
    assert 'id="listen"' not in text and "Licence of the recordings: <bdi>CC0-1.0</bdi>" in text
    assert keep(prepared, done.result, 0) is not None and read_listening(done.path) is None


def test_of_a_long_recording_the_sound_begins_where_its_timeline_does(detector, tmp_path):
    one = timelines.Timeline(clip_id="a", why="typical", f1=1, seconds=400, start=200, stop=320, tracks=[])
    other = one.model_copy(update={"clip_id": "b", "why": "worst", "start": 0})
    (key,) = (cell.key for cell in detector.result.cells)
    cell = timelines.CellTimelines(cell=key, rule="r", per="event", recordings=2, timelines=[one, other])
    perturbed = cell.model_copy(update={"cell": "frames/validation/mp3@5"})
    timelines.write_kept(timelines.Timelines(format=1, cells=[cell, perturbed]), tmp_path, timelines.NAME)
    picks = recordings(tmp_path, 9, detector.result)
    assert [(pick.clip_id, pick.start, pick.cell) for pick in picks] == [("b", 0, key), ("a", 200, key)]
    assert [pick.clip_id for pick in recordings(tmp_path, 1, detector.result)] == ["b"]
    (tmp_path / timelines.NAME).unlink()
    assert recordings(tmp_path, 3, detector.result) == []


def test_scored_again_the_files_are_the_same(detector, repository):
    folder = detector.path.parent
    before = {name: (folder / name).read_bytes() for name in (timelines.NAME, curves.NAME)}
    again = run(repository, folder.parent.parent, "dcase_task4", "crnn", 12, reuse=Reuse.ONLY)
    assert again.path == detector.path
    assert {name: (folder / name).read_bytes() for name in before} == before
    assert sum(len(content) for content in before.values()) < 200_000


def test_what_an_earlier_run_kept_does_not_stay(tmp_path):
    write_drawings(Drawings(timelines.Timelines(format=1), curves.Curves(format=1)), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [curves.NAME, timelines.NAME]
    write_drawings(Drawings(None, None), tmp_path)
    assert not list(tmp_path.iterdir())


def test_scenes_keep_nothing_and_of_perturbed_cells_the_hardest_has_timelines(repository, tmp_path):
    scenes = run(repository, tmp_path, "dcase_task1", "cnn", 10)
    assert isinstance(scenes.result, Result)
    assert not (scenes.path.parent / timelines.NAME).exists() and not (scenes.path.parent / curves.NAME).exists()
    segments = run(repository, tmp_path, "sed_segments", "cnn_transformer", 6)
    kept = timelines.read_timelines(segments.path), curves.read_curves(segments.path)
    clean, *others = (cell.key for cell in segments.result.cells)
    value = {cell.key: cell.metrics["micro_f1"].value for cell in segments.result.cells}
    # Of the perturbed cells the one with the lowest figure has timelines, and none has curves.
    assert [cell.cell for cell in kept[0].cells] == [clean, min(others, key=lambda key: value[key])]
    assert [cell.cell for cell in kept[1].cells] == [clean] and kept[0].cells[0].per == "segment"
    text = report_html(segments.result, drawn=shown.read(segments.path))
    assert "<bdi>Clean, split validation</bdi>" in text and "<bdi>Resampling, 16 kHz" in text
    (held,) = kept[1].cells
    assert held.rocs == [] and [one.declared[0].prefix for one in held.thresholds] == [""]
    micro = held.thresholds[0].lines[1]
    assert micro.at[0].f1 == pytest.approx(segments.result.cells[0].metrics["micro_f1"].value, abs=1e-12)


def cell(key: str, value: float | None, direction: str = "higher", **fields) -> Cell:
    made = Value(value=value, n=1, direction=direction, unit="", rule="r", reason="none" if value is None else None)
    kind = "clean" if key.endswith("clean") else "corruption"
    return Cell(
        key=key,
        task="frames",
        split="t",
        condition=Condition(kind=kind, name=key.split("/")[-1]),
        counts=Counts(clips=1, scored=1),
        metrics={"m": made},
        **fields,
    )


def test_the_hardest_cell_is_the_worst_in_the_metric_s_direction():
    cells = [
        cell("f/t/clean", 0.1),
        cell("f/t/a", 0.5),
        cell("f/t/b", 0.3),
        cell("f/t/c", None),
        cell("f/t/d", 0.2, ranked=False),
    ]
    assert _hardest(cells, "m") == "f/t/b" and _hardest(cells, "other") is None and _hardest(cells[:1], "m") is None
    assert _hardest([cell("f/t/a", 0.5, "lower"), cell("f/t/b", 0.3, "lower")], "m") == "f/t/a"
