"""Which class is a kind of which: taxonomies from files, and the ancestors of classes.

A class may have several parents, as some of AudioSet's ontology have.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from benchbed.errors import ConfigError, DataError, did_you_mean
from benchbed.tables.cells import read_text
from benchbed.tables.table import read_table

#: Word for the taxonomy that names of classes carry themselves: what stands before their first hyphen.
PREFIX = "prefix"
#: Names that the columns of a table have.
CLASSES, PARENTS = ("class", "name", "label", "child", "mid", "id"), ("parent", "parents", "parent_class")


@dataclass(frozen=True)
class Taxonomy:
    """Classes and their parents.

    Attributes
    ----------
    parents : mapping of str to tuple of str
        Every class → its parents; none for those at the top.
    where : str
        The file, for messages.

    Raises
    ------
    DataError
        A parent that is no class, or a circle.

    Examples
    --------
    >>> made = Taxonomy({"animal": (), "dog": ("animal",), "puppy": ("dog",)})
    >>> sorted(made.path("puppy")), sorted(made.tops("puppy"))
    (['animal', 'dog', 'puppy'], ['animal'])
    """

    parents: Mapping[str, tuple[str, ...]]
    where: str = ""

    def __post_init__(self) -> None:
        for child, parents in self.parents.items():
            for parent in parents:
                if parent not in self.parents:
                    raise DataError(
                        f"the parent '{parent}' of '{child}' is no class of the taxonomy",
                        where=self.where or None,
                        hint=did_you_mean(parent, self.parents) or "a row for each class, also for those at the top",
                    )
        _refuse_circles(self.parents, self.where)

    @cached_property
    def _paths(self) -> dict[str, frozenset[str]]:
        paths: dict[str, frozenset[str]] = {}
        # Parents come before their children in the end; without circles so many rounds are enough.
        for start in self.parents:
            stack = [start]
            while stack:
                last = stack[-1]
                missing = [parent for parent in self.parents[last] if parent not in paths]
                if missing:
                    stack += missing
                    continue
                paths[last] = frozenset([last]).union(*(paths[parent] for parent in self.parents[last]))
                stack.pop()
        return paths

    def path(self, name: str) -> frozenset[str]:
        """A class and all of its ancestors."""
        return self._paths[name]

    def tops(self, name: str) -> frozenset[str]:
        """Those of them that have no parent."""
        return frozenset(one for one in self._paths[name] if not self.parents[one])

    def of(self, labels: Sequence[str]) -> Taxonomy:
        """The same, held to the classes of a data set.

        Raises
        ------
        ConfigError
            A class that the taxonomy lacks.
        """
        lacking = [label for label in labels if label not in self.parents]
        if lacking:
            raise ConfigError(
                f"the taxonomy has no class '{lacking[0]}' ({len(lacking)} of {len(labels)} are missing)",
                where=self.where or None,
                hint=did_you_mean(lacking[0], self.parents) or "its classes must be called as those of the data set",
            )
        return self


def _refuse_circles(parents: Mapping[str, tuple[str, ...]], where: str) -> None:
    left = dict(parents)
    while left:
        ends = [one for one, above in left.items() if not any(parent in left for parent in above)]
        if not ends:
            circle = [next(iter(left))]
            while circle[-1] not in circle[:-1]:
                circle.append(next(parent for parent in left[circle[-1]] if parent in left))
            shown = " → ".join(circle[circle.index(circle[-1]) :])
            raise DataError(
                f"classes are their own ancestors: {shown}", where=where or None, hint="a taxonomy has no circles"
            )
        for one in ends:
            del left[one]


def taxonomy_of(given: str, labels: Sequence[str]) -> Taxonomy:
    """A taxonomy by its file, or `prefix` for classes that name their top before a hyphen, as `fx-a`.

    Raises
    ------
    ConfigError
        No such file, or a class that the taxonomy lacks.
    DataError
        The file is none of these, a class twice with other parents, a parent that is no class, or a circle.

    Examples
    --------
    >>> sorted(taxonomy_of("prefix", ("fx-a", "fx-v", "ss-n")).path("fx-v"))
    ['fx', 'fx-v']
    """
    if given == PREFIX:
        # A name without a hyphen is a top of its own.
        above = {label: label.partition("-")[0] for label in labels if "-" in label[1:]}
        parents: dict[str, tuple[str, ...]] = dict.fromkeys((*above.values(), *labels), ())
        return Taxonomy({**parents, **{label: (top,) for label, top in above.items()}})
    path = Path(given).expanduser()
    if not path.is_file():
        raise ConfigError(
            "there is no such taxonomy",
            where=str(path),
            hint=f"a csv of class and parent, AudioSet's json, or {PREFIX}",
        )
    state = path.stat()
    return _read(path, state.st_size, state.st_mtime_ns).of(labels)


@lru_cache(maxsize=8)
def _read(path: Path, size: int, changed: int) -> Taxonomy:
    return Taxonomy(_ontology(path) if path.suffix.lower() == ".json" else _rows(path), str(path))


def _ontology(path: Path) -> dict[str, tuple[str, ...]]:
    """AudioSet's ontology: a list of classes with `name`, `id` and `child_ids`."""
    hint = "a list of objects with id, name and child_ids, as AudioSet's ontology.json"
    try:
        nodes = json.loads(read_text(path))
        if not isinstance(nodes, list) or not nodes:
            raise ValueError("no list of classes")
        names = {node["id"]: node["name"] for node in nodes}
        parents: dict[str, list[str]] = {name: [] for name in names.values()}
        for node in nodes:
            for child in node["child_ids"]:
                if child not in names:
                    what = f"the child '{child}' of '{node['name']}' is no class of the taxonomy"
                    raise DataError(what, where=str(path), hint=hint)
                parents[names[child]].append(node["name"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DataError("the json holds no taxonomy", where=str(path), hint=hint) from error
    return {name: tuple(above) for name, above in parents.items()}


def _rows(path: Path) -> dict[str, tuple[str, ...]]:
    """A table with a row for each class, and its parents, parted by a bar or a semicolon where there are several."""
    table = read_table(path)
    columns = {str(column).lower(): str(column) for column in table.frame.columns}
    child, parent = (next((columns[name] for name in known if name in columns), "") for known in (CLASSES, PARENTS))
    if not child or not parent:
        raise DataError(
            f"the table has no column of {'classes' if not child else 'parents'}",
            where=f"{path}:1",
            hint=f"{' or '.join(CLASSES[:3])}, and {PARENTS[0]}, empty for classes at the top",
        )
    parents: dict[str, tuple[str, ...]] = {}
    for row, (name, cell) in enumerate(zip(table.frame[child], table.frame[parent])):
        above = tuple(one.strip() for one in cell.replace("|", ";").split(";") if one.strip())
        if not name:
            raise DataError("the class has no name", where=table.where(row))
        if parents.get(name, above) != above:
            raise DataError(
                f"the class '{name}' stands twice, with other parents",
                where=table.where(row),
                hint="one row, with parents parted by semicolons",
            )
        parents[name] = above
    return parents
