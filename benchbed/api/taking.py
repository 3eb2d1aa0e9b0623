"""Charts, tables and single conditions of a run or a page, to be saved one by one or all together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbed.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from benchbed.api.run import Run
    from benchbed.report.pieces import Piece

#: Forms of files, and what they are called besides.
_ENDINGS = {"svg": "svg", "png": "png", "csv": "csv", "tex": "tex", "md": "md", "latex": "tex", "markdown": "md"}


@dataclass(frozen=True)
class Taken:
    """A page taken apart.

    Attributes
    ----------
    page : str
        Its markup.
    place : str
        Where it came from, for messages.
    rows : list of dict, optional
        Every figure of the run with all its digits, where it came from a record.
    """

    page: str
    place: str
    rows: list[dict[str, Any]] | None = None

    @classmethod
    def of(cls, run: str | Path | Run) -> Taken:
        """The page of a run (its folder or record), or a page that lies on disk.

        Raises
        ------
        ConfigError
            Neither a run nor a page of benchbed.
        """
        from benchbed.api import run as runs
        from benchbed.report.pieces import record_rows
        from benchbed.report.private import without_paths

        opened = run if isinstance(run, runs.Run) else None if Path(run).suffix == ".html" else runs.Run(run)
        if opened is not None:
            return cls(opened.page(), str(opened.path), record_rows(without_paths(opened.result)))
        path = Path(str(run))
        if not path.is_file():
            raise ConfigError("no such page", where=str(path), hint="give a run folder, its result.json, or a page")
        page = path.read_text(encoding="utf-8")
        if 'content="benchbed ' not in page[:2000]:
            raise ConfigError("this page was not made by benchbed", where=str(path))
        return cls(page, str(path))

    @cached_property
    def pieces(self) -> list[Piece]:
        """Its charts and tables."""
        from benchbed.report.pieces import pieces

        return pieces(self.page, self.rows)

    def piece(self, name: str) -> Piece:
        """One of them by name.

        Raises
        ------
        ConfigError
            There is none; the message lists what there is.
        """
        from benchbed.report.pieces import choose

        return choose(self.pieces, name)

    def condition(self, key: str) -> Piece:
        """All figures of one condition: by the key of its cell, or the part of it after task and split.

        Raises
        ------
        ConfigError
            There is none, or several; the message lists them.
        """
        from benchbed.report.pieces import carried_rows, condition

        rows = carried_rows(self.page) if self.rows is None else self.rows
        keys = list(dict.fromkeys(str(row["cell"]) for row in rows if row.get("cell")))
        chosen = [one for one in keys if key in (one, one.split("/", 2)[-1])]
        if len(chosen) == 1:
            return condition(chosen[0], [row for row in rows if row.get("cell") == chosen[0]])
        if chosen:
            raise ConfigError(f"'{key}' names {len(chosen)} conditions", hint=f"say which: {', '.join(chosen)}")
        short = [one.split("/", 2)[-1] for one in keys]
        listed = f"there are: {', '.join(short) or 'none'}"
        near = did_you_mean(key, short)
        raise ConfigError(f"no condition '{key}'", where=self.place, hint=f"{near}; {listed}" if near else listed)

    def save_all(self, folder: Path, form: str | None = None) -> Iterator[Path]:
        """Every chart and table in every form that it has, or in one, into a folder."""
        for piece in self.pieces:
            for one in piece.forms:
                if form in (None, one):
                    saved = save(piece, folder / f"{piece.name}.{one}")
                    assert isinstance(saved, Path)
                    yield saved


def save(
    piece: Piece, out: str | Path | None = None, form: str | None = None, *, several: bool = False
) -> Path | bytes:
    """Write one chart or table.

    Parameters
    ----------
    piece : Piece
    out : str or Path, optional
        File, whose ending says the form, or a folder; without it the content is returned.
    form : str, optional
        `svg`, `png`, `csv`, `tex` (`latex`), `md` (`markdown`); by default the ending's, else the first that it has.
    several : bool
        `out` is a folder for several of them.

    Raises
    ------
    ConfigError
        It has no such form.
    """
    path = None if out is None else Path(out)
    single = path is not None and path.suffix.removeprefix(".") in _ENDINGS and not several
    asked = form or (path.suffix.removeprefix(".") if path is not None and single else piece.forms[0])
    kind = _ENDINGS.get(asked)
    if kind not in piece.forms:
        raise ConfigError(f"'{piece.name}' cannot be saved as {asked}", hint=f"it has: {', '.join(piece.forms)}")
    content = _content(piece, kind)
    if path is None:
        return content
    target = path if single else path / f"{piece.name}.{kind}"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return target


def _content(piece: Piece, kind: str) -> bytes:
    from benchbed.report import drawn, tabled

    if kind == "png":
        return drawn.png(drawn.svg(piece))
    makers: dict[str, Callable[[Piece], str]] = {
        "svg": drawn.svg,
        "csv": tabled.csv_of,
        "tex": tabled.latex_of,
        "md": tabled.markdown_of,
    }
    return makers[kind](piece).encode("utf-8")
