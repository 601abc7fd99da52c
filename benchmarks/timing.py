"""Cases timed in turns, round by round, so that a slow minute of the machine meets all of them."""

import statistics
import sys
import time
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

__all__ = ["Settings", "in_turns", "seconds", "spread"]

Key, Value = TypeVar("Key", bound=Hashable), TypeVar("Value")


@dataclass(frozen=True)
class Settings:
    """How much is measured.

    Attributes:
        rounds: of each comparison.
        seconds: that one measurement of a step takes, about.
        small: tiny sizes, to see that everything runs; the figures then mean nothing.
    """

    rounds: int = 5
    seconds: float = 0.4
    small: bool = False


def seconds(function: Callable[[], object]) -> float:
    """Wall-clock seconds that a call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def in_turns(
    title: str, cases: Mapping[Key, Callable[[], Value]], rounds: int
) -> dict[Key, list[Value]]:
    """Call each case once a round, one after another, and return its values by round.

    A line a round on stderr tells where it is. What a first call warms up is the case's own matter.
    """
    found = {name: [] for name in cases}
    for index in range(rounds):
        print(f"{title}: round {index + 1} of {rounds}", file=sys.stderr, flush=True)
        for name, case in cases.items():
            found[name].append(case())
    return found


def spread(values: Iterable[float], form: str = ".2f") -> str:
    """The median, and the least and the most in brackets."""
    values = sorted(values)
    least, middle, most = (
        format(it, form) for it in (values[0], statistics.median(values), values[-1])
    )
    return f"{middle} ({least}–{most})"
