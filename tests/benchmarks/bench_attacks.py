"""Auto-PGD against the same attack of torchattacks: strength and cost at equal steps on the shipped models, in one run.

    python tests/benchmarks/bench_attacks.py

Both attack the same clips of the synthetic scenes, in L∞, with cross-entropy, as many steps and one random start; both
get the whole batch at once. Cost is CPU time of one thread, the minimum over repeats that alternate between the two.
The bound is the ratio that an attack without any cost of its own would reach: our passes through the model alone.
Marks: the sum over the budgets at most a 2.5th of theirs on the CNN and half of it on tiny PaSST, with no clip more
that is robust; the script ends with 1 while one is missed. `--plant` lets no clip come to rest, as it was before: the
mark of the CNN must fail then.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import sys
import time
import warnings

import numpy as np
import torch

from benchbed.adapter.load import load_adapter, start
from benchbed.attack import descent, resolve
from benchbed.attack.contract import Problem, Victim
from benchbed.attack.losses import scene
from benchbed.attack.threat import Ball, Threat
from benchbed.data import LAYOUTS, synthetic
from benchbed.rng import preserved_global_state
from benchbed.run.attacking.subset import attacked_rows
from benchbed.run.attacking.victim import untouched
from benchbed.run.computing.whole import decode, to_model

STEPS, REPEATS = 50, 2
EPS = (3e-5, 1e-4, 3e-4)
#: Model → how many times as fast.
MARKS = {"cnn": 2.5, "passt": 2.0}


class Image(torch.nn.Module):
    """Waveforms as torchattacks wants them."""

    def __init__(self, forward):
        super().__init__()
        self.anchor = torch.nn.Parameter(torch.zeros(1), requires_grad=False)
        self.held = (forward,)
        self.eval()

    def forward(self, images):
        return self.held[0]((2 * images - 1)[:, 0])


def theirs(forward, clean, target, eps, steps):
    """Robust clips that torchattacks' APGD leaves."""
    import torchattacks

    attack = torchattacks.APGD(Image(forward), norm="Linf", eps=eps / 2, steps=steps, seed=0)
    with preserved_global_state():
        images = attack(((clean + 1) / 2)[:, None], target)
    with torch.no_grad():
        return int((forward((2 * images - 1)[:, 0]).argmax(1) == target).sum())


def ours(forward, clean, target, eps, steps, loss="ce"):
    """Robust clips that Auto-PGD leaves."""
    problem = Problem(
        Victim(forward), Ball.of(Threat("linf", eps), clean), target, scene, [str(i) for i in range(len(clean))]
    )
    return int((~resolve("apgd", {"steps": steps, "loss": loss}).run(problem).broken).sum())


def passes(forward, clean, target, eps, steps):
    """Clips and kind of every pass that Auto-PGD makes: how many, and whether it is differentiated."""
    found = []

    def seen(waveforms):
        found.append((len(waveforms), torch.is_grad_enabled()))
        return forward(waveforms)

    ours(seen, clean, target, eps, steps)
    return found


def bare(forward, clean, target, found):
    """The same passes and nothing else."""
    for count, differentiated in found:
        points = clean[:count].detach().requires_grad_(differentiated)
        with torch.set_grad_enabled(differentiated):
            value = torch.nn.functional.cross_entropy(forward(points), target[:count])
        if differentiated:
            torch.autograd.grad(value, points)


def clips(adapter, count):
    """Clips of the synthetic scenes that the model gets right."""
    root = synthetic.ensure("tau2022")
    dataset = LAYOUTS.get("tau2022").read(root)
    table = dataset.select("test")
    labels = list(adapter.card.labels)
    waveforms, targets = [], []
    for row in attacked_rows(table, 4 * count):
        record = table.iloc[row]
        clip = decode(root, record.to_dict(), None)
        waveforms.append(to_model(clip.waveform, clip.sample_rate, adapter.card).waveform)
        targets.append(labels.index(record["label"]))
    clean, target = torch.from_numpy(np.stack(waveforms)), torch.tensor(targets)
    with torch.no_grad():
        right = (adapter.forward(clean).argmax(1) == target).nonzero()[:count, 0]
    return clean[right], target[right]


def compare(spec: str, count: int = 16, steps: int = STEPS, repeats: int = REPEATS) -> list[dict]:
    """Rows of robust counts and CPU seconds of one model, one per budget."""
    adapter = start(load_adapter(spec))
    clean, target = clips(adapter, count)
    rows = []
    with untouched(adapter):
        for eps in EPS:
            seconds = {"torchattacks": [], "benchbed": []}
            model = []
            made = passes(adapter.forward, clean, target, eps, steps)
            for _ in range(repeats):
                for name, attack in (("torchattacks", theirs), ("benchbed", ours)):
                    began = time.process_time()
                    robust = attack(adapter.forward, clean, target, eps, steps)
                    seconds[name].append((time.process_time() - began, robust))
                began = time.process_time()
                bare(adapter.forward, clean, target, made)
                model.append(time.process_time() - began)
            margin = ours(adapter.forward, clean, target, eps, steps, "margin")
            best = {name: min(found) for name, found in seconds.items()}
            rows.append(
                {
                    "model": adapter.card.name,
                    "eps": eps,
                    "clips": len(clean),
                    **{f"{name}_robust": r for name, (_, r) in best.items()},
                    "margin_robust": margin,
                    **{f"{name}_seconds": s for name, (s, _) in best.items()},
                    "speed_up": best["torchattacks"][0] / best["benchbed"][0],
                    "bound": best["torchattacks"][0] / min(model),
                }
            )
    return rows


def main() -> None:
    """Print one line per model and budget, and the sums per model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=["cnn", "passt"])
    parser.add_argument("--clips", type=int, default=16)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--plant", action="store_true")
    given = parser.parse_args()
    if given.plant:
        descent.HOPELESS = float("inf")
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    print(f"torch {torch.__version__}, {given.steps} steps, {given.clips} clips, one thread, CPU seconds")
    missed = False
    for spec in given.models:
        rows = compare(spec, given.clips, given.steps, given.repeats)
        for row in rows:
            print(
                f"{row['model']:11} eps {row['eps']:7.0e}: robust {row['torchattacks_robust']:2} → "
                f"{row['benchbed_robust']:2} (margin loss {row['margin_robust']:2}) of {row['clips']}, seconds "
                f"{row['torchattacks_seconds']:6.2f} → {row['benchbed_seconds']:6.2f}, × {row['speed_up']:.2f} "
                f"(bound × {row['bound']:.2f})",
                flush=True,
            )
        sums = [sum(row[f"{name}_seconds"] for row in rows) for name in ("torchattacks", "benchbed")]
        mark = MARKS.get(spec, 1.0)
        print(f"{rows[0]['model']:11} all: × {sums[0] / sums[1]:.2f}, the mark is {mark}", flush=True)
        missed |= sums[0] < mark * sums[1] or any(r["benchbed_robust"] > r["torchattacks_robust"] for r in rows)
    sys.exit(int(missed))


if __name__ == "__main__":
    main()
