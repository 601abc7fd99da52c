"""A system's stack of cells on synthetic-8: built, its steps timed, one of them counted."""

import contextlib
import io
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import MappingProxyType

from torch import Tensor

from bench import ahead, data, recorded, systems, training
from bench.cells import Stack
from bench.history import History
from bench.net import Net
from bench.noise import Noise
from bench.systems.base import Space
from benchmarks.counting import Work, count
from benchmarks.timing import seconds

__all__ = ["BATCH", "CURVE", "HIDDEN", "Trained", "points"]

CURVE, HIDDEN, BATCH = tuple(range(2, 33, 2)), 128, 64
"""The latent dimensions of the synthetic study's curve, the nets' width, and the batch."""

_HALF = 10**6
"""Steps of half a long training."""

points = cache(lambda: data.load("synthetic-8"))
"""The data set, made once."""


class Trained:
    """A stack of perceptrons with two hidden layers, and what trains it.

    Attributes:
        model: the stack.
        cells: how many cells it has.
        share: of a step, the seconds of what is done once an epoch.
    """

    def __init__(
        self,
        system: str,
        dims: Sequence[int] = CURVE,
        width: int = HIDDEN,
        options: Mapping = MappingProxyType({}),
    ):
        cls, self._split = systems.load(system), points().rows("train")
        space = Space(tuple(points().shape), points().bounded(), points().labelled)
        net = Net("mlp", (width, width))
        self.model, self.cells = cls(Stack(dims, 0), space, net, cls.Options(**options)), len(dims)
        self.model.fit(self._split)
        self._order = training.Order(len(self._split), BATCH, 0)
        # What is done once an epoch is timed here, by itself: a few steps must not bear all of it.
        taken = seconds(lambda: self.model.begin_epoch(Noise(0, epoch=0)))
        self.share = taken / self._order.epoch
        self.model.begin_epoch = lambda noise: None
        self._trainer, self._taken = self._long(), 0

    def train(self, steps: int) -> None:
        """Train by a trainer's whole run of so many steps, whose beginning is part of it."""
        self._train(steps)

    def go_on(self, steps: int) -> None:
        """Take so many steps, an even number, of one long training: half of them in its first half
        and half in its second, as a training of two stages has one each."""
        for start in (0, _HALF):
            for taken in range(self._taken, self._taken + steps // 2):
                self._trainer.step(start + taken)
        self._taken += steps // 2

    def timer(self, budget: float) -> Callable[[], float]:
        """What measures a step's seconds, as the mean of so many steps as take about `budget`
        seconds; with its share of what is done once an epoch.

        It is a step of a long training, whose players' turns are recorded. The number of steps is
        even, so that there are as many of each half.
        """
        self.go_on(2 * recorded.AT)
        # So many, as the first of them makes what several take.
        few = 2 * ahead.STEPS
        taken = seconds(lambda: self.go_on(few)) / few
        steps = 2 * max(2, math.ceil(budget / taken / 2))
        return lambda: seconds(lambda: self.go_on(steps)) / steps + self.share

    def work(self) -> Work:
        """A step's: of all players' turns with their updates, the mean over stages.

        Two trainings differ by two steps and share what is done once.
        """
        once = count(lambda: self._train(2))
        return count(lambda: self._train(4)).per(2, less=once)

    def _train(self, steps: int) -> None:
        # It tells of its progress, of which there is too little here.
        with contextlib.redirect_stderr(io.StringIO()):
            training.train(self.model, self._split, self._order, steps, 0, epoch=self._order.epoch)

    def _long(self) -> training.Trainer:
        def rows(index: int, turn: int) -> Tensor:
            return self._order(index % _HALF, turn)

        steps, history = 2 * _HALF, History(self.model.exists.sum((-2, -1)).int().tolist())
        return training.Trainer(self.model, self._split, rows, steps, 0, steps, "constant", history)
