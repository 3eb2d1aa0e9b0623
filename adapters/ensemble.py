"""Several models as one: the mean of their probabilities, weighted, weighted by class, or stacked. Costs are summed.

    benchbed run suites/dcase_task1.yaml --model adapters/ensemble.py --set members=cnn,passt,vit_asc
    benchbed profile --model adapters/ensemble.py --set members=teachers.yaml

`members` names shipped adapters or files, `NAME*6` six times; `passt_6` and `passt_6_cnn_6`, the teachers of DCASE 2022
and 2023 (six PaSST, and six receptive-field-regularised CNNs beside them); or it is a YAML file with a list of `model`,
`options` and `weight`. Members may want other rates and lengths, and have their classes in another order.
`weights=0.2,0.8` weighs them; `table=FILE` is JSON written by `training/fuse.py`, which fits weights of each class, or
a logistic regression on all scores (`stacked`), on a validation split that the file names.

Late fusion with another sense: a member may be stored answers (`model: predictions`, `options: {file: seen.csv}`), such
as those of a model that saw the videos. They are found by clip, so that the suite gives `audio.side_information:
[clip_id]`; they stay as they are where the audio is perturbed, and what they cost nobody here knows, which the
description says. Where all members are stored answers, nothing is heard.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import yaml

from benchbed import audio
from benchbed.adapter import Adapter, Card
from benchbed.adapter.load import LoadedAdapter, load_adapter, start
from benchbed.errors import AdapterError, ConfigError
from benchbed.types import Batch

Rule = Literal["mean", "logits", "class", "stacked"]
FLOOR = 1e-12
#: Named ensembles: adapter, options, and how many of it.
TEACHERS: dict[str, tuple[tuple[str, dict[str, Any], int], ...]] = {
    "passt_6": (("passt", {"arch": "passt_s"}, 6),),
    "passt_6_cnn_6": (("passt", {"arch": "passt_s"}, 6), ("cp_resnet", {}, 6)),
}


@dataclass(frozen=True)
class Member:
    """One model: what `--model` takes, its options, and its weight."""

    model: str
    options: dict[str, Any] = field(default_factory=dict)
    weight: float = 1.0


def members_of(text: str) -> list[Member]:
    """Members from names with commas, or from a YAML file.

    Raises
    ------
    ConfigError
        Fewer than two members, or a file that is no list of them.
    """
    if text in TEACHERS:
        found = [Member(model, dict(options)) for model, options, times in TEACHERS[text] for _ in range(times)]
    elif text.endswith((".yaml", ".yml")):
        place = Path(text).expanduser()
        if not place.is_file():
            raise ConfigError("there is no file of members", where=text)
        rows = yaml.safe_load(place.read_text(encoding="utf-8"))
        known = {"model", "options", "weight"}
        if not isinstance(rows, list) or not all(isinstance(r, dict) and "model" in r and {*r} <= known for r in rows):
            raise ConfigError("not a list of members", where=text, hint="- {model: passt, options: {…}, weight: 1}")
        found = [Member(str(r["model"]), dict(r.get("options") or {}), float(r.get("weight", 1))) for r in rows]
    else:
        found = []
        for part in filter(None, (part.strip() for part in text.split(","))):
            name, _, times = part.partition("*")
            if times and not times.strip().isdecimal():
                raise ConfigError(f"'{part}' is no member", hint="NAME, or NAME*6")
            found += [Member(name.strip())] * (int(times) if times else 1)
    if len(found) < 2:
        raise ConfigError(f"an ensemble of {len(found)} members", hint="members=cnn,passt or members=FILE.yaml")
    return found


class Ensemble(Adapter):
    """Members heard one after the other, and their answers fused.

    Parameters
    ----------
    members : str
        Names with commas (`passt*6` for six of one), a named ensemble, or a YAML file.
    rule : str
        `mean` of probabilities, `logits`: mean of log-probabilities, `class` or `stacked`: as `table` says.
    weights : str
        One number for each member, with commas; those of the file, or the same for all by default.
    table : str
        JSON of `training/fuse.py`.
    settings : str
        JSON object of options that every member gets.
    name : str
        Name in tables.
    """

    def __init__(
        self,
        members: str = "cnn,passt",
        rule: Rule = "mean",
        weights: str = "",
        table: str = "",
        settings: str = "",
        name: str = "",
    ) -> None:
        common = json.loads(settings) if settings else {}
        chosen = members_of(members)
        self.loaded: list[LoadedAdapter] = [load_adapter(m.model, {**common, **m.options}) for m in chosen]
        self.members = [loaded.adapter for loaded in self.loaded]
        self.rule, self.table_path = rule, table
        stored = [member.card.name for member in self.members if member.replays]
        self.replays = len(stored) == len(self.members)
        cards = [member.card for member in self.members]
        first = cards[0]
        self._refuse(cards)
        self.share = shares(weights, [m.weight for m in chosen])
        self.order = [np.array([card.labels.index(label) for label in first.labels]) for card in cards]
        self.fused = fusion(table, rule, [card.name for card in cards], first.labels)
        rates, lengths = [c.sample_rate for c in cards], [c.clip_seconds for c in cards]
        self.card = Card(
            name=name or f"ensemble_{len(cards)}_{'_'.join(dict.fromkeys(c.name for c in cards))}"[:60],
            family="ensemble",
            output=first.output,
            labels=first.labels,
            sample_rate=max(rates),
            channels=max(c.channels for c in cards),
            scores="probabilities",
            clip_seconds=None if None in lengths else max(x for x in lengths if x is not None),
            min_seconds=max(c.min_seconds for c in cards),
            side_information=tuple(dict.fromkeys(name for c in cards for name in c.side_information)),
            weight_bits=max(c.weight_bits for c in cards),
            licence="; ".join(dict.fromkeys(c.licence for c in cards if c.licence)),
            citation="; ".join(dict.fromkeys(c.citation for c in cards if c.citation)),
            description=f"{rule} of {', '.join(c.name for c in cards)}{self.fused.told}"
            + (f"; costs are without those of stored answers ({', '.join(stored)})" if stored else ""),
            trained_on=tuple(dict.fromkeys(name for c in cards for name in c.trained_on)),
            trained_with=tuple(dict.fromkeys(name for c in cards for name in c.trained_with)),
            untrained=any(c.untrained for c in cards),
        )

    def load(self, device: str = "cpu") -> None:
        for loaded in self.loaded:
            start(loaded, device)
        self.device = torch.device(device)
        running = [member.model for member in self.members if not member.replays]
        if running and all(isinstance(network, torch.nn.Module) for network in running):
            # One module, so that parameters and operations of all are counted.
            self.model = torch.nn.ModuleList(running).eval()
        alike = all(c.card.sample_rate == self.card.sample_rate for c in self.members)
        if alike and all(member.forward is not None for member in self.members):
            self.forward = self._forward

    def weights(self) -> list[Any]:
        files = [path for member in self.members for path in member.weights()]
        return [*files, *([Path(self.table_path)] if self.table_path else [])]

    def meet(self, clips: Any) -> list[str]:
        """Let stored answers find the clips of a run; what of them is about none."""
        return [remark for member in self.members if member.replays for remark in member.meet(clips)]

    def close(self) -> None:
        for member in self.members:
            member.close()

    def _forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Fused probabilities `[clip, class]`, differentiable, where all members want the same rate."""
        heard = [(member, _fitted(waveforms, member.card)) for member in self.members]
        made = [_likely(member.forward(x), member.card) for member, x in heard]  # type: ignore[misc]
        return self._fuse([p[:, torch.from_numpy(o).to(p.device)] for p, o in zip(made, self.order)])

    def predict(self, batch: Batch) -> np.ndarray:
        """Fused probabilities `[clip, class]`."""
        made = []
        for member, order in zip(self.members, self.order):
            scores = member.predict(_for(batch, member.card))
            made.append(_likely(torch.from_numpy(np.asarray(scores, np.float32)), member.card)[:, order])
        return self._fuse(made).numpy()

    def _fuse(self, made: list[torch.Tensor]) -> torch.Tensor:
        stack = torch.stack(made, 1)
        if self.rule == "stacked":
            flat = stack.clamp_min(FLOOR).log().flatten(1)
            logits = flat @ self.fused.matrix.to(flat).T + self.fused.offset.to(flat)
            return logits.softmax(-1) if self.card.output == "scene" else logits.sigmoid()
        if self.rule == "class":
            weights = self.fused.matrix.to(stack)
        else:
            weights = torch.tensor(self.share, dtype=stack.dtype, device=stack.device)[:, None]
        weights = weights / weights.sum(0)
        if self.rule == "logits":
            mean = (stack.clamp_min(FLOOR).log() * weights).sum(1)
            return mean.softmax(-1) if self.card.output == "scene" else mean.exp()
        fused = (stack * weights).sum(1)
        # Weights of each class take a distribution apart.
        return fused / fused.sum(-1, keepdim=True) if self.card.output == "scene" else fused

    def _refuse(self, cards: list[Card]) -> None:
        first = cards[0]
        for card in cards:
            if card.output not in ("scene", "tags") or card.output != first.output:
                raise AdapterError(
                    f"{card.name} answers {card.output} and {first.name} {first.output}",
                    hint="members of an ensemble all answer scene, or all tags",
                )
            if set(card.labels) != set(first.labels):
                odd = sorted(set(card.labels) ^ set(first.labels))
                raise AdapterError(f"{card.name} and {first.name} know other classes, e.g. {odd[0]}")


