"""Adversarial sounds of a folder, as the model under test hears them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from benchbed import audio
from benchbed.attack.folder import AttackedFolder, open_attacked
from benchbed.errors import AudioError, ConfigError
from benchbed.run.attacking.goal import AttackedClip
from benchbed.suite.conditions import AttackCondition

if TYPE_CHECKING:
    from benchbed.run.attacking.view import View
    from benchbed.run.computing.engine import Engine

#: The attack whose points lie in a folder, and its option.
ATTACK, OPTION = "from_folder", "folder"


def folder_of(condition: AttackCondition) -> AttackedFolder | None:
    """The folder that a condition takes its sounds from.

    Raises
    ------
    ConfigError
        None is named, or it cannot be read.
    """
    if condition.attack != ATTACK:
        return None
    path = condition.options.get(OPTION)
    if not isinstance(path, str):
        raise ConfigError(f"the attack {ATTACK} needs adversarial sounds", hint=f"options: {{{OPTION}: PATH}}")
    folder, source = open_attacked(path), condition.options.get("source")
    return replace(folder, source=str(source)) if source else folder


def offered_of(
    engine: Engine, condition: AttackCondition, view: View, samples: Sequence[AttackedClip]
) -> dict[str, tuple[np.ndarray, ...]]:
    """Clip → sounds of the folder `[channel, sample]` at the model's input; a file that cannot be read is none."""
    folder = folder_of(condition)
    if folder is None:
        return {}
    found: dict[str, tuple[np.ndarray, ...]] = {}
    for sample in samples:
        clip = engine.shard.clip_id(sample.index)
        sounds = []
        for path in folder.of(clip):
            try:
                waveform, rate = audio.read(path)
            except AudioError:
                continue
            wanted = sample.made.waveform.shape
            if rate != view.card.sample_rate or waveform.shape != wanted:
                # At the rate of the data set it goes the way of the clip itself.
                waveform = view.input(replace(sample.clip, waveform=waveform, sample_rate=rate)).waveform
            sounds.append(np.asarray(waveform, dtype=np.float32))
        found[clip] = tuple(sounds)
    return found
