"""Small trees in the official layouts, written by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
import soundfile

Sound = Callable[..., Path]


def write_sound(path: Path, seed: int = 0, seconds: float = 0.05, rate: int = 8000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).standard_normal(int(seconds * rate)) * 0.1
    soundfile.write(path, noise, rate)
    return path


def write_rows(path: Path, rows: Iterable[Iterable[object]], separator: str = ",") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(separator.join(map(str, row)) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def sound() -> Sound:
    """Writes a short noise."""
    return write_sound


@pytest.fixture
def rows() -> Callable[..., Path]:
    """Writes a table."""
    return write_rows


@pytest.fixture
def tau(tmp_path: Path) -> Path:
    """TAU 2022 in miniature: 2 scenes, 3 locations; s4 only in the test split and once unused."""
    root = tmp_path / "tau"
    clips = [
        ("airport", "lisbon-1000", 40000, 0, "a"),
        ("airport", "lisbon-1000", 40000, 1, "a"),
        ("airport", "lisbon-1000", 40000, 0, "s1"),
        ("park", "paris-77", 512, 0, "a"),
        ("park", "paris-77", 512, 0, "s4"),
        ("airport", "barcelona-203", 6129, 0, "a"),
        ("airport", "barcelona-203", 6129, 0, "s4"),
        ("park", "vienna-5", 9, 3, "s1"),
        ("park", "vienna-5", 9, 3, "s10"),
    ]
    meta = []
    for number, (scene, place, segment, cut, device) in enumerate(clips):
        name = f"audio/{scene}-{place}-{segment}-{cut}-{device}.wav"
        write_sound(root / name, number)
        meta.append((name, scene, place, device))
    write_rows(root / "meta.csv", [("filename", "scene_label", "identifier", "source_label"), *meta], "\t")
    header = ("filename", "scene_label")
    write_rows(root / "evaluation_setup/fold1_train.csv", [header, *[m[:2] for m in meta[:4]]], "\t")
    write_rows(root / "evaluation_setup/fold1_evaluate.csv", [header, *[m[:2] for m in meta[5:]]], "\t")
    write_rows(root / "evaluation_setup/fold1_test.csv", [header[:1], *[m[:1] for m in meta[5:]]], "\t")
    return root


@pytest.fixture
def esc(tmp_path: Path) -> Path:
    """ESC-50 in miniature: 5 folds, of each one dog (ESC-10), one pig (not in it)."""
    root = tmp_path / "ESC-50-master"
    table: list[tuple] = [("filename", "fold", "target", "category", "esc10", "src_file", "take")]
    for fold in range(1, 6):
        for target, category, ten in ((0, "dog", True), (2, "pig", False)):
            source = 1000 * fold + target
            name = f"{fold}-{source}-A-{target}.wav"
            write_sound(root / "audio" / name, source)
            table.append((name, fold, target, category, ten, source, "A"))
    write_rows(root / "meta/esc50.csv", table)
    return root
