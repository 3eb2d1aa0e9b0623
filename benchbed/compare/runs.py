"""Runs to be compared, and what must be equal before any two figures of theirs may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from benchbed.errors import CannotMeasure
from benchbed.metrics import FAMILIES
from benchbed.metrics.contract import Family
from benchbed.metrics.joint import Joint
from benchbed.results.artefacts import statistics_of
from benchbed.results.record import Cell, Result
from benchbed.results.statistics import NAME, Statistics
from benchbed.results.store import read

#: Parts of a suite that change what every figure means; the rest changes which figures there are.
MEANING = ("task", "data", "audio", "label_map")


@dataclass(frozen=True)
class OpenRun:
    """A record with the sums behind it.

    Attributes
    ----------
    path : Path
        The record's file.
    result : Result
        The record.
    statistics : Statistics or None
        The sums; None where only the record is there, then `lack` says why.
    lack : str or None
        Why there are no sums.
    """

    path: Path
    result: Result
    statistics: Statistics | None = None
    lack: str | None = None

    @property
    def name(self) -> str:
        """Name in tables."""
        return self.result.model.name

    @cached_property
    def family(self) -> Family:
        """The metrics that the sums belong to."""
        sums = self.sums
        main = _made(sums.family, sums.options, sums.labels)
        if not sums.further:
            return main
        return Joint(main, {f.name: _made(f.family, f.options, sums.labels) for f in sums.further}, sums.widths)

    @property
    def sums(self) -> Statistics:
        """The sums.

        Raises
        ------
        CannotMeasure
            There are none.
        """
        if self.statistics is None:
            raise CannotMeasure(
                self.lack or "no statistics beside the record",
                where=str(self.path),
                hint="run the suite again; stored predictions are reused",
            )
        return self.statistics

    @property
    def folds(self) -> str:
        """How several splits become one figure: `mean` or `pooled`."""
        return str(self.result.suite.definition.get("metrics", {}).get("folds", "mean"))


def shared(a: OpenRun, b: OpenRun) -> tuple[OpenRun, OpenRun, str | None]:
    """Two runs cut down to the metric families that both have sums of, and what was left out, in words."""
    if a is b or a.sums.further == b.sums.further:
        return a, b, None
    names = [f.name for f in a.sums.further if f in b.sums.further]
    told = []
    for run, other in ((a, b), (b, a)):
        held = {f.name: f for f in run.sums.further}
        gone = [f.name for f in other.sums.further if f.name not in held]
        if gone:
            told.append(f"{run.name} has no sums of {', '.join(gone)}")
    changed = [f.name for f in a.sums.further if f.name in {g.name for g in b.sums.further} and f.name not in names]
    if changed:
        told.append(f"the options of {', '.join(changed)} differ")
    cut = [
        run if len(names) == len(run.sums.further) else replace(run, statistics=run.sums.families(names))
        for run in (a, b)
    ]
    return cut[0], cut[1], f"{'; '.join(told)}: run the suite again, or set the baseline again"


@dataclass(frozen=True)
class Mismatch:
    """One thing in which two runs differ.

    Attributes
    ----------
    what : str
        What differs.
    a, b : str
        How it is in each; of what one sentence says both together, the first is empty.
    blocking : bool
        Figures of the two runs must not be compared.
    """

    what: str
    a: str
    b: str
    blocking: bool = True

    def __str__(self) -> str:
        return f"{self.what}: {self.a} against {self.b}" if self.a else f"{self.what}: {self.b}"


def _made(name: str, options: Mapping[str, Any], labels: Sequence[str]) -> Family:
    used = {key: tuple(v) if isinstance(v, list) else v for key, v in options.items()}
    made: Family = FAMILIES.get(name).family(labels, **used)
    return made


def open_run(place: Path) -> OpenRun:
    """Open a run folder, a result file, or a baseline folder.

    Raises
    ------
    ConfigError
        No record there, or one that cannot be read.
    DamagedError
        The record, or the sums that it names, are missing or not as they were written. A run whose sums are lost is no
        run without sums: an unpaired comparison finds less, so that damage would open a gate.
    """
    path = place / "result.json" if place.is_dir() else place
    result = read(path)
    if NAME not in result.provenance.artefacts:
        return OpenRun(path, result, lack="the record has no statistics")
    return OpenRun(path, result, statistics_of(result, path.parent))


def mismatches(a: Result, b: Result) -> list[Mismatch]:
    """In what two runs differ that matters to a comparison; what only needs to be known is not blocking."""
    differences = []
    if a.dataset.synthetic != b.dataset.synthetic:
        kind = {True: "synthetic", False: "real recordings"}
        differences.append(Mismatch("kind of data", kind[a.dataset.synthetic], kind[b.dataset.synthetic]))
    for what, one, other in (
        ("data", a.dataset.name, b.dataset.name),
        ("clips, labels, groups or files (index hash)", a.dataset.index_hash, b.dataset.index_hash),
        ("clips used", a.dataset.clips, b.dataset.clips),
        ("classes", ", ".join(a.dataset.labels), ", ".join(b.dataset.labels)),
        ("random protocol", a.suite.protocol, b.suite.protocol),
        ("suite", a.suite.name, b.suite.name),
        ("version of the suite", a.suite.version, b.suite.version),
    ):
        if one != other:
            differences.append(Mismatch(what, str(one), str(other)))
    mine, theirs = a.suite.definition, b.suite.definition
    for part in MEANING:
        if mine.get(part) != theirs.get(part):
            differences.append(Mismatch(f"`{part}` of the suite", _short(mine.get(part)), _short(theirs.get(part))))
    for part in ("family", "options", "folds"):
        one, other = (d.get("metrics", {}).get(part) for d in (mine, theirs))
        if one != other:
            differences.append(Mismatch(f"`metrics.{part}` of the suite", _short(one), _short(other)))
    differences += _rules(a, b)
    if a.suite.hash != b.suite.hash and not any(m.blocking for m in differences):
        changed = [k for k in sorted({*mine, *theirs}) if mine.get(k) != theirs.get(k) and k not in MEANING]
        differences.append(
            Mismatch(
                f"hash of the suite ({', '.join(changed) or 'wording'})", a.suite.hash[:12], b.suite.hash[:12], False
            )
        )
    if a.provenance.seed != b.provenance.seed:
        differences.append(
            Mismatch("--seed, so perturbations were drawn anew", str(a.provenance.seed), str(b.provenance.seed), False)
        )
    if a.provenance.code != b.provenance.code:
        differences.append(Mismatch("benchbed's own code", a.provenance.code[:12], b.provenance.code[:12], False))
    return differences


def _rules(a: Result, b: Result) -> list[Mismatch]:
    """Metrics that go by another rule in the two runs."""
    found: dict[str, Mismatch] = {}
    theirs = {cell.key: cell for cell in b.cells}
    for cell in a.cells:
        if cell.condition.kind == "attack":
            continue  # what attacked them, and so their rules, may differ from model to model: see condition_mismatch
        other = theirs.get(cell.key)
        for name, value in cell.metrics.items():
            against = None if other is None else other.metrics.get(name)
            # What one of them could not measure has no rule that matters; the figure itself says why.
            if against is None or value.value is None or against.value is None:
                continue
            if against.rule != value.rule:
                found[name] = Mismatch(f"rule of {name}", value.rule, against.rule)
    return list(found.values())


#: Facts of an attacked cell without which it is another question: whether gradients attacked or answers alone, attacks
#: with their steps, and what they wanted.
_ATTACKED = ("attacker", "attacks", "goal", "success", "threat", "space", "channels")


def condition_mismatch(a: Result, b: Result, key: str) -> str | None:
    """Why the cell of one key is not the same question in both runs, or None."""
    cells = [next((c for c in result.cells if c.key == key), None) for result in (a, b)]
    for cell, name in zip(cells, ("the first run", "the second run")):
        if cell is None:
            return f"{name} has no cell {key}"
    one, other = (c.condition for c in cells if c is not None)
    for what in ("kind", "name", "severity", "parameter", "unit", "draws"):
        if getattr(one, what) != getattr(other, what):
            return f"{what} of {key} is {getattr(one, what)} in one run and {getattr(other, what)} in the other"
    definitions = [_condition(result, one.name) for result in (a, b)]
    if definitions[0] != definitions[1]:
        return f"{one.name} has other options in the two suites"
    # What an attack found says nothing of a model without how hard it tried, and what it called success.
    for what in _ATTACKED:
        mine, theirs = (condition.facts.get(what) for condition in (one, other))
        if mine != theirs:
            return f"{what} of {key} is {_plain(mine)} in one run and {_plain(theirs)} in the other"
    return _another_rule(*(c for c in cells if c is not None))


def _another_rule(one: Cell, other: Cell) -> str | None:
    """Why the figures of two attacked cells are none of one kind: a random model is asked about each budget alone."""
    if one.condition.kind != "attack":
        return None
    for name in one.metrics.keys() & other.metrics.keys():
        mine, theirs = one.metrics[name], other.metrics[name]
        if mine.rule != theirs.rule and None not in (mine.value, theirs.value):
            return f"rule of {name} under {one.key} is {mine.rule} in one run and {theirs.rule} in the other"
    return None


def _plain(fact: object) -> str:
    return "; ".join(map(str, fact)) if isinstance(fact, list) else str(fact)


def _condition(result: Result, name: str) -> Any:
    found = [c for c in result.suite.definition.get("conditions", []) if isinstance(c, dict)]
    return [c.get("options") for c in found if str(c.get("corruption", "")).endswith(name)]


def require_comparable(a: OpenRun, b: OpenRun) -> list[Mismatch]:
    """What two runs differ in without harm.

    Raises
    ------
    CannotMeasure
        They must not be compared; everything that differs is listed.
    """
    found = mismatches(a.result, b.result)
    blocking = [m for m in found if m.blocking]
    if blocking:
        raise CannotMeasure(
            f"{a.name} and {b.name} were not measured alike"
            + "".join(f"\n    {line}" for line in _listed(a, b, blocking)),
            where=f"{a.path} against {b.path}",
            hint="run both on the same suite and data",
        )
    return found


def _listed(a: OpenRun, b: OpenRun, blocking: Sequence[Mismatch]) -> list[str]:
    lines = [str(m) for m in blocking]
    if a.statistics is None or b.statistics is None or a.statistics.index_hash == b.statistics.index_hash:
        return lines
    for split in sorted({*a.statistics.groups, *b.statistics.groups}):
        one, other = (set(run.sums.groups.get(split, ())) for run in (a, b))
        if one != other:
            only = [
                f"{len(extra)} only in {name} ({', '.join(sorted(extra)[:3])}{', …' if len(extra) > 3 else ''})"
                for name, extra in (("the first", one - other), ("the second", other - one))
                if extra
            ]
            lines.append(f"recordings of split {split}: {'; '.join(only)}")
    return lines


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 80 else text[:77] + "…"
