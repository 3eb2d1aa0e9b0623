"""Attention rollout: how much each patch of a spectrogram told the class token, through all layers (Abnar and Zuidema,
ACL 2020).

Rows of attention are averaged over heads and mixed with the residual, and the products of all layers give one number
for each patch. Patches that were dropped count as unheard, and where patches overlap, every point of the image gets the
mean over the patches that hold it, so that the map has the shape of the spectrogram.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from benchbed.adapter.transformer import Attention
from benchbed.errors import ConfigError


class AttentionWatch:
    """Attention matrices of every `Attention` of a network while it runs.

    Parameters
    ----------
    network : torch.nn.Module
        With blocks of `benchbed.adapter.transformer`.

    Raises
    ------
    ConfigError
        It has none.

    Examples
    --------
    >>> from benchbed.adapter.transformer import TransformerBlock
    >>> block = TransformerBlock(8, 2)
    >>> with AttentionWatch(block) as watch:
    ...     _ = block(torch.zeros(1, 5, 8))
    >>> watch.matrices[0].shape
    torch.Size([1, 2, 5, 5])
    """

    def __init__(self, network: torch.nn.Module) -> None:
        self.layers = [module for module in network.modules() if isinstance(module, Attention)]
        if not self.layers:
            raise ConfigError("the network has no attention that can be watched", hint="blocks of adapter.transformer")
        self.matrices: list[torch.Tensor] = []
        self._handles: list[torch.utils.hooks.RemovableHandle] = []

    def __enter__(self) -> AttentionWatch:
        self.matrices.clear()

        def keep(module: Attention, given: tuple[torch.Tensor, ...], out: torch.Tensor) -> None:
            x = given[0]
            query, key, _ = module.qkv(x).view(*x.shape[:2], 3, module.heads, -1).permute(2, 0, 3, 1, 4)
            weights = (query @ key.transpose(-2, -1)) * (x.shape[-1] // module.heads) ** -0.5
            self.matrices.append(weights.softmax(-1).detach())

        self._handles = [layer.register_forward_hook(keep) for layer in self.layers]
        return self

    def __exit__(self, *error: object) -> None:
        for handle in self._handles:
            handle.remove()


def rollout(matrices: Sequence[torch.Tensor], residual: float = 0.5, asked: slice = slice(0, 1)) -> torch.Tensor:
    """How much the first token hears of every token through all layers `[clip, token]`; rows sum to one.

    Parameters
    ----------
    matrices : sequence of torch.Tensor [shape=(clip, head, token, token)]
        Attention of each layer, the first layer first.
    residual : float
        Share of the identity in each layer; one half in the paper.
    asked : slice
        The tokens that the head hears the mean of, where it is not the first alone.

    Examples
    --------
    >>> even = torch.full((1, 2, 4, 4), 0.25)
    >>> rollout([even])[0].tolist()
    [0.625, 0.125, 0.125, 0.125]
    """
    total: torch.Tensor | None = None
    for attention in matrices:
        mean = attention.mean(1)
        eye = torch.eye(mean.shape[-1], dtype=mean.dtype, device=mean.device)
        mixed = (1 - residual) * mean + residual * eye
        total = mixed if total is None else mixed @ total
    if total is None:
        raise ConfigError("rollout of no layers")
    return total[:, asked].mean(1)


def image_of(
    heard: torch.Tensor,
    grid: tuple[int, int],
    patch: tuple[int, int],
    stride: tuple[int, int],
    size: tuple[int, int],
    kept: torch.Tensor | None = None,
) -> torch.Tensor:
    """Numbers of patches as an image `[clip, band, frame]`, with patchout and overlap undone.

    Parameters
    ----------
    heard : torch.Tensor [shape=(clip, patch)]
        Of the patches that were kept.
    grid, patch, stride, size : tuple of (int, int)
        Rows and columns of patches; bands and frames of a patch, from one to the next, and of the image.
    kept : torch.Tensor [shape=(patch,), int], optional
        Numbers of the kept patches, rows first; all by default.

    Returns
    -------
    torch.Tensor [shape=(clip, band, frame)]
        NaN where no patch was heard.

    Examples
    --------
    >>> image_of(torch.tensor([[1.0, 3.0]]), (1, 2), (1, 2), (1, 1), (1, 3))[0].tolist()
    [[1.0, 2.0, 3.0]]
    """
    count = grid[0] * grid[1]
    chosen = torch.arange(count) if kept is None else kept
    if heard.shape[1] != len(chosen):
        raise ConfigError(f"{heard.shape[1]} numbers for {len(chosen)} patches")
    values, there = heard.new_zeros(len(heard), count), heard.new_zeros(len(heard), count)
    values[:, chosen], there[:, chosen] = heard, 1.0
    area = patch[0] * patch[1]

    def spread(numbers: torch.Tensor) -> torch.Tensor:
        columns = numbers[:, None].expand(-1, area, -1)
        covered = [(steps - 1) * step + part for steps, step, part in zip(grid, stride, patch)]
        image = torch.nn.functional.fold(columns, (covered[0], covered[1]), patch, stride=stride)[:, 0]
        return torch.nn.functional.pad(image, (0, size[1] - covered[1], 0, size[0] - covered[0]))

    return spread(values) / spread(there)
