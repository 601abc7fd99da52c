"""The one trainer: players take their turns, step by step, over a stack of cells."""

import math
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing import parent_process

import torch
from torch import Tensor
from tqdm import tqdm

from bench.ahead import STEPS, Ahead
from bench.descent import Descent
from bench.history import History
from bench.mistake import Mistake
from bench.noise import Noise
from bench.points import Points
from bench.progress import Keeper, Progress
from bench.recorded import Turns
from bench.systems.base import Autoencoder, Step

__all__ = ["Order", "Trainer", "train"]


def train(
    system: Autoencoder,
    points: Points,
    order: Callable[[int, int], Tensor],
    steps: int,
    seed: int,
    epoch: int | None = None,
    stretch: int | None = None,
    title: str = "",
    schedule: str = "falling",
    after: Callable[[int], None] = lambda done: None,
    history: History | None = None,
    keeper: Keeper | None = None,
) -> list[int | None]:
    """Train a stack in place.

    Arguments:
        system: the stack.
        points: to train on.
        order: (step, turn) to the rows of a batch [batch].
        steps: number of steps; in each, every player takes its turns.
        seed: decides all noise.
        epoch: steps in an epoch; None where all of them are one.
        stretch: steps that the history takes means over; None where it is epochs.
        title: what a progress line begins with.
        schedule: of the learning rates: constant, or falling to zero over the second half.
        after: called after each step with the number of steps done.
        history: takes, of each stretch, the players' losses by their names and what losses note.
        keeper: to go on from, and to write now and then; it is left for the caller to remove.

    Returns:
        For each cell the step at which its loss or parameters stopped being finite, else None.
        Cells never meet in a sum, so a diverged cell leaves the others' bits as they are.
    """
    epoch = epoch or steps
    stretch = stretch or epoch
    history = history or History(system.exists.sum((-2, -1)).int().tolist())
    trainer = Trainer(system, points, order, steps, seed, epoch, schedule, history)
    optimisers = [descent.optimiser for _, descent, _ in trainer.parties]
    progress = Progress(system, optimisers, history, trainer.diverged)
    done = keeper.resume(progress) if keeper else 0
    for index in _steps(done, steps if trainer.parties else 0, title):
        trainer.step(index)
        lost = None not in trainer.diverged
        if (index + 1) % stretch == 0 or index + 1 == steps or lost:
            history.close((index + 1) / epoch, index + 1)
        if lost:
            break
        after(index + 1)
        if keeper:
            keeper.after(index + 1, progress)
    for parameter in system.parameters():
        # A lone cell's convolutions have no cell axis.
        finite = parameter.detach().reshape(len(trainer.diverged), -1).isfinite().all(1)
        trainer.note(finite, steps)
    return trainer.diverged


_BYTES = 2**20
"""Of batches that are read at once, at most: they stay in the cache."""


