"""Spectrogram pictures: a decodable PNG whose bright row is where the tone is."""

from __future__ import annotations

import struct
import zlib

import numpy as np

from benchbed.run.showing.spectrogram import HEIGHT, WIDTH, picture, steps


def tone(pitch: float, level: float = 1.0, rate: int = 16000) -> np.ndarray:
    return level * np.sin(2 * np.pi * pitch * np.arange(rate) / rate)


def test_a_tone_lights_the_row_of_its_frequency():
    found = steps(tone(4000))
    assert found.shape == (HEIGHT, WIDTH)
    # 4 kHz is the middle of 0…8 kHz; row 0 is the top.
    assert abs(int(found[:, WIDTH // 2].argmax()) - HEIGHT // 2) <= 1
    assert found.max() == 15


def test_twenty_decibels_are_about_four_steps():
    # 80 dB in 15 steps, the uppermost 10 dB below full scale: −20 dB is two steps down, −40 dB about six.
    loud, soft = (int(steps(tone(4000, level)).max()) for level in (0.1, 0.01))
    assert loud - soft in (3, 4)


def test_silence_is_black_and_short_clips_are_drawn():
    assert steps(np.zeros(16000)).max() == 0
    assert steps(np.ones(10)).shape == (HEIGHT, WIDTH)


def test_the_png_is_whole():
    data = picture(tone(1000), 16000)
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    at, parts = 8, {}
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        assert struct.unpack(">I", data[at + 8 + size : at + 12 + size])[0] == zlib.crc32(kind + body)
        parts[kind] = body
        at += 12 + size
    assert struct.unpack(">II", parts[b"IHDR"][:8]) == (WIDTH, HEIGHT)
    rows = zlib.decompress(parts[b"IDAT"])
    assert len(rows) == HEIGHT * (1 + WIDTH // 2) and len(parts[b"PLTE"]) == 48
