"""Recordings with sources, small enough to be counted by hand, and random ones; and the files of each year of them.

A row is frame, class, source, azimuth, elevation (degrees), distance (m), seen. Figures of the official scripts for
them stand in `seld_official.json`, made by `make_seld.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

Row = tuple[int, int, int, float, float, float, int]
YEARS = (2020, 2021, 2022, 2023, 2024, 2025)


@dataclass(frozen=True)
class Case:
    """References and outputs of some recordings; `classes` are those of the data set."""

    reference: dict[str, list[Row]]
    output: dict[str, list[Row]]
    classes: int = 2
    average: str = "micro"
    note: str = field(default="", compare=False)


def rows(
    frames: Iterable[int],
    label: int = 0,
    source: int = 0,
    azimuth: float = 10.0,
    elevation: float = 0.0,
    distance: float = 2.0,
    seen: int = 1,
    step: float = 0.0,
) -> list[Row]:
    """One source in the given frames, `step` degrees further in each."""
    frames = list(frames)
    return [(f, label, source, azimuth + step * (f - frames[0]), elevation, distance, seen) for f in frames]


def one(reference: list[Row], output: list[Row], **options: object) -> Case:
    """A case of one recording."""
    return Case({"a": reference}, {"a": output}, **options)  # type: ignore[arg-type]


def hand_cases() -> dict[str, Case]:
    """Cases that single out one rule or defect each."""
    second = range(11)
    apart = rows(second, source=0) + rows(second, source=1, azimuth=-60.0)
    swapped = sorted(apart, key=lambda row: (row[0], -row[2] if row[0] % 2 else row[2]))
    off = rows(second, source=0) + rows(second, source=1, azimuth=-25.0)
    made = {
        "perfect, two of thirteen classes": one(apart, apart, classes=13, average="macro"),
        "perfect, all classes": one(
            rows(second) + rows(second, label=1, azimuth=90.0), rows(second) + rows(second, label=1, azimuth=90.0)
        ),
        "empty output": one(apart, [], classes=3, average="macro"),
        "output missing": Case({"a": rows(second), "b": rows(second)}, {"a": rows(second)}),
        "nothing annotated": Case({"a": rows(second), "b": []}, {"a": rows(second), "b": rows(range(5))}),
        "only the last frame of 25": one(rows(range(25)), rows([24])),
        "only the last frame of 31": one(rows(range(31)), rows([30])),
        "another class after the end, in its second": one(
            rows(range(25)), rows(range(25)) + rows(range(26, 30), label=1)
        ),
        "another class in a later second": one(rows(range(25)), rows(range(25)) + rows(range(30, 40), label=1)),
        "one frame": one(rows([0]), rows([0])),
        "two sources, each 12 degrees off": one(
            apart, rows(second, azimuth=22.0) + rows(second, source=1, azimuth=-72.0)
        ),
        "two sources, one 35 degrees off": one(apart, off),
        "the same with rows in another order": one(swapped, off),
        "every row twice": one(rows(second), rows(second) * 2),
        "one row twice": one(rows(second), rows(second) + rows([3])),
        "a source too many": one(rows(second), rows(second) + rows(second, azimuth=150.0)),
        "a source too few": one(apart, rows(second)),
        "never in the same frame, two for one": one(
            rows(range(0, 5)) + rows(range(0, 5), source=1, azimuth=-60.0), rows(range(5, 10)) + rows([11], label=1)
        ),
        "never in the same frame, one for two": one(
            rows(range(0, 5)) + rows([11], label=1),
            rows(range(5, 10)) + rows(range(5, 10), source=1, azimuth=-60.0) + rows([11], label=1),
        ),
        "a miss behind a false output": one(
            rows(range(0, 5)) + rows(range(5, 10), source=1, azimuth=-60.0) + rows([11], label=1),
            rows(range(0, 4)) + rows([11], label=1),
        ),
        "one source after the other": one(
            rows(range(0, 5)) + rows(range(5, 11), source=1, azimuth=-60.0),
            rows(range(0, 5)) + rows(range(5, 11), azimuth=-60.0),
        ),
        "a source that moves 4 degrees a frame": one(rows(second, azimuth=0.0, step=4.0), rows(second, azimuth=0.0)),
        "across the back": one(rows(second, azimuth=179.0), rows(second, azimuth=-179.0)),
        "front for back": one(rows(second), rows(second, azimuth=170.0)),
        "straight up": one(rows(second, elevation=90.0), rows(second, azimuth=130.0, elevation=90.0)),
        "20 degrees of elevation": one(rows(second), rows(second, elevation=20.0)),
        "seen or not, half wrong": one(rows(second), rows(range(5), seen=0) + rows(range(5, 11))),
        "a class for another": one(rows(second), rows(second, label=1)),
        "a class never matched": one(rows(second), rows(second, label=1), classes=3, average="macro"),
        "a class missed": one(rows(second) + rows(second, label=1, azimuth=90.0), rows(second), average="macro"),
        "twelve sources of a class": one(
            rows(second), [row for source in range(12) for row in rows(second, source=source, azimuth=10.0 * source)]
        ),
        "two at the same place": one(
            rows(second, distance=1.0), rows(second, distance=3.0) + rows(second, source=1, distance=1.0)
        ),
    }
    for degrees in (19.999, 20.0, 20.001):
        made[f"{degrees:g} degrees"] = one(rows(second, azimuth=0.0), rows(second, azimuth=degrees))
    for metres in (0.0, 0.5, 1.0, 4.0, 4.01):
        made[f"{metres:g} m for 2 m"] = one(rows(second), rows(second, distance=metres))
    return made


def random_cases(count: int = 6) -> dict[str, Case]:
    """Random folders of three recordings, with sources that cross and answers with rows in any order."""
    generator = np.random.default_rng(14)
    made = {}
    for i in range(count):
        references = {name: _reference(generator) for name in "abc"}
        outputs = {name: _answer(generator, held) for name, held in references.items()}
        made[f"random {i}"] = Case(references, outputs, 13, "macro" if i % 2 else "micro")
    return made


def _reference(generator: np.random.Generator) -> list[Row]:
    made: list[Row] = []
    for source in range(int(generator.integers(3, 7))):
        start, length = int(generator.integers(0, 40)), int(generator.integers(3, 25))
        azimuth, step = float(generator.integers(-180, 181)), int(generator.integers(-5, 6))
        label, elevation = int(generator.integers(0, 4)), float(generator.integers(-50, 51))
        distance, seen = int(generator.integers(50, 500)) / 100, int(generator.integers(0, 2))
        for k in range(length):
            turned = (azimuth + step * k + 180) % 360 - 180
            made.append((start + k, label, source % 3, turned, elevation, distance, seen))
    return made


def _answer(generator: np.random.Generator, reference: list[Row]) -> list[Row]:
    made: list[Row] = []
    for frame, label, source, azimuth, elevation, distance, seen in reference:
        if generator.random() < 0.15:
            continue
        label = int(generator.integers(0, 5)) if generator.random() < 0.1 else label
        azimuth = float(round((azimuth + 12 * generator.standard_normal() + 180) % 360 - 180))
        elevation = float(np.clip(round(elevation + 6 * generator.standard_normal()), -90, 90))
        distance = round(distance * float(np.exp(0.4 * generator.standard_normal())), 2)
        made.append((frame, label, source * int(generator.random() < 0.7), azimuth, elevation, distance, seen))
    generator.shuffle(made)
    return [(*row[:3], float(row[3]), float(row[4]), float(row[5]), int(row[6])) for row in made]


def cases() -> dict[str, Case]:
    """All of them."""
    return {**hand_cases(), **random_cases()}


def lines(held: list[Row], form: str) -> list[str]:
    """Rows of a file in a form; distances in metres unless the form says cm."""
    made = ["frame,class,source,azimuth,distance,onscreen"] if form == "stereo cm" else []
    for frame, label, source, azimuth, elevation, distance, seen in held:
        a, e = np.radians(azimuth), np.radians(elevation)
        x, y, z = (float(v) for v in (np.cos(a) * np.cos(e), np.sin(a) * np.cos(e), np.sin(e)))
        cm = round(distance * 100)
        made.append(
            {
                "polar-4": f"{frame},{label},{azimuth},{elevation}",
                "polar-5": f"{frame},{label},{source},{azimuth},{elevation}",
                "polar-6 cm": f"{frame},{label},{source},{azimuth},{elevation},{cm}",
                "polar-6 m": f"{frame},{label},{source},{azimuth},{elevation},{distance}",
                "cartesian-6": f"{frame},{label},{source},{x!r},{y!r},{z!r}",
                "cartesian-7": f"{frame},{label},{source},{x!r},{y!r},{z!r},{distance}",
                "stereo cm": f"{frame},{label},{source},{azimuth},{cm},{seen}",
                "stereo cm, no header": f"{frame},{label},{source},{azimuth},{cm},{seen}",
            }[form]
        )
    return made


#: Form of references and of outputs in each year.
FORMS = {
    2020: ("polar-5", "cartesian-6"),
    2021: ("polar-5", "cartesian-6"),
    2022: ("polar-5", "cartesian-6"),
    2023: ("polar-6 cm", "cartesian-7"),
    2024: ("polar-6 cm", "polar-6 m"),
    2025: ("stereo cm", "stereo cm"),
}

#: Forms in which outputs are given to the script of each year, right or wrong.
ALL_FORMS = (
    "polar-4",
    "polar-5",
    "polar-6 cm",
    "polar-6 m",
    "cartesian-6",
    "cartesian-7",
    "stereo cm",
    "stereo cm, no header",
)

#: The recording that they are tried on.
FORM_ROWS = rows(range(12), azimuth=30.0, elevation=10.0) + rows(range(12), label=1, azimuth=-70.0, elevation=-20.0)


def write(folder: Path, held: dict[str, list[Row]], form: str) -> None:
    """One file for each recording."""
    folder.mkdir()
    for name, rows_ in held.items():
        (folder / f"{name}.csv").write_text("".join(f"{line}\n" for line in lines(rows_, form)))
