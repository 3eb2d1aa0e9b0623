"""The page of one run: `report.html`, self-contained, offline, with its data inside."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

import benchbed
from benchbed.cache import cache_folder
from benchbed.report import (
    breaking,
    captions,
    drawings,
    figures,
    insides,
    island,
    panels,
    placed,
    ranked,
    searched,
    styles,
    surviving,
    terms,
    view,
)
from benchbed.report.charts import draw, strips
from benchbed.report.charts.directions import stretch_rows
from benchbed.report.charts.families import family_dot
from benchbed.report.charts.timeline import event_rows
from benchbed.report.compiled import CompiledTemplates
from benchbed.report.drawings import KeptDrawings
from benchbed.report.folding import LONG_BOARD, LONG_PAGE, LONG_TABLE, carry, folded, packed, seen_at_once
from benchbed.report.listening import Clips, apart
from benchbed.report.model_card import citation, model_card
from benchbed.report.private import command as private_command
from benchbed.report.private import paths_in, without_paths
from benchbed.report.steps import step_matrix
from benchbed.results.conditions import setting
from benchbed.results.record import Result, Value
from benchbed.results.reference import Reference, beside, parse
from benchbed.whole import write_whole

#: What unpacks everything else.
_BOOT = "boot.js"
#: What every page carries packed, in this order; the page's policy knows its digest, and lets no other script run.
_SCRIPTS = ("page.js", "widths.js", "taken.js")
#: Where the style of a page goes.
_STYLE = "<style></style>"
#: What only the page of a suite needs, in its script.
_BOARDS = re.compile(r"^ *// <boards>.*?^ *// </boards>$", re.DOTALL | re.MULTILINE)
#: Space between the cells and rows of a table says nothing.
_BETWEEN_CELLS = re.compile(r"(?<=</t[dhr])>\s+<(?=/?t[dhrb])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def write_report(
    result: Result,
    path: Path,
    *,
    command: str | None = None,
    home: tuple[str, str] | None = None,
    clips: Clips | None = None,
    drawn: KeptDrawings | None = None,
    exported: str | None = None,
    references: Sequence[Reference] = (),
) -> Path:
    """Write the page of one run; the file is the old one or the new one, never half of either.

    Parameters
    ----------
    result : Result
        The record; its figures are printed as they are.
    path : Path
        File to write.
    command : str, optional
        Command shown in "how to reproduce"; the record's own by default.
    home : (str, str), optional
        Text and relative link of the page that this one belongs to.
    clips : Clips, optional
        What was kept for listening.
    drawn : KeptDrawings, optional
        Timelines, curves, directions and captions that the run kept.
    exported : str, optional
        Relative link of the run's Every Eval Ever record.
    references : sequence of Reference
        Published figures; those about the run's data stand on its page, apart from what was measured.

    Returns
    -------
    Path
        The file written.
    """
    text = report_html(
        result, command=command, home=home, clips=clips, drawn=drawn, exported=exported, references=references
    )
    return write_page(path, text)


def report_html(
    result: Result,
    *,
    command: str | None = None,
    home: tuple[str, str] | None = None,
    clips: Clips | None = None,
    drawn: KeptDrawings | None = None,
    exported: str | None = None,
    references: Sequence[Reference] = (),
) -> str:
    """The page of one run as text."""
    # What is published says nothing of the machine that made it.
    known = paths_in(result.provenance.command, result.model.options)
    command = private_command(command or result.provenance.command)
    result, drawn = without_paths(result, known), without_paths(drawn or KeptDrawings(), known)
    clips = without_paths(clips, known)
    kept, whole = island.record(result)
    return render(
        "run.html.j2",
        run=(shown := view.run_view(result)),
        breaking=breaking.conditions(result),
        weakest=breaking.groups(result),
        whole=whole,
        baselines=view.primary_baselines(shown),
        command=command,
        published=beside(without_paths(list(references)), result),
        parse=parse,
        home=home,
        heard=apart(clips)[0],
        licensed=clips.about if clips else None,
        told=drawings.told(drawn, result, clips),
        placed=placed.placed(drawn.directions, result, clips),
        lists=ranked.lists(drawn.rankings, result, clips),
        captioned=captions.section(drawn.captions, result, clips),
        lacking=drawings.lacking(result, drawn),
        pictures={cell.key: drawings.pictures(cell, drawn.curves) for cell in view.focus(result)},
        exported=exported,
        card=model_card(result),
        cite=citation(result),
        island=kept,
        definition=json.dumps(result.suite.definition, indent=1, ensure_ascii=False, default=str),
    )


def render(template: str, **content: Any) -> str:
    """Fill a template of this room; everything that is not markup made here is escaped."""
    page = _environment().get_template(template).render(**content)
    style = styles.needed(page, _script(*_SCRIPTS))
    seen = styles.needed(seen_at_once(page), "")
    carried = carry(page, styles.beside(style, seen))
    first = style if carried is page else seen
    return _BETWEEN_CELLS.sub("><", carried).replace(_STYLE, f"<style>{first}</style>", 1)


def write_page(path: Path, text: str) -> Path:
    """Write a page atomically."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text.encode("utf-8"))
    return path


