"""DCASE 2026 Task 2: two channels, the left of a microphone near the machine and the right of one far from it."""

from __future__ import annotations

from pathlib import Path

from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts
from benchbed.data.machines import Season, machine_sounds

FACTS = Facts(
    title="DCASE 2026 Task 2",
    source="https://dcase.community/challenge2026",
    licence="as the records of its parts state it",
    citation=("DCASE 2026 Challenge Task 2: noise-aware anomalous sound detection."),
    version="2026",
)
SEASON = Season(
    2026,
    FACTS,
    machines=(),
    sections=(),
)


def read(root: Path) -> Dataset:
    """Read the splits `train` and `test`, and of the evaluation set `eval_train` and `eval_test` where they are there.

    Which machines and sections it has is not held to a list.

    Parameters
    ----------
    root : Path
        Folder with the machines' folders below it (`dev_data/fan/test/…`), the evaluator's files beside them where
        evaluation clips are to be scored; or these files alone, for stored scores.

    Raises
    ------
    DataError
        Clips of another year, a name that says nothing, or a clip whose state nobody states.
    """
    return machine_sounds(root, SEASON)
