"""Which recording devices a model may have heard in training, and which are new in the test; always from the splits.

Lists of seen and unseen devices written by hand go wrong: a published table counts one of s4 to s6 as seen. Here they
are computed, and a list that someone declares is only checked against the splits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchbed.data.assemble import natural
from benchbed.data.dataset import Dataset
from benchbed.errors import ConfigError, DataError, did_you_mean


def device_groups(
    dataset: Dataset,
    train_split: str = "train",
    test_split: str = "test",
    *,
    column: str = "device",
    declared: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, tuple[str, ...]]:
    """Values of a column in the test split that do and do not occur in the training split.

    Parameters
    ----------
    dataset : Dataset
        With both splits.
    column : str
        Usually `device`; any metadata column, e.g. `city`.
    declared : mapping of str to sequence of str, optional
        Lists `seen` and `unseen` that somebody states; they must agree with the splits.

    Returns
    -------
    dict
        `seen` and `unseen`, each a tuple in natural order.

    Raises
    ------
    DataError
        The two splits are one, or share clips; then nothing would be unseen.
    ConfigError
        No such split or column, or a declared list that the splits contradict.

    Examples
    --------
    >>> import pandas as pd
    >>> from pathlib import Path
    >>> clips = pd.DataFrame({"clip_id": ["x/1", "x/2", "x/3"], "device": ["a", "s10", "a"]})
    >>> toy = Dataset("x", Path("."), "scene", ("bus",), clips, {"train": ("x/1",), "test": ("x/2", "x/3")})
    >>> device_groups(toy)
    {'seen': ('a',), 'unseen': ('s10',)}
    """
    if column not in dataset.clips:
        near = did_you_mean(column, dataset.metadata_columns)
        hint = near or f"metadata columns: {', '.join(dataset.metadata_columns) or 'none'}"
        raise ConfigError(f"dataset {dataset.name} has no column '{column}'", hint=hint)
    train, test = dataset.select(train_split), dataset.select(test_split)
    shared = set(train["clip_id"]) & set(test["clip_id"])
    if shared:
        raise DataError(
            f"splits {train_split} and {test_split} of {dataset.name} share {len(shared)} clips, e.g. {min(shared)}",
            hint="seen and unseen devices can only be told from separate splits",
        )
    heard, tested = set(train[column]), set(test[column])
    groups = {
        "seen": tuple(sorted(tested & heard, key=natural)),
        "unseen": tuple(sorted(tested - heard, key=natural)),
    }
    if declared:
        for name, devices in declared.items():
            if name not in groups:
                raise ConfigError(f"unknown list '{name}' of devices", hint="known: seen, unseen")
            wrong = sorted(set(devices) - set(groups[name]), key=natural)
            if wrong:
                other = "do" if name == "unseen" else "do not"
                raise ConfigError(
                    f"{', '.join(wrong)} declared {name}, but {other} occur in split {train_split}"
                    if set(wrong) <= tested
                    else f"{', '.join(wrong)} declared {name}, but not in split {test_split}",
                    hint=f"{name} by the splits: {', '.join(groups[name]) or 'none'}",
                )
        listed = [device for devices in declared.values() for device in devices]
        if len(set(listed)) < len(listed):
            raise ConfigError("a device is declared both seen and unseen")
    return groups
