"""Encoders' heads: a point or a Gaussian in latent space for each datum."""

from torch import Tensor, nn

from bench.cells import Stack

__all__ = ["GaussianEncoder", "PointEncoder"]


class PointEncoder(nn.Module):
    """x to one code [cells, batch, width]."""

    def __init__(self, stack: Stack, trunk: nn.Module):
        super().__init__()
        self.trunk = trunk
        self.mean = trunk.head(stack, "encoder.mean")

    def forward(self, x: Tensor) -> Tensor:
        return self.mean(self.trunk(x))


class GaussianEncoder(PointEncoder):
    """x to the mean and log-variance of q(z | x), each [cells, batch, width]."""

    def __init__(self, stack: Stack, trunk: nn.Module):
        super().__init__(stack, trunk)
        self.log_variance = trunk.head(stack, "encoder.log_variance")

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.trunk(x)
        return self.mean(features), self.log_variance(features)
