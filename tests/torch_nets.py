"""Small networks in torch, as people write them: what PyTorch files and modules are judged with."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn


def _conv(inputs: int, outputs: int, size: int = 3, stride: int = 1, groups: int = 1) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    )


class DsCnn(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(1, 8, (10, 4), 2, (5, 1)), nn.BatchNorm2d(8))
        self.depthwise = nn.ModuleList(_conv(8, 8, groups=8) for _ in range(2))
        self.pointwise = nn.ModuleList(_conv(8, 8, size=1) for _ in range(2))
        self.head = nn.Linear(8, 12)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.first(x))
        for depthwise, pointwise in zip(self.depthwise, self.pointwise, strict=True):
            x = torch.relu(pointwise(torch.relu(depthwise(x))))
        x = nn.functional.adaptive_avg_pool2d(x, 1).flatten(1)
        return self.head(nn.functional.dropout(x, 0.2, self.training)).softmax(-1)


class Residual(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.a, self.b = _conv(inputs, outputs, 3, stride), _conv(outputs, outputs)
        self.skip = _conv(inputs, outputs, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.b(torch.relu(self.a(x))) + self.skip(x))


class ResNet8(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(
            _conv(3, 4), nn.ReLU(), Residual(4, 4, 1), Residual(4, 8, 2), Residual(8, 12, 2),
            nn.AvgPool2d(4), nn.Flatten(), nn.Linear(12, 10),
        )  # fmt: skip


class Inverted(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        wide = inputs * 4
        self.body = nn.Sequential(
            _conv(inputs, wide, 1), nn.ReLU6(), _conv(wide, wide, 3, stride, wide), nn.ReLU6(),
            _conv(wide, outputs, 1),
        )  # fmt: skip
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.body(x) if self.residual else self.body(x)


class MobileNetV2(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            _conv(3, 4, 3, 2), nn.ReLU6(), Inverted(4, 6, 1), Inverted(6, 6, 1), Inverted(6, 8, 2),
            Inverted(8, 8, 1), _conv(8, 16, 1), nn.ReLU6(),
        )  # fmt: skip
        self.classifier = nn.Linear(16, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.features(x).mean([2, 3]))


class Conv1d(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(
            nn.Conv1d(3, 8, 5, 2, 2), nn.BatchNorm1d(8), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(8, 8, 3, padding=1, groups=8), nn.ReLU(), nn.AdaptiveAvgPool1d(1),
            nn.Flatten(), nn.Linear(8, 4),
        )  # fmt: skip


class Recurrent(nn.Module):
    def __init__(self, kind: type[nn.RNNBase]) -> None:
        super().__init__()
        self.cells = kind(6, 10, batch_first=True)
        self.head = nn.Linear(10, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.cells(x)[0][:, -1])


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(6, 16)
        self.layer = nn.TransformerEncoderLayer(16, 2, 24, batch_first=True)
        self.head = nn.Linear(16, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.layer(self.embed(x)).mean(1))


NETS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "ds_cnn": (DsCnn, (1, 49, 10)),
    "resnet8": (ResNet8, (3, 16, 16)),
    "mobilenet_v2": (MobileNetV2, (3, 24, 24)),
    "conv_1d": (Conv1d, (3, 64)),
    "gru": (lambda: Recurrent(nn.GRU), (9, 6)),
    "lstm": (lambda: Recurrent(nn.LSTM), (9, 6)),
    "encoder": (Encoder, (9, 6)),
}


def made(name: str) -> nn.Module:
    """A network with seeded weights and statistics, in evaluation mode."""
    torch.manual_seed(3)
    network = NETS[name][0]()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.5, 0.5)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return network.eval()


def example(name: str, batch: int = 2) -> torch.Tensor:
    """Samples for a network."""
    return torch.randn((batch, *NETS[name][1]), generator=torch.Generator().manual_seed(5))
