"""Segment-based and event-based figures against sed_eval 0.2.1, on random corpora, real lists and odd ones."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from benchbed.errors import CannotMeasure, ConfigError
from benchbed.metrics.contract import Family
from benchbed.metrics.families import classification, sed_event, sed_segment
from benchbed.outputs.frames.recording import SECOND, Events, OddEvents, frame_scores, recordings

KEEP = OddEvents(overlap="keep", length="keep")
RULES = {"sed_eval:zero_score": "zero_score", "sed_eval:default": None}
Table = dict[str, list]


@pytest.fixture(scope="module")
def sed_eval() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("sed_eval")


def corpus(seed: int, clips: int = 12, classes: int = 4) -> tuple[list[str], list[str], Table, Table]:
    """Recordings on a coarse time grid, so that collars and borders are often met exactly."""
    generator = np.random.default_rng(seed)
    names, labels = [f"r{i}" for i in range(clips)], [f"c{i}" for i in range(classes)]
    tables: list[Table] = []
    for _ in range(2):
        table: Table = {"clip_id": [], "onset": [], "offset": [], "label": []}
        for name in names:
            for _ in range(generator.integers(0, 7)):
                onset = int(generator.integers(0, 80))
                table["clip_id"].append(name)
                table["onset"].append(onset / 8)
                table["offset"].append((onset + int(generator.integers(1, 20))) / 8)
                # The last class has no reference events, the one before is never output.
                table["label"].append(
                    labels[
                        int(generator.integers(0, classes - 1))
                        + (len(tables) if classes > 3 and generator.random() < 0.3 else 0)
                    ]
                )
        tables.append(table)
    return names, labels, tables[0], tables[1]


def score(family: Family, names: list[str], reference: Table, output: Table) -> tuple[dict, dict]:
    target, _ = recordings(names, reference, family.labels, policy=KEEP)
    outputs, _ = recordings(names, output, family.labels, policy=KEEP)
    sums = family.statistics(outputs, target).sum(axis=0)
    return family.values(sums), family.per_class(sums)


def oracle(metric: Any, rule: str, names: list[str], reference: Table, output: Table) -> dict:
    import dcase_util

    def one(table: Table, name: str) -> object:
        rows = zip(*(table[key] for key in ("clip_id", "onset", "offset", "label")))
        return dcase_util.containers.MetaDataContainer(
            [{"onset": on, "offset": off, "event_label": label} for clip, on, off, label in rows if clip == name]
        )

    # Version 0.2.1 has no argument for it in the segment-based class.
    metric.empty_system_output_handling = RULES[rule]
    for name in names:
        metric.evaluate(one(reference, name), one(output, name))
    return metric.results()


def agree(found: tuple[dict, dict], expected: dict, labels: list[str], *, accuracy: bool) -> None:
    values, each = found
    overall, average = expected["overall"], expected["class_wise_average"]
    wanted = {
        "micro_f1": overall["f_measure"]["f_measure"],
        "micro_precision": overall["f_measure"]["precision"],
        "micro_recall": overall["f_measure"]["recall"],
        "macro_f1": average["f_measure"]["f_measure"],
        "macro_precision": average["f_measure"]["precision"],
        "macro_recall": average["f_measure"]["recall"],
        "macro_error_rate": average["error_rate"]["error_rate"],
        **{n: overall["error_rate"][n] for n in ("error_rate", "substitution_rate", "deletion_rate", "insertion_rate")},
    }
    if accuracy:
        for name in ("sensitivity", "specificity", "balanced_accuracy", "accuracy"):
            wanted[name] = overall["accuracy"][name]
            wanted[f"macro_{name}"] = average["accuracy"][name]
    for name, value in wanted.items():
        same(values[name], value, name)
    for i, label in enumerate(labels):
        results = expected["class_wise"][label]
        for name, part in (
            ("f1", "f_measure"),
            ("precision", "f_measure"),
            ("recall", "f_measure"),
            ("error_rate", "error_rate"),
            ("deletion_rate", "error_rate"),
        ):
            same(each[name][i], results[part]["f_measure" if name == "f1" else name], f"{label} {name}")
        if accuracy:
            same(each["balanced_accuracy"][i], results["accuracy"]["balanced_accuracy"], label)


def same(found: float, expected: float, name: str) -> None:
    if math.isnan(expected):
        assert np.isnan(found), name
    else:
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-9), name


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("resolution", [1.0, 0.1, 0.02])
@pytest.mark.filterwarnings("ignore:Mean of empty slice")
def test_segments_equal_sed_eval(sed_eval: ModuleType, rule: str, resolution: float) -> None:
    for seed in range(2 if resolution < 0.1 else 6):
        names, labels, reference, output = corpus(seed)
        metric = sed_eval.sound_event.SegmentBasedMetrics(labels, resolution)
        expected = oracle(metric, rule, names, reference, output)
        agree(
            score(sed_segment.family(labels, resolution=resolution, rule=rule), names, reference, output),
            expected,
            labels,
            accuracy=True,
        )


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("matching", ["optimal", "greedy"])
@pytest.mark.parametrize(
    ("onset", "offset", "ratio"),
    [(0.2, 0.2, 0.2), (0.25, 0.25, 0.5), (0.5, None, 0.5), (None, 0.5, 0.0), (2.0, 2.0, 0.5)],
)
@pytest.mark.filterwarnings("ignore:Mean of empty slice")
def test_events_equal_sed_eval(
    sed_eval: ModuleType, rule: str, matching: str, onset: float | None, offset: float | None, ratio: float
) -> None:
    for seed in range(12):
        names, labels, reference, output = corpus(seed)
        metric = sed_eval.sound_event.EventBasedMetrics(
            labels, onset is not None, offset is not None, onset or offset, ratio, matching
        )
        expected = oracle(metric, rule, names, reference, output)
        made = sed_event.family(
            labels, onset_collar=onset, offset_collar=offset, offset_ratio=ratio, matching=matching, rule=rule
        )
        agree(score(made, names, reference, output), expected, labels, accuracy=False)


def pairs_of_files(folder: Path) -> list[tuple[Path, Path]]:
    pairs = [
        line.split("\t")
        for name in ("file_list.txt", "file_list_audioset.txt", "file_list_binary.txt")
        for line in (folder / name).read_text().splitlines()
        if line.strip()
    ]
    pairs += [
        ["street_fold1_reference.txt", "street_fold1_detected.txt"],
        ["binary5.txt", "binary5_detected.txt"],
        ["mini_reference.txt", "mini_detected_a.txt"],
        ["mini_reference.txt", "mini_detected_b.txt"],
    ]
    return [(folder / a.strip(), folder / b.strip()) for a, b in pairs]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:pkg_resources")
def test_the_published_lists_equal_sed_eval(sed_eval: ModuleType, realdata: Path, rule: str) -> None:
    folder = realdata / "sed_eval_tests" / "sound_event"
    counted = 0
    for paths in pairs_of_files(folder):
        lists = [sed_eval.io.load_event_list(str(path)) for path in paths]
        tables: list[Table] = []
        for items in lists:
            tables.append(
                {
                    "clip_id": [item.get("filename") or "only" for item in items],
                    "onset": [item.get("onset", 0.0) for item in items],
                    "offset": [item.get("offset", 0.0) for item in items],
                    "label": [item.get("event_label", "") for item in items],
                }
            )
        names = sorted({*tables[0]["clip_id"], *tables[1]["clip_id"]}) or ["only"]
        labels = sorted({*tables[0]["label"], *tables[1]["label"]} - {""}) or ["event1"]
        # sed_eval is asked file by file; rows that only name a file leave it empty there as here.
        held = [{k: [v for v, label in zip(column, t["label"]) if label] for k, column in t.items()} for t in tables]
        segment = sed_eval.sound_event.SegmentBasedMetrics(labels, 1.0)
        agree(
            score(sed_segment.family(labels, rule=rule), names, *tables),
            oracle(segment, rule, names, *held),
            labels,
            accuracy=True,
        )
        for matching in ("optimal", "greedy"):
            event = sed_eval.sound_event.EventBasedMetrics(labels, True, True, 0.25, 0.5, matching)
            made = sed_event.family(
                labels, onset_collar=0.25, offset_collar=0.25, offset_ratio=0.5, matching=matching, rule=rule
            )
            agree(score(made, names, *tables), oracle(event, rule, names, *held), labels, accuracy=False)
        counted += len(names)
    assert counted > 30


def events(*rows: tuple[float, float, int], duration: float | None = None) -> np.ndarray:
    made = np.empty(1, object)
    times = np.array(rows, float).reshape(-1, 3)
    end = None if duration is None else int(duration * SECOND)
    made[0] = Events(*(np.rint(times[:, i] * SECOND).astype(np.int64) for i in (0, 1)), times[:, 2].astype(int), end)
    return made


def test_integer_time_meets_borders_where_binary_fractions_do_not() -> None:
    # 0.3…0.6 s holds three segments of 0.1 s; binary fractions make it four (metrics.md 2.3, 3).
    reference = events((0.3, 0.6, 0), duration=1)
    for rule, segments in (("benchbed", 3), ("sed_eval:default", 4)):
        made = sed_segment.family(("a",), resolution=0.1, rule=rule)
        assert made.class_counts(made.statistics(reference, reference)[0])[0] == segments
    # An onset exactly one collar away is a hit; 0.8 − 0.6 is more than 0.2 in binary fractions.
    late = events((0.8, 1.0, 0))
    for rule, hits in (("benchbed", 1.0), ("sed_eval:zero_score", 0.0)):
        made = sed_event.family(("a",), offset_collar=None, rule=rule)
        assert made.values(made.statistics(late, events((0.6, 1.0, 0)))[0])["micro_f1"] == hits


def test_a_class_that_is_never_output_counts_zero_unless_the_default_is_asked_for() -> None:
    reference, output = events((0, 1, 0), (3, 4, 1), duration=10), events((0, 1, 0))
    found = {}
    for rule in ("benchbed", *RULES):
        made = sed_event.family(("a", "b"), rule=rule)
        found[rule] = made.values(made.statistics(output, reference)[0])["macro_f1"]
    assert found == {"benchbed": 0.5, "sed_eval:zero_score": 0.5, "sed_eval:default": 1.0}


def test_false_alarms_of_an_absent_class_do_not_ruin_the_macro_error_rate() -> None:
    reference, output = events((0, 1, 0), duration=10), events((0, 1, 0), (3, 4, 1))
    own = sed_event.family(("a", "b"))
    sums = own.statistics(output, reference)[0]
    assert own.values(sums)["macro_error_rate"] == 0 and np.isnan(own.per_class(sums)["error_rate"][1])
    assert own.reasons(sums)["error_rate"]
    theirs = sed_event.family(("a", "b"), rule="sed_eval:default")
    assert theirs.values(theirs.statistics(output, reference)[0])["macro_error_rate"] == pytest.approx(
        0.5 / 2.22e-16, rel=1e-2
    )


def test_error_rate_counts_by_hand() -> None:
    # Segment 0: a missed, b false: one substitution. Segment 1: a missed: deletion. Segment 2: b false: insertion.
    reference, output = events((0, 2, 0), duration=3), events((0, 1, 1), (2, 3, 1))
    made = sed_segment.family(("a", "b"))
    values = made.values(made.statistics(output, reference)[0])
    assert [values[f"{n}_rate"] for n in ("substitution", "deletion", "insertion", "error")] == [0.5, 0.5, 0.5, 1.5]


def test_long_recordings_are_cut_into_parts_without_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    names, labels, reference, output = corpus(3, clips=20)
    family = sed_segment.family(labels, resolution=0.1)
    whole = score(family, names, reference, output)
    monkeypatch.setattr("benchbed.metrics.sed.segments.CELLS", 1000)
    for a, b in zip(whole, score(family, names, reference, output)):
        for name in a:
            np.testing.assert_array_equal(a[name], b[name])


def test_two_thousand_events_in_one_recording_are_no_trouble() -> None:
    onset = np.arange(2000) * 0.1
    table = {"clip_id": ["x"] * 2000, "onset": onset, "offset": onset + 0.09, "label": ["a"] * 2000}
    values, _ = score(sed_event.family(("a",)), ["x"], table, {**table, "onset": onset + 0.05, "offset": onset + 0.14})
    assert values["micro_f1"] == 1.0


def test_frame_scores_become_events_at_the_threshold() -> None:
    outputs = np.empty(1, object)
    outputs[0] = frame_scores(np.array([[0.5, 0.1], [0.9, 0.6], [0.4, 0.1]]), 0.5)
    reference = events((0, 1, 0), (0.5, 1, 1), duration=1.5)
    for threshold, f1 in ((0.5, 1.0), ((0.6, 0.6), 0.5), ([0.5, 0.7], 0.5)):
        made = sed_event.family(("a", "b"), threshold=threshold, onset_collar=0.0, offset_collar=0.0, offset_ratio=0.0)
        assert made.values(made.statistics(outputs, reference)[0])["macro_f1"] == f1


def test_bad_input_is_one_clear_error() -> None:
    one = events((0, 1, 0))
    for family in (sed_event.family(("a",)), sed_segment.family(("a",))):
        with pytest.raises(CannotMeasure, match="event classes outside"):
            family.statistics(events((0, 1, 1)), one)
        with pytest.raises(CannotMeasure, match="2 outputs for 1 recordings"):
            family.statistics(np.concatenate([one, one]), one)
        with pytest.raises(CannotMeasure, match="must be lists of events, not NoneType"):
            family.statistics(np.array([None]), one)
    for module, options in (
        (sed_event, {"matching": "best"}),
        (sed_event, {"onset_collar": -1}),
        (sed_segment, {"resolution": 0}),
        (sed_segment, {"rule": "mine"}),
        (sed_event, {"offset_ratio": 1 / 3}),
    ):
        with pytest.raises(ConfigError):
            module.family(("a",), **options).statistics(one, one)


@pytest.mark.filterwarnings("ignore:pkg_resources")
def test_the_published_scene_lists_equal_sed_eval(sed_eval: ModuleType, realdata: Path) -> None:
    folder = realdata / "sed_eval_tests" / "scene"
    listed = (folder / "file_list.txt").read_text().split("\n")
    pairs = [[name.strip() for name in line.split("\t")] for line in listed if line]
    for names in [*pairs, ["reference.txt", "estimated_a.txt"], ["reference.txt", "estimated_b.txt"]]:
        lists = []
        for name in names:
            lines = (folder / name).read_text().splitlines()
            rows = [[part.strip() for part in line.split("\t")] for line in lines if line.strip()]
            # The scene is the one column after the file name that is no time.
            scenes = [next(part for part in row[1:] if not part.replace(".", "").isdigit()) for row in rows]
            lists.append([{"filename": row[0], "scene_label": scene} for row, scene in zip(rows, scenes)])
        labels = sorted({item["scene_label"] for items in lists for item in items})
        metric = sed_eval.scene.SceneClassificationMetrics(scene_labels=labels)
        results = metric.evaluate(*lists).results()
        said = {item["filename"]: labels.index(item["scene_label"]) for item in lists[1]}
        target = np.array([labels.index(item["scene_label"]) for item in lists[0]])
        scores = np.eye(len(labels))[[said[item["filename"]] for item in lists[0]]]
        made = classification.family(labels)
        sums = made.grouped(scores, target, np.zeros(len(target), int), 1)[0]
        same(made.values(sums)["accuracy"], results["overall"]["accuracy"], names[0])
        for i, label in enumerate(labels):
            expected = results["class_wise"][label]["accuracy"]["accuracy"]
            found = made.per_class(sums)["recall"][i]
            # A scene without recordings has no accuracy here, and zero there.
            same(0.0 if np.isnan(found) else found, expected, label)
