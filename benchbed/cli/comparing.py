"""Verbs that decide: compare, gate, baseline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from benchbed.cli.flags import print_json
from benchbed.cli.group import verbs


@verbs.command()
@click.argument("runs", nargs=-1, required=True)
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    help="Metric, or figures over cells ('robustness:*'); by default the one that ranks, all on clean audio.",
)
@click.option("--condition", "conditions", multiple=True, help="Condition or pattern, e.g. clean, 'white_noise@*'.")
@click.option("--group", "groups", multiple=True, help="device=s4, devices=unseen, 'device=*', 'class=*'.")
@click.option("--families", "by_family", is_flag=True, help="One side per model family (cnn, transformer).")
@click.option(
    "--seed-option",
    "seed_options",
    multiple=True,
    default=("seed",),
    show_default=True,
    help="Option that makes another draw of the same model.",
)
@click.option("--draws", type=click.IntRange(100), default=2000, show_default=True, help="Bootstrap draws.")
@click.option("--alpha", type=click.FloatRange(0, 0.5, min_open=True), default=0.05, show_default=True)
@click.option(
    "--correction",
    type=click.Choice(["holm", "primary", "hierarchical", "fdr", "none"]),
    default="holm",
    show_default=True,
    help="Over the table; for declared comparisons and the rest; kinds of question first; false discovery rate.",
)
@click.option(
    "--primary",
    multiple=True,
    metavar="CONDITION[/METRIC]",
    help="Comparisons declared beforehand, for --correction primary; by default the metric that ranks on clean audio.",
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--predictions",
    is_flag=True,
    help="Swap the models in ranked metrics, too, where both runs have their predictions; takes longer.",
)
@click.option("--json", "as_json", is_flag=True)
def compare(runs: tuple[str, ...], **flags: Any) -> None:
    """Compare the first model with every other, A − B: paired by recording, corrected over the table.

    RUNS are run folders, result files, named baselines, or NAME=RUN: runs of one NAME are one side. Runs that
    differ in a seed option only are one side by themselves.
    """
    from benchbed.api import deciding

    made = deciding.compare(
        *runs,
        conditions=flags["conditions"] or ("*",),
        metrics=flags["metrics"],
        groups=flags["groups"],
        families=flags["by_family"],
        seed_options=flags["seed_options"],
        draws=flags["draws"],
        alpha=flags["alpha"],
        correction=flags["correction"],
        primary=flags["primary"],
        seed=flags["seed"],
        predictions=flags["predictions"],
    )
    click.echo(made.comparison.sealed() if flags["as_json"] else str(made), nl=not flags["as_json"])


@verbs.command()
@click.argument("runs", nargs=-1, required=True)
@click.option("--baseline", "bases", multiple=True, help="Run folder, result file, or name of a baseline; once a seed.")
@click.option("--rules", help="YAML file of rules, or name of a shipped one; by default no condition may get worse.")
@click.option(
    "--seed-option",
    "seed_options",
    multiple=True,
    default=("seed",),
    show_default=True,
    help="Option that makes another draw of the same model.",
)
@click.option("--strict", is_flag=True, help="Exit with 4 where a loss beyond the margin is not ruled out.")
@click.option(
    "--predictions",
    is_flag=True,
    help="Swap the models in ranked metrics, too, where both runs have their predictions; takes longer.",
)
@click.option(
    "--confirm",
    is_flag=True,
    help="Measure the times of a failing latency rule again here, up to twice; it fails only where all show it.",
)
@click.option("--junit", "junit_path", type=click.Path(path_type=Path), help="Write JUnit XML.")
@click.option("--markdown", "markdown_path", type=click.Path(path_type=Path), help="Write a comment in Markdown.")
@click.option("--report", "json_path", type=click.Path(path_type=Path), help="Write the report as JSON.")
@click.option("--github/--no-github", default=None, help="Annotations for GitHub; by default where it runs there.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def gate(runs: tuple[str, ...], bases: tuple[str, ...], rules: str | None, strict: bool, **flags: Any) -> int:
    """Hold a run, or several seeds of one model, against a baseline and rules.

    RUNS are one run, or several that differ in their seed only, or a pattern of them; --baseline likewise. The spread
    over seeds then enters every interval.

    Exit codes: 0 passed, 1 a regression was shown, 3 something could not be measured, 4 inconclusive under --strict or
    where a rule asks for non-inferiority.
    """
    from benchbed.api import deciding
    from benchbed.gate import outputs

    report = deciding.gate(
        runs,
        bases or None,
        rules,
        strict=strict,
        seed_options=flags["seed_options"],
        predictions=flags["predictions"],
        confirm=flags["confirm"],
    ).judged
    outputs.write_outputs(
        report, junit_path=flags["junit_path"], markdown_path=flags["markdown_path"], json_path=flags["json_path"]
    )
    if outputs.on_github() if flags["github"] is None else flags["github"]:
        click.echo("\n".join(outputs.github_annotations(report)), err=True)
    if flags["as_json"]:
        print_json(report.as_json())
    else:
        click.echo("\n".join(outputs.terminal(report)))
    return report.exit_code


@verbs.group()
def baseline() -> None:
    """Named baselines, small enough to be committed: sums and draws behind figures, no audio and no scores."""


_FOLDER = click.option("--folder", type=click.Path(path_type=Path), default=Path("baselines"), show_default=True)


@baseline.command("set")
@click.argument("name")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--condition", "conditions", multiple=True, help="Keep these conditions only (patterns).")
@click.option(
    "--parts",
    multiple=True,
    default=("clean",),
    show_default=True,
    help="Conditions (patterns) to keep ranked metrics of single classes and slices of.",
)
@click.option(
    "--sums",
    multiple=True,
    default=("*",),
    show_default=True,
    help="Conditions (patterns) to keep sums of; of others draws alone, less of many clips.",
)
@_FOLDER
def set_(
    name: str, run: Path, conditions: tuple[str, ...], parts: tuple[str, ...], sums: tuple[str, ...], folder: Path
) -> None:
    """Store RUN as the baseline NAME."""
    from benchbed.results.baseline import LARGE, set_baseline

    made = set_baseline(name, run, folder, conditions, parts, sums)
    if made.bytes > LARGE:
        click.echo(
            f"{made.bytes / 1e6:.1f} MB is much to commit; --sums clean keeps less of the other conditions, "
            "--condition keeps what the gate needs",
            err=True,
        )
    click.echo(f"{made.path}: {made.result.model.name}, {len(made.result.cells)} cells, {made.bytes / 1000:.0f} kB")


@baseline.command("list")
@_FOLDER
@click.option("--json", "as_json", is_flag=True)
def list_(folder: Path, as_json: bool) -> None:
    """Baselines there are."""
    from benchbed.results.baseline import scan_baselines

    baselines, broken = scan_baselines(folder)
    for error in broken:
        click.echo(f"cannot be read: {error}", err=True)
    rows = [
        {
            "name": b.name,
            "model": b.result.model.name,
            "suite": b.result.suite.name,
            "cells": len(b.result.cells),
            "kilobytes": round(b.bytes / 1000),
            "created": b.result.provenance.created,
        }
        for b in baselines
    ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        click.echo(f"{row['name']}: {row['model']} on {row['suite']}, {row['cells']} cells, {row['kilobytes']} kB")


@verbs.command()
@click.argument("runs", nargs=-1, required=True)
@click.option(
    "--claims",
    "folder",
    type=click.Path(path_type=Path),
    help="Folder of claims; those that come with benchbed by default.",
)
@click.option("--json", "as_json", is_flag=True)
def claims(runs: tuple[str, ...], folder: Path | None, as_json: bool) -> None:
    """What RUNS say of each claim of the literature: supported, contradicted, undecided, or not run."""
    from benchbed.api.claims import judged

    verdicts = judged(list(runs), folder)
    if as_json:
        rows = [
            {
                "id": one.claim.id,
                "verdict": one.verdict,
                "text": one.claim.text,
                "source": one.claim.source,
                "where": one.claim.where,
                "evidence": one.claim.evidence,
                "disputed": one.claim.disputed,
                "found": one.told,
            }
            for one in verdicts
        ]
        print_json(rows)
        return
    for one in verdicts:
        click.echo(f"{one.verdict:>12}  {one.claim.id}: {one.claim.text}\n{'':>14}{one.told}")
        if one.claim.disputed:
            click.echo(f"{'':>14}disputed in the source: {one.claim.disputed}")
