"""MaskAAE's soft mask over latent coordinates.

Source: Mondal, Chowdhury, Jayendran, Singla, Asnani and Prathosh, MaskAAE: Latent space
optimization for adversarial auto-encoders, 2020.
"""

import torch
from torch import Tensor, nn

from bench.cells import LATENT, Stack

__all__ = ["Mask", "polarisation"]


class Mask(nn.Module):
    """μ = 1 − exp(−w), w ≥ 0, w ~ U(0, 5) at the start: values [cells, 1, width] in [0, 1)."""

    def __init__(self, stack: Stack):
        super().__init__()
        generator = stack.noise.generator("mask")
        draw = 5 * torch.rand(stack.width, generator=generator)
        self.raw = stack.parameter([draw[:dim] for dim in stack.dims], LATENT)

    def forward(self) -> Tensor:
        return -torch.expm1(-self.raw)[:, None]

    @torch.no_grad()
    def project(self) -> None:
        """Put w back into w ≥ 0, the nearest point, after a gradient step."""
        self.raw.clamp_(min=0)


def polarisation(mask: Tensor) -> Tensor:
    """Σ_i |μ_i (1 − μ_i)| [cells]: zero where every value is 0 or 1 (eq. 10, third term)."""
    return (mask * (1 - mask)).abs().sum((-2, -1))
