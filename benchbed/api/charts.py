"""The charts of a run's page, one at a time: shown in a notebook, or saved."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbed.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchbed.report.pieces import Piece
    from benchbed.results.record import Result

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
    rows : list of dict, optional
        The figures of the run, which `.csv` is made from.
    """

    title: str
    body: str
    rows: list[dict[str, Any]] | None = None

    def html(self) -> str:
        """A whole page with the chart and nothing else."""
        from benchbed.report.styles import sheet

        style = sheet()
        return (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(self.title)}</title>'
            f'<style>{style}</style></head><body><main class="wrap">{self.body}</main></body></html>'
        )

    def svg(self) -> str:
        """The drawings as one SVG file, with the look of every part written beside it; panels stand below each other.

        Raises
        ------
        ConfigError
            A table without a drawing in it.
        """
        from benchbed.report import drawn

        return drawn.svg(*self._pieces(), title=self.title)

    def png(self) -> bytes:
        """The same as a PNG file.

        Raises
        ------
        ConfigError
            A table without a drawing in it, or no resvg on this machine.
        """
        from benchbed.report import drawn

        return drawn.png(self.svg())

    def save(self, path: str | Path) -> Path:
        """Write the chart as `.html`, `.svg` or `.png`, or what it is drawn from as `.csv`, `.tex` or `.md`.

        Raises
        ------
        ConfigError
            Another ending, or a form that it does not have.
        """
        from benchbed.report import tabled

        place = Path(path)
        tables = {".csv": tabled.csv_of, ".tex": tabled.latex_of, ".md": tabled.markdown_of}
        if place.suffix == ".html":
            place.write_text(self.html(), encoding="utf-8")
        elif place.suffix == ".svg":
            place.write_text(self.svg(), encoding="utf-8")
        elif place.suffix == ".png":
            place.write_bytes(self.png())
        elif place.suffix in tables:
            tabled_pieces = [piece for piece in self._pieces() if piece.tabled]
            if not tabled_pieces:
                raise ConfigError(f"'{self.title}' has no table", where=str(place), hint="save it as .svg or .png")
            text = "\n".join(tables[place.suffix](piece) for piece in tabled_pieces)
            place.write_text(text, encoding="utf-8", newline="")
        else:
            ending = place.suffix or "without an ending"
            raise ConfigError(
                f"a chart is saved as .html, .svg, .png, .csv, .tex or .md, not {ending}", where=str(place)
            )
        return place

    def _pieces(self) -> list[Piece]:
        from benchbed.report.pieces import pieces

        return pieces(self.body, self.rows)

    def _repr_html_(self) -> str:
        # A frame keeps the page's style from leaking into the notebook.
        height = FRAME * max(1, self.body.count("<svg")) if "<svg" in self.body else 120 + ROW * self.body.count("<tr")
        return (
            f'<iframe title="{escape(self.title)}" srcdoc="{escape(self.html())}" width="100%" height="{height}" '
            'style="border:0"></iframe>'
        )


def chart(result: Result, name: str, page: Callable[[], str]) -> Chart:
    """A chart of a run by name, on its page if it has none of its own; see `Run.plot`."""
    import xml.etree.ElementTree as ET

    from benchbed.report.pieces import choose, pieces, record_rows
    from benchbed.report.private import without_paths

    shown = without_paths(result)
    rows = record_rows(shown)
    title = f"{shown.model.name} on {shown.suite.title or shown.suite.name}: {name}"
    drawn = dict(_known(shown))
    if name in drawn:
        return Chart(title, drawn[name], rows)
    piece = choose(pieces(page(), rows), name, also=tuple(drawn))
    return Chart(title, ET.tostring(piece.element, encoding="unicode", method="html"), rows)


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
