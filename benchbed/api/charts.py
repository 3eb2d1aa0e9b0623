"""The charts of a run's page, one at a time: shown in a notebook, or saved."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from benchbed.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchbed.results.record import Result

#: Width of a saved drawing, and height of a line of text in it.
WIDTH, LINE = 720, 20
#: A drawing is as high as this in a notebook until the frame is told otherwise; tables grow by the row.
FRAME, ROW = 420, 34


@dataclass(frozen=True)
class Chart:
    """One chart, or the panels of one, as HTML that needs no network.

    Attributes
    ----------
    title : str
        What is drawn.
    body : str
        The drawings, as they stand in the run's page.
    """

    title: str
    body: str

    def html(self) -> str:
        """A whole page with the chart and nothing else."""
        from importlib.resources import files

        style = (files("benchbed.report") / "templates" / "page.css").read_text(encoding="utf-8")
        return (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(self.title)}</title>'
            f'<style>{style}</style></head><body><main class="wrap">{self.body}</main></body></html>'
        )

    def svg(self) -> str:
        """The drawing as an SVG file with its own style; panels stand below each other, each with its legend.

        Raises
        ------
        ConfigError
            The chart is a table.
        """
        from importlib.resources import files

        panels = [_panel(part) for part in re.split(r"(?=<figure>)", self.body)]
        drawn = [panel for panel in panels if panel is not None]
        if not drawn:
            raise ConfigError(f"'{self.title}' is a table, no drawing", hint="save it as .html")
        style = (files("benchbed.report") / "templates" / "page.css").read_text(encoding="utf-8")
        top, parts = 0.0, []
        for markup, height in drawn:
            parts.append(f'<g transform="translate(0 {top:g})">{markup}</g>')
            top += height
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top:g}" width="{WIDTH}" height="{top:g}">'
            f"<title>{escape(self.title)}</title><style><![CDATA[{style}]]></style>{''.join(parts)}</svg>"
        )

    def save(self, path: str | Path) -> Path:
        """Write the chart as `.html` or `.svg` and return the path.

        Raises
        ------
        ConfigError
            Another ending, or no single drawing for an `.svg`.
        """
        place = Path(path)
        forms = {".html": self.html, ".svg": self.svg}
        if place.suffix not in forms:
            raise ConfigError(
                f"a chart is saved as {' or '.join(forms)}, not {place.suffix or 'without an ending'}", where=str(place)
            )
        place.write_text(forms[place.suffix](), encoding="utf-8")
        return place

    def _repr_html_(self) -> str:
        # A frame keeps the page's style from leaking into the notebook.
        height = FRAME * max(1, self.body.count("<svg")) if "<svg" in self.body else 120 + ROW * self.body.count("<tr")
        return (
            f'<iframe title="{escape(self.title)}" srcdoc="{escape(self.html())}" width="100%" height="{height}" '
            'style="border:0"></iframe>'
        )


def chart(result: Result, name: str) -> Chart:
    """A chart of a record by name; see `Run.plot`."""
    drawn = dict(_known(result))
    if name not in drawn:
        hint = did_you_mean(name, list(drawn)) or f"this record has: {', '.join(drawn) or 'nothing to draw'}"
        raise ConfigError(f"this run has no chart '{name}'", hint=hint)
    return Chart(f"{result.model.name} on {result.suite.title or result.suite.name}: {name}", drawn[name])


def _panel(part: str) -> tuple[str, float] | None:
    """Caption, drawing and legend of one panel, and how high they are together; None without a drawing."""
    drawing = re.search(r'<svg[^>]*viewBox="0 0 ([\d.]+) ([\d.]+)"[^>]*role="img".*?</svg>', part, re.DOTALL)
    if drawing is None:
        return None
    height = WIDTH * float(drawing[2]) / float(drawing[1])
    caption = re.search(r"<figcaption[^>]*>(.*?)</figcaption>", part, re.DOTALL)
    rows = [_text(re.sub(r"<[^>]+>", "", caption[1]), 4, LINE - 5, "font-weight:600")] if caption else []
    below = LINE + height
    rows.append(drawing[0].replace("<svg", f'<svg y="{LINE}" width="{WIDTH}" height="{height:g}"', 1))
    for swatch, words in re.findall(r'<li>(<svg class="swatch".*?</svg>)(.*?)</li>', part, re.DOTALL):
        rows.append(swatch.replace("<svg", f'<svg x="4" y="{below + 5:g}" width="26" height="10"', 1))
        rows.append(_text(re.sub(r"<[^>]+>", "", words), 36, below + 14))
        below += LINE
    return "".join(rows), below + LINE


def _text(words: str, x: float, y: float, style: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" style="font-size:13px;fill:currentColor;{style}">{words.strip()}</text>'


def _known(result: Result) -> Iterator[tuple[str, str]]:
    from benchbed.report import panels, view
    from benchbed.report.drawings import class_bars

    curves = panels.robustness_curves(result)
    if curves:
        yield "corruptions", _figures(curves)
    tables = [str(table) for table in panels.severity_heatmaps(result)]
    attacked = [table for table in tables if "-budget" in table]
    severities = [table for table in tables if "-budget" not in table]
    if severities:
        yield "severities", "".join(severities)
    if attacked:
        yield "attacks", "".join(attacked)
    for detail in view.run_view(result).details[:1]:
        for label, table in (("devices", detail.devices), ("classes", detail.classes)):
            if table is not None:
                yield label, _figures([(bar.title, bar.chart) for bar in class_bars(table, f"{label}-chart")])
        for matrix_name, matrix in detail.matrices.items():
            drawing = panels.reliability_chart(matrix, detail.anchor) if matrix_name == "reliability" else None
            yield matrix_name, str(drawing or panels.matrix_chart(matrix_name, matrix, detail.anchor))


def _figures(panels: object) -> str:
    return "".join(
        f"<figure><figcaption>{escape(str(title))}</figcaption>{drawing}</figure>"
        for title, drawing in panels  # type: ignore[attr-defined]
    )
