"""What the pages over many runs show: runs sorted into tables of what may be compared, no figure changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from benchbed.report import best_known, island, terms, view
from benchbed.report.best_known import BestKnown
from benchbed.report.charts.draw import domain
from benchbed.results.alike import comparable
from benchbed.results.answers import clean_cell, leading, per_mac, ranking_value
from benchbed.results.folded import folded
from benchbed.results.record import Result, Value
from benchbed.results.reference import Reference, verification

#: Columns of a board besides the one that ranks; the page of a run has every figure.
COLUMNS = 12
#: Columns that are switched on when a board is opened.
COLUMNS_ON = 6
#: Units of what a model costs.
COSTS = {"MACs", "parameters", "bytes", "ms", "kWh", "Wh", "J", "points/MMAC"}
#: Figures of a profile that stand in a board; the page of a run has all.
MAIN_COSTS = ("parameters", "macs", "parameter_memory", "joules_per_inference", "kwh")

_KEPT = (f"{terms.ROBUSTNESS}:", f"{terms.ADVERSARIAL}:", f"{terms.BLACK_BOX}:")
#: Points above guessing for each million MACs, a figure that boards add.
_PER_MAC = "per_mac"

Ranks = Mapping[Path, tuple[int, int, int]]


@dataclass(frozen=True)
class BoardRow:
    """One run in a table; `leads` names the figure that ranks there, `primary` is it."""

    result: Result
    path: Path
    slug: str
    leads: str
    primary: Value | None
    figures: dict[str, Value]
    badges: list[view.Badge]
    rank: tuple[int, int, int] | None = None
    earlier: bool = False
    known: tuple[BestKnown, ...] = ()

    @cached_property
    def whole(self) -> Result:
        """The run with one cell for each condition, of several folds the mean over them."""
        return folded(self.result)

    @cached_property
    def lacking(self) -> str | None:
        """What the run lacks, in words; None where every clip has a prediction in every cell."""
        return view.incomplete(self.result)

    @property
    def task(self) -> str:
        """Task of the first cell, for the filter."""
        return self.result.cells[0].task if self.result.cells else ""

    @property
    def size(self) -> float | None:
        """Number of parameters, for the filter."""
        return next((v.value for v in self.figures.values() if v.unit == "parameters"), None)

    @property
    def energy(self) -> str:
        """How energy is known: `measured`, `estimated` or `none`."""
        return view.energy_kind(self.result.profile)


@dataclass(frozen=True)
class Board:
    """Runs that may be compared: same suite, data, random protocol and metric; all real or all synthetic."""

    identity: str
    primary: str
    rows: list[BoardRow]
    columns: list[str]
    ends: tuple[float, float]
    ranked: bool

    @property
    def example(self) -> Result:
        """Any of its records, for what they share."""
        return self.rows[0].result

    def first(self, name: str) -> Value | None:
        """Any figure of a column, for its unit and direction."""
        return next((row.figures[name] for row in self.rows if name in row.figures), None)

    @cached_property
    def group(self) -> dict[str, int]:
        """Slug → rank of its tie group: runs whose rank interval reaches the place of the group's best run share it."""
        found: dict[str, int] = {}
        place = 0
        for row in sorted((row for row in self.rows if row.rank), key=lambda row: row.rank or (0, 0, 0)):
            rank, low, _ = row.rank or (0, 0, 0)
            place = place if place and low <= place else rank
            found[row.slug] = place
        return found

    @property
    def known(self) -> list[tuple[str, tuple[BestKnown, ...]]]:
        """The best known attacks of each model that was attacked."""
        return [(row.result.model.name, row.known) for row in self.rows if row.known]

    @property
    def lead(self) -> Value | None:
        """The figure of the first row, whose interval is shaded behind the others."""
        return self.rows[0].primary

    @cached_property
    def shared(self) -> list[view.Badge]:
        """Badges of every run, which stand once above the table."""
        return [mark for mark in self.rows[0].badges if all(mark in row.badges for row in self.rows)]

    @cached_property
    def on(self) -> list[str]:
        """Columns that are switched on when the board is opened: the first ones, and what the models cost."""
        costs = [name for name in ("macs", _PER_MAC, "parameters") if name in self.columns][:2]
        return [*[name for name in self.columns if name not in costs][: COLUMNS_ON - len(costs)], *costs]

    @property
    def first_group(self) -> list[BoardRow]:
        """The leading tie group; without ranks, the first row if it has a figure."""
        groups = self.group
        if groups:
            return [row for row in self.rows if groups.get(row.slug) == min(groups.values())]
        return [row for row in self.rows[:1] if row.primary is not None and row.primary.value is not None]


