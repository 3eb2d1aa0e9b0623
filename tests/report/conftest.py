"""Records written by hand, and a browser, for the tests of the report room."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchbed.report.drawings import KeptDrawings
from benchbed.results.curves import Curves
from benchbed.results.record import (
    Cell,
    Check,
    Condition,
    Counts,
    Failure,
    Matrix,
    Provenance,
    RecordedDataset,
    RecordedModel,
    RecordedSuite,
    Result,
    Value,
)
from benchbed.results.timelines import Timelines

SCENES = [
    "airport",
    "bus",
    "metro",
    "metro_station",
    "park",
    "public_square",
    "shopping_mall",
    "street",
    "traffic",
    "tram",
]
DEVICES = {"a": 0.71, "b": 0.62, "c": 0.64, "s1": 0.58, "s2": 0.575, "s3": 0.6, "s4": 0.51, "s5": 0.49, "s6": 0.43}


def figure(value: float | None, width: float = 0.03, **fields: Any) -> Value:
    """A fraction with a symmetric interval."""
    bounds = {} if value is None else {"low": max(0, value - width), "high": min(1, value + width)}
    defaults: dict[str, Any] = {
        "n": 1000,
        "direction": "higher",
        "unit": "fraction",
        "rule": "macro_accuracy:fixed-labels",
        "interval": "bootstrap percentile 95 %, 100 groups, 1000 draws",
    }
    return Value(value=value, **(defaults | bounds | fields))


def make_result(
    name: str = "PaSST tiny", accuracy: float = 0.573, *, conditions: bool = False, **changes: Any
) -> Result:
    """A complete record of a scene run; `changes` are `part__field=value`."""
    loss = Value(value=1.234, low=1.18, high=1.29, n=1000, direction="lower", unit="nats", rule="log_loss:eps1e-15")
    metrics = {
        "macro_accuracy": figure(accuracy),
        "accuracy": figure(accuracy + 0.004, rule="accuracy:1"),
        "log_loss": loss,
        "ece": Value(
            value=0.061, n=1000, direction="lower", unit="fraction", rule="ece:15", reason="no interval asked"
        ),
        "top3_accuracy": figure(0.83, 0.02, rule="top3:1"),
    }
    groups = {
        f"device={key}": {"macro_accuracy": figure(v, 0.05, n=111), "log_loss": loss} for key, v in DEVICES.items()
    }
    groups["devices=seen"] = {"macro_accuracy": figure(0.62, n=667)}
    groups["devices=unseen"] = {"macro_accuracy": figure(0.477, n=333)}
    groups["devices_mean=seen"] = {"macro_accuracy": figure(0.621, n=667)}
    groups["devices_mean=unseen"] = {"macro_accuracy": figure(0.4767, n=333)}
    groups["devices_gap=seen-unseen"] = {"macro_accuracy": figure(0.143, direction="lower", rule="gap:pooled")}
    worst = figure(0.43, 0.05, n=111, note="device s6; interval of that device, not of the choice")
    groups["devices_worst=all"] = {"macro_accuracy": worst}
    groups["devices_std=all"] = {"macro_accuracy": figure(0.079, 0, low=None, high=None, reason="resampling inflates")}
    for index, scene in enumerate(SCENES):
        groups[f"class={scene}"] = {"accuracy": figure(0.3 + 0.06 * index, 0.07, n=100), "log_loss": loss}
    confusion = [[60 if row == column else (row * 3 + column * 5) % 9 for column in range(10)] for row in range(10)]
    matrices = {
        "confusion": Matrix(
            rows=SCENES, columns=SCENES, values=confusion, row_title="reference", column_title="output", unit="clips"
        ),
        "scene_device": Matrix(
            rows=SCENES,
            columns=list(DEVICES),
            values=[[min(1, v + (i % 5 - 2) / 12) for v in DEVICES.values()] for i in range(10)],
            row_title="scene",
            column_title="device",
            unit="fraction",
        ),
        "reliability": Matrix(
            rows=[f"{i / 10:.1f}–{(i + 1) / 10:.1f}" for i in range(10)],
            columns=["confidence", "accuracy", "clips"],
            values=[[None, None, 0]] + [[i / 10 + 0.05, max(0, i / 10 - 0.03), 40 + 20 * i] for i in range(1, 10)],
            row_title="bin",
            column_title="figure",
            unit="",
        ),
    }
    cells = [
        Cell(
            key="scene/test/clean",
            task="scene",
            split="test",
            condition=Condition(kind="clean", name="clean"),
            counts=Counts(clips=1000, scored=1000, resampled=1000),
            metrics=metrics,
            groups=groups,
            matrices=matrices,
        )
    ]
    if conditions:
        cells += _perturbed(accuracy)
    parts: dict[str, dict[str, Any]] = {
        "suite": {
            "name": "dcase_task1",
            "title": "DCASE Task 1",
            "version": "2024",
            "hash": "b2:5117e",
            "protocol": "1",
            "definition": {"name": "dcase_task1", "metrics": ["macro_accuracy"]},
        },
        "model": {
            "name": name,
            "family": "transformer",
            "adapter": "adapters/passt.py",
            "adapter_hash": "b2:adad",
            "weights": {"passt_tiny.safetensors": "sha256:" + "ab" * 32},
            "options": {"arch": "tiny", "patchout": 0},
            "output": "scene",
            "sample_rate": 32000,
            "labels": SCENES,
            "trained_on": ["tau2022-synthetic"],
            "licence": "Apache-2.0",
        },
        "dataset": {
            "name": "tau2022-synthetic",
            "layout": "tau2022",
            "synthetic": True,
            "version": "1",
            "index_hash": "b2:1dea",
            "labels": SCENES,
            "clips": 1000,
            "groups": 100,
            "seconds": 1000.0,
        },
        "provenance": {
            "created": "2026-11-21T12:00:00Z",
            "command": "benchbed run suites/dcase_task1.yaml --model adapters/passt.py",
            "versions": {"benchbed": "0.1.0", "python": "3.11.7", "torch": "2.8.0", "numpy": "2.3.1"},
            "machine": {"cpu": "x86_64", "cores": 2, "memory_gb": 8, "os": "Linux"},
            "seed": 0,
            "device": "cpu",
            "batch_size": 32,
            "threads": 1,
            "workers": 2,
            "reuse": "missing",
            "units": 12,
            "evaluations": 1000,
            "code": "b2:c0de",
            "cpu_seconds": 58.9,
        },
    }
    rest: dict[str, Any] = {
        "checks": [
            Check(name="finite outputs", status="pass", message="All outputs are finite."),
            Check(name="clean agreement", status="warn", message="forward and predict differ by 2e-4."),
            Check(name="energy", status="skipped", message="No meter on this machine."),
        ],
        "profile": {
            "parameters": {"value": 58764, "unit": "parameters", "method": "sum over parameters()"},
            "macs": {"value": 29_419_156, "unit": "MACs", "method": "analytic count, one clip of 1 s"},
            "memory": {"parameters": {"value": 117528, "unit": "bytes", "method": "16 bit"}},
            "energy": {"reason": "no meter, and the run reused predictions"},
        },
        "scores": {
            "baseline_majority:macro_accuracy": figure(
                0.1,
                0,
                low=None,
                high=None,
                reason="computed, not measured",
                title="Macro accuracy",
                scope="majority baseline",
            ),
            "dcase2025:memory": Value(value=117528, n=0, direction="lower", unit="bytes", rule="dcase2025:memory"),
            "device_gap": figure(0.143, 0.04, direction="lower", rule="gap:pooled"),
        },
        "primary": "macro_accuracy",
        "failures": [],
    }
    for key, value in changes.items():
        part, _, inner = key.partition("__")
        if inner:
            parts[part][inner] = value
        elif part == "cells":
            cells = value
        else:
            rest[part] = value
    return Result(
        suite=RecordedSuite(**parts["suite"]),
        model=RecordedModel(**parts["model"]),
        dataset=RecordedDataset(**parts["dataset"]),
        provenance=Provenance(**parts["provenance"]),
        cells=cells,
        **rest,
    )


def _perturbed(accuracy: float) -> list[Cell]:
    families = {
        "white_noise": ("noise", "dB SNR", [20, 15, 10, 5, 0], 0.9),
        "babble": ("noise", "dB SNR", [20, 15, 10, 5, 0], 0.95),
        "hum": ("noise", "dB SNR", [20, 15, 10, 5, 0], 0.98),
        "small_room": ("room", "s T60", [0.2, 0.4, 0.6, 0.9, 1.3], 0.93),
        "mp3": ("codec", "kbit/s", [128, 96, 64, 48, 32], 0.97),
        "opus": ("codec", "kbit/s", [64, 32, 24, 16, 8], 0.96),
        "clipping": ("level", "share", [0.01, 0.03, 0.1, 0.2, 0.3], 0.88),
    }
    cells = []
    for name, (group, unit, parameters, keep) in families.items():
        for severity, parameter in enumerate(parameters, 1):
            cells.append(_cell("corruption", name, severity, parameter, unit, group, accuracy * keep**severity))
    for severity, parameter in enumerate([60, 50, 40, 30, 20], 1):
        cells.append(_cell("attack", "apgd", severity, parameter, "dB SNR", None, accuracy * 0.5**severity))
    return cells


def _cell(kind: Any, name: str, severity: int, parameter: float, unit: str, group: str | None, value: float) -> Cell:
    return Cell(
        key=f"scene/test/{name}@{severity}",
        task="scene",
        split="test",
        condition=Condition(
            kind=kind,
            name=name,
            severity=severity,
            parameter=parameter,
            unit=unit,
            group=group,
            achieved={"min": parameter - 0.4, "median": parameter, "max": parameter + 0.3, "mean": parameter},
            seen_in_training=name == "babble",
        ),
        counts=Counts(clips=1000, scored=990 if name == "mp3" else 1000, failed=10 if name == "mp3" else 0),
        metrics={"macro_accuracy": figure(value)},
        complete=name != "mp3",
    )


@pytest.fixture(scope="session")
def result() -> Callable[..., Result]:
    """The builder of records."""
    return make_result


@pytest.fixture(scope="session")
def failure() -> Callable[..., list[Failure]]:
    """A builder of failures."""

    def build(n: int, message: str = "file ends early") -> list[Failure]:
        return [Failure(clip_id=f"audio/clip{i}.wav", cell="*", stage="decode", message=message) for i in range(n)]

    return build


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A real browser; the test is skipped where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not program:
        pytest.skip("no chromium on this machine")
    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
    with api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu", *quiet])
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Open a page; the test fails afterwards if the page complained or asked for anything but itself."""
    contexts, noise = [], []

    def open_page(address: str, **options: Any) -> Any:
        context = chromium.new_context(**({"viewport": {"width": 1280, "height": 900}} | options))
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: noise.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: noise.append(f"error: {error}"))
        page.on("request", lambda request: request.is_navigation_request() or noise.append(f"request: {request.url}"))
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [line for line in noise if not line.startswith("request: data:")] == []


