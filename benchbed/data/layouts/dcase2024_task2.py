"""DCASE 2024 Task 2: as in 2023, attributes of some machines being hidden."""

from __future__ import annotations

from pathlib import Path

from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts
from benchbed.data.machines import Season, machine_sounds

FACTS = Facts(
    title="DCASE 2024 Task 2",
    source="https://dcase.community/challenge2024 (evaluation clips: https://zenodo.org/records/11363076)",
    licence="as the records of its parts state it",
    citation=(
        "T. Nishida, N. Harada, D. Niizumi, et al.: Description and discussion on DCASE 2024 Challenge Task 2: "
        "First-shot unsupervised anomalous sound detection for machine condition monitoring. arXiv:2406.07250, "
        "2024."
    ),
    version="2024",
    counts={"dcase2024_task2": {"eval_test": 1800}},
)
SEASON = Season(
    2024,
    FACTS,
    machines=(
        "ToyCar",
        "ToyTrain",
        "bearing",
        "fan",
        "gearbox",
        "slider",
        "valve",
        "3DPrinter",
        "AirCompressor",
        "BrushlessMotor",
        "HairDryer",
        "HoveringDrone",
        "RoboticArm",
        "Scanner",
        "ToothBrush",
        "ToyCircuit",
    ),
    sections=("00",),
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
