"""Time and memory of sound event scoring against sed_eval and sed_scores_eval: 1,000 files, about 20,000 events.

    python tests/benchmarks/bench_sed.py [--other PYTHON] [--before FOLDER] [--plant SECONDS]

`--other` is a Python that has sed_scores_eval 0.0.4, which needs pandas below 3; without it that part is left out and
its mark is not judged. `--before` is a checkout of an earlier commit: 1,000 bootstrap draws of figures over all
thresholds are then also made with it. The figures of all programs must agree before their times are compared, which are
CPU times. Segment and event figures take at most a fiftieth of sed_eval's time, PSDS a fifteenth of sed_scores_eval's.
A cell of 50 files with the seven families of `dcase_task4` and all intervals from 1,000 draws takes at most 0.3 s.
`--plant` lets each of our figures waste some seconds: those marks must fail then.

Leaves with 1 if a figure misses its mark, and with 3 if one could not be judged.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

HOP, FRAMES, CLASSES = 0.064, 156, 10

OTHER = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np
from sed_scores_eval import collar_based, intersection_based, segment_based
from sed_scores_eval.base_modules.scores import create_score_dataframe
held = np.load(sys.argv[1])
names = [f"c{i}" for i in range(held["scores"].shape[2])]
scores = {f"r{i}": create_score_dataframe(s.astype(np.float64), held["edges"], names) for i, s in enumerate(held["scores"])}
truth = {name: [] for name in scores}
for clip, onset, offset, label in held["events"]:
    truth[f"r{int(clip)}"].append((onset, offset, names[int(label)]))
lengths = dict.fromkeys(scores, float(held["edges"][-1]))
calls = {
    "psds1": lambda: intersection_based.psds(scores, truth, lengths, dtc_threshold=.7, gtc_threshold=.7, alpha_st=1.)[0],
    "psds2": lambda: intersection_based.psds(scores, truth, lengths, dtc_threshold=.1, gtc_threshold=.1,
                                             cttc_threshold=.3, alpha_ct=.5, alpha_st=1.)[0],
    "collar best": lambda: collar_based.best_fscore(scores, truth, onset_collar=.2, offset_collar=.2,
                                                    offset_collar_rate=.2)[0]["macro_average"],
    "segment auc": lambda: segment_based.auroc(scores, truth, lengths, segment_length=1.)[0]["mean"],
}
found = {}
for name, call in calls.items():
    started = time.process_time()
    value = float(call())
    found[name] = [value, time.process_time() - started]
print(json.dumps(found))
"""  # noqa: E501

DRAWS = """
import json, sys, time
import numpy as np
import benchbed
from benchbed.metrics.families import psds, sed_auc, sed_best, tagging
from benchbed.outputs.frames.recording import FrameScores, microseconds, recording
held, draws = np.load(sys.argv[1]), int(sys.argv[3])
files, _, classes = held["scores"].shape
labels = [f"c{i}" for i in range(classes)]
outputs, target = np.empty(files, object), np.empty(files, object)
for i, scores in enumerate(held["scores"]):
    part = held["events"][held["events"][:, 0] == i]
    outputs[i] = FrameScores(scores, microseconds(held["edges"]))
    names = [labels[int(c)] for c in part[:, 3]]
    target[i], _ = recording(part[:, 1], part[:, 2], names, labels, float(held["edges"][-1]))
generator = np.random.default_rng(0)
clips = generator.random((5000, 200)), (generator.random((5000, 200)) < 0.02) * 1.0
weights = {n: generator.multinomial(n, np.full(n, 1 / n), draws).astype(np.uint8) for n in (files, 5000)}
made = {
    "psds1 and psds2": (psds.family(labels), outputs, target),
    "collar best": (sed_best.family(labels), outputs, target),
    "intersection best": (sed_best.family(labels, criterion="intersection"), outputs, target),
    "segment best": (sed_best.family(labels, criterion="segment"), outputs, target),
    "segment auc": (sed_auc.family(labels), outputs, target),
    "tags, 5,000 clips, 200 classes": (tagging.family([f"t{i}" for i in range(200)]), *clips),
}
seconds, values = {}, {}
for name, (family, scores, references) in made.items():
    count = len(references)
    sample = family.sample(scores, references, np.arange(count), count)
    started = time.process_time()
    parts = [sample.scores(weights[count][start : start + 100])[0] for start in range(0, draws, 100)]
    seconds[name] = time.process_time() - started
    values |= {f"{name}/{key}": np.concatenate([part[key] for part in parts]) for key in parts[0]}
np.savez(sys.argv[2], **values)
print(json.dumps({"from": benchbed.__file__, "seconds": seconds}))
"""


