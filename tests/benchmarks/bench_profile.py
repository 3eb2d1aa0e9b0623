"""What profiling itself costs, and how well its times repeat.

python tests/benchmarks/bench_profile.py --model cnn --model passt
"""

from __future__ import annotations

import argparse
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from benchbed.adapter.load import load_adapter, start
from benchbed.profile.counts import count
from benchbed.profile.latency import latency
from benchbed.profile.layer_time import peak_activation_memory, time_shares


def main() -> None:
    """Print seconds of each part of the profile, and the spread of repeated medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", action="append", default=None)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    chosen = parser.parse_args()
    for name in chosen.model or ["cnn", "passt"]:
        adapter = start(load_adapter(name, {}))
        for part, call in (
            ("counts", lambda a=adapter: count(a)),
            ("counts again", lambda a=adapter: count(a)),
            ("share of time", lambda a=adapter: time_shares(a)),
            ("peak activations", lambda a=adapter: peak_activation_memory(a)),
        ):
            begun = time.perf_counter()
            call()
            print(f"{name}: {part}: {time.perf_counter() - begun:.3f} s")
        found = [latency(adapter, batch_sizes=(1,), least_seconds=chosen.seconds) for _ in range(chosen.repeats)]
        for figure in ("median", "cpu_median", "p95"):
            values = np.array([each["batch_1"][figure]["value"] for each in found])
            spread = (values.max() - values.min()) / np.median(values)
            print(f"{name}: {figure}: {np.median(values):.3f} ms, spread over {len(values)} runs {spread:.1%}")


if __name__ == "__main__":
    main()
