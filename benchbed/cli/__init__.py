"""The command line: verbs and exit codes, no logic.

Exit codes: 0 fine · 1 a regression was shown (gate) · 2 usage or configuration error, wrong or missing data · 3 could
not measure · 4 inconclusive under `--strict`. Results go to standard output, progress and messages to standard error.
Heavy packages are imported inside the verb that needs them, so that `--help`, `list` and `validate` answer at once.
"""

from __future__ import annotations

import sys
from typing import Any

import click

import benchbed
from benchbed.errors import BenchbedError, ConfigError

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


_ORDER = (
    "run",
    "check",
    "validate",
    "plan",
    "score",
    "profile",
    "compare",
    "gate",
    "baseline",
    "leaderboard",
    "data",
    "list",
    "schema",
    "doctor",
)


class _Verbs(click.Group):
    """Verbs in the order in which they are wanted, with a suggestion for a misspelt one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*(verb for verb in _ORDER if verb in self.commands), *sorted(set(self.commands) - set(_ORDER))]

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        from benchbed.errors import did_you_mean

        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            hint = did_you_mean(args[0], self.commands) or f"verbs: {', '.join(self.commands)}"
            raise ConfigError(f"no verb '{args[0]}'", hint=hint)
        return super().resolve_command(ctx, args)


@click.group(cls=_Verbs, context_settings=_CONTEXT)
@click.version_option(benchbed.__version__, prog_name="benchbed")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def verbs(debug: bool) -> None:
    """Which audio model to trust, on which device, in which noise, at what cost.

    The first thing to try: benchbed run suites/dcase_task1.yaml --model adapters/cnn.py
    """


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
        # Our verbs return their codes: this is code of a model, wherever it was called from.
        if debug:
            raise
        click.echo(
            f"error: code of a model called sys.exit({error.code!r})\n  try: take the exit out of the adapter", err=True
        )
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        click.echo("stopped; run the same command again, it continues where it was", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(141)
    except Exception as error:
        if debug:
            raise
        click.echo(
            f"internal error: {type(error).__name__}: {error}\n  try: the same with --debug, and report it", err=True
        )
        sys.exit(70)
    sys.exit(code if isinstance(code, int) else 0)


def _register() -> None:
    """Attach the verbs; each module imports what is heavy inside its verbs."""
    from benchbed.cli import comparing, datasets, looking, pages, profiling, running  # noqa: F401


_register()