@dataclass(frozen=True)
class SuitePage:
    """All boards of one suite, recordings before synthetic data."""

    name: str
    title: str
    slug: str
    boards: list[Board]

    @property
    def runs(self) -> int:
        """Number of runs."""
        return sum(len(board.rows) for board in self.boards)

    def first(self, name: str) -> Value | None:
        """Any figure of a column, for its title."""
        return next((value for board in self.boards if (value := board.first(name)) is not None), None)

    def choices(self, name: str) -> list[str]:
        """Values of a property of the rows (`task`, `energy`) or of their models (`family`, `licence`)."""
        held = {
            str(getattr(row, name) if hasattr(BoardRow, name) else getattr(row.result.model, name))
            for board in self.boards
            for row in board.rows
        }
        return sorted(held - {"", "None"})

    @property
    def columns(self) -> list[str]:
        """Columns of all boards, for the choice."""
        return list(dict.fromkeys(name for board in self.boards for name in board.columns))

    @property
    def on(self) -> set[str]:
        """Columns that are switched on when the page is opened."""
        return {name for board in self.boards for name in board.on}


@dataclass(frozen=True)
class ModelPage:
    """All runs of one model, by what may be compared and then by time."""

    name: str
    slug: str
    boards: list[Board]


def arrange(
    results: Sequence[tuple[Path, Result]], ranks: Ranks | None = None, references: Sequence[Reference] = ()
) -> list[SuitePage]:
    """Sort runs into suites and tables of what may be compared, each ordered by the figure that ranks."""
    placed = best_known.sort(results)
    rows = make_rows(placed.own, ranks or {}, references, foreign=placed.foreign)
    suites: dict[str, dict[tuple, list[BoardRow]]] = {}
    for row in rows:
        suites.setdefault(row.result.suite.name, {}).setdefault(comparable(row.result), []).append(row)
    pages = []
    for name in sorted(suites):
        boards = [make_board(sorted(held, key=_order)) for held in suites[name].values()]
        boards.sort(key=lambda board: (board.example.dataset.synthetic, board.example.dataset.name, -len(board.rows)))
        title = boards[0].example.suite.title or name
        pages.append(SuitePage(name, title, island.slug(name, name), boards))
    return pages


def by_model(pages: Sequence[SuitePage], earlier: Sequence[tuple[Path, Result]] = ()) -> list[ModelPage]:
    """The same runs sorted by model, with earlier records of their folders in the tables they belong to."""
    models: dict[str, dict[str, list[BoardRow]]] = {}
    for page in pages:
        for board in page.boards:
            for row in board.rows:
                models.setdefault(row.result.model.name, {}).setdefault(board.identity, []).append(row)
    leads = {board.identity: board.primary for page in pages for board in page.boards}
    for row in make_rows(earlier, {}, leads=leads):
        held = models.get(row.result.model.name, {})
        # What was measured otherwise (another suite, other data) has no table here to stand in.
        if (identity := identity_of(row.result)) in held:
            held[identity].append(replace(row, earlier=True))
    return [
        ModelPage(
            name,
            island.slug(name, name),
            [make_board(sorted(rows, key=lambda row: row.result.provenance.created)) for rows in held.values()],
        )
        for name, held in sorted(models.items())
    ]


