"""Synthetic scenes around the listener: what the channels say about directions must be what the labels say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchbed import audio
from benchbed.data import LAYOUTS, synthetic
from benchbed.data.synthesis.localised import MOST, MOST_OF_A_CLASS, SOUNDS, scene, stereo
from benchbed.data.synthesis.sources import banks
from benchbed.data.synthesis.spatial import FRAME, MICROPHONES, RADIUS, RATE, SOUND, Room, diffuse, direction, render
from benchbed.outputs import output_of
from benchbed.outputs.tracks.classes import CLASSES, STARSS

#: A room whose walls reflect nothing.
DEAD = Room((8.0, 8.0, 4.0), (4.0, 4.0, 1.5), 0.0)


def heard(foa: np.ndarray) -> tuple[float, float]:
    """Azimuth and elevation of the active intensity of first-order Ambisonics (W, Y, Z, X)."""
    y, z, x = (float(np.mean(foa[0] * foa[c])) for c in (1, 2, 3))
    return float(np.degrees(np.arctan2(y, x))), float(np.degrees(np.arctan2(z, np.hypot(x, y))))


@pytest.mark.parametrize("azimuth, elevation", [(0, 0), (90, 0), (-120, -20), (170, 35)])
def test_ambisonics_point_to_the_source(azimuth: int, elevation: int) -> None:
    noise = np.random.default_rng(0).standard_normal(5 * FRAME)
    foa = render(noise, np.full(5, float(azimuth)), np.full(5, float(elevation)), 1.5, DEAD, "foa")
    assert heard(foa) == pytest.approx((azimuth, elevation), abs=1e-6)
    # SN3D: the three first-order channels of a plane wave have together the power of the zeroth.
    assert np.sum(foa[1:] ** 2) == pytest.approx(np.sum(foa[0] ** 2))
    np.testing.assert_allclose(foa[0][: len(noise)], noise, atol=1e-9)


def test_a_moving_source_is_where_its_label_says_in_the_middle_of_each_frame() -> None:
    noise = np.random.default_rng(1).standard_normal(10 * FRAME)
    azimuth = 20.0 + 4.0 * np.arange(10)
    foa = render(noise, azimuth, np.zeros(10), 1.5, DEAD, "foa")
    for frame in range(10):
        middle = frame * FRAME + FRAME // 2
        assert heard(foa[:, middle - 40 : middle + 40])[0] == pytest.approx(azimuth[frame], abs=0.2)
    # Fading from one place to the next keeps the sound itself whole.
    np.testing.assert_allclose(foa[0][: len(noise)], noise, atol=1e-9)


def test_microphones_hear_the_wave_when_it_reaches_them() -> None:
    tone = np.sin(2 * np.pi * 500 * np.arange(10 * FRAME) / RATE)
    mic = render(tone, np.full(10, 60.0), np.full(10, 10.0), 2.0, DEAD, "mic")
    phase = np.angle(mic[:, FRAME : 9 * FRAME] @ np.exp(-2j * np.pi * 500 * np.arange(FRAME, 9 * FRAME) / RATE))
    ahead = np.array([RADIUS * direction(*place) @ direction(60.0, 10.0) / SOUND for place in MICROPHONES])
    expected = 2 * np.pi * 500 * (ahead - ahead[0])
    np.testing.assert_allclose(np.angle(np.exp(1j * (phase - phase[0] - expected))), 0, atol=1e-3)


def test_a_reflection_comes_from_its_image_later_and_weaker() -> None:
    room = Room((6.0, 5.0, 3.0), (3.0, 2.0, 1.2), 0.6)
    vectors, metres, gains = room.images(0.0, 0.0, 1.0)
    # The floor 1.2 m below: the image of a source 1 m ahead lies 2.4 m below it, 2.6 m away.
    below = 5  # direct path, then two walls along each axis, the lower one first
    np.testing.assert_allclose(vectors[below] * metres[below], [1.0, 0.0, -2.4], atol=1e-12)
    assert metres[below] == pytest.approx(2.6) and gains[below] == pytest.approx(0.6 / 2.6)
    click = np.zeros(FRAME)
    click[0] = 1.0
    foa = render(click, np.zeros(1), np.zeros(1), 1.0, room, "foa")
    late = round((2.6 - 1) / SOUND * RATE)
    near = foa[2, late - 3 : late + 4].min()
    assert near < -0.1 and np.abs(foa[2, 1 : late - 20]).max() < 0.05


def test_diffuse_noise_comes_from_everywhere() -> None:
    foa = diffuse(np.random.default_rng(2), 48_000, np.ones(24_001), "foa", waves=64)
    power = np.mean(foa**2, axis=1)
    np.testing.assert_allclose(power[1:] / power[0], 1 / 3, rtol=0.1)
    mic = diffuse(np.random.default_rng(2), 24_000, np.ones(12_001), "mic", waves=16)
    assert mic.shape == (4, 24_000) and np.ptp(np.mean(mic**2, axis=1)) < 0.1


def test_left_is_left() -> None:
    noise = np.random.default_rng(3).standard_normal(5 * FRAME) * 3000
    both = stereo(render(noise, np.full(5, 70.0), np.zeros(5), 1.0, DEAD, "foa"))
    assert np.std(both[0]) > 5 * np.std(both[1])


@pytest.mark.parametrize("label", sorted({name for labels in CLASSES.values() for name in labels}))
def test_every_class_has_a_sound(label: str) -> None:
    make, (shortest, longest) = SOUNDS[label]
    wave = make(np.random.default_rng(0), np.random.default_rng(1), banks(0), 16_000)
    assert wave.shape == (16_000,) and np.isfinite(wave).all() and wave.std() > 0 and shortest < longest


def test_scenes_hold_what_they_say() -> None:
    first, plan = scene(0, "test", 5, STARSS, 6.0, "foa")
    again, _ = scene(0, "test", 5, STARSS, 6.0, "foa")
    np.testing.assert_array_equal(first, again)
    assert first.shape == (4, 6 * RATE) and np.abs(first.astype(int)).max() < 32767
    overlaps = 0
    for number in range(12):
        _, plan = scene(0, "test", number, STARSS[:4], 3.0, "foa")
        busy = np.zeros((4, 30), int)
        for one in plan:
            busy[STARSS.index(one.label), one.first : one.last] += 1
            assert 0 <= one.first < one.last <= 30 and 0.6 <= one.distance <= 2.5
            assert (np.abs(one.azimuth) <= 180).all() and (np.abs(one.elevation) <= 36).all()
        assert busy.sum(axis=0).max() <= MOST and busy.max() <= MOST_OF_A_CLASS
        overlaps += int((busy > 1).any())
    assert overlaps > 0


@pytest.mark.parametrize("layout", ["starss23", "tau_nigens2020", "stereo_seld2025"])
def test_sets_are_read_by_their_layouts(layout: str, tmp_path: Path) -> None:
    root = synthetic.make(tmp_path / "set", layout=layout, size="small")
    dataset = LAYOUTS.get(layout).read(root)
    assert dataset.synthetic and dataset.name == f"{layout}-synthetic" and not dataset.notes
    assert {"train", "test"} <= set(dataset.splits) and set(dataset.clips["frames"]) == {50}
    found = audio.info(root / dataset.clips["path"].iloc[0])
    assert (found.channels, found.sample_rate) == (2 if layout == "stereo_seld2025" else 4, RATE)
    made = output_of("tracks").references(dataset.clips, dataset.events, dataset.labels)
    assert all(len(one) for one in made)
    if layout != "tau_nigens2020":
        assert all(0.6 <= one.distance.min() <= one.distance.max() <= 2.5 for one in made)
