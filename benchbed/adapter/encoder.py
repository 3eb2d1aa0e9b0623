"""The vectors that a model makes of sound: for whole clips, or over time; of encoders, and of classifiers before their
last layer.

An encoder shows its path (`encode`, `encode_frames`). Of any other torch model the vectors are what its own `embed`
gives, or what goes into the layer that gives its scores, which is found once by hearing noise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from benchbed.adapter.asking import told
from benchbed.adapter.contract import Adapter
from benchbed.adapter.surroundings import at_home, if_any
from benchbed.errors import AdapterError, BenchbedError
from benchbed.rng import stream
from benchbed.types import Batch

if TYPE_CHECKING:
    import torch

#: From waveforms `[clip, channel, sample]` to vectors `[clip, feature]` or `[clip, frame, feature]`.
Path = Callable[["torch.Tensor"], "torch.Tensor"]
#: Seconds of noise that a model hears to show where its vectors are.
TRIAL = 1.0


@dataclass(frozen=True)
class Encoder:
    """Where the vectors of a model come from.

    Attributes
    ----------
    hear : callable
        From a `Batch` to vectors `[clip, feature]`, or `[clip, frame, feature]` over time, float32.
    path : callable or None
        The same from waveforms, differentiable; None where torch does not see it.
    width : int
        Features of a vector.
    hop : float or None
        Seconds from one vector to the next; None for vectors of clips.
    source : str
        What they are, in words.
    """

    hear: Callable[[Batch], np.ndarray]
    path: Path | None
    width: int
    hop: float | None
    source: str


def encoder_of(adapter: Adapter, *, over_time: bool = False) -> Encoder:
    """The vectors of a model that was loaded.

    Parameters
    ----------
    adapter : Adapter
        After its `load`.
    over_time : bool
        A vector for each moment in the place of one for the clip.

    Raises
    ------
    AdapterError
        The model shows none, or none over time, or raises something itself.

    Examples
    --------
    >>> import torch
    >>> from benchbed.adapter import Card, TorchAdapter
    >>> class Line(TorchAdapter):
    ...     card = Card(name="line", family="mlp", output="scene", labels=("a", "b"), sample_rate=8000)
    ...     def build(self):
    ...         return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(8000, 3), torch.nn.Linear(3, 2))
    >>> line = Line()
    >>> line.load("cpu")
    >>> made = encoder_of(line)
    >>> made.width, made.source
    (3, 'what goes into its last layer, 2')
    """
    try:
        with if_any(adapter):
            made = _encoder(adapter, over_time)
    except BenchbedError:
        raise
    except Exception as error:
        raise AdapterError(
            f"{adapter.card.name} raised {told(error)} when it embedded noise",
            hint="run `benchbed check` on the adapter",
        ) from error
    path = None if made.path is None else at_home(adapter, made.path)
    return replace(made, hear=at_home(adapter, made.hear), path=path)


def _encoder(adapter: Adapter, over_time: bool) -> Encoder:
    shown = adapter.encode_frames if over_time else adapter.encode
    if shown is not None:
        return _shown(adapter, shown, over_time)
    if adapter.encode is not None:
        raise AdapterError(
            f"{adapter.card.name} gives one vector for each clip, and none over time",
            hint="an encoder with timestamp embeddings, or a suite of whole clips",
        )
    if adapter.embed is not None and not over_time:
        return _foreign(adapter)
    if adapter.model is None or adapter.forward is None:
        raise AdapterError(
            f"{adapter.card.name} shows no embeddings: it has neither `encode` nor `embed`, nor a torch network",
            hint="adapters/hear.py and adapters/xares.py wrap encoders; an adapter of your own may define "
            "embed(batch) -> [clip, feature]",
        )
    return _tapped(adapter, over_time)


def _trial(adapter: Adapter, clips: int = 2) -> torch.Tensor:
    """Waveforms of noise that a model hears to show its vectors."""
    import torch

    card = adapter.card
    samples = round((card.clip_seconds or max(TRIAL, card.min_seconds)) * card.sample_rate)
    noise = 0.1 * stream("encoder", "trial").standard_normal((clips, card.channels, samples))
    return torch.from_numpy(noise.astype(np.float32)).to(adapter.device)


def _shown(adapter: Adapter, path: Path, over_time: bool) -> Encoder:
    import torch

    waveforms = _trial(adapter)
    with torch.no_grad():
        vectors = path(waveforms)
    axes = 3 if over_time else 2
    if vectors.ndim != axes or len(vectors) != len(waveforms):
        wanted = "[clip, frame, feature]" if over_time else "[clip, feature]"
        raise AdapterError(
            f"{adapter.card.name} embedded {len(waveforms)} clips as {list(vectors.shape)}, not as {wanted}",
            hint="run `benchbed check` on the adapter",
        )
    hop = None
    if over_time:
        hop = adapter.card.frame_seconds
        if not hop:
            raise AdapterError(
                f"the card of {adapter.card.name} has no frame_seconds, so its vectors have no place in time",
                hint="set frame_seconds on the card",
            )
    open_to_gradients = _differentiable(path, waveforms)
    source = "its timestamp embeddings" if over_time else "its embeddings of clips"
    return Encoder(_heard(adapter, path), path if open_to_gradients else None, vectors.shape[-1], hop, source)


def _differentiable(path: Path, waveforms: torch.Tensor) -> bool:
    import torch

    with torch.enable_grad():
        points = waveforms[:1].clone().requires_grad_()
        try:
            return bool(path(points).requires_grad)
        except RuntimeError:
            return False


def _heard(adapter: Adapter, path: Path) -> Callable[[Batch], np.ndarray]:
    import torch

    def hear(batch: Batch) -> np.ndarray:
        with torch.no_grad():
            waveforms = torch.from_numpy(np.ascontiguousarray(batch.waveforms)).to(adapter.device)
            return path(waveforms).float().cpu().numpy()

    return hear


def _foreign(adapter: Adapter) -> Encoder:
    """Vectors of a model that torch does not see, by its own `embed`."""
    embed = adapter.embed
    assert embed is not None
    noise = _trial(adapter).cpu().numpy()
    batch = Batch(noise, np.full(len(noise), noise.shape[2]), adapter.card.sample_rate)
    made = np.asarray(embed(batch))
    if made.ndim != 2 or len(made) != len(batch) or made.dtype.kind != "f":
        raise AdapterError(
            f"embed of {adapter.card.name} returned {made.dtype} {list(made.shape)}, expected floats [clip, feature]"
        )
    return Encoder(lambda batch: np.asarray(embed(batch), np.float32), None, made.shape[1], None, "its own embed()")


class _Tap:
    """What goes into a layer while the network hears, or what its `embed` gives."""

    def __init__(self, layer: torch.nn.Module | None, network: torch.nn.Module) -> None:
        self.layer, self.network = layer, network
        self.seen: torch.Tensor | None = None

    def __enter__(self) -> _Tap:
        self.seen = None
        if self.layer is None:
            own: Callable[..., torch.Tensor] = self.network.embed  # type: ignore[assignment]

            def embed(*given: torch.Tensor, **words: torch.Tensor) -> torch.Tensor:
                self.seen = own(*given, **words)
                return self.seen

            # In the place of the method, on this object alone.
            self.before = vars(self.network).get("embed")
            object.__setattr__(self.network, "embed", embed)
        else:
            self.handle = self.layer.register_forward_pre_hook(self._take)
        return self

    def __exit__(self, *error: object) -> None:
        if self.layer is None:
            object.__delattr__(self.network, "embed")
            if self.before is not None:
                object.__setattr__(self.network, "embed", self.before)
        else:
            self.handle.remove()

    def _take(self, layer: torch.nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        self.seen = given[0]


def _tapped(adapter: Adapter, over_time: bool) -> Encoder:
    """Vectors before the last layer of a network; over time where that layer is asked for every frame."""
    import torch

    network, forward = adapter.model, adapter.forward
    assert network is not None and forward is not None
    if isinstance(network, torch.nn.ModuleList) and len(network) > 1:
        raise AdapterError(
            f"{adapter.card.name} is {len(network)} networks, of which none alone gives its embeddings",
            hint="probe one of them by itself",
        )
    waveforms, kinds = _trial(adapter), (torch.nn.Linear, torch.nn.Conv1d, torch.nn.Conv2d)
    called: list[tuple[str, torch.nn.Module, torch.Size]] = []
    layers = [(name, layer) for name, layer in network.named_modules() if isinstance(layer, kinds)]

    def watch(name: str) -> Callable[[torch.nn.Module, tuple[torch.Tensor, ...]], None]:
        return lambda layer, given: called.append((name, layer, given[0].shape))

    handles = [layer.register_forward_pre_hook(watch(name)) for name, layer in layers]
    try:
        with torch.no_grad():
            forward(waveforms)
    finally:
        for handle in handles:
            handle.remove()
    own = not over_time and callable(getattr(network, "embed", None))
    classes = len(adapter.card.labels)
    last_layers = [
        (name, layer, shape)
        for name, layer, shape in called
        if (layer.out_features if isinstance(layer, torch.nn.Linear) else layer.out_channels) == classes
    ]
    if not own and not last_layers:
        raise AdapterError(
            f"no layer of {adapter.card.name} gives its {classes} classes, so what stands before it is not known",
            hint="define embed(batch) -> [clip, feature] on the adapter",
        )
    name, layer = ("", None) if own else (last_layers[-1][0], last_layers[-1][1])

    def path(points: torch.Tensor) -> torch.Tensor:
        with _Tap(layer, network) as tap:
            forward(points)
        if tap.seen is None:
            raise AdapterError(f"the layer that {adapter.card.name} was read before was not reached")
        return _pooled(tap.seen, len(points), layer, over_time, adapter.card.name)

    with torch.no_grad():
        try:
            vectors = path(waveforms)
        except AdapterError:
            raise
        except Exception as error:
            raise AdapterError(f"{adapter.card.name} could not be read before its last layer: {error}") from error
    hop = waveforms.shape[2] / adapter.card.sample_rate / vectors.shape[1] if over_time else None
    if hop is not None and adapter.card.frame_seconds:
        hop = adapter.card.frame_seconds
    source = "the embed() of its network" if own else f"what goes into its last layer, {name}"
    return Encoder(_heard(adapter, path), path, vectors.shape[-1], hop, source)


def _pooled(seen: torch.Tensor, clips: int, layer: torch.nn.Module | None, over_time: bool, name: str) -> torch.Tensor:
    """A vector for each clip, by the mean over whatever else the layer is given; or one for each frame."""
    import torch

    if layer is not None and not isinstance(layer, torch.nn.Linear):
        seen = seen.movedim(1, -1)  # channels last: [clip, (band,) frame, feature]
        if seen.ndim == 4:
            seen = seen.mean(1)
    if len(seen) != clips or seen.ndim > 3 or seen.ndim < 2:
        raise AdapterError(
            f"{name} gives its last layer {list(seen.shape)} for {clips} clips, of which no vectors can be made",
            hint="define embed(batch) -> [clip, feature] on the adapter",
        )
    if over_time and seen.ndim == 2:
        raise AdapterError(
            f"{name} decides once for each clip, so that it has no vectors over time",
            hint="a detector, or an encoder with timestamp embeddings",
        )
    return seen.flatten(1, -2).mean(1) if not over_time and seen.ndim == 3 else seen