AXE = "axe-core@4.14.1"
AXE_SHA256 = "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745"


@pytest.fixture(scope="session")
def axe() -> str:
    """The accessibility checker's script, from npm's registry once and then from a temporary cache."""
    cache = Path(tempfile.gettempdir()) / "benchbed-axe"
    archive = cache / f"{AXE.replace('@', '-')}.tgz"
    if not archive.exists():
        if not shutil.which("npm"):
            pytest.skip("no npm to get axe-core with")
        cache.mkdir(parents=True, exist_ok=True)
        command = ["npm", "pack", AXE, "--silent", "--pack-destination", str(cache)]
        try:
            done = subprocess.run(command, capture_output=True, timeout=60, cwd=cache)
        except subprocess.TimeoutExpired:
            pytest.skip("npm did not answer in a minute")
        if done.returncode or not archive.exists():
            pytest.skip("axe-core cannot be got from npm here")
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == AXE_SHA256
    with tarfile.open(archive) as held:
        script = held.extractfile("package/axe.min.js")
        assert script is not None
        return script.read().decode("utf-8")


CLASSES = ("Dog", "Running_water", "Speech")


@pytest.fixture(scope="session")
def detector() -> Callable[..., Result]:
    """The builder of records of a detector of three classes."""
    return make_detector


