"""Stored answers in the place of a model: looked up by clip, with the lengths that tables give, and no audio."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np

from benchbed import audio
from benchbed.data.dataset import SECONDS, ClipRow
from benchbed.errors import AudioError, DataError
from benchbed.predictions.store import UnitPredictions
from benchbed.run.computing.engine import Engine
from benchbed.run.computing.rows import EvaluatedClip, Rows
from benchbed.run.computing.whole import Clip, ModelInput
from benchbed.run.job.job import Unit


def replayed_unit(engine: Engine, unit: Unit) -> UnitPredictions:
    """Answers to one unit of clean clips.

    Parameters
    ----------
    engine : Engine
        With the unit's clips and the stored answers at hand.
    unit : Unit
        Clips.

    Raises
    ------
    DataError
        A clip has no answer, or one that cannot be about it.
    AudioError
        The length of a clip is not known, and the job says to stop at the first failure.
    """
    cpu, wall = time.process_time(), time.perf_counter()
    job, shard, rows = engine.job, engine.shard, Rows(engine.job, unit)
    replayed, path = engine.replayed(), engine.adapter.path or job.recipe[0]
    for index, record in enumerate(shard.records):
        clip_id = shard.clip_id(index)
        try:
            seconds = length(job.root, record)
        except AudioError as error:
            rows.fail(clip_id, "decode", error)
            continue
        shard.clips[index] = Clip.unheard(seconds)
        try:
            answer, said = job.output.within(replayed[clip_id], seconds)
        except DataError as error:
            raise DataError(f"{error.what} ({clip_id})", where=str(path), hint=error.hint) from error
        one = np.empty(1, dtype=object)
        one[0] = answer
        given = ModelInput(np.zeros((1, 0), np.float32), False, False, False, False)
        for cell in unit.cells:
            rows.add([EvaluatedClip(index, cell, 0, given, note=said)], one)
    info = {
        "cpu_seconds": time.process_time() - cpu,
        "wall_seconds": time.perf_counter() - wall,
        "loose": unit.loose,
    }
    return rows.assemble(shard, info)


def length(root: Path, record: ClipRow) -> float:
    """Length of a clip in seconds: as its table says, or else as the header of its audio does.

    Raises
    ------
    AudioError
        Neither says it.
    """
    numbers = cast("Mapping[str, float]", record)  # as far as these columns go
    known = [float(numbers[name]) for name in ("duration", SECONDS) if name in numbers]
    given = next((seconds for seconds in known if not math.isnan(seconds)), None)
    if given is not None:
        return given
    try:
        return audio.info(root / record["path"]).seconds - float(record["onset"])
    except AudioError as error:
        raise AudioError(
            f"nothing says how long the recording is: {error.what}",
            where=error.where,
            hint="the audio must be there, or a table of durations",
        ) from error
