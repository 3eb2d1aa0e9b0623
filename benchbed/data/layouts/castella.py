"""CASTELLA: recordings of one to five minutes with sentences and the moments that they tell of, as DCASE 2026 Task 6
scores them (Munakata et al.)."""

from __future__ import annotations

from pathlib import Path

from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts
from benchbed.data.moments import with_moments
from benchbed.errors import DataError

FACTS = Facts(
    title="CASTELLA",
    source="https://zenodo.org/records/18358706",
    licence="as the publisher states for the annotation; recordings are those of AudioCaps and YouTube",
    citation="H. Munakata et al.: CASTELLA: long audio dataset with captions and temporal boundaries (2025).",
    counts={"castella": {"train": 876, "val": 178, "test": 566}},
)

SPLITS = ("train", "val", "test")
COLUMNS = ("queries", "query_ids", "windows")


def read(root: Path, *, folder: str = "audio", suffix: str = ".wav") -> Dataset:
    """Read the splits of CASTELLA whose files are there.

    Lengths are stated in whole seconds, so that windows may end one or two seconds behind them; in the published
    training split one ends more than an hour behind, and is cut with a note.

    Parameters
    ----------
    root : Path
        Folder with `castella_test_release.jsonl` and its like. Stored answers are scored without the audio.
    folder, suffix : str
        Folder of the recordings below the root, and the ending of their files, which are named by `vid`.

    Raises
    ------
    DataError
        No such file, or one with a line that cannot be scored.
    """
    root = Path(root)
    files = {split: root / f"castella_{split}_release.jsonl" for split in SPLITS}
    there = {split: path for split, path in files.items() if path.is_file()}
    if not there:
        raise DataError(
            "this is not the folder of dataset castella: it has no castella_test_release.jsonl",
            where=str(root),
            hint="the files are in https://github.com/line/lighthouse, data/castella; name the folder by "
            "--data castella=PATH",
        )
    return with_moments("castella", root, there, FACTS, audio=f"{folder}/{{vid}}{suffix}", beyond="cut")
