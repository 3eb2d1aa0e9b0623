"""Two models of one name, told apart wherever their names are printed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchbed.results.record import Result


def apart(
    results: Sequence[tuple[Path, Result]], earlier: Sequence[tuple[Path, Result]] = ()
) -> tuple[list[tuple[Path, Result]], list[tuple[Path, Result]]]:
    """Runs and earlier records in which two models of one name have two names.

    Who a model is does not follow from its name: two runs of one name are one model over time only if the record says
    that they are (`identity`), or if the same was loaded (`fingerprint`). Others get a short suffix each.
    """
    owners: dict[str, list[tuple[set[str], set[str]]]] = {}
    for _, result in (*results, *earlier):
        model = result.model
        if not model.identity:
            continue  # a record from before there were identities says nothing about it
        groups = owners.setdefault(model.name, [])
        mine = [known for known in groups if model.identity in known[0] or model.fingerprint in known[1]]
        joined = {model.identity}.union(*(known[0] for known in mine)), {model.fingerprint}.union(*(h[1] for h in mine))
        owners[model.name] = [*(known for known in groups if known not in mine), joined]

    def named(result: Result) -> Result:
        groups = owners.get(result.model.name, [])
        if len(groups) < 2 or not result.model.identity:
            return result
        identities = next(known[0] for known in groups if result.model.identity in known[0])
        suffix = min(identities)[:6]
        if result.model.name.endswith(f"-{suffix}"):
            return result
        model = result.model.model_copy(update={"name": f"{result.model.name}-{suffix}"})
        return result.model_copy(update={"model": model})

    return [(path, named(one)) for path, one in results], [(path, named(one)) for path, one in earlier]
