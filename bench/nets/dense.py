"""Dense layers and multi-layer perceptrons of a stack of cells."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.cells import LATENT, Stack

__all__ = ["MLP", "Linear"]


class Linear(nn.Module):
    """x W + b, cell by cell. Padded outputs are zero; those of a fixed width are cut off.

    Weights start from N(0, deviation²), by default Glorot's; biases, if any, from zero.
    """

    def __init__(
        self,
        stack: Stack,
        name: str,
        fan_in: int,
        fan_out: int,
        bias: bool = True,
        deviation: float | None = None,
    ):
        super().__init__()
        self.weight = stack.weights(f"{name}.weight", fan_in, fan_out, deviation)
        self.bias = stack.zeros(fan_out) if bias else None
        self.pad = self.weight.shape[1] - fan_in if fan_in != LATENT else 0
        self.fan_out = self.weight.shape[2] if fan_out == LATENT else fan_out

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight
        if self.pad:
            x = F.pad(x, (0, self.pad))
        x = x.expand(len(weight), *x.shape[-2:])
        if self.bias is None:
            out = torch.bmm(x, weight)
        else:
            out = torch.baddbmm(self.bias[:, None], x, weight)
        return out if out.shape[-1] == self.fan_out else out[..., : self.fan_out]


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

    def head(self, stack: Stack, name: str) -> nn.Module:
        """The layer from these features to codes."""
        return Linear(stack, name, self.out, LATENT)
