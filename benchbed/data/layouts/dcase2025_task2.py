"""DCASE 2025 Task 2: as in 2024, with sounds of the noise alone as a supplement, which are left alone here."""

from __future__ import annotations

from pathlib import Path

from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts
from benchbed.data.machines import Season, machine_sounds

FACTS = Facts(
    title="DCASE 2025 Task 2",
    source="https://dcase.community/challenge2025 (evaluation clips: https://zenodo.org/records/15519362)",
    licence="as the records of its parts state it",
    citation=(
        "T. Nishida, N. Harada, D. Niizumi, et al.: Description and discussion on DCASE 2025 Challenge Task 2: "
        "First-shot unsupervised anomalous sound detection for machine condition monitoring. 2025."
    ),
    version="2025",
)
SEASON = Season(
    2025,
    FACTS,
    machines=(
        "ToyCar",
        "ToyTrain",
        "bearing",
        "fan",
        "gearbox",
        "slider",
        "valve",
        "AutoTrash",
        "BandSealer",
        "CoffeeGrinder",
        "HomeCamera",
        "Polisher",
        "ScrewFeeder",
        "ToyPet",
        "ToyRCCar",
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
