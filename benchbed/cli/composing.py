"""The verb that composes a challenge's score of accuracy and costs."""

from __future__ import annotations

from pathlib import Path

import click

from benchbed.cli.flags import print_json
from benchbed.cli.group import verbs


@verbs.command()
@click.argument("measures", type=click.Path(path_type=Path), required=False)
@click.option("--network", type=click.Path(path_type=Path), help="Run of the network: its accuracy, AUC and MACs.")
@click.option("--tflite", type=click.Path(path_type=Path), help="Run of its TFLite file, likewise.")
@click.option("--json", "as_json", is_flag=True)
def composite(measures: Path | None, network: Path | None, tflite: Path | None, as_json: bool) -> None:
    """The composite score of BioDCASE-Tiny 2026 from MEASURES (submission_results.yaml) and runs."""
    from benchbed.api.composing import composite as composed
    from benchbed.metrics.biodcase_tiny import RULE, TERMS

    score = composed(measures or "", network=network, tflite=tflite)
    if as_json:
        print_json({"rule": RULE, "value": score.value, "terms": score.terms, "lacking": list(score.lacking)})
        return
    for term in TERMS:
        said = "not stated" if term.measure in score.lacking else f"{score.terms[term.measure]:.4f}"
        click.echo(f"{term.measure:<32}{said:>12}  of {term.weight:g}")
    click.echo(f"{'composite score':<32}{score.value:>12.4f}  ({RULE})")
