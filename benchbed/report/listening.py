"""Sounds and spectrograms of the clips that were kept for listening, taken into a page whole."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from markupsafe import Markup

from benchbed.results.listening import Listened, Listening, Sound, file_of, read_listening

#: Bytes of sounds and pictures that one page carries.
CARRIED = 1_500_000
#: Reasons of recordings that stand in a timeline, in a ranked list or on a card.
_TIMED = ("worst", "typical", "best", "ranked")
_TYPES = {"mp3": "audio/mpeg", "png": "image/png"}


@dataclass(frozen=True)
class EmbeddedSound:
    """One sound with its data."""

    sound: Sound
    audio: Markup
    picture: Markup


@dataclass(frozen=True)
class ClipSounds:
    """One clip with its sounds."""

    clip: Listened
    sounds: list[EmbeddedSound]


@dataclass(frozen=True)
class Clips:
    """What a page embeds."""

    about: Listening
    clips: list[ClipSounds]
    left_out: int


def read(run: Path) -> Clips | None:
    """What a run kept for listening, up to the weight that a page may have; none if it kept nothing and lacks nothing.

    Raises
    ------
    ConfigError
        The folder's index does not fit.
    """
    about = read_listening(run)
    if about is None or not (about.clips or about.lacking):
        return None
    found, weight = [], 0
    for clip in about.clips:
        files = [(sound, file_of(run, sound.audio), file_of(run, sound.spectrogram)) for sound in clip.sounds]
        heard = [
            EmbeddedSound(sound, _data(sound.audio, audio), _data(sound.spectrogram, picture))
            for sound, audio, picture in files
            if audio is not None and picture is not None
        ]
        size = sum(len(one.audio) + len(one.picture) for one in heard)
        if not heard or weight + size > CARRIED:
            continue
        weight += size
        found.append(ClipSounds(clip, heard))
    return Clips(about, found, len(about.clips) - len(found)) if found or about.lacking else None


def apart(held: Clips | None) -> tuple[Clips | None, dict[tuple[str, str], ClipSounds]]:
    """Clips that have a section of their own, and those that stand in a timeline or a list, by cell and recording."""
    if held is None:
        return None, {}
    timed = {(one.clip.cell, one.clip.clip_id): one for one in held.clips if one.clip.why in _TIMED}
    others = [one for one in held.clips if one.clip.why not in _TIMED]
    return (replace(held, clips=others) if others else None), timed


@dataclass(frozen=True)
class Unchanged:
    """Sounds of clips as they are, of several runs."""

    licence: str
    citation: str
    sounds: Mapping[str, EmbeddedSound]


def unchanged(runs: Iterable[Path], clips: Collection[str]) -> Unchanged | None:
    """Sounds of `clips` as they are, from the first of `runs` that kept each; none if no run kept one.

    Raises
    ------
    ConfigError
        The index of a run's folder does not fit.
    """
    sounds: dict[str, EmbeddedSound] = {}
    about: Listening | None = None
    for run in runs:
        if not set(clips) - set(sounds):
            break
        kept = read(run)
        if kept is None or (about is not None and kept.about.licence != about.licence):
            continue  # one licence is named above the cards
        for one in kept.clips:
            clean = next((each for each in one.sounds if each.sound.kind == "clean"), None)
            if clean is not None and one.clip.clip_id in clips:
                sounds.setdefault(one.clip.clip_id, clean)
                about = kept.about
    return Unchanged(about.licence, about.citation, sounds) if about is not None else None


def _data(name: str, content: bytes) -> Markup:
    return Markup(f"data:{_TYPES[name.rpartition('.')[2]]};base64,{base64.b64encode(content).decode()}")
