"""Records of scene runs written by hand, for tests of what picks and shows figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchbed.results.record import (
    Cell,
    Check,
    Condition,
    Counts,
    Matrix,
    Provenance,
    RecordedDataset,
    RecordedModel,
    RecordedSuite,
    Result,
    Value,
)

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
    groups["devices_mean=seen"] = {"macro_accuracy": figure(3.725 / 6, n=666)}
    groups["devices_mean=unseen"] = {"macro_accuracy": figure(1.43 / 3, n=333)}
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


#: Models of the boards below: family, and accuracy on clean audio.
MODELS = {"alpha": ("cnn", 0.6), "beta": ("transformer", 0.7), "gamma": ("cnn", 0.5)}


def many_models(number: int) -> dict[str, tuple[str, float]]:
    """Models with long names in three families, some with the very same figures."""
    families = ("cnn", "transformer", "crnn")
    made = {}
    for place in range(number):
        name = f"{families[place % 3]}-of-the-{place:03d}th-run-with-augmentation-and-a-long-name"
        made[name] = (families[place % 3], 0.3 + 0.5 * (place * 0.6180339887 % 1.0) ** 2 if place % 7 else 0.5)
    return made


def clean_runs(models: Mapping[str, tuple[str, float]] = MODELS) -> list[Result]:
    """Three models of two families on clean audio."""
    return [make_result(name, value, model__family=family) for name, (family, value) in models.items()]


def corrupted_runs(models: Mapping[str, tuple[str, float]] = MODELS) -> list[Result]:
    """The same in seven corruptions; the mean over them is made to run against the figure on clean audio."""
    runs = []
    for name, (family, value) in models.items():
        about = {"suite__name": "robustness_asc", "suite__title": "Robustness", "suite__hash": "r"}
        record = make_result(name, value, model__family=family, conditions=True, **about)
        record.scores["robustness:corruption_mean"] = figure(1 - value, title="Macro accuracy", scope="mean")
        record.scores["robustness:group/noise"] = figure(value - 0.2)
        for corruption in ("white_noise", "babble", "mp3"):
            record.scores[f"robustness:mean/{corruption}"] = figure(value - 0.1)
        record.cells = [cell for cell in record.cells if cell.condition.kind != "attack"]
        for cell in record.cells:
            cell.complete = True
        runs.append(record)
    return runs


def attacked_runs(models: Mapping[str, tuple[str, float]] = MODELS) -> list[Result]:
    """The same under one attack at three budgets."""
    runs = []
    for name, (family, value) in models.items():
        about = {"suite__name": "adversarial_asc", "suite__title": "Under attack", "suite__hash": "a"}
        record = make_result(name, value, model__family=family, **about)
        clean = record.cells[0]
        for budget in (60, 40, 20):
            what = Condition(kind="attack", name="standard", parameter=budget, unit="dB SNR, whole clip")
            metrics = {
                **clean.metrics,
                "robust_accuracy": figure(value * budget / 80),
                "noise_accuracy": figure(value * budget / 62),
                "clean_accuracy": figure(value),
            }
            update = {"key": f"scene/test/standard@l2:{budget}dB", "condition": what, "metrics": metrics, "groups": {}}
            record.cells.append(clean.model_copy(update=update))
            record.scores[f"adversarial:robust_accuracy/standard@l2:{budget}dB"] = metrics["robust_accuracy"]
        runs.append(record)
    return runs
