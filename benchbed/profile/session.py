"""The whole profile of a model: counts always, times and energy where they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchbed.adapter.pulse import beating
from benchbed.adapter.surroundings import if_any
from benchbed.profile.counts import clip_seconds, count

if TYPE_CHECKING:
    from benchbed.adapter.contract import Adapter
    from benchbed.profile.boards import TargetBoard
    from benchbed.profile.energy.account import EnergySettings


@dataclass(frozen=True)
class LatencySettings:
    """How times are taken; the fields are those of a suite's `profile.latency`."""

    batch_sizes: Sequence[int] = (1, 4, 16)
    seconds: float = 2.0
    warmup: int = 10
    threads: int = 1
    cold_start: bool = True
    rounds: int = 15


@dataclass(frozen=True)
class SplitSettings:
    """Links for which the best cut is looked for.

    Attributes
    ----------
    bytes_per_second : sequence of float
        Rates; none for no search.
    batches : sequence of int
        Clips sent at once.
    server_speedup : float
        How many times faster the server is than this machine.
    private : bool
        Audio must not leave the device.
    static : str
        Layer behind which a fixed cut lies that the best ones are held against; none where it is empty.
    """

    bytes_per_second: Sequence[float] = ()
    batches: Sequence[int] = (1,)
    server_speedup: float = 10.0
    private: bool = False
    static: str = ""


@dataclass(frozen=True)
class ProfileSettings:
    """What a profile holds.

    Attributes
    ----------
    seconds : float, optional
        Length of audio that everything is stated for; the model's own by default.
    layers : bool
        List every layer.
    latency, energy : settings or None
        None leaves them out.
    split : SplitSettings
    boards : tuple of TargetBoard
        Boards that it is asked of whether the model fits.
    """

    seconds: float | None = None
    layers: bool = False
    latency: LatencySettings | None = None
    energy: EnergySettings | None = None
    split: SplitSettings = field(default_factory=SplitSettings)
    boards: tuple[TargetBoard, ...] = ()


def profile(
    adapter: Adapter,
    settings: ProfileSettings,
    *,
    recipe: tuple[str, Mapping[str, Any]] | None = None,
    decode: Callable[[], Any] | None = None,
    reference: Adapter | None = None,
    timed_beside: Adapter | None = None,
) -> dict[str, Any]:
    """Profile of a loaded model, as it stands on the record.

    Parameters
    ----------
    adapter : Adapter
        Loaded.
    settings : ProfileSettings
    recipe : tuple, optional
        Locator and options with which a fresh process loads the model, for the cold start.
    decode : callable, optional
        Reads one clip of the dataset.
    reference : Adapter, optional
        Loaded; its energy is taken in the same session, before the model's.
    timed_beside : Adapter, optional
        Loaded; timed in turns with the model, where times are asked for.

    Returns
    -------
    dict
        Parts `parameters`, `macs`, `flops`, `parameter_memory`, `size`, `compute`; `latency` and `energy` where asked.

    Examples
    --------
    >>> from benchbed.adapter.load import load_adapter, start
    >>> found = profile(start(load_adapter("cnn", {})), ProfileSettings())
    >>> "latency" in found, found["macs"]["unit"]
    (False, 'MACs')
    """
    seconds = settings.seconds or clip_seconds(adapter)
    # Measured calls are bare: what hangs is seen by how long its part takes.
    with beating("having its costs counted"):
        figures = count(adapter, seconds, layers=settings.layers)
    if settings.boards:
        figures["boards"] = _boards(adapter, seconds, settings.boards, figures)
    if settings.latency is not None:
        with beating("being timed"):
            figures["latency"] = _latency(adapter, seconds, settings.latency, recipe, decode)
        if timed_beside is not None and "reason" not in figures["latency"]:
            from benchbed.profile.rounds import paired_rounds

            figures["latency"]["rounds"] = paired_rounds(
                adapter, timed_beside, rounds=settings.latency.rounds, threads=settings.latency.threads
            )
        from benchbed.profile.layer_time import peak_activation_memory

        with if_any(adapter):
            figures["size"]["peak_activations"] = peak_activation_memory(adapter, seconds=seconds)
    if settings.split.bytes_per_second:
        from benchbed.profile.split import split_report

        links = settings.split
        with if_any(adapter):
            figures["split"] = split_report(
                adapter,
                seconds,
                bytes_per_second=links.bytes_per_second,
                batches=links.batches,
                server_speedup=links.server_speedup,
                private=links.private,
                static=links.static,
            )
    if settings.energy is not None:
        with beating("having its energy measured"):
            figures["energy"] = _energy(adapter, seconds, settings, reference)
    return figures


def _boards(
    adapter: Adapter, seconds: float, boards: tuple[TargetBoard, ...], figures: Mapping[str, Any]
) -> dict[str, Any]:
    from benchbed.profile.boards import boards_report
    from benchbed.profile.counts import has_network
    from benchbed.profile.macs import count_macs

    parameters, macs = (figures[name].get("value") for name in ("parameters", "macs"))
    if not has_network(adapter) or adapter.forward is None or parameters is None or macs is None:
        return {"reason": "what a board needs follows from a network that torch can see"}
    with if_any(adapter):
        peak = count_macs(adapter, seconds, on_device=False).trace.peak_bytes
    bits = min(8.0, float(adapter.card.weight_bits))
    return boards_report(boards, parameters=parameters, macs=macs, peak_bytes=peak, weight_bits=bits)


def _latency(
    adapter: Adapter,
    seconds: float,
    wanted: LatencySettings,
    recipe: tuple[str, Mapping[str, Any]] | None,
    decode: Callable[[], Any] | None,
) -> dict[str, Any]:
    from benchbed.profile.coldstart import cold_start
    from benchbed.profile.latency import latency
    from benchbed.profile.layer_time import time_shares

    found = latency(
        adapter,
        seconds=seconds,
        batch_sizes=wanted.batch_sizes,
        least_seconds=wanted.seconds,
        warmup=wanted.warmup,
        threads=wanted.threads,
        decode=decode,
    )
    if "reason" in found:
        return found
    found["share_of_time"] = time_shares(adapter, seconds=seconds, threads=wanted.threads)
    if wanted.cold_start and recipe is not None:
        device = str(adapter.device)
        found["cold_start"] = cold_start(*recipe, device=device, seconds=seconds, threads=wanted.threads)
    return found


def _energy(adapter: Adapter, seconds: float, settings: ProfileSettings, reference: Adapter | None) -> dict[str, Any]:
    from benchbed.profile.energy.account import compare_to_reference

    if adapter.replays:
        return {"method": "none", "reason": "stored predictions are replayed: their energy was spent elsewhere"}
    before = None if reference is None else _one_energy(reference, clip_seconds(reference), settings)
    found = _one_energy(adapter, seconds, settings)
    if reference is not None and before is not None:
        compare_to_reference(found, before, reference.card.name)
    return found


def _one_energy(adapter: Adapter, seconds: float, settings: ProfileSettings) -> dict[str, Any]:
    from benchbed.profile.calls import silence_free
    from benchbed.profile.clock import clock_for, pinned_threads
    from benchbed.profile.energy.account import energy

    assert settings.energy is not None
    device = str(adapter.device)
    threads = settings.latency.threads if settings.latency else 1
    batch = silence_free(adapter, seconds)
    with if_any(adapter), pinned_threads(threads):
        return energy(
            lambda: adapter.predict(batch),
            clips=1,
            audio_seconds=seconds,
            settings=settings.energy,
            device=device,
            threads=threads,
            clock=clock_for(device),
        )
