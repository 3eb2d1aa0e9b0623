"""Where directions are asked for, channels must be those that the model hears and a perturbation is made for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from benchbed import audio
from benchbed.card import Card
from benchbed.errors import AudioError, ConfigError
from benchbed.outputs.contract import Output
from benchbed.perturb import resolve
from benchbed.perturb.arrays import ARRAYS, array_of
from benchbed.run.job.source import Source
from benchbed.suite.conditions import CorruptionCondition
from benchbed.suite.load import LoadedSuite

if TYPE_CHECKING:
    import pandas as pd

#: Files of each split whose headers are read.
MOST = 50


def refuse_channels(
    loaded: LoadedSuite, source: Source, clips: Mapping[str, pd.DataFrame], output: Output, cards: Iterable[Card]
) -> None:
    """Refuse clips of another channel count or array than a model's, and corruptions of another array than the clips'.

    Elsewhere channels are mixed, and clips that a corruption is not for are skipped and counted. Where sounds have
    directions, nothing would be left of them.

    Raises
    ------
    ConfigError
        With the clip, its channels and those that are needed.

    Examples
    --------
    >>> from benchbed.outputs import output_of
    >>> "space" in output_of("tracks").moved_by, "space" in output_of("tags").moved_by
    (True, False)
    """
    if "space" not in output.moved_by:
        return
    channels = _channels(source, clips)
    for card in cards:
        for count, path in channels.items():
            if count != card.channels:
                raise ConfigError(
                    f"{card.name} hears {card.channels} channels, {path} has {count}: once mixed, they keep no "
                    "directions",
                    hint=f"another format of the set (data: options: audio), or a model of {count} channels",
                )
            heard = _array(path)
            if card.array and heard and heard != card.array:
                raise ConfigError(
                    f"{card.name} hears {card.array}, and {path} was recorded as {heard}",
                    hint=f"data: options: {{audio: {card.array}}}, or a model of {heard}",
                )
    for index, condition in enumerate(loaded.suite.conditions):
        if isinstance(condition, CorruptionCondition):
            for count, path in channels.items():
                _refuse(condition, count, path, loaded.where("conditions", index))


def _channels(source: Source, clips: Mapping[str, pd.DataFrame]) -> dict[int, str]:
    """Channel count → the first file that has it; files that cannot be read are failures of their clips."""
    found: dict[int, str] = {}
    for table in clips.values():
        for path in list(dict.fromkeys(table["path"]))[:MOST]:
            try:
                found.setdefault(audio.info(source.dataset.root / path).channels, str(path))
            except AudioError:
                continue
    return found


def _array(path: str) -> str | None:
    """The array whose folder a recording of a challenge's set lies in."""
    return next((array for array in ARRAYS if path.startswith(f"{array}_")), None)


def _refuse(condition: CorruptionCondition, channels: int, path: str, where: str | None) -> None:
    corruption = resolve(condition.corruption, condition.parameters, condition.options)
    # The rate is not asked about: what lies above it is skipped clip by clip.
    reasons = [corruption.unavailable(parameter, 1_000_000, channels) for parameter in corruption.parameters]
    if all(reasons):
        what = f"{condition.corruption} cannot be applied to {path}: {reasons[0]}"
        raise ConfigError(what, where=where, hint="leave the condition out for this set")
    heard = _array(path)
    about = None if corruption.preserves_space else "foa"
    if "array" in corruption.option_names:
        about = array_of(condition.options.get("array"), channels)
    if heard is not None and about is not None and heard != about:
        raise ConfigError(
            f"{condition.corruption} is made for {about}, and {path} was heard by {heard}",
            where=where,
            hint=f"options: {{array: {heard}}}"
            if "array" in corruption.option_names
            else "leave the condition out for this set",
        )
