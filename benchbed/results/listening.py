"""Clips kept for listening beside a run: which, why, and their audio and spectrograms in small files.

The runner writes `listen/clips.json` and the files that it names; pages read them through this module, which lets no
name leave the folder and no file be large.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from benchbed.errors import ConfigError
from benchbed.results.record import Record
from benchbed.seal import check, unseal

FOLDER = "listen"
INDEX = "clips.json"
#: Largest file that a page takes in.
LARGEST = 200_000

_AGAIN = "run the suite again; stored predictions are reused"
_NAME = re.compile(r"[a-z0-9-]{1,80}\.(mp3|png)")
_LICENCE = re.compile(
    r"^(cc0(-1\.0)?|public domain|pddl|cc[ -]by(-nc)?(-sa)?( \d\.\d|-\d\.\d)?|mit|apache-2\.0)\b", re.IGNORECASE
)


class Sound(Record):
    """One sound: the clip as it is, perturbed, or what was added."""

    kind: Literal["clean", "perturbed", "difference"]
    """Which of the three."""
    audio: str
    """File in the folder."""
    spectrogram: str
    """File in the folder."""
    output: str | None = None
    """What the model said."""
    confidence: float | None = None
    """With which probability."""
    score: float | None = None
    """Of tags and of events under attack: what the clip scores by the rule that decides whether it is broken."""
    other_output: str | None = None
    """What the other model said, for a disagreement."""
    other_confidence: float | None = None
    """With which probability."""


#: Why a clip was chosen; `worst` and `typical` are recordings of the event timelines.
Reason = Literal["worst drop", "flipped", "attacked", "disagreement", "worst", "typical", "best", "ranked"]


class Listened(Record):
    """One clip under one condition."""

    clip_id: str
    """The clip."""
    label: str
    """Its class, or the classes of its events."""
    why: Reason
    """Why it was chosen; `worst` and `typical` are recordings of the event timelines."""
    condition: str
    """Condition in words."""
    cell: str
    """Key of the cell."""
    other: str | None = None
    """The other model, for a disagreement."""
    sample_rate: int
    """Of the sounds before compression."""
    seconds: float
    """Length."""
    start: float = 0.0
    """Where in the recording the sounds begin, in seconds."""
    playback: str = ""
    """How the channels of the recording were made two, in words; empty where they are played as one."""
    gain: float = 1.0
    """Factor on the difference, which is often too soft to be heard."""
    sounds: list[Sound]
    """Clean, perturbed, difference."""


class Listening(Record):
    """Everything kept for listening."""

    licence: str
    """Licence of the data, which allows it."""
    citation: str = ""
    """Whom to name."""
    frequency: float = 0.0
    """Highest frequency of the spectrograms in Hz."""
    clips: list[Listened] = Field(default_factory=list)
    """Clips, in the order of importance."""
    digests: dict[str, str] = Field(default_factory=dict)
    """File → its digest."""
    lacking: list[str] | None = None
    """What was chosen and could not be kept, and why, in words; None where nothing is missing."""

    @property
    def files(self) -> list[str]:
        """Names of the files, each once."""
        return list(dict.fromkeys(n for clip in self.clips for s in clip.sounds for n in (s.audio, s.spectrogram)))


def may_publish(licence: str) -> bool:
    """Whether a licence lets changed excerpts be passed on; what does not say so does not.

    Examples
    --------
    >>> [may_publish(text) for text in ("CC0-1.0", "CC BY 4.0", "CC BY-NC 3.0 as a whole; …", "CC BY-ND 4.0", "")]
    [True, True, True, False, False]
    """
    return _LICENCE.match(licence.strip()) is not None and "nd" not in re.split(r"[ -]", licence.lower())


def read_listening(run: Path) -> Listening | None:
    """Clips kept beside a run, or none.

    Raises
    ------
    ConfigError
        The index does not fit, or names a file outside its folder.
    DamagedError
        The index, or a file that it names, is not as it was written.
    """
    folder = (run if run.is_dir() else run.parent) / FOLDER
    path = folder / INDEX
    if not path.is_file():
        return None
    try:
        held, _ = unseal(path.read_bytes(), path, again=_AGAIN)
        found = Listening.model_validate(held)
    except (OSError, ValueError, ValidationError) as error:
        raise ConfigError(f"the clips for listening cannot be read ({error})", where=str(path)) from error
    for name in found.files:
        if not _NAME.fullmatch(name):
            raise ConfigError(f"'{name}' is not a file of this folder", where=str(path))
        if (folder / name).is_file() and (folder / name).stat().st_size <= LARGEST:
            check((folder / name).read_bytes(), found.digests.get(name, ""), folder / name, again=_AGAIN)
    return found


def file_of(run: Path, name: str) -> bytes | None:
    """A file of the folder, or none if it is missing or too large for a page."""
    path = (run if run.is_dir() else run.parent) / FOLDER / name
    if not _NAME.fullmatch(name) or not path.is_file() or path.stat().st_size > LARGEST:
        return None
    return path.read_bytes()
