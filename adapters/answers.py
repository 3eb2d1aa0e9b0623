"""Answers of another program to any kind of output that can read its files, in place of a model that nobody can run.

    benchbed score SUITE answers.csv
    benchbed run SUITE --model adapters/answers.py --set output=KIND --set file=answers.csv

The kind of output itself knows the form of its files (`Output.foreign`). Stored answers cannot be perturbed: such a run
has clean conditions only.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from benchbed.adapter import Adapter, Card
from benchbed.adapter.labels import read_labels
from benchbed.errors import AdapterError, ConfigError
from benchbed.outputs import output_of

RATE = 8000


class Answers(Adapter):
    """Replays answers from a file.

    Parameters
    ----------
    file : Path
        A file or folder, as the kind of output reads it.
    output : str
        Kind of output.
    labels : str
        Classes in order, as a file or names separated by commas, for outputs with classes.
    name, licence, trained_on : card
        Fields of the card.
    """

    #: Such an adapter replays what was stored: it needs clip ids, never listens, and cannot be perturbed.
    replays = True

    def __init__(
        self,
        *,
        file: Path,
        output: str,
        labels: str = "",
        name: str = "",
        licence: str = "",
        trained_on: tuple[str, ...] = (),
    ) -> None:
        self.path = Path(file)
        if not self.path.exists():
            raise ConfigError("there is no file of answers", where=str(self.path))
        self.card = Card(
            name=name or self.path.stem,
            family="other",
            output=output,
            labels=read_labels(labels) if labels else (),
            sample_rate=RATE,  # the audio is not listened to
            side_information=("clip_id",),
            licence=licence,
            description=f"replayed from {self.path.name}",
            trained_on=trained_on,
        )

    def meet(self, clips: pd.DataFrame) -> list[str]:
        """Say which answers are about none of a run's clips."""
        return output_of(self.card.output).unused(self.path, clips)

    def predict(self, batch) -> np.ndarray:
        """Answers to the batch's clips."""
        if "clip_id" not in batch.side:
            raise AdapterError("stored answers are found by clip id, and the batch carries none")
        clips = pd.DataFrame({name: list(values) for name, values in batch.side.items()})
        return output_of(self.card.output).foreign(self.path, clips, self.card.labels)

    def weights(self) -> list[Path]:
        below = sorted(self.path.rglob("*")) if self.path.is_dir() else [self.path]
        return [file for file in below if file.is_file()]