@pytest.fixture(scope="session")
def drawn() -> Callable[..., KeptDrawings]:
    """The builder of what such a run kept for its page."""
    return make_drawn


def make_detector(name: str = "CRNN small", **changes: Any) -> Result:
    """A record of a run of frames, with a PSD-ROC as its table."""
    scores = {"Dog": (0.5, 0.6), "Running_water": (0.25, None), "Speech": (0.75, 0.8)}
    groups = {
        f"class={label}": {
            "psds1": figure(area, 0.1, rule="psds:exact:alpha_st-1", title="PSDS1"),
            "event_f1": figure(f1, 0.08, rule="f1", title="Event F1", reason="no events" if f1 is None else None),
            "event_error_rate": figure(1 - area, rule="er", direction="lower", unit="errors per reference"),
        }
        for label, (area, f1) in scores.items()
    }
    table = Matrix(
        rows=["0", "50", "100"],
        columns=["all", *scores],
        values=[[0.2, 0.5, 0.0, 0.5], [0.4, 0.5, 0.5, 1.0], [0.4, 0.5, 0.5, 1.0]],
        row_title="effective false positives per hour",
        column_title="class",
        unit="true-positive ratio",
    )
    cell = Cell(
        key="frames/validation/clean",
        task="frames",
        split="validation",
        condition=Condition(kind="clean", name="clean"),
        counts=Counts(clips=80, scored=80),
        metrics={
            "psds1": figure(0.3, 0.1, rule="psds:exact:alpha_st-1", title="PSDS1"),
            "event_macro_f1": figure(0.7, 0.05),
        },
        groups=groups,
        matrices={"psds1_roc": table},
    )
    given = {
        "suite__name": "dcase_task4",
        "suite__title": "DCASE Task 4",
        "model__output": "frames",
        "dataset__labels": list(CLASSES),
        "primary": "psds1",
        "scores": {},
    }
    return make_result(name, **(given | {"cells": [cell]} | changes))


