"""FSD50K: Freesound clips of 0.3 to 30 s with several of 200 AudioSet classes each, ancestors included."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchbed.data.assemble import build, find_root
from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts, Remote
from benchbed.errors import DataError
from benchbed.nesting import json_of
from benchbed.tables.table import Table, read_table, split_names

_ZENODO = "https://zenodo.org/record/4060432/files/"
_MD5 = {
    "FSD50K.dev_audio.zip": "c480d119b8f7a7e32fdb58f3ea4d6c5a",
    "FSD50K.dev_audio.z01": "faa7cf4cc076fc34a44a479a5ed862a3",
    "FSD50K.dev_audio.z02": "8f9b66153e68571164fb1315d00bc7bc",
    "FSD50K.dev_audio.z03": "1196ef47d267a993d30fa98af54b7159",
    "FSD50K.dev_audio.z04": "d088ac4e11ba53daf9f7574c11cccac9",
    "FSD50K.dev_audio.z05": "81356521aa159accd3c35de22da28c7f",
    "FSD50K.eval_audio.zip": "6fa47636c3a3ad5c7dfeba99f2637982",
    "FSD50K.eval_audio.z01": "3090670eaeecc013ca1ff84fe4442aeb",
    "FSD50K.ground_truth.zip": "ca27382c195e37d2269c4c866dd73485",
    "FSD50K.metadata.zip": "b9ea0c829a411c1d42adb9da539ed237",
}
TRUTH = "FSD50K.ground_truth"

FACTS = Facts(
    title="FSD50K",
    source="https://doi.org/10.5281/zenodo.4060432",
    licence="CC BY 4.0 as a whole; each clip has its own Creative Commons licence",
    citation="E. Fonseca, X. Favory, J. Pons, F. Font, X. Serra: FSD50K: an Open Dataset of Human-Labeled Sound "
    "Events. IEEE/ACM TASLP 30, 829-852, 2022.",
    version="1.0",
    counts={"fsd50k": {"all": 51_197, "dev": 40_966, "train": 36_796, "val": 4_170, "test": 10_231}},
    files=tuple(Remote(n, f"{_ZENODO}{n}?download=1", f"md5:{m}", n != "FSD50K.metadata.zip") for n, m in _MD5.items()),
    steps="the audio is a zip archive in several parts: join them by `zip -s 0 FSD50K.dev_audio.zip --out dev.zip` "
    "(and the same for eval_audio), then unpack",
)

#: Splits and columns of every set of this form, for suites that are checked without it.
SPLITS = ("all", "dev", "train", "val", "test")
COLUMNS = ("split", "mids", "uploader", "license")


def read(root: Path) -> Dataset:
    """Read FSD50K; splits `train`, `val`, `dev` (both), `test` (the evaluation set) and `all`.

    Labels are as published, with all ancestors; classes are in the order of `vocabulary.csv`. Uploader and licence of
    each clip become columns where `FSD50K.metadata` is there.

    Raises
    ------
    DataError
        Files missing, or a label that is not in the vocabulary.
    """
    import pandas as pd

    markers = tuple(f"{TRUTH}/{file}" for file in ("dev.csv", "eval.csv", "vocabulary.csv"))
    root = find_root(Path(root), "fsd50k", FACTS, markers, ("FSD50K",))
    vocabulary = read_table(root / TRUTH / "vocabulary.csv", names=("index", "label", "mid"), delimiter=",")
    vocabulary.counted("index")
    labels = tuple(vocabulary.frame["label"])
    dev = read_table(root / TRUTH / "dev.csv", ("fname", "labels", "mids", "split"))
    test = read_table(root / TRUTH / "eval.csv", ("fname", "labels", "mids"))
    known = ("train", "val")
    bad = ~dev.frame["split"].isin(known).to_numpy()
    if bad.any():
        row = int(bad.argmax())
        raise DataError(f"unknown split '{dev.frame['split'].iloc[row]}'", where=dev.where(row), hint="train or val")
    cut = len(dev.frame)
    frame = pd.concat([dev.frame, test.frame.assign(split="test")], ignore_index=True)
    folder = np.where(np.arange(len(frame)) < cut, "FSD50K.dev_audio/", "FSD50K.eval_audio/")

    def where(row: int) -> str:
        table: Table = dev if row < cut else test
        return table.where(row if row < cut else row - cut)

    split = frame["split"].to_numpy()
    return build(
        name="fsd50k",
        root=root,
        kind="tags",
        labels=labels,
        paths=pd.Series(folder, dtype=object) + frame["fname"] + ".wav",
        label=frame["labels"].map(split_names),
        group=frame["fname"],
        where=where,
        splits={
            "all": np.arange(len(frame)),
            "dev": np.arange(cut),
            "train": np.flatnonzero(split == "train"),
            "val": np.flatnonzero(split == "val"),
            "test": np.arange(cut, len(frame)),
        },
        facts=FACTS,
        metadata={"split": frame["split"], "mids": frame["mids"], **_uploads(root, frame["fname"])},
    )


def _uploads(root: Path, names: object) -> dict[str, object]:
    """Uploader and licence of each clip, where the metadata archive is unpacked."""
    files = [root / "FSD50K.metadata" / f"{part}_clips_info_FSD50K.json" for part in ("dev", "eval")]
    if not all(file.is_file() for file in files):
        return {}
    info: dict[str, dict] = {}
    for file in files:
        try:
            info |= json_of(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise DataError(
                f"not valid JSON ({error})", where=str(file), hint="unpack FSD50K.metadata.zip again"
            ) from error
    return {
        column: names.map({name: str(entry.get(column, "")) for name, entry in info.items()}).fillna("")  # type: ignore[attr-defined]
        for column in ("uploader", "license")
    }
