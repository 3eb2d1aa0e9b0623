"""Published figures with source, protocol and status: what measured rows may be held beside, never ranked with.

A value stands here as it was printed, digit for digit, so that rounding is part of the record. Tables state the
arithmetic that ties their figures together (an F1 follows from its precision and recall, an average from its column);
`problems` redoes it, and a figure that does not follow must be marked as disputed or damaged.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from benchbed.cache import cache_folder, recall, remember
from benchbed.errors import ConfigError
from benchbed.nesting import Overgrown, refuse_overgrown
from benchbed.results.record import Record, Result, Value

#: What is said for no published figures.
NONE = "none"
Status = Literal["as printed", "disputed", "damaged", "recomputed"]

_PRINTED = re.compile(r"^([<>≈~])?([−-]?(?:\d+(?:\.\d*)?|\.\d+))(?:±(\d*\.?\d+))?$")


class PublishedSource(Record):
    """Where the figures were published."""

    id: str
    """Short name, used in addresses."""
    citation: str
    """Author, title, place, year."""
    note: str = ""
    """What a reader must know about the source as a whole."""


class Protocol(Record):
    """How the figures were measured; rows are compared with measured ones only under the same protocol id."""

    id: str
    """Identifier; equal ids mean equal protocols."""
    task: str
    """`scene`, `tags`, …"""
    dataset: str
    """Data the figures are about."""
    layout: str = ""
    """Layout that reads this data, so that the figures can stand beside runs on it."""
    split: str
    """Split and folds."""
    note: str = ""
    """What else was done."""


class Metric(Record):
    """One column."""

    unit: str
    """Unit as printed (`%`, `1`, `dB`, …)."""
    direction: Literal["higher", "lower", "none"]
    """Which way is better; `none` for sizes and settings."""


class Doubt(Record):
    """What is wrong with one figure."""

    status: Literal["disputed", "damaged", "recomputed"]
    """Contradicted, unreadable in the source, or computed again."""
    note: str
    """The contradiction or damage in words."""
    recomputed: str | None = None
    """What it should be, where that can be told."""


class PublishedRow(Record):
    """One system."""

    system: str
    """Name in the source."""
    family: str = ""
    """`cnn`, `transformer`, … where the source says it."""
    origin: Literal["measured", "quoted", "derived"] = "measured"
    """By the source itself, quoted by it from elsewhere, or computed from it."""
    values: dict[str, str]
    """Metric → value as printed, e.g. `76.3±5.6`."""
    doubts: dict[str, Doubt] = Field(default_factory=dict)
    """Metric → what is wrong with it."""
    note: str = ""
    """Setting or remark."""

    def status(self, metric: str) -> Status:
        """Status of one figure."""
        return self.doubts[metric].status if metric in self.doubts else "as printed"


class TableCheck(Record):
    """Arithmetic that ties figures of a table together."""

    rule: Literal["f1", "half_sum", "mean", "difference", "column_mean"]
    """How the result follows from the parts."""
    result: str = ""
    """Metric that follows; every metric for `column_mean`."""
    parts: list[str] = Field(default_factory=list)
    """Metrics that it follows from; for `column_mean` the system that holds the averages."""


class PublishedTable(Record):
    """Figures of one table or passage of a source."""

    id: str
    """Identifier, unique in the file."""
    where: str
    """Place in the source."""
    title: str
    """What it shows."""
    protocol: Protocol
    """How it was measured."""
    metrics: dict[str, Metric]
    """Columns."""
    rows: list[PublishedRow]
    """Systems."""
    checks: list[TableCheck] = Field(default_factory=list)
    """Arithmetic that must hold, or the figure be marked."""


class Reference(Record):
    """One file of published figures."""

    source: PublishedSource
    """Where they were published."""
    tables: list[PublishedTable]
    """The figures."""

    @property
    def cells(self) -> int:
        """Number of figures."""
        return sum(len(row.values) for table in self.tables for row in table.rows)


def read_reference(path: Path) -> Reference:
    """Read one file of reference rows.

    Raises
    ------
    ConfigError
        Not YAML, a duplicate key, or fields that do not fit.
    """
    if not path.is_file():
        raise ConfigError(
            "no file of published figures", where=str(path), hint="give a YAML file, or --references none"
        )
    try:
        text = path.read_text(encoding="utf-8")
        refuse_overgrown(text)
        raw = YAML(typ="safe", pure=True).load(text)
        return Reference.model_validate(raw)
    except YAMLError as error:
        raise ConfigError(f"not valid YAML ({error})", where=str(path)) from error
    except Overgrown as error:
        raise ConfigError(str(error), where=f"{path}:{error.line}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"not a text in UTF-8 ({error.reason} at byte {error.start})", where=str(path)) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{place}: {first['msg']} ({error.error_count()} problems)", where=str(path)) from error


def parse(printed: str) -> tuple[float, float | None, float]:
    """Value, spread if one was printed, and half of the last printed digit.

    Examples
    --------
    >>> parse("76.3±5.6")
    (76.3, 5.6, 0.05)
    >>> parse("≈73")
    (73.0, None, 0.5)

    Raises
    ------
    ConfigError
        Not a number as a paper would print it.
    """
    match = _PRINTED.match(printed.replace(",", ""))
    if match is None:
        raise ConfigError(f"'{printed}' is not a printed number", hint="write it as in the source, e.g. 76.3±5.6")
    text = match[2].replace("−", "-")
    decimals = len(text.partition(".")[2])
    return float(text), float(match[3]) if match[3] else None, 0.5 * 10.0**-decimals


def shipped_references() -> list[Reference]:
    """The published figures that come with benchbed: those of the checkout, else those inside the installed wheel."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "_shipped" / "reference", package.parent / "leaderboards" / "reference"):
        if folder.is_dir():
            return [_shipped(path) for path in sorted(folder.glob("*.yaml"))]
    return []