def corpus(files: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frame scores `[file, frame, class]`, borders in seconds, and events `[event, (file, onset, offset, class)]`."""
    from benchbed.outputs.frames.recording import SECOND, Events, merge
    from benchbed.rng import stream

    generator = stream("bench_sed")
    edges = np.round(np.arange(FRAMES + 1) * HOP, 3)
    middle = (edges[1:] + edges[:-1]) / 2
    scores, rows = np.empty((files, FRAMES, CLASSES)), []
    for i in range(files):
        count = 24
        onset = np.round(generator.uniform(0, 9, count), 3)
        offset = np.minimum(onset + np.round(generator.uniform(0.2, 1.2, count), 3), edges[-1])
        label = generator.integers(0, CLASSES, count)
        # sed_scores_eval refuses events of a class that touch; one microsecond more joins them.
        events = merge(Events(np.rint(onset * SECOND).astype(int), np.rint(offset * SECOND).astype(int) + 1, label))
        active = np.zeros((FRAMES, CLASSES))
        for on, off, c in zip(events.onset / SECOND, (events.offset - 1) / SECOND, events.label):
            active[(middle >= on) & (middle < off), c] = 1
            rows.append((i, on, off, c))
        noise = generator.standard_normal((FRAMES + 4, CLASSES))
        smooth = sum(noise[k : k + FRAMES] for k in range(5)) / math.sqrt(5)
        scores[i] = 1 / (1 + np.exp(-(-2.0 + 3.2 * active + 0.9 * smooth)))
    return np.round(scores, 6), edges, np.array(rows)


def recordings(scores: np.ndarray, edges: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The corpus as outputs and references of each recording."""
    from benchbed.outputs.frames.recording import FrameScores, microseconds, recording

    outputs, target = np.empty(len(scores), object), np.empty(len(scores), object)
    at = np.searchsorted(rows[:, 0], np.arange(len(scores) + 1))
    labels = [f"c{i}" for i in range(CLASSES)]
    for i in range(len(scores)):
        part = rows[at[i] : at[i + 1]]
        outputs[i] = FrameScores(scores[i], microseconds(edges))
        names = [labels[int(c)] for c in part[:, 3]]
        target[i], _ = recording(part[:, 1], part[:, 2], names, labels, float(edges[-1]))
    return outputs, target


class Marks:
    """What a defect wastes in each of our figures, and which of them missed their mark."""

    plant = 0.0
    missed = False


def timed(call: Callable[[], Any], times: int = 3) -> tuple[Any, float]:
    """Result and the median of a few CPU times."""
    seconds, value = [], None
    for _ in range(times):
        started = time.process_time()
        value = call()
        until = time.process_time() + Marks.plant
        while time.process_time() < until:
            pass
        seconds.append(time.process_time() - started)
    return value, float(np.median(seconds))


def sed_eval_lists(files: int, tables: tuple[np.ndarray, np.ndarray]) -> list[tuple[Any, Any]]:
    """Lists of events as sed_eval takes them, made before the clock starts."""
    import dcase_util

    sides = []
    for table in tables:
        lists: list[list[dict]] = [[] for _ in range(files)]
        for clip, onset, offset, label in table:
            lists[int(clip)].append({"onset": onset, "offset": offset, "event_label": f"c{int(label)}"})
        sides.append([dcase_util.containers.MetaDataContainer(items) for items in lists])
    return list(zip(*sides))


def line(task: str, ours: float, theirs: float, value: float, other: float, least: float = 0.0) -> None:
    """Print one row, judge it where it has a mark, and stop if the figures differ."""
    if abs(value - other) > 1e-9:
        raise SystemExit(f"{task}: {value} here, {other} there")
    kept = theirs >= least * ours
    told = f"{'kept' if kept else 'MISSED'}, at least {least:g} ×" if least else ""
    print(f"{task:34s} {ours:8.3f} s {theirs:8.3f} s {theirs / ours:7.1f} ×   {value:.6f}   {told}", flush=True)
    Marks.missed = Marks.missed or not kept


def against_sed_eval(files: int, outputs: np.ndarray, target: np.ndarray) -> None:
    """Segment-based and event-based figures at a threshold of 0.5."""
    from benchbed.metrics.families import sed_event, sed_segment
    from benchbed.metrics.sed.decision import Decision
    from benchbed.metrics.sed.flat import answers, flatten
    from benchbed.outputs.frames.recording import SECOND

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import sed_eval
    labels = [f"c{i}" for i in range(CLASSES)]
    found = Decision((0.5,)).events(list(outputs), CLASSES)
    flat = flatten(target, CLASSES), answers(found, Decision(), CLASSES)
    print(f"{len(flat[0])} reference events, {len(flat[1])} detections")
    lists = sed_eval_lists(
        files, tuple(np.column_stack([e.clip, e.onset / SECOND, e.offset / SECOND, e.label]) for e in flat)
    )
    rule = "sed_eval:zero_score"
    tasks: list[tuple[str, Any, Any]] = [
        (
            f"segments of {r:g} s",
            sed_segment.family(labels, resolution=r, rule=rule),
            sed_eval.sound_event.SegmentBasedMetrics(labels, r),
        )
        for r in (1.0, 0.1, 0.02)
    ] + [
        (
            f"events, {m} matching",
            sed_event.family(labels, matching=m, rule=rule),
            sed_eval.sound_event.EventBasedMetrics(labels, True, True, 0.2, 0.2, m),
        )
        for m in ("optimal", "greedy")
    ]
    for name, family, metric in tasks:
        sums, ours = timed(lambda f=family: f.values(f.statistics(found, target).sum(axis=0)))
        metric.empty_system_output_handling = "zero_score"
        started = time.process_time()
        for reference, output in lists:
            metric.evaluate(reference, output)
        results = metric.results()
        theirs = time.process_time() - started
        line(name, ours, theirs, float(sums["macro_f1"]), results["class_wise_average"]["f_measure"]["f_measure"], 50)


def against_sed_scores_eval(
    other: str, scores: np.ndarray, edges: np.ndarray, rows: np.ndarray, outputs: np.ndarray, target: np.ndarray
) -> None:
    """Figures over all thresholds."""
    from benchbed.metrics.families import psds, sed_auc, sed_best

    labels, one = tuple(f"c{i}" for i in range(CLASSES)), np.zeros(len(target), int)
    tasks: dict[str, tuple[Any, str]] = {
        "psds1": (psds.family(labels, scenarios=("psds1",)), "psds1"),
        "psds2": (psds.family(labels, scenarios=("psds2",)), "psds2"),
        "collar best": (sed_best.family(labels), "best_macro_f1"),
        "segment auc": (sed_auc.family(labels), "mauc"),
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "corpus.npz"
        np.savez(path, scores=scores, edges=edges, events=rows)
        ran = subprocess.run([other, "-c", OTHER, str(path)], stdout=subprocess.PIPE, text=True, check=True)
    theirs = json.loads(ran.stdout.splitlines()[-1])
    for name, (family, metric) in tasks.items():
        values, ours = timed(lambda f=family: f.sample(outputs, target, one, 1).scores(np.ones((1, 1)))[0])
        line(name, ours, theirs[name][1], float(values[metric][0]), theirs[name][0], 15 * name.startswith("psds"))


def against_before(before: Path, scores: np.ndarray, edges: np.ndarray, rows: np.ndarray, draws: int) -> None:
    """CPU seconds of bootstrap draws, now and with an earlier checkout; their figures must agree in every draw."""
    seconds, values = [], []
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "corpus.npz"
        np.savez(data, scores=scores, edges=edges, events=rows)
        for root in (Path(__file__).parents[2], before.resolve()):
            out = Path(folder) / f"{len(values)}.npz"
            ran = subprocess.run(
                [sys.executable, "-c", DRAWS, str(data), str(out), str(draws)],
                stdout=subprocess.PIPE,
                text=True,
                check=True,
                cwd=root,
            )
            told = json.loads(ran.stdout.splitlines()[-1])
            if not Path(told["from"]).is_relative_to(root):
                raise SystemExit(f"{told['from']} was measured, not {root}")
            seconds.append(told["seconds"])
            values.append(dict(np.load(out)))
    print(f"{draws} draws{'':24s} {'now':>10s} {'before':>10s} {'ratio':>9s}   largest difference")
    for name in seconds[0]:
        apart = max(
            float(np.nanmax(np.abs(values[0][key] - values[1][key]))) for key in values[0] if key.startswith(f"{name}/")
        )
        if apart > 1e-9:
            raise SystemExit(f"{name}: draws differ by {apart}")
        now, then = (side[name] for side in seconds)
        print(f"{name:34s} {now:8.3f} s {then:8.3f} s {then / now:7.1f} ×   {apart:.1e}", flush=True)


def cell(files: int = 50, draws: int = 1000, most: float = 0.3) -> None:
    """One cell with the seven families of `dcase_task4`, all intervals: at most 0.3 s."""
    from benchbed.metrics.cell import score_cell
    from benchbed.metrics.families import psds, sed_best, sed_event, sed_intersection, sed_segment
    from benchbed.metrics.joint import Joint
    from benchbed.stats.bootstrap import Bootstrap

    labels, one = tuple(f"c{i}" for i in range(CLASSES)), np.arange(files)
    outputs, target = recordings(*corpus(files))
    others = {
        "event": sed_event.family(labels),
        "intersection": sed_intersection.family(labels),
        "segment": sed_segment.family(labels),
        "event_tuned": sed_event.family(labels, threshold=0.4),
        "segment_tuned": sed_segment.family(labels, threshold=0.4),
        "collar": sed_best.family(labels),
    }
    families = Joint(psds.family(labels), others)

    def scored() -> Any:
        return score_cell(families, outputs, target, one, [], Bootstrap(files, draws, "bench_sed"))

    scored()  # what is imported and drawn once is no cell's time
    result, seconds = timed(scored)
    figures = [*result.metrics.values(), *(number for part in result.groups.values() for number in part.values())]
    kept = seconds <= most
    intervals = sum(number.low is not None for number in figures)
    told = f"{'kept' if kept else 'MISSED'}, at most {most:g} s"
    print(f"a cell of {files} files, 7 families, {draws} draws, {intervals} intervals: {seconds:.2f} s   {told}")
    Marks.missed = Marks.missed or not kept


def lists(clips: int = 1168) -> bool:
    """Lists of events from a file to figures, as many as DESED's validation set has, and one hour of them.

    Figures must agree with sed_eval's, CPU time be less than sed_eval's and under five seconds, and an hour-long
    recording with a thousand events take no more than 50 MiB.
    """
    import pandas as pd

    from benchbed.metrics.families import sed_event, sed_segment
    from benchbed.outputs.frames.foreign import answers_of, read_tables
    from benchbed.outputs.frames.listed import within

    random, names = np.random.default_rng(0), [f"c{i}" for i in range(CLASSES)]

    def written(folder: Path, side: str, files: int, events: int, seconds: float) -> Path:
        rows = ["filename\tonset\toffset\tevent_label"]
        for clip in np.sort(random.integers(0, files, events)):
            onset = random.uniform(0, seconds - 1)
            label = names[int(random.integers(CLASSES))]
            rows.append(f"r{clip}.wav\t{onset:.3f}\t{min(seconds, onset + random.uniform(0.2, 3)):.3f}\t{label}")
        (folder / f"{side}.tsv").write_text("\n".join(rows) + "\n")
        return folder / f"{side}.tsv"

    def read(file: Path, files: int, seconds: float) -> np.ndarray:
        table = pd.DataFrame({"clip_id": [f"mine/r{clip}.wav" for clip in range(files)]})
        found = answers_of(read_tables(file), table, names, missing="empty").answers
        found[:] = [within(one, seconds)[0] for one in found]
        return found

    def ours(files: tuple[Path, Path], clips: int, seconds: float) -> list[float]:
        target, outputs = (read(file, clips, seconds) for file in files)
        made = sed_event.family(names, matching="greedy", rule="sed_eval:zero_score"), sed_segment.family(names)
        return [float(f.values(f.statistics(outputs, target).sum(axis=0))["micro_f1"]) for f in made]

    def theirs(files: tuple[Path, Path]) -> list[float]:
        import dcase_util
        import sed_eval

        held = [dcase_util.containers.MetaDataContainer(filename=str(file)).load() for file in files]
        by_name: list[dict[str, list[Any]]] = [{}, {}]
        for side, items in zip(by_name, held):
            for item in items:
                side.setdefault(item.filename, []).append(item)
        event = sed_eval.sound_event.EventBasedMetrics(names, t_collar=0.2, percentage_of_length=0.2)
        segment = sed_eval.sound_event.SegmentBasedMetrics(names, 1.0)
        for name in by_name[0].keys() | by_name[1].keys():
            for metric in (event, segment):
                metric.evaluate(by_name[0].get(name, []), by_name[1].get(name, []))
        return [m.results_overall_metrics()["f_measure"]["f_measure"] for m in (event, segment)]

    def cpu(call: Callable[[], list[float]]) -> tuple[list[float], float]:
        started = time.process_time()
        return call(), time.process_time() - started

    with tempfile.TemporaryDirectory() as place, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        files = tuple(written(Path(place), side, clips, 4000, 10.0) for side in ("reference", "output"))
        ours(files, clips, 10.0)  # what is imported once is nobody's time
        theirs(files)
        mine, spent = cpu(lambda: ours(files, clips, 10.0))
        other, needed = cpu(lambda: theirs(files))
        line(f"lists of {clips} files, 4000 events", spent, needed, mine[0], other[0])
        hour = tuple(written(Path(place), f"hour-{side}", 1, 1000, 3600.0) for side in ("reference", "output"))
        tracemalloc.start()
        ours(hour, 1, 3600.0)
        peak = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
    print(f"a list of an hour with 1000 events: peak {peak:.0f} MiB", flush=True)
    agree = all(math.isclose(a, b, abs_tol=1e-9) for a, b in zip(mine, other))
    return agree and spent < min(5.0, needed) and peak <= 50


def memory(outputs: np.ndarray, target: np.ndarray) -> None:
    """Peak memory with more and more thresholds."""
    from benchbed.metrics.families import psds

    labels, one = tuple(f"c{i}" for i in range(CLASSES)), np.zeros(len(target), int)
    for thresholds in (10, 1000, 100_000, None):
        family = psds.family(labels, thresholds=thresholds)
        tracemalloc.start()
        family.sample(outputs, target, one, 1).scores(np.ones((1, 1)))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        print(f"PSDS1 and PSDS2, {thresholds or 'all'} thresholds: peak {peak / 2**20:.0f} MiB", flush=True)


def main() -> None:
    """Print seconds, ratios and memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--cell", action="store_true", help="measure the cell alone")
    parser.add_argument("--other", help="a Python with sed_scores_eval 0.0.4")
    parser.add_argument("--before", type=Path, help="a checkout of an earlier commit")
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--plant", type=float, default=0.0, metavar="SECONDS")
    chosen = parser.parse_args()
    Marks.plant = chosen.plant
    if chosen.cell:
        cell()
        sys.exit(1 if Marks.missed else 0)
    scores, edges, rows = corpus(chosen.files)
    outputs, target = recordings(scores, edges, rows)
    print(f"{chosen.files} files, {CLASSES} classes, frames of {1000 * HOP:g} ms")
    print(f"{'':34s} {'benchbed':>10s} {'other':>10s} {'ratio':>9s}   figure")
    against_sed_eval(chosen.files, outputs, target)
    if chosen.other:
        against_sed_scores_eval(chosen.other, scores, edges, rows, outputs, target)
    if chosen.before:
        against_before(chosen.before, scores, edges, rows, chosen.draws)
    cell()
    held = lists()
    memory(outputs, target)
    print(f"peak of the process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    if not held:
        sys.exit("lists of events are scored otherwise than by sed_eval, or too slowly, or in too much memory")
    sys.exit(1 if Marks.missed else 0 if chosen.other else 3)


if __name__ == "__main__":
    main()
