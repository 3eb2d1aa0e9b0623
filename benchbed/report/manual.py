"""The reference manual as static pages: a page for each kind of thing, which needs nothing but itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from markupsafe import Markup, escape

from benchbed.report.charts.curves import Point, Series, curves
from benchbed.report.island import island
from benchbed.report.page import render, write_page


@dataclass(frozen=True)
class ManualPicture:
    """A spectrogram as base64 of a PNG."""

    label: str
    png: str


@dataclass(frozen=True)
class BandLevels:
    """BandLevels in bands, by octaves from 1 kHz: of the sound as it is, and at every severity."""

    octaves: Sequence[float]
    of: Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Entry:
    """One thing that has a name."""

    name: str
    line: str
    text: str
    unit: str = ""
    severities: list[tuple[str, str]] = field(default_factory=list)
    pictures: list[ManualPicture] = field(default_factory=list)
    levels: BandLevels | None = None
    lack: str = ""

    @property
    def anchor(self) -> str:
        """Its place on the page."""
        return place(self.name)

    @property
    def body(self) -> Markup:
        """Its text: paragraphs, lists of options as they are, code between backticks."""
        return body(self.text)

    @property
    def spectra(self) -> Markup | None:
        """BandLevels over frequency, a curve for each severity."""
        if self.levels is None:
            return None
        lines = [
            Series(label, [Point(x, y) for x, y in zip(self.levels.octaves, levels)])
            for label, levels in self.levels.of.items()
        ]
        return curves(
            f"spectra-{self.anchor}",
            f"{self.name}: level in third-octave bands",
            lines,
            x_title="octaves from 1 kHz",
            y_title="dB below full scale",
            unit="dB",
        )


@dataclass(frozen=True)
class Chapter:
    """All things of one kind."""

    kind: str
    about: str
    entries: list[Entry]

    @property
    def lede(self) -> Markup:
        """What it is, code between backticks."""
        return _prose(f"{self.about[:1].upper()}{self.about[1:]}.")

    @property
    def file(self) -> str:
        """Name of its page."""
        return f"{place(self.kind)}.html"


def place(name: str) -> str:
    """The address of a name within the manual, which people may link to: nothing but the name itself.

    Examples
    --------
    >>> place("white_noise"), place("rules.margin"), place("suite keys")
    ('white_noise', 'rules.margin', 'suite-keys')
    """
    return re.sub(r"[^\w.-]+", "-", name)


def write_manual(chapters: Sequence[Chapter], out: Path) -> list[Path]:
    """Write the first page and one for each kind; the first page first.

    Raises
    ------
    OSError
        The folder cannot be written.
    """
    out = Path(out)
    names = {chapter.kind: [entry.name for entry in chapter.entries] for chapter in chapters}
    written = [write_page(out / "index.html", render("manual_index.html.j2", chapters=chapters, island=island(names)))]
    for chapter in chapters:
        told = [{"name": entry.name, "line": entry.line, "text": entry.text} for entry in chapter.entries]
        text = render("manual.html.j2", chapter=chapter, chapters=chapters, island=island(told))
        written.append(write_page(out / chapter.file, text))
    return written


def body(text: str) -> Markup:
    """Text of a docstring as markup: a paragraph where it is prose, as it is where its lines stand in columns.

    Examples
    --------
    >>> print(body("Adds `noise`.\\n\\nsnr : float\\n    In dB."))
    <p>Adds <code>noise</code>.</p><pre tabindex="0">snr : float
        In dB.</pre>
    """
    parts = []
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        lines = block.splitlines()
        columns = any(line.startswith(" ") or re.match(r"^[\w.]+( :|:| = |-{3,})|^-{3,}", line) for line in lines)
        if columns and len(lines) > 1:
            parts.append(f'<pre tabindex="0">{escape(block)}</pre>')
        else:
            parts.append(f"<p>{_prose(' '.join(lines))}</p>")
    return Markup("".join(parts))


def _prose(text: str) -> Markup:
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))
