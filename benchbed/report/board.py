"""What the pages over many runs show: runs sorted into tables of what may be compared, no figure changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchbed.report import island, terms, view
from benchbed.report.charts.draw import domain
from benchbed.report.charts.scatter import Dot
from benchbed.results.conditions import setting
from benchbed.results.record import Matrix, Result, Value
from benchbed.results.reference import Reference, verification

#: Columns of a board besides the one that ranks; the page of a run has every figure.
COLUMNS = 12
#: Columns that are switched on when a board is opened.
COLUMNS_ON = 5
#: Units of what a model costs.
COSTS = {"MACs", "parameters", "bytes", "kWh", "Wh", "J"}
#: Figures of a profile that stand in a board; the page of a run has all.
MAIN_COSTS = ("parameters", "macs", "parameter_memory", "joules_per_inference", "kwh")

_KEPT = (f"{terms.ROBUSTNESS}:", f"{terms.ADVERSARIAL}:")

Ranks = Mapping[Path, tuple[int, int, int]]


@dataclass(frozen=True)
class BoardRow:
    """One run in a table."""

    result: Result
    path: Path
    slug: str
    primary: Value | None
    figures: dict[str, Value]
    badges: list[view.Badge]
    rank: tuple[int, int, int] | None = None
    earlier: bool = False

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

    @property
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
    def lead(self) -> Value | None:
        """The figure of the first row, whose interval is shaded behind the others."""
        return self.rows[0].primary


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


@dataclass(frozen=True)
class ModelPage:
    """All runs of one model, by what may be compared and then by time."""

    name: str
    slug: str
    boards: list[Board]


def apart(
    results: Sequence[tuple[Path, Result]], earlier: Sequence[tuple[Path, Result]] = ()
) -> tuple[list[tuple[Path, Result]], list[tuple[Path, Result]]]:
    """Runs and earlier records in which two models of one name have two names.

    Who a model is does not follow from its name: two runs of one name are one model over time only if the record says
    that they are (`identity`), or if the same was loaded (`fingerprint`). Others get a short suffix each.
    """
    owners: dict[str, list[tuple[set[str], set[str]]]] = {}
    for _, result in (*results, *earlier):
        model = result.model
        if not model.identity:
            continue  # a record from before there were identities says nothing about it
        groups = owners.setdefault(model.name, [])
        mine = [known for known in groups if model.identity in known[0] or model.fingerprint in known[1]]
        joined = {model.identity}.union(*(known[0] for known in mine)), {model.fingerprint}.union(*(h[1] for h in mine))
        owners[model.name] = [*(known for known in groups if known not in mine), joined]

    def named(result: Result) -> Result:
        groups = owners.get(result.model.name, [])
        if len(groups) < 2 or not result.model.identity:
            return result
        identities = next(known[0] for known in groups if result.model.identity in known[0])
        suffix = min(identities)[:6]
        if result.model.name.endswith(f"-{suffix}"):
            return result
        model = result.model.model_copy(update={"name": f"{result.model.name}-{suffix}"})
        return result.model_copy(update={"model": model})

    return [(path, named(one)) for path, one in results], [(path, named(one)) for path, one in earlier]


def arrange(
    results: Sequence[tuple[Path, Result]], ranks: Ranks | None = None, references: Sequence[Reference] = ()
) -> list[SuitePage]:
    """Sort runs into suites and tables of what may be compared, each ordered by the metric that ranks."""
    rows = make_rows(results, ranks or {}, references)
    suites: dict[str, dict[tuple, list[BoardRow]]] = {}
    for row in rows:
        suites.setdefault(row.result.suite.name, {}).setdefault(view.comparable(row.result), []).append(row)
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
    for row in make_rows(earlier, {}):
        held = models.get(row.result.model.name, {})
        # What was measured otherwise (another suite, other data) has no table here to stand in.
        if (identity := island.digest(repr(view.comparable(row.result)))) in held:
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
    results: Sequence[tuple[Path, Result]], ranks: Ranks, references: Sequence[Reference] = ()
) -> list[BoardRow]:
    """One row for each run, with the address of its page."""
    slugs = [run_slug(result) for _, result in results]
    double = {slug for slug, times in Counter(slugs).items() if times > 1}
    rows = []
    for index, ((path, result), slug) in enumerate(zip(results, slugs, strict=True)):
        # The same measurement made twice; the address of the first must not move when a second comes.
        if slug in double and slug in slugs[:index]:
            slug = f"{slug}-{island.digest(result.provenance.created + str(slugs[:index].count(slug)))}"
        figures = {name: value for name, value in view.figures(result).items() if name != result.primary}
        figures |= {name: value for name, value in _costs(result).items() if name not in figures}
        figures |= _attacked(result)
        marks = view.badges(result)
        if source := verification(references, result, view.figures(result)):
            marks.append(view.Badge("pass", "publication confirmed", f"Agrees with the published figures of {source}"))
        rank = None if view.incomplete(result) else ranks.get(path)
        rows.append(BoardRow(result, path, slug, view.primary_value(result), figures, marks, rank))
    return rows


def make_board(rows: list[BoardRow]) -> Board:
    """A table of rows in the given order."""
    example = rows[0].result
    drawn = [row.primary for row in rows if row.primary]
    unit = drawn[0].unit if drawn else ""
    columns = list(dict.fromkeys(name for row in rows for name in row.figures))
    # What a model costs is asked of every board; other figures keep the order of the record.
    costs = [name for name in columns if any(row.figures[name].unit in COSTS for row in rows if name in row.figures)]
    # Where a suite perturbs or attacks, what is kept is asked before other metrics on clean audio.
    others = sorted(
        (name for name in columns if name not in costs), key=lambda name: (not name.startswith(_KEPT), "/" in name)
    )
    return Board(
        identity=island.digest(repr(view.comparable(example))),
        primary=example.primary,
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


def transfer(board: Board) -> dict[str, Matrix]:
    """Robust accuracy of each model (row) under attacks made on one other model (column), a table for each budget."""
    rates: dict[str, dict[str, dict[str, Value]]] = {}
    for row in board.rows:
        for cell in row.result.cells:
            what = cell.condition
            if what.name != "transfer":
                continue
            by_source = {
                terms.group(key)[1]: figures["robust_accuracy"]
                for key, figures in cell.groups.items()
                if terms.group(key)[0] == "source" and "robust_accuracy" in figures
            }
            sources = list(what.facts.get("sources", ()))
            if not by_source and len(sources) == 1 and "robust_accuracy" in cell.metrics:
                # Records from before each source had figures of its own.
                by_source = {Path(sources[0]).stem: cell.metrics["robust_accuracy"]}
            if by_source:
                figures = rates.setdefault(f"{setting(what)}, split {cell.split}", {})
                figures.setdefault(row.result.model.name, {}).update(by_source)
    matrices = {}
    for title, rows in rates.items():
        sources = list(dict.fromkeys(source for figures in rows.values() for source in figures))
        values = [[figures[s].value if s in figures else None for s in sources] for figures in rows.values()]
        matrices[title] = Matrix(
            rows=list(rows),
            columns=sources,
            values=values,
            row_title="model",
            column_title="attack made on",
            unit="fraction",
        )
    return matrices


def against_noise(board: Board) -> dict[str, list[Dot]]:
    """Models as points, noise across and attack up, a title each; attacks on features and failed checks are left out.

    Of each attack the budget is shown at which the models lie furthest apart, and the SNR at which half is lost.
    """
    by_attack: dict[tuple[str, str], dict[float, list[Dot]]] = {}
    halves: dict[str, list[Dot]] = {}
    for row in board.rows:
        model = row.result.model
        for cell in row.result.cells:
            if not view.by_budget(cell) or not cell.ranked or terms.on_features(cell.condition):
                continue
            noisy, kept = cell.metrics.get("noise_accuracy"), cell.metrics.get("robust_accuracy")
            if cell.condition.name.endswith("_noise") or noisy is None or kept is None:
                continue
            curve = by_attack.setdefault(
                (f"{terms.attack(cell.key)}, split {cell.split}", cell.condition.unit or ""), {}
            )
            curve.setdefault(view.budget(cell), []).append(Dot(model.name, noisy, kept, model.family))
        scores = row.result.scores
        noise = scores.get(f"{terms.ADVERSARIAL}:snr50/white_noise@l2")
        for key, value in scores.items():
            about = key.removeprefix(f"{terms.ADVERSARIAL}:snr50/")
            if about != key and "noise" not in about and noise is not None and None not in (noise.value, value.value):
                halves.setdefault(f"{terms.attack(f'//{about}')} against noise, SNR at half retention", []).append(
                    Dot(model.name, noise, value, model.family)
                )
    charts = {}
    for (attack, unit), curve in by_attack.items():
        wide = {budget: _apart(dots) for budget, dots in curve.items() if len(dots) > 1}
        if wide:
            budget = max(wide, key=lambda each: wide[each])
            charts[f"{attack}, against noise of equal budget ({budget:g} {unit})"] = curve[budget]
    return charts | {title: dots for title, dots in halves.items() if len(dots) > 1}


def _apart(dots: Sequence[Dot]) -> float:
    kept = [dot.y.value for dot in dots if dot.y.value is not None]
    return max(kept, default=0.0) - min(kept, default=0.0)


def _attacked(result: Result) -> dict[str, Value]:
    """What attacks say over all their budgets; figures at single budgets are in the tables of the run's page."""
    wanted = tuple(f"{terms.ADVERSARIAL}:{name}/" for name in ("gap", "snr50", "minimal_snr"))
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
    return costs


def _order(row: BoardRow) -> tuple:
    """Complete runs by their figure, then those that lack clips, then those without a figure."""
    value = row.primary
    if value is None or value.value is None:
        return 2, 0.0, row.result.model.name
    figure = -value.value if value.direction == "higher" else value.value
    return int(view.incomplete(row.result) is not None), figure, row.result.model.name
