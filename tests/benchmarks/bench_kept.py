"""What a perturbed clip costs to make, beside what it costs to read back from where it was kept.

    python tests/benchmarks/bench_kept.py [--plant S]

CPU milliseconds for the five severities of a one-second mono clip at 32 kHz, as `benchbed.run.computing.shared` keeps
them for the next model of a command: made, written, and read from the memory of the file system, where checksums are
most of it; the minimum over repeats. Slow corruptions are kept, since they take many times as long to make. The rest is
handed on in memory between models of one command; the table says what a later command could save if it were kept, too,
and what room that would need:

- every corruption that takes more than 8 × as long to make as to read is marked slow;
- what keeping all the rest would save is less than a quarter of what making everything costs, in the mono set of
  `suites/conditions/corruptions.yaml`.

`--plant S` counts S times what making took: the marks must fail. Leaves with 1 if a figure misses its mark.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import yaml
from bench_corruptions import RATE, clips, cpu

from benchbed.keptaudio import KeptAudio, KeptSound
from benchbed.perturb import resolve
from benchbed.perturb.contract import Context
from benchbed.rng import stream

SUITE = Path(__file__).resolve().parents[2] / "suites" / "conditions" / "corruptions.yaml"
#: Most times as long to make as to read, of what is not kept; share of making that keeping the rest may save.
TIMES, SAVED = 8.0, 0.25
#: Clips and conditions of the room that is told.
CLIPS, CONDITIONS = 230_000, 100


def measured(name: str, kept: KeptAudio) -> tuple[float, float, float]:
    """Milliseconds for a clip at five severities: made, written, read."""
    made, sounds = resolve(name), clips()
    context = Context("kept", others=lambda rng, n: [sounds[-1]])

    def one(index: int) -> list[KeptSound]:
        state = made.prepare(sounds[index], RATE, stream(name, index), context)
        results = [made.apply(state, value) for value in made.parameters]
        return [KeptSound(each.waveform, {"achieved": str(each.achieved), "skipped": None}) for each in results]

    ready = [one(index) for index in range(len(sounds))]
    making = cpu(lambda: [one(index) for index in range(len(sounds))])
    writing = cpu(lambda: [kept.put(f"{name}{index:04d}", each) for index, each in enumerate(ready)])
    reading = cpu(lambda: [kept.get(f"{name}{index:04d}") for index in range(len(sounds))])
    return tuple(1e3 * each / len(sounds) for each in (making, writing, reading))  # type: ignore[return-value]


def main() -> None:
    """Measure and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plant", type=float, default=1.0, metavar="S")
    args = parser.parse_args()
    names = [one["corruption"] for one in yaml.safe_load(SUITE.read_text())["conditions"] if isinstance(one, dict)]
    total, saved, late = 0.0, 0.0, []
    with tempfile.TemporaryDirectory(prefix="benchbed-kept-") as folder:
        kept = KeptAudio(Path(folder), 2**31)
        for name in names:
            making, writing, reading = measured(name, kept)
            making *= args.plant
            slow = resolve(name).slow
            print(f"{name:16s} {making:7.2f} made {writing:6.2f} written {reading:6.2f} read{'  kept' if slow else ''}")
            total += making
            if not slow:
                saved += max(0.0, making - reading)
                late += [name] if making > TIMES * reading else []
    share = saved / total
    room = CLIPS * CONDITIONS * RATE * 4 / 1e12
    print(f"{'MISSED' if late else 'kept  '} not kept and above {TIMES:g} x reading: {', '.join(late) or 'none'}")
    print(
        f"{'MISSED' if share > SAVED else 'kept  '} keeping the rest would save {saved:.1f} of {total:.1f} ms a clip, "
        f"{share:.1%} (at most {SAVED:.0%}), for {room:.1f} TB at {CLIPS:,} clips and {CONDITIONS} conditions"
    )
    sys.exit(1 if late or share > SAVED else 0)


if __name__ == "__main__":
    main()
