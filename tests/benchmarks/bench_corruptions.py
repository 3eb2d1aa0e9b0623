"""Cost of every corruption, and against a loop over conditions with audiomentations; run as a program or with pytest.

    python tests/benchmarks/bench_corruptions.py

Figures are CPU milliseconds of one thread per severity of a one-second mono clip at 32 kHz (`prepare` shared by five),
the minimum over repeats. The comparison runs both sides in turn in one process, on the transforms that have a
counterpart in audiomentations, and takes the library's own way: one transform object per condition, called per clip. A
loop over conditions reads every clip for every condition; benchbed reads it once for all. Both figures are printed: the
loops with their reading, which is what a suite pays, and the transforms alone.

Codecs are held against a round trip through libsndfile in memory, which makes an encoder for each clip: the five
severities of a clip may take at most so large a share of it as `CODEC_SHARES` says. `--plant S` counts ours as 1 + S
times what they took, and the marks must fail. Leaves with 1 if one is missed.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

from benchbed.audio import resample
from benchbed.perturb import CORRUPTIONS, resolve
from benchbed.perturb.codec import round_trip
from benchbed.perturb.contract import Context
from benchbed.rng import preserved_global_state, stream

RATE, CLIPS, REPEATS = 32000, 8, 5
#: Of libsndfile's CPU time for the same clips, at settings of about the same size.
CODEC_SHARES = {"vorbis": 0.75, "mp3": 0.3, "opus": 0.13}


def clips(channels: int = 1, seconds: float = 1.0, count: int = CLIPS) -> list[np.ndarray]:
    """Noise under a slow envelope."""
    samples = round(RATE * seconds)
    envelope = 0.2 + 0.8 * np.abs(np.sin(np.arange(samples) * 7 / samples))
    return [
        (0.1 * envelope * stream("bench", i).standard_normal((channels, samples))).astype(np.float32)
        for i in range(count)
    ]


def responses(folder: Path) -> Path:
    """A folder with one half-second response."""
    samples = RATE // 2
    tail = 0.1 * np.exp(-np.arange(samples) / 3000) * stream("response").standard_normal(samples)
    tail[0] = 1
    soundfile.write(folder / "response.wav", 0.5 * tail, RATE)
    return folder


def cpu(work) -> float:
    """CPU seconds of `work()`, the minimum over repeats."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def ours(name: str, folder: Path, waveforms: list[np.ndarray], parameters=None):
    """All severities of one corruption on all clips."""
    needs = name in ("room_response", "device_response", "background")
    found = resolve(name, parameters, {"folder": str(folder)} if needs else None)
    context = Context(others=lambda rng, n: waveforms[:n])

    def work() -> None:
        for index, waveform in enumerate(waveforms):
            state = found.prepare(waveform, RATE, stream(name, index), context)
            for parameter in found.parameters:
                found.apply(state, parameter)

    work()
    return work, len(found.parameters)


def table(folder: Path) -> dict[str, dict[str, float]]:
    """Milliseconds per severity and clip: mono 1 s, mono 10 s, four channels 1 s."""
    rows: dict[str, dict[str, float]] = {}
    for name in CORRUPTIONS.names():
        rows[name] = {}
        for column, waveforms in (("1 s", clips()), ("10 s", clips(1, 10.0, 2)), ("1 s 4 ch", clips(4, 1.0, 4))):
            work, severities = ours(name, folder, waveforms)
            rows[name][column] = 1000 * cpu(work) / (len(waveforms) * severities)
    return rows


def counterparts(folder: Path) -> dict[str, list]:
    """Our corruption and, per severity, the transform of audiomentations that does the nearest thing."""
    import audiomentations as am

    snrs = (20.0, 15.0, 10.0, 5.0, 0.0)
    return {
        "white_noise": [am.AddGaussianSNR(snr, snr, p=1.0) for snr in snrs],
        "pink_noise": [am.AddColorNoise(snr, snr, -3.01, -3.01, p=1.0) for snr in snrs],
        "brown_noise": [am.AddColorNoise(snr, snr, -6.02, -6.02, p=1.0) for snr in snrs],
        "background": [am.AddBackgroundNoise(str(folder), snr, snr, p=1.0) for snr in snrs],
        "low_pass": [am.LowPassFilter(f, f, 48, 48, p=1.0) for f in (10000, 8000, 4000, 2000, 1000)],
        "high_pass": [am.HighPassFilter(f, f, 24, 24, p=1.0) for f in (100, 200, 400, 800, 1600)],
        "clipping": [am.ClippingDistortion(c, c, p=1.0) for c in (2, 6, 16, 30, 50)],
        "bit_depth": [am.BitCrush(b, b, p=1.0) for b in (12, 10, 8, 6, 4)],
        "reverb": [am.ApplyImpulseResponse(str(folder), p=1.0) for _ in snrs],
        "gain": [am.Gain(g, g, p=1.0) for g in (-6, -12, -20, -30, -40)],
        "time_mask": [am.TimeMask(b, b, p=1.0) for b in (0.05, 0.1, 0.2, 0.3, 0.5)],
        "device_eq": [am.SevenBandParametricEQ(-g, g, p=1.0) for g in (2, 4, 6, 9, 12)],
    }


def comparison(folder: Path) -> dict[str, tuple[float, float]]:
    """Milliseconds per severity and clip, ours and the library's, measured in turn."""
    waveforms, rows = clips(), {}
    for name, transforms in counterparts(folder).items():
        work, severities = ours(name, folder, waveforms)

        def library(transforms=transforms) -> None:
            for transform in transforms:
                for waveform in waveforms:
                    transform(waveform[0], RATE)

        with preserved_global_state(0):
            library()
            pairs = [(cpu(work), cpu(library)) for _ in range(2)]
        scale = 1000 / (len(waveforms) * severities)
        rows[name] = (scale * min(a for a, _ in pairs), scale * min(b for _, b in pairs))
    return rows


