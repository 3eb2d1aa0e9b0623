"""DCASE 2022 Task 2: seven kinds of machines with six sections; the domain of a test clip is not told."""

from __future__ import annotations

from pathlib import Path

from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts
from benchbed.data.machines import Season, machine_sounds

FACTS = Facts(
    title="DCASE 2022 Task 2",
    source="https://dcase.community/challenge2022 (evaluation clips: https://zenodo.org/records/6586456)",
    licence="as the records of its parts state it",
    citation=(
        "K. Dohi, K. Imoto, N. Harada, et al.: Description and discussion on DCASE 2022 Challenge Task 2: "
        "Unsupervised anomalous sound detection for machine condition monitoring applying domain generalization "
        "techniques. arXiv:2206.05876, 2022."
    ),
    version="2022",
    counts={"dcase2022_task2": {"eval_test": 4200}},
)
SEASON = Season(
    2022,
    FACTS,
    machines=("fan", "gearbox", "bearing", "slider", "valve", "ToyCar", "ToyTrain"),
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
