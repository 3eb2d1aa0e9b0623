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
from made_records import figure, make_result

from benchbed.report.drawings import KeptDrawings
from benchbed.results.curves import Curves
from benchbed.results.record import Cell, Condition, Counts, Failure, Matrix, Result
from benchbed.results.timelines import Timelines


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
        if options.get("java_script_enabled", True) and page.locator("#folded").count():
            page.wait_for_selector("html[data-unfolded]", state="attached")  # what travels packed is part of the page
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