def make_rows(
    results: Sequence[tuple[Path, Result]],
    ranks: Ranks,
    references: Sequence[Reference] = (),
    leads: Mapping[str, str] | None = None,
    foreign: Mapping[Path, Sequence[Result]] = MappingProxyType({}),
) -> list[BoardRow]:
    """One row for each run, with the address of its page; `leads` are figures that rank, by the identity of a board,
    and `foreign` are runs of foreign sounds that belong to a run."""
    known = {**_leads(result for _, result in results), **(leads or {})}
    slugs = [run_slug(result) for _, result in results]
    double = {slug for slug, times in Counter(slugs).items() if times > 1}
    rows = []
    for index, ((path, result), slug) in enumerate(zip(results, slugs, strict=True)):
        # The same measurement made twice; the address of the first must not move when a second comes.
        if slug in double and slug in slugs[:index]:
            slug = f"{slug}-{island.digest(result.provenance.created + str(slugs[:index].count(slug)))}"
        lead = known[identity_of(result)]
        whole = folded(result)
        pool = {**view.figures(whole), **_sets(whole)}
        if (clean := view.primary_value(result)) is not None:
            # Beside another figure that ranks, of the same metric on perturbed audio, it must say what it is of.
            told = {"title": f"{terms.title(result.primary, clean)}, clean"} if lead != result.primary else {}
            pool[result.primary] = clean.model_copy(update=told)
        ranks_by = pool.get(lead) if lead == result.primary else ranking_value(result, lead)
        figures = {name: value for name, value in pool.items() if name != lead}
        figures |= {name: value for name, value in _costs(result).items() if name not in figures}
        attacks = tuple(best_known.best_known(whole, foreign.get(path, ())))
        figures |= _attacked(whole) | best_known.figures(attacks)
        marks = view.badges(result)
        if makers := sorted({name for one in attacks for name in one.others}):
            marks.append(
                view.Badge(
                    "note",
                    "foreign attack",
                    f"The best known attack was found by {', '.join(makers)}, at least in part",
                )
            )
        if source := verification(references, result, view.figures(result)):
            marks.append(view.Badge("pass", "publication confirmed", f"Agrees with the published figures of {source}"))
        rank = None if view.incomplete(result) or ranks_by is None else ranks.get(path)
        rows.append(BoardRow(result, path, slug, lead, ranks_by, figures, marks, rank, known=attacks))
    return rows


def identity_of(result: Result) -> str:
    """The table that a run stands in."""
    return island.digest(repr(comparable(result)))


def _leads(results: Iterable[Result]) -> dict[str, str]:
    tables: dict[str, list[Result]] = {}
    for result in results:
        tables.setdefault(identity_of(result), []).append(result)
    return {identity: leading(held) for identity, held in tables.items()}


def _sets(result: Result) -> dict[str, Value]:
    """What sets of devices say on clean audio, where some were not heard in training: seen, unseen, gap and worst."""
    cell = clean_cell(result)
    found: dict[str, Value] = {}
    if cell is None:
        return found
    for base in dict.fromkeys(terms.group(key)[0] for key in cell.groups):
        stem = terms.plural(base)
        if f"{stem}_gap=seen-unseen" not in cell.groups:
            continue
        for name, title in (
            (f"{stem}=seen", f"Seen {stem}"),
            (f"{stem}=unseen", f"Unseen {stem}"),
            (f"{stem}_gap=seen-unseen", "Gap seen − unseen"),
            (f"{stem}_worst=all", f"Worst {base}"),
        ):
            if (value := cell.groups.get(name, {}).get(result.primary)) is not None:
                found[name] = value.model_copy(update={"title": title, "scope": None})
    return found


def make_board(rows: list[BoardRow]) -> Board:
    """A table of rows in the given order."""
    example = rows[0].result
    drawn = [row.primary for row in rows if row.primary]
    unit = drawn[0].unit if drawn else ""
    columns = list(dict.fromkeys(name for row in rows for name in row.figures))
    # What a model costs is asked of every board; other figures keep the order of the record.
    costs = [name for name in columns if any(row.figures[name].unit in COSTS for row in rows if name in row.figures)]
    # Clean is asked first where another figure ranks, then sets of devices, then what is kept of perturbed audio.
    others = sorted(
        (name for name in columns if name not in costs),
        key=lambda name: (
            name != example.primary,
            "=" not in name,
            not name.startswith(_KEPT),
            "/" in name and best_known.NAME.partition(":")[2] not in name,
        ),
    )
    return Board(
        identity=identity_of(example),
        primary=rows[0].leads,
        rows=rows,
        columns=(others[: COLUMNS - len(costs)] + costs)[:COLUMNS],
        ends=domain([part for value in drawn for part in (value.value, value.low, value.high)], unit, near=True),
        ranked=any(row.rank for row in rows),
    )


