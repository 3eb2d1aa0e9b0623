"""The metrics alone: references and estimates in, figures out; no suite, no audio, no model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchbed.errors import ConfigError, did_you_mean
from benchbed.threads import one_thread

if TYPE_CHECKING:
    import pandas as pd

    from benchbed.metrics.contract import Family
    from benchbed.metrics.number import Number


@dataclass(frozen=True)
class Evaluation(Mapping[str, float]):
    """Figures of one evaluation: a mapping from metric to value, and a table with everything about each.

    Attributes
    ----------
    family : str
        Metric family.
    metrics : mapping of str to Number
        Figures over all clips.
    groups : mapping of str to mapping
        `class=dog`, … → metric → figure.
    clips : int
        Clips behind them.
    """

    family: str
    metrics: Mapping[str, Number]
    groups: Mapping[str, Mapping[str, Number]]
    clips: int

    def __getitem__(self, metric: str) -> float:
        if metric not in self.metrics:
            raise KeyError(f"{self.family} has no '{metric}': {did_you_mean(metric, self) or ', '.join(self)}")
        value = self.metrics[metric].value
        return float("nan") if value is None else value

    def __iter__(self):
        return iter(self.metrics)

    def __len__(self) -> int:
        return len(self.metrics)

    def frame(self) -> pd.DataFrame:
        """One row per figure: group, metric, value, interval, unit, direction, rule, or why there is none."""
        import pandas as pd

        rows = [
            {
                "group": group,
                "metric": name,
                "title": value.info.title,
                "value": value.value,
                "low": value.low,
                "high": value.high,
                "n": value.n,
                "unit": value.info.unit,
                "direction": value.info.direction,
                "rule": value.info.rule,
                "interval": value.interval,
                "reason": value.reason,
            }
            for group, values in ((None, self.metrics), *self.groups.items())
            for name, value in values.items()
        ]
        return pd.DataFrame(rows)

    def __repr__(self) -> str:
        lines = [f"{name}: {value.value:.6g}" for name, value in self.metrics.items() if value.value is not None]
        return f"<{self.family}, {self.clips} clips\n " + "\n ".join(lines) + ">"

    def _repr_html_(self) -> str:
        frame = self.frame()
        return str(frame[frame["group"].isna()][["title", "value", "low", "high", "unit", "rule"]].to_html(index=False))


@one_thread
def evaluate(
    family: str,
    references: Any,
    estimates: Any,
    *,
    labels: Sequence[str] | None = None,
    groups: Sequence[object] | None = None,
    draws: int = 0,
    seed: int = 0,
    **options: object,
) -> Evaluation:
    """Score estimates against references with a metric family.

    Parameters
    ----------
    family : str
        Registered family (`benchbed list metrics`), e.g. `classification`, `tagging`, `sed_event`, `psds`.
    references, estimates : object
        As the family's kind of output is given: see the module of that name in `benchbed.api.given`. Timed events are a
        mapping of recording to `(onset, offset, label)` rows or a DataFrame with these columns; frame scores are a
        mapping of recording to `(scores [frame, class], hop in seconds)`.
    labels : sequence of str, optional
        Classes, in the order of scores.
    groups : sequence, optional
        Recording that each clip was cut from; resampling draws whole recordings. By default each clip is its own.
    draws : int, default=0
        Bootstrap draws; 0 gives no intervals.
    seed : int, default=0
        Of the draws.
    **options
        Options of the family, e.g. `onset_collar=0.2`.

    Raises
    ------
    ConfigError
        An unknown family or option, or references and estimates that do not fit each other.
    CannotMeasure
        Scores that the family refuses.

    Examples
    --------
    >>> import benchbed as bb
    >>> bb.evaluate("classification", ["bus", "tram"], ["bus", "bus"])["accuracy"]
    0.5
    >>> heard = {"a.wav": [(0.0, 1.0, "dog")]}
    >>> bb.evaluate("sed_event", heard, heard, labels=["dog"], onset_collar=0.2)["macro_f1"]
    1.0
    """
    from benchbed.api.given import GIVEN
    from benchbed.metrics.cell import group_codes, score_cell
    from benchbed.stats.bootstrap import Bootstrap

    kind = _family(family, tuple(labels or ("a", "b")), options).output
    given = GIVEN.get(kind).given(references, estimates, labels)
    metrics = _family(family, given.labels, options)
    if not len(given.references):
        raise ConfigError("evaluate: no clips", hint="references and estimates of one at least")
    names = given.clips if groups is None else [str(group) for group in groups]
    if len(names) != len(given.references):
        raise ConfigError(f"evaluate: {len(names)} groups for {len(given.references)} clips")
    codes, order = group_codes(names)
    bootstrap = Bootstrap(len(order), draws, name=family, seed=seed) if draws else None
    scored = score_cell(metrics, given.answers, given.references, codes, (), bootstrap, tables=False)
    return Evaluation(family, scored.metrics, scored.groups, len(given.references))


def _family(name: str, labels: tuple[str, ...], options: Mapping[str, object]) -> Family:
    from benchbed.metrics import FAMILIES

    try:
        made: Family = FAMILIES.get(name).family(labels, **options)
    except TypeError as error:
        raise ConfigError(f"evaluate: the metric family {name} does not take these options: {error}") from error
    # What options name is looked for first, where a family has such options.
    if (check := getattr(FAMILIES.get(name), "check", None)) is not None:
        check(**options)
    return made
