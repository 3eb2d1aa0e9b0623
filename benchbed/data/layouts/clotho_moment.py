"""Clotho-Moment: clips of Clotho laid over minutes of Walking Tours, each with its caption and the moment of it, for
pre-training of DCASE 2026 Task 6 (Munakata et al., ICASSP 2025)."""

from __future__ import annotations

from pathlib import Path

from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts
from benchbed.data.moments import with_moments
from benchbed.errors import DataError

FACTS = Facts(
    title="Clotho-Moment",
    source="https://zenodo.org/records/17129257",
    licence="as the publisher states; made of Clotho and Walking Tours",
    citation="H. Munakata et al.: Language-based audio moment retrieval. ICASSP 2025, 1-5.",
    counts={"clotho_moment": {"test": 5472}},
)

SPLITS = ("train", "val", "test")
COLUMNS = ("queries", "query_ids", "windows")


def read(root: Path, *, folder: str = "audio", suffix: str = ".wav") -> Dataset:
    """Read the splits of Clotho-Moment whose files are there.

    Parameters
    ----------
    root : Path
        Folder with `clotho_moment_test_release.jsonl` and its like. Stored answers are scored without the audio.
    folder, suffix : str
        Folder of the recordings below the root, and the ending of their files, which are named by `vid`.

    Raises
    ------
    DataError
        No such file, or one with a line that cannot be scored.
    """
    root = Path(root)
    files = {split: root / f"clotho_moment_{split}_release.jsonl" for split in SPLITS}
    there = {split: path for split, path in files.items() if path.is_file()}
    if not there:
        raise DataError(
            "this is not the folder of dataset clotho_moment: it has no clotho_moment_test_release.jsonl",
            where=str(root),
            hint="the files are in https://github.com/line/lighthouse, data/clotho_moment; name the folder by "
            "--data clotho_moment=PATH",
        )
    return with_moments("clotho_moment", root, there, FACTS, audio=f"{folder}/{{vid}}{suffix}")
