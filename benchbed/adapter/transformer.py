"""The block of vision transformers, as audio transformers use it: what ViT, DeiT, AST and PaSST have in common."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


class Attention(nn.Module):
    """Self-attention over tokens [clip, token, feature], with names of timm's layers."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        clips, tokens, dim = x.shape
        query, key, value = self.qkv(x).view(clips, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        # Written out, not fused: MAC counters see the products, and at these lengths it is as fast on a CPU.
        attention = ((query @ key.transpose(-2, -1)) * (dim // self.heads) ** -0.5).softmax(-1)
        return self.proj((attention @ value).transpose(1, 2).reshape(clips, tokens, dim))


class Mlp(nn.Module):
    """Two linear layers with a GELU between them; the inner is `ratio` times as wide."""

    def __init__(self, dim: int, ratio: int = 4) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, ratio * dim)
        self.fc2 = nn.Linear(ratio * dim, dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class TransformerBlock(nn.Module):
    """Attention and MLP, each after a layer norm and beside a residual (Dosovitskiy et al., ICLR 2021).

    Parameters
    ----------
    dim, heads : int
        Features of a token, and heads that share them.
    ratio : int
        Inner width of the MLP over `dim`.

    Examples
    --------
    >>> TransformerBlock(12, 3)(torch.zeros(2, 5, 12)).shape
    torch.Size([2, 5, 12])
    """

    def __init__(self, dim: int, heads: int, ratio: int = 4) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim, eps=1e-6), nn.LayerNorm(dim, eps=1e-6)
        self.attn, self.mlp = Attention(dim, heads), Mlp(dim, ratio)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))