def shares(text: str, given: list[float]) -> list[float]:
    """Weights of the members, which sum to one.

    Raises
    ------
    ConfigError
        Another number of them than of members, or a negative one.
    """
    try:
        found = [float(part) for part in text.split(",")] if text else given
    except ValueError as error:
        raise ConfigError(f"weights={text} are no numbers with commas") from error
    if len(found) != len(given) or min(found) < 0 or sum(found) <= 0:
        raise ConfigError(f"weights {found} of {len(given)} members", hint="one for each, none negative")
    return [value / sum(found) for value in found]


@dataclass(frozen=True)
class Fusion:
    """What was fitted on a validation split: weights `[member, class]`, or `[class, member · class]` with an offset."""

    matrix: torch.Tensor
    offset: torch.Tensor
    told: str = ""


def fusion(path: str, rule: Rule, names: list[str], labels: tuple[str, ...]) -> Fusion:
    """Read a table of `training/fuse.py`.

    Raises
    ------
    ConfigError
        A rule that needs a table and has none, or a table of other members, classes or rule.
    """
    if rule not in ("class", "stacked"):
        return Fusion(torch.zeros(0), torch.zeros(0))
    if not path or not Path(path).is_file():
        raise ConfigError(f"rule={rule} needs what was fitted", where=path, hint="--set table=FILE of training/fuse.py")
    about = json.loads(Path(path).read_text(encoding="utf-8"))
    held = (about.get("rule"), about.get("members"), about.get("labels"))
    if held != (rule, names, list(labels)):
        raise ConfigError(
            f"the table is '{held[0]}' of {held[1]} and not '{rule}' of {names}, or of other classes", where=path
        )
    offset = torch.tensor(about.get("offset", [0.0] * len(labels)))
    return Fusion(torch.tensor(about["weights"]), offset, f", fitted on {about['split']} of {about['dataset']}")


