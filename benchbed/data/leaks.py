"""Leaks between training and test: the fault that flatters most and shows least.

Searched by clip, by recording, by place, by speaker and by content.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from benchbed.data.dataset import Dataset
from benchbed.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

#: How many examples a finding names.
EXAMPLES = 5
#: Columns whose values must not be on both sides of a training and test split, and what they are called.
_APART = {"location": "locations", "speaker": "speakers"}


@dataclass(frozen=True)
class Leak:
    """One thing worth saying.

    Attributes
    ----------
    level : {"error", "warning", "note"}
        An error makes the data unfit for its purpose.
    code : str
        Stable name: `missing`, `unreadable`, `duplicate`, `unlisted`, `same_clips`, `leak_clip`, `leak_group`,
        `known_overlap`, `leak_location`, `leak_speaker`, `leak_content`, `count`, `empty_class`, `imbalance`, `silent`,
        `loud`, `rates`, `empty_split`, `channel_order`, `channel_scaling`.
    message : str
        One sentence.
    count : int
        How many clips, files or groups.
    examples : tuple of str
        The first few.
    """

    level: Literal["error", "warning", "note"]
    code: str
    message: str
    count: int = 0
    examples: tuple[str, ...] = ()


def split_pairs(dataset: Dataset) -> list[tuple[str, str]]:
    """Pairs of training and held-out splits, as their names tell.

    Examples
    --------
    >>> import pandas as pd
    >>> from pathlib import Path
    >>> names = dict.fromkeys(("all", "train", "train5", "test", "fold1", "not_fold1"), ())
    >>> split_pairs(Dataset("x", Path("."), "scene", (), pd.DataFrame(), names))
    [('train', 'test'), ('train5', 'test'), ('not_fold1', 'fold1')]
    """
    names = list(dataset.splits)
    held = [n for n in names if n in ("test", "eval", "evaluation", "val", "valid", "validation", "dev_test")]
    training = [n for n in names if re.fullmatch(r"train([_0-9].*)?|training", n)]
    validation = [n for n in held if n.startswith("val")]
    pairs = [(train, test) for train in training for test in held]
    pairs += [(val, test) for val in validation for test in held if test not in validation]
    pairs += [(f"not_{n}", n) for n in names if f"not_{n}" in dataset.splits]
    return pairs


def checked_pairs(dataset: Dataset, pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Pairs that a user named, if both splits exist and differ."""
    for train, test in pairs:
        if train == test:
            raise ConfigError(f"split {train} cannot be both training and test", hint="name two different splits")
        for split in (train, test):
            dataset.select(split)
    return list(pairs)


def leaks(dataset: Dataset, train: str, test: str, digests: Mapping[str, str]) -> list[Leak]:
    """What a training and a held-out split have in common: clips, recordings, places, speakers, content.

    Parameters
    ----------
    train, test : str
        Names of the splits.
    digests : mapping of str to str
        Path → hash of its content.
    """
    here, there = dataset.select(train), dataset.select(test)
    sides = f"{train} and {test}"
    if not len(here) or not len(there):
        empty = train if not len(here) else test
        return [Leak("error", "empty_split", f"split {empty} has no clips")]
    if set(here["clip_id"]) == set(there["clip_id"]):
        return [Leak("error", "same_clips", f"splits {sides} are the same clips", len(there))]
    shared = _shared(here["clip_id"], there["clip_id"])
    if shared:
        return [Leak("error", "leak_clip", f"{len(shared)} clips are in both {sides}", len(shared), some(shared))]
    findings = []
    groups = _shared(here["group"], there["group"])
    known = [group for group in groups if group in dataset.overlaps]
    groups = [group for group in groups if group not in dataset.overlaps]
    if known:
        clips = int(there["group"].isin(known).sum())
        said = (
            f"{len(known)} recordings are in both {sides} ({clips} clips of {test}), as the publisher ships them: "
            "published figures have this overlap, too"
        )
        findings.append(Leak("warning", "known_overlap", said, len(known), some(known)))
    if groups:
        clips = int(there["group"].isin(groups).sum())
        said = f"{len(groups)} recordings are in both {sides} ({clips} clips of {test})"
        findings.append(Leak("error", "leak_group", said, len(groups), some(groups)))
    for column, called in _APART.items():
        if column in here and (values := _shared(here[column], there[column])):
            clips = int(there[column].isin(values).sum())
            said = f"{len(values)} {called} are in both {sides} ({clips} clips of {test})"
            findings.append(Leak("error", f"leak_{column}", said, len(values), some(values)))
    contents = {digests[path]: path for path in here["path"] if path in digests}
    same = [f"{contents[digests[p]]} = {p}" for p in there["path"] if p in digests and digests[p] in contents]
    if same:
        said = f"{len(same)} clips of {test} have content that is in {train}"
        findings.append(Leak("error", "leak_content", said, len(same), some(same)))
    return findings


def _shared(a: pd.Series, b: pd.Series) -> list[str]:
    return sorted({str(v) for v in set(a) & set(b) if v != ""})


def some(values: Sequence[str]) -> tuple[str, ...]:
    """The first few values, as examples."""
    return tuple(str(value) for value in values[:EXAMPLES])
