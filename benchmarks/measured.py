"""Steps of several stacks, timed in turns with the machine's ceilings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.ceilings import Ceilings, ceilings
from benchmarks.counting import Work
from benchmarks.stacks import Trained
from benchmarks.timing import Settings, in_turns

__all__ = ["Measured", "measure"]


@dataclass(frozen=True)
class Measured:
    """One stack: its number of cells, a step's work, and by round a step's seconds and the
    ceilings."""

    cells: int
    work: Work
    seconds: list[float]
    ceilings: list[Ceilings]

    @property
    def cell_ms(self) -> list[float]:
        """Milliseconds per step and cell, by round."""
        return [1e3 * it / self.cells for it in self.seconds]

    @property
    def arithmetic(self) -> list[float]:
        """Of the step's time, what its products take at the round's matrix ceiling."""
        return self._shares(lambda limit: self.work.flops / limit.flops)

    @property
    def roofline(self) -> list[float]:
        """Of the step's time, what its operations take at least (`Work.least_seconds`)."""
        return self._shares(self.work.least_seconds)

    def _shares(self, least: Callable[[Ceilings], float]) -> list[float]:
        rounds = zip(self.ceilings, self.seconds, strict=True)
        return [least(limit) / taken for limit, taken in rounds]


def measure(title: str, cases: Mapping[str, Trained], settings: Settings) -> dict[str, Measured]:
    """Time the steps of stacks and count their work."""
    done = {name: it.work() for name, it in cases.items()}
    timers = {name: it.timer(settings.seconds) for name, it in cases.items()}
    limits = f"{title}, ceilings"
    found = in_turns(title, {limits: lambda: ceilings(settings.small)} | timers, settings.rounds)
    return {
        name: Measured(it.cells, done[name], found[name], found[limits])
        for name, it in cases.items()
    }
