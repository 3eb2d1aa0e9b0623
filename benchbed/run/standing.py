"""Whether the result that lies in a run folder still stands: everything that it was made from is the same.

Scoring hundreds of cells, with their intervals, takes as long as a short run computes, and gives the same figures from
the same predictions. So the end of a run notes a digest of whatever its figures follow from; while that is the same,
the same command takes the figures from its record, and says in it what became of this run. What cannot be seen here,
such as attacks, measured times, or programs of somebody else that an option or a variable names, is scored anew each
time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchbed.errors import BenchbedError
from benchbed.provenance import code_hash, package_versions, versions
from benchbed.results.record import Result
from benchbed.results.store import read
from benchbed.run.job.policy import Reuse
from benchbed.run.journal import last_event
from benchbed.run.preparing.prepare import identity_of
from benchbed.seal import digest as digest_of
from benchbed.suite.conditions import AttackCondition
from benchbed.suite.model import Profile

if TYPE_CHECKING:
    import pandas as pd

    from benchbed.data.dataset import Dataset
    from benchbed.run.job.prepared import Prepared
    from benchbed.run.job.settings import Settings

#: Variables that name no file that a figure follows from, beside those that the data's own description covers.
_KNOWN = frozenset(
    f"BENCHBED_{name}"
    for name in (
        "AUDIO_GB",
        "CACHE",
        "CONFIG",
        "DATA",
        "FORK",
        "ISOLATE",
        "LINKS",
        "LONG",
        "REALDATA",
        "MALLOPT",
        "STARTED_BY",
        "TRUST_CHECKPOINT",
    )
)
#: What scores beside the packages that a record names.
_SCORERS = ("sklearn", "sed_scores_eval", "pydantic")


def basis(prepared: Prepared, settings: Settings) -> str | None:
    """A digest of what the figures of a run follow from beside its predictions; None where that cannot be told.

    Parameters
    ----------
    prepared : Prepared
        The run, before thresholds are chosen.
    settings : Settings
    """
    suite = prepared.loaded_suite.suite
    if _measured(prepared) or prepared.adapter.replays or prepared.loaded_adapter.source is None or settings.verify:
        return None
    named = any(
        isinstance(value, str) and Path(value).expanduser().exists() for value in suite.metrics.options.values()
    )
    if named or any(name.startswith("BENCHBED_") and name not in _KNOWN for name in os.environ):
        return None  # files and programs of somebody else may be named there
    key = {
        "code": code_hash("."),
        "versions": [versions(), package_versions(_SCORERS)],
        "suite": [prepared.loaded_suite.hash, suite.model_dump(mode="json"), prepared.loaded_suite.overrides],
        "declared": repr(prepared.declared and prepared.declared.suite.model_dump(mode="json")),
        "frozen": repr(prepared.frozen and prepared.frozen.facts),
        "model": [identity_of(prepared.loaded_adapter), prepared.weights, prepared.name, prepared.place.identity],
        "states": dict(prepared.job.states),
        "cards": {split: repr(adapter.card) for split, adapter in prepared.adapters.items()},
        "spec": [prepared.loaded_adapter.spec, repr(prepared.loaded_adapter.options), repr(prepared.job.recipe)],
        "data": [_described(prepared.source.dataset), prepared.source.layout, prepared.index_hash],
        "settings": [settings.limit, settings.seed, settings.batch_size, prepared.job.device, settings.keep_attacked],
        "facts": repr(prepared.job.facts),
        "remarks": prepared.remarks,
        "reference": _content(prepared),
    }
    return _hashed(key)


def resting(basis: str | None, units: Mapping[str, str]) -> str | None:
    """A digest of everything that figures follow from.

    Parameters
    ----------
    basis : str or None
        What `basis` gave before anything was computed.
    units : mapping of str to str
        Name of each unit of predictions, those that thresholds are chosen by included → digest of its content.

    Examples
    --------
    >>> resting("a", {"u": "1"}) == resting("a", {"u": "2"}), resting(None, {})
    (False, None)
    """
    return None if basis is None else _hashed([basis, dict(units)])


def _hashed(content: object) -> str:
    text = json.dumps(content, sort_keys=True, default=repr)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def standing(folder: Path, settings: Settings, key: str | None) -> Result | None:
    """The record of a run folder, if it was made from just this and nothing beside it has changed; else None."""
    if key is None or settings.reuse is not Reuse.MISSING:
        return None
    noted = last_event(folder, "finished") or {}
    if noted.get("basis") != key:
        return None
    with contextlib.suppress(BenchbedError, OSError):
        result = read(folder)
        held = {name: digest_of((folder / name).read_bytes()) for name in result.provenance.artefacts}
        if result.digest == noted.get("record") and held == result.provenance.artefacts:
            return result
    return None


def _measured(prepared: Prepared) -> bool:
    """Something is measured each time, or made by an attack."""
    suite = prepared.loaded_suite.suite
    profile = suite.profile
    timed = isinstance(profile, Profile) and bool(profile.latency or profile.energy)
    return timed or any(isinstance(condition, AttackCondition) for condition in suite.conditions)


def _described(dataset: Dataset) -> dict[str, object]:
    """A dataset with all its splits, since doubts are about training clips, too, and the state of its files."""
    described: dict[str, object] = {}
    for field in fields(dataset):
        if field.name not in ("clips", "events", "root"):
            value = getattr(dataset, field.name)
            described[field.name] = sorted(value) if isinstance(value, frozenset) else value
    described["clips"] = _table(dataset.clips)
    described["events"] = None if dataset.events is None else _table(dataset.events)
    state, root = hashlib.blake2b(digest_size=16), os.fspath(dataset.root)
    for path in dict.fromkeys(dataset.clips["path"]):
        try:
            found = os.stat(os.path.join(root, path))
        except OSError:
            state.update(b"missing")
            continue
        state.update(f"{found.st_size},{found.st_mtime_ns},{found.st_ctime_ns};".encode())
    described["files"] = state.hexdigest()
    return described


def _table(table: pd.DataFrame) -> str:
    made = hashlib.blake2b(repr(list(table.columns)).encode(), digest_size=16)
    for name in table.columns:
        column = table[name].to_numpy()
        if column.dtype == object:
            made.update("\0".join(map(repr, column.tolist())).encode(errors="surrogateescape"))
        else:
            made.update(str(column.dtype).encode() + np.ascontiguousarray(column).tobytes())
    return made.hexdigest()


def _content(prepared: Prepared) -> str | None:
    """Digest of the file of reference errors that the suite names."""
    named = prepared.loaded_suite.suite.metrics.mce_reference
    if named is None:
        return None
    try:
        return digest_of((prepared.loaded_suite.path.parent / named).read_bytes())
    except OSError as error:
        return str(error)
