"""The verb that measures cost: profile."""

from __future__ import annotations

import contextlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchbed.cli.flags import (
    MODEL_HELP,
    SET_HELP,
    Named,
    for_model,
    limit_options,
    limits,
    named_models,
    print_json,
    split_settings,
)
from benchbed.cli.group import verbs
from benchbed.errors import BenchbedError, ConfigError

if TYPE_CHECKING:
    from benchbed.adapter.load import LoadedAdapter
    from benchbed.profile.session import ProfileSettings


@verbs.command()
@click.argument("adapters", nargs=-1)
@click.option("--model", "models", multiple=True, metavar="ADAPTER", help=MODEL_HELP)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help=SET_HELP)
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda, cuda:1.")
@click.option("--seconds", type=float, help="Length of audio that figures are stated for; the model's own by default.")
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="Compute threads.")
@click.option("--latency/--no-latency", default=None, help="Time the model; by default where there is only one.")
@click.option("--least-seconds", type=float, default=2.0, show_default=True, help="Shortest time for a batch size.")
@click.option("--batch-sizes", default="1,4,16", show_default=True, help="Clips per call that are timed.")
@click.option("--energy", is_flag=True, help="Measure energy, or estimate it from CPU time and --tdp.")
@click.option("--tdp", type=float, metavar="WATTS", help="Power of the processor; nothing is estimated without it.")
@click.option("--tdp-threads", type=click.IntRange(1), help="Hardware threads that share it; all by default.")
@click.option("--windows", type=click.IntRange(1), default=5, show_default=True, help="Windows of measurement.")
@click.option("--window-seconds", type=float, default=10.0, show_default=True, help="Shortest length of a window.")
@click.option("--wattmeter", type=click.Path(path_type=Path), help="CSV (time, watts) of a running power meter.")
@click.option("--reference", metavar="ADAPTER", help="Model measured in the same session; its ratio is what ranks.")
@click.option("--grid-factor", type=float, metavar="KG_PER_KWH", help="Emissions of the electricity used.")
@click.option("--country", metavar="ISO3", help="Country of the grid factor, and for codecarbon.")
@click.option("--codecarbon", is_flag=True, help="Store codecarbon's estimate beside.")
@click.option("--layers", is_flag=True, help="List every layer.")
@click.option(
    "--link",
    "links",
    multiple=True,
    type=float,
    metavar="BYTES_PER_SECOND",
    help="Find the best cut between a device and a server over this link; may be repeated.",
)
@click.option("--server-speedup", type=float, default=10.0, show_default=True, help="Server speed over this machine's.")
@click.option(
    "--static-cut", metavar="LAYER", help="With --link: a cut that is always used, which the best one is held against."
)
@click.option(
    "--boards", metavar="TABLE", help="Whether the model fits each board of a YAML table, e.g. mcu, which comes along."
)
@click.option("--private", is_flag=True, help="Audio must not leave the device.")
@click.option("--trust-checkpoint", is_flag=True, help="Allow checkpoints that can run code when loaded.")
@click.option(
    "--trade-offs",
    "runs",
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    metavar="RUNS",
    help="Instead of a model: Pareto fronts of finished runs; may be repeated.",
)
@click.option("--score", help="With --trade-offs: the score; the metric that ranks by default.")
@limit_options
@click.option("--json", "as_json", is_flag=True)
def profile(
    adapters: tuple[str, ...], models: tuple[str, ...], settings: tuple[str, ...], runs: tuple[Path, ...], **flags: Any
) -> None:
    """What a model costs: parameters, MACs, time, memory, energy, and where it could be cut in two.

    Several models are one table, those without weights of their own with random ones: benchbed profile adapters/*.py
    """
    models = (*models, *adapters)
    if bool(models) == bool(runs):
        raise ConfigError(
            "profile needs either --model or --trade-offs", hint="benchbed profile --model adapters/cnn.py"
        )
    told = _trade_offs(runs, flags["score"]) if runs else {"models": _models(models, settings, flags)}
    if flags["as_json"]:
        print_json(told)
        return
    from benchbed.report.terminal import print_costs, print_plan

    if len(told.get("models", ())) > 1 and not flags["layers"]:
        print_costs(told["models"])
        return
    for part in told.get("models", told.get("trade_offs", [])):
        print_plan(_lines(part))


def _models(models: tuple[str, ...], settings: tuple[str, ...], flags: dict[str, Any]) -> list[dict[str, Any]]:
    from benchbed.api.apart import apart
    from benchbed.profile.boards import read_boards
    from benchbed.profile.session import LatencySettings, ProfileSettings, SplitSettings
    from benchbed.run.isolating.forking import serving
    from benchbed.suite.load import board_table

    if flags["static_cut"] and not flags["links"]:
        raise ConfigError("--static-cut is about a link", hint="add --link 1000000")
    if flags["latency"] is None:
        flags["latency"] = len(models) == 1
    _, options = split_settings(settings)
    timed = LatencySettings(_sizes(flags["batch_sizes"]), flags["least_seconds"], threads=flags["threads"])
    wanted = ProfileSettings(
        seconds=flags["seconds"],
        layers=flags["layers"],
        latency=timed if flags["latency"] else None,
        energy=_energy(flags),
        split=SplitSettings(
            flags["links"],
            server_speedup=flags["server_speedup"],
            private=flags["private"],
            static=flags["static_cut"] or "",
        ),
        boards=read_boards(board_table(flags["boards"])) if flags["boards"] else (),
    )
    named = named_models(models)
    asked = {name: flags[name] for name in ("device", "trust_checkpoint", "reference")}
    rows: list[dict[str, Any]] = []
    with serving() if flags["isolate"] and len(named) > 1 else contextlib.nullcontext():
        for one in named:
            call = partial(_measured, one, for_model(options, one, named), wanted, asked, len(named) > 1)
            name = one.given or Path(one.address).stem
            try:
                rows.append(apart(name, call, isolate=flags["isolate"], limits=limits(flags)))
            except BenchbedError as error:
                if len(named) == 1:
                    raise
                rows.append({"model": one.given or one.address, "reason": error.what, "hint": error.hint})
    return rows


