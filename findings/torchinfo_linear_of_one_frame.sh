#!/usr/bin/env bash
# torchinfo 1.8.0 (torch 2.13.0, numpy 2.2.6)
# Guess:     `summary(...).total_mult_adds` counts a linear layer once for every frame that it is applied to, as it
#            counts the convolution of width 1 that does the same arithmetic.
# Behaviour: a linear layer counts its parameters once for each example, however many frames it has; attention counts 0.
# Seen:      64 to 256 features over 100 frames: convolution 1,664,000, linear 16,640, with the same outputs; an encoder
#            of 4 layers (192 wide, 4 times that within, 100 frames): 1,186,560 where its matrices alone take
#            192,307,200
# Matters:   DCASE Task 1 limits a system to 30 million multiply-accumulates, counted by NeSsi, whose figure for PyTorch
#            is this one: a transformer passes at less than a hundredth of what it costs, and beside a CNN, which is
#            counted in full, it leads every plot of accuracy against cost.
# Source:    https://github.com/TylerYep/torchinfo (layer_info.py, `calculate_macs`; issue 77, mended by pull request
#            318 after the last release); https://github.com/AlbertoAncilotto/NeSsi
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.2.6 torchinfo==1.8.0
"$folder/venv/bin/python" -W ignore - <<'P'
import torch
from torch import nn
from torchinfo import summary

FRAMES, WIDE, LAYERS = 100, 192, 4


def counted(layer: nn.Module, *shape: int) -> int:
    return int(summary(nn.Sequential(layer), input_size=shape, verbose=0).total_mult_adds)


linear, convolution = nn.Linear(64, 256), nn.Conv1d(64, 256, 1)
with torch.no_grad():
    convolution.weight.copy_(linear.weight[:, :, None])
    convolution.bias.copy_(linear.bias)
    frames = torch.randn(1, FRAMES, 64)
    same = torch.allclose(linear(frames), convolution(frames.mT).mT, atol=1e-5)
assert same, "the example is wrong: the layers do not do the same"
pair = counted(convolution, 1, 64, FRAMES), counted(linear, 1, FRAMES, 64)
print("the same arithmetic as convolution and as linear layer:", *pair)
layer = nn.TransformerEncoderLayer(WIDE, 4, 4 * WIDE, batch_first=True)
encoder = counted(nn.TransformerEncoder(layer, LAYERS), 1, FRAMES, WIDE)
# Queries, keys, values and what leaves attention; two layers of four times the width; two products of frames by frames.
matrices = LAYERS * (FRAMES * (4 + 8) * WIDE**2 + 2 * FRAMES**2 * WIDE)
print("an encoder:", encoder, "where its matrices take", matrices)
assert pair[0] == FRAMES * (64 * 256 + 256), "the example is wrong: the convolution is counted otherwise"
assert pair[1] == 64 * 256 + 256, "linear layers are counted by frame now"
assert encoder < matrices / 100, "the encoder is counted now"
P
