"""The command line: verbs and exit codes, no logic.

Exit codes: 0 fine · 1 a regression was shown (gate) · 2 usage or configuration error, wrong or missing data · 3 could
not measure · 4 inconclusive under `--strict`. Results go to standard output, progress and messages to standard error.
Heavy packages are imported inside the verb that needs them, so that `--help`, `list` and `validate` answer at once.
"""

from __future__ import annotations

import sys
from typing import NoReturn

import click

from benchbed.cli.group import verbs
from benchbed.errors import BenchbedError


def main(arguments: list[str] | None = None) -> None:
    """Entry point of the console script: run a verb, turn errors into one screen and an exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in arguments
    try:
        # `--debug` is welcome anywhere on the line.
        code = verbs.main([a for a in arguments if a != "--debug"], prog_name="benchbed", standalone_mode=False)
    except BenchbedError as error:
        if debug:
            raise
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except SystemExit as error:
        if error.__traceback__ and (called := error.__traceback__.tb_next) and called.tb_next is None:
            sys.exit(141)  # click's own, and its only one: who read the output, such as `head`, has gone
        # Our verbs return their codes: this is code of a model, wherever it was called from.
        if debug:
            raise
        click.echo(
            f"error: code of a model called sys.exit({error.code!r})\n  try: take the exit out of the adapter", err=True
        )
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort) as error:
        if isinstance(error.__cause__, EOFError):
            # click takes the end of any file for that of the keyboard.
            _internal(error.__cause__, debug)
        click.echo("stopped; run the same command again, it continues where it was", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(141)
    except Exception as error:
        _internal(error, debug)
    sys.exit(code if isinstance(code, int) else 0)


def _internal(error: BaseException, debug: bool) -> NoReturn:
    if debug:
        raise error
    click.echo(
        f"internal error: {type(error).__name__}: {error}\n  try: the same with --debug, and report it", err=True
    )
    sys.exit(70)


def _register() -> None:
    """Attach the verbs; each module imports what is heavy inside its verbs."""
    from benchbed.cli import comparing, datasets, looking, pages, profiling, running  # noqa: F401


_register()
