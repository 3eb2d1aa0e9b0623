"""DCASE 2026 Task 7: ten classes of sound in domains that are learnt one after the other."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchbed.data.assemble import build, find_root
from benchbed.data.dataset import Dataset
from benchbed.data.domain_lists import DOMAINS, LABELS, LISTS
from benchbed.data.facts import Facts
from benchbed.errors import DataError, did_you_mean
from benchbed.tables.table import Table, read_table

FACTS = Facts(
    title="DCASE 2026 Task 7",
    source="https://zenodo.org/records/19335184",
    licence="as the record states it",
    citation=(
        "M. Mulimani, A. Mesaros, et al.: Domain-agnostic incremental learning for audio classification, DCASE 2026 "
        "Challenge Task 7."
    ),
    version="2026",
)
#: Splits and columns of every set of this form, for suites that are checked without it.
SPLITS = tuple(f"{part}{domain}" for part in LISTS for domain in DOMAINS)
COLUMNS = ("domain",)


def read(root: Path) -> Dataset:
    """Read the development set.

    Splits: `D2` and `D3` of the clips to be tested, `train_D2` and `train_D3`; and `D1` where a list has such clips.

    Parameters
    ----------
    root : Path
        Folder with `audio` and `evaluation_setup`, whose lists have a row for each clip, without a header: file, class,
        domain and number of the class, separated by tabs.

    Raises
    ------
    DataError
        Files missing, a row without four columns, an unknown class or domain, or a number that is not its class's.
    """
    root = find_root(Path(root), "dcase2026_task7", FACTS, (LISTS[""],), ("task7_data",))
    tables = {part: _table(root / name) for part, name in LISTS.items() if part == "" or (root / name).is_file()}
    paths: list[str] = []
    classes: list[str] = []
    domains: list[str] = []
    where: list[str] = []
    splits: dict[str, list[int]] = {}
    for part, table in tables.items():
        for row, one in enumerate(table.frame.itertuples(index=False)):
            splits.setdefault(f"{part}{one.domain}", []).append(len(paths))
            paths.append(str(one.file))
            classes.append(str(one.label))
            domains.append(str(one.domain))
            where.append(table.where(row))
    import pandas as pd

    column = pd.Series(paths, dtype=object)
    return build(
        name="dcase2026_task7",
        root=root,
        kind="scene",
        labels=LABELS,
        paths=column,
        label=pd.Series(classes, dtype=object),
        group=column,
        where=lambda row: where[row],
        splits={split: np.array(splits[split], np.int64) for split in SPLITS if split in splits},
        facts=FACTS,
        metadata={"domain": pd.Series(domains, dtype=object)},
    )


def _table(path: Path) -> Table:
    """A list of clips, each row held against the classes and domains of the task."""
    table = read_table(path, names=("file", "label", "domain", "number"), delimiter="\t")
    numbers = table.numbers("number")
    for row, (label, domain) in enumerate(zip(table.frame["label"], table.frame["domain"])):
        for what, word, known in (("class", label, LABELS), ("domain", domain, DOMAINS)):
            if word not in known:
                hint = did_you_mean(word, known) or f"{what} is one of {', '.join(known)}"
                raise DataError(f"the {what} '{word}' is none of the task", where=table.where(row), hint=hint)
        if numbers[row] != LABELS.index(label):
            raise DataError(
                f"the class '{label}' has the number {numbers[row]:g}, not {LABELS.index(label)}",
                where=table.where(row),
                hint="get the list again from the official source",
            )
    return table
