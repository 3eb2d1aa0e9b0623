"""Computing one unit of work: decode a clip once, apply every severity, fill batches across conditions, predict.

The composition of every batch follows from the unit alone, never from workers, order or what was cached, so that a
unit's predictions are bit-identical wherever and whenever it is computed on one backend.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from benchbed import rng
from benchbed.adapter.align import Alignment, plan_alignment
from benchbed.adapter.asking import ask
from benchbed.adapter.contract import Adapter, Card
from benchbed.adapter.load import load_adapter, start
from benchbed.errors import AdapterError, AudioError, BenchbedError, CannotMeasure
from benchbed.predictions.store import OWN_COLUMNS, UnitPredictions
from benchbed.run.computing.memory import keep_large_blocks
from benchbed.run.computing.whole import Clip, ModelInput, decode, to_model
from benchbed.run.computing.windows import NOTHING, hear, hop_of, moved, on_grid, overlaid, placed, to_windows
from benchbed.run.job.job import Job, Unit
from benchbed.suite.conditions import CorruptionCondition
from benchbed.suite.plan import CellPlan
from benchbed.types import Batch, Events, FrameScores


@dataclass
class _Item:
    """One evaluation on its way to the model."""

    clip: int
    cell: CellPlan
    draw: int
    made: ModelInput
    achieved: float | None = None
    skipped: str | None = None
    note: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    reference: Events | None = None


@dataclass
class _Rows:
    """Finished evaluations of a unit."""

    items: list[_Item] = field(default_factory=list)
    scores: list[np.ndarray] = field(default_factory=list)
    failures: list[dict[str, str]] = field(default_factory=list)


@dataclass
class _Shard:
    """Rows and decoded audio of the shard at hand; the conditions of one shard share them."""

    split: str
    number: int
    records: list[dict[str, Any]]
    start: int
    rows: tuple[int, ...] = ()
    clips: dict[int, Clip | AudioError] = field(default_factory=dict)


class Engine:
    """Computes units of one job in this process.

    Parameters
    ----------
    job : Job
        The run.
    adapters : mapping of str to Adapter, optional
        Split → loaded model, for those that this process has already.
    """

    adapter: Adapter
    card: Card
    alignment: Alignment

    def __init__(self, job: Job, adapters: Mapping[str, Adapter] | None = None) -> None:
        keep_large_blocks()
        _limit_threads(job.threads)
        self.job = job
        self._adapters = dict(adapters or {})
        self._by_recipe: dict[str, Adapter] = {}
        self._corruptions: dict[int, Any] = {}
        self._columns: dict[tuple[str, str], np.ndarray] = {}
        self._shard = _Shard("", -1, [], 0)
        #: What attacks keep between units of this process: source models, universal perturbations.
        self.kept: dict[Any, Any] = {}

    def run(self, unit: Unit) -> UnitPredictions:
        """Predictions of one unit.

        Raises
        ------
        AdapterError
            The adapter breaks its contract (shape, class count, type), which no other clip could mend.
        AudioError
            A clip failed and the job says to stop at the first failure.
        """
        cpu, wall = time.process_time(), time.perf_counter()
        if (self._shard.split, self._shard.number, self._shard.rows) != (unit.split, unit.shard, unit.rows):
            rows_of = list(unit.rows) or slice(unit.start, unit.stop)
            records = self.job.clips[unit.split].iloc[rows_of].to_dict("records")
            self._shard = _Shard(unit.split, unit.shard, records, unit.start, unit.rows)
            self._use_model_of(unit.split)
        if unit.cells[0].kind == "attack":
            from benchbed.run.attacking.unit import attack_unit

            return attack_unit(self, unit)
        rows = _Rows()
        pending: list[_Item] = []
        for item in self._items(unit, rows):
            # Only clips of one length share a batch: padding would change what a model with global pooling sees.
            if pending and (len(pending) == self.job.batch_size or _length(item) != _length(pending[0])):
                self._predict(unit, pending, rows)
                pending = []
            pending.append(item)
        if pending:
            self._predict(unit, pending, rows)
        info = {
            "cpu_seconds": time.process_time() - cpu,
            "wall_seconds": time.perf_counter() - wall,
            "loose": unit.loose,
        }
        return self._assemble(unit, rows, info)

    def _use_model_of(self, split: str) -> None:
        if split not in self._adapters:
            recipe = self.job.recipe_for(split)
            known = self._by_recipe.get(repr(recipe))
            self._adapters[split] = known or start(load_adapter(*recipe), self.job.device)
            _limit_threads(self.job.threads)  # what the model imported may bring threads of its own
            self._by_recipe[repr(recipe)] = self._adapters[split]
        self.adapter = self._adapters[split]
        self.card = mapped_card(self.adapter.card, self.job.label_map)
        self.alignment = plan_alignment(self.card, self.job.labels, self.job.task)

    def _items(self, unit: Unit, rows: _Rows) -> Iterator[_Item]:
        for index, row in enumerate(self._shard.records):
            clip = self._clip(index, row)
            if isinstance(clip, AudioError):
                self._fail(rows, unit, row["clip_id"], "decode", clip)
                continue
            try:
                made = list(self._conditioned(unit, index, row, clip))
            except BenchbedError as error:
                if not isinstance(error, CannotMeasure):
                    raise  # a wrong option of the suite, not this clip's fault
                self._fail(rows, unit, row["clip_id"], "perturb", error)
                continue
            yield from made

    def _conditioned(self, unit: Unit, index: int, row: Any, clip: Clip) -> Iterator[_Item]:
        condition = self.job.conditions[unit.condition]
        if not isinstance(condition, CorruptionCondition):
            for cell in unit.cells:
                yield _Item(index, cell, 0, self._input(clip.waveform, clip))
            return
        corruption = self._corruption(unit.condition, condition)
        wanted = tuple(corruption.parameters[cell.severity - 1] for cell in unit.cells if cell.severity is not None)
        context = replace(self._context(unit, row, clip), severities=wanted)
        for draw in range(condition.draws):
            random = rng.stream(
                condition.corruption, corruption.version, condition.options, row["clip_id"], draw, self.job.seed
            )
            state = None
            for cell in unit.cells:
                assert cell.severity is not None
                parameter = corruption.parameters[cell.severity - 1]
                reason = corruption.unavailable(parameter, clip.sample_rate, clip.waveform.shape[0])
                if reason is not None:
                    yield _Item(index, cell, draw, self._input(clip.waveform, clip), None, reason)
                    continue
                if state is None:
                    state = corruption.prepare(clip.waveform, clip.sample_rate, random, context)
                applied = corruption.apply(state, parameter)
                reference = None
                if self.job.task == "frames" and applied.skipped is None:
                    reference = self._reference(row, clip, corruption, state, parameter)
                yield _Item(
                    index,
                    cell,
                    draw,
                    self._input(applied.waveform, clip),
                    applied.achieved,
                    applied.skipped,
                    applied.note,
                    reference=reference,
                )

    def _input(self, waveform: np.ndarray, clip: Clip) -> ModelInput:
        if self.job.task == "frames":
            return to_windows(waveform, clip.sample_rate, self.card, self.job.windows)
        return to_model(waveform, clip.sample_rate, self.card)

    def _reference(
        self, row: Mapping[str, Any], clip: Clip, corruption: Any = None, state: Any = None, parameter: Any = None
    ) -> Events:
        """Timed reference of a clip, moved by a corruption if one is given."""
        timed, seconds = self.job.timed.get(row["clip_id"], NOTHING), _seconds(clip)
        if corruption is not None:
            timed = moved(timed, corruption, state, parameter, seconds)
        return placed(timed, seconds)

    def _clip(self, index: int, row: dict[str, Any]) -> Clip | AudioError:
        known = self._shard.clips
        if index not in known:
            if getattr(self.adapter, "replays", False) and self.job.task != "frames":
                # Stored outputs are looked up by clip id; the audio need not even be there, but to say how long it is.
                return known.setdefault(index, _unheard(self.card))
            try:
                known[index] = decode(self.job.root, row, self.job.audio_rate)
            except AudioError as error:
                known[index] = error
        return known[index]

    def _corruption(self, index: int, condition: CorruptionCondition) -> Any:
        if index not in self._corruptions:
            from benchbed.perturb import resolve

            self._corruptions[index] = resolve(condition.corruption, condition.parameters, condition.options)
        return self._corruptions[index]

    def _context(self, unit: Unit, row: Any, clip: Clip) -> Any:
        from benchbed.perturb.contract import Context

        condition = self.job.conditions[unit.condition]
        metadata = {k: v for k, v in row.items() if k not in ("label", "path")}
        options = getattr(condition, "options", {})
        others = self._others(unit, row, clip, "label")
        devices = self._others(unit, row, clip, "device") if "device" in row else None
        return Context(self.job.dataset, options, others, metadata, devices)

    def _others(self, unit: Unit, row: Mapping[str, Any], clip: Clip, column: str) -> Any:
        pool = self.job.pools[unit.split]

        def others(random: np.random.Generator, count: int) -> list[np.ndarray]:
            """Waveforms of clips that differ in the column, at this clip's rate and channel count."""
            from benchbed import audio

            if (unit.split, column) not in self._columns:
                self._columns[unit.split, column] = pool[column].to_numpy()
            values = self._columns[unit.split, column]
            if isinstance(row[column], tuple):
                # Of clips with several classes, or none, those that share none with this one.
                mine = set(row[column])
                differ = np.array([mine.isdisjoint(other) for other in values], bool)
                candidates = np.flatnonzero(differ & (pool["clip_id"] != row["clip_id"]).to_numpy())
            else:
                candidates = np.flatnonzero(values != row[column])
            chosen = random.choice(candidates, size=min(count, len(candidates)), replace=False)
            found = []
            for position in chosen:
                other = pool.iloc[position : position + 1].to_dict("records")[0]
                waveform = decode(self.job.root, other, clip.sample_rate).waveform
                found.append(audio.to_channels(waveform, clip.waveform.shape[0]))
            return found

        return others

    def _predict(self, unit: Unit, items: list[_Item], rows: _Rows) -> None:
        try:
            scores = self._call(items)
        except AdapterError:
            raise
        except Exception as error:
            if len(items) > 1:
                # One clip may have broken the batch; alone, each clip answers for itself.
                for item in items:
                    self._predict(unit, [item], rows)
                return
            reason = AdapterError(f"predict raised {type(error).__name__}: {error}")
            self._fail(rows, unit, self._id(items[0]), "predict", reason, items[0].cell.key)
            return
        finite = self.alignment.usable(scores)
        for item, ok in zip(items, finite):
            if not ok:
                reason = AdapterError("predict returned NaN or infinity")
                self._fail(rows, unit, self._id(item), "predict", reason, item.cell.key)
        if finite.any():
            kept = [item for item, ok in zip(items, finite) if ok]
            rows.items += kept
            aligned = self.alignment.apply(scores[finite])
            rows.scores.append(aligned if self.job.task != "frames" else self._in_time(aligned, kept))

    def _call(self, items: list[_Item]) -> np.ndarray:
        waveforms = np.stack([item.made.waveform for item in items])
        lengths = np.full(len(items), waveforms.shape[2], dtype=np.int64)
        records = self._shard.records
        side = {name: tuple(records[item.clip][name] for item in items) for name in self.job.side}
        if self.job.task == "frames":
            return hear(self.adapter, self.card, waveforms, side, self.job.batch_size, self.job.windows)
        scores = ask(self.adapter, Batch(waveforms, lengths, self.card.sample_rate, side))
        expected = (len(items), len(self.card.labels))
        if scores.shape != expected or scores.dtype.kind != "f":
            raise AdapterError(
                f"predict returned {scores.dtype} {list(scores.shape)}, expected float {list(expected)}: "
                f"{expected[0]} clips × {expected[1]} classes of the card",
                where=self.job.recipe[0],
                hint="run `benchbed check` on the adapter",
            )
        return scores

    def _in_time(self, outputs: np.ndarray, items: list[_Item]) -> np.ndarray:
        """Aligned outputs `[clip, window, frame, class]` as `FrameScores` [shape=(clip,), object]."""
        hop = hop_of(self.card)
        window = _length(items[0]) / outputs.shape[1] / self.card.sample_rate
        found = np.empty(len(items), dtype=object)
        for index, item in enumerate(items):
            clip = self._shard.clips[item.clip]
            assert isinstance(clip, Clip)
            seconds = _seconds(clip)
            if self.job.windows is not None:
                length, step = self.card.clip_seconds or self.job.windows[0], self.job.windows[1]
                found[index] = overlaid(outputs[index], hop, step, length, seconds)
                continue
            found[index] = FrameScores(on_grid(outputs[index], hop, window, seconds), hop, seconds)
        return found

    def _id(self, item: _Item) -> str:
        return str(self._shard.records[item.clip]["clip_id"])

    def _fail(
        self, rows: _Rows, unit: Unit, clip_id: str, stage: str, error: BenchbedError, cell: str | None = None
    ) -> None:
        if self.job.fail_fast:
            allow = "or allow failures with --fail-on-error N or a fraction"
            hint = f"{error.hint}; {allow}" if error.hint else allow.removeprefix("or ")
            raise AudioError(f"{stage} failed: {error.what}", where=error.where or clip_id, hint=hint)
        where = f" ({error.where})" if error.where and error.where != clip_id else ""
        for key in [cell] if cell else [c.key for c in unit.cells]:
            rows.failures.append({"clip_id": clip_id, "cell": key, "stage": stage, "message": error.what + where})

    def _assemble(self, unit: Unit, rows: _Rows, info: dict[str, Any]) -> UnitPredictions:
        items = rows.items
        picked = [self._shard.records[item.clip] for item in items]
        clips = [clip for clip in (self._shard.clips[item.clip] for item in items) if isinstance(clip, Clip)]
        columns: dict[str, Any] = {
            "clip_id": [row["clip_id"] for row in picked],
            "cell": [item.cell.key for item in items],
            "draw": [item.draw for item in items],
            "group": [str(row["group"]) for row in picked],
            "label": [row["label"] for row in picked],
            "achieved": np.array([np.nan if i.achieved is None else i.achieved for i in items], dtype=np.float64),
            "skipped": [item.skipped for item in items],
            "note": [item.note for item in items],
            "padded": [item.made.padded for item in items],
            "cropped": [item.made.cropped for item in items],
            "resampled": [item.made.resampled or clip.resampled for item, clip in zip(items, clips)],
            "remixed": [item.made.remixed for item in items],
            "silent": [clip.silent for clip in clips],
        }
        for name in self._shard.records[0]:
            if name not in ("clip_id", "group", "label"):
                columns[f"source_{name}" if name in OWN_COLUMNS else name] = [row[name] for row in picked]
        for name in dict.fromkeys(name for item in items for name in item.facts):
            columns[name] = [item.facts.get(name) for item in items]
        task = self.job.task
        nothing = np.zeros(0, object) if task == "frames" else np.zeros((0, len(self.job.labels)))
        scores = np.concatenate(rows.scores) if rows.scores else nothing
        references = None
        if task == "frames":
            references = [
                item.reference if item.reference is not None else self._reference(row, clip)
                for item, row, clip in zip(items, picked, clips)
            ]
        return UnitPredictions(unit.id, self.job.labels, columns, scores, rows.failures, info, task, references)


def _unheard(card: Card) -> Clip:
    samples = round(card.clip_seconds * card.sample_rate) if card.clip_seconds else 1
    return Clip(np.zeros((card.channels, samples), np.float32), card.sample_rate, resampled=False, silent=False)


def mapped_card(card: Card, label_map: Mapping[str, Sequence[str]] | None) -> Card:
    """The card with the suite's label map in place of its own, if the suite has one."""
    return card if label_map is None else replace(card, label_map={k: tuple(v) for k, v in label_map.items()})


def _seconds(clip: Clip) -> float:
    return clip.waveform.shape[1] / clip.sample_rate


def _length(item: _Item) -> int:
    return item.made.waveform.shape[1]


def _limit_threads(threads: int) -> None:
    from threadpoolctl import threadpool_limits

    threadpool_limits(threads)
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(threads)
