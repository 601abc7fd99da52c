"""Encoders' heads: a point, a Gaussian or a few of them for each datum; and a flow's step."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from zuko.transforms import AutoregressiveTransform, DependentTransform, MonotonicAffineTransform

from bench.cells import LATENT, Stack
from bench.noise import Noise

__all__ = ["AutoregressiveStep", "GaussianEncoder", "MixtureEncoder", "PointEncoder", "sample"]


class PointEncoder(nn.Module):
    """x to one code [cells, batch, width]."""

    def __init__(self, stack: Stack, trunk: nn.Module, name: str = "encoder"):
        super().__init__()
        self.trunk = trunk
        self.mean = trunk.head(stack, f"{name}.mean")

    def forward(self, x: Tensor) -> Tensor:
        return self.mean(self.trunk(x))


class GaussianEncoder(PointEncoder):
    """x to the mean and log-variance of q(z | x), each [cells, batch, width]."""

    def __init__(self, stack: Stack, trunk: nn.Module, name: str = "encoder"):
        super().__init__(stack, trunk, name)
        self.log_variance = trunk.head(stack, f"{name}.log_variance")

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.trunk(x)
        return self.mean(features), self.log_variance(features)


class MixtureEncoder(nn.Module):
    """x to the means and log-variances of `count` Gaussians, each [cells, batch, count, width]."""

    def __init__(self, stack: Stack, trunk: nn.Module, count: int):
        super().__init__()
        self.trunk = trunk
        self.mean, self.log_variance = (
            nn.ModuleList(trunk.head(stack, f"encoder.{name}.{i}") for i in range(count))
            for name in ("mean", "log_variance")
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.trunk(x)
        means, log_variances = (
            torch.stack([head(features) for head in heads], -2)
            for heads in (self.mean, self.log_variance)
        )
        return means, log_variances


def sample(
    mean: Tensor, log_variance: Tensor, exists: Tensor, noise: Noise, name: str = "posterior"
) -> Tensor:
    """A z [cells, batch, width] from each N(mean, diag exp(log_variance)), reparameterised.

    `exists` [cells, 1, width] is 1 where a coordinate exists and 0 where it is padding.
    """
    draw = noise.normal(name, *mean.shape[-2:])
    return mean + torch.exp(0.5 * log_variance) * draw * exists


class AutoregressiveStep(nn.Module):
    """One step of an inverse autoregressive flow: y_i = exp(a_i) x_i + b_i, where a_i and b_i
    depend on the x_j before i and on a context, all [cells, batch, width].

    The transformations are zuko's; what gives a and b is a masked net of one hidden layer that
    stands in a stack, since zuko's own are of one width and draw their weights from the global
    generator. A hidden unit of degree d sees the first d coordinates, d = 0 … dim − 1 in turn.

    Sources: Kingma et al., Improved Variational Inference with Inverse Autoregressive Flow, 2016,
    algorithm 1; the masks: Germain et al., MADE, 2015, eqs. 8 and 9.

    Arguments:
        hidden: the hidden layer's width.
        backward: whether the last coordinate comes first.
    """

    def __init__(self, stack: Stack, name: str, hidden: int, backward: bool):
        super().__init__()
        self.passes = max(stack.dims)
        self.entrance = stack.weights(f"{name}.entrance", LATENT, hidden)
        self.context = stack.weights(f"{name}.context", LATENT, hidden)
        self.bias = stack.zeros(hidden)
        # Small weights: a flow starts near the identity.
        self.shift = stack.weights(f"{name}.shift", hidden, LATENT, deviation=0.01)
        self.scale = stack.weights(f"{name}.scale", hidden, LATENT, deviation=0.01)
        self.shift_bias, self.scale_bias = stack.zeros(LATENT), stack.zeros(LATENT)
        sees, seen = [], []
        for dim in stack.dims:
            place, degree = torch.arange(1, dim + 1), torch.arange(hidden) % max(1, dim)
            place = place.flip(0) if backward else place
            sees.append((place[:, None] <= degree).float())
            seen.append((degree[:, None] < place).float())
        self.register_buffer("sees", stack.buffer(sees, LATENT, hidden), persistent=False)
        self.register_buffer("seen", stack.buffer(seen, hidden, LATENT), persistent=False)
        self.register_buffer("exists", stack.mask, persistent=False)

    def forward(self, context: Tensor) -> AutoregressiveTransform:
        """The transformation of x under a context [cells, batch, width]."""
        offset = torch.baddbmm(self.bias[:, None], context, self.context)

        def affine(x: Tensor) -> DependentTransform:
            hidden = F.relu(torch.baddbmm(offset, x, self.entrance * self.sees))
            shift = torch.baddbmm(self.shift_bias[:, None], hidden, self.shift * self.seen)
            scale = torch.baddbmm(self.scale_bias[:, None], hidden, self.scale * self.seen)
            # Padding has no part in the determinant, nor in its gradient.
            return DependentTransform(MonotonicAffineTransform(shift, scale * self.exists), 1)

        return AutoregressiveTransform(affine, self.passes)
