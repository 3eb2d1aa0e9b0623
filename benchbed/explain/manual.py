"""The text of `benchbed explain` as static pages: a page for each kind of thing, every name with its own place."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

from benchbed.explain import KINDS, explained, listed
from benchbed.explain.about import ABOUT
from benchbed.explain.heard import OCTAVES, heard
from benchbed.perturb import CORRUPTIONS
from benchbed.report.manual import BandLevels, Chapter, Entry, ManualPicture, write_manual


def write_pages(out: Path) -> list[Path]:
    """Write the pages.

    Parameters
    ----------
    out : Path
        Folder of the pages.

    Returns
    -------
    list of Path
        The first page, then one for each kind.
    """
    return write_manual([Chapter(kind, ABOUT[kind], list(_entries(kind))) for kind in KINDS], out)


def _entries(kind: str) -> Iterator[Entry]:
    for name, line in listed(kind).items():
        if kind == "exit codes":
            yield Entry(name, line, "")
            continue
        said = next((text for each, text in explained(name) if each == kind), line)
        yield _corruption(name, line, said) if kind == "corruptions" else Entry(name, line, said)


def _corruption(name: str, line: str, said: str) -> Entry:
    """A corruption with the table of its severities, and what it sounds like."""
    made = CORRUPTIONS.get(name).CORRUPTION
    told = heard(name)
    rows = [(str(number), _short(parameter)) for number, parameter in enumerate(made.parameters, 1)]
    named = {number: f"{parameter} {made.unit}".strip() for number, parameter in rows}
    pictures = [
        ManualPicture(named.get(label, label), base64.b64encode(png).decode("ascii")) for label, png in told.pictures
    ]
    curves = {named.get(label, label): levels for label, levels in told.levels.items()}
    levels = BandLevels(OCTAVES, curves) if curves else None
    return Entry(name, line, said, unit=made.unit, severities=rows, pictures=pictures, levels=levels, lack=told.reason)


def _short(parameter: object) -> str:
    if isinstance(parameter, int | float):
        return f"{parameter:g}"
    return ", ".join(map(_short, parameter)) if isinstance(parameter, list | tuple) else str(parameter)
