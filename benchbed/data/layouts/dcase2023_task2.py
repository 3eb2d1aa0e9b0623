"""DCASE 2023 Task 2: one section for each kind of machine, and other kinds in the evaluation set (first-shot)."""

from __future__ import annotations

from pathlib import Path

from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts
from benchbed.data.machines import Season, machine_sounds

FACTS = Facts(
    title="DCASE 2023 Task 2",
    source="https://dcase.community/challenge2023 (evaluation clips: https://zenodo.org/records/7860847)",
    licence="as the records of its parts state it",
    citation=(
        "K. Dohi, K. Imoto, N. Harada, et al.: Description and discussion on DCASE 2023 Challenge Task 2: First-shot"
        " unsupervised anomalous sound detection for machine condition monitoring. arXiv:2305.07828, 2023."
    ),
    version="2023",
    counts={"dcase2023_task2": {"eval_test": 1400}},
)
SEASON = Season(
    2023,
    FACTS,
    machines=(
        "ToyCar",
        "ToyTrain",
        "bearing",
        "fan",
        "gearbox",
        "slider",
        "valve",
        "ToyDrone",
        "ToyNscale",
        "ToyTank",
        "Vacuum",
        "bandsaw",
        "grinder",
        "shaker",
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
