"""TUT Sound Events 2017: recordings of streets (DCASE 2017 Task 3)."""

from __future__ import annotations

from pathlib import Path

from benchbed.data.dataset import Dataset
from benchbed.data.events import Odd
from benchbed.data.facts import Facts, Remote
from benchbed.data.tut_sed import read_scene

LABELS = ("brakes squeaking", "car", "children", "large vehicle", "people speaking", "people walking")
_DEV, _EVAL = "https://zenodo.org/record/814831/files/", "https://zenodo.org/record/1040179/files/"
_MD5 = {
    "development.audio.1": "6f1cd31592b8240a14be3ee513db6a23",
    "development.audio.2": "adcff03341b84dc8d35f035b93c1efa0",
    "development.meta": "50e870b3a89ed3452e2a35b508840929",
    "evaluation.audio": "1d3aa81896be0f142130ca9ca7a2b871",
    "evaluation.meta": "a951598abaea87296ca409e30fb0b379",
}


def _remote(part: str, md5: str) -> Remote:
    file = f"TUT-sound-events-2017-{part}.zip"
    return Remote(
        file, f"{_DEV if part.startswith('dev') else _EVAL}{file}?download=1", f"md5:{md5}", part.startswith("dev")
    )


FACTS = Facts(
    title="TUT Sound Events 2017",
    source="https://doi.org/10.5281/zenodo.814831 (evaluation set: https://doi.org/10.5281/zenodo.1040179)",
    licence="free for academic use, as stated with the set",
    citation="A. Mesaros et al.: DCASE 2017 Challenge setup: Tasks, datasets and baseline system. DCASE Workshop 2017, "
    "85-92.",
    counts={"tut_sed_2017": {"dev": 24, "test": 8}},
    files=tuple(_remote(part, md5) for part, md5 in _MD5.items()),
)


def read(root: Path, *, odd: Odd = "error") -> Dataset:
    """Read TUT Sound Events 2017; splits `dev`, `foldK`, `not_foldK` and, where it is there, `test`.

    Raises
    ------
    DataError
        Files missing, or a wrong row.
    """
    return read_scene(Path(root), "tut_sed_2017", "TUT-sound-events-2017", "street", {"street": LABELS}, FACTS, odd)
