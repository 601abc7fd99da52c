"""A recorded turn, run again."""

from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import NamedTuple

import torch
from torch import Tensor
from torch.fx import GraphModule

from bench import shorter
from bench.ahead import STEPS, Ahead
from bench.descent import Descent
from bench.noise import Noise
from bench.systems.base import Step

__all__ = ["Draw", "Repeated"]


class Draw(NamedTuple):
    """A draw that a loss asked for: at which other place than its turn's, how, and what it was."""

    axes: dict[str, int | str]
    method: str
    arguments: tuple
    value: Tensor

    def anew(self, noise: Noise) -> Tensor:
        """The same of another turn's noise."""
        return getattr(noise.at(**self.axes), self.method)(*self.arguments)


class Repeated:
    """A recording's operations, run with new draws, and the update."""

    def __init__(
        self,
        graph: GraphModule,
        draws: Iterable[Draw],
        quantities: Sequence[str],
        descent: Descent,
    ):
        places = shorter.tensors(graph).items()
        self._draws = [(name, it) for it in draws for name, own in places if own is it.value]
        self._updated = shorter.shorten(graph, descent, {name for name, _ in self._draws})
        # As a module's attributes they would be looked up at length.
        self._tensors = SimpleNamespace(**shorter.tensors(graph))
        self._operations = type(graph).forward
        self._drawn = Ahead(self._draw)
        self._quantities, self._descent = quantities, descent

    @torch.inference_mode()
    def __call__(self, batch: Tensor, step: Step) -> tuple[Tensor, Tensor]:
        noise = step.noise
        vars(self._tensors).update(self._drawn(noise.axes["step"], noise.axes["turn"], noise))
        if self._updated:
            self._descent.count()
        loss, total, *rest = self._operations(self._tensors, batch)
        values = len(self._descent.parameters)
        if not self._updated:
            self._descent.step(rest[:values])
        for noted in zip(self._quantities, rest[values:], strict=True):
            step.note(*noted, kept=True)
        return loss, total

    def _draw(self, index: int, turn: int, noise: Noise) -> list[dict[str, Tensor]]:
        """What this turn draws in this step and the next ones, by the names of the recording."""
        places = (noise.at(step=step) for step in range(index, index + STEPS))
        return [{name: draw.anew(it) for name, draw in self._draws} for it in places]
