"""The command line: verbs and exit codes, no logic.

Exit codes: 0 fine · 1 a regression was shown (gate) · 2 usage or configuration error, wrong or missing data · 3 could
not measure · 4 inconclusive under `--strict`. Results go to standard output, progress and messages to standard error.
Heavy packages are imported inside the verb that needs them, so that `--help`, `list` and `validate` answer at once.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
from types import FrameType
from typing import NoReturn

import click

from benchbed.cli.group import verbs
from benchbed.errors import BenchbedError
from benchbed.packages import unusable
from benchbed.run.isolating.command import Command
from benchbed.whole import refused


class Terminated(KeyboardInterrupt):
    """The command was asked to end, by SIGTERM or since its terminal is gone."""


def main(arguments: list[str] | None = None) -> None:
    """Entry point of the console script: run a verb, turn errors into one screen and an exit code."""
    if arguments is None:
        _console()
    code = _code(sys.argv[1:] if arguments is None else arguments)
    if arguments is None:
        _leave(code)
    sys.exit(code)


def _leave(code: int) -> NoReturn:
    """End now: Python would take apart one by one what is loaded, and wait for threads that a model never ends."""
    if not _left_behind():
        with contextlib.suppress(BaseException):
            atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)


def _console() -> None:
    """End as by Ctrl-C where the command is asked to: what it has started ends with it, and what is finished stays."""
    Command.here = True
    _opened()

    def asked(number: int, frame: FrameType | None) -> NoReturn:
        raise Terminated(number)

    for name in ("SIGTERM", "SIGHUP"):
        # What is ignored stays so: `nohup` means it.
        if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) is signal.SIG_DFL:
            signal.signal(getattr(signal, name), asked)


def _opened() -> None:
    """Have something at the three standard places where whoever started the command has closed them: the next file that
    is opened would stand there otherwise, and have written into it what is said on standard error."""
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest number that is free, which is this
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


def _left_behind() -> bool:
    here = threading.current_thread()
    return any(thread is not here and not thread.daemon and thread.is_alive() for thread in threading.enumerate())


def _code(arguments: list[str]) -> int:
    debug = "--debug" in arguments
    try:
        # `--debug` is welcome anywhere on the line.
        given = [argument for argument in arguments if argument != "--debug"]
        code = verbs.main(given, prog_name="benchbed", standalone_mode=False, obj={"debug": debug})
    except BenchbedError as error:
        if debug:
            raise
        click.echo(f"error: {error}", err=True)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return 2
    except SystemExit as error:
        if error.__traceback__ and (called := error.__traceback__.tb_next) and called.tb_next is None:
            return 141  # click's own, and its only one: who read the output, such as `head`, has gone
        # Our verbs return their codes: this is code of a model, wherever it was called from.
        if debug:
            raise
        click.echo(
            f"error: code of a model called sys.exit({error.code!r})\n  try: take the exit out of the adapter", err=True
        )
        return 2
    except (KeyboardInterrupt, click.Abort) as error:
        if isinstance(error.__cause__, EOFError):
            # click takes the end of any file for that of the keyboard.
            return _internal(error.__cause__, debug)
        asked = error.__cause__ if isinstance(error, click.Abort) else error
        click.echo("stopped; run the same command again, it continues where it was", err=True)
        return 128 + int(asked.args[0]) if isinstance(asked, Terminated) else 130
    except BrokenPipeError:
        return 141
    except OSError as error:
        # A full disk or a folder that cannot be written may meet any verb, and is nobody's fault.
        if debug or (told := refused(error)) is None:
            return _internal(error, debug)
        click.echo(f"error: {told}", err=True)
        return told.exit_code
    except Exception as error:
        return _internal(error, debug)
    return code if isinstance(code, int) else 0


def _internal(error: BaseException, debug: bool) -> int:
    if debug:
        raise error
    if (broken := unusable(error)) is not None:
        click.echo(f"error: {broken}", err=True)
        return broken.exit_code
    click.echo(
        f"internal error: {type(error).__name__}: {error}\n  try: the same with --debug, and report it", err=True
    )
    return 70


def _register() -> None:
    """Attach the verbs; each module imports what is heavy inside its verbs."""
    from benchbed.cli import (  # noqa: F401
        campaigning,
        comparing,
        composing,
        datasets,
        exporting,
        following,
        looking,
        pages,
        profiling,
        replaying,
        running,
    )


_register()
