"""Transfer from several models, each for itself: the worst case over them, and what each alone would have done.

From the flags for each source follows the matrix of models attacked and models attacked through.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchbed.attack.ensemble import Level, levels
from benchbed.attack.threat import FeatureThreat, Threat, per_clip

if TYPE_CHECKING:
    from benchbed.run.attacking.setting import Setting

#: Column of a clip's flag for one source, and how the source's figures are called in the record.
COLUMN, GROUP = "withstood:", "source="


def names_of(specs: Iterable[str]) -> dict[str, str]:
    """Short names of the models that attacks are made on.

    Examples
    --------
    >>> names_of(["adapters/cnn.py", "adapters/passt.py"])
    {'adapters/cnn.py': 'cnn', 'adapters/passt.py': 'passt'}
    >>> names_of(["a/cnn.py", "b/cnn.py"])
    {'a/cnn.py': 'a/cnn.py', 'b/cnn.py': 'b/cnn.py'}
    """
    given = list(specs)
    times = Counter(Path(spec).stem for spec in given)
    return {spec: Path(spec).stem if times[Path(spec).stem] == 1 else spec for spec in given}


def apart(
    setting: Setting, budgets: Sequence[Threat] | Sequence[FeatureThreat]
) -> tuple[list[Level], list[dict[str, Sequence[object]]]]:
    """Levels of the worst case over all sources, and at each budget a column for every source: who withstood it.

    Every source meets every clip that it has not broken itself, whatever the others did.

    Parameters
    ----------
    setting : Setting
        A batch of a lone `transfer`.
    budgets : sequence of Threat
        Mildest first.
    """
    found: list[Level] = []
    flags: list[dict[str, Sequence[object]]] = [{} for _ in budgets]
    for spec, name in names_of(setting.sources).items():
        one = replace(setting, sources={spec: setting.sources[spec]})
        mine = levels(one.problem, budgets, setting.ensemble, alone=setting.alone, seeds=setting.seed)
        for held, level in zip(flags, mine):
            held[f"{COLUMN}{name}"] = (~level.outcome.broken).tolist()
        found = [_worse(*pair) for pair in zip(found, mine)] if found else mine
    return found, flags


def _worse(one: Level, other: Level) -> Level:
    """For every clip what the stronger of two sources did."""
    import torch

    mine, theirs = one.outcome, other.outcome
    stronger = theirs.margin < mine.margin
    outcome = replace(
        mine,
        points=torch.where(per_clip(stronger, mine.points), theirs.points, mine.points),
        margin=torch.where(stronger, theirs.margin, mine.margin),
        step=torch.where(stronger, theirs.step, mine.step),
        by=[b if take else a for a, b, take in zip(mine.by, theirs.by, stronger.tolist())],
    )
    # The floor is the same noise for both; a clip is carried where the source that broke it did so at a milder budget.
    return replace(one, outcome=outcome, carried=one.carried | other.carried, black=one.black | other.black)
