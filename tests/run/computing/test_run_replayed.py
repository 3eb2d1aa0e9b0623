"""Lists of events from files to figures, against sed_eval on the same files: its own examples, and odd lists."""

from __future__ import annotations

import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchbed.cli import main
from benchbed.results.record import Result
from benchbed.results.store import read

pytestmark = pytest.mark.filterwarnings("ignore:pkg_resources")

SUITE = """
name: lists
version: "1"
task: frames
data: {{layout: events, name: lists, options: {{table: reference.txt, durations: durations.tsv, odd: keep,
       labels: [{labels}]}}}}
profile: false
statistics: {{draws: 0}}
metrics: {{family: sed_segment, primary: micro_f1, options: {{resolution: 1.0, rule: "sed_eval:zero_score"}},
          further: [{{family: sed_event, name: event, options: {{rule: "sed_eval:zero_score", offset_ratio: 0.5}}}}]}}
"""
FIGURES = {
    "micro_f1": ("f_measure", "f_measure"),
    "micro_precision": ("f_measure", "precision"),
    "micro_recall": ("f_measure", "recall"),
    "error_rate": ("error_rate", "error_rate"),
}
Row = tuple[str, float, float, str]


@pytest.fixture(scope="module")
def sed_eval() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("sed_eval")


def scored(folder: Path, labels: list[str], detected: Path, ends: dict[str, float], *flags: str) -> Result:
    (folder / "durations.tsv").write_text(
        "filename\tduration\n" + "".join(f"{name}\t{end}\n" for name, end in ends.items())
    )
    (folder / "lists.yaml").write_text(SUITE.format(labels=", ".join(f'"{label}"' for label in labels)))
    wanted = ",".join(f'"{label}"' for label in labels)
    command = ["run", str(folder / "lists.yaml"), "--model", "detections", "--set", f"file={detected}", "--quiet"]
    command += ["--set", f"labels={wanted}", "--set", "missing=empty", "--data", f"lists={folder}", "--no-report"]
    with pytest.raises(SystemExit) as ended:
        main([*command, "--out", str(folder / "runs"), *flags])
    assert not ended.value.code
    return read(next((folder / "runs").rglob("result.json")))


def theirs(sed_eval: ModuleType, reference: list[Row], detected: list[Row], labels: list[str]) -> dict[str, float]:
    """Figures of sed_eval 0.2.1 on the rows themselves."""
    segment = sed_eval.sound_event.SegmentBasedMetrics(labels, 1.0)
    event = sed_eval.sound_event.EventBasedMetrics(labels, t_collar=0.2, percentage_of_length=0.5)
    event.empty_system_output_handling = segment.empty_system_output_handling = "zero_score"

    def lists(rows: list[Row], name: str) -> list[dict[str, Any]]:
        return [{"onset": on, "offset": off, "event_label": label} for file, on, off, label in rows if file == name]

    for name in dict.fromkeys(row[0] for row in reference + detected):
        for metric in (segment, event):
            metric.evaluate(lists(reference, name), lists(detected, name))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = {"": segment.results_overall_metrics(), "event_": event.results_overall_metrics()}
    return {prefix + name: made[a][b] for prefix, made in found.items() for name, (a, b) in FIGURES.items()}


def compared(result: Result, expected: dict[str, float]) -> None:
    metrics = result.cells[0].metrics
    for name, value in expected.items():
        assert metrics[name].value == pytest.approx(value, abs=1e-12), name


def rows_of(file: Path) -> list[Row]:
    cells = [line.split("\t") for line in file.read_text().splitlines() if line.strip()]
    return [(row[0].strip(), float(row[-3]), float(row[-2]), row[-1].strip()) for row in cells if len(row) > 2]


