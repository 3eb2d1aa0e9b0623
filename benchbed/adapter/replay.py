"""Answers of a system that nobody can run, in the place of a model."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchbed.adapter.contract import Adapter
from benchbed.errors import AdapterError
from benchbed.outputs.contract import Foreign, Output
from benchbed.types import Batch

if TYPE_CHECKING:
    import pandas as pd


class Replay(Adapter):
    """An adapter that looks answers up instead of computing them: it needs no audio, and cannot be perturbed.

    Attributes
    ----------
    path : Path
        Where the answers come from.
    lists : bool
        Whether its answers are lists of events, for which no threshold can be chosen.
    """

    replays = True
    lists: bool = False
    path: Path

    @abstractmethod
    def answers(
        self,
        output: Output,
        clips: pd.DataFrame,
        labels: Sequence[str],
        means: Mapping[str, Sequence[str]],
        needed: Sequence[str],
    ) -> Foreign:
        """Answers for clips, a row for each.

        Parameters
        ----------
        output : Output
            What is asked.
        clips : pandas.DataFrame
            Table of all clips that the answers may be about.
        labels : sequence of str
            Classes of the dataset.
        means : mapping of str to sequence of str
            Class of the dataset → classes of the card that mean it.
        needed : sequence of str
            Ids of the clips that must have an answer.
        """

    def predict(self, batch: Batch) -> np.ndarray:
        """Nothing is computed here.

        Raises
        ------
        AdapterError
            Always.
        """
        raise AdapterError(f"{self.card.name} holds stored answers, which are looked up and not computed from audio")