def _likely(scores: torch.Tensor, card: Card) -> torch.Tensor:
    """Scores as probabilities."""
    if card.scores == "log_probabilities":
        return scores.exp()
    if card.scores == "probabilities":
        return scores
    return scores.softmax(-1) if card.output == "scene" else scores.sigmoid()


def _fitted(waveforms: torch.Tensor, card: Card) -> torch.Tensor:
    """Waveforms cut or padded with zeros to the member's length, differentiable."""
    if waveforms.shape[1] != card.channels:
        waveforms = waveforms.mean(1, keepdim=True).expand(-1, card.channels, -1)
    if card.clip_seconds is None:
        return waveforms
    wanted, had = round(card.clip_seconds * card.sample_rate), waveforms.shape[-1]
    if had < wanted:
        return torch.nn.functional.pad(waveforms, (0, wanted - had))
    first = (had - wanted) // 2 if card.crop == "center" else 0
    return waveforms[..., first : first + wanted]


def _for(batch: Batch, card: Card) -> Batch:
    """A batch as one member wants it."""
    made = [audio.to_channels(clip, card.channels) for clip in batch.waveforms]
    if batch.sample_rate != card.sample_rate:
        made = [audio.resample(clip, batch.sample_rate, card.sample_rate) for clip in made]
    if card.clip_seconds is not None:
        wanted = round(card.clip_seconds * card.sample_rate)
        made = [audio.fit(clip, wanted, card.pad, card.crop) for clip in made]
    waveforms = np.stack(made).astype(np.float32)
    lengths = np.minimum(
        np.ceil(np.asarray(batch.lengths) * card.sample_rate / batch.sample_rate).astype(np.int64), waveforms.shape[2]
    )
    return Batch(waveforms, lengths, card.sample_rate, batch.side)
