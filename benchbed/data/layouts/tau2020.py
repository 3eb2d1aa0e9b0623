"""TAU Urban Acoustic Scenes 2020 Mobile: ten-second clips, ten scenes, nine devices."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts, Remote
from benchbed.data.tau import CITATION, LABELS, LICENCE, read_tau

__all__ = ["FACTS", "LABELS", "read"]

_DEVELOPMENT_MD5 = (
    "b1e85b8a908d3d6a6ab73268f385d5c8",
    "4310a13cc2943d6ce3f70eba7ba4c784",
    "ed38956c4246abb56190c1e9b602b7b8",
    "97ab8560056b6816808dedc044dcc023",
    "b50f5e0bfed33cd8e52cb3e7f815c6cb",
    "fbf856a3a86fff7520549c899dc94372",
    "0dbffe7b6e45564da649378723284062",
    "bb6f77832bf0bd9f786f965beb251b2e",
    "a65596a5372eab10c78e08a0de797c9e",
    "2ad595819ffa1d56d2de4c7ed43205a6",
    "0ad29f7040a4e6a22cfd639b3a6738e5",
    "e5f4400c6b9697295fab4cf507155a2f",
    "8855ab9f9896422746ab4c5d89d8da2f",
    "092ad744452cd3e7de78f988a3d13020",
    "4b5eb85f6592aebf846088d9df76b420",
    "2e0a89723e58a3836be019e6996ae460",
)
_EVALUATION_MD5 = (
    "632841f6b1ef9ed962ea61f879967411",
    "711fb0469f9b66669a300ebd1de24e9b",
    "575e517b826a5faf020be22ce766adf8",
    "5919fcbe217964756892a9661323c020",
    "c733767217f16c746f50796c65ca1dd6",
    "f39feb24910ffc97413e9c94b418f7ab",
    "90bad61f14163146702d430cf8241932",
    "4db5255382a5e5cab2d463c0d836b888",
)
_DEVELOPMENT = "https://zenodo.org/record/3819968/files/"
_EVALUATION = "https://zenodo.org/record/3685828/files/"


def _files() -> tuple[Remote, ...]:
    stem = "TAU-urban-acoustic-scenes-2020-mobile"
    parts = [(f"{stem}-development.meta.zip", "6eae9db553ce48e4ea246e34e50a3cf5")]
    parts += [(f"{stem}-development.audio.{n}.zip", md5) for n, md5 in enumerate(_DEVELOPMENT_MD5, 1)]
    files = [Remote(name, f"{_DEVELOPMENT}{name}?download=1", f"md5:{md5}") for name, md5 in parts]
    parts = [(f"{stem}-evaluation.meta.zip", "b8d9bb50faa282be170b81dc57e2b8b3")]
    parts += [(f"{stem}-evaluation.audio.{n}.zip", md5) for n, md5 in enumerate(_EVALUATION_MD5, 1)]
    files += [Remote(name, f"{_EVALUATION}{name}?download=1", f"md5:{md5}", required=False) for name, md5 in parts]
    return tuple(files)


FACTS = Facts(
    title="TAU Urban Acoustic Scenes 2020 Mobile",
    source="https://doi.org/10.5281/zenodo.3819968 (evaluation set: https://doi.org/10.5281/zenodo.3685828)",
    licence=LICENCE,
    citation=CITATION,
    version="2020",
    counts={"tau2020": {"all": 23_035, "train": 13_962, "test": 2_968, "unused": 6_105}},
    files=_files(),
    steps="unpack all archives into one folder",
)

#: Splits and columns of every set of this form, for suites that are checked without it.
SPLITS = ("all", "train", "test", "unused")
COLUMNS = ("device", "city", "location", "cut")


def read(root: Path, *, subset: Literal["development", "evaluation"] = "development") -> Dataset:
    """Read TAU Urban Acoustic Scenes 2020 Mobile; splits `train`, `test`, `all` and `unused`.

    Parameters
    ----------
    root : Path
        Folder with `meta.csv`, `audio` and `evaluation_setup`, or the folder above it.
    subset : {"development", "evaluation"}
        Which set; the evaluation set needs labels, which are not public.

    Raises
    ------
    DataError
        Files missing or at odds with each other.
    """
    return read_tau(root, name="tau2020", year="2020", facts=FACTS, subset=subset)
