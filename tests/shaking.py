"""Models away from their start, for the tests of systems."""

import torch

__all__ = ["shaken"]


def shaken(model, seed=5):
    """The model with its parameters moved at random, so that none is at a special place."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            for cell, shape in zip(parameter, parameter.shapes, strict=True):
                corner = cell[tuple(slice(size) for size in shape)]
                corner += 0.2 * torch.randn(shape, generator=generator)
    return model
