"""Named random tensors: a draw depends on its purpose and its step, never on what came before.

So a run resumed at step k draws what a run from the start draws there, and systems that ask for the
same name (`prior`) at the same step see common random numbers. All draws are made on the CPU and
then placed: they are the same on every device.
"""

import torch
from torch import Tensor

from bench import seeds
from bench.device import place

__all__ = ["Noise"]


class Noise:
    """A source of random tensors for one place in a run, given by a seed and named axes."""

    def __init__(self, seed: int, **axes: int | str):
        self.seed, self.axes = seed, axes

    def at(self, **axes: int | str) -> "Noise":
        """The same source at another place: with axes added or changed."""
        return Noise(self.seed, **self.axes | axes)

    def generator(self, name: str) -> torch.Generator:
        """A fresh generator for the draw called `name`."""
        return torch.Generator().manual_seed(seeds.derive(self.seed, name=name, **self.axes))

    def normal(self, name: str, count: int, width: int) -> Tensor:
        """Standard normal draws [count, width]; a wider draw begins with a narrower one's columns.

        `width` is a multiple of 16: only then do torch's normal draws begin longer ones.
        """
        if width % 16:
            raise ValueError(f"the width of a draw is a multiple of 16, not {width}")
        return place(torch.randn(width, count, generator=self.generator(name)).T.contiguous())

    def uniform(self, name: str, count: int) -> Tensor:
        """Draws [count, 1] from U(0, 1)."""
        return place(torch.rand(count, 1, generator=self.generator(name)))

    def permutation(self, name: str, count: int) -> Tensor:
        """A random order of `count` things."""
        return place(torch.randperm(count, generator=self.generator(name)))
