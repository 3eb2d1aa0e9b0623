"""BC-ResNet: broadcasted residual learning for keyword spotting (Kim et al., Interspeech 2021, arXiv:2106.04140), here
for scenes, where its descendants won DCASE 2021 Task 1.

    benchbed run suites/dcase_task1.yaml --model adapters/bc_resnet.py
    benchbed profile --model adapters/bc_resnet.py --set tau=8 --set weights=random

Each block filters the spectrogram along frequency, averages over frequency, filters what is left along time and
broadcasts that back over all bands; batch normalisation is by sub-band. `tau` scales all widths: 1, 1.5, 2, 3, 6, 8 in
the paper. Layers have the names of Qualcomm-AI-research/bcresnet, so that its state dicts load.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from benchbed.adapter import Card
from benchbed.adapter.front import NamedFrontEnd
from benchbed.adapter.trained import TrainedAdapter, Weights
from benchbed.errors import ConfigError

EMBEDDED = Path(__file__).parent / "weights" / "bc_resnet.safetensors"
RATE, BANDS, SUB_BANDS = 16000, 40, 5
FRONT = NamedFrontEnd(
    "log_mel",
    {
        "sample_rate": RATE,
        "n_mels": BANDS,
        "n_fft": 512,
        "win_length": 480,
        "hop_length": 160,
        "mel_scale": "htk",
        "offset": 1e-6,
    },
)
#: Blocks of each stage, and whether its first block halves the bands.
STAGES = ((2, False), (2, True), (4, True), (4, False))


class SubSpectralNorm(nn.Module):
    """Batch normalisation of each of five groups of neighbouring bands by itself (Chang et al., ICASSP 2021)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.ssnorm = nn.BatchNorm2d(channels * SUB_BANDS)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        grouped = x.reshape(x.shape[0], x.shape[1] * SUB_BANDS, x.shape[2] // SUB_BANDS, x.shape[3])
        return self.ssnorm(grouped).reshape(x.shape)


class Layer(nn.Module):
    """A convolution without bias, its normalisation and its activation, in the order of the published state dicts."""

    def __init__(self, convolution: nn.Conv2d, norm: nn.Module, activation: nn.Module | None) -> None:
        super().__init__()
        self.block = nn.Sequential(convolution, norm, *([activation] if activation else []))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.block(x)


class BroadcastBlock(nn.Module):
    """Filter along frequency, mean over frequency, filter along time with dilation, broadcast back."""

    def __init__(self, before: int, after: int, dilation: int, stride: int) -> None:
        super().__init__()
        self.transition = before != after
        along_bands: list[nn.Module] = []
        if self.transition:
            along_bands.append(Layer(nn.Conv2d(before, after, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()))
        depthwise = nn.Conv2d(after, after, (3, 1), (stride, 1), (1, 0), groups=after, bias=False)
        along_bands.append(Layer(depthwise, SubSpectralNorm(after), None))
        self.f2 = nn.Sequential(*along_bands)
        in_time = nn.Conv2d(after, after, (1, 3), 1, (0, dilation), (1, dilation), groups=after, bias=False)
        self.f1 = nn.Sequential(
            Layer(in_time, nn.BatchNorm2d(after), nn.SiLU()), nn.Conv2d(after, after, 1, bias=False), nn.Dropout2d(0.1)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        plane = self.f2(x)
        y = plane + self.f1(plane.mean(2, keepdim=True))
        return torch.relu(y if self.transition else y + x)


class BcResNet(nn.Module):
    """The network: log-mel [clip, 1, 40, frame] to logits [clip, class]."""

    def __init__(self, classes: int, tau: float = 1.0) -> None:
        super().__init__()
        base = int(8 * tau)
        widths = [2 * base, base, int(1.5 * base), 2 * base, int(2.5 * base)]
        self.cnn_head = nn.Sequential(
            nn.Conv2d(1, widths[0], 5, (2, 1), 2, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()
        )
        self.BCBlocks = nn.ModuleList()
        for i, (count, halves) in enumerate(STAGES):
            first = BroadcastBlock(widths[i], widths[i + 1], 2**i, 2 if halves else 1)
            rest = [BroadcastBlock(widths[i + 1], widths[i + 1], 2**i, 1) for _ in range(count - 1)]
            self.BCBlocks.append(nn.ModuleList([first, *rest]))
        last = widths[-1]
        self.classifier = nn.Sequential(
            nn.Conv2d(last, last, 5, padding=(0, 2), groups=last, bias=False),
            nn.Conv2d(last, 4 * base, 1, bias=False),
            nn.BatchNorm2d(4 * base),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(4 * base, classes, 1),
        )

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = self.cnn_head(image)
        for stage in self.BCBlocks:
            for block in stage:
                x = block(x)
        return self.classifier(x).flatten(1)


class Network(nn.Module):
    """Front end and network: waveforms at 16 kHz to logits."""

    def __init__(self, classes: int, tau: float) -> None:
        super().__init__()
        self.features = FRONT.build()
        self.net = BcResNet(classes, tau)

    def classify(self, mel: torch.Tensor) -> torch.Tensor:
        return self.net(mel[:, None])

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        return self.classify(self.features(waveforms))


class BcResNetAdapter(TrainedAdapter):
    """BC-ResNet as a benchbed model.

    Parameters
    ----------
    tau : float
        Width of random weights; trained ones bring theirs.
    checkpoint : Path, optional
        Safetensors of `training/train.py`, or a published state dict with `labels`; the embedded weights by default.
    labels : str, optional
        Classes of a published state dict, in its order.
    weights : str
        `random` for costs alone.
    classes : int, optional
        Number of classes of random weights.
    """

    def __init__(
        self,
        tau: float = 2.0,
        checkpoint: Path | None = None,
        labels: str = "",
        weights: Weights = "trained",
        classes: int | None = None,
    ) -> None:
        if tau < 0.25:
            raise ConfigError(f"tau={tau:g} leaves no channels", hint="1, 1.5, 2, 3, 6 and 8 are the paper's")
        if checkpoint is None and weights == "trained":
            checkpoint = EMBEDDED
        words = self.settle(checkpoint, weights, classes=classes, labels=labels, options={"tau": tau}, seconds=1.0)
        self.card = Card(
            name=f"bc_resnet_{self.options.get('tau', tau):g}",
            family="cnn",
            output="scene",
            sample_rate=RATE,
            front_end=FRONT.text,
            min_seconds=0.1,
            licence="BSD-3-Clause-Clear",
            citation="B. Kim, S. Chang, J. Lee, D. Sung: Broadcasted Residual Learning. Interspeech 2021",
            description="broadcasted residual network over 40 mel bands",
            **{"weight_bits": 16, **words},
        )

    @classmethod
    def training_model(cls, labels: tuple[str, ...], *, tau: float = 2.0) -> nn.Module:
        """A fresh network for `training/train.py` with `--rate 16000`."""
        return Network(len(labels), tau)
