"""TAU Urban Acoustic Scenes 2022 Mobile: one-second clips, nine devices; with the DCASE 2024 and 2025 subsets."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts, Remote
from benchbed.data.tau import CITATION, LABELS, LICENCE, read_tau

__all__ = ["FACTS", "LABELS", "PERCENTAGES", "read"]

#: Training subsets of DCASE 2024 Task 1 in percent of the training split; 2025 uses the 25 percent subset.
PERCENTAGES = (5, 10, 25, 50, 100)
_DEVELOPMENT_MD5 = (
    "8be14bdbd844481dce059ab31fbd2239",
    "e821abda49b069248bb75eab39df7575",
    "9c7897f78bb42ca0008936daddf3f8f3",
    "53ec3e37c0fc0be75f53c5abbc5300b8",
    "528422c33c5d10263203d2c61cb1f3be",
    "4759a9465c903e13e57d5e82e791fc28",
    "6d545fc83a55a17856a9ccc1ac9aff6b",
    "3a2916a9b5d3f43cc7a22a62b180b0d9",
    "071f664c86639ad730f7be4e3c39d886",
    "e0839d019e9b77ecbcbb0eff85965530",
    "fc60f1c83726be3963ae14fbcb95eeb4",
    "02246547f86c0a814dc63ec65d7033bb",
    "88ae9ef884665140d1572d8061725e00",
    "c3f400d74ae90e5190dc518cde43de47",
    "85594c6fe4f91c10aa2a410f748103b8",
    "6e2df8438c69f6789414aeba8cbad9d8",
)
_EVALUATION_MD5 = (
    "9f085fb1f4678a2f54eb3ef89f68693c",
    "f463be49f71247c4eb683a0fb36e3ae5",
    "e711abc5c287d5f1c768848c50b38c49",
    "fc4b798897a067b67e80799bef4a3b9f",
    "f317da857edaa9de7a1b8ef5d67f15e7",
    "9b533e27c01b603773e61bd4ad2d2d97",
    "bbc3c7a86d7c04149059525808fd9389",
    "658213f02ee4737fb17d11daaa1bc0b4",
)
_DEVELOPMENT = "https://zenodo.org/record/6337421/files/"
_EVALUATION = "https://zenodo.org/record/7870258/files/"
_SUBSETS = "https://github.com/CPJKU/dcase2024_task1_baseline/releases/download/files/"


def _files() -> tuple[Remote, ...]:
    development, evaluation = (
        "TAU-urban-acoustic-scenes-2022-mobile-development",
        "TAU-urban-acoustic-scenes-2023-mobile-evaluation",
    )
    parts = [(f"{development}.meta.zip", "419b6ff6570f1030730352dc80cd8d15")]
    parts += [(f"{development}.audio.{n}.zip", md5) for n, md5 in enumerate(_DEVELOPMENT_MD5, 1)]
    files = [Remote(name, f"{_DEVELOPMENT}{name}?download=1", f"md5:{md5}") for name, md5 in parts]
    # The organisers publish no checksum for the lists of the training subsets.
    files += [Remote(f"split{p}.csv", f"{_SUBSETS}split{p}.csv", required=False) for p in PERCENTAGES]
    parts = [(f"{evaluation}.meta.zip", "21deb3451741b6dab46287eb220261c2")]
    parts += [(f"{evaluation}.audio.{n}.zip", md5) for n, md5 in enumerate(_EVALUATION_MD5, 1)]
    files += [Remote(name, f"{_EVALUATION}{name}?download=1", f"md5:{md5}", required=False) for name, md5 in parts]
    return tuple(files)


FACTS = Facts(
    title="TAU Urban Acoustic Scenes 2022 Mobile",
    source="https://doi.org/10.5281/zenodo.6337421 (evaluation set: https://doi.org/10.5281/zenodo.7870258)",
    licence=LICENCE,
    citation=CITATION,
    version="2022",
    # 61,050 further clips of the development set are in neither split.
    counts={"tau2022": {"all": 230_350, "train": 139_620, "test": 29_680, "unused": 61_050}},
    files=_files(),
    steps="unpack all archives into one folder; put split5.csv … split100.csv into its folder split_setup",
)

#: Splits and columns of every set of this form, for suites that are checked without it.
SPLITS = ("all", "train", "test", "unused", *(f"train{percent}" for percent in (5, 10, 25, 50, 100)))
COLUMNS = ("device", "city", "location", "cut")


def read(
    root: Path, *, subset: Literal["development", "evaluation"] = "development", subsets: str | Path | None = None
) -> Dataset:
    """Read TAU Urban Acoustic Scenes 2022 Mobile.

    Splits: `train`, `test`, `all`, `unused` (devices s4 to s6 in training places), and `train5`, `train10`, `train25`,
    `train50`, `train100` where the lists of DCASE 2024 Task 1 are found.

    Parameters
    ----------
    root : Path
        Folder with `meta.csv`, `audio` and `evaluation_setup`, or the folder above it.
    subset : {"development", "evaluation"}
        Which set; the evaluation set needs labels, which are not public.
    subsets : path, optional
        Folder of `split5.csv` …; else `split_setup`, `evaluation_setup` or the root itself are searched.

    Raises
    ------
    DataError
        Files missing or at odds with each other.
    """
    return read_tau(
        root,
        name="tau2022",
        year="2022",
        facts=FACTS,
        subset=subset,
        subsets=Path(subsets) if subsets else None,
        percentages=PERCENTAGES,
    )
