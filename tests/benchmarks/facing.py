"""How often the channels of Ambisonics are suspected where they are right, and where they were swapped or scaled.

Recordings are synthetic scenes in rooms, with moving and overlapping sources over a diffuse background; sets are drawn
from them with replacement, of 4 to 16 recordings. Faults are made on the sound. Exits with 1 where sound sets are
suspected in more than one of two hundred, or faulty ones found in fewer than nine of ten.

Run: python tests/benchmarks/facing.py [--recordings 60] [--trials 1000]
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter

import numpy as np

from benchbed.data.facing import LoneSources, doubts, heard
from benchbed.data.synthesis.localised import Sounding, scene
from benchbed.data.synthesis.spatial import RATE, direction
from benchbed.outputs.tracks.classes import STARSS

FALSE, FOUND, SECONDS = 0.005, 0.9, 20.0
#: Fault → channels of a wrong file from those of a right one, as a matrix.
RIGHT = np.eye(4)
FAULTS = {
    "order of FuMa": RIGHT[[0, 3, 1, 2]],
    "X and Y swapped": RIGHT[[0, 3, 2, 1]],
    "up and down": np.diag([1.0, 1.0, -1.0, 1.0]),
    "left and right": np.diag([1.0, -1.0, 1.0, 1.0]),
    "W softer by 3 dB": np.diag([0.5**0.5, 1.0, 1.0, 1.0]),
    "N3D": np.diag([1.0, 3**0.5, 3**0.5, 3**0.5]),
    "other recordings": RIGHT,
}


def told(waveform: np.ndarray, sources: list[Sounding]) -> LoneSources:
    """What a recording says against annotated sources."""
    frame = np.concatenate([np.arange(one.first, one.last) for one in sources])
    event = np.repeat(np.arange(len(sources)), [len(one.azimuth) for one in sources])
    azimuth, elevation = (np.concatenate([getattr(one, name) for one in sources]) for name in ("azimuth", "elevation"))
    vectors = np.array([direction(a, e) for a, e in zip(azimuth, elevation)])
    return heard(waveform, RATE, frame, event, vectors)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recordings", type=int, default=60)
    parser.add_argument("--trials", type=int, default=1000)
    args = parser.parse_args(argv)
    random = np.random.Generator(np.random.Philox(key=0))
    scenes = [scene(7, "test", number, STARSS, SECONDS, "foa") for number in range(args.recordings)]
    audio = [made.astype(np.float32) / 32768 for made, _ in scenes]
    sound = [told(wave, sources) for wave, (_, sources) in zip(audio, scenes)]
    faulty = {
        name: [told(matrix @ wave, sources) for wave, (_, sources) in zip(audio, scenes)]
        for name, matrix in FAULTS.items()
    }
    faulty["other recordings"] = [told(wave, scenes[i - 1][1]) for i, wave in enumerate(audio)]
    alarms, found = 0, Counter()
    for _ in range(args.trials):
        drawn = random.integers(0, len(scenes), int(random.integers(4, 17)))
        alarms += bool(doubts([sound[i] for i in drawn]))
        drawn = random.integers(0, len(scenes), 12)
        for name, recordings in faulty.items():
            wanted = "channel_scaling" if name in ("W softer by 3 dB", "N3D") else "channel_order"
            found[name] += wanted in [code for code, _ in doubts([recordings[i] for i in drawn])]
    fits = np.concatenate([one.fits for one in sound])[:, 0]
    print(f"{len(fits)} lone sources, mean cosine {fits.mean():.2f}; ratio {np.median([s.ratio for s in sound]):.2f}")
    sets = f"{args.trials} sound sets of 4 to 16 recordings of {SECONDS:g} s"
    print(f"suspected in {alarms / args.trials:7.2%} of {sets}")
    for name in FAULTS:
        print(f"{name:<18} found in {found[name] / args.trials:7.1%} of {args.trials} sets of 12")
    wrong = alarms / args.trials > FALSE or any(found[name] / args.trials < FOUND for name in FAULTS)
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