def codecs() -> dict[str, tuple[float, float]]:
    """Milliseconds per severity and clip, ours and libsndfile's, measured in turn."""
    waveforms, rows = clips(), {}
    # Of libsndfile's MP3 and Opus, a level of 0 is the highest bit rate and one of 1 the lowest.
    theirs = {
        "vorbis": lambda clip, level: round_trip(clip, RATE, "OGG", "VORBIS", 2, compression_level=level),
        "mp3": lambda clip, level: round_trip(
            clip, RATE, "MP3", "MPEG_LAYER_III", 2, compression_level=level, bitrate_mode="CONSTANT"
        ),
        "opus": lambda clip, level: resample(
            round_trip(resample(clip, RATE, 48000), 48000, "OGG", "OPUS", 2, compression_level=level)[0], 48000, RATE
        ),
    }
    levels = {
        "vorbis": (0.5, 0.7, 0.85, 0.95, 1.0),
        "mp3": (0.75, 0.8, 0.9, 0.95, 0.99),
        "opus": (0.8, 0.9, 0.95, 0.97, 0.99),
    }
    for name, trip in theirs.items():
        work, severities = ours(name, Path(), waveforms)

        def library(trip=trip, name=name) -> None:
            for waveform in waveforms:
                for level in levels[name]:
                    trip(waveform, level)

        pairs = [(cpu(work), cpu(library)) for _ in range(2)]
        scale = 1000 / (len(waveforms) * severities)
        rows[name] = (scale * min(a for a, _ in pairs), scale * min(b for _, b in pairs))
    return rows


def too_slow(rows: dict[str, tuple[float, float]], plant: float = 0.0) -> list[str]:
    """Codecs that take more of libsndfile's time than their mark."""
    return [name for name, (mine, theirs) in rows.items() if mine * (1 + plant) > CODEC_SHARES[name] * theirs]


def reading(folder: Path) -> float:
    """Milliseconds to read one clip the usual way, 16-bit wav through soundfile to float32."""
    path = folder / "clip.wav"
    soundfile.write(path, clips(count=1)[0][0], RATE, subtype="PCM_16")
    return 1000 * cpu(lambda: [soundfile.read(path, dtype="float32") for _ in range(100)]) / 100


def loops(rows: dict[str, tuple[float, float]], read: float) -> tuple[float, float, float]:
    """The sums of `totals` with reading: once per clip for everything, and once per condition."""
    mine, theirs, _ = totals(rows)
    # A row is the cost of one of five severities.
    mine, theirs = mine + read / 5, theirs + read * len(rows)
    return mine, theirs, theirs / mine


def totals(rows: dict[str, tuple[float, float]]) -> tuple[float, float, float]:
    """Summed milliseconds of both sides, and how many times faster ours is."""
    mine, theirs = (sum(row[side] for row in rows.values()) for side in (0, 1))
    return mine, theirs, theirs / mine


def test_transforms_are_five_times_faster_than_the_library(tmp_path):
    rows = comparison(responses(tmp_path))
    assert totals(rows)[2] >= 5, rows


def test_five_times_faster_than_a_loop_over_conditions(tmp_path):
    rows = comparison(responses(tmp_path))
    (tmp_path / "read").mkdir()
    assert loops(rows, reading(tmp_path / "read"))[2] >= 5, rows


def test_cheap_corruptions_cost_under_a_third_of_a_millisecond(tmp_path):
    folder = responses(tmp_path)
    costs = {}
    for name in CORRUPTIONS.names():
        found = resolve(name)
        if found.group in ("noise", "level", "bandwidth", "room"):
            work, severities = ours(name, folder, clips())
            costs[name] = 1000 * cpu(work) / (CLIPS * severities)
    assert statistics.median(costs.values()) < 0.3, costs


def test_codecs_take_less_than_a_share_of_libsndfile():
    rows = codecs()
    assert not too_slow(rows), rows


def main() -> None:
    """Print the tables, and judge the codecs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("codecs",))
    parser.add_argument("--plant", type=float, default=0.0, metavar="S")
    asked = parser.parse_args()
    if asked.only is None:
        tables()
    rows = codecs()
    missed = too_slow(rows, asked.plant)
    for name, (mine, theirs) in rows.items():
        share, word = mine * (1 + asked.plant) / theirs, "MISSED" if name in missed else "kept  "
        told = f"{mine:.2f} and {theirs:.2f} ms"
        print(f"{word} {name} / libsndfile: {share:.2f}, at most {CODEC_SHARES[name]} ({told})")
    sys.exit(1 if missed else 0)


def tables() -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory() as name:
        folder = responses(Path(name))
        print("| corruption | 1 s | 10 s | 1 s 4 ch |  (CPU ms per severity, 32 kHz)")
        for corruption, row in table(folder).items():
            print(f"| {corruption} | " + " | ".join(f"{value:.3f}" for value in row.values()) + " |")
        rows = comparison(folder)
        print("\n| corruption | benchbed | audiomentations | times |")
        for corruption, (mine, theirs) in rows.items():
            print(f"| {corruption} | {mine:.3f} | {theirs:.3f} | {theirs / mine:.1f} |")
        print("| all, transforms alone | {:.3f} | {:.3f} | {:.1f} |".format(*totals(rows)))
        with tempfile.TemporaryDirectory() as other:
            print("| all, with reading | {:.3f} | {:.3f} | {:.1f} |".format(*loops(rows, reading(Path(other)))))


if __name__ == "__main__":
    main()