def make_drawn(clip_id: str = "audio/a.wav", labels: tuple[str, ...] = CLASSES) -> KeptDrawings:
    """Two timelines, a PSD-ROC and the threshold curves of events, of the same three classes."""
    line = [round(100 * i / 99) for i in range(100)]
    stretch = {"onset": 2.0, "offset": 4.0}
    wrong = {"onset": 5.0, "offset": 6.0, "lost": [(5.0, 6.0)]}
    part = {"onset": 7.0, "offset": 9.0, "lost": [(8.0, 9.0)]}
    dog = {"label": labels[0], "reference": [stretch, wrong], "output": [stretch], "missed": 1, "threshold": 0.5}
    water = {"label": labels[1], "reference": [], "output": [wrong, part], "false": 2, "threshold": 0.25}
    recordings = [
        {
            "clip_id": clip_id,
            "why": "worst",
            "f1": 1 / 3,
            "seconds": 10,
            "start": 0,
            "stop": 10,
            "tracks": [dog | {"scores": line}, water | {"scores": line}],
        },
        {
            "clip_id": "audio/long.wav",
            "why": "typical",
            "f1": 1,
            "seconds": 400,
            "start": 200,
            "stop": 320,
            "left_out": 2,
            "tracks": [{"label": labels[2], "reference": [{"onset": 215, "offset": 220}]}],
        },
    ]
    told = {
        "cell": "frames/validation/clean",
        "rule": "micro_f1:benchbed",
        "per": "event",
        "recordings": 74,
        "median_f1": 2 / 3,
        "timelines": recordings,
    }
    grid = [0.0, 0.25, 0.5, 0.75, 1.0]
    curve = {
        "references": 12,
        "f1": [0.1, 0.5, 0.6, 0.7, 0.0],
        "precision": [0.1, 0.5, 0.7, 1.0, None],
        "recall": [1.0, 0.8, 0.6, 0.5, 0.0],
        "best_threshold": 0.75,
        "best_f1": 0.7,
    }
    at = [{"threshold": 0.5, "f1": 0.6, "precision": 0.7, "recall": 0.6}]
    declared = [{"prefix": "event_", "rule": "macro_f1:benchbed", "own": False}]
    sweep = {
        "what": "events",
        "declared": declared,
        "thresholds": grid,
        "left_out": 0,
        "lines": [{"name": name, "at": at, **curve} for name in ("macro", "micro", *labels)],
    }
    lines = [
        ("all", 0.3, [0.0, 50.0], [0.2, 0.4]),
        (labels[0], 0.5, [0.0], [0.5]),
        (labels[1], 0.25, [50.0], [0.5]),
        (labels[2], 0.75, [0.0, 50.0], [0.5, 1.0]),
    ]
    roc = {
        "metric": "psds1",
        "rule": "psds:exact:alpha_st-1",
        "max_rate": 100,
        "alpha_st": 1,
        "lines": [dict(zip(("name", "area", "rates", "ratios"), row)) for row in lines],
    }
    kept = {"cell": "frames/validation/clean", "rocs": [roc], "thresholds": [sweep]}
    return KeptDrawings(
        Timelines.model_validate({"format": 1, "cells": [told]}), Curves.model_validate({"format": 1, "cells": [kept]})
    )
