"""Verbs that look without measuring: check, validate, list, schema, doctor."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import click

from benchbed.cli.flags import limit_options, limits, paths, print_json, split_settings
from benchbed.cli.group import verbs
from benchbed.errors import ConfigError, PackageError


@verbs.command()
@click.argument("model")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Option of the model, or suite.KEY.")
@click.option("--suite", help="Use clips of this suite, whose classes the model knows, in the place of built-in ones.")
@click.option("--data", "data", multiple=True, metavar="NAME=PATH", help="Where the dataset of the suite lies.")
@click.option("--device", default="cpu", show_default=True)
@click.option("--trust-checkpoint", is_flag=True)
@limit_options
@click.option("--json", "as_json", is_flag=True)
def check(
    model: str,
    settings: tuple[str, ...],
    suite: str | None,
    data: tuple[str, ...],
    device: str,
    trust_checkpoint: bool,
    as_json: bool,
    **flags: Any,
) -> int:
    """Hunt silent faults of the adapter MODEL: shapes, determinism, padding, scaling, label order, gradients."""
    from benchbed.api.apart import apart
    from benchbed.run.checking import check_adapter

    overrides, options = split_settings(settings)
    given = paths(data)
    if suite is None and (overrides or given):
        raise ConfigError("--data and --set suite.… are about a suite", hint="name one with --suite")
    call = partial(
        check_adapter, model, options, device, trust_checkpoint, suite=suite, overrides=overrides, data=given
    )
    outcomes = apart(Path(model).stem, call, isolate=flags["isolate"], limits=limits(flags))
    if as_json:
        print_json([vars(outcome) for outcome in outcomes])
    else:
        from rich.console import Console

        from benchbed.report.terminal import print_checks

        print_checks(outcomes, Console())
    return 2 if any(outcome.status == "fail" for outcome in outcomes) else 0


@verbs.command()
@click.argument("suites", nargs=-1, required=True)
@click.option("--set", "settings", multiple=True, metavar="suite.KEY=VALUE")
@click.option("--json", "as_json", is_flag=True)
def validate(suites: tuple[str, ...], settings: tuple[str, ...], as_json: bool) -> None:
    """Check suites, and files of gate rules, without data or models; errors point at the line."""
    from benchbed.gate.load import are_rules, load_rules
    from benchbed.run.preparing.named import check_names
    from benchbed.run.preparing.packaged import refuse_unmade
    from benchbed.run.preparing.ruled import check_rules
    from benchbed.suite.load import load_suite
    from benchbed.suite.plan import plan_cells

    overrides, _ = split_settings(settings)
    rows: list[dict[str, object]] = []
    for name in suites:
        if are_rules(name):
            rules = load_rules(name)
            unasked = check_rules(rules)
            if unasked:
                click.echo(f"{name}: {unasked}", err=True)
            rows.append({"rules": rules.rules.name, "file": str(rules.path), "count": len(rules.rules.rules)})
            continue
        loaded = load_suite(name, overrides)
        check_names(loaded, without_data=True)
        try:
            refuse_unmade(loaded)
        except PackageError as error:  # the suite is right, and may run elsewhere
            click.echo(f"{name} cannot run on this machine: {error}", err=True)
        rows.append(
            {
                "suite": loaded.suite.name,
                "file": str(loaded.path),
                "hash": loaded.hash,
                "cells": len(plan_cells(loaded.suite)),
            }
        )
    if as_json:
        print_json(rows)
    else:
        for row in rows:
            what = f"{row['count']} rules" if "rules" in row else f"{row['cells']} cells"
            click.echo(f"{row['file']}: fine, {what}")


@verbs.command("list")
@click.argument("kind", required=False)
@click.option("--names", "names_only", is_flag=True, help="Names alone, a line for each kind.")
@click.option("--json", "as_json", is_flag=True)
def list_(kind: str | None, names_only: bool, as_json: bool) -> None:
    """What there is, with a line about each; of one KIND alone.

    `bridges` lists the transforms and attacks of other libraries: what each is measured in, or why it is refused.
    """
    from benchbed.errors import did_you_mean
    from benchbed.explain import KINDS, listed
    from benchbed.explain.about import ABOUT

    if kind is not None and kind not in KINDS:
        raise ConfigError(
            f"there is no list of '{kind}'", hint=did_you_mean(kind, KINDS) or f"kinds: {', '.join(KINDS)}"
        )
    if kind is not None:
        lines = listed(kind)
        if as_json:
            print_json(lines if kind == "bridges" else {kind: list(lines)})
            return
        for name, said in lines.items():
            click.echo(f"{name}: {said}" if said else name)
        return
    short = {each: BRIDGED if each == "bridges" else [*listed(each)] for each in KINDS if each not in HEAVY}
    if as_json:
        print_json(short)
    elif names_only:
        for each, names in short.items():
            click.echo(f"{each}: {', '.join(names)}")
    else:
        for each in KINDS:
            click.echo(f"{each}: {ABOUT[each]}")
            _lines(each, {} if each in ("bridges", *HEAVY) else listed(each))
        click.echo("`benchbed explain NAME` says all about one; `benchbed docs` makes pages of it", err=True)


def _lines(kind: str, told: Mapping[str, str]) -> None:
    for name, said in told.items():
        click.echo(f"  {name}: {said}" if said else f"  {name}")
    if not told:
        click.echo(
            f"  {', '.join(BRIDGED)}: `benchbed list bridges`" if kind == "bridges" else f"  `benchbed list '{kind}'`"
        )
    click.echo("")


#: Libraries that bridges are to; what they offer is found by importing them.
BRIDGED = ["audiomentations", "torchattacks"]
#: Kinds whose lists need packages that take a second to load; without a KIND they are named, and not written out.
HEAVY = ("figures", "suite keys", "gate rules")


@verbs.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True)
def explain(name: str, as_json: bool) -> None:
    """What NAME is: a corruption, a data-set layout, an attack, a metric family, a figure, a kind of output, a suite,
    an adapter, a key of a suite or of gate rules, or `exit` for the exit codes. Made from the code itself.
    """
    from benchbed.explain import explained

    found = explained(name)
    if as_json:
        print_json([{"kind": kind, "text": said} for kind, said in found])
        return
    for number, (kind, said) in enumerate(found):
        click.echo("\n" * bool(number) + f"{name} ({kind})\n" + said)


@verbs.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("docs"), show_default=True, help="Folder.")
def docs(out: Path) -> None:
    """Write the text of `explain` as static pages: corruptions with what they sound like, keys, layouts, rules."""
    from benchbed.explain.manual import write_pages

    click.echo(str(write_pages(out)[0]))


@verbs.command()
@click.argument("kind", type=click.Choice(["suite", "result", "rules"]))
def schema(kind: str) -> None:
    """Print the JSON schema of a suite, of a result, or of the rules of a gate."""
    if kind == "rules":
        from benchbed.gate.rules import Rules

        print_json(Rules.model_json_schema())
    elif kind == "suite":
        from benchbed.suite.model import Suite

        print_json(Suite.model_json_schema())
    else:
        from benchbed.results.record import Result

        print_json(Result.model_json_schema())


@verbs.command()
@click.option("--json", "as_json", is_flag=True)
def doctor(as_json: bool) -> int:
    """Versions, machine, optional packages, configured datasets: what a bug report needs."""
    from benchbed.run.doctor import diagnose

    facts = diagnose()
    if as_json:
        print_json(facts)
    else:
        from benchbed.run.doctor import in_words

        click.echo("\n".join(in_words(facts)))
    return 0 if facts["problems"] == [] else 3
