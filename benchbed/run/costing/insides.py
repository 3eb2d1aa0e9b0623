"""What a transformer attends to, and what its embeddings use of their space, on clips of the run; a pass of its own."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from benchbed.adapter.contract import Adapter
from benchbed.adapter.patchgrid import PatchGrid
from benchbed.adapter.surroundings import if_any
from benchbed.errors import AudioError, CannotMeasure
from benchbed.metrics.representation import representation
from benchbed.profile.counts import figure
from benchbed.run.computing.whole import decode, to_model

if TYPE_CHECKING:
    import torch

    from benchbed.run.job.prepared import Prepared

#: Rows and columns that a map of attention has at most.
ROWS, COLUMNS = 16, 20
#: How a map is made, in words.
ROLLOUT = "attention rollout (mean over heads, half of each layer the residual), patchout and overlap undone"
#: What is said of each measure of embeddings: unit and rule.
MEASURES = {
    "effective_rank": ("directions", "exponential of the entropy of the singular values' shares"),
    "variance": ("", "VICReg's hinge: mean of max(0, 1 − deviation) over features"),
    "covariance": ("", "sum of squared covariances over the number of features"),
    "dead": ("fraction", "features with less than a hundredth of the largest deviation"),
}


def insides_on_clips(adapter: Adapter, prepared: Prepared, clips: int) -> dict[str, object]:
    """Attention rollout over bands and time, and measures of embeddings.

    Parameters
    ----------
    adapter : Adapter
        With `patches`.
    prepared : Prepared
        The run; clips are spread over its first split.
    clips : int
        How many at most.

    Returns
    -------
    dict
        `attention`: `values` [band row, time column] in multiples of an even share (None where no patch was heard),
        with `bands` and `seconds` of their edges; `representation`: figures, and whether it has `collapsed`. Empty
        where no clip could be heard or the network has no attention that can be watched.
    """
    import torch

    from benchbed.adapter.rollout import AttentionWatch

    network, grid, forward = adapter.model, adapter.patches, adapter.forward
    assert network is not None and grid is not None and forward is not None
    job = prepared.job
    table = next(iter(job.clips.values()))
    chosen = np.unique(np.linspace(0, len(table) - 1, min(clips, len(table))).round().astype(int))
    maps: list[np.ndarray] = []
    embeddings: list[np.ndarray] = []
    watch = AttentionWatch(network)
    for row in table.iloc[chosen].to_dict("records"):
        try:
            clip = decode(job.root, row, job.audio_rate)
        except AudioError:
            continue  # counted as a failure of the run already
        given = to_model(clip.waveform, clip.sample_rate, adapter.card)
        with torch.inference_mode(), if_any(adapter), watch, _Last(network) as last:
            forward(torch.from_numpy(np.ascontiguousarray(given.waveform[None])).to(adapter.device))
        if not watch.matrices or last.tokens is None:
            return {}
        maps.append(attention_map(watch.matrices, grid))
        heard = slice(0, grid.tokens) if grid.decides == "tokens" else slice(grid.tokens, None)
        embeddings.append(last.tokens[0, heard].mean(0).float().cpu().numpy())
    if not maps:
        return {}
    frames = min(one.shape[1] for one in maps)
    drawn = pooled(np.stack([one[:, :frames] for one in maps]))
    insides: dict[str, object] = {
        "attention": {
            "method": ROLLOUT,
            "clips": len(maps),
            "values": [[None if np.isnan(value) else round(float(value), 4) for value in row] for row in drawn],
            "bands": np.linspace(0, grid.bands, len(drawn) + 1).round().astype(int).tolist(),
            "seconds": np.linspace(0, frames * grid.frame_seconds, drawn.shape[1] + 1).round(3).tolist(),
        }
    }
    try:
        measured = asdict(representation(np.stack(embeddings)))
    except CannotMeasure:
        return insides
    insides["representation"] = {
        "clips": len(embeddings),
        "features": int(embeddings[0].shape[0]),
        "collapsed": measured["collapsed"],
        **{name: figure(measured[name], unit, method) for name, (unit, method) in MEASURES.items()},
    }
    return insides


def attention_map(matrices: list[torch.Tensor], grid: PatchGrid) -> np.ndarray:
    """Rollout of one clip over its spectrogram `[band, frame]`, in multiples of an even share; NaN where nothing heard.

    Parameters
    ----------
    matrices : list of torch.Tensor [shape=(1, head, token, token)]
    grid : PatchGrid
    """
    import torch

    from benchbed.adapter.rollout import image_of, rollout

    asked = slice(0, grid.tokens) if grid.decides == "tokens" else slice(grid.tokens, None)
    heard = rollout(matrices, asked=asked)[:, grid.tokens :]
    rows, columns = grid.shape(matrices[0].shape[-1])
    kept = None if grid.kept is None else torch.tensor(grid.kept, device=heard.device)
    frames = (columns - 1) * grid.stride[1] + grid.patch[1]
    size, shape, patch, stride = (grid.bands, frames), (rows, columns), grid.patch, grid.stride
    if grid.rows == "time":
        size, shape, patch, stride = size[::-1], shape[::-1], patch[::-1], stride[::-1]
    image = image_of(heard.float(), shape, patch, stride, size, kept)[0].cpu().numpy()
    image = image.T if grid.rows == "time" else image
    return image / np.nanmean(image)


def pooled(images: np.ndarray) -> np.ndarray:
    """Mean over clips and over cells of a coarse grid `[≤ 16, ≤ 20]`, of images `[clip, band, frame]`; NaN where
    nothing of a cell was heard.

    Examples
    --------
    >>> pooled(np.arange(64.0).reshape(1, 32, 2))[:2].tolist()
    [[1.0, 2.0], [5.0, 6.0]]
    """
    bands = np.array_split(np.arange(images.shape[1]), min(ROWS, images.shape[1]))
    times = np.array_split(np.arange(images.shape[2]), min(COLUMNS, images.shape[2]))
    cells = np.full((len(bands), len(times)), np.nan)
    for i, band in enumerate(bands):
        for j, time in enumerate(times):
            part = images[:, band[0] : band[-1] + 1, time[0] : time[-1] + 1]
            if not np.isnan(part).all():
                cells[i, j] = np.nanmean(part)
    return cells


class _Last:
    """Tokens as the last block leaves them `[clip, token, feature]`."""

    def __init__(self, network: torch.nn.Module) -> None:
        from benchbed.adapter.transformer import TransformerBlock

        self.blocks = [module for module in network.modules() if isinstance(module, TransformerBlock)]
        self.tokens: torch.Tensor | None = None

    def __enter__(self) -> _Last:
        self.tokens = None

        def keep(module: torch.nn.Module, given: tuple[torch.Tensor, ...], out: torch.Tensor) -> None:
            self.tokens = out.detach()

        self._handle = self.blocks[-1].register_forward_hook(keep) if self.blocks else None
        return self

    def __exit__(self, *error: object) -> None:
        if self._handle is not None:
            self._handle.remove()
