"""Channels that face elsewhere than their annotations say: suspected where they were swapped, mirrored or scaled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchbed.data import LAYOUTS
from benchbed.data.check import check
from benchbed.data.facing import ORDERS, LoneSources, doubts, heard, listened
from benchbed.data.synthesis.spatial import RATE, direction, encoded
from benchbed.rng import stream

FUMA = [0, 3, 1, 2]


def recording(number: int) -> tuple[np.ndarray, list[tuple[int, int, float, float]]]:
    """A recording of eight seconds with six bursts from anywhere, in a diffuse field 15 dB below them."""
    random = stream("facing", number)
    wave = 0.02 * np.diag([1.0, 3**-0.5, 3**-0.5, 3**-0.5]) @ random.standard_normal((4, 8 * RATE))
    rows = []
    for event in range(6):
        azimuth, elevation = float(random.integers(-180, 180)), float(random.integers(-60, 60))
        start = 2 + 13 * event
        sound = 0.1 * random.standard_normal(10 * RATE // 10)
        wave[:, start * RATE // 10 : (start + 10) * RATE // 10] += encoded(direction(azimuth, elevation)[None]) * sound
        rows.append((start, event, azimuth, elevation))
    return wave, rows


def told(wave: np.ndarray, rows: list[tuple[int, int, float, float]]) -> LoneSources:
    frame = np.concatenate([start + np.arange(10) for start, *_ in rows])
    event = np.repeat([number for _, number, *_ in rows], 10)
    vectors = np.repeat([direction(a, e) for *_, a, e in rows], 10, axis=0)
    return heard(wave, RATE, frame, event, vectors)


@pytest.fixture(scope="module")
def made() -> list[tuple[np.ndarray, list]]:
    return [recording(number) for number in range(6)]


def test_sound_channels_are_not_suspected(made: list):
    said = [told(*one) for one in made]
    assert doubts(said) == [] and doubts([]) == [] and doubts(said[:1]) == []
    fits = np.concatenate([one.fits for one in said])
    assert fits.shape == (36, 48) and fits[:, 0].min() > 0.8
    assert ORDERS[0] == ((1, 2, 0), (1, 1, 1)) and len(set(ORDERS)) == 48
    # The power of the three is that of W, of a plane wave and of a diffuse field.
    assert [one.ratio for one in said] == pytest.approx([1.0] * 6, abs=0.1)


@pytest.mark.parametrize(
    "order, words",
    [
        (FUMA, "W, X, Y, Z, the order of FuMa"),
        ([0, 3, 2, 1], "W, X, Z, Y"),
        ([0, 1, 3, 2], "W, Y, X, Z"),
    ],
)
def test_channels_in_another_order_are_named(made: list, order: list[int], words: str):
    ((code, what),) = doubts([told(wave[order], rows) for wave, rows in made])
    assert (code == "channel_order" and f"{words}, and not W, Y, Z, X" in what) or words in what


@pytest.mark.parametrize("channel, axis", [(1, "−Y"), (2, "−Z"), (3, "−X")])
def test_mirrored_channels_are_named(made: list, channel: int, axis: str):
    signs = np.ones((4, 1))
    signs[channel] = -1
    ((code, what),) = doubts([told(signs * wave, rows) for wave, rows in made])
    assert code == "channel_order" and axis in what


@pytest.mark.parametrize("scale, name", [([0.5**0.5, 1, 1, 1], "FuMa"), ([1, 3**0.5, 3**0.5, 3**0.5], "N3D")])
def test_other_scalings_are_named(made: list, scale: list[float], name: str):
    ((code, what),) = doubts([told(np.array(scale)[:, None] * wave, rows) for wave, rows in made])
    assert code == "channel_scaling" and name in what


def test_sound_of_other_annotations_is_suspected():
    ones = [recording(number) for number in range(12)]
    ((code, what),) = doubts([told(wave, ones[i - 1][1]) for i, (wave, _) in enumerate(ones)])
    assert code == "channel_order" and "in any order" in what


def test_frames_with_two_sources_and_silence_say_nothing(made: list):
    wave, rows = made[0]
    twice = told(wave, rows + rows)
    assert not len(twice.fits) and not np.isfinite(twice.ratio)
    silent = told(0 * wave, rows)
    assert not len(silent.fits) and doubts([silent] * 20) == []


def written(root: Path, made: list, order: list[int]) -> Path:
    for folder in ("metadata_dev/dev-test-tau", "foa_dev/dev-test-tau"):
        (root / folder).mkdir(parents=True)
    for number, (wave, rows) in enumerate(made):
        name = f"fold4_room1_mix{number:03}"
        soundfile.write(root / "foa_dev/dev-test-tau" / f"{name}.wav", wave[order].T, RATE, subtype="FLOAT")
        lines = [
            f"{frame},{event % 13},0,{azimuth:g},{elevation:g},150"
            for start, event, azimuth, elevation in rows
            for frame in range(start, start + 10)
        ]
        (root / "metadata_dev/dev-test-tau" / f"{name}.csv").write_text("".join(f"{line}\n" for line in lines))
    return root


def test_data_check_says_it(made: list, tmp_path: Path):
    read = LAYOUTS.get("starss23").read
    right = read(written(tmp_path / "right", made, [0, 1, 2, 3]))
    assert len(listened(right)) == 6 and len(listened(right, ["test"], 2)) == 2
    assert not [f for f in check(right, counts={}).findings if f.code.startswith("channel")]
    wrong = check(read(written(tmp_path / "wrong", made, FUMA)), counts={})
    (finding,) = [f for f in wrong.findings if f.code == "channel_order"]
    assert finding.level == "warning" and finding.message.startswith("suspected: 36 lone sources")
    assert "warning: suspected" in str(wrong) and wrong.ok
