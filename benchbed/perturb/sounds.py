"""Single sounds with a class each, that can be put into a clip: of the user's folder, or made by the generator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchbed.audio import resample
from benchbed.data.synthesis import RATE
from benchbed.data.synthesis.events import CLASSES, event
from benchbed.errors import ConfigError
from benchbed.perturb.files import open_folder
from benchbed.perturb.soundclasses import by_folder, by_table

#: Synthetic sources of each class; a clip gets one of them.
SOURCES = 8


@dataclass(frozen=True)
class SingleSound:
    """One sound.

    Attributes
    ----------
    name : str
        Its class.
    waveform : np.ndarray [shape=(channel, sample), float32]
        At the rate that was asked for.
    note : str
        What was converted, or an empty text.
    """

    name: str
    waveform: np.ndarray
    note: str = ""


class Sounds:
    """What sounds can be drawn from.

    Parameters
    ----------
    folder : str, optional
        Of recordings; the synthetic generator without one.
    classes : sequence of str, optional
        Those that are drawn; all by default.
    ignore : sequence of str
        Patterns of names that are left out.
    labels : str, optional
        A csv or json file that says the class of every file, of that folder or by its own path; by default the class
        of a file is the folder that it lies in.

    Raises
    ------
    ConfigError
        A folder that cannot be read, a file whose class nobody says, or a class that is not there.
    """

    def __init__(
        self,
        folder: str | None = None,
        classes: Sequence[str] | None = None,
        ignore: Sequence[str] = (),
        labels: str | None = None,
    ) -> None:
        if labels is not None and folder is None:
            raise ConfigError(f"labels {labels} without a folder of sounds", hint="give the folder, too")
        ignore = (ignore,) if isinstance(ignore, str) else tuple(ignore)
        inside = folder is not None and labels is not None and (Path(folder) / labels).is_file()
        self.folder = None if folder is None else open_folder(folder, (*ignore, *((str(labels),) if inside else ())))
        self.files: dict[str, list[int]] = {}
        self._told: Mapping[str, object] = {}
        if self.folder is not None:
            root, files = self.folder.path, self.folder.files
            if labels is None:
                stated = by_folder(root, files)
            else:
                stated = by_table(root, files, root / labels if inside else Path(labels))
            self._told = stated.facts
            for index, name in enumerate(stated.names):
                self.files.setdefault(name, []).append(index)
        known = sorted(self.files if self.folder is not None else CLASSES)
        for name in classes or ():
            if name not in known:
                raise ConfigError(f"there are no sounds of '{name}'", hint=f"there are: {', '.join(known[:12])}")
        self.classes = list(classes or known)

    def facts(self) -> dict[str, object]:
        """What the record says about them."""
        made: dict[str, object] = (
            {"sounds": "synthetic"} if self.folder is None else {**self.folder.facts(), **self._told}
        )
        return {**made, "classes": self.classes}

    def draw(self, sample_rate: int, seconds: float, random: np.random.Generator) -> SingleSound:
        """A sound of at most so many seconds, each class as likely as any other."""
        name = self.classes[int(random.integers(len(self.classes)))]
        if self.folder is None:
            source = int(random.integers(SOURCES))
            made = event(0, name, source, 0, max(1, int(np.ceil(seconds)))).astype(np.float32)[None] / 32768
            waveform, note = resample(made, RATE, sample_rate), ""
        else:
            files = self.files[name]
            index = files[int(random.integers(len(files)))]
            waveform = self.folder.load(index, sample_rate)
            rate = self.folder.rates[index]
            note = "" if rate == sample_rate else f"sound resampled from {rate} Hz"
        return SingleSound(name, _loudest(waveform, round(seconds * sample_rate)), note)


def _loudest(waveform: np.ndarray, samples: int) -> np.ndarray:
    """The stretch of so many samples with the most energy, with edges of 5 ms so that it does not click."""
    if waveform.shape[1] > samples:
        energy = np.concatenate([[0.0], np.cumsum((waveform.astype(np.float64) ** 2).sum(0))])
        start = int(np.argmax(energy[samples:] - energy[:-samples]))
        waveform = waveform[:, start : start + samples]
    return np.ascontiguousarray(waveform, dtype=np.float32)
