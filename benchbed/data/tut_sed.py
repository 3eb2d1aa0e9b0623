"""The folders that TUT Sound Events 2016 and 2017 have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchbed.data.annotated import AnnotatedRecording, annotated
from benchbed.data.assemble import find_root, option
from benchbed.data.dataset import Dataset
from benchbed.data.events import Odd
from benchbed.data.facts import Facts
from benchbed.errors import DataError
from benchbed.tables.names import read_names


def read_scene(
    root: Path, name: str, archive: str, scene: str, labels: Mapping[str, Sequence[str]], facts: Facts, odd: Odd
) -> Dataset:
    """One scene: `audio/SCENE/*.wav`, `meta/SCENE/*.ann`, `evaluation_setup/SCENE_foldK_{train,test}.txt`.

    The evaluation set, in a folder of its own beside the development set, becomes the split `test`.

    Raises
    ------
    DataError
        Files missing, a fold that names a recording that is not there, or a wrong row.
    """
    option(scene, tuple(labels), "scene")
    dev, test = f"{archive}-development", f"{archive}-evaluation"
    base = find_root(root, name, facts, (), ())
    parts = {"dev": dev, "test": test} if (base / dev).is_dir() else {"dev": "", "test": ""}
    if not parts["dev"] and not (base / "meta" / scene).is_dir():
        raise DataError(
            f"this is not the folder of dataset {name}: it has no meta/{scene}",
            where=str(base),
            hint=f"{facts.title} comes from {facts.source}",
        )
    recordings: list[AnnotatedRecording] = []
    splits: dict[str, np.ndarray] = {}
    for split, folder in parts.items():
        inside = f"{folder}/" if folder else ""
        lists = sorted((base / folder / "meta" / scene).glob("*.ann"))
        if not lists or (split == "test" and not folder):
            continue
        splits[split] = np.arange(len(recordings), len(recordings) + len(lists))
        recordings += [
            AnnotatedRecording(f"{inside}audio/{scene}/{file.stem}.wav", f"{inside}meta/{scene}/{file.name}", file.stem)
            for file in lists
        ]
    place = {Path(one.path).name: i for i, one in enumerate(recordings) if i in set(splits["dev"].tolist())}
    for file in sorted((base / parts["dev"] / "evaluation_setup").glob(f"{scene}_fold*_test.txt")):
        fold = file.stem.split("_")[-2]
        names = [Path(line).name for line in read_names(file)[0]]
        lost = [one for one in names if one not in place]
        if lost:
            raise DataError(f"'{lost[0]}' of a fold is not in the set", where=str(file))
        rows = np.array(sorted(place[one] for one in names))
        splits[fold] = rows
        splits[f"not_{fold}"] = np.setdiff1d(splits["dev"], rows)
    return annotated(name, base, recordings, labels[scene], splits, facts, odd=odd)