class Trainer:
    """What takes a step of a stack's training; arguments as of `train`.

    Attributes:
        parties: the players in order, each with its optimiser and its turns.
        diverged: for each cell the step at which its loss stopped being finite, or None.
    """

    def __init__(
        self,
        system: Autoencoder,
        points: Points,
        order: Callable[[int, int], Tensor],
        steps: int,
        seed: int,
        epoch: int,
        schedule: str,
        history: History,
    ):
        self.system, self.points, self.order, self.history = system, points, order, history
        self.steps, self.seed, self.epoch, self.schedule = steps, seed, epoch, schedule
        self.parties = []
        for player in system.players():
            parameters = [it for module in player.modules for it in module.parameters()]
            descent = Descent(player.optimiser, parameters, player.lr)
            turns = Turns(player.loss, descent, system.buffers)
            self.parties.append((player, descent, turns))
        self.diverged: list[int | None] = [None] * len(system.exists)
        self._batches, self._at_once = Ahead(self._read), 1
        system.train()

    def step(self, index: int) -> None:
        """Take the step of this number: all players' turns."""
        if index % self.epoch == 0:
            self.system.begin_epoch(Noise(self.seed, epoch=index // self.epoch))
            if type(self.system).begin_epoch is not Autoencoder.begin_epoch:
                for _, _, turns in self.parties:
                    turns.forget()
        for player, descent, turns in self.parties:
            first, last = (round(self.steps * share) for share in player.span)
            if not first <= index < last:
                continue
            if player.anneal and self.schedule == "falling":
                left = 1 - (index - first) / (last - first)
                descent.rate(player.lr * min(1.0, 2 * left))
            for turn in range(player.turns):
                rows, batch = self._batches(index, turn)
                noise = Noise(self.seed, step=index, turn=turn)
                step = Step(index, self.steps, noise, rows, self.history.note)
                loss, total = turns(batch, step)
                self.history.note(player.name, loss, kept=True)
                # No sum with a number that is not finite is.
                if not math.isfinite(total.item()):
                    self.note(loss.isfinite(), index)
                player.after(batch, step)

    def _read(self, index: int, turn: int) -> list[tuple[Tensor, Tensor]]:
        """Rows and batches of this step and the next ones."""
        last = min(index + self._at_once, self.steps)
        rows = [self.order(step, turn) for step in range(index, last)]
        if len(rows) == 1:
            batch = self.points[rows[0]]
            # Each batch begins where memory for a tensor of its own could, lest a bit hang on it.
            if isinstance(rows[0], Tensor) and batch.nbytes % 64 == 0:
                self._at_once = max(1, min(STEPS, _BYTES // batch.nbytes))
            return [(rows[0], batch)]
        batches = self.points[torch.cat(rows)].split([len(it) for it in rows])
        return list(zip(rows, batches, strict=True))

    def note(self, finite: Tensor, index: int) -> None:
        """Keep the number of this step for cells [cells] that have diverged just now."""
        if not finite.all():
            for cell in (~finite).nonzero()[:, 0].tolist():
                if self.diverged[cell] is None:
                    self.diverged[cell] = index


def _steps(done: int, steps: int, title: str) -> Iterator[int]:
    """The steps that are left, with a bar on a terminal and a plain line every tenth of the way in
    a log, or where several processes share the terminal."""
    # Bars of several processes would write over one another.
    terminal = sys.stderr.isatty() and parent_process() is None
    start = time.monotonic()
    left = range(done, steps)
    for index in tqdm(left, title, steps, unit="step", disable=not terminal, initial=done):
        yield index
        if not terminal and (index + 1) % max(1, steps // 10) == 0:
            speed = (index + 1 - done) / max(1e-9, time.monotonic() - start)
            print(
                f"{title}: step {index + 1} of {steps}, {speed:.1f} steps/s, "
                f"{(steps - index - 1) / speed:.0f} s left",
                file=sys.stderr,
                flush=True,
            )


class Order:
    """Rows of mini-batches: each epoch all of them once (but for a remainder), in an order that
    depends on data set and seed only; one order for each turn.

    Arguments:
        count: how many rows there are.
        size: of a batch.
        seed: decides the order.
    """

    def __init__(self, count: int, size: int, seed: int):
        if size > count:
            raise Mistake(f"a batch of {size} from {count} training points")
        self.count, self.size, self.seed = count, size, seed
        self._orders: dict[int, tuple[int, Tensor]] = {}

    @property
    def epoch(self) -> int:
        """Steps in an epoch."""
        return self.count // self.size

    def __call__(self, index: int, turn: int) -> Tensor:
        epoch, place = divmod(index, self.epoch)
        if self._orders.get(turn, (-1,))[0] != epoch:
            noise = Noise(self.seed, purpose="order", epoch=epoch, turn=turn)
            self._orders[turn] = (epoch, noise.permutation("order", self.count))
        return self._orders[turn][1][place * self.size : (place + 1) * self.size]