def data(page: SuitePage) -> dict[str, Any]:
    """The figures of a suite page as flat rows, for download."""
    rows = []
    for board in page.boards:
        for row in board.rows:
            result = row.result
            flat: dict[str, Any] = {
                "model": result.model.name,
                "family": result.model.family,
                "task": row.task,
                "licence": result.model.licence,
                "parameters": row.size,
                "energy": row.energy,
                "suite": result.suite.name,
                "suite_hash": result.suite.hash,
                "protocol": result.suite.protocol,
                "dataset": result.dataset.name,
                "index_hash": result.dataset.index_hash,
                "synthetic": result.dataset.synthetic,
                "limit": result.dataset.limit,
                "created": result.provenance.created,
                "page": f"../runs/{row.slug}.html",
                "badges": ", ".join(mark.text for mark in row.badges),
                "primary": board.primary,
            }
            if row.rank:
                flat |= {"tie_group": board.group[row.slug]}
                flat |= dict(zip(("rank", "rank_low", "rank_high"), row.rank, strict=True))
            shown = {board.primary: row.primary, **{name: row.figures.get(name) for name in board.columns}}
            for name, value in shown.items():
                if value is not None:
                    flat |= {name: value.value, f"{name}_low": value.low, f"{name}_high": value.high}
            rows.append(flat)
    return {"suite": page.name, "rows": rows}


def _attacked(result: Result) -> dict[str, Value]:
    """What attacks say over all their budgets; figures at single budgets are in the tables of the run's page."""
    scopes = (terms.ADVERSARIAL, terms.BLACK_BOX)
    wanted = tuple(f"{scope}:{name}/" for scope in scopes for name in ("gap", "snr50", "minimal_snr"))
    return {name: value for name, value in result.scores.items() if name.startswith(wanted) and "_noise" not in name}


def run_slug(result: Result) -> str:
    """The address of a run's page: the same for the same measurement, whenever and wherever it was made."""
    model, data, suite = result.model, result.dataset, result.suite
    identity: list[object] = [
        model.name,
        model.adapter_hash,
        sorted(model.weights.items()),
        sorted(model.options.items(), key=str),
    ]
    identity += [suite.hash, suite.protocol, data.name, data.index_hash, data.limit, result.provenance.seed]
    identity += [model.fingerprint] if model.fingerprint else []
    return island.slug(f"{model.name} {suite.name}", repr(identity))


def _costs(result: Result) -> dict[str, Value]:
    costs = {}
    parts = dict(result.profile)
    for measured in result.profile.values():
        # Figures may stand in a part of their own, such as `energy`.
        if isinstance(measured, dict) and "value" not in measured:
            parts |= {name: part for name, part in measured.items() if name not in parts}
    for name, part in parts.items():
        if name not in MAIN_COSTS or not isinstance(part, dict) or part.get("unit") not in COSTS:
            continue
        value = part.get("value")
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            rule, reason = str(part.get("method", "profile")), "counted, not sampled"
            costs[name] = Value(
                value=value,
                n=0,
                direction="lower",
                unit=part["unit"],
                rule=rule,
                title=terms.plain(name),
                reason=reason,
            )
    if (latency := _latency(result)) is not None:
        costs["latency"] = latency
    if (ratio := per_mac(result)) is not None:
        costs[_PER_MAC] = ratio
    return costs


def _latency(result: Result) -> Value | None:
    """Median time of a call with one clip, where the suite asked for times."""
    timed = result.profile.get("latency")
    median = timed.get("batch_1", {}).get("median") if isinstance(timed, dict) else None
    if not isinstance(median, dict) or not isinstance(median.get("value"), int | float):
        return None
    return Value(
        value=median["value"],
        n=0,
        direction="lower",
        unit=str(median.get("unit", "ms")),
        rule=str(median.get("method", "latency")),
        title="Latency of one clip",
        reason="a median of calls, not of clips",
    )


def _order(row: BoardRow) -> tuple:
    """Complete runs by their figure, then those that lack clips, then those without a figure."""
    value = row.primary
    if value is None or value.value is None:
        return 2, 0.0, row.result.model.name
    figure = -value.value if value.direction == "higher" else value.value
    return int(row.lacking is not None), figure, row.result.model.name
