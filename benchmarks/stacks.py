"""A system's stack of cells on synthetic-8: built, its steps timed, one of them counted."""

import contextlib
import io
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import MappingProxyType

from bench import data, systems, training
from bench.cells import Stack
from bench.net import Net
from bench.systems.base import Autoencoder, Space
from benchmarks.counting import Work, count
from benchmarks.timing import seconds

__all__ = ["BATCH", "CURVE", "HIDDEN", "points", "step_timer", "trained", "work"]

CURVE, HIDDEN, BATCH = tuple(range(2, 33, 2)), 128, 64
"""The latent dimensions of the synthetic study's curve, the nets' width, and the batch."""

points = cache(lambda: data.load("synthetic-8"))
"""The data set, made once."""


def trained(
    system: str,
    dims: Sequence[int] = CURVE,
    width: int = HIDDEN,
    options: Mapping = MappingProxyType({}),
) -> tuple[Autoencoder, Callable[[int], None]]:
    """An untrained stack, with two hidden layers, and what trains it by so many steps."""
    cls, split = systems.load(system), points().rows("train")
    space = Space(tuple(points().shape), points().bounded(), points().labelled)
    model = cls(Stack(dims, 0), space, Net("mlp", (width, width)), cls.Options(**options))
    model.fit(split)
    order = training.Order(len(split), BATCH, 0)

    def train(steps: int) -> None:
        # The trainer tells of its progress by steps, of which these are too few.
        with contextlib.redirect_stderr(io.StringIO()):
            training.train(model, split, order, steps, 0, epoch=order.epoch)

    return model, train


def step_timer(train: Callable[[int], None], budget: float) -> Callable[[], float]:
    """What measures a step's seconds, by the mean of so many steps as take about `budget` seconds.

    Their number is even: a training of two stages then has as many of each.
    """
    train(2)
    steps = 2 * max(1, math.ceil(budget / seconds(lambda: train(2))))
    return lambda: seconds(lambda: train(steps)) / steps


def work(train: Callable[[int], None]) -> Work:
    """That of a step: of all players' turns with their updates, the mean over stages.

    Two trainings differ by two steps and share what is done once.
    """
    once = count(lambda: train(2))
    return count(lambda: train(4)).per(2, less=once)