def test_street_lists_of_sed_eval(sed_eval: ModuleType, realdata: Path, tmp_path: Path) -> None:
    """217 annotated and 80 detected events of its tests, with overlaps of one class, from the files as they are."""
    lists = realdata / "sed_eval_tests" / "sound_event"
    (tmp_path / "reference.txt").write_bytes((lists / "street_fold1_reference.txt").read_bytes())
    reference, detected = (rows_of(lists / f"street_fold1_{side}.txt") for side in ("reference", "detected"))
    ends = {name: max(r[2] for r in reference + detected if r[0] == name) for name in {r[0] for r in reference}}
    labels = sorted({row[3] for row in reference + detected})
    result = scored(tmp_path, labels, lists / "street_fold1_detected.txt", ends, "--verify")
    compared(result, theirs(sed_eval, reference, detected, labels))
    verified = {check.name: check for check in result.checks if check.name.startswith("verify:")}
    assert {check.status for check in verified.values()} == {"pass"} and len(verified) == 2
    assert all("by the recorded rule other numbers" not in check.message for check in verified.values())


@pytest.mark.parametrize("name", ["office_snr0_high_v2", "office_snr0_med_v2", "mini", "audioset1"])
def test_lists_of_one_recording(sed_eval: ModuleType, realdata: Path, tmp_path: Path, name: str) -> None:
    lists = realdata / "sed_eval_tests" / "sound_event"
    sides = ("mini_reference", "mini_detected_a") if name == "mini" else (name, f"{name}_detected")
    written = []
    for side, target in zip(sides, ("reference", "detected")):
        cells = [line.split("\t")[-3:] for line in (lists / f"{side}.txt").read_text().splitlines() if line.strip()]
        (tmp_path / f"{target}.txt").write_text("".join("\t".join(["r.wav", *row]) + "\n" for row in cells))
        written.append(rows_of(tmp_path / f"{target}.txt"))
    labels = sorted({row[3] for rows in written for row in rows})
    end = max(row[2] for rows in written for row in rows)
    result = scored(tmp_path, labels, tmp_path / "detected.txt", {"r.wav": end})
    compared(result, theirs(sed_eval, *written, labels))


EVENT = st.tuples(st.integers(0, 80), st.integers(0, 60), st.sampled_from(["dog", "cat"]))


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    reference=st.lists(EVENT.filter(lambda e: e[0] < 80 and e[0] + e[1] <= 80), min_size=1, max_size=6),
    detected=st.lists(EVENT, min_size=1, max_size=8),
)
def test_any_list_counts_as_sed_eval_counts_it(
    sed_eval: ModuleType, tmp_path_factory: pytest.TempPathFactory, reference: list, detected: list
) -> None:
    """Touching, nested, doubled, of no length, and up to six seconds past a recording of eight."""
    folder = tmp_path_factory.mktemp("lists")
    rows = []
    for side, events in (("reference", reference), ("detected", detected)):
        # Times of 1/8 s are exact in binary, so that no collar falls between two readings of a number.
        made = [("r.wav", start / 8, (start + length) / 8, label) for start, length, label in events]
        (folder / f"{side}.txt").write_text("".join("\t".join(map(str, row)) + "\n" for row in made))
        rows.append(made)
    result = scored(folder, ["cat", "dog"], folder / "detected.txt", {"r.wav": 10.0})
    # sed_eval pairs in the order of the lists; as many pairs as possible is its other way, asked for here.
    segment = theirs(sed_eval, *rows, ["cat", "dog"])
    for name, value in segment.items():
        if not name.startswith("event_"):
            ours = result.cells[0].metrics[name].value
            assert (np.nan if ours is None else ours) == pytest.approx(value, abs=1e-12, nan_ok=True), name
    event = sed_eval.sound_event.EventBasedMetrics(
        ["cat", "dog"], t_collar=0.2, percentage_of_length=0.5, event_matching_type="optimal"
    )
    event.evaluate(*[[{"onset": a, "offset": b, "event_label": c} for _, a, b, c in side] for side in rows])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = event.results_overall_metrics()["f_measure"]
    value = result.cells[0].metrics["event_micro_f1"].value
    assert np.nan_to_num(found["f_measure"]) == pytest.approx(0.0 if value is None else value, abs=1e-12)
