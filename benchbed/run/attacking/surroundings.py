"""Measured rooms, loudspeakers and noises of an attack over the air, from the user's folders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from benchbed.errors import ConfigError
from benchbed.perturb.files import RecordingFolder, open_folder
from benchbed.perturb.rooms import align
from benchbed.suite.conditions import AttackCondition

if TYPE_CHECKING:
    from benchbed.attack.air import Surroundings
    from benchbed.run.computing.engine import Engine

#: Options of an attack that are folders of recordings.
FOLDERS = ("rooms", "loudspeakers", "background")


def folders_of(condition: AttackCondition) -> dict[str, RecordingFolder]:
    """The folders that a condition names, checked.

    Raises
    ------
    ConfigError
        No such folder, files in it that are no audio, or too few to hold one back.
    """
    found = {}
    for name in FOLDERS:
        path = condition.options.get(name)
        if path is None:
            continue
        if not isinstance(path, str):
            raise ConfigError(f"the option '{name}' is {path!r}", hint="the path of a folder of recordings")
        found[name] = open_folder(path)
        if name != "background" and len(found[name].files) < 2:
            raise ConfigError(
                f"one of the {name} is held back to be judged in, and {path} has {len(found[name].files)}",
                hint="give a folder of two recordings or more",
            )
    return found


def facts_of(condition: AttackCondition) -> Mapping[str, object]:
    """What the record and the cache key say about the folders of a condition."""
    return {name: dict(folder.facts()) for name, folder in folders_of(condition).items()}


def surroundings_of(engine: Engine, condition: AttackCondition) -> Surroundings | None:
    """Measured surroundings at the model's rate, loaded once; None where a condition names no folder."""
    folders = folders_of(condition)
    if not folders:
        return None
    key = ("surroundings", *(f"{name}:{folder.digest}" for name, folder in folders.items()))
    return engine.once(key, lambda: _measured(folders, engine.card.sample_rate, engine.job.seed))


def _measured(folders: Mapping[str, RecordingFolder], sample_rate: int, seed: int) -> Surroundings:
    from dataclasses import replace

    from benchbed.attack.air import Surroundings, split

    made = Surroundings.synthetic(sample_rate, seed)
    told = []
    for name, folder in folders.items():
        names = [path.relative_to(folder.path).as_posix() for path in folder.files]
        waveforms = [folder.load(i, sample_rate).mean(axis=0, dtype=np.float32)[None] for i in range(len(names))]
        if name == "background":
            made = replace(made, background=tuple(one[0] for one in waveforms))
        else:
            responses = [align(one)[0] / np.linalg.norm(one) for one in waveforms]
            seen, unseen = split(responses, names)
            if name == "rooms":
                made = replace(made, rooms=seen, unseen_rooms=unseen)
            else:
                made = replace(made, loudspeakers=seen, unseen_loudspeakers=unseen)
        told.append(f"{len(names)} measured {name}")
    return replace(made, told=", ".join(told))
