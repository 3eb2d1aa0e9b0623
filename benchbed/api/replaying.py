"""A challenge once more: deposited outputs scored by its official rule and by ours, and which neighbours differ."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from benchbed.api.asked import AskedModel
from benchbed.api.measuring import Options, loaded_suite
from benchbed.api.run import Run
from benchbed.errors import BenchbedError
from benchbed.threads import one_thread

if TYPE_CHECKING:
    import pandas as pd

    from benchbed.compare.answer import Procedure
    from benchbed.compare.neighbours import NeighbourPair
    from benchbed.metrics.number import Number
    from benchbed.run.session import Prepared, Settings
    from benchbed.suite.load import LoadedSuite


#: Key of a suite that chooses thresholds: outputs are deposited of the scored clips, not of those to choose on.
TUNE = "post_processing.tune"


@dataclass(frozen=True)
class ReplayedSystem:
    """One system of a replayed board.

    Attributes
    ----------
    name : str
        Of its file or folder.
    run : Run
        Its outputs, scored.
    official : Number
        The challenge's figure, with an interval as if its clips were independent.
    rank : (int, int, int) or None
        Rank and the ends of its interval, recordings resampled; None where there are no ranks.
    """

    name: str
    run: Run
    official: Number
    rank: tuple[int, int, int] | None = None

    def row(self) -> dict[str, object]:
        """The system as a row of a table."""
        from benchbed.results.answers import ranking_value

        result, official = self.run.result, self.official
        value = ranking_value(result, result.primary)
        assert value is not None
        return {
            "system": self.name,
            "official": official.value,
            "official_low": official.low,
            "official_high": official.high,
            "official_rule": official.info.rule,
            "clips": official.n,
            "value": value.value,
            "low": value.low,
            "high": value.high,
            "rule": value.rule,
            "interval": value.interval,
            "recordings": result.dataset.groups,
            "unit": value.unit,
            "direction": value.direction,
            "rank": self.rank[0] if self.rank else None,
            "rank_low": self.rank[1] if self.rank else None,
            "rank_high": self.rank[2] if self.rank else None,
        }


@dataclass(frozen=True)
class Replayed:
    """A board, the best official figure first, and what of it the recordings bear out.

    Attributes
    ----------
    suite, title, dataset : str
        What was scored on.
    synthetic : bool
        On made sounds, which says nothing of the challenge.
    systems : list of ReplayedSystem
    pairs : list of NeighbourPair
        Each system against the next.
    errors : dict of str to BenchbedError
        Systems that could not be scored, and why.
    """

    suite: str
    title: str
    dataset: str
    synthetic: bool
    systems: list[ReplayedSystem]
    pairs: list[NeighbourPair]
    errors: dict[str, BenchbedError] = field(default_factory=dict)

    def frame(self) -> pd.DataFrame:
        """One row per system: the official figure and ours, each with its interval, and the rank interval."""
        import pandas as pd

        return pd.DataFrame([system.row() for system in self.systems])

    def as_json(self) -> dict[str, object]:
        """Everything for programs."""
        return {
            "suite": self.suite,
            "dataset": self.dataset,
            "synthetic": self.synthetic,
            "systems": [system.row() | {"run": str(system.run.path)} for system in self.systems],
            "neighbours": [
                asdict(pair) | {"apart": pair.apart, "published_apart": self.published_apart(number)}
                for number, pair in enumerate(self.pairs)
            ],
            "errors": {name: str(error) for name, error in self.errors.items()},
        }

    def published_apart(self, number: int) -> bool | None:
        """Whether the intervals by clip of a pair of neighbours do not overlap; None where one has none."""
        one, other = (self.systems[number + step].official for step in (0, 1))
        if None in (one.low, one.high, other.low, other.high):
            return None
        assert one.low is not None and one.high is not None and other.low is not None and other.high is not None
        return one.low > other.high or other.low > one.high

    def __str__(self) -> str:
        from benchbed.compare.show import grid

        first = self.systems[0]
        rows = [system.row() for system in self.systems]
        clips, recordings = rows[0]["clips"], rows[0]["recordings"]
        text = [
            f"{self.title or self.suite} on {self.dataset}: {len(rows)} systems",
            f"official rule: {first.official.info.title} ({rows[0]['official_rule']}), as if all {clips:,} clips were "
            "independent",
            f"right rule: {rows[0]['rule']}, {recordings:,} recordings resampled",
            "",
            *grid(
                ["", "system", "official", "by clip", "right", "by recording", "rank"],
                [_cells(place, row) for place, row in enumerate(rows, 1)],
                right=(0, 2, 4),
            ),
        ]
        if self.pairs:
            text += ["", "neighbours (recordings resampled and swapped, Holm over the pairs):"]
            text += [self._told(number, pair, str(rows[0]["unit"])) for number, pair in enumerate(self.pairs)]
        return "\n".join([*text, *(f"not scored: {name}: {error}" for name, error in self.errors.items())])

    def _told(self, number: int, pair: NeighbourPair, unit: str) -> str:
        from benchbed.compare.printed import p_text

        between = f"  {pair.above} and {pair.below}:"
        if pair.verdict == "unmeasured":
            return f"{between} not measured: {pair.reason}"
        told = {
            "win": "differ",
            "loss": f"differ, and {pair.below} is the better one by this rule",
            "tie": "cannot be told apart",
        }[pair.verdict]
        if self.published_apart(number) and not pair.apart:
            told += ", though their intervals by clip do not overlap"
        ends = f" [{_digits(pair.low, unit)}, {_digits(pair.high, unit)}]" if pair.low is not None else ""
        return f"{between} {_digits(pair.value, unit)}{ends}, p {p_text(pair.p_adjusted)}: {told}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


def _cells(place: int, row: Mapping[str, object]) -> list[str]:
    unit = str(row["unit"])
    ends = [
        "–" if row[low] is None else f"[{_digits(row[low], unit)}, {_digits(row[high], unit)}]"
        for low, high in (("official_low", "official_high"), ("low", "high"))
    ]
    rank = "–" if row["rank"] is None else f"{row['rank_low']}–{row['rank_high']}"
    figures = _digits(row["official"], unit), _digits(row["value"], unit)
    return [str(place), str(row["system"]), figures[0], ends[0], figures[1], ends[1], rank]


def _digits(value: object, unit: str) -> str:
    """A figure with as many digits as challenges print."""
    if not isinstance(value, int | float):
        return "–"
    return (f"{100 * value:.2f}" if unit == "fraction" else f"{value:.4g}").replace("-", "−")


def replay(
    task: str | Path | Mapping[str, object],
    folder: str | Path,
    *,
    options: Options | None = None,
    data: Mapping[str, str | Path] | None = None,
    overrides: Mapping[str, object] | None = None,
    out: str | Path = "replays",
    draws: int = 2000,
    alpha: float = 0.05,
    seed: int = 0,
    synthetic: bool = True,
    report: bool = False,
) -> Replayed:
    """Score the deposited outputs of a challenge by its official rule and by ours.

    The official figure is the one that the suite's metrics call `official_…`, where its scorer is known to count
    otherwise, else the metric that ranks; its interval takes every clip for independent, as published ones do. Beside
    it stands the suite's own figure with its interval over recordings, and of each two neighbours it is said whether
    they differ by more than the choice of recordings. Thresholds that the suite chooses on other clips are left at
    their defaults, as outputs of those clips are not deposited.

    Parameters
    ----------
    task : str, Path or mapping
        A suite, as in `benchbed.run`.
    folder : str or Path
        Holds a file or folder of outputs for each system (`benchbed.run.deposited`); of a sequence of checkpoints a
        folder with a file for each step.
    options : mapping, optional
        How to read the outputs, as in `benchbed.score`.
    data, overrides, seed, synthetic
        As in `benchbed.score`.
    out : str or Path
        Folder of the runs; `<out>/<suite>/replay.json` holds the board.
    draws, alpha
        Bootstrap draws and level of the tests between neighbours.
    report : bool
        Also write the page of each run.

    Returns
    -------
    Replayed
        Systems that could not be scored are in its `errors`.

    Raises
    ------
    BenchbedError
        What concerns all systems; or, where none could be scored, what was wrong with the first.

    Examples
    --------
    >>> import benchbed as bb
    >>> print(bb.replay("dcase2025_task1", "outputs", data={"tau2022": "TAU"}))  # doctest: +SKIP
    """
    from benchbed.run.job.policy import ErrorPolicy
    from benchbed.run.session import Settings

    settings = Settings(
        out=Path(out),
        data={key: Path(path).expanduser() for key, path in (data or {}).items()},
        allow_synthetic=synthetic,
        device="cpu",
        batch_size=256,
        errors=ErrorPolicy.parse("true"),
        seed=seed,
        quiet=True,
        command="benchbed.replay",
    )
    changes: dict[str, object] = {**(overrides or {}), "conditions": ["clean"]}
    loaded = loaded_suite(task, changes)
    if tunes(loaded):
        loaded = loaded_suite(task, {**changes, TUNE: None})
    return replay_loaded(loaded, Path(folder), settings, options, draws=draws, alpha=alpha, report=report)


def tunes(loaded: LoadedSuite) -> bool:
    """Whether a suite chooses thresholds on other clips than it scores."""
    decided = loaded.suite.post_processing
    return decided is not None and decided.tune is not None


def replay_loaded(
    loaded: LoadedSuite,
    folder: Path,
    settings: Settings,
    options: Options | None = None,
    *,
    draws: int = 2000,
    alpha: float = 0.05,
    report: bool = False,
) -> Replayed:
    """The same of a suite that is loaded, with the settings of its runs.

    Raises
    ------
    BenchbedError
        As `replay`.
    """
    from benchbed.compare.answer import Procedure
    from benchbed.outputs import output_of
    from benchbed.run.deposited import systems_in

    sequence = loaded.suite.sequence
    systems = systems_in(folder, output_of(loaded.suite.task), sequence.steps if sequence else ())
    scored: list[ReplayedSystem] = []
    errors: dict[str, BenchbedError] = {}
    for name, outputs in systems.items():
        try:
            scored.append(_scored(loaded, name, outputs, dict(options or {}), settings, report))
        except BenchbedError as error:
            errors[name] = error
    if not scored:
        raise next(iter(errors.values()))
    replayed = _board(loaded, scored, errors, Procedure(draws=draws, alpha=alpha, seed=settings.seed))
    place = settings.out / loaded.suite.name / "replay.json"
    place.write_text(json.dumps(replayed.as_json(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return replayed


def _scored(
    loaded: LoadedSuite, name: str, outputs: Path, options: dict[str, object], settings: Settings, report: bool
) -> ReplayedSystem:
    """One system's outputs as a run, and its official figure."""
    from benchbed.api.several import run_each
    from benchbed.run.scoring.by_clip import by_clip, stored_predictions
    from benchbed.run.stored import reader_of

    reader, about = reader_of(loaded)
    model = AskedModel(name, reader, {**about, **options, "file": str(outputs), "name": name}, given=name)
    ready: list[Prepared] = []
    runs, failed = run_each(loaded, [model], settings, report=report, listen=0, ready=ready.append)
    for error in failed.values():
        raise error
    official = by_clip(ready[0], stored_predictions(ready[0]), settings.seed)
    return ReplayedSystem(name, runs[0], official)


@one_thread
def _board(
    loaded: LoadedSuite, scored: list[ReplayedSystem], errors: dict[str, BenchbedError], procedure: Procedure
) -> Replayed:
    """The systems in the order of the official figure, with their rank intervals and neighbours."""
    from benchbed.compare.neighbours import neighbours
    from benchbed.compare.ranking import rank_alike, unranked
    from benchbed.compare.runs import open_run

    first = scored[0].run.result
    sign = -1.0 if scored[0].official.info.direction == "higher" else 1.0
    # A system whose figure is undefined stands last.
    order = sorted(scored, key=lambda one: (one.official.value is None, sign * (one.official.value or 0.0), one.name))
    opened = [open_run(one.run.path) for one in order]
    ranks = {} if unranked(opened) else rank_alike([(run.path, run) for run in opened], procedure)
    systems = [replace(one, rank=ranks.get(run.path)) for one, run in zip(order, opened)]
    pairs = neighbours(opened, procedure)
    suite, dataset = loaded.suite, first.dataset
    return Replayed(suite.name, suite.title, dataset.name, dataset.synthetic, systems, pairs, errors)
