"""The verb that takes charts, tables and single conditions out of runs and pages: export."""

from __future__ import annotations

from pathlib import Path

import click

from benchbed.cli.group import verbs

_FORMS = ("svg", "png", "csv", "tex", "md")


@verbs.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("names", nargs=-1)
@click.option(
    "--condition", "conditions", multiple=True, metavar="KEY", help="All figures of one condition, e.g. white_noise@3."
)
@click.option("--form", type=click.Choice(_FORMS), help="Form of what is printed, or of the files of --out FOLDER.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="File, whose ending says the form, or folder; else standard output."
)
@click.option("--all", "everything", is_flag=True, help="Every chart and table, in every form, into the folder --out.")
@click.option("--list", "listed", is_flag=True, help="Print what there is, one name a line.")
def export(
    run: Path,
    names: tuple[str, ...],
    conditions: tuple[str, ...],
    form: str | None,
    out: Path | None,
    everything: bool,
    listed: bool,
) -> None:
    """Take charts, tables (NAMES) or single conditions out of RUN: a run folder, a record, or a page (.html)."""
    from benchbed.api import taking

    held = taking.Taken.of(run)
    if listed or not (names or conditions or everything):
        click.echo(
            "".join(f"{piece.name}\t{', '.join(piece.forms)}\t{piece.title}\n" for piece in held.pieces), nl=False
        )
        return
    if everything:
        for path in held.save_all(out or Path("exported"), form):
            click.echo(str(path))
        return
    chosen = [held.piece(name) for name in names] + [held.condition(key) for key in conditions]
    for piece in chosen:
        saved = taking.save(piece, out, form, several=len(chosen) > 1)
        if isinstance(saved, bytes):
            click.echo(saved, nl=False)
        else:
            click.echo(str(saved))
