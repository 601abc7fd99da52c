"""A player's turn as a list of torch's operations: recorded once, and from then on repeated without
autograd. They are the same operations on the same numbers, and so the same bits, in less time: what
torch and Python do around a small operation takes as long as itself.
"""

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import disable_proxy_modes_tracing, make_fx
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from bench import device
from bench.descent import Descent
from bench.noise import Noise
from bench.repeated import Draw, Repeated
from bench.systems.base import Step

__all__ = ["AT", "Turns", "Unsteady"]

AT = 200
"""The call that is recorded, which takes as long as some tens of others: a short training goes
without."""


class Turns:
    """A player's turns: a loss, its gradients, and the update by them.

    What a loss computes hangs on its batch, its step, parameters and buffers: nothing else is in a
    checkpoint. Of its step it is given anew what it drew from the noise when it was recorded. One
    that asks its step for anything else that changes, or looks at a tensor's numbers to decide what
    to do or of which shape, is not recorded. On a GPU none is: that has not been tried.

    Arguments:
        loss: a player's.
        descent: its parameters and optimiser.
        buffers: to the tensors that the loss may write to.

    Attributes:
        recorded: whether a recording is repeated.
        refusal: why it could not be recorded, where that was tried.
    """

    def __init__(
        self,
        loss: Callable[[Tensor, Step], Tensor],
        descent: Descent,
        buffers: Callable[[], Iterable[Tensor]],
    ):
        self.loss, self.descent, self.buffers = loss, descent, buffers
        self.refusal: Exception | None = None
        self._calls, self._repeat = 0, None

    @property
    def recorded(self) -> bool:
        return self._repeat is not None

    def forget(self) -> None:
        """Record anew, for tensors may be others than they were."""
        self._calls, self._repeat = min(self._calls, AT - 1), None

    def __call__(self, batch: Tensor, step: Step) -> tuple[Tensor, Tensor]:
        """Take one with a batch [batch, data]: the loss [cells] before the update, which nobody
        writes to any more, and its sum []."""
        if self._repeat:
            return self._repeat(batch, step)
        self._calls += 1
        if self._calls == AT and device.current().type == "cpu":
            return self._record(batch, step)
        loss, total, gradients = self._run(batch, step)
        self.descent.step(gradients)
        return loss, total

    def _run(self, batch: Tensor, step: Step) -> tuple[Tensor, Tensor, Sequence[Tensor]]:
        loss = self.loss(batch, step)
        total = loss.sum()
        gradients = torch.autograd.grad(total, self.descent.parameters)
        return loss.detach().clone(), total.detach(), gradients

    def _record(self, batch: Tensor, step: Step) -> tuple[Tensor, Tensor]:
        """A turn by which the next ones are repeated, where that can be."""
        noise, notes, found = _Heard(step.noise, []), [], []

        def note(quantity: str, values: Tensor) -> None:
            # A copy, as the history takes it: a loss may go on to write to what it noted.
            notes.append((quantity, values.detach().clone()))

        def turn(batch: Tensor) -> list[Tensor]:
            with _Unread(), _Undecided():
                found[:] = self._run(batch, _Steady(*step)._replace(noise=noise, note=note))
            return [*found[:2], *found[2], *(values for _, values in notes)]

        buffers = list(self.buffers())
        before = [buffer.clone() for buffer in buffers]
        try:
            graph = make_fx(turn)(batch)
        except Exception as error:
            # What is an error of the loss itself is raised below once more.
            self.refusal = error
            for buffer, value in zip(buffers, before, strict=True):
                buffer.copy_(value)
            return self(batch, step)
        loss, total, gradients = found
        self.descent.step(gradients)
        quantities = [quantity for quantity, _ in notes]
        self._repeat = Repeated(graph, noise.draws, quantities, self.descent)
        for noted in notes:
            step.note(*noted)
        return loss, total


class _Heard(Noise):
    """A turn's noise that notes what is drawn from it; drawing is no part of the recording."""

    def __init__(self, turn: Noise, draws: list[Draw], /, **axes: int | str):
        super().__init__(turn.seed, **turn.axes | axes)
        self._turn, self._own, self.draws = turn, axes, draws

    def at(self, **axes):
        return _Heard(self._turn, self.draws, **self._own | axes)

    def generator(self, name):
        raise Unsteady

    def normal(self, name, count, width):
        return self._drawn("normal", name, count, width)

    def uniform(self, name, count):
        return self._drawn("uniform", name, count)

    def permutation(self, name, count):
        return self._drawn("permutation", name, count)

    def _drawn(self, method: str, *arguments: int | str) -> Tensor:
        with disable_proxy_modes_tracing():
            value = getattr(self._turn.at(**self._own), method)(*arguments)
        self.draws.append(Draw(self._own, method, arguments, value))
        return value


class Unsteady(Exception):
    """What a loss does may hang on something that is not the same at the next step."""


_DECIDED = torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape


class _Undecided(TorchDispatchMode):
    """Refuses what makes a Python number, or a tensor's shape, of a tensor's numbers."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if any(tag in function.tags for tag in _DECIDED):
            raise Unsteady
        return function(*args, **(kwargs or {}))


class _Unread(TorchFunctionMode):
    """Refuses what reads a tensor's numbers without an operation."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if function in (Tensor.tolist, Tensor.numpy, Tensor.__array__):
            raise Unsteady
        return function(*args, **(kwargs or {}))


def _refuse(step: Step):
    raise Unsteady


class _Steady(Step):
    """A step that does not tell where training is."""

    index = progress = rows = property(_refuse)
