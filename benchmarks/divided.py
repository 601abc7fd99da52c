"""A system's stack of cells on synthetic-8, divided among processes as `bench train` divides it."""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor

import torch

from bench import divided
from benchmarks.stacks import CURVE, Trained

__all__ = ["Divided"]


class Divided(Trained):
    """A stack as `Trained`'s, trained in as many processes of one thread as torch has threads here,
    or as it has cells."""

    def __init__(self, system: str, dims: Sequence[int] = CURVE, *given, **named):
        super().__init__(system, dims, *given, **named)
        parts = divided.divide(dims, torch.get_num_threads())
        # One executor for each, so that a process keeps its part between two calls.
        self._processes = [
            ProcessPoolExecutor(1, initializer=_begin, initargs=((system, it, *given), named))
            for it in parts
            if len(parts) > 1
        ]
        if self._processes:
            self.share = max(self._each(_share))

    def train(self, steps):
        if self._processes:
            self._each(_train, steps)
        else:
            super().train(steps)

    def go_on(self, steps):
        if self._processes:
            self._each(_go_on, steps)
        else:
            super().go_on(steps)

    def _each(self, function: Callable, *given: int) -> list:
        """What a function returns in each process, called in all of them at once."""
        jobs = [process.submit(function, *given) for process in self._processes]
        return [job.result() for job in jobs]


_part: list[Trained] = []
"""Of the process that this is: one."""


def _begin(given: tuple, named: dict) -> None:
    divided.worker()
    _part.append(Trained(*given, **named))


def _share() -> float:
    return _part[0].share


def _train(steps: int) -> None:
    _part[0].train(steps)


def _go_on(steps: int) -> None:
    _part[0].go_on(steps)
