"""A curve's training by number of steps: whether its cost is linear in them."""

from functools import partial

from benchmarks.divided import Divided
from benchmarks.markdown import table
from benchmarks.stacks import CURVE
from benchmarks.timing import Settings, in_turns, seconds, spread

__all__ = ["section"]

_ROUNDS = 3
"""At most: they are long."""


def section(settings: Settings) -> str:
    """The table by number of steps, of WAE-MMD with 8 cells."""
    rounds = min(settings.rounds, _ROUNDS)
    budgets = (2, 4) if settings.small else (250, 500, 1000, 2000)
    stack = Divided("wae-mmd", CURVE[1::2])
    stack.train(2)
    cases = {steps: partial(seconds, partial(stack.train, steps)) for steps in budgets}
    found = in_turns("steps", cases, rounds)
    rows = [
        (str(steps), spread(taken), spread(1e3 * it / steps for it in taken))
        for steps, taken in found.items()
    ]
    note = f"WAE-MMD, 8 cells; medians (least–most) over {rounds} rounds."
    return table("Steps", note, ("steps", "seconds in all", "ms per step"), rows)
