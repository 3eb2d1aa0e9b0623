"""Two sides of a comparison with everything found about them."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchbed.compare.answer import Contrast
from benchbed.compare.matched import Robustness
from benchbed.compare.runs import Mismatch
from benchbed.compare.sides import Mixed
from benchbed.results.comparison import Spoken


@dataclass(frozen=True)
class ComparedRow:
    """One line of the table.

    Attributes
    ----------
    contrast : Contrast
        The difference.
    p : float or None
        Its p-value after the correction over the table.
    verdict : str
        `win`, `loss` or `tie` of a against b, or `unmeasured`.
    joined : str
        How several splits became one figure, e.g. `mean over 5 folds`; empty for one split.
    """

    contrast: Contrast
    p: float | None
    verdict: str
    joined: str = ""


@dataclass(frozen=True)
class Pairing:
    """The first model against one of the others.

    Attributes
    ----------
    a, b : str
        The model that was named first, and the one it is compared with.
    rows : list of ComparedRow
        Differences a − b of single runs.
    mixed : list of Mixed
        Differences of groups of runs, where one side has several.
    mixed_p, mixed_verdicts : list
        Their p-values after the correction, and `win`, `tie`, `loss` or `unmeasured` as in `ComparedRow`.
    mixed_joined : list of str
        How several splits became one figure in each of them, as in `ComparedRow`.
    robustness : list of Robustness
        At matched clean score.
    notes : list of Mismatch
        In what the runs differ without harm.
    clips : list of Spoken
        What two captioners said of some clips.
    """

    a: str
    b: str
    primary: str
    rows: list[ComparedRow] = field(default_factory=list)
    mixed: list[Mixed] = field(default_factory=list)
    mixed_p: list[float | None] = field(default_factory=list)
    mixed_verdicts: list[str] = field(default_factory=list)
    mixed_joined: list[str] = field(default_factory=list)
    robustness: list[Robustness] = field(default_factory=list)
    notes: list[Mismatch] = field(default_factory=list)
    clips: list[Spoken] = field(default_factory=list)

    def count(self, verdict: str) -> int:
        """Conditions won, lost or tied: all clips, the metric that ranks.

        Examples
        --------
        >>> Pairing("cnn", "passt", "accuracy").count("win")
        0
        """
        singles = [(row.contrast.figure.group, row.contrast.metric, row.verdict) for row in self.rows]
        several = [(m.figure.group, m.metric, v) for m, v in zip(self.mixed, self.mixed_verdicts)]
        return sum(key == (None, self.primary, verdict) for key in singles + several)
