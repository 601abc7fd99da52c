"""Nets with a leading cell axis: multi-layer perceptrons of a stack, convolutions of a lone cell.

An encoder's trunk maps data [batch or cells × batch, data] to features [cells, batch, hidden]; a
decoder maps codes [cells, batch, width] to logits [cells, batch, data].
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.cells import LATENT, Stack
from bench.study import Net

__all__ = ["MLP", "ConvDecoder", "ConvEncoder", "Linear", "decoder", "encoder"]


class Linear(nn.Module):
    """x W + b, cell by cell. Padded outputs are zero; those of a fixed width are cut off."""

    def __init__(self, stack: Stack, name: str, fan_in: int, fan_out: int):
        super().__init__()
        self.weight = stack.glorot(f"{name}.weight", fan_in, fan_out)
        self.bias = stack.constant(fan_out)
        self.pad = self.weight.shape[1] - fan_in if fan_in != LATENT else 0
        self.fan_out = self.weight.shape[2] if fan_out == LATENT else fan_out

    def forward(self, x: Tensor) -> Tensor:
        if self.pad:
            x = F.pad(x, (0, self.pad))
        x = x.expand(len(self.weight), *x.shape[-2:])
        return torch.baddbmm(self.bias[:, None], x, self.weight)[..., : self.fan_out]


class MLP(nn.Module):
    """Linear layers with ReLU between them; `final` puts one behind the last as well."""

    def __init__(self, stack: Stack, name: str, widths: Sequence[int], final: bool = False):
        super().__init__()
        pairs = zip(widths[:-1], widths[1:], strict=True)
        self.layers = nn.ModuleList(
            Linear(stack, f"{name}.{i}", a, b) for i, (a, b) in enumerate(pairs)
        )
        self.final = final
        self.out = widths[-1]

    def forward(self, x: Tensor) -> Tensor:
        for i, layer in enumerate(self.layers):
            x = layer(x)
            if self.final or i < len(self.layers) - 1:
                x = F.relu(x)
        return x


class _Conv(nn.Module):
    """A strided 4×4 convolution, or its transpose, of a stack of one cell."""

    def __init__(
        self, stack: Stack, name: str, fan_in: int, fan_out: int, transposed: bool = False
    ):
        super().__init__()
        if len(stack) != 1:
            raise ValueError("convolutional nets are trained alone: a stack of one cell")
        draw = stack.noise.normal(f"{name}.weight", fan_in * fan_out, 16)
        # Each output of a strided 4×4 convolution sees 16 taps, of its transpose 4.
        scale = (2 / ((4 if transposed else 16) * fan_in)) ** 0.5
        shape = (fan_in, fan_out, 4, 4) if transposed else (fan_out, fan_in, 4, 4)
        self.weight = nn.Parameter(scale * draw.reshape(1, *shape))
        self.weight.shapes = (self.weight.shape[1:],)
        self.bias = nn.Parameter(torch.zeros(1, fan_out))
        self.bias.shapes = (self.bias.shape[1:],)
        self.convolve = F.conv_transpose2d if transposed else F.conv2d

    def forward(self, x: Tensor) -> Tensor:
        return self.convolve(x, self.weight[0], self.bias[0], stride=2, padding=1)


class ConvEncoder(nn.Module):
    """Two strided convolutions (32 and 64 channels, ReLU): images to features."""

    def __init__(self, stack: Stack, shape: Sequence[int]):
        super().__init__()
        self.shape = tuple(shape)
        channels, height, width = self.shape
        if height % 4 or width % 4:
            raise ValueError(f"the conv net takes images with sides divisible by 4, not {shape}")
        self.first = _Conv(stack, "encoder.first", channels, 32)
        self.second = _Conv(stack, "encoder.second", 32, 64)
        self.out = 64 * (height // 4) * (width // 4)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.first(x.reshape(-1, *self.shape)))
        return F.relu(self.second(x)).flatten(1)[None]


class ConvDecoder(nn.Module):
    """The encoder's mirror: codes to image logits."""

    def __init__(self, stack: Stack, shape: Sequence[int]):
        super().__init__()
        channels, height, width = shape
        self.grid = (64, height // 4, width // 4)
        self.dense = Linear(stack, "decoder.dense", LATENT, math.prod(self.grid))
        self.first = _Conv(stack, "decoder.first", 64, 32, transposed=True)
        self.second = _Conv(stack, "decoder.second", 32, channels, transposed=True)

    def forward(self, z: Tensor) -> Tensor:
        x = F.relu(self.dense(z))[0].reshape(-1, *self.grid)
        return self.second(F.relu(self.first(x))).flatten(1)[None]


def encoder(net: Net, stack: Stack, shape: Sequence[int]) -> nn.Module:
    """The encoder's trunk that a study's `net` describes; `out` is the width of its features."""
    if net.kind == "conv":
        return ConvEncoder(stack, shape)
    return MLP(stack, "encoder", [math.prod(shape), *net.hidden], final=True)


def decoder(net: Net, stack: Stack, shape: Sequence[int]) -> nn.Module:
    """The decoder that a study's `net` describes."""
    if net.kind == "conv":
        return ConvDecoder(stack, shape)
    return MLP(stack, "decoder", [LATENT, *reversed(net.hidden), math.prod(shape)])
