"""McNemar's exact test on the clips that one of two models got right, where clips do not depend on each other."""

from __future__ import annotations

import numpy as np

from benchbed.compare.figure import Recipe, infos
from benchbed.compare.pairing import Paired
from benchbed.compare.runs import OpenRun


def mcnemar(paired: Paired, made: Recipe, run: OpenRun) -> tuple[dict[str, float] | None, str | None]:
    """Clips that only one model got right, two-sided exact p-value and odds ratio; or why the test does not apply."""
    from scipy.special import bdtr

    name = run.family.right
    if name is None or name not in infos(run.family, made) or len(made.parts) != 1:
        return None, "the metrics do not count right and wrong clips"
    if not paired.single:
        return None, (
            f"clips of one recording depend on each other ({paired.clips} clips of {paired.groups} recordings)"
        )
    right = []
    for side in (paired.a, paired.b):
        with np.errstate(invalid="ignore"):
            right.append(np.concatenate([run.family.values(sums[:, 0])[name] for sums in side]))
    held = np.isfinite(right[0]) & np.isfinite(right[1])
    one, other = (r[held] > 0.5 for r in right)
    only_a, only_b = int((one & ~other).sum()), int((other & ~one).sum())
    total = only_a + only_b
    p = min(1.0, 2 * float(bdtr(min(only_a, only_b), total, 0.5))) if total else 1.0
    ratio = only_a / only_b if only_b else (float("inf") if only_a else float("nan"))
    return {"only_a": only_a, "only_b": only_b, "p": p, "odds_ratio": ratio}, None
