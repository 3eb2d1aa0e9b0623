"""What a model costs, beside its scores: counts always, times and energy where the suite asks, and the challenge's
limits they are held against.

Times and energy come from runs of their own, made when the record is written; nothing is taken from predictions that
were made or stored. The energy of the whole run is the exception that law allows: it follows from the CPU time that
every unit of predictions carries, whichever invocation made it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict, cast

from benchbed.adapter.contract import Adapter
from benchbed.adapter.load import load_adapter, shipped_adapters, start
from benchbed.errors import ConfigError
from benchbed.metrics.dcase_task1 import compliance
from benchbed.profile.boards import read_boards
from benchbed.profile.counts import clip_seconds
from benchbed.profile.energy.account import EnergySettings, run_energy
from benchbed.profile.session import LatencySettings, ProfileSettings, profile
from benchbed.results import record
from benchbed.run.costing.remembered import remembered
from benchbed.suite.load import LoadedSuite, board_table
from benchbed.suite.model import Energy, Latency, Profile

if TYPE_CHECKING:
    from benchbed.run.computing.whole import ModelInput
    from benchbed.run.job.prepared import Prepared


def complexity(
    adapter: Adapter,
    loaded: LoadedSuite,
    prepared: Prepared | None = None,
    *,
    cpu_seconds: float = 0.0,
    evaluations: int = 0,
) -> tuple[dict[str, object], dict[str, record.Value], list[record.Check]]:
    """What the record says about a model's size, compute, time and energy.

    Parameters
    ----------
    adapter : Adapter
        Loaded; of several folds' models, the first.
    loaded : LoadedSuite
        Says what is asked.
    prepared : Prepared, optional
        The run, for decoding its clips and for starting the model anew.
    cpu_seconds, evaluations
        CPU time and number of the run's predictions.

    Returns
    -------
    profile : dict
        Counts, times and energy, or the reasons why there are none.
    scores : dict
        Figures held against a limit, by `RULE:FIGURE`.
    checks : list
        Whether each limit is kept.
    """
    wanted = loaded.suite.profile if isinstance(loaded.suite.profile, Profile) else Profile()
    settings = _settings(loaded, wanted)
    device = str(adapter.device)
    reference = _reference(loaded, wanted.energy, device)
    timed_beside = _reference(loaded, wanted.latency, device)
    measure = partial(
        profile,
        adapter,
        settings,
        recipe=None if prepared is None else prepared.job.recipe_for(next(iter(prepared.job.clips))),
        decode=None if prepared is None else _reader(prepared, adapter),
        reference=reference,
        timed_beside=timed_beside,
    )
    figures = measure() if prepared is None else remembered(prepared.loaded_adapter, device, settings, measure)
    if settings.energy is None:
        figures["energy"] = {"method": "none", "reason": "the suite does not ask for energy (profile: {energy: …})"}
    else:
        figures["energy"]["whole_run"] = run_energy(
            cpu_seconds,
            evaluations,
            tdp_watts=settings.energy.tdp_watts,
            tdp_threads=settings.energy.tdp_threads,
            grid_kgco2e_per_kwh=settings.energy.grid_kgco2e_per_kwh,
            device=str(adapter.device),
        )
    if prepared is not None and wanted.exit_clips and adapter.exits is not None:
        from benchbed.run.costing.exits import exits_on_clips

        figures["exits"] = exits_on_clips(adapter, prepared, wanted.exit_clips)
    if prepared is not None and wanted.inside_clips and adapter.patches is not None and adapter.forward is not None:
        from benchbed.run.costing.insides import insides_on_clips

        figures |= insides_on_clips(adapter, prepared, wanted.inside_clips)
    # What `profile` gives is JSON, of which the limits read these parts.
    scores, checks = _held_against(loaded, adapter, cast("_Counts", figures))
    return figures, scores, checks


class _Count(TypedDict, total=False):
    """A figure of a profile."""

    value: int | None
    seconds: float
    method: str
    bits: float
    nonzero: _Count


class _Counts(TypedDict):
    """What of a profile is held against limits."""

    parameters: _Count
    size: _Count
    parameter_memory: _Count
    macs: _Count
    compute: dict[str, _Count]


def _held_against(
    loaded: LoadedSuite, adapter: Adapter, counts: _Counts
) -> tuple[dict[str, record.Value], list[record.Check]]:
    scores: dict[str, record.Value] = {}
    checks: list[record.Check] = []
    wanted = loaded.suite.compliance
    if wanted is None:
        return scores, checks
    # The limit is about the count of the challenge's own tool; where that has none, as of a graph, the rule says so.
    own = counts["macs"]
    counted = counts["compute"].get("challenge_tool", {})
    by_tool = counted.get("value") is not None
    findings = compliance(
        wanted.rule,
        parameters=counts["parameters"]["value"],
        nonzero=counts["size"].get("nonzero", {}).get("value"),
        bits=counts["parameter_memory"].get("bits", adapter.card.weight_bits),
        macs=counted["value"] if by_tool else own["value"],
        seconds=own.get("seconds", clip_seconds(adapter)),
        tool=None if by_tool else own.get("method"),
        exact=own["value"],
    )
    for finding in findings:
        name = f"{wanted.rule}:{finding.name}"
        # A model over a challenge's limit is no unsound measurement: it warns, and stays ranked.
        status: Literal["pass", "warn", "skipped"] = "warn" if finding.status == "fail" else finding.status
        checks.append(record.Check(name=name, status=status, message=finding.message))
        scores[name] = record.Value(
            value=finding.value,
            n=0,
            direction="lower",
            unit=finding.unit,
            rule=finding.rule,
            title=finding.title,
            scope=f"{wanted.rule.upper()[:5]} {wanted.rule[5:]}",
            reason=finding.message if finding.value is None else "a count, not a sample",
        )
    return scores, checks


def _settings(loaded: LoadedSuite, wanted: Profile) -> ProfileSettings:
    latency = Latency() if wanted.latency is True else wanted.latency or None
    energy = Energy() if wanted.energy is True else wanted.energy or None
    timed = None if latency is None else LatencySettings(**latency.model_dump(exclude={"reference"}))
    spent = None
    if energy is not None:
        known = {field.name for field in fields(EnergySettings)}
        values = {name: value for name, value in energy.model_dump().items() if name in known}
        if energy.wattmeter is not None:
            values["wattmeter"] = _below(loaded, energy.wattmeter)
        spent = EnergySettings(**values)
    boards = () if wanted.boards is None else read_boards(board_table(wanted.boards, partial(_below, loaded)))
    return ProfileSettings(layers=wanted.layers, latency=timed, energy=spent, boards=boards)


def _reference(loaded: LoadedSuite, wanted: bool | Energy | Latency, device: str) -> Adapter | None:
    """The reference model a suite names: a shipped adapter, or a file below the suite's folder."""
    if isinstance(wanted, bool) or wanted.reference is None:
        return None
    shipped = shipped_adapters()
    spec = str(shipped[wanted.reference] if wanted.reference in shipped else _below(loaded, wanted.reference))
    return start(load_adapter(spec, {}), device)


def _below(loaded: LoadedSuite, name: str) -> Path:
    folder = loaded.path.resolve().parent
    path = (folder / name).resolve()
    if not path.is_relative_to(folder):
        raise ConfigError(f"'{name}' leaves the folder of the suite", where=loaded.where("profile", "energy"))
    return path


def _reader(prepared: Prepared, adapter: Adapter) -> Callable[[], ModelInput] | None:
    """Reads the clips of the run in turn, as the run does: decode, convert the rate, fit the length."""
    from itertools import cycle

    from benchbed.run.computing.whole import decode, to_model

    if adapter.replays:
        return None
    job = prepared.job
    table = next(iter(job.clips.values()))
    rows = cycle(table.iloc[: min(64, len(table))].to_dict("records"))

    def read() -> ModelInput:
        clip = decode(job.root, next(rows), job.audio_rate)
        return to_model(clip.waveform, clip.sample_rate, adapter.card)

    return read
