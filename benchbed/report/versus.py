"""What the page of a comparison shows: differences as figures with intervals, sorted into forest plots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from markupsafe import Markup

from benchbed.report import island, terms
from benchbed.report.captions import ClipPair, spread
from benchbed.report.charts.draw import domain
from benchbed.report.charts.forest import ForestRow, forest
from benchbed.report.listening import Unchanged, unchanged
from benchbed.report.pairs import downloads, first_against, ordered_families, ordered_sides, pair_table
from benchbed.results.comparison import (
    ComparisonHeading,
    ComparisonRecord,
    DifferenceRecord,
    GroupDifference,
    PairingRecord,
)
from benchbed.results.record import Value

#: Rows of a forest plot that are drawn and stand unfolded.
UNFOLDED = 40
#: Rows of tables from which those of a pairing are folded.
MANY = 3
#: Record of a run, beside which its sounds lie.
RECORD = "result.json"


@dataclass(frozen=True)
class Branch:
    """One row of a forest plot."""

    label: str
    value: Value
    a: float | None = None
    b: float | None = None
    p: float | None = None
    verdict: str = ""
    mde: float | None = None
    effect: float | None = None
    groups: int = 0
    remark: str = ""


@dataclass(frozen=True)
class Forest:
    """Differences in one unit on one axis."""

    identity: str
    title: str
    unit: str
    branches: list[Branch]
    ends: tuple[float, float]
    tested: bool
    effect: str = "d_z"

    @property
    def remarks(self) -> bool:
        """Some row has one."""
        return any(branch.remark for branch in self.branches)

    @property
    def folded(self) -> bool:
        """Too long to stand open."""
        return len(self.branches) > UNFOLDED

    @property
    def drawn(self) -> list[Branch]:
        """The rows of the drawing: all, or of too many those on clean audio and those that show a difference."""
        if not self.folded:
            return self.branches
        shown = [branch for branch in self.branches if branch.verdict in ("better", "worse")]
        shown.sort(key=lambda branch: -abs(branch.value.value or 0.0))
        kept = {id(branch) for branch in [*self.branches[:1], *shown[: UNFOLDED - 1]]}
        return [branch for branch in self.branches if id(branch) in kept]

    def chart(self, pairing: PairingRecord, families: Mapping[str, str] = MappingProxyType({})) -> Markup | None:
        """The forest plot, where there is more than one row to see at once; `families` of the sides."""
        rows = [branch for branch in self.drawn if branch.value.value is not None]
        if len(rows) < 2:
            return None
        points = "points" if self.unit == "fraction" else self.unit
        directions = {branch.value.direction for branch in rows}
        return forest(
            f"{self.identity}-plot",
            f"{self.title}: {pairing.a} − {pairing.b}",
            [ForestRow(branch.label, branch.value, branch.verdict) for branch in rows],
            self.ends,
            sides=ordered_sides(pairing.a, pairing.b, directions),
            families=ordered_families(families.get(pairing.a), families.get(pairing.b), directions),
            axis=f"{pairing.a} − {pairing.b}{', ' + points if points else ''}",
        )


@dataclass(frozen=True)
class Versus:
    """One model, or group of models, against another."""

    pairing: PairingRecord
    anchor: str
    forests: list[Forest]
    clips: list[ClipPair]
    heard: Unchanged | None = None

    @property
    def counted(self) -> bool:
        """The metric that ranks was compared, so that conditions were won, tied or lost."""
        return self.pairing.wins + self.pairing.ties + self.pairing.losses > 0


@dataclass(frozen=True)
class ComparisonPage:
    """Everything that the page of a comparison prints."""

    comparison: ComparisonRecord
    slug: str
    title: str
    suite: str
    synthetic: bool
    versus: list[Versus]
    links: dict[str, str]
    matrices: list[tuple[Markup, Markup | None]] = field(default_factory=list)

    @property
    def many(self) -> bool:
        """So many pairings that their tables are folded."""
        return len(self.versus) >= MANY

    @property
    def primary(self) -> str:
        """The metric that ranks, as the rows call it."""
        primary = self.comparison.primary
        rows: list[DifferenceRecord | GroupDifference] = []
        for pairing in self.comparison.pairings:
            rows += [*pairing.rows, *pairing.mixed]
        return next((_named(row) for row in rows if row.metric == primary), terms.title(primary))

    @property
    def tests(self) -> str:
        """Which tests gave the p-values."""
        rows = [row for pairing in self.comparison.pairings for row in pairing.rows if row.p is not None]
        told = []
        if any(row.test != "paired bootstrap" for row in rows):
            told.append("the larger of bootstrap and swap test")
        if any(row.test == "paired bootstrap" for row in rows):
            told.append("of ranked metrics whose clips were not at hand the bootstrap alone")
        if any(pairing.mixed for pairing in self.comparison.pairings):
            told.append("of groups of runs a t-test of their means over runs and recordings")
        return "; ".join(told) or "none was made"


@dataclass(frozen=True)
class VersusHead:
    """What other pages say of a comparison; `links` are the pages of its runs, `records` where those lie."""

    slug: str
    title: str
    suite: str
    synthetic: bool
    links: dict[str, str]

    @property
    def records(self) -> list[Path]:
        """Records of its runs that have a page."""
        return [record for path in self.links if (record := record_of(path)).name == RECORD]


def heading(comparison: ComparisonHeading, rows: Mapping[Path, tuple[str, str, bool]]) -> VersusHead:
    """What other pages say of a comparison.

    Parameters
    ----------
    comparison : ComparisonHeading
    rows : mapping of Path to (str, str, bool)
        `record_of` each run → slug of its page, title of its suite, whether its data are synthetic.
    """
    runs = [run for side in comparison.sides for run in side.runs]
    shared = {run.path: rows[record] for run in runs if (record := record_of(run.path)) in rows}
    suite = next((title for _, title, _ in shared.values()), "") or next((run.suite for run in runs if run.suite), "")
    identity = repr([[(m.model, m.path) for m in side.runs] for side in comparison.sides]) + suite
    return VersusHead(
        island.slug(f"{comparison.title} {suite}", identity),
        comparison.title,
        suite,
        any(synthetic for _, _, synthetic in shared.values()) or any(run.synthetic for run in runs),
        {path: slug for path, (slug, _, _) in shared.items()},
    )


def comparison_page(comparison: ComparisonRecord, rows: Mapping[Path, tuple[str, str, bool]]) -> ComparisonPage:
    """Arrange a comparison for its page.

    Parameters
    ----------
    comparison : ComparisonRecord
        As `benchbed compare --json` printed it.
    rows : mapping of Path to (str, str, bool)
        As in `heading`.
    """
    head = heading(comparison.heading, rows)
    kept = [record.parent for record in head.records]
    heard = unchanged(kept, {one.clip_id for pairing in comparison.pairings for one in pairing.clips})
    versus = [
        Versus(
            pairing,
            f"p{number}",
            list(_forests(pairing, f"p{number}", comparison.primary, comparison.settings)),
            spread(pairing.clips, pairing.a, pairing.b, f"p{number}", heard.sounds if heard else None),
            heard,
        )
        for number, pairing in enumerate(comparison.pairings, 1)
    ]
    return ComparisonPage(
        comparison,
        head.slug,
        head.title,
        head.suite,
        head.synthetic,
        versus,
        head.links,
        [
            (
                pair_table(matrix, f"m{number}", comparison.families),
                first_against(matrix, f"m{number}-plot", comparison.families),
            )
            for number, matrix in enumerate(comparison.matrices, 1)
        ],
    )


def record_of(place: Path | str) -> Path:
    """The file of a record, however it was named.

    Examples
    --------
    >>> record_of("runs/a") == record_of("runs/../runs/a/result.json")
    True
    """
    path = Path(place).resolve()
    return path if path.suffix == ".json" else path / RECORD


#: Names of columns for download, where "a" and "b" would be nobody.
_COLUMNS = {"a": "value_model", "b": "value_against", "value": "difference"}


def data(page: ComparisonPage) -> dict:
    """The differences as flat rows, for download."""
    rows = []
    for pairing in page.comparison.pairings:
        for row in [*pairing.rows, *pairing.mixed]:
            shown = row.model_dump(exclude={"values_a", "values_b"}, exclude_none=True)
            named = {_COLUMNS.get(name, name): value for name, value in shown.items()}
            rows.append({"model": pairing.a, "against": pairing.b, **named})
    pairs = downloads(page.comparison.matrices)
    return {"comparison": page.title, "suite": page.suite, "rows": rows} | ({"pairs": pairs} if pairs else {})


def _forests(pairing: PairingRecord, identity: str, primary: str, settings: Mapping[str, str]):
    """All clips in the metric that ranks, by condition; other metrics on clean audio; groups; what is kept."""
    rows: Sequence[DifferenceRecord | GroupDifference] = [*pairing.rows, *pairing.mixed]
    whole = [row for row in rows if row.group is None and row.metric == primary]
    clean = [row for row in rows if row.group is None and row.metric != primary]
    groups = [row for row in rows if row.group is not None]
    if whole:
        yield _forest(
            f"{identity}-conditions",
            f"{_named(whole[0])} by condition",
            whole,
            lambda r: words(r.condition, settings),
            pairing,
        )
    for key in dict.fromkeys((row.condition, row.unit) for row in clean):
        alike = [row for row in clean if (row.condition, row.unit) == key]
        title = f"Other metrics, {_within(key[0], settings)}{'' if key[1] == 'fraction' else ', ' + key[1]}"
        yield _forest(f"{identity}-{island.anchor('/'.join(key))}", title, alike, _named, pairing)
    for key in dict.fromkeys((row.condition, row.metric) for row in groups):
        alike = [row for row in groups if (row.condition, row.metric) == key]
        title = f"{_named(alike[0])} by group, {_within(key[0], settings)}"
        yield _forest(f"{identity}-{island.anchor('/'.join(key))}", title, alike, _group, pairing)
    yield from _robust(pairing, identity)


def _named(row: DifferenceRecord | GroupDifference) -> str:
    return row.title or terms.title(row.metric)


def words(key: str, settings: Mapping[str, str]) -> str:
    """A condition's key in words.

    Examples
    --------
    >>> words("white_noise@3", {"white_noise@3": "10 dB SNR"}), words("clean", {})
    ('White noise, 10 dB SNR', 'Clean')
    >>> words("fgsm@features-linf:0.1", {})
    'FGSM on features, not realizable as audio, linf:0.1'
    """
    name, _, severity = key.partition("@")
    if key in settings:
        return f"{terms.plain(name)}, {settings[key]}"
    if severity.startswith("features-"):
        return f"{terms.plain(name)} {terms.NO_SOUND}, {severity.removeprefix('features-')}"
    return terms.plain(name) + (f", step {severity}" if severity.isdigit() else f", {severity}" if severity else "")


def _within(key: str, settings: Mapping[str, str]) -> str:
    return terms.within(words(key, settings))


def _group(row: DifferenceRecord | GroupDifference) -> str:
    family, member = terms.group(row.group or "")
    return f"{terms.plain(family)} {member}"


def _forest(
    identity: str, title: str, rows: Sequence[DifferenceRecord | GroupDifference], label, pairing: PairingRecord
) -> Forest:
    branches = [_branch(row, label(row), pairing) for row in rows]
    # Over recordings for two runs, over models for groups of them.
    effect = "d" if isinstance(rows[0], GroupDifference) else "d_z"
    return Forest(identity, title, rows[0].unit, branches, _ends(branches, rows[0].unit), True, effect)


def _branch(row: DifferenceRecord | GroupDifference, label: str, pairing: PairingRecord) -> Branch:
    clips = row.clips if isinstance(row, DifferenceRecord) else 0
    value = Value(
        value=row.value,
        low=row.low,
        high=row.high,
        n=clips,
        direction=row.direction,
        unit=row.unit,
        rule=f"difference {pairing.a} − {pairing.b}",
        interval=row.method,
        reason=row.reason,
    )
    remark = "; ".join(part for part in (row.joined, row.reason, row.incomplete) if part)
    if isinstance(row, GroupDifference):
        remark = "; ".join(part for part in (f"{len(row.values_a)} against {len(row.values_b)} models", remark) if part)
        shown = "" if row.verdict is None else _SHOWN[row.verdict]
        return Branch(
            label,
            value,
            _mean(row.values_a),
            _mean(row.values_b),
            row.p_adjusted,
            shown,
            row.mde,
            row.effect,
            row.groups,
            remark,
        )
    verdict = _SHOWN[row.verdict]
    if row.test == "paired bootstrap" and row.p is not None:
        remark = "; ".join(part for part in ("bootstrap alone", remark) if part)
    return Branch(label, value, row.a, row.b, row.p_adjusted, verdict, row.mde, row.effect, row.groups, remark)


_SHOWN = {"win": "better", "loss": "worse", "tie": "not shown", "unmeasured": "could not measure"}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None


def _robust(pairing: PairingRecord, identity: str):
    for name, title in (
        ("retention", "Retention above chance"),
        ("matched", f"At matched clean score: had both started where {pairing.b} does"),
    ):
        branches = []
        for row in pairing.robustness:
            triple = getattr(row, name)
            if triple is None and not row.reason:
                continue
            ends = {} if triple is None else {"low": triple.low, "high": triple.high}
            value = Value(
                value=triple.value if triple else None,
                n=0,
                direction="higher",
                unit="fraction",
                rule=f"difference in {name}",
                reason=row.reason,
                **ends,
            )
            branches.append(Branch(terms.plain(row.name), value, remark=row.reason or row.note or ""))
        if branches:
            yield Forest(f"{identity}-{name}", title, "fraction", branches, _ends(branches, "fraction"), False)


def _ends(branches: Sequence[Branch], unit: str) -> tuple[float, float]:
    parts = [part for branch in branches for part in (branch.value.value, branch.value.low, branch.value.high)]
    # Zero is always on the axis: what matters is on which side of it an interval lies.
    return domain([*parts, 0.0], unit, near=True)
