"""Shipped suites of timed events on miniatures of their layouts, and weak labels beside strong ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchbed.data.layouts import audioset_strong, dcase2017_task4, desed, tut_sed_2017, urban_sed
from benchbed.errors import DataError
from benchbed.results.store import read
from benchbed.run import session
from benchbed.suite.load import load_suite

RATE = 8000
#: Hears the tone of each class, 150 Hz apart, without a mistake; says 0.3 for what is there.
EAR = """
import numpy as np
from benchbed.adapter import Adapter, Card

LABELS = {labels}

class Ear(Adapter):
    card = Card(name="ear", family="other", output="frames", labels=LABELS, sample_rate=8000,
                scores="probabilities", frame_seconds=0.1)

    def predict(self, batch):
        clips, _, samples = batch.waveforms.shape
        frames = batch.waveforms[:, 0, : samples // 800 * 800].reshape(clips, -1, 800)
        power = np.abs(np.fft.rfft(frames, axis=2))
        heard = np.stack([power[..., 15 + 15 * c] for c in range(len(LABELS))], 2) > 20
        return (heard * {level} + 0.05).astype(np.float32)
"""
Events = list[tuple[float, float, str]]


def tones(path: Path, labels: tuple[str, ...], events: Events, seconds: float = 4.0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(round(seconds * RATE)) / RATE
    wave = np.zeros_like(time)
    for onset, offset, label in events:
        inside = (time >= onset - 1e-9) & (time < offset - 1e-9)
        wave += inside * 0.1 * np.sin(2 * np.pi * (150 + 150 * labels.index(label)) * time)
    soundfile.write(path, wave, RATE, subtype="FLOAT")


def lines(path: Path, rows: list[tuple]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))


@pytest.fixture
def run(tmp_path: Path):
    def run(
        suite: str, layout: str, labels: tuple[str, ...], overrides: Mapping[str, str] | None = None, level: float = 0.9
    ):
        adapter = tmp_path / "ear.py"
        adapter.write_text(EAR.replace("{labels}", repr(labels)).replace("{level}", str(level)))
        given = session.Settings(out=tmp_path / "runs", data={layout: tmp_path / "data"}, quiet=True, verify=True)
        loaded = load_suite(suite, {"statistics.draws": "20", **(overrides or {})})
        finished = session.run(session.prepare(loaded, str(adapter), {}, given), given, {})
        return read(finished.path)

    run.data = tmp_path / "data"
    return run


def perfect(metrics: Mapping, *names: str) -> None:
    for name in names:
        assert metrics[name].value == pytest.approx(0.0 if "error_rate" in name else 1.0), name


SMART = {
    "a_0.000_10.000.wav": [(0.0, 1.0, "Car alarm"), (2.0, 3.0, "Bus")],
    "b_0.000_10.000.wav": [(1.0, 4.0, "Truck")],
    "c_0.000_10.000.wav": [(0.0, 2.0, "Bus"), (1.0, 3.0, "Screaming")],
}


def smart_cars(root: Path, weak: dict[str, set[str]]) -> tuple[str, ...]:
    """Segments a and b with strong labels; of `weak` only the classes are listed."""
    labels = dcase2017_task4.WARNINGS + dcase2017_task4.VEHICLES
    for name, events in SMART.items():
        tones(root / f"testing/Y{name}", labels, events)
    strong = [(name, *event) for name in ("a_0.000_10.000.wav", "b_0.000_10.000.wav") for event in SMART[name]]
    lines(root / "groundtruth_strong_label_testing_set.csv", strong)
    # The official weak list of the testing set has the strong recordings, too.
    rows = [(name, "0.000", "10.000", label) for name, found in weak.items() for label in sorted(found)]
    rows += [("a_0.000_10.000.wav", "0.000", "10.000", "Bus")]
    lines(root / "groundtruth_weak_label_testing_set.csv", rows)
    return labels


def test_weak_recordings_count_for_tags_and_strong_ones_for_events_as_well(run) -> None:
    labels = smart_cars(run.data, {"c_0.000_10.000.wav": {"Bus", "Screaming"}})
    result = run("dcase2017_task4", "dcase2017_task4", labels)
    [cell] = result.cells
    # What is heard in the third segment is no false alarm, since nobody said when it is there.
    perfect(cell.metrics, "error_rate", "micro_f1", "tags_micro_f1", "tags_map")
    assert (cell.metrics["error_rate"].n, cell.metrics["tags_micro_f1"].n, cell.counts.scored) == (2, 3, 3)
    assert cell.metrics["error_rate"].rule.endswith(":strong-labels")
    assert "strong-labels" not in cell.metrics["tags_map"].rule
    assert any("1 of 3 recordings have weak labels alone" in note for note in result.dataset.notes)
    checks = {check.name: check.status for check in result.checks if check.name.startswith("verify")}
    assert checks["verify:metrics"] == "pass"


def test_a_wrong_weak_label_costs_tags_and_no_events(run) -> None:
    labels = smart_cars(run.data, {"c_0.000_10.000.wav": {"Bus", "Train"}})
    metrics = run("dcase2017_task4", "dcase2017_task4", labels).cells[0].metrics
    perfect(metrics, "error_rate", "micro_f1")
    # Right: four of five outputs and of five labels.
    assert metrics["tags_micro_f1"].value == pytest.approx(2 * 4 / (5 + 5))


def test_without_weak_recordings_rules_stay_as_they_are(run) -> None:
    labels = smart_cars(run.data, {})
    [cell] = run("dcase2017_task4", "dcase2017_task4", labels).cells
    assert "strong-labels" not in cell.metrics["error_rate"].rule and cell.metrics["error_rate"].n == 2


def test_weak_recordings_alone_have_no_events_to_score(run) -> None:
    labels = smart_cars(run.data, {})
    weak = [("c_0.000_10.000.wav", 0, 10, label) for label in ("Bus", "Screaming")]
    lines(run.data / "groundtruth_weak_label_training_set.csv", weak)
    tones(run.data / "training/Yc_0.000_10.000.wav", labels, SMART["c_0.000_10.000.wav"])
    metrics = run("dcase2017_task4", "dcase2017_task4", labels, {"data.splits": "[train]"}).cells[0].metrics
    assert metrics["micro_f1"].value is None and metrics["micro_f1"].n == 0 and metrics["micro_f1"].reason
    perfect(metrics, "tags_micro_f1")


def test_thresholds_of_tags_are_chosen_on_weak_recordings(run) -> None:
    labels = smart_cars(run.data, {"c_0.000_10.000.wav": {"Bus", "Screaming"}})
    rows = []
    for name, events in SMART.items():
        tones(run.data / f"training/Yt{name}", labels, events)
        rows += [(f"t{name}", 0, 10, label) for _, _, label in events]
    lines(run.data / "groundtruth_weak_label_training_set.csv", rows)
    tune = {"post_processing": "{tune: {split: train, metric: f1, average: micro, fallback: 0.1}}"}
    result = run("dcase2017_task4", "dcase2017_task4", labels, tune, level=0.3)
    perfect(result.cells[0].metrics, "error_rate", "tags_micro_f1")
    # Midway between a bus that is heard, 0.3 + 0.05, and one that is not, 0.05.
    assert result.thresholds.reached == 1.0 and result.thresholds.thresholds["Bus"] == pytest.approx(0.2)


def test_the_generic_reader_takes_weak_labels_and_desed_has_them(tmp_path: Path) -> None:
    from benchbed.data.layouts import events as generic

    for name in ("a", "b"):
        tones(tmp_path / f"audio/{name}.wav", ("dog",), [])
    (tmp_path / "events.tsv").write_text("filename\tonset\toffset\tevent_label\na.wav\t0.5\t1.0\tdog\n")
    (tmp_path / "weak.tsv").write_text("filename\tevent_labels\nb.wav\tcat,dog\n")
    made = generic.read(tmp_path, weak="weak.tsv")
    assert made.clips["weak"].tolist() == [False, True] and made.labels == ("cat", "dog")
    assert made.clips["label"].tolist() == [("dog",), ("cat", "dog")]
    (tmp_path / "weak.tsv").write_text("filename\tevent_labels\na.wav\tdog\n")
    with pytest.raises(DataError, match="has weak labels and events"):
        generic.read(tmp_path, weak="weak.tsv")
    (tmp_path / "weak.tsv").write_text("filename\tevent_labels\nc.wav\tdog\n")
    with pytest.raises(DataError, match=r"the recording 'c\.wav' is not there") as caught:
        generic.read(tmp_path, weak="weak.tsv")
    assert caught.value.where.endswith("weak.tsv:2")

    root = tmp_path / "desed"
    lines(
        root / "metadata/validation/validation.tsv",
        [("filename", "onset", "offset", "event_label"), ("x.wav", 0.5, 1.0, "Dog")],
    )
    tones(root / "audio/validation/validation/x.wav", ("Dog",), [])
    lines(root / "metadata/train/weak.tsv", [("filename", "event_labels"), ("y.wav", "Speech,Dishes")])
    made = desed.read(root)
    assert {k: len(v) for k, v in made.splits.items()} == {"validation": 1, "weak_train": 1}
    assert made.clips["label"].tolist() == [("Dog",), ("Dishes", "Speech")]
    assert made.clips["path"].tolist()[1] == "audio/train/weak/y.wav" and made.clips["weak"].tolist() == [False, True]
    lines(root / "metadata/train/weak.tsv", [("filename", "event_labels"), ("y.wav", "Speech,Dish")])
    with pytest.raises(DataError, match="unknown label 'Dish'"):
        desed.read(root)


def test_audioset_strong_leaves_out_what_is_gone(run) -> None:
    names = ("Bark", "Speech", "Bell")
    lines(run.data / "mid_to_display_name.tsv", [(f"/m/{i}", name) for i, name in enumerate(names)])
    header = ("segment_id", "start_time_seconds", "end_time_seconds", "label")
    lines(
        run.data / "audioset_eval_strong.tsv",
        [
            header,
            ("x_0", 0.5, 2.0, "/m/0"),
            ("x_0", 1.0, 3.0, "/m/1"),
            ("gone_0", 0.0, 1.0, "/m/2"),
            ("y_30000", 0.0, 4.0, "/m/2"),
        ],
    )
    tones(run.data / "audio/x_0.wav", names, [(0.5, 2.0, "Bark"), (1.0, 3.0, "Speech")])
    tones(run.data / "audio/y_30000.wav", names, [(0.0, 4.0, "Bell")])
    result = run("audioset_strong", "audioset_strong", audioset_strong.read(run.data).labels)
    perfect(result.cells[0].metrics, "segment_micro_f1", "tags_map", "tags_macro_f1", "psds1")
    assert result.dataset.notes[0] == "1 of 3 segments left out: their audio is not there"


def test_tut_sound_events_2017(run) -> None:
    dev, test = (run.data / f"TUT-sound-events-2017-{part}" for part in ("development", "evaluation"))
    for folder, number in ((dev, "a001"), (test, "b001"), (test, "b002")):
        events = [] if number == "b002" else [(0.0, 1.0, "car"), (2.0, 4.0, "people walking")]
        tones(folder / f"audio/street/{number}.wav", tut_sed_2017.LABELS, events)
        lines(folder / f"meta/street/{number}.ann", events)
    result = run("tut_sed_2017", "tut_sed_2017", tut_sed_2017.LABELS)
    assert result.primary == "error_rate" and result.cells[0].counts.clips == 2
    perfect(result.cells[0].metrics, "error_rate", "micro_f1")


def test_urban_sed_has_its_thresholds_from_its_validation_split(run) -> None:
    for split, count in (("validate", 3), ("test", 2)):
        for number in range(count):
            events = [(0.0, 1.0, "siren"), (1.0, 3.0, urban_sed.LABELS[number])]
            tones(run.data / f"audio/{split}/s{split}{number}.wav", urban_sed.LABELS, events)
            lines(run.data / f"annotations/{split}/s{split}{number}.txt", events)
    result = run("urban_sed", "urban_sed", urban_sed.LABELS, level=0.3)
    metrics = result.cells[0].metrics
    perfect(metrics, "tuned_macro_f1", "tuned_error_rate")
    assert metrics["macro_f1"].value == 0.0, "nothing is above 0.5"
    assert result.thresholds.tuned_on == "urban_sed/validate" and result.thresholds.clips == 3
