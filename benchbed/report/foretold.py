"""Does one robustness foretell another? A table of correlations, and models as named points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from benchbed.report import terms
from benchbed.report.charts.scatter import Dot, scatter
from benchbed.results.foretelling import KINDS, Foretelling
from benchbed.results.record import Result

#: Finds the correlations over the runs of a board; None where there are none.
Foretells = Callable[[Sequence[Result]], Foretelling | None]


@dataclass(frozen=True)
class ForetoldPanel:
    """What a suite page shows of it."""

    seen: Foretelling
    charts: list[tuple[str, Markup]]
    kinds: dict[str, str]


def foretold_panel(identity: str, seen: Foretelling) -> ForetoldPanel:
    """The panel of a board; a chart for every pair of kinds."""
    charts = []
    for pair in seen.pairs:
        dots = [
            Dot(model.name, model.shares[pair.one], model.shares[pair.other], terms.plain(model.family))
            for model in seen.models
            if pair.one in model.shares and pair.other in model.shares
        ]
        title = f"{pair.one} and {pair.other} robustness"
        image = scatter(
            f"foretold-{identity}-{pair.one}-{pair.other}",
            title,
            dots,
            x_title=f"{pair.one}: share left",
            y_title=f"{pair.other}: share left",
        )
        charts.append((title, image))
    return ForetoldPanel(seen, charts, KINDS)
