"""The group that every verb joins."""

from __future__ import annotations

from typing import Any

import click

import benchbed
from benchbed.errors import ConfigError, did_you_mean

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


_ORDER = (
    "run",
    "merge",
    "campaign",
    "check",
    "validate",
    "plan",
    "score",
    "replay",
    "profile",
    "composite",
    "compare",
    "gate",
    "baseline",
    "history",
    "leaderboard",
    "claims",
    "export",
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
