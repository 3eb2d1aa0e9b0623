"""Embeddings of the clips of a training split, made once for a model and a split, and kept by all that they rest on."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchbed.adapter.asking import told
from benchbed.adapter.contract import Adapter
from benchbed.adapter.digests import digest_of
from benchbed.adapter.encoder import Encoder
from benchbed.cache import cache_folder
from benchbed.card import Card
from benchbed.code import closure
from benchbed.errors import AdapterError, AudioError, BenchbedError, DataError
from benchbed.run.computing.whole import decode, to_model
from benchbed.run.computing.windows import to_windows
from benchbed.types import Batch
from benchbed.whole import write_whole

if TYPE_CHECKING:
    import pandas as pd

#: Inputs of one call.
BATCH = 16


@dataclass(frozen=True)
class Vectors:
    """Embeddings of clips.

    Attributes
    ----------
    values : np.ndarray [shape=(vector, feature), float32]
    clip : np.ndarray [shape=(vector,), int64]
        Row of the table that each is of.
    moment : np.ndarray [shape=(vector,), float64]
        Seconds into the clip that each is about: the centre of a frame; 0 for whole clips.
    skipped : tuple of str
        Clips that could not be read, and why.
    key : str
        Names all that they rest on.
    """

    values: np.ndarray
    clip: np.ndarray
    moment: np.ndarray
    skipped: tuple[str, ...]
    key: str


def vectors_of(
    adapter: Adapter,
    encoder: Encoder,
    table: pd.DataFrame,
    root: Path,
    *,
    audio_rate: int | None,
    overlapping: tuple[float, float] | None,
    identity: Mapping[str, object],
    digests: Mapping[str, str],
) -> Vectors:
    """Embed the clips of a table, or take them from where they were kept.

    Parameters
    ----------
    adapter : Adapter
        Loaded.
    encoder : Encoder
        Its vectors.
    table : DataFrame
        The clips.
    root : Path
        What their paths are relative to.
    audio_rate : int or None
        The suite's rate, which clips go through.
    overlapping : tuple of float, optional
        Length and hop of the suite's windows in seconds.
    identity : mapping
        What tells the model from any other.
    digests : mapping
        Path of a clip → digest of its content.

    Raises
    ------
    AdapterError
        Vectors of another width than before, or that are not finite; the message names the clip.
    DataError
        No clip of the split can be read.
    """
    clips = [
        [str(row["clip_id"]), digests.get(str(row["path"]), ""), repr(row["onset"]), repr(row["duration"])]
        for row in table[["clip_id", "path", "onset", "duration"]].to_dict("records")
    ]
    code = closure("benchbed.run.probing.vectors").digest
    key = digest_of([dict(identity), clips, audio_rate, overlapping, encoder.hop, encoder.source, code])
    place = cache_folder() / "probes" / f"{key}.npz"
    kept = _read(place, key)
    if kept is None:
        kept = _made(adapter, encoder, table, root, audio_rate, overlapping, key)
        file = io.BytesIO()
        np.savez(
            file, values=kept.values, clip=kept.clip, moment=kept.moment, skipped=np.array(kept.skipped, dtype=str)
        )
        place.parent.mkdir(parents=True, exist_ok=True)
        write_whole(place, file.getvalue())
    return kept


def _read(place: Path, key: str) -> Vectors | None:
    try:
        with np.load(place, allow_pickle=False) as file:
            skipped = tuple(str(each) for each in file["skipped"])
            return Vectors(file["values"], file["clip"], file["moment"], skipped, key)
    except (OSError, ValueError, KeyError, EOFError):
        return None


def _made(
    adapter: Adapter,
    encoder: Encoder,
    table: pd.DataFrame,
    root: Path,
    audio_rate: int | None,
    overlapping: tuple[float, float] | None,
    key: str,
) -> Vectors:
    card, over_time = adapter.card, encoder.hop is not None
    values: list[np.ndarray] = []
    clip: list[int] = []
    moment: list[float] = []
    skipped: list[str] = []
    for number, row in enumerate(table.to_dict("records")):
        try:
            heard = decode(root, row, audio_rate)  # type: ignore[arg-type]
        except AudioError as error:
            skipped.append(f"{row['clip_id']}: {error.what}")
            continue
        inputs, starts = _inputs(heard.waveform, heard.sample_rate, card, over_time, overlapping)
        for first in range(0, len(inputs), BATCH):
            part = np.stack(inputs[first : first + BATCH])
            lengths = np.full(len(part), part.shape[2], np.int64)
            try:
                embedded = encoder.hear(Batch(part, lengths, card.sample_rate))
            except BenchbedError:
                raise
            except Exception as error:
                raise AdapterError(
                    f"{card.name} raised {told(error)} at the embedding of {row['clip_id']}",
                    hint="run `benchbed check` on the adapter",
                ) from error
            if len(embedded) != len(part):
                raise AdapterError(
                    f"{card.name} gave {len(embedded)} embeddings of {len(part)} inputs, of {row['clip_id']}",
                    hint="a row for each of the batch",
                )
            if embedded.shape[-1] != encoder.width:
                raise AdapterError(
                    f"{card.name} embeds {row['clip_id']} in {embedded.shape[-1]} features, and clips before it in "
                    f"{encoder.width}",
                    hint="the width of embeddings must not depend on the clip",
                )
            if not np.isfinite(embedded).all():
                raise AdapterError(
                    f"the embedding of {row['clip_id']} by {card.name} is not finite",
                    hint="run `benchbed check` on the adapter; silence or short clips may divide by nothing",
                )
            for start, one in zip(starts[first : first + BATCH], embedded):
                of_input = one if over_time else one[None]
                values.append(of_input.astype(np.float32))
                clip += [number] * len(of_input)
                steps = np.arange(len(of_input)) + 0.5
                moment += (start + steps * (encoder.hop or 0.0)).tolist()
    if not values:
        first_reason = skipped[0] if skipped else "the split is empty"
        raise DataError(f"no clip of the training split could be embedded: {first_reason}")
    return Vectors(np.concatenate(values), np.array(clip), np.array(moment), tuple(skipped), key)


def _inputs(
    waveform: np.ndarray, rate: int, card: Card, over_time: bool, overlapping: tuple[float, float] | None
) -> tuple[list[np.ndarray], list[float]]:
    """What the model hears of one clip, as it hears scored ones, and where in the clip each input begins."""
    seconds = waveform.shape[1] / rate
    length = card.clip_seconds
    step = length
    if not over_time:
        if overlapping is not None:
            length, step = card.clip_seconds or overlapping[0], overlapping[1]
        elif card.window_hop is not None:
            step = card.window_hop
        else:
            length = None
    if length is None or (not over_time and seconds <= length):
        return [to_model(waveform, rate, card).waveform], [0.0]
    assert step is not None
    windows = (length, step) if step != length else None
    whole = to_windows(waveform, rate, card, windows).waveform
    window, hop = round(length * card.sample_rate), round(step * card.sample_rate)
    starts = range(0, whole.shape[1] - window + 1, hop)
    return [whole[:, start : start + window] for start in starts], [start / card.sample_rate for start in starts]