def _measured(
    one: Named, options: dict[str, str], wanted: ProfileSettings, asked: dict[str, Any], several: bool
) -> dict[str, Any]:
    """What one model costs, as a row of the table."""
    from benchbed.adapter.checkpoint import trusting
    from benchbed.adapter.load import load_adapter, start
    from benchbed.profile.session import profile as measure
    from benchbed.provenance import machine, versions
    from benchbed.run.preparing.prepare import resolve_device

    device = resolve_device(asked["device"])
    with trusting(asked["trust_checkpoint"]):
        reference = start(load_adapter(asked["reference"], {}), device) if asked["reference"] else None
        loaded, chosen = _loaded(one.spec, options, several=several)
        adapter = start(loaded, device)
        measured = measure(adapter, wanted, recipe=(loaded.locator, chosen), reference=reference)
        adapter.close()
    return {
        "model": one.given or adapter.card.name,
        "family": adapter.card.family,
        "untrained": adapter.card.untrained,
        "options": loaded.options,
        "device": device,
        "machine": machine(),
        "versions": versions(),
        "profile": measured,
    }


def _loaded(spec: str, chosen: dict[str, str], *, several: bool) -> tuple[LoadedAdapter, dict[str, str]]:
    """The model; among several, one that has no weights of its own with random ones, where it offers them."""
    from benchbed.adapter.load import load_adapter

    try:
        return load_adapter(spec, chosen), chosen
    except BenchbedError as error:
        # `--set weights=random` goes to all models of a command, and means those that need it.
        rest = {key: value for key, value in chosen.items() if key != "weights"}
        other = rest if "weights" in chosen else {**chosen, "weights": "random"}
        if not several:
            raise
        try:
            return load_adapter(spec, other), other
        except BenchbedError:
            raise error from None


def _energy(flags: dict[str, Any]) -> Any:
    from benchbed.profile.energy.account import EnergySettings

    if not flags["energy"]:
        for name in ("tdp", "wattmeter", "reference", "codecarbon"):
            if flags[name]:
                raise ConfigError(f"--{name} is about energy", hint="add --energy")
        return None
    return EnergySettings(
        windows=flags["windows"],
        window_seconds=flags["window_seconds"],
        tdp_watts=flags["tdp"],
        tdp_source="--tdp",
        tdp_threads=flags["tdp_threads"],
        wattmeter=flags["wattmeter"],
        grid_kgco2e_per_kwh=flags["grid_factor"],
        country=flags["country"],
        codecarbon=flags["codecarbon"],
    )


def _sizes(text: str) -> tuple[int, ...]:
    try:
        sizes = tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise ConfigError(f"--batch-sizes {text}: expected numbers and commas", hint="1,4,16") from error
    if min(sizes) < 1:
        raise ConfigError(f"--batch-sizes {text}: a batch has at least one clip")
    return sizes


def _trade_offs(runs: tuple[Path, ...], score: str | None) -> dict[str, Any]:
    from dataclasses import asdict

    from benchbed.results.find import find_results
    from benchbed.results.pareto import per_joule, trade_offs

    results = [result for _, result in find_results(runs)]
    ratios = {result.model.name: per_joule(result, score) for result in results}
    return {
        "trade_offs": [asdict(front) for front in trade_offs(results, score)],
        "score_per_joule": {name: {"value": ratio[0], "energy": ratio[1]} for name, ratio in ratios.items() if ratio},
    }


def _lines(part: dict[str, Any]) -> dict[str, str]:
    """Figures of one model as lines of a table; layers where they were asked for; what else is long stays in --json."""
    from benchbed.report.view import profile_rows

    if "points" in part:
        lines = {"trade-off": f"{part['score']} against {part['cost']}"}
        for point in part["points"]:
            mark = "front" if point["front"] else f"dominated by {', '.join(point['dominated_by'])}"
            lines[point["model"]] = f"{point['score']:.6g} · {point['cost']:.6g} {part['cost_unit']} · {mark}"
        return lines
    untrained = ", untrained: random weights" if part["untrained"] else ""
    lines = {"model": f"{part['model']} ({part['family']}) on {part['device']}{untrained}"}
    hidden = ("layers", "cuts", "windows", "threshold_curve", "scenarios")
    for name, content in part["profile"].items():
        shown = {k: v for k, v in content.items() if k not in hidden} if isinstance(content, dict) else content
        for row in profile_rows(name, "", shown):
            label = row.part if row.name in ("", row.part) else f"{row.part} · {row.name}"
            lines[label] = f"{row.text}   {row.note}".rstrip()
        for scenario in content.get("scenarios", ()) if isinstance(content, dict) else ():
            label = f"split · {scenario['bytes_per_second']:g} bytes/s, batch {scenario['batch']}"
            lines[label] = (
                f"cut after {scenario['cut_after']}, {scenario['seconds']:.4g} s, gain {scenario['gain']:.1%}"
            )
            if "static_gain" in scenario:
                lines[label] += f", over the static cut {scenario['static_gain']:.1%}"
        for layer in content.get("layers", ()) if isinstance(content, dict) else ():
            share = layer["macs"] / max(part["profile"]["macs"]["value"], 1)
            label = f"layer · {layer['layer'] or 'the network itself'}"
            lines[label] = f"{layer['macs']:,} MACs ({share:.1%})   {layer['type']}"
    return lines
