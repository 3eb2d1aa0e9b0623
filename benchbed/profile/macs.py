"""Multiply-accumulates of one inference, counted from the operations that run.

torch's own counter misses two fused CPU operations (scaled dot-product attention and LSTM count zero in torch 2.13);
their formulas are supplied here. One MAC is two FLOPs of torch's counter. Fourier transforms and sparse filter banks
are no multiply-accumulates of the network and count zero: the front end's cost is not part of this figure, as in the
DCASE rule.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from benchbed.adapter.torch_adapter import TorchAdapter


def count_macs(adapter: TorchAdapter, seconds: float) -> int:
    """MACs of the network for one clip.

    Parameters
    ----------
    adapter : TorchAdapter
        Loaded model.
    seconds : float
        Length of the clip in seconds.

    Returns
    -------
    int
        Multiply-accumulates at batch size one.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    card = adapter.card
    # Noise instead of silence: a front end may take shortcuts on zeros.
    samples = math.ceil(seconds * card.sample_rate)
    generator = torch.Generator().manual_seed(0)
    waveforms = torch.randn(1, card.channels, samples, generator=generator).mul_(0.1).to(adapter.device)
    counter = FlopCounterMode(display=False, custom_mapping=_fused_formulas())
    # The fused encoder layer would hide every product inside it from the counter.
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad(), counter:
            adapter.forward(waveforms)
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
    return counter.get_total_flops() // 2


def _fused_formulas() -> dict[Any, Any]:
    import torch
    from torch.utils.flop_counter import sdpa_flop_count

    def attention(query: Any, key: Any, value: Any, *args: Any, **kwargs: Any) -> int:
        return sdpa_flop_count(query, key, value)

    def lstm(shape: Any, w_input: Any, w_hidden: Any, *args: Any, **kwargs: Any) -> int:
        # One direction of one layer: every step multiplies the input and the hidden state by four gates' weights.
        steps, batch = shape[0], shape[1]
        return 2 * steps * batch * (math.prod(w_input) + math.prod(w_hidden))

    aten = torch.ops.aten
    return {
        aten._scaled_dot_product_flash_attention_for_cpu: attention,
        aten.mkldnn_rnn_layer: lstm,
    }