def _lean(script: str) -> str:
    """A script without indentation, empty lines and comment lines: every page carries its own copy."""
    lines = (line.strip() for line in script.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


@functools.cache
def _script(*names: str) -> str:
    folder = files("benchbed.report") / "templates"
    return _lean("\n".join((folder / name).read_text(encoding="utf-8") for name in names))


def _without_boards() -> str:
    """The script of a page that has no board to filter and no model to light up in many charts."""
    folder = files("benchbed.report") / "templates"
    text = "\n".join((folder / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    return _lean(_BOARDS.sub("", text))


def _digest(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("benchbed.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
        bytecode_cache=CompiledTemplates(cache_folder() / "templates"),
    )
    boot, script, short = _script(_BOOT), _script(*_SCRIPTS), _without_boards()
    environment.filters.update(
        anchor=island.anchor,
        arrow=figures.arrow,
        clips=figures.clips,
        condition=terms.condition,
        count=figures.count,
        duration=figures.duration,
        folded=folded,
        packed=packed,
        within=terms.within,
        interval=figures.interval,
        key=figures.key,
        marked=captions.marked,
        metric=terms.metric,
        title_of=terms.title,
        plain=terms.plain,
        task=terms.task,
        says=figures.sentence,
        setting=setting,
    )
    environment.tests["on_features"] = terms.on_features
    environment.globals.update(
        version=benchbed.__version__,
        boot=Markup(boot),
        script=island.pack(script),
        short_script=island.pack(short),
        # Only these scripts may run: markup that slipped through would still be dead text.
        policy=f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data: 'self'; "
        f"script-src {_digest(boot)} {_digest(script)} {_digest(short)}; base-uri 'none'; form-action 'none'",
        number=figures.number,
        signed=figures.signed,
        p_value=figures.p_value,
        # The line that a difference is read against.
        zero=Value(value=0.0, n=0, direction="higher", unit="", rule="no difference"),
        tick=figures.tick,
        board_cell=strips.board_cell,
        strip=strips.strip,
        ladder=strips.ladder,
        family_dot=family_dot,
        domain=draw.domain,
        matrix_title=panels.matrix_title,
        matrix_chart=panels.matrix_chart,
        reliability_chart=panels.reliability_chart,
        class_bars=drawings.class_bars,
        event_rows=event_rows,
        stretch_rows=stretch_rows,
        LONG=drawings.LONG,
        severity_heatmaps=panels.severity_heatmaps,
        robustness_curves=panels.robustness_curves,
        search_curves=searched.search_curves,
        survival_tables=surviving.survival_tables,
        target_matrices=searched.target_matrices,
        step_matrix=step_matrix,
        inside=insides.inside,
        LONG_PAGE=LONG_PAGE,
        LONG_BOARD=LONG_BOARD,
        LONG_TABLE=LONG_TABLE,
        PROFILE_SHOWN=view.PROFILE_SHOWN,
        FAILURES_SHOWN=view.FAILURES_SHOWN,
        NO_SOUND=terms.NO_SOUND,
    )
    return environment


def _visible(value: Any) -> Any:
    """Control characters are not allowed in a page; a visible stand-in shows that one was there."""
    if isinstance(value, str) and _CONTROL.search(value):
        clean = _CONTROL.sub("\ufffd", value)
        return Markup(clean) if isinstance(value, Markup) else clean
    return value
