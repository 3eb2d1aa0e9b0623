"""Which runs stand for one thing: the seeds of one model, or the models of one family."""

from __future__ import annotations

import re
from collections.abc import Sequence

from benchbed.compare.runs import OpenRun
from benchbed.compare.sides import Side

#: Options that make another draw of the same model.
SEED_OPTIONS = ("seed",)


def seeds(runs: Sequence[OpenRun], options: Sequence[str] = SEED_OPTIONS) -> list[Side]:
    """Runs that differ in their seed only as one side each, in the order of their first member.

    Two runs of one seed are two things to be compared, such as a model before and after it was trained again: no second
    draw of anything, so they never share a side.
    """
    found: list[tuple[tuple, dict[tuple, OpenRun]]] = []
    for run in runs:
        model = run.result.model
        rest = {k: v for k, v in model.options.items() if k not in options}
        # A checkpoint per seed is named after it.
        alike = {k: re.sub(r"seed[-_=]?\d+", "seed", str(v)) for k, v in rest.items()}
        key = (model.adapter_hash, _stem(model.name, options), repr(sorted(alike.items())))
        draw = (repr(sorted(model.options.items())), run.result.provenance.seed)
        side = next((members for known, members in found if known == key and draw not in members), None)
        if side is None:
            found.append((key, side := {}))
        side[draw] = run
    return [
        Side(next(iter(members.values())).name, tuple(members.values()))
        if len(members) == 1
        else Side(key[1], tuple(members.values()), "seeds")
        for key, members in found
    ]


def families(runs: Sequence[OpenRun]) -> list[Side]:
    """One side per model family."""
    found: dict[str, list[OpenRun]] = {}
    for run in runs:
        found.setdefault(run.result.model.family, []).append(run)
    return [Side(name, tuple(members), "family") for name, members in found.items()]


def _stem(name: str, options: Sequence[str]) -> str:
    for option in options:
        name = re.sub(rf"(?<=[\[,]){re.escape(option)}=[^,\]]*,?", "", name)
    return name.replace("[]", "").replace(",]", "]")
