"""What steps of training take from elsewhere, made for some of them at once: the code that makes it
is then in the caches for all but the first, where among a step's other work it would be for none.
"""

from collections.abc import Callable, Sequence

__all__ = ["STEPS", "Ahead"]

STEPS = 16
"""What so many steps take is made at once, at most."""


class Ahead:
    """What each turn of each step takes.

    Arguments:
        make: (index, turn, …) to what this turn takes of the step of this number and of the next
            ones; at least of the first.
    """

    def __init__(self, make: Callable[..., Sequence]):
        self._make, self._made = make, {}

    def __call__(self, index: int, turn: int, *given):
        """What this turn of this step takes; `make` is given the rest."""
        first, made = self._made.get(turn, (index, ()))
        if not first <= index < first + len(made):
            first, made = self._made[turn] = index, self._make(index, turn, *given)
        return made[index - first]
