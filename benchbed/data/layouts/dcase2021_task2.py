"""DCASE 2021 Task 2: seven kinds of machines with six sections, and domains that are tested apart."""

from __future__ import annotations

from pathlib import Path

from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts
from benchbed.data.machines import Season, machine_sounds

FACTS = Facts(
    title="DCASE 2021 Task 2",
    source="https://dcase.community/challenge2021 (evaluation clips: https://zenodo.org/records/4884786)",
    licence="as the records of its parts state it",
    citation=(
        "Y. Kawaguchi, K. Imoto, Y. Koizumi, et al.: Description and discussion on DCASE 2021 Challenge Task 2: "
        "Unsupervised anomalous sound detection for machine condition monitoring under domain shifted conditions. "
        "arXiv:2106.04492, 2021."
    ),
    version="2021",
    counts={"dcase2021_task2": {"eval_test": 8635}},
)
SEASON = Season(
    2021,
    FACTS,
    machines=("fan", "gearbox", "pump", "slider", "valve", "ToyCar", "ToyTrain"),
    sections=("00", "01", "02", "03", "04", "05"),
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
