"""Model and clips at hand in one process, which every unit of a job is computed with."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np

from benchbed.adapter.contract import Adapter
from benchbed.adapter.digests import digest_of
from benchbed.adapter.load import load_adapter, start
from benchbed.adapter.replay import Replay
from benchbed.adapter.state import state_of
from benchbed.card import Card, mapped_card
from benchbed.errors import AdapterError, AudioError
from benchbed.outputs.contract import Reading
from benchbed.run.computing import ondevice
from benchbed.run.computing.at_once import Whole
from benchbed.run.computing.hearing import hearing_of
from benchbed.run.computing.inspectrum import InSpectrum
from benchbed.run.computing.lookup import pool_of, stored_answers
from benchbed.run.computing.memory import keep_large_blocks
from benchbed.run.computing.shard import Others, Shard, rows_of
from benchbed.run.computing.ways import Hearing
from benchbed.run.computing.whole import Clip, ModelInput
from benchbed.run.job.job import Job, Options, Unit
from benchbed.suite.conditions import CorruptionCondition
from benchbed.threads import limit_threads

if TYPE_CHECKING:
    import torch

    from benchbed.perturb.contract import Context, Corruption
    from benchbed.perturb.ondevice import Moved

Made = TypeVar("Made")


class Engine:
    """What the units of one job share in this process.

    Parameters
    ----------
    job : Job
        The run.
    adapters : mapping of str to Adapter, optional
        Split → loaded model, for those that this process has already.

    Attributes
    ----------
    adapter, card, reading, hearing : Adapter, Card, Reading, Hearing
        The model of the split at hand, how its answers are read, and how it hears clips.
    shard : Shard
        The clips at hand.
    kept : dict
        What units of this process share beyond the shard; see `once`.
    loaded_from : list of Path
        Files that models which were loaded here were loaded from.
    """

    adapter: Adapter
    card: Card
    reading: Reading
    hearing: Hearing
    shard: Shard

    def __init__(self, job: Job, adapters: Mapping[str, Adapter] | None = None) -> None:
        keep_large_blocks()
        limit_threads(job.threads)
        self.job = job
        self.kept: dict[Hashable, object] = {}
        self.loaded_from: list[Path] = []
        self._adapters = dict(adapters or {})
        self._by_recipe: dict[str, Adapter] = {}
        self._corruptions: dict[int, Corruption] = {}
        self._others: dict[tuple[str, str], Others] = {}
        self._replayed: dict[int, dict[str, object]] = {}

    def load(self, unit: Unit) -> None:
        """Have the clips and the model of a unit at hand."""
        if not hasattr(self, "shard") or not self.shard.holds(unit):
            self.take(unit.split, rows_of(unit))

    def take(self, split: str, rows: Sequence[int]) -> None:
        """Have some clips of a split, and its model, at hand."""
        self.shard = Shard.of(self.job, split, rows)
        if split not in self._adapters:
            recipe = self.job.recipe_for(split)
            known = self._by_recipe.get(repr(recipe))
            self._adapters[split] = known or self._loaded(split, recipe)
            limit_threads(self.job.threads)  # what the model imported may bring threads of its own
            self._by_recipe[repr(recipe)] = self._adapters[split]
            if self._adapters[split].replays and known is None:
                self._adapters[split].meet(pool_of(self.job, self._alike()))
        self.adapter = self._adapters[split]
        self.card = mapped_card(self.adapter.card, self.job.label_map)
        self.reading = self.job.output.read(self.card, self.job.labels)
        self.hearing = hearing_of(
            self.job.output, self.card, self.job.batch_size, self.job.windows, self.job.window_join
        )

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What `make` gives, made once in this process: other models, perturbations that were learned.

        Parameters
        ----------
        key : hashable
            Names it; whoever asks with a key always makes a thing of one type.
        make : callable
            Makes it.
        """
        if key not in self.kept:
            self.kept[key] = make()
        return cast("Made", self.kept[key])

    def _loaded(self, split: str, recipe: tuple[str, Options]) -> Adapter:
        loaded = load_adapter(*recipe)
        adapter = start(loaded, self.job.device)
        self.loaded_from += loaded.seen.paths()
        wanted = self.job.states.get(split)
        if wanted is not None and digest_of(state_of(adapter)) != wanted:
            raise AdapterError(
                "this process loaded other weights than the run began with",
                where=recipe[0],
                hint="weights drawn at random need a fixed seed; files of weights must not change while a run goes on",
            )
        return adapter

    def replayed(self) -> Mapping[str, object]:
        """Stored answers by clip id, read once for all splits that share the file."""
        assert isinstance(self.adapter, Replay)
        key = id(self.adapter)
        if key not in self._replayed:
            found, row = stored_answers(self.adapter, self.job, self._alike())
            self._replayed[key] = {clip: found.answers[at] for clip, at in row.items()}
        return self._replayed[key]

    def _alike(self) -> list[str]:
        """Splits that have the model at hand."""
        mine = repr(self.job.recipe_for(self.shard.split))
        return [split for split in self.job.pools if repr(self.job.recipe_for(split)) == mine]

    def clip(self, index: int) -> Clip | AudioError:
        """A clip of the shard, or why it cannot be decoded."""
        if self.adapter.replays and self.job.output.unheard:
            # Stored outputs are looked up by clip id; the audio need not even be there.
            return self.shard.clips.setdefault(index, _unheard(self.card))
        return self.shard.clip(index)

    def on_device(self, corruption: Corruption, clip: Clip) -> Moved | None:
        """How arrays of a clip get to the model's device, if this corruption of it is made there."""
        if not self.job.on_device or corruption.device_tolerance is None or not isinstance(self.hearing, Whole):
            return None
        if not ondevice.takes_tensors(self.adapter) or not ondevice.heard_as_it_is(clip, self.card):
            return None
        from benchbed.adapter.moving import ToDevice
        from benchbed.adapter.torch_adapter import TorchAdapter
        from benchbed.perturb.ondevice import Moved

        assert isinstance(self.adapter, TorchAdapter)
        device = self.adapter.device
        return self.once(("arrays on", str(device)), lambda: Moved(ToDevice(device)))

    def in_spectrum(self, corruption: Corruption) -> InSpectrum | None:
        """The model whose front end this corruption is made in, if the run wants it and all it does is to add noise."""
        if not self.job.in_spectrum or not corruption.adds_noise:
            return None
        adapter, hearing = self.adapter, self.hearing
        return self.once(("in spectrum", id(adapter)), lambda: InSpectrum(adapter, hearing))

    def given(self, waveform: np.ndarray | torch.Tensor, clip: Clip) -> ModelInput:
        """A clip, or what a corruption made of it, as the model gets it."""
        if not isinstance(waveform, np.ndarray):
            return ondevice.as_input(waveform)
        return self.hearing.given(waveform, clip.sample_rate)

    def corruption(self, index: int) -> Corruption:
        """The corruption of a condition."""
        if index not in self._corruptions:
            from benchbed.perturb import resolve

            condition = self.job.conditions[index]
            assert isinstance(condition, CorruptionCondition)
            self._corruptions[index] = resolve(condition.corruption, condition.parameters, condition.options)
        return self._corruptions[index]

    def context(self, condition: int, index: int, clip: Clip, severities: tuple[object, ...] | None = None) -> Context:
        """What a corruption may know about a clip of the shard, and which severities it will be asked for."""
        from benchbed.perturb.contract import Context

        row = self.shard.records[index]
        metadata = {k: v for k, v in row.items() if k not in ("label", "path")}
        options = getattr(self.job.conditions[condition], "options", {})
        devices = self._pool("device").of(row, clip) if "device" in row else None
        others = self._pool("label").of(row, clip)
        events = self._events(condition, row)
        return Context(self.job.dataset, options, others, metadata, devices, severities, events)

    def _events(self, condition: int, row: Mapping[str, object]) -> tuple[tuple[float, float, str], ...]:
        """What is annotated in a clip, for a corruption that acts on it."""
        table = self.job.annotations
        if not self.corruption(condition).wants_events or table is None or "onset" not in table:
            return ()
        mine = table[table["clip_id"].astype(str) == str(row["clip_id"])]
        rows = zip(mine["onset"], mine["offset"], mine["label"])
        return tuple((float(onset), float(offset), str(label)) for onset, offset, label in rows)

    def _pool(self, column: str) -> Others:
        key = self.shard.split, column
        if key not in self._others:
            self._others[key] = Others(self.job, *key)
        return self._others[key]


def _unheard(card: Card) -> Clip:
    samples = round(card.clip_seconds * card.sample_rate) if card.clip_seconds else 1
    return Clip(np.zeros((card.channels, samples), np.float32), card.sample_rate, resampled=False, silent=False)
