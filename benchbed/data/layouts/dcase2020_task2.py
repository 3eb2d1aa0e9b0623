"""DCASE 2020 Task 2: six kinds of machines, each with several ids; no domains."""

from __future__ import annotations

from pathlib import Path

from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts
from benchbed.data.machines import Season, machine_sounds

FACTS = Facts(
    title="DCASE 2020 Task 2",
    source="https://dcase.community/challenge2020 (evaluation clips: https://zenodo.org/records/3841772)",
    licence="as the records of its parts state it",
    citation=(
        "Y. Koizumi, Y. Kawaguchi, K. Imoto, et al.: Description and discussion on DCASE2020 Challenge Task2: "
        "Unsupervised anomalous sound detection for machine condition monitoring. DCASE 2020 Workshop, 81-85."
    ),
    version="2020",
)
SEASON = Season(
    2020,
    FACTS,
    machines=("fan", "pump", "slider", "valve", "ToyCar", "ToyConveyor"),
    sections=("00", "01", "02", "03", "04", "05", "06", "07"),
)


def read(root: Path) -> Dataset:
    """Read the splits `train` and `test`, and of the evaluation set `eval_train` and `eval_test` where they are there.

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
