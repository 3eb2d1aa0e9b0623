"""The model's time beside a reference model's, in turns within one run, for gates on machines that others share.

One latency on a shared machine says as much about the neighbours as about the model. Taken in turns with a reference,
most of what the neighbours do hits both, and the ratio stays; several rounds let a sign test ignore single spikes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.adapter.contract import Adapter
from benchbed.adapter.surroundings import if_any
from benchbed.profile.calls import silence_free
from benchbed.profile.clock import clock_for, pinned_threads, repeat
from benchbed.profile.counts import clip_seconds


def paired_rounds(
    adapter: Adapter, reference: Adapter, *, rounds: int = 15, seconds: float = 0.2, threads: int = 1
) -> dict[str, Any]:
    """Median time of one call, model and reference in turns.

    Parameters
    ----------
    adapter, reference : Adapter
        Loaded.
    rounds : int
        Turns of each.
    seconds : float
        Shortest time of each turn.
    threads : int
        Compute threads.

    Returns
    -------
    dict
        `model` and `reference`, one median per round in ms, and `reference_model`, `unit`, `method`.

    Examples
    --------
    >>> from benchbed.adapter.load import load_adapter, start
    >>> cnn = start(load_adapter("cnn", {}))
    >>> found = paired_rounds(cnn, cnn, rounds=2, seconds=0.0)
    >>> len(found["model"]), len(found["reference"]), found["reference_model"]
    (2, 2, 'cnn')
    """
    sides = []
    for each in (adapter, reference):
        batch, clock = silence_free(each, clip_seconds(each)), clock_for(each.device)
        sides.append((lambda each=each, batch=batch: each.predict(batch), clock))
    found: list[list[float]] = [[], []]
    with pinned_threads(threads):
        for turn in range(rounds):
            # Who goes first alternates, so that a slow drift of the machine favours neither.
            for side in (0, 1) if turn % 2 == 0 else (1, 0):
                call, clock = sides[side]
                with if_any((adapter, reference)[side]):
                    times = repeat(call, clock, seconds=seconds, warmup=10 if turn == 0 else 1, at_least=5)
                found[side].append(1000 * float(np.median(times.wall)))
    return {
        "model": found[0],
        "reference": found[1],
        "reference_model": reference.card.name,
        "unit": "ms",
        "method": f"median wall time of predict at batch 1 in each of {rounds} rounds, in turns with the reference",
    }