def _shipped(path: Path) -> Reference:
    """A file that was read before under the same content is read as JSON: YAML takes half a second for a few tables."""
    data = path.read_bytes()
    name = hashlib.blake2b(data, digest_size=16, person=b"published-1").hexdigest()
    place = cache_folder() / "published" / f"{name}.json"
    if known := recall(place):
        with contextlib.suppress(ValidationError):  # of another version of benchbed
            return Reference.model_validate(known)
    found = read_reference(path)
    with contextlib.suppress(OSError):  # a folder that cannot be written costs time, not truth
        remember(place, found.model_dump(mode="json"))
    return found


def protocol_of(result: Result) -> str | None:
    """Protocol id of a measured run, `SUITE@VERSION:DATA`; none where nothing published can be about the same.

    A reference table that carries this id states that its figures were measured by exactly this suite.
    """
    if result.dataset.synthetic or result.dataset.limit is not None or result.suite.overrides:
        return None
    return f"{result.suite.name}@{result.suite.version}:{result.dataset.name}"


def same_protocol(references: Sequence[Reference], result: Result) -> list[tuple[Reference, PublishedTable]]:
    """Published tables that were measured under the protocol of a run."""
    wanted = protocol_of(result)
    if wanted is None:
        return []
    return [(held, table) for held in references for table in held.tables if table.protocol.id == wanted]


def beside(references: Sequence[Reference], result: Result) -> list[tuple[Reference, PublishedTable, bool]]:
    """Published tables that explain a run: measured under its protocol, then others about the same data.

    Returns
    -------
    list of (Reference, PublishedTable, bool)
        True where the protocol is the same. Nothing about a synthetic set: nobody published figures of one.
    """
    same = same_protocol(references, result)
    if result.dataset.synthetic:
        return []
    known = {id(table) for _, table in same}
    others = [
        (source, table)
        for source in references
        for table in source.tables
        if id(table) not in known and table.protocol.layout and table.protocol.layout == result.dataset.layout
    ]
    return [(*pair, True) for pair in same] + [(*pair, False) for pair in others]


def asked_references(asked: Sequence[str | Path] | None) -> list[Reference]:
    """The published figures that a page is to have: those that come with benchbed, those of files, or none.

    Parameters
    ----------
    asked : sequence of path, or None
        Files; the single word `none` for none; None for those that come with benchbed.

    Raises
    ------
    ConfigError
        A file that does not fit, or `none` beside files.

    Examples
    --------
    >>> asked_references(["none"])
    []
    """
    if asked is None:
        return shipped_references()
    if any(str(one) == NONE for one in asked):
        if len(asked) > 1:
            raise ConfigError(f"--references {NONE} stands beside files", hint="give files, or none at all")
        return []
    return [read_reference(Path(one)) for one in asked]


