"""What one operation of torch costs in multiply-accumulates.

torch's own table knows convolutions, matrix products and attention on CUDA. It does not know the fused operations of
the CPU (attention, LSTM), the recurrent operations of cuDNN, products with a vector, or quantised layers; in torch 2.13
a network full of these counts close to zero. Their formulas stand here. One multiply-accumulate (MAC) is two
floating-point operations (FLOPs): a multiplication and an addition. Biases, normalisations and activations are no
multiply-accumulates and count zero, as in torch's table.
"""

from __future__ import annotations

import math
import re
from typing import Any

#: Operations with one of these words in their name are expected to have a formula; without one they are listed.
_HEAVY = re.compile(
    r"conv|mm|linear|lstm|gru|rnn|attention|matmul|bilinear|transformer|qlinear|fft|dot|_mv$|^mv$|cdist"
)
#: Carry such a word and compute nothing, or nothing that is a multiply-accumulate.
_FREE = re.compile(
    r"fft_?(shift|freq)|upsample|interpolat|prepack|pack_weight|unpack|_conj$|dropout|layer_norm|group_norm|comm|linear_?space|linspace"
    r"|_convert|convert_|conv_tbc_backward"
)


def macs_of(func: Any, args: tuple, kwargs: dict, out: Any) -> float | None:
    """Multiply-accumulates of one call of an operation, or None where no formula is known.

    Parameters
    ----------
    func : torch._ops.OpOverload
        The operation, as a dispatch mode sees it.
    args, kwargs, out
        What it was called with and what it returned.

    Examples
    --------
    >>> import torch
    >>> a, b = torch.zeros(2, 3), torch.zeros(3, 5)
    >>> macs_of(torch.ops.aten.mm.default, (a, b), {}, a @ b)
    30.0
    """
    from torch.utils.flop_counter import flop_registry

    packet = getattr(func, "_overloadpacket", func)
    own = _OWN.get(str(packet))
    if own is not None:
        return float(own(args, kwargs, out))
    formula = flop_registry.get(packet)
    return None if formula is None else formula(*args, **kwargs, out_val=out) / 2


def transform_of(func: Any, args: tuple, out: Any) -> tuple[int, int] | None:
    """Length and number of the Fourier transforms of one call, or None if it is none.

    Examples
    --------
    >>> import torch
    >>> x = torch.zeros(4, 512)
    >>> transform_of(torch.ops.aten._fft_r2c.default, (x, [1], 0, True), torch.fft.rfft(x))
    (512, 4)
    """
    name = str(getattr(func, "_overloadpacket", func))
    if not name.startswith("aten._fft_"):
        return None
    # Of a complex-to-real transform the output has the full length, of the others the input.
    whole = out if name == "aten._fft_c2r" else args[0]
    length = math.prod(whole.shape[axis] for axis in args[1])
    return length, whole.numel() // max(length, 1)


def expected(func: Any) -> bool:
    """Whether an operation without a formula should have had one, judged by its name.

    Examples
    --------
    >>> import torch
    >>> expected(torch.ops.aten._cdist_forward.default), expected(torch.ops.aten.relu.default)
    (True, False)
    """
    name = str(getattr(func, "_overloadpacket", func)).split(".")[-1]
    return bool(_HEAVY.search(name)) and not _FREE.search(name)


def _attention(args: tuple, kwargs: dict, out: Any) -> int:
    # Two products per head: queries with keys, and weights with values. A mask saves nothing in the dense definition.
    query, key, value = args[:3]
    *batch, queries, width = query.shape
    # Grouped keys are shared by several heads; each head multiplies them all the same.
    return math.prod(batch) * queries * key.shape[-2] * (width + value.shape[-1])


def _lstm(args: tuple, kwargs: dict, out: Any) -> int:
    # One direction of one layer: every step multiplies input and hidden state by the weights of four gates.
    steps, batch = args[0].shape[0], args[0].shape[1]
    return steps * batch * (args[1].numel() + args[2].numel())


def _cudnn_rnn(args: tuple, kwargs: dict, out: Any) -> int:
    # Weights come as a flat list; its matrices act once in every step. The sequence may be time-major or batch-major.
    steps = args[0].shape[0] * args[0].shape[1] if args[0].dim() == 3 else args[0].shape[0]
    return steps * sum(weight.numel() for weight in args[1] if weight.dim() == 2)


def _matrix_vector(args: tuple, kwargs: dict, out: Any) -> int:
    return args[0].numel()


def _added_matrix_vector(args: tuple, kwargs: dict, out: Any) -> int:
    return args[1].numel()


def _sparse_product(args: tuple, kwargs: dict, out: Any) -> int:
    sparse, dense = (args[0], args[1]) if args[0].layout is not _strided() else (args[1], args[0])
    if sparse.layout is _strided():
        return 0
    columns = dense.shape[-1] if sparse is args[0] else dense.shape[-2]
    return sparse._nnz() * columns


def _strided() -> Any:
    import torch

    return torch.strided


def _product(args: tuple, kwargs: dict, out: Any) -> float:
    # The same operation serves dense and sparse matrices; only non-zero weights of a sparse one are multiplied.
    first, second = args[0], args[1]
    if first.layout is not _strided() or second.layout is not _strided():
        return _sparse_product(args, kwargs, out)
    return first.shape[0] * first.shape[1] * second.shape[1]


def _added_product(args: tuple, kwargs: dict, out: Any) -> float:
    return _product(args[1:3], kwargs, out)


def _quantised_linear(args: tuple, kwargs: dict, out: Any) -> int:
    # The weights are packed and opaque; shapes of what goes in and out are not.
    return args[0].shape[-1] * out.numel()


def _trilinear(args: tuple, kwargs: dict, out: Any) -> int:
    # A bilinear layer: the first input with a matrix per output, then with the second input.
    return args[0].shape[0] * args[1].numel() + out.numel() * args[2].shape[-1]


def _distance(args: tuple, kwargs: dict, out: Any) -> int:
    return out.numel() * args[0].shape[-1]


_OWN = {
    "aten.mm": _product,
    "aten.addmm": _added_product,
    "aten._sparse_mm": _product,
    "aten._sparse_addmm": _added_product,
    "aten.mv": _matrix_vector,
    "aten.addmv": _added_matrix_vector,
    "aten.dot": _matrix_vector,
    "aten._scaled_dot_product_flash_attention_for_cpu": _attention,
    "aten._scaled_dot_product_flash_attention": _attention,
    "aten._scaled_dot_product_efficient_attention": _attention,
    "aten._scaled_dot_product_cudnn_attention": _attention,
    "aten._scaled_dot_product_fused_attention_overrideable": _attention,
    "aten.mkldnn_rnn_layer": _lstm,
    "aten._cudnn_rnn": _cudnn_rnn,
    "aten._trilinear": _trilinear,
    "aten._cdist_forward": _distance,
    "aten._euclidean_dist": _distance,
    "quantized.linear_dynamic": _quantised_linear,
    "quantized.linear": _quantised_linear,
    "quantized.linear_relu_dynamic": _quantised_linear,
    "quantized.linear_relu": _quantised_linear,
    "mkldnn._linear_pointwise": _quantised_linear,
    "aten.mkldnn_linear": _quantised_linear,
}
