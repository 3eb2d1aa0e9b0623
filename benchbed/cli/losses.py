"""What is said of models that a command could not finish while it went on with others."""

from __future__ import annotations

import traceback
from collections.abc import Mapping

import click

from benchbed.errors import BenchbedError, UnforeseenError


def tell_lost(failed: Mapping[str, BenchbedError], what: str) -> int:
    """Say why each model has nothing to show, with tracebacks of what nobody foresaw under `--debug`.

    Parameters
    ----------
    failed : mapping of str to BenchbedError
        By the models' names.
    what : str
        What they lack, such as `result`.

    Returns
    -------
    int
        Exit code of the first, as the command would have left with that model alone; 0 where none failed.
    """
    context = click.get_current_context(silent=True)
    debug = context is not None and bool((context.find_root().obj or {}).get("debug"))
    for name, error in failed.items():
        if debug and isinstance(error, UnforeseenError) and error.__cause__ is not None:
            click.echo("".join(traceback.format_exception(error.__cause__)).rstrip(), err=True)
        click.echo(f"error: {name} has no {what}: {error}", err=True)
    return next((error.exit_code for error in failed.values()), 0)