def verification(references: Sequence[Reference], result: Result, figures: Mapping[str, Value]) -> str | None:
    """The source that a run agrees with, or none.

    A run is verified where a source names the model, measured it under the same protocol, and every figure that both
    have and that is not in doubt lies in the interval of the run, give or take half of the last printed digit.
    """
    for held, table in same_protocol(references, result):
        for row in table.rows:
            if row.system != result.model.name:
                continue
            shared = [name for name in row.values if name in figures and row.status(name) == "as printed"]
            if shared and all(_agrees(row.values[name], table.metrics[name].unit, figures[name]) for name in shared):
                return f"{held.source.id}, {table.where}"
    return None


def _agrees(printed: str, unit: str, value: Value) -> bool:
    if value.low is None or value.high is None:
        return False
    scale = 100.0 if unit == "%" and value.unit == "fraction" else 1.0
    number, _, half = parse(printed)
    return (value.low * scale - half) <= number <= (value.high * scale + half)


def problems(reference: Reference) -> list[str]:
    """Everything that does not hold in a file: unreadable values, unknown metrics, and unmarked contradictions."""
    found = []
    ids = [table.id for table in reference.tables]
    found += [f"table id '{name}' is used twice" for name in sorted({name for name in ids if ids.count(name) > 1})]
    for table in reference.tables:
        # Arithmetic on values that cannot be read would only repeat the complaint.
        wrong = list(_malformed(table)) or list(_contradictions(table))
        found += [f"{table.id}: {problem}" for problem in wrong]
    return found


def _malformed(table: PublishedTable) -> Iterator[str]:
    for row in table.rows:
        for name, printed in row.values.items():
            if name not in table.metrics:
                yield f"{row.system}: unknown metric '{name}'"
            try:
                parse(printed)
            except ConfigError as error:
                yield f"{row.system}, {name}: {error.what}"
        for name in sorted(set(row.doubts) - set(row.values)):
            yield f"{row.system}: a doubt about '{name}', which has no value"
    for check in table.checks:
        for name in [check.result, *check.parts] if check.rule != "column_mean" else []:
            if name not in table.metrics:
                yield f"check {check.rule}: unknown metric '{name}'"


def _contradictions(table: PublishedTable) -> Iterator[str]:
    for check in table.checks:
        if check.rule == "column_mean":
            yield from _column_means(table, check.parts[0])
            continue
        for row in table.rows:
            if all(name in row.values for name in (check.result, *check.parts)):
                yield from _row(row, check)


def _row(row: PublishedRow, check: TableCheck) -> Iterator[str]:
    value, _, half = parse(row.values[check.result])
    ends = [(low - slack, low + slack) for low, _, slack in (parse(row.values[name]) for name in check.parts)]
    # Every formula here is monotone in each part, so its extremes lie at corners of the rounding box.
    corners = [_RULES[check.rule](corner) for corner in product(*ends)]
    follows = min(corners) - half - 1e-9 <= value <= max(corners) + half + 1e-9
    marked = any(name in row.doubts for name in (check.result, *check.parts))
    if not follows and not marked:
        expected = _RULES[check.rule]([parse(row.values[name])[0] for name in check.parts])
        printed = row.values[check.result]
        yield f"{row.system}: {check.result} {printed} does not follow, {check.rule} gives {expected:.4g}"


def _column_means(table: PublishedTable, holder: str) -> Iterator[str]:
    averages = [row for row in table.rows if row.system == holder]
    if not averages:
        yield f"check column_mean: no system '{holder}'"
        return
    for name, printed in averages[0].values.items():
        parts = [parse(row.values[name]) for row in table.rows if row.system != holder and name in row.values]
        value, _, half = parse(printed)
        mean = sum(part for part, _, _ in parts) / len(parts)
        slack = half + sum(part_half for _, _, part_half in parts) / len(parts) + 1e-9
        if abs(value - mean) > slack and name not in averages[0].doubts:
            yield f"{holder}: {name} {printed} does not follow, the column's mean is {mean:.4g}"


def _f1(parts: list[float] | tuple[float, ...]) -> float:
    precision, recall = parts
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


_RULES: dict[str, Callable] = {
    "f1": _f1,
    "half_sum": lambda parts: sum(parts) / 2,
    "mean": lambda parts: sum(parts) / len(parts),
    "difference": lambda parts: parts[0] - parts[1],
}
