"""What answers alone leave of a model beside what its gradient leaves of it: the power of the black box on open twins.

    python tests/benchmarks/black_box.py
    python tests/benchmarks/black_box.py passt --clips 12

One network is attacked twice on the same clips of the synthetic scenes: with its gradient (the white-box members of
`standard`), and as if it only answered (all that `standard` sends against a model without a gradient; with `--transfer`
other shipped scene models are among its sources, as when they are models of the same run). Budgets stand on a grid of
3 dB: the last one at which the gradient leaves half of the clips, and its two neighbours, for where everything
stands or falls any attack looks strong. A clip is broken by whichever member breaks it, at its own budget alone. The
mark is a difference of at most ten points over all three budgets together; the script ends with 1 while it is missed.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import sys
import time
import warnings
from collections.abc import Callable

import numpy as np
import torch
from bench_attacks import clips

from benchbed.adapter.load import load_adapter, start
from benchbed.attack import resolve
from benchbed.attack.contract import Attack, Problem, Victim
from benchbed.attack.ensemble import ensemble
from benchbed.attack.losses import scene
from benchbed.attack.threat import Ball, Threat
from benchbed.audio import resample
from benchbed.run.attacking.victim import untouched

MARK = 0.10
GRID = tuple(float(level) for level in range(80, 10, -3))
SOURCES = ("cnn", "cp_mobile", "bc_resnet", "vit_asc")


def resampled(waveforms: torch.Tensor, rate: int, wanted: int, samples: int | None = None) -> torch.Tensor:
    """Waveforms `[clip, channel, sample]` at another rate, cut or filled up to a length."""
    made = waveforms
    if rate != wanted:
        made = torch.from_numpy(np.stack([resample(clip, rate, wanted) for clip in waveforms.numpy()]))
    samples = made.shape[-1] if samples is None else samples
    return torch.nn.functional.pad(made, (0, max(0, samples - made.shape[-1])))[..., :samples]


def source(spec: str) -> Callable[[Problem, int, str], torch.Tensor]:
    """Another shipped scene model as a source of transfer, climbed at its own rate."""
    adapter = start(load_adapter(spec))

    def craft(problem: Problem, steps: int, loss: str) -> torch.Tensor:
        rate, own_rate = problem.sample_rate, adapter.card.sample_rate
        clean = resampled(problem.ball.clean, rate, own_rate)
        ball = Ball("l2", clean, problem.ball.radius * (own_rate / rate) ** 0.5)
        own = Problem(Victim(adapter.forward), ball, problem.target, scene, problem.ids, 0, own_rate, stop=False)
        with untouched(adapter):
            points = resolve("apgd", {"steps": steps, "loss": loss}).run(own).points
        added = resampled(points - clean, own_rate, rate, problem.ball.clean.shape[-1])
        return problem.ball.spread(added)

    return craft


def left(problem: Problem, attacks: tuple[Attack, ...]) -> tuple[torch.Tensor, dict[str, int]]:
    """Which clips still stand after attacks one after the other, and how many each member broke."""
    rows, by = torch.arange(len(problem)), {}
    for attack in attacks:
        if not len(rows):
            break
        broken = attack.run(problem.select(rows)).broken
        label = attack.name + (f":{attack.options['loss']}" if "loss" in attack.options else "")
        by[label] = by.get(label, 0) + int(broken.sum())
        rows = rows[~broken]
    return rows, by


def compare(
    spec: str, count: int, budgets: int, *, transfer: bool, say: Callable[[str], None]
) -> list[tuple[int, int]]:
    """Standing clips at some budgets around the one that half of them survive, by gradient and by answers."""
    adapter = start(load_adapter(spec))
    clean, target = clips(adapter, count)
    white = tuple(a for a in ensemble("standard", sources=False).attacks if a.access == "gradient")
    black = ensemble("standard", differentiable=False, sources=transfer, powered=True).attacks
    sources = {name: source(name) for name in SOURCES if name != spec} if transfer else {}

    def problem(level: float, *, opened: bool) -> Problem:
        ids = [str(i) for i in range(len(clean))]
        victim = Victim(adapter.forward, differentiable=opened)
        ball = Ball.of(Threat("l2", level), clean)
        return Problem(victim, ball, target, scene, ids, 0, adapter.card.sample_rate, sources=sources)

    found = []
    with untouched(adapter):
        low, high = 0, len(GRID) - 1
        while high - low > 1:  # the first loss of the ensemble is enough to find where half of the clips fall
            middle = (low + high) // 2
            many = len(left(problem(GRID[middle], opened=True), white[:1])[0]) > len(clean) / 2
            low, high = (middle, high) if many else (low, middle)
        for level in GRID[max(low - budgets // 2, 0) :][:budgets]:
            stand = len(left(problem(level, opened=True), white)[0])
            asked, began = problem(level, opened=False), time.process_time()
            rows, by = left(asked, black)
            found.append((stand, len(rows)))
            say(
                f"{adapter.card.name:10} {level:g} dB: of {len(clean)} clips {stand} stand by gradient, "
                f"{len(rows)} by answers ({', '.join(f'{n} {c}' for n, c in by.items())}); "
                f"{asked.victim.cost.forwards / len(clean):.0f} queries a clip, "
                f"{time.process_time() - began:.0f} CPU s"
            )
    return found


def main() -> None:
    """Print a line for each budget, and the difference over all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=["cnn", "passt"])
    parser.add_argument("--clips", type=int, default=12)
    parser.add_argument("--budgets", type=int, default=3)
    parser.add_argument("--transfer", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    missed = False
    for spec in given.models:
        found = compare(
            spec, given.clips, given.budgets, transfer=given.transfer, say=lambda line: print(line, flush=True)
        )
        gap = sum(black - white for white, black in found) / (len(found) * given.clips)
        missed |= gap > MARK
        print(f"{spec}: answers leave {100 * gap:.1f} points more than gradients; the mark is {100 * MARK:.0f}")
    sys.exit(int(missed))


if __name__ == "__main__":
    main()
