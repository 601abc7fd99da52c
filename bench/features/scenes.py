"""Coloured scenes: one digit or piece of clothing on a ground, both with gradients of colour.

They stand in for photographs where none may be had: what is shown has a name, its place, size and
tilt vary, and so does all colour.
"""

import math

import torch
from torch.nn import functional as F

__all__ = ["SIDE", "compose"]

SIDE = 32


def compose(glyphs: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Scenes [N, 3, 32, 32] in [0, 1] of grey images [N, 1, H, W] in [0, 1], whose values say how
    much of the object's colour is seen, and the rest of the ground's.

    The object's height and width are 0.75 to 1.05 of the scene's, it is turned by up to 0.2 radians
    and moved by up to 0.1 of the scene along each axis. It is lighter than the ground or darker.
    """
    count = len(glyphs)
    size = _uniform(0.75, 1.05, generator, count, 1, 1)
    angle = _uniform(-0.2, 0.2, generator, count)
    place = _uniform(-0.2, 0.2, generator, count, 2, 1)
    turn = torch.stack([angle.cos(), angle.sin(), -angle.sin(), angle.cos()], dim=1)
    turn = turn.view(count, 2, 2) / size
    affine = torch.cat([turn, -turn @ place], dim=2)
    grid = F.affine_grid(affine, [count, 1, SIDE, SIDE], align_corners=False)
    mask = F.grid_sample(glyphs, grid, align_corners=False)
    # A quarter of the range apart at least, or some objects would not be seen at all.
    apart = _uniform(0.25, 0.75, generator, 2, count, 3, 1, 1)
    dark = _uniform(0, 1, generator, *apart.shape) * (1 - apart)
    ground, paint = _gradient(dark, generator), _gradient(dark + apart, generator)
    swapped = _uniform(0, 1, generator, count, 1, 1, 1) < 0.5
    return torch.lerp(ground, paint, torch.where(swapped, 1 - mask, mask))


def _gradient(ends: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """From one of two colours [2, N, 3, 1, 1] to the other along a random direction, corner to
    corner: [N, 3, 32, 32]."""
    angle = _uniform(0, 2 * math.pi, generator, ends.shape[1], 1, 1, 1)
    axis = torch.linspace(-1, 1, SIDE)
    way = (angle.cos() * axis + angle.sin() * axis.view(-1, 1)) / 2**0.5
    return torch.lerp(ends[0], ends[1], (1 + way) / 2)


def _uniform(low: float, high: float, generator: torch.Generator, *shape: int) -> torch.Tensor:
    return low + (high - low) * torch.rand(shape, generator=generator)
